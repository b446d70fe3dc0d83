// Calls of functions, methods and divergences.
//
// A call binds formal axes (rule C1) and otherwise leaves its arguments alone: inside, the formal
// name stands for the caller's graph axes. Only where two formals would stand for one axis (C3)
// does the second get a graph name of its own; it goes back on return.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

namespace {
/// Sets a variable for the time of a scope.
template <class T> struct Keep {
  T &slot;
  T old;
  explicit Keep(T &slot) : slot(slot), old(slot) {}
  ~Keep() { slot = std::move(old); }
};
} // namespace

/// The axes a name stands for, without evaluating anything; null if it is no axis.
static std::optional<Axes> axesByName(Checker &checker, Scope &scope, const std::string &name) {
  auto ofValue = [&](const Value &value) -> std::optional<Axes> {
    if (auto *group = value.get<Group>())
      return group->axes;
    return std::nullopt;
  };
  for (Scope *s = &scope; s; s = s->parent.get())
    if (auto found = s->names.find(name); found != s->names.end())
      return ofValue(found->second);
  Scope &root = scope.root();
  if (root.self) {
    if (auto found = root.self->fields.find(name); found != root.self->fields.end()) {
      auto axes = ofValue(found->second);
      return axes ? std::optional<Axes>(checker.substitute({*axes}, root.substitution).axes)
                  : std::nullopt;
    }
    if (auto found = root.self->formals.find(name); found != root.self->formals.end())
      return checker.substitute({found->second}, root.substitution).axes;
  }
  auto configured = root.file->config.find(name);
  if (configured == root.file->config.end())
    return std::nullopt;
  const Value *value = &configured->second;
  if (root.config)
    if (auto own = root.config->find(name); own != root.config->end())
      value = &own->second;
  if (auto *number = value->get<Number>(); number && number->isWhole() && number->toInt() > 0)
    return Axes{{name, number->toInt()}};
  return std::nullopt;
}

std::optional<Axes> Checker::shapeOf(const Value &value) {
  if (auto *tensor = value.get<Tensor>())
    return tensor->type.axes;
  if (auto *record = value.record()) {
    // All fields of a record share its row axes; the widest shows them all.
    std::optional<Axes> best;
    for (auto &[name, field] : record->fields)
      if (auto axes = shapeOf(field); axes && (!best || axes->size() > best->size()))
        best = axes;
    return best;
  }
  if (auto *d = value.distribution()) {
    Axes axes;
    for (auto &[name, field] : d->fields)
      if (auto *tensor = field->get<Tensor>())
        for (const Axis &axis : tensor->type.axes)
          if (std::find(axes.begin(), axes.end(), axis) == axes.end())
            axes.push_back(axis);
    std::erase_if(axes, [&](const Axis &axis) {
      return std::any_of(d->event.begin(), d->event.end(),
                         [&](const Axis &e) { return e.name == axis.name; });
    });
    return axes;
  }
  if (auto *tuple = value.tuple(); tuple && !tuple->items.empty())
    return shapeOf(tuple->items[0]);
  return std::nullopt;
}

void Checker::collectAxes(const Value &value, std::set<std::string> &names) {
  if (auto *tensor = value.get<Tensor>()) {
    for (const Axis &axis : tensor->type.axes)
      names.insert(axis.name);
  } else if (auto *record = value.record()) {
    for (auto &[name, field] : record->fields)
      collectAxes(field, names);
  } else if (auto *d = value.distribution()) {
    for (auto &[name, field] : d->fields)
      collectAxes(*field, names);
  } else if (auto *tuple = value.tuple()) {
    for (const Value &item : tuple->items)
      collectAxes(item, names);
  } else if (auto *group = value.get<Group>()) {
    for (const Axis &axis : group->axes)
      names.insert(axis.name);
  } else if (auto *view = value.get<View>()) {
    Instance *instance = view->instance ? view->instance.get() : view->repeated->item.get();
    for (auto &[name, axes] : instance->formals)
      for (const Axis &axis : substitute({axes}, view->substitution).axes)
        names.insert(axis.name);
  }
}

Value Checker::mapTensors(const Value &value, const std::function<Tensor(const Tensor &)> &f,
                          const std::function<Axes(const Axes &)> &event) {
  if (auto *tensor = value.get<Tensor>())
    return f(*tensor);
  if (auto *record = value.record()) {
    auto out = std::make_shared<RecordValue>(*record);
    for (auto &[name, field] : out->fields)
      field = mapTensors(field, f, event);
    return out;
  }
  if (auto *d = value.distribution()) {
    auto out = std::make_shared<Distribution>(*d);
    out->event = event(d->event);
    for (auto &[name, field] : out->fields)
      field = std::make_shared<Value>(mapTensors(*field, f, event));
    return out;
  }
  if (auto *tuple = value.tuple()) {
    auto out = std::make_shared<Tuple>();
    for (const Value &item : tuple->items)
      out->items.push_back(mapTensors(item, f, event));
    return Value(out);
  }
  return value;
}

//===-- Types -------------------------------------------------------------------------------===//

Axes Checker::typeAxes(Scope &scope, const std::vector<ast::TypeAxis> &axes) {
  Axes out;
  for (const ast::TypeAxis &axis : axes) {
    if (axis.isRest) {
      Scope &root = scope.root();
      out.insert(out.end(), root.rest.begin(), root.rest.end());
      continue;
    }
    const std::string &name = axis.name->text;
    if (axis.attribute) {
      Value value = attribute(*find(scope, name, axis.at), axis.attribute->text, scope, axis.at);
      if (auto *group = value.get<Group>())
        out.insert(out.end(), group->axes.begin(), group->axes.end());
      else
        fail(axis.at, fmt::format("'{}.{}' is no axis", name, axis.attribute->text));
    } else if (axis.size) {
      int64_t size = sizeOf(scope, *axis.size, name);
      auto known = axesByName(*this, scope, name);
      if (known && known->size() == 1)
        out.push_back({known->front().name, size});
      else
        out.push_back(declareAxis(scope, name, size, axis.at));
    } else {
      Group group = axisNamed(scope, name, axis.at);
      out.insert(out.end(), group.axes.begin(), group.axes.end());
    }
  }
  for (size_t i = 0; i < out.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (out[i].name == out[j].name)
        error(axes.front().at,
              fmt::format("axis '{}' is twice in this type", display(out[i].name, scope)))
            .help("give one of them another name: rename(x, t -> s)")
            .fail();
  return out;
}

static bool wantsReal(const std::string &element) {
  return element == "real" || element == "f32" || element == "f64";
}

Value Checker::fitType(Scope &scope, const Value &given, const ast::Type &type,
                       const std::string &what, Location at, bool grow) {
  if (type.isTuple()) {
    auto *tuple = given.tuple();
    if (!tuple || tuple->items.size() != type.tuple.size())
      fail(at, fmt::format("{} gives {} values by its type, this is {}", what, type.tuple.size(),
                           describe(given, scope)));
    auto out = std::make_shared<Tuple>();
    for (size_t i = 0; i < type.tuple.size(); ++i)
      out->items.push_back(fitType(scope, tuple->items[i], *type.tuple[i], what, at, grow));
    return Value(out);
  }
  std::string element = type.element ? type.element->text : "";
  if (element == "model" || (!type.hasAxes && element.empty()))
    return given;
  auto wrong = [&](const std::string &wanted) {
    fail(at, fmt::format("{} is declared {}, this is {}", what, wanted, describe(given, scope)));
  };
  Axes axes = typeAxes(scope, type.axes);
  auto compare = [&](const Axes &got) {
    ValueType wanted{Element::F32, axes};
    bool same = true;
    for (const Axis &axis : got)
      if (const Axis *w = wanted.find(axis.name); !w || w->size != axis.size)
        same = false;
    if (!grow)
      same &= got.size() == axes.size();
    if (!same)
      fail(at, fmt::format(
                   "{} is declared {}[{}], this is {}", what, element.empty() ? "" : element,
                   [&] {
                     std::string list;
                     for (const Axis &axis : axes)
                       list += fmt::format("{}{}: {}", list.empty() ? "" : ", ",
                                           display(axis.name, scope), axis.size);
                     return list;
                   }(),
                   describe(given, scope)));
  };
  if (auto *d = given.distribution()) {
    static const std::map<std::string, Distribution::Kind> kinds = {
        {"categorical", Distribution::Kind::Categorical},
        {"bernoulli", Distribution::Kind::Bernoulli},
        {"normal", Distribution::Kind::Normal}};
    auto kind = kinds.find(element);
    if (kind == kinds.end() || kind->second != d->kind)
      wrong(element.empty() ? "a tensor" : element);
    compare(*shapeOf(given));
    Axes event = typeAxes(scope, type.event);
    std::set<std::string> wanted, got;
    for (const Axis &axis : event)
      wanted.insert(axis.name);
    for (const Axis &axis : d->event)
      got.insert(axis.name);
    if (wanted != got)
      fail(at, fmt::format("{} is declared over [{}], this is over [{}]", what,
                           displayAxes(event, scope), displayAxes(d->event, scope)));
    return given;
  }
  if (auto *record = given.record()) {
    if (record->decl->name.text != element && !element.empty())
      wrong(element);
    return given;
  }
  if (given.tuple() || given.get<View>() || given.get<Declared>() || given.nothing())
    wrong(element.empty() ? "a tensor" : element);
  Tensor x = toTensor(scope, given, at);
  if (wantsReal(element)) {
    if (x.type.element == Element::I1 || x.isToken())
      wrong(element);
    x = toReal(x, at);
  } else if (element == "bool") {
    if (x.type.element != Element::I1)
      wrong("bool");
  } else if (element == "i32" || element == "token") {
    if (x.type.element != Element::I32)
      wrong(element);
    if (element == "token" && type.hasEvent && !type.event.empty()) {
      Axes event = typeAxes(scope, type.event);
      if (event.size() == 1) {
        if (x.vocabulary && x.vocabulary->name != event[0].name)
          fail(at, fmt::format("{} holds tokens of '{}', tokens of '{}' are wanted", what,
                               display(x.vocabulary->name, scope), display(event[0].name, scope)));
        if (!x.vocabulary && !x.range && !x.uniform)
          fail(at, fmt::format("{} wants tokens of '{}', this is {}", what,
                               display(event[0].name, scope), describe(given, scope)));
      }
    }
  } else if (!element.empty()) {
    wrong(element);
  }
  bool isScalar = x.type.axes.empty();
  if (!(isScalar && grow))
    compare(x.type.axes);
  return grow ? expand(x, axes, at) : x;
}

//===-- Binding -----------------------------------------------------------------------------===//

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
    auto known = axesByName(*this, caller, made->second);
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

Value Checker::callBody(Scope &caller, ScopePtr callee,
                        const std::vector<ast::Parameter> &parameters, const ast::Type *result,
                        const ast::Block &body, Arguments arguments, const std::string &what,
                        Location at) {
  if (activations.size() > 150)
    error(at, "calls nest more than 150 deep").help("does a function call itself?").fail();

  // Which argument goes to which parameter; other names settle axes.
  std::vector<std::string> names;
  std::map<std::string, const ast::Parameter *> byName;
  for (const ast::Parameter &p : parameters)
    names.push_back(p.name.text), byName[p.name.text] = &p;
  std::map<std::string, Argument *> given;
  std::map<std::string, Argument *> settled;
  size_t next = 0;
  for (Argument &argument : arguments) {
    if (argument.name.empty()) {
      size_t positional = 0;
      for (const ast::Parameter &p : parameters)
        positional += !p.isNamed;
      if (next >= positional)
        error(argument.at, fmt::format("{} takes {} argument{} by position, this is one more", what,
                                       positional, positional == 1 ? "" : "s"))
            .fail();
      given[parameters[next++].name.text] = &argument;
    } else if (byName.count(argument.name)) {
      if (given.count(argument.name))
        fail(argument.at, fmt::format("'{}' is given twice", argument.name));
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
      error(argument->at, fmt::format("{} has no parameter '{}'", what, name))
          .suggest(name, known)
          .fail();
    }

  std::map<std::string, Axes> raw; // formal -> axes of the caller
  auto isAxis = [](const ast::Parameter &p) {
    return p.type && p.type->element && p.type->element->text == "axis";
  };
  auto axisOf = [&](Argument &argument, const std::string &name) -> Axes {
    if (argument.value) {
      if (auto *group = argument.value->get<Group>())
        return group->axes;
      if (auto number = numberOf(*argument.value); number && number->isWhole())
        return {{freshIn(caller, name), number->toInt()}};
      fail(argument.at, fmt::format("'{}' of {} is an axis", name, what));
    }
    if (argument.expr->kind != ast::ExprKind::Group) {
      Value value = eval(caller, *argument.expr);
      if (auto *number = value.get<Number>(); number && number->isWhole() && number->toInt() > 0)
        return {{freshIn(caller, name), number->toInt()}};
    }
    return axisExpr(caller, *argument.expr).axes;
  };
  for (const ast::Parameter &p : parameters)
    if (isAxis(p) && given.count(p.name.text))
      raw[p.name.text] = axisOf(*given[p.name.text], p.name.text);
  for (auto &[name, argument] : settled)
    raw[name] = axisOf(*argument, name);
  std::map<std::string, Value> values;
  for (const ast::Parameter &p : parameters)
    if (!isAxis(p) && given.count(p.name.text)) {
      Argument &argument = *given[p.name.text];
      Value value = argument.value ? *argument.value : eval(caller, *argument.expr);
      if (value.nothing())
        fail(argument.at, "this has no value");
      values[p.name.text] = force(value, caller, argument.at);
    }

  // What an instance's axis parameters stand for in the caller.
  auto knownAxes = [&](const std::string &formal) -> std::optional<Axes> {
    if (auto found = raw.find(formal); found != raw.end())
      return found->second;
    if (callee->self)
      if (auto found = callee->self->formals.find(formal); found != callee->self->formals.end()) {
        Axes axes = found->second;
        for (Axis &axis : axes)
          if (auto from = callee->self->origin.find(axis.name); from != callee->self->origin.end())
            axis.name = from->second;
        return substitute({axes}, callee->substitution).axes;
      }
    return axesByName(*this, *callee, formal);
  };

  // An axis the model made that an argument brings along under the same name: the same axis.
  std::map<std::string, std::string> ownGiven;
  auto ownAxis = [&](const std::string &formal) -> std::string {
    Instance *self = callee->self.get();
    if (!self)
      return "";
    const Axes *axes = nullptr;
    if (auto found = self->formals.find(formal); found != self->formals.end())
      axes = &found->second;
    else if (auto field = self->fields.find(formal); field != self->fields.end())
      if (auto *group = field->second.get<Group>())
        axes = &group->axes;
    return axes && axes->size() == 1 && self->own.count(axes->front().name) ? axes->front().name
                                                                            : "";
  };

  std::optional<Axes> rest;
  std::string restName;
  for (const ast::Parameter &p : parameters) {
    if (!p.type || !p.type->hasAxes || !values.count(p.name.text))
      continue;
    const Value &value = values[p.name.text];
    Location place = given[p.name.text]->at;
    std::optional<Axes> actual = shapeOf(value);
    if (!actual || (value.get<Tensor>() && actual->empty()))
      continue;
    Axes left = *actual;
    auto take = [&](const std::string &name) {
      auto found = std::find_if(left.begin(), left.end(),
                                [&](const Axis &axis) { return axis.name == name; });
      if (found == left.end())
        return Axis{"", 0};
      Axis axis = *found;
      left.erase(found);
      return axis;
    };
    std::vector<std::string> unbound;
    bool hasRest = false;
    std::string thisRest;
    for (const ast::TypeAxis &axis : p.type->axes) {
      if (axis.isRest) {
        hasRest = true;
        thisRest = axis.name ? axis.name->text : "";
        continue;
      }
      std::optional<Axes> known;
      std::string shown = axis.name->text;
      if (axis.attribute) {
        shown += "." + axis.attribute->text;
        auto base = find(*callee, axis.name->text, axis.at);
        if (!base)
          fail(axis.at, fmt::format("unknown name '{}'", axis.name->text));
        Value field = attribute(*base, axis.attribute->text, *callee, axis.at);
        if (auto *group = field.get<Group>())
          known = group->axes;
      } else {
        known = knownAxes(shown);
      }
      if (!known) {
        unbound.push_back(shown);
        continue;
      }
      std::string fixed = ownAxis(shown);
      if (!fixed.empty()) {
        auto same = axesByName(*this, caller, shown);
        if (auto found = ownGiven.find(fixed); found != ownGiven.end())
          known = Axes{{found->second, known->front().size}};
        else if (same && same->size() == 1)
          known = Axes{{same->front().name, known->front().size}};
      }
      for (const Axis &k : *known) {
        Axis got = take(k.name);
        if (!fixed.empty() && got.size == k.size)
          ownGiven[fixed] = k.name;
        if (got.size == 0)
          error(place, fmt::format("{} wants axis '{}' in '{}', this is {}", what,
                                   display(k.name, caller), p.name.text, describe(value, caller)))
              .note(axis.at, fmt::format("'{}' is declared here", p.name.text))
              .fail();
        if (got.size != k.size)
          error(place, fmt::format("axis '{}' is {} in '{}' of {} and {} in what is given",
                                   display(k.name, caller), k.size, p.name.text, what, got.size))
              .note(axis.at, fmt::format("'{}' is declared here", p.name.text))
              .help("give them different axis names, or bring them to one size")
              .fail();
      }
    }
    // Equal names.
    for (size_t i = 0; i < unbound.size();) {
      auto same = axesByName(*this, caller, unbound[i]);
      bool all = same && !same->empty();
      if (all)
        for (const Axis &axis : *same)
          all &= std::any_of(left.begin(), left.end(),
                             [&](const Axis &l) { return l.name == axis.name; });
      if (!all) {
        ++i;
        continue;
      }
      Axes taken;
      for (const Axis &axis : *same)
        taken.push_back(take(axis.name));
      raw[unbound[i]] = taken;
      unbound.erase(unbound.begin() + i);
    }
    if (hasRest && rest) {
      for (const Axis &axis : *rest)
        if (take(axis.name).size == 0)
          fail(place,
               fmt::format("{} wants axis '{}' in '{}', this is {}", what,
                           display(axis.name, caller), p.name.text, describe(value, caller)));
      hasRest = false;
    }
    if (hasRest && unbound.empty()) {
      rest = left;
      restName = thisRest;
      left.clear();
    } else if (unbound.size() == 1 && !left.empty() && (!hasRest || left.size() == 1)) {
      raw[unbound[0]] = left;
      unbound.clear();
      left.clear();
      if (hasRest)
        rest = Axes();
    }
    if (!unbound.empty() || !left.empty()) {
      auto quoted = [](const std::vector<std::string> &list) {
        std::string out;
        for (const std::string &item : list)
          out += fmt::format("{}'{}'", out.empty() ? "" : ", ", item);
        return out;
      };
      std::vector<std::string> extra;
      for (const Axis &axis : left)
        extra.push_back(display(axis.name, caller));
      std::string message;
      if (unbound.empty())
        message = fmt::format("{} has no place for axis {} of '{}', which is {}", what,
                              quoted(extra), p.name.text, describe(value, caller));
      else if (left.empty())
        message = fmt::format("{} wants an axis for {} in '{}', this is {}", what, quoted(unbound),
                              p.name.text, describe(value, caller));
      else
        message = fmt::format("{}: which of {} in '{}' is {}?", what, quoted(extra), p.name.text,
                              quoted(unbound));
      auto report = error(place, message);
      report.note(p.name.at, fmt::format("'{}' is declared here", p.name.text));
      if (!unbound.empty() && !left.empty())
        report.help(fmt::format("say it: {} = {}", unbound[0], extra[0]));
      report.fail();
    }
    // What the events are: the vocabulary of tokens, the axes of a distribution.
    std::vector<Axis> event;
    if (auto *tensor = value.get<Tensor>(); tensor && tensor->vocabulary)
      event = {*tensor->vocabulary};
    else if (auto *d = value.distribution())
      event = d->event;
    else if (auto *record = value.record())
      for (auto &[name, field] : record->fields)
        if (auto *tensor = field.get<Tensor>(); tensor && tensor->vocabulary && event.empty())
          event = {*tensor->vocabulary};
    std::vector<std::string> free;
    Axes remaining = event;
    for (const ast::TypeAxis &axis : p.type->event) {
      if (axis.isRest || !axis.name || axis.attribute)
        continue;
      auto known = knownAxes(axis.name->text);
      if (!known) {
        free.push_back(axis.name->text);
        continue;
      }
      for (const Axis &k : *known) {
        auto found = std::find_if(remaining.begin(), remaining.end(),
                                  [&](const Axis &e) { return e.name == k.name; });
        if (found != remaining.end())
          remaining.erase(found);
        else if (!event.empty() && known->size() == 1)
          error(place, fmt::format("'{}' of {} is over '{}', this is over '{}'", p.name.text, what,
                                   display(k.name, caller), displayAxes(event, caller)))
              .note(axis.at, fmt::format("'{}' is declared here", p.name.text))
              .fail();
      }
    }
    if (free.size() == 1 && !remaining.empty())
      raw[free[0]] = remaining;
  }

  // Graph names inside. Axes that came with `..` keep theirs; a formal whose axis is in use already
  // gets a new one.
  std::set<std::string> used, outer;
  for (auto &[name, value] : values)
    collectAxes(value, outer);
  for (auto &[name, axes] : raw)
    for (const Axis &axis : axes)
      outer.insert(axis.name);
  callee->taken.insert(outer.begin(), outer.end());
  if (rest)
    for (const Axis &axis : *rest)
      used.insert(axis.name);
  std::map<std::string, std::string> back;                         // inside -> caller
  std::map<std::string, std::map<std::string, std::string>> entry; // formal -> caller -> inside
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
        if (origin != self->origin.end()) {
          auto m = callee->substitution.find(origin->second);
          outside = m == callee->substitution.end() ? origin->second : m->second;
        }
        if (used.count(inside) || (outside != inside && outer.count(inside)))
          inside = freshIn(*callee, outside);
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
        inside = freshIn(*callee, shown);
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
        inside = freshIn(*callee, axis.name);
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

  Keep<std::vector<Activation>> keepActivations(activations);
  activations.push_back({at, what});
  callee->site =
      caller.root().site + "/" + what + "#" + std::to_string(caller.root().sites[what]++);

  for (const ast::Parameter &p : parameters) {
    const std::string &name = p.name.text;
    if (isAxis(p) && raw.count(name))
      continue;
    std::string label = fmt::format("'{}' of {}", name, what);
    if (values.count(name)) {
      Value value = values[name];
      if (p.type && p.type->element && p.type->element->text == "model" && !value.get<View>())
        fail(given[name]->at,
             fmt::format("{} is a model, this is {}", label, describe(value, caller)));
      if (p.type && p.type->hasAxes) {
        std::vector<AxisChange> changes;
        std::map<std::string, std::string> renamed;
        for (auto *list : {&p.type->axes, &p.type->event})
          for (const ast::TypeAxis &axis : *list)
            if (axis.name && !axis.attribute)
              if (auto found = entry.find(axis.name->text); found != entry.end())
                renamed.insert(found->second.begin(), found->second.end());
        if (!renamed.empty()) {
          auto moveAll = [&](const Axes &axes) {
            Axes out = axes;
            for (Axis &axis : out)
              if (auto found = renamed.find(axis.name); found != renamed.end())
                axis.name = found->second;
            return out;
          };
          value = mapTensors(
              value,
              [&](const Tensor &x) {
                std::vector<AxisChange> changes;
                for (const Axis &axis : x.type.axes)
                  if (auto found = renamed.find(axis.name); found != renamed.end())
                    changes.push_back({axis.name, {{found->second, axis.size}}});
                Tensor out = changes.empty() ? x : renameAxes(x, changes, at);
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
              complete &= axesByName(*this, *callee, axis.name->text).has_value();
        if (complete)
          value = fitType(*callee, value, *p.type, label, given[name]->at, isScalar);
      }
      callee->names[name] = value;
      callee->places[name] = given[name]->at;
      continue;
    }
    // A schedule called in train is told the step, counted from 1, and the number of steps.
    bool isTrain = caller.root().isStatic && !caller.root().self;
    if (!p.initial && p.isNamed && isTrain && (name == "step" || name == "steps")) {
      Tensor now = toReal(readScalar(stateNamed.at(name)), at);
      callee->names[name] = name == "step" ? op2("add", now, literal(1), at) : now;
      continue;
    }
    if (!p.initial)
      error(at, fmt::format("{} needs '{}'", what, name))
          .note(p.name.at, fmt::format("'{}' is declared here", name))
          .fail();
    Value value = eval(*callee, *p.initial);
    if (p.type && p.type->hasAxes) {
      for (const ast::TypeAxis &axis : p.type->axes)
        if (axis.name && !axis.isRest && !axis.attribute &&
            !axesByName(*this, *callee, axis.name->text))
          if (auto shape = shapeOf(value))
            for (const Axis &had : *shape)
              if (displayOf(*callee, had.name) == axis.name->text)
                callee->names[axis.name->text] = Group{{had}};
      value = fitType(*callee, value, *p.type, label, p.initial->at, true);
    }
    callee->names[name] = value;
  }

  Value out = evalBlock(callee, body);
  Location end = body.statements.empty() ? at : body.statements.back()->at;
  if (out.nothing())
    fail(end, fmt::format("{} gives no value: its last statement is not an expression", what));
  if (result)
    out = fitType(*callee, out, *result, what, end, false);
  return leave(caller, *callee, out, back, what, at);
}

//===-- What can be called ------------------------------------------------------------------===//

Value Checker::callFn(Scope &scope, const Declared &declared, Arguments arguments, Location at) {
  auto *fn = ast::as<ast::Fn>(declared.decl);
  auto callee = std::make_shared<Scope>();
  callee->file = declared.file;
  callee->config = scope.root().config;
  callee->path = scope.root().path;
  return callBody(scope, callee, fn->parameters, fn->result.get(), fn->body, std::move(arguments),
                  fn->name.text, at);
}

Value Checker::callView(Scope &scope, const View &view, Arguments arguments, Location at) {
  if (view.repeated)
    return callRepeated(scope, view, std::move(arguments), at);
  Instance &instance = *view.instance;
  std::string name = view.method.empty() ? "forward" : view.method;
  const ast::Method *method = nullptr;
  for (const ast::StmtPtr &member : instance.decl->members)
    if (auto *m = ast::as<ast::Method>(member); m && m->name.text == name)
      method = m;
  if (!method)
    fail(at, fmt::format("model {} has no {}", instance.decl->name.text, name));
  if (!emitting())
    throw Deferred();
  auto callee = std::make_shared<Scope>();
  callee->file = instance.file;
  callee->config = instance.config;
  callee->self = view.instance;
  callee->substitution = view.substitution;
  callee->frozen = view.frozen;
  Keep<std::string> keepPath(currentPath);
  currentPath = instance.path();
  callee->path = currentPath;
  std::string what = instance.decl->name.text + (name == "forward" ? "" : "." + name);
  return callBody(scope, callee, method->parameters, method->result.get(), method->body,
                  std::move(arguments), what, at);
}

Value Checker::callValue(Scope &scope, const Value &callee, Arguments arguments, Location at,
                         const std::string &what) {
  if (auto *view = callee.get<View>())
    return callView(scope, *view, std::move(arguments), at);
  if (auto *declared = callee.get<Declared>()) {
    switch (declared->decl->kind) {
    case ast::DeclKind::Fn:
      return callFn(scope, *declared, std::move(arguments), at);
    case ast::DeclKind::Model:
      return instantiate(scope, *declared, std::move(arguments), at);
    default:
      break;
    }
  }
  error(at, fmt::format("{} cannot be called", describe(callee, scope))).fail();
}

Value Checker::call(Scope &scope, const ast::Call &call) {
  Value callee = eval(scope, *call.callee);
  if (auto *builtin = callee.get<BuiltinName>())
    return this->builtin(scope, builtin->name, call);
  auto pairOf = [&]() -> const ast::Pair * {
    return call.arguments.size() == 1 ? ast::as<ast::Pair>(call.arguments[0].value.get()) : nullptr;
  };
  if (auto *generator = callee.get<std::shared_ptr<Generator>>()) {
    std::string name = (*generator)->decl->name.text;
    auto *pair = pairOf();
    if (!pair)
      error(call.at, fmt::format("a divergence is between two: {}(p || q)", name))
          .help("'||' says which is which: it is the divergence of p from q")
          .fail();
    judgeGenerator(**generator, call.at);
    return divergence(scope, **generator, eval(scope, *pair->left), eval(scope, *pair->right),
                      call.at);
  }
  if (auto *bracketed = callee.get<Bracketed>()) {
    if (bracketed->name == "D") {
      auto *pair = pairOf();
      if (!pair)
        fail(call.at, "a divergence is between two: D[f](p || q)");
      return divergence(scope, *bracketed->generator, eval(scope, *pair->left),
                        eval(scope, *pair->right), call.at);
    }
    if (call.arguments.size() != 1 || call.arguments[0].name)
      fail(call.at, fmt::format("{}[f](s) takes one value, the log of a ratio", bracketed->name));
    return linkOf(scope, *bracketed->generator, bracketed->name,
                  eval(scope, *call.arguments[0].value), call.at);
  }
  Arguments arguments;
  for (const ast::Call::Argument &argument : call.arguments) {
    if (argument.value->kind == ast::ExprKind::Pair || argument.value->kind == ast::ExprKind::Arrow)
      eval(scope, *argument.value); // says where such a thing may stand
    arguments.push_back({argument.name ? argument.name->text : "", argument.value.get(),
                         std::nullopt, argument.value->at});
  }
  return callValue(scope, callee, std::move(arguments), call.at,
                   std::string(call.callee->at.text()));
}

} // namespace frit::checking
