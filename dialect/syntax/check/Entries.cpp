// The entries train and gradients; eval, predict and init have files of their own.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

void Training::write(size_t state, ValueId value, Location at) {
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
    write(state, value, at);
  finish(entry);
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

} // namespace frit::checking
