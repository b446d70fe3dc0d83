// A call, step by step: which argument is for which parameter, what stands inside for which axes,
// and what comes back.
#include "dialect/syntax/check/BodyCall.h"
#include <algorithm>

namespace frit::checking {

void BodyCall::sortArguments(Arguments &arguments) {
  // Which argument goes to which parameter; other names settle axes.
  std::vector<std::string> names;
  std::map<std::string, const ast::Parameter *> byName;
  for (const ast::Parameter &p : parameters)
    names.push_back(p.name.text), byName[p.name.text] = &p;
  size_t next = 0;
  for (Argument &argument : arguments) {
    if (argument.name.empty()) {
      size_t positional = 0;
      for (const ast::Parameter &p : parameters)
        positional += !p.isNamed;
      if (next >= positional)
        c.error(argument.at, fmt::format("{} takes {} argument{} by position, this is one more",
                                         what, positional, positional == 1 ? "" : "s"))
            .fail();
      given[parameters[next++].name.text] = &argument;
    } else if (byName.count(argument.name)) {
      if (given.count(argument.name))
        c.fail(argument.at, fmt::format("'{}' is given twice", argument.name));
      given[argument.name] = &argument;
    } else {
      settled[argument.name] = &argument;
    }
  }
  // A name that no type of the signature mentions is a mistake.
  std::set<std::string> formals;
  for (const ast::Parameter &p : parameters)
    if (p.type)
      for (auto *list : {&p.type->axes, &p.type->event})
        for (const ast::TypeAxis &axis : *list)
          if (axis.name && !axis.attribute)
            formals.insert(axis.name->text);
  for (auto &[name, argument] : settled)
    if (!formals.count(name)) {
      std::vector<std::string> known = names;
      known.insert(known.end(), formals.begin(), formals.end());
      c.error(argument->at, fmt::format("{} has no parameter '{}'", what, name))
          .suggest(name, known)
          .fail();
    }
}

void BodyCall::evaluateArguments() {
  // What is given is computed by the caller, and belongs to the caller's layer.
  Keep<std::string> calleePath(c.currentPath);
  c.currentPath = caller.root().path;
  for (const ast::Parameter &p : parameters)
    if (isAxis(p) && given.count(p.name.text))
      raw[p.name.text] = axisOf(*given[p.name.text], p.name.text);
  for (auto &[name, argument] : settled)
    raw[name] = axisOf(*argument, name);
  for (const ast::Parameter &p : parameters)
    if (!isAxis(p) && given.count(p.name.text)) {
      Argument &argument = *given[p.name.text];
      Value value = argument.value ? *argument.value : c.eval(caller, *argument.expr);
      if (value.nothing())
        c.fail(argument.at, "this has no value");
      values[p.name.text] = c.force(value, caller, argument.at);
    }
}

/// Graph names inside. Axes that came with `..` keep theirs; a formal whose axis is in use already
/// gets a new one.
void BodyCall::nameInside() {
  std::set<std::string> used, outer;
  for (auto &[name, value] : values)
    c.collectAxes(value, outer);
  for (auto &[name, axes] : raw)
    for (const Axis &axis : axes)
      outer.insert(axis.name);
  callee->taken.insert(outer.begin(), outer.end());
  if (rest)
    for (const Axis &axis : *rest)
      used.insert(axis.name);
  if (Instance *self = callee->self.get()) {
    Substitution now = callee->substitution;
    for (auto &[formal, axes] : self->formals)
      for (const Axis &axis : axes) {
        if (self->own.count(axis.name))
          continue;
        auto mapped = now.find(axis.name);
        std::string inside = mapped == now.end() ? axis.name : mapped->second;
        auto origin = self->origin.find(axis.name);
        std::string outside = inside;
        if (origin != self->origin.end() && !callee->apart.count(axis.name)) {
          auto m = callee->substitution.find(origin->second);
          outside = m == callee->substitution.end() ? origin->second : m->second;
        }
        if (used.count(inside) || (outside != inside && outer.count(inside)))
          inside = c.freshIn(*callee, outside);
        used.insert(inside);
        callee->taken.insert(inside);
        callee->substitution[axis.name] = inside;
        if (inside != outside) {
          back[inside] = outside;
          entry[formal][outside] = inside;
        }
      }
    for (auto &[fixed, shown] : self->own) {
      auto mapped = now.find(fixed);
      std::string inside = mapped == now.end() ? fixed : mapped->second;
      if (auto given = ownGiven.find(fixed); given != ownGiven.end()) {
        callee->substitution[fixed] = given->second;
        used.insert(given->second);
        continue;
      }
      if (used.count(inside) || outer.count(inside))
        inside = c.freshIn(*callee, shown);
      callee->taken.insert(inside);
      callee->substitution[fixed] = inside;
      callee->made[inside] = shown;
    }
  }
  for (auto &[formal, axes] : raw) {
    Group group;
    for (const Axis &axis : axes) {
      std::string inside = axis.name;
      if (used.count(inside)) {
        inside = c.freshIn(*callee, axis.name);
        back[inside] = axis.name;
        entry[formal][axis.name] = inside;
      }
      used.insert(inside);
      callee->taken.insert(inside);
      group.axes.push_back({inside, axis.size});
    }
    callee->names[formal] = group;
  }
  if (rest) {
    callee->rest = *rest;
    callee->hasRest = true;
    if (!restName.empty())
      callee->names[restName] = Group{*rest};
  }
}

void BodyCall::passGiven(const ast::Parameter &p) {
  const std::string &name = p.name.text;
  std::string label = fmt::format("'{}' of {}", name, what);
  Value value = values[name];
  if (p.type && p.type->element && p.type->element->text == "model" && !value.get<View>())
    c.fail(given[name]->at,
           fmt::format("{} is a model, this is {}", label, c.describe(value, caller)));
  if (p.type && p.type->hasAxes) {
    std::map<std::string, std::string> renamed;
    for (auto *list : {&p.type->axes, &p.type->event})
      for (const ast::TypeAxis &axis : *list)
        if (axis.name)
          if (auto found = entry.find(axis.attribute ? axis.name->text + "." + axis.attribute->text
                                                     : axis.name->text);
              found != entry.end())
            renamed.insert(found->second.begin(), found->second.end());
    if (!renamed.empty()) {
      auto moveAll = [&](const Axes &axes) {
        Axes out = axes;
        for (Axis &axis : out)
          if (auto found = renamed.find(axis.name); found != renamed.end())
            axis.name = found->second;
        return out;
      };
      value = c.mapTensors(
          value,
          [&](const Tensor &x) {
            std::vector<Checker::AxisChange> changes;
            for (const Axis &axis : x.type.axes)
              if (auto found = renamed.find(axis.name); found != renamed.end())
                changes.push_back({axis.name, {{found->second, axis.size}}});
            Tensor out = changes.empty() ? x : c.renameAxes(x, changes, at);
            if (out.vocabulary)
              out.vocabulary = moveAll({*out.vocabulary})[0];
            return out;
          },
          moveAll);
    }
    bool isScalar = !value.record() && !value.distribution() && !value.tuple() &&
                    (!value.get<Tensor>() || value.get<Tensor>()->type.axes.empty());
    bool complete = true; // a scalar says nothing about formals that are still free
    if (isScalar)
      for (const ast::TypeAxis &axis : p.type->axes)
        if (axis.name && !axis.isRest && !axis.attribute && !axis.size)
          complete &= c.axesByName(*callee, axis.name->text).has_value();
    if (complete)
      value = c.fitType(*callee, value, *p.type, label, given[name]->at, isScalar);
  }
  callee->names[name] = value;
  callee->places[name] = given[name]->at;
}

void BodyCall::passDefault(const ast::Parameter &p) {
  const std::string &name = p.name.text;
  std::string label = fmt::format("'{}' of {}", name, what);
  // A schedule called in train is told the step, counted from 1, and the number of steps.
  bool isTrain = caller.root().isStatic && !caller.root().self;
  if (!p.initial && p.isNamed && isTrain && (name == "step" || name == "steps")) {
    Tensor now = c.toReal(c.readScalar(c.stateNamed.at(name)), at);
    callee->names[name] = name == "step" ? c.op2("add", now, c.literal(1), at) : now;
    return;
  }
  if (!p.initial)
    c.error(at, fmt::format("{} needs '{}'", what, name))
        .note(p.name.at, fmt::format("'{}' is declared here", name))
        .fail();
  Value value = c.eval(*callee, *p.initial);
  if (p.type && p.type->hasAxes) {
    for (const ast::TypeAxis &axis : p.type->axes)
      if (axis.name && !axis.isRest && !axis.attribute && !c.axesByName(*callee, axis.name->text))
        if (auto shape = c.shapeOf(value))
          for (const Axis &had : *shape)
            if (c.displayOf(*callee, had.name) == axis.name->text)
              callee->names[axis.name->text] = Group{{had}};
    value = c.fitType(*callee, value, *p.type, label, p.initial->at, true);
  }
  callee->names[name] = value;
}

Value BodyCall::run(Arguments &arguments, const ast::Type *result, const ast::Block &body) {
  if (c.activations.size() > 150)
    c.error(at, "calls nest more than 150 deep").help("does a function call itself?").fail();
  sortArguments(arguments);
  evaluateArguments();
  for (const ast::Parameter &p : parameters)
    if (p.type && p.type->hasAxes && values.count(p.name.text))
      bindAxes(p);
  nameInside();

  Keep<std::vector<Checker::Activation>> keepActivations(c.activations);
  c.activations.push_back({at, what});
  callee->site =
      caller.root().site + "/" + what + "#" + std::to_string(caller.root().sites[what]++);
  for (const ast::Parameter &p : parameters) {
    if (isAxis(p) && raw.count(p.name.text))
      continue;
    if (values.count(p.name.text))
      passGiven(p);
    else
      passDefault(p);
  }
  Value out = c.evalBlock(callee, body);
  Location end = body.statements.empty() ? at : body.statements.back()->at;
  if (out.nothing())
    c.fail(end, fmt::format("{} gives no value: its last statement is not an expression", what));
  if (result)
    out = c.fitType(*callee, out, *result, what, end, false);
  return c.leave(caller, *callee, out, back, what, at);
}

Value Checker::callBody(Scope &caller, ScopePtr callee,
                        const std::vector<ast::Parameter> &parameters, const ast::Type *result,
                        const ast::Block &body, Arguments arguments, const std::string &what,
                        Location at) {
  return BodyCall(*this, caller, std::move(callee), parameters, what, at)
      .run(arguments, result, body);
}

Value Checker::leave(Scope &caller, Scope &callee, const Value &value,
                     const std::map<std::string, std::string> &back, const std::string &what,
                     Location at) {
  // Where does an axis made inside go? To the caller's axis of that name, if it has one.
  std::map<std::string, std::string> outside;
  auto target = [&](const std::string &axis, int64_t size) -> std::string {
    if (auto found = back.find(axis); found != back.end())
      return found->second;
    auto made = callee.made.find(axis);
    if (made == callee.made.end())
      return axis;
    if (auto found = outside.find(axis); found != outside.end())
      return found->second;
    std::string out;
    auto known = axesByName(caller, made->second);
    if (known && known->size() == 1) {
      out = known->front().name;
    } else {
      Scope &root = caller.root();
      out = freshIn(caller, made->second);
      root.made[out] = made->second;
      if (!root.names.count(made->second))
        root.names[made->second] = Group{{{out, size}}};
    }
    outside[axis] = out;
    return out;
  };
  auto moveAll = [&](const Axes &axes) {
    Axes out;
    for (const Axis &axis : axes)
      out.push_back({target(axis.name, axis.size), axis.size});
    return out;
  };
  return mapTensors(
      value,
      [&](const Tensor &x) {
        std::vector<AxisChange> changes;
        Axes now = moveAll(x.type.axes);
        for (size_t i = 0; i < now.size(); ++i) {
          for (size_t j = 0; j < i; ++j)
            if (now[i].name == now[j].name)
              error(at, fmt::format("the result of {} would have axis '{}' twice", what,
                                    display(now[i].name, caller)))
                  .help("rename one of the arguments' axes: rename(x, t -> s)")
                  .fail();
          if (now[i].name != x.type.axes[i].name)
            changes.push_back({x.type.axes[i].name, {now[i]}});
        }
        Tensor out = changes.empty() ? x : renameAxes(x, changes, at);
        if (out.vocabulary)
          out.vocabulary =
              Axis{target(out.vocabulary->name, out.vocabulary->size), out.vocabulary->size};
        return out;
      },
      moveAll);
}

} // namespace frit::checking
