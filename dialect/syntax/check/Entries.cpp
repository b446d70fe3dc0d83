// The entries of a program: train, eval_begin / eval / report, predict, gradients, init.
#include "dialect/syntax/check/Training.h"
#include <algorithm>
#include <cmath>
#include <utility>

namespace frit::checking {

/// A node without results that writes a state.
static void write(Checker &c, ValueId value, size_t state, Location at) {
  Node node;
  node.op = "write";
  node.operands = {value};
  node.attributes["state"] = c.graph.states[state].name;
  node.location = at;
  c.block().nodes.push_back(std::move(node));
}

std::vector<Tensor> Training::gradients(const Tensor &loss, const std::vector<size_t> &wrt,
                                        Location at) {
  Node node;
  node.op = "gradient";
  node.operands = {c.materialize(loss, at)};
  node.location = at;
  std::vector<ValueType> types;
  for (size_t state : wrt) {
    node.operands.push_back(c.entry->read.at(state));
    types.push_back(c.graph.states[state].type);
  }
  std::vector<Tensor> out;
  for (ValueId id : c.append(std::move(node), types))
    out.push_back(c.tensorOf(id));
  return out;
}

/// What follows the weights that a step changed: models made by ema(m, d), and for the field `ema`
/// a second set of weights, which eval and predict use.
void Training::follow(const std::vector<size_t> &wrt, Location at) {
  auto move = [&](size_t follower, size_t followed, Setting &decay) {
    auto written = c.entry->written.find(followed);
    if (written == c.entry->written.end())
      return;
    Tensor keep = c.toReal(c.toTensor(*scope, settingValue(decay, *scope), decay.at), at);
    Tensor old = c.readScalar(follower), now = c.tensorOf(written->second);
    std::vector<Checker::AxisChange> changes;
    for (size_t i = 0; i < old.type.axes.size(); ++i)
      changes.push_back({c.graph.states[followed].type.axes[i].name, {old.type.axes[i]}});
    now = c.renameAxes(now, changes, at);
    Tensor next = c.op2("add", c.op2("mul", keep, old, at),
                        c.op2("mul", c.op2("sub", c.literal(1), keep, at), now, at), at);
    c.entry->written[follower] = *whereFrozen(followed, old, next, at).id;
  };
  for (Follower &follower : followers)
    for (auto [state, followed] : follower.states)
      move(state, followed, follower.decay);
  if (!ema)
    return;
  for (size_t state : wrt) {
    StateDecl decl = c.graph.states[state];
    decl.name = "ema." + decl.name;
    decl.role = "slot";
    for (StateTensor &tensor : decl.tensors)
      tensor.name = "ema." + tensor.name;
    size_t average =
        c.stateNamed.count(decl.name) ? c.stateNamed[decl.name] : c.addState({}, std::move(decl));
    c.averages[state] = average;
    move(average, state, *ema);
  }
}

void Training::trainEntry(Run &run) {
  EntryState entry;
  begin(entry, run.entry("train"), true);
  Outcome outcome = objective(run);
  Location at = outcome.lossAt;
  std::vector<size_t> wrt = trainable(*outcome.loss, at);
  int64_t pieces = piecesOf(run);
  std::vector<Tensor> grads = pieces > 1 ? inPieces(outcome, wrt, pieces, *run.field("accumulate"))
                                         : gradients(*outcome.loss, wrt, at);

  for (size_t i = 0; i < wrt.size(); ++i)
    grads[i] = whereFrozen(wrt[i], c.literal(0), grads[i], at);

  Tensor square = c.literal(0);
  for (const Tensor &g : grads)
    square = c.op2("add", square, c.reduce("sum", c.op2("mul", g, g, at), g.type.axes, at), at);
  Tensor norm = c.op1("sqrt", square, at);
  if (const ast::Field *field = run.field("clip")) {
    Setting &clip = run.own.count(field) ? *run.clip : *this->clip;
    Tensor most = c.toTensor(*scope, settingValue(clip, *scope), clip.at);
    Tensor safe = c.op2("maximum", norm, c.literal(1e-12), at);
    Tensor factor = c.op2("minimum", c.op2("div", most, safe, at), c.literal(1), at);
    for (Tensor &g : grads)
      g = c.op2("mul", g, factor, at);
  }
  auto output = [&](const std::string &name, const Tensor &x) {
    entry.decl.outputs.push_back({name, c.materialize(x, at)});
  };
  output("loss", *outcome.loss);
  output("grad_norm", norm);
  OptimizerChoice &chosen = run.optimizer ? *run.optimizer : *optimizer;
  if (auto lr = chosen.settings.find("lr"); lr != chosen.settings.end())
    output("lr", c.toReal(c.toTensor(*scope, settingValue(lr->second, *scope), at), at));
  for (auto &[name, value] : outcome.reports)
    if (name != "loss" && name != "grad_norm" && name != "lr")
      output(name, value);

  for (size_t i = 0; i < wrt.size(); ++i)
    update(wrt[i], grads[i]);
  follow(wrt, at);
  for (auto &[state, value] : entry.written)
    write(c, value, state, at);
  finish(entry);
}

//===-- Evaluation --------------------------------------------------------------------------===//

namespace {
/// Which values of a block depend on an input, and how values are made.
struct Dependence {
  std::map<ValueId, const Node *> maker;
  std::set<ValueId> inputs;

  bool onInput(ValueId id, const std::map<ValueId, size_t> &cuts,
               std::map<ValueId, bool> &known) const {
    if (cuts.count(id))
      return false;
    if (auto found = known.find(id); found != known.end())
      return found->second;
    known[id] = false;
    bool out = inputs.count(id) > 0;
    if (auto made = maker.find(id); made != maker.end()) {
      for (ValueId operand : made->second->operands)
        out |= onInput(operand, cuts, known);
      // A loop or a draw is not made again after the last batch.
      out |= made->second->body != nullptr || made->second->op == "random";
    }
    known[id] = out;
    return out;
  }
};
} // namespace

/// A report is its value had the whole evaluation been one batch: every mean in it keeps its sum
/// and its count. What is not made of means is averaged over the batches.
void Training::evalEntries(Run &run) {
  EntryState entry;
  entry.cutMeans = true;
  begin(entry, run.entry("eval"), false);
  Outcome outcome = objective(run);
  Location at = outcome.lossAt;
  std::vector<std::pair<std::string, Tensor>> reports;
  reports.push_back({"loss", *outcome.loss});
  for (auto &report : outcome.reports)
    if (report.first != "loss")
      reports.push_back(report);

  Dependence dependence;
  for (const Node &node : entry.decl.body.nodes)
    for (ValueId id : node.results)
      dependence.maker[id] = &node;
  for (const EntryValue &input : entry.decl.inputs)
    dependence.inputs.insert(input.value);
  std::map<ValueId, size_t> cuts;
  for (size_t i = 0; i < entry.means.size(); ++i)
    cuts[entry.means[i].result] = i;

  // Which means and which plain values are wanted.
  std::set<size_t> wanted;
  std::map<ValueId, size_t> averaged;
  std::vector<bool> isAveraged(reports.size());
  std::vector<ValueId> roots;
  for (size_t i = 0; i < reports.size(); ++i) {
    ValueId root = c.materialize(reports[i].second, at);
    roots.push_back(root);
    std::map<ValueId, bool> known;
    isAveraged[i] = dependence.onInput(root, cuts, known);
    if (isAveraged[i]) {
      averaged.insert({root, 0});
      continue;
    }
    std::vector<ValueId> open = {root};
    std::set<ValueId> seen;
    while (!open.empty()) {
      ValueId id = open.back();
      open.pop_back();
      if (!seen.insert(id).second)
        continue;
      if (auto cut = cuts.find(id); cut != cuts.end()) {
        wanted.insert(cut->second);
        continue;
      }
      if (auto made = dependence.maker.find(id); made != dependence.maker.end())
        open.insert(open.end(), made->second->operands.begin(), made->second->operands.end());
    }
  }

  // Accumulators: sum and count of each mean; sums of the averaged and the count of batches.
  auto accumulator = [&](const std::string &name) {
    StateDecl decl;
    decl.name = name;
    decl.type = {c.real(), {}};
    decl.role = "accumulator";
    decl.location = at;
    return c.addState({}, std::move(decl));
  };
  std::map<size_t, std::pair<size_t, size_t>> meanStates;
  std::vector<size_t> all;
  std::vector<std::pair<size_t, ValueId>> adds;
  for (size_t i : wanted) {
    meanStates[i] = {accumulator(fmt::format("{}mean.{}.sum", run.prefix(), i)),
                     accumulator(fmt::format("{}mean.{}.count", run.prefix(), i))};
    adds.push_back({meanStates[i].first, entry.means[i].sum});
    adds.push_back({meanStates[i].second, entry.means[i].count});
  }
  size_t batches = 0;
  if (!averaged.empty()) {
    batches = accumulator(run.prefix() + "batches");
    size_t number = 0;
    for (auto &[root, state] : averaged) {
      state = accumulator(fmt::format("{}batch.{}.sum", run.prefix(), number++));
      adds.push_back({state, root});
    }
    adds.push_back({batches, c.materialize(c.literal(1), at)});
  }
  // States that the objective assigns stay as training left them.
  for (auto &[state, value] : adds) {
    all.push_back(state);
    Tensor sum = c.op2("add", c.readScalar(state), c.tensorOf(value), at);
    write(c, *sum.id, state, at);
  }
  std::vector<Node> nodes = entry.decl.body.nodes; // before finish empties it
  std::vector<Node> reads = entry.reads;
  finish(entry);

  EntryState beginning;
  begin(beginning, run.entry("eval_begin"), false);
  for (size_t state : all)
    write(c, c.materialize(c.literal(0), at), state, at);
  finish(beginning);

  EntryState report;
  begin(report, run.entry("report"), false);
  std::map<ValueId, ValueId> made; // value of eval -> its copy here
  std::map<ValueId, const Node *> maker;
  for (const Node &node : nodes)
    for (ValueId id : node.results)
      maker[id] = &node;
  for (const Node &node : reads)
    for (ValueId id : node.results)
      maker[id] = &node;
  std::function<ValueId(ValueId)> copy = [&](ValueId id) -> ValueId {
    if (auto found = made.find(id); found != made.end())
      return found->second;
    if (auto cut = cuts.find(id); cut != cuts.end()) {
      auto [sum, count] = meanStates.at(cut->second);
      Tensor n = c.op2("maximum", c.readScalar(count), c.literal(1), at);
      return made[id] = *c.op2("div", c.readScalar(sum), n, at).id;
    }
    const Node &node = *maker.at(id);
    if (node.op == "read") {
      size_t state = c.stateNamed.at(std::get<std::string>(node.attributes.at("state")));
      return made[id] = c.readState(state);
    }
    Node fresh = node;
    for (ValueId &operand : fresh.operands)
      operand = copy(operand);
    std::vector<ValueType> types;
    for (ValueId result : node.results)
      types.push_back(c.graph.types[result]);
    fresh.results.clear();
    std::vector<ValueId> results = c.append(std::move(fresh), types);
    for (size_t i = 0; i < results.size(); ++i)
      made[node.results[i]] = results[i];
    return made.at(id);
  };
  for (size_t i = 0; i < reports.size(); ++i) {
    ValueId value;
    if (isAveraged[i]) {
      Tensor n = c.op2("maximum", c.readScalar(batches), c.literal(1), at);
      value = *c.op2("div", c.readScalar(averaged.at(roots[i])), n, at).id;
    } else {
      value = copy(roots[i]);
    }
    report.decl.outputs.push_back({reports[i].first, value});
  }
  finish(report);
}

//===-- Prediction --------------------------------------------------------------------------===//

/// A model whose forward maps token[b, t; v] to categorical[b, t; v] can continue a text. Whether
/// the run has one.
bool Training::predictEntry(const Run &run) {
  for (const ast::Parameter &p : run.objective->parameters) {
    if (p.isFrozen || !p.type || !p.type->element || p.type->element->text != "model")
      continue;
    const View *view = nullptr;
    for (auto *list : {&std::as_const(models), &run.models})
      for (auto &[name, value] : *list)
        if (name == p.name.text)
          view = value.get<View>();
    if (!view || !view->instance)
      continue;
    const ast::Method *forward = nullptr;
    for (const ast::StmtPtr &member : view->instance->decl->members)
      if (auto *method = ast::as<ast::Method>(member); method && method->name.text == "forward")
        forward = method;
    if (!forward || !forward->result || forward->result->isTuple() || !forward->result->element ||
        forward->result->element->text != "categorical" || forward->parameters.empty())
      continue;
    const ast::Parameter &first = forward->parameters[0];
    bool onlyFirst = true;
    for (size_t i = 1; i < forward->parameters.size(); ++i)
      onlyFirst &= forward->parameters[i].initial != nullptr;
    if (!onlyFirst || !first.type || !first.type->element || first.type->element->text != "token" ||
        first.type->axes.size() != 2 || first.type->event.size() != 1 ||
        forward->result->axes.size() != 2 || forward->result->event.size() != 1)
      continue;
    // The sequence of the objective's data gives t and the vocabulary.
    const ast::Parameter *data = nullptr;
    for (const ast::Parameter &q : run.objective->parameters)
      if (!data && q.type && q.type->element && q.type->element->text == "sequence" &&
          q.type->axes.size() == 2 && q.type->event.size() == 1)
        data = &q;
    if (!data || forward->result->event[0].name->text != first.type->event[0].name->text ||
        data->type->event[0].name->text != first.type->event[0].name->text)
      continue;
    EntryState entry;
    begin(entry, "predict", false);
    auto s = std::make_shared<Scope>();
    s->file = run.file;
    s->site = "predict";
    std::string rows = data->type->axes[0].name->text, time = data->type->axes[1].name->text;
    s->names[rows] = Group{{{rows, 1}}};
    std::map<std::string, int64_t> known = run.sizes;
    known.insert(sizes.begin(), sizes.end());
    auto timeAxis = known.find(time);
    if (timeAxis == known.end()) {
      c.entry = nullptr;
      continue;
    }
    s->names[time] = Group{{{time, timeAxis->second}}};
    s->taken = {rows, time};
    Value ids = input(
        "ids", *first.type,
        *[&] {
          auto inner = std::make_shared<Scope>(*s);
          inner->file = view->instance->file; // whose names the signature speaks in
          inner->config = view->instance->config;
          inner->names[first.type->axes[0].name->text] = Group{{{rows, 1}}};
          inner->names[first.type->axes[1].name->text] = Group{{{time, timeAxis->second}}};
          return inner;
        }(),
        p.name.at);
    Arguments arguments;
    Argument argument;
    argument.value = ids;
    argument.at = p.name.at;
    arguments.push_back(argument);
    Value out = c.callView(*s, *view, arguments, p.name.at);
    auto *d = out.distribution();
    Tensor logits = d->fields.count("logits") ? *d->fields.at("logits")->get<Tensor>()
                                              : c.logProbs(*d, p.name.at);
    // The runtime reads it row by row.
    Axes order = {*logits.type.find(rows), *logits.type.find(time), d->event[0]};
    if (logits.type.axes != order)
      logits = c.emit("broadcast", {logits}, {{"axes", order}}, p.name.at);
    entry.decl.outputs.push_back({"logits", *logits.id});
    finish(entry);
    return true;
  }
  return false;
}

void Training::gradientsEntry(Run &run) {
  EntryState entry;
  begin(entry, run.entry("gradients"), true);
  Outcome outcome = objective(run);
  std::vector<size_t> wrt = trainable(*outcome.loss, outcome.lossAt);
  std::vector<Tensor> grads = gradients(*outcome.loss, wrt, outcome.lossAt);
  entry.decl.outputs.push_back({"loss", c.materialize(*outcome.loss, outcome.lossAt)});
  for (size_t i = 0; i < wrt.size(); ++i)
    entry.decl.outputs.push_back({c.graph.states[wrt[i]].name, *grads[i].id});
  finish(entry);
}

//===-- Initial values ----------------------------------------------------------------------===//

void Training::initEntry() {
  EntryState entry;
  entry.init = true;
  begin(entry, "init", false);
  std::map<size_t, ValueId> values;
  std::map<size_t, size_t> source(copies.begin(), copies.end());
  for (auto &[parameter, average] : c.averages)
    source[average] = parameter;
  auto fresh = [&](size_t state) -> ValueId {
    const StateDecl &decl = c.graph.states[state];
    const StateInfo &info = c.states[state];
    const ast::Expr *initial = info.initial;
    bool drawn = false;
    auto s = info.scope;
    Location at = decl.location;
    if (info.declaration) {
      if (auto *param = info.declaration->param) {
        initial = param->initial.get();
        drawn = param->isDrawn;
      } else {
        initial = info.declaration->state->initial.get();
      }
      s = std::make_shared<Scope>();
      s->file = info.instance->file;
      s->self = info.instance;
      s->config = info.instance->config;
      s->site = decl.name;
      for (const Axis &axis : decl.type.axes)
        s->taken.insert(axis.name);
    }
    if (!initial) {
      auto found = slotInitial.find(state);
      return c.materialize(c.uniform(Number::real(found == slotInitial.end() ? 0 : found->second),
                                     decl.type.element, decl.type.axes),
                           at);
    }
    c.currentPath = info.instance ? info.instance->path() : "";
    Value value = c.eval(*s, *initial);
    // From the names of the body to the axes of the state.
    auto settle = [&](Tensor x) {
      x = c.toReal(x, initial->at);
      if (info.declaration)
        for (size_t i = 0; i < info.declaration->declared.size(); ++i) {
          const Axes &bound = info.declaration->bound[i];
          size_t have = 0;
          for (const Axis &axis : bound)
            have += x.type.find(axis.name) != nullptr;
          if (have == 0)
            continue;
          x = c.expand(x, bound, initial->at);
          x = c.mergeAxes(x, bound, info.declaration->declared[i].name, initial->at);
        }
      for (const Axis &axis : x.type.axes)
        if (const Axis *mine = decl.type.find(axis.name); !mine || mine->size != axis.size)
          c.fail(initial->at, fmt::format("'{}' is {} and starts as {}", decl.name,
                                          c.describe(decl.type, *s), c.describe(Value(x), *s)));
      return x;
    };
    if (auto *d = value.distribution()) {
      if (d->kind != Distribution::Kind::Normal)
        c.fail(initial->at, fmt::format("a parameter cannot start as a {}", name(d->kind)));
      uint32_t site = 2166136261u;
      for (unsigned char ch : decl.name)
        site = (site ^ ch) * 16777619u;
      Tensor noise =
          c.emit("random",
                 {c.readScalar(c.stateNamed.at("seed")), c.uniform(Number::whole(0), Element::I32)},
                 {{"axes", decl.type.axes},
                  {"element", std::string(frit::name(decl.type.element))},
                  {"distribution", std::string("normal")},
                  {"site", int64_t(site)}},
                 at);
      Tensor std = settle(*d->fields.at("std")->get<Tensor>());
      Tensor mean = settle(*d->fields.at("mean")->get<Tensor>());
      Tensor x = c.op2("add", c.op2("mul", noise, std, at), mean, at);
      return c.materialize(x, at);
    }
    if (drawn)
      c.error(initial->at,
              fmt::format("'~' wants a distribution, this is {}", c.describe(value, *s)))
          .help("say = for a value")
          .fail();
    Tensor x = settle(c.toTensor(*s, value, initial->at));
    return c.materialize(c.expand(x, decl.type.axes, at), at);
  };
  std::function<ValueId(size_t)> valueOf = [&](size_t state) -> ValueId {
    if (auto found = values.find(state); found != values.end())
      return found->second;
    if (auto from = source.find(state); from != source.end()) {
      Tensor x = c.tensorOf(valueOf(from->second));
      std::vector<Checker::AxisChange> changes;
      const Axes &own = c.graph.states[state].type.axes;
      for (size_t i = 0; i < own.size(); ++i)
        changes.push_back({c.graph.states[from->second].type.axes[i].name, {own[i]}});
      return values[state] = c.materialize(c.renameAxes(x, changes, c.graph.states[state].location),
                                           c.graph.states[state].location);
    }
    ValueId id = fresh(state);
    values[state] = id;
    return id;
  };
  for (size_t state = 0; state < c.graph.states.size(); ++state) {
    const std::string &role = c.graph.states[state].role;
    if (role == "scalar" || role == "accumulator" || deadSlots.count(c.graph.states[state].name))
      continue;
    write(c, valueOf(state), state, c.graph.states[state].location);
  }
  finish(entry);
}

} // namespace frit::checking
