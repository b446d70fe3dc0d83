// What formal axes stand for: the axes that an argument names, that the model fixes, or that what
// is given has (rule C1).
#include "dialect/syntax/check/BodyCall.h"
#include <algorithm>
#include <utility>

namespace frit::checking {

Axes BodyCall::axisOf(Argument &argument, const std::string &name) {
  if (argument.value) {
    if (auto *group = argument.value->get<Group>())
      return group->axes;
    if (auto number = c.numberOf(*argument.value); number && number->isWhole())
      return {{c.freshIn(caller, name), number->toInt()}};
    c.fail(argument.at, fmt::format("'{}' of {} is an axis", name, what));
  }
  if (argument.expr->kind != ast::ExprKind::Group) {
    Value value = c.eval(caller, *argument.expr);
    if (auto *number = value.get<Number>(); number && number->isWhole() && number->toInt() > 0)
      return {{c.freshIn(caller, name), number->toInt()}};
  }
  return c.axisExpr(caller, *argument.expr).axes;
}

/// What an instance's axis parameters stand for in the caller.
std::optional<Axes> BodyCall::knownAxes(const std::string &formal) {
  if (auto found = raw.find(formal); found != raw.end())
    return found->second;
  if (callee->self)
    if (auto found = callee->self->formals.find(formal); found != callee->self->formals.end()) {
      Axes axes = found->second;
      for (Axis &axis : axes)
        if (auto from = callee->self->origin.find(axis.name);
            from != callee->self->origin.end() && !callee->apart.count(axis.name))
          axis.name = from->second;
      return c.substitute({axes}, callee->substitution).axes;
    }
  return c.axesByName(*callee, formal);
}

/// An axis the model made that an argument may bring along under the same name: the same axis.
std::string BodyCall::ownAxis(const std::string &formal) {
  Instance *self = callee->self.get();
  if (!self)
    return "";
  const Axes *axes = nullptr;
  if (auto found = self->formals.find(formal); found != self->formals.end())
    axes = &found->second;
  else if (auto field = self->fields.find(formal); field != self->fields.end())
    if (auto *group = field->second.get<Group>())
      axes = &group->axes;
  return axes && axes->size() == 1 && self->own.count(axes->front().name) ? axes->front().name : "";
}

/// The axis of that name, which then is no longer left.
std::optional<Axis> BodyCall::Match::take(const std::string &name) {
  auto found =
      std::find_if(left.begin(), left.end(), [&](const Axis &axis) { return axis.name == name; });
  if (found == left.end())
    return std::nullopt;
  Axis axis = *found;
  left.erase(found);
  return axis;
}

void BodyCall::bindAxes(const ast::Parameter &p) {
  const Value &value = values[p.name.text];
  std::optional<Axes> actual = c.shapeOf(value);
  if (!actual || (value.get<Tensor>() && actual->empty()))
    return;
  Match match{p, value, given[p.name.text]->at, *actual};
  for (const ast::TypeAxis &axis : p.type->axes) {
    if (axis.isRest) {
      match.hasRest = true;
      match.restName = axis.name ? axis.name->text : "";
    } else {
      bindKnown(match, axis);
    }
  }
  bindEqualNames(match);
  bindRest(match);
  if (!match.unbound.empty() || !match.left.empty())
    refuse(match);
  bindEvent(p, value, match.place);
}

/// A formal that stands for axes already: what is given must have them.
void BodyCall::bindKnown(Match &match, const ast::TypeAxis &axis) {
  std::optional<Axes> known;
  std::string shown = axis.name->text;
  if (axis.attribute) {
    shown += "." + axis.attribute->text;
    auto base = c.find(*callee, axis.name->text, axis.at);
    if (!base)
      c.fail(axis.at, fmt::format("unknown name '{}'", axis.name->text));
    Value field = c.attribute(*base, axis.attribute->text, *callee, axis.at);
    if (auto *group = field.get<Group>())
      known = group->axes;
    if (callee->self && callee->self->formals.count(shown)) // told apart inside, one outside
      known = knownAxes(shown);
  } else {
    known = knownAxes(shown);
  }
  if (!known) {
    match.unbound.push_back(shown);
    return;
  }
  std::string fixed = ownAxis(shown);
  if (!fixed.empty()) {
    auto same = c.axesByName(caller, shown);
    if (auto found = ownGiven.find(fixed); found != ownGiven.end())
      known = Axes{{found->second, known->front().size}};
    else if (same && same->size() == 1)
      known = Axes{{same->front().name, known->front().size}};
  }
  const std::string &parameter = match.p.name.text;
  for (const Axis &k : *known) {
    std::optional<Axis> got = match.take(k.name);
    if (!got)
      c.error(match.place,
              fmt::format("{} wants axis '{}' in '{}', this is {}", what, c.display(k.name, caller),
                          parameter, c.describe(match.value, caller)))
          .note(axis.at, fmt::format("'{}' is declared here", parameter))
          .fail();
    if (got->size != k.size)
      c.error(match.place,
              fmt::format("axis '{}' is {} in '{}' of {} and {} in what is given",
                          c.display(k.name, caller), k.size, parameter, what, got->size))
          .note(axis.at, fmt::format("'{}' is declared here", parameter))
          .help("give them different axis names, or bring them to one size")
          .fail();
    if (!fixed.empty())
      ownGiven[fixed] = k.name;
  }
}

/// A formal stands for the caller's axes of its own name, where all of them are left.
void BodyCall::bindEqualNames(Match &match) {
  auto isLeft = [&](const Axis &axis) {
    return std::any_of(match.left.begin(), match.left.end(),
                       [&](const Axis &l) { return l.name == axis.name; });
  };
  std::erase_if(match.unbound, [&](const std::string &formal) {
    auto same = c.axesByName(caller, formal);
    if (!same || same->empty() || !std::all_of(same->begin(), same->end(), isLeft))
      return false;
    for (const Axis &axis : *same)
      raw[formal].push_back(*match.take(axis.name));
    return true;
  });
}

/// `..` takes what an earlier parameter gave it, or else all that is left; where there is none, one
/// formal may.
void BodyCall::bindRest(Match &match) {
  if (match.hasRest && rest) {
    for (const Axis &axis : *rest)
      if (!match.take(axis.name))
        c.fail(match.place, fmt::format("{} wants axis '{}' in '{}', this is {}", what,
                                        c.display(axis.name, caller), match.p.name.text,
                                        c.describe(match.value, caller)));
    match.hasRest = false;
  }
  if (match.hasRest && match.unbound.empty()) {
    rest = std::exchange(match.left, {});
    restName = match.restName;
  } else if (match.unbound.size() == 1 && !match.left.empty() &&
             (!match.hasRest || match.left.size() == 1)) {
    raw[match.unbound[0]] = std::exchange(match.left, {});
    match.unbound.clear();
    if (match.hasRest)
      rest = Axes();
  }
}

/// Says which formals and axes found no partner.
void BodyCall::refuse(const Match &match) {
  auto quoted = [](const std::vector<std::string> &list) {
    std::string out;
    for (const std::string &item : list)
      out += fmt::format("{}'{}'", out.empty() ? "" : ", ", item);
    return out;
  };
  const std::string &parameter = match.p.name.text;
  std::vector<std::string> extra;
  for (const Axis &axis : match.left)
    extra.push_back(c.display(axis.name, caller));
  std::string message;
  if (match.unbound.empty())
    message = fmt::format("{} has no place for axis {} of '{}', which is {}", what, quoted(extra),
                          parameter, c.describe(match.value, caller));
  else if (match.left.empty())
    message = fmt::format("{} wants an axis for {} in '{}', this is {}", what,
                          quoted(match.unbound), parameter, c.describe(match.value, caller));
  else
    message = fmt::format("{}: which of {} in '{}' is {}?", what, quoted(extra), parameter,
                          quoted(match.unbound));
  auto report = c.error(match.place, message);
  report.note(match.p.name.at, fmt::format("'{}' is declared here", parameter));
  if (!match.unbound.empty() && !match.left.empty())
    report.help(fmt::format("say it: {} = {}", match.unbound[0], extra[0]));
  report.fail();
}

/// What the events are: the vocabulary of tokens, the axes of a distribution.
void BodyCall::bindEvent(const ast::Parameter &p, const Value &value, Location place) {
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
        c.error(place, fmt::format("'{}' of {} is over '{}', this is over '{}'", p.name.text, what,
                                   c.display(k.name, caller), c.displayAxes(event, caller)))
            .note(axis.at, fmt::format("'{}' is declared here", p.name.text))
            .fail();
    }
  }
  if (free.size() == 1 && !remaining.empty())
    raw[free[0]] = remaining;
}

} // namespace frit::checking
