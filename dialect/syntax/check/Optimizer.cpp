// An optimiser's body, once per checkpoint entry: `weight`, `grad` and `step` in, the new weight
// and the new slots out. The weight's axes are the groups `rows` and `cols`; axes that come from
// repeats are hidden, so each layer is a weight of its own.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

void Training::update(size_t state, const Tensor &gradient) {
  std::vector<LayerGroup> groups = layerGroups(state);
  Location at = optimizer->at;
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
    updateLayers(state, gradient, group);
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

size_t Training::slotFor(size_t state, const ast::StateDecl::Item &item, Scope &s) {
  const StateDecl decl = c.graph.states[state]; // a copy: a slot is added below
  StateDecl slot;
  slot.name = decl.name + "." + item.name.text;
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
    slot.tensors.push_back({tensor.name + "." + item.name.text, tensor.index});
  auto number = c.numberOf(c.eval(s, *item.initial));
  if (!number)
    c.fail(item.initial->at, "a slot of an optimizer starts as a number");
  auto [known, isNew] = slots.insert({{state, item.name.text}, 0});
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
void Training::updateLayers(size_t state, const Tensor &gradient, const LayerGroup &group) {
  StateDecl decl = c.graph.states[state]; // a copy: slots are added below
  StateInfo info = c.states[state];
  Rule *own =
      ruleFor(state, group.layers[0], [](const Rule &r) { return r.optimizer.has_value(); });
  OptimizerChoice &choice = own ? *own->optimizer : *optimizer;
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
  s->names["step"] =
      c.op2("add", c.toReal(c.readScalar(c.stateNamed.at("step")), at), c.literal(1), at);
  for (const ast::Parameter &p : decl_->parameters)
    s->names[p.name.text] = layeredSetting(state, group, choice, p, *s);

  std::string oldPath = c.currentPath;
  c.currentPath = "update." + decl.name;
  c.activations.push_back({at, decl_->name.text});
  s->states["weight"] = state;
  for (const ast::StmtPtr &statement : decl_->body.statements) {
    auto *stateDecl = ast::as<ast::StateDecl>(statement);
    if (!stateDecl) {
      c.evalStatement(s, *statement);
      continue;
    }
    for (const ast::StateDecl::Item &item : stateDecl->items) {
      size_t slot = slotFor(state, item, *s);
      s->names[item.name.text] = c.readScalar(slot);
      s->states[item.name.text] = slot;
    }
  }
  if (!c.entry->written.count(state))
    c.error(decl_->name.at, fmt::format("optimizer {} never assigns weight", decl_->name.text))
        .help("weight = weight - lr * grad")
        .fail();
  c.activations.pop_back();
  c.currentPath = oldPath;
}

} // namespace frit::checking
