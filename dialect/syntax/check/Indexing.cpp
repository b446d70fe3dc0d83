// x[t = e, i = f else v]: a slice where e is known or is the index of a scan, a gather otherwise.
// Positions that cannot be proved inside are checked at run time. scatter is the way back.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

Value Checker::evalIndex(Scope &scope, const ast::Index &index) {
  Value base = force(eval(scope, *index.base), scope, index.base->at);
  if (auto *tensor = base.get<Tensor>())
    return indexTensor(scope, *tensor, index);
  if (base.distribution())
    return mapTensors(
        base, [&](const Tensor &x) { return indexTensor(scope, x, index); },
        [](const Axes &event) { return event; });
  if (numberOf(base) || base.get<bool>())
    error(index.at, fmt::format("{} has no axes to index", describe(base, scope))).fail();
  error(index.at, fmt::format("only tensors are indexed, this is {}", describe(base, scope)))
      .fail();
}

namespace {
struct Place {
  Group group;
  Tensor position;
  const ast::Expr *otherwise;
  const ast::Index::Entry *entry;
};
} // namespace

Tensor Checker::indexTensor(Scope &scope, const Tensor &base, const ast::Index &index) {
  Tensor x = base;
  std::vector<Place> places;
  const ast::Expr *otherwise = nullptr;
  for (const ast::Index::Entry &entry : index.entries) {
    Place place;
    place.group = axisNamed(scope, entry.axis.text, entry.axis.at);
    place.entry = &entry;
    for (const Axis &axis : place.group.axes)
      if (!x.type.find(axis.name))
        error(entry.axis.at,
              fmt::format("{} has no axis '{}'", describe(Value(base), scope), entry.axis.text))
            .fail();
    Value position = eval(scope, *entry.value);
    place.position = toTensor(scope, position, entry.value->at);
    if (place.position.type.element != Element::I32)
      fail(entry.value->at, fmt::format("a position along '{}' is an integer, this is {}",
                                        entry.axis.text, describe(position, scope)));
    place.otherwise = entry.otherwise.get();
    if (place.otherwise && !otherwise)
      otherwise = place.otherwise;
    places.push_back(std::move(place));
  }

  // Constants and scan indices first: they take no gather.
  for (size_t i = 0; i < places.size();) {
    Place &place = places[i];
    if (place.group.axes.size() != 1) {
      ++i;
      continue;
    }
    const Axis axis = *x.type.find(place.group.axes[0].name);
    const Tensor &position = place.position;
    if (position.uniform && position.type.axes.empty()) {
      int64_t at = position.uniform->toInt();
      if (at >= 0 && at < axis.size) {
        if (x.uniform)
          std::erase_if(x.type.axes, [&](const Axis &a) { return a.name == axis.name; });
        else
          x = tensorOf(*emit("slice", {x}, {{"axis", axis.name}, {"at", at}}, index.at).id, x);
        places.erase(places.begin() + i);
        continue;
      }
      if (!place.otherwise)
        error(place.entry->value->at, fmt::format("position {} of axis '{}', which has {}", at,
                                                  place.entry->axis.text, axis.size))
            .help("say what stands outside: x[t = i else 0]")
            .fail();
    } else if (const Frame *loop = position.scanIndex;
               loop && loop->axis == axis && !x.uniform && x.id) {
      int outside = 0;
      for (Frame *f = loop->outer; f; f = f->outer)
        ++outside;
      if (depths[*x.id] <= outside) {
        for (Frame *f = frame; f; f = f->outer)
          if (f == loop)
            x = tensorOf(sliceOf(*f, *x.id), x);
        places.erase(places.begin() + i);
        continue;
      }
    } else if (x.uniform && position.type.axes.empty() && !place.otherwise) {
      std::erase_if(x.type.axes, [&](const Axis &a) { return a.name == axis.name; });
      places.erase(places.begin() + i);
      continue;
    }
    ++i;
  }
  if (places.empty())
    return x;

  // A group is indexed flat.
  std::vector<std::string> axes;
  std::vector<Tensor> operands;
  bool inside = true;
  std::vector<std::string> fresh;
  for (Place &place : places) {
    std::string name;
    if (place.group.axes.size() == 1) {
      name = place.group.axes[0].name;
    } else {
      if (place.group.axes.empty())
        fail(place.entry->axis.at, "an empty group has no positions");
      name = place.entry->axis.text;
      while (x.type.find(name) || place.position.type.find(name))
        name += ".1";
      x = mergeAxes(x, place.group.axes, name, index.at);
    }
    int64_t size = x.type.find(name)->size;
    inside &= place.position.range && place.position.range->first >= 0 &&
              place.position.range->second < size;
    // The axis that goes may come back under its own name: x[t = index(t) - 1].
    axes.push_back(name);
  }
  for (size_t i = 0; i < places.size(); ++i)
    for (const Tensor *other : {&places[i].position})
      for (const Axis &axis : other->type.axes) {
        const Axis *kept = x.type.find(axis.name);
        bool gone = std::find(axes.begin(), axes.end(), axis.name) != axes.end();
        if (kept && !gone && kept->size != axis.size)
          fail(index.at, fmt::format("axis '{}' is {} in {} and {} in the position",
                                     display(axis.name, scope), kept->size,
                                     describe(Value(base), scope), axis.size));
      }
  operands.push_back(x);
  for (Place &place : places) {
    place.position.vocabulary.reset();
    operands.push_back(place.position);
  }
  Attributes attributes = {{"axes", axes}};
  std::optional<Tensor> fill;
  if (!inside && otherwise) {
    Value value = eval(scope, *otherwise);
    Tensor scalar = toTensor(scope, value, otherwise->at);
    if (!scalar.type.axes.empty())
      fail(otherwise->at,
           fmt::format("what stands outside is one number, this is {}", describe(value, scope)));
    if (scalar.type.element != x.type.element) {
      if (isReal(x.type.element) && scalar.type.element == Element::I32)
        scalar = toReal(scalar, otherwise->at);
      else
        fail(otherwise->at, fmt::format("what stands outside is {}, the value is {}",
                                        describe(value, scope), describe(Value(base), scope)));
    }
    fill = scalar;
    operands.push_back(scalar);
    attributes["fill"] = true;
  } else if (!inside) {
    attributes["checked"] = true;
  }
  Tensor out = emit("gather", operands, attributes, index.at);
  out.vocabulary = base.vocabulary;
  out.range = base.range;
  if (out.range && fill) {
    if (fill->range)
      out.range = {std::min(out.range->first, fill->range->first),
                   std::max(out.range->second, fill->range->second)};
    else
      out.range.reset();
  }
  return out;
}

Value Checker::scatter(Scope &scope, const ast::Call &call) {
  std::optional<Tensor> x, where, into;
  std::vector<std::pair<Axis, Tensor>> positions;
  bool inside = true;
  for (const ast::Call::Argument &argument : call.arguments) {
    Value value = eval(scope, *argument.value);
    Tensor tensor = toTensor(scope, value, argument.value->at);
    if (!argument.name)
      x = toReal(tensor, argument.value->at);
    else if (argument.name->text == "where")
      where = tensor;
    else if (argument.name->text == "into")
      into = toReal(tensor, argument.value->at);
    else {
      Group axis = axisNamed(scope, argument.name->text, argument.name->at);
      if (axis.axes.size() != 1)
        fail(argument.name->at, "scatter puts values at positions of single axes");
      if (tensor.type.element != Element::I32)
        fail(argument.value->at, fmt::format("a position along '{}' is an integer, this is {}",
                                             argument.name->text, describe(value, scope)));
      inside &=
          tensor.range && tensor.range->first >= 0 && tensor.range->second < axis.axes[0].size;
      tensor.vocabulary.reset();
      positions.push_back({axis.axes[0], tensor});
    }
  }
  if (!x || positions.empty())
    fail(call.at, "scatter(x, axis = position, ...)");
  // Values are repeated along the positions' axes that they lack.
  Axes all = x->type.axes, needed;
  auto meets = [&](const Tensor &t) {
    for (const Axis &axis : t.type.axes)
      if (std::find(needed.begin(), needed.end(), axis) == needed.end())
        needed.push_back(axis);
  };
  for (auto &[axis, position] : positions)
    meets(position);
  if (where)
    meets(*where);
  std::vector<Tensor> operands = {expand(*x, needed, call.at)};
  Axes into_;
  for (auto &[axis, position] : positions) {
    operands.push_back(position);
    into_.push_back(axis);
  }
  Attributes attributes = {{"into", into_}, {"mode", std::string(into ? "set" : "add")}};
  if (where) {
    operands.push_back(*where);
    attributes["masked"] = true;
  }
  if (into) {
    Axes shape = into_;
    for (const Axis &axis : x->type.axes)
      if (std::find(needed.begin(), needed.end(), axis) == needed.end())
        shape.push_back(axis);
    operands.push_back(expand(*into, shape, call.at));
    attributes["onto"] = true;
  }
  if (!inside)
    attributes["checked"] = true;
  return emit("scatter", operands, attributes, call.at);
}

} // namespace frit::checking
