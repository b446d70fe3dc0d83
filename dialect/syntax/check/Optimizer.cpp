// An optimiser's body, once per checkpoint entry: `weight`, `grad` and `step` in, the new weight
// and the new slots out. The weight's axes are the groups `rows` and `cols`; axes that come from
// repeats are hidden, so each layer is a weight of its own.
#include "dialect/syntax/check/Pieces.h"
#include <algorithm>

namespace frit::checking {

/// Of `for`, of the run, of train: the first that there is. Only a run's own is not shared.
OptimizerChoice &Training::choiceFor(size_t state, size_t layer, bool &isOwn) {
  Rule *rule = ruleFor(state, layer, [](const Rule &r) { return r.optimizer.has_value(); });
  isOwn = !rule && current->optimizer.has_value();
  return rule ? *rule->optimizer : isOwn ? *current->optimizer : *optimizer;
}

/// The number of the update about to be made, from 1: of several runs all count that train the
/// weight by the same optimiser.
Tensor Training::updatesOf(size_t state, size_t layer, bool isOwn, Location at) {
  Tensor steps =
      c.readScalar(c.stateNamed.at(current->name.empty() ? "step" : "step." + current->name));
  if (!isOwn)
    for (Run &run : runs) {
      bool isShared = !run.optimizer ||
                      ruleFor(state, layer, [](const Rule &r) { return r.optimizer.has_value(); });
      if (&run != current && run.trained.count(state) && isShared)
        steps = c.op2("add", steps, c.readScalar(c.stateNamed.at("step." + run.name)), at);
    }
  return c.op2("add", c.toReal(steps, at), c.literal(1), at);
}

/// A slot whose old value nothing reads is not kept: `m = momentum * m + grad` of sgd without
/// momentum is `m = grad`. What is multiplied by a zero that no flag can change is not read.
/// `first` is the first node of the update, `mine` are its slots.
void Training::dropDeadSlots(size_t state, size_t first, const std::vector<size_t> &mine) {
  std::vector<Node> &nodes = c.entry->decl.body.nodes;
  std::set<ValueId> zeros, live = {c.entry->written.at(state)};
  auto isNothing = [&](const Node &node) {
    return node.op == "mul" && (zeros.count(node.operands[0]) || zeros.count(node.operands[1]));
  };
  for (const Node &node : nodes)
    if (node.op == "constant" && std::get<double>(node.attributes.at("value")) == 0)
      zeros.insert(node.results[0]);
  for (size_t slot : mine)
    live.insert(c.readState(slot)); // what it becomes
  for (size_t i = nodes.size(); i-- > first;)
    if (!isNothing(nodes[i]) && std::any_of(nodes[i].results.begin(), nodes[i].results.end(),
                                            [&](ValueId id) { return live.count(id) > 0; }))
      usesOf(nodes[i], live);
  auto isKept = [&](size_t slot) { return live.count(c.entry->read.at(slot)) > 0; };
  std::set<ValueId> gone;
  for (size_t slot : mine)
    if (!isKept(slot)) {
      gone.insert(c.entry->read.at(slot));
      c.entry->written.erase(slot);
      deadSlots.insert(c.graph.states[slot].name);
    }
  for (size_t i = first; i < nodes.size() && !gone.empty(); ++i) {
    Node &node = nodes[i];
    std::set<ValueId> uses;
    usesOf(node, uses);
    if (std::none_of(uses.begin(), uses.end(), [&](ValueId id) { return gone.count(id) > 0; }))
      continue;
    if (!isNothing(node)) {
      gone.insert(node.results.begin(), node.results.end());
      continue;
    }
    const ValueType &type = c.graph.types[node.results[0]];
    node.op = "constant";
    node.operands.clear();
    node.attributes = {
        {"value", 0.0}, {"element", std::string(name(type.element))}, {"axes", type.axes}};
  }
}

void Training::update(size_t state, const Tensor &gradient) {
  std::vector<LayerGroup> groups = layerGroups(state);
  Location at = (current->optimizer ? *current->optimizer : *optimizer).at;
  auto tensorOf = [&](ValueId id) {
    Tensor x;
    x.id = id;
    x.type = c.graph.types[id];
    return x;
  };
  // What each group writes, and who of the layers takes it.
  std::map<size_t, ValueId> before = c.entry->written, after;
  for (const LayerGroup &group : groups) {
    c.entry->written = before;
    updateLayers(state, gradient, group, groups.size() == 1);
    for (auto &[written, value] : c.entry->written) {
      if (before.count(written))
        continue;
      if (groups.size() == 1) {
        after[written] = value;
        continue;
      }
      std::vector<bool> mine(c.graph.states[state].tensors.size());
      for (size_t k : group.layers)
        mine[k] = true;
      Tensor rest = tensorOf(after.count(written) ? after[written] : c.entry->read.at(written));
      Tensor merged = c.select(*scope, layerMask(state, mine, at), tensorOf(value), rest, at);
      after[written] = c.materialize(merged, at);
    }
  }
  c.entry->written = before;
  for (auto &[written, value] : after) {
    // A slot may be written without being read; its old value is what frozen layers keep.
    Tensor old = c.readScalar(written);
    c.entry->written[written] = c.materialize(whereFrozen(state, old, tensorOf(value), at), at);
  }
}

size_t Training::slotFor(size_t state, const ast::StateDecl::Item &item, Scope &s, bool isOwn) {
  const StateDecl decl = c.graph.states[state]; // a copy: a slot is added below
  // Two optimisers of one weight keep apart what they remember.
  const std::string suffix = "." + (isOwn ? current->prefix() : "") + item.name.text;
  StateDecl slot;
  slot.name = decl.name + suffix;
  slot.role = "slot";
  slot.location = item.name.at;
  slot.stacked = decl.stacked;
  slot.type = decl.type;
  if (item.type) {
    slot.type.axes.assign(decl.type.axes.begin(), decl.type.axes.begin() + decl.stacked);
    for (const Axis &axis : c.typeAxes(s, item.type->axes))
      slot.type.axes.push_back(axis);
  }
  for (const StateTensor &tensor : decl.tensors)
    slot.tensors.push_back({tensor.name + suffix, tensor.index});
  auto number = c.numberOf(c.eval(s, *item.initial));
  if (!number)
    c.fail(item.initial->at, "a slot of an optimizer starts as a number");
  auto [known, isNew] = slots.insert({slot.name, 0});
  if (isNew) {
    known->second = c.addState({}, slot);
    slotInitial[known->second] = number->value;
  } else if (const StateDecl &other = c.graph.states[known->second];
             !(other.type == slot.type) || slotInitial[known->second] != number->value) {
    c.error(item.name.at, fmt::format("'{}' has another shape or beginning in the optimizer of "
                                      "other layers",
                                      slot.name))
        .note(other.location, "there it is declared here")
        .fail();
  }
  return known->second;
}

/// The body once, for the whole state, as it is for the layers of `group`.
void Training::updateLayers(size_t state, const Tensor &gradient, const LayerGroup &group,
                            bool isOnly) {
  StateDecl decl = c.graph.states[state]; // a copy: slots are added below
  StateInfo info = c.states[state];
  bool isOwn = false;
  OptimizerChoice &choice = choiceFor(state, group.layers[0], isOwn);
  auto *decl_ = ast::as<ast::Optimizer>(choice.declared.decl);

  auto s = std::make_shared<Scope>();
  s->file = choice.declared.file;
  s->site = "update/" + decl.name;
  for (const Axis &axis : decl.type.axes)
    s->taken.insert(axis.name);
  for (int64_t i = 0; i < decl.stacked; ++i)
    s->hidden.insert(decl.type.axes[i].name);
  s->names["rows"] = Group{info.rows};
  s->names["cols"] = Group{info.cols};
  Location at = choice.at;
  Tensor weight;
  weight.id = c.entry->read.at(state);
  weight.type = decl.type;
  s->names["weight"] = weight;
  s->names["grad"] = gradient;
  s->names["step"] = updatesOf(state, group.layers[0], isOwn, at);
  for (const ast::Parameter &p : decl_->parameters)
    s->names[p.name.text] = layeredSetting(state, group, choice, p, *s);

  std::string oldPath = c.currentPath;
  c.currentPath = "update." + decl.name;
  c.activations.push_back({at, decl_->name.text});
  s->states["weight"] = state;
  size_t first = c.entry->decl.body.nodes.size();
  std::vector<size_t> mine;
  for (const ast::StmtPtr &statement : decl_->body.statements) {
    auto *stateDecl = ast::as<ast::StateDecl>(statement);
    if (!stateDecl) {
      c.evalStatement(s, *statement);
      continue;
    }
    for (const ast::StateDecl::Item &item : stateDecl->items) {
      size_t slot = slotFor(state, item, *s, isOwn);
      mine.push_back(slot);
      s->names[item.name.text] = c.readScalar(slot);
      s->states[item.name.text] = slot;
    }
  }
  if (!c.entry->written.count(state))
    c.error(decl_->name.at, fmt::format("optimizer {} never assigns weight", decl_->name.text))
        .help("weight = weight - lr * grad")
        .fail();
  if (isOnly) // another group may need the slot
    dropDeadSlots(state, first, mine);
  c.activations.pop_back();
  c.currentPath = oldPath;
}

} // namespace frit::checking
