// Types as they are written, and whether a value fits one; what axes a value of any kind has.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

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
    for (auto &[name, field] : out->fields)
      field = std::make_shared<Value>(mapTensors(*field, f, event));
    out->event = event(d->event); // last: what f learnt of the fields may be needed
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
      auto known = axesByName(scope, name);
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

} // namespace frit::checking
