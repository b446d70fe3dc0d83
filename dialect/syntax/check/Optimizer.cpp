// An optimiser's body, once per checkpoint entry: `weight`, `grad` and `step` in, the new weight
// and the new slots out. The weight's axes are the groups `rows` and `cols`; axes that come from
// repeats are hidden, so each layer is a weight of its own.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

void Training::update(size_t state, const Tensor &gradient) {
  StateDecl decl = c.graph.states[state]; // a copy: slots are added below
  StateInfo info = c.states[state];
  Rule *own = ruleFor(state, [](const Rule &r) { return r.optimizer.has_value(); });
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
  for (const ast::Parameter &p : decl_->parameters) {
    const std::string &name = p.name.text;
    Rule *rule = ruleFor(state, [&](const Rule &r) { return r.settings.count(name) > 0; });
    if (rule)
      s->names[name] = settingValue(rule->settings.at(name), *s);
    else if (auto found = choice.settings.find(name); found != choice.settings.end())
      s->names[name] = settingValue(found->second, *s);
    else
      s->names[name] = c.eval(*s, *p.initial);
  }

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
      auto key = std::make_pair(state, item.name.text);
      if (!slots.count(key)) {
        StateDecl slot;
        slot.name = decl.name + "." + item.name.text;
        slot.role = "slot";
        slot.location = item.name.at;
        slot.stacked = decl.stacked;
        slot.type = decl.type;
        if (item.type) {
          slot.type.axes.assign(decl.type.axes.begin(), decl.type.axes.begin() + decl.stacked);
          for (const Axis &axis : c.typeAxes(*s, item.type->axes))
            slot.type.axes.push_back(axis);
        }
        for (const StateTensor &tensor : decl.tensors)
          slot.tensors.push_back({tensor.name + "." + item.name.text, tensor.index});
        auto number = c.numberOf(c.eval(*s, *item.initial));
        if (!number)
          c.fail(item.initial->at, "a slot of an optimizer starts as a number");
        slots[key] = c.addState({}, std::move(slot));
        slotInitial[slots[key]] = number->value;
      }
      s->names[item.name.text] = c.readScalar(slots[key]);
      s->states[item.name.text] = slots[key];
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
