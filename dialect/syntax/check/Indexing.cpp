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
/// One x[...], from its entries to its value.
class Indexing {
public:
  Indexing(Checker &c, Scope &scope, const Tensor &base, const ast::Index &index)
      : c(c), scope(scope), base(base), index(index), x(base), range(base.range),
        vocabulary(base.vocabulary) {}
  Tensor run();

private:
  /// One entry.
  struct Place {
    const ast::Index::Entry *entry;
    Group group;           // the axes that go
    Tensor position;       // integers
    std::string axis;      // the group as one axis of x
    bool isInside = false; // proved so
  };
  Place read(const ast::Index::Entry &entry);
  bool slice(const Place &place);
  void flatten(Place &place);
  void judgeSizes();
  std::optional<Tensor> outsideOf(const Place &place);
  void gather(const std::vector<const Place *> &some, const std::optional<Tensor> &outside);
  void gatherAll();

  Checker &c;
  Scope &scope;
  const Tensor &base;
  const ast::Index &index;
  Tensor x;                       // what is left of the base after the places taken so far
  Range range;                    // of its integers
  std::optional<Axis> vocabulary; // of its tokens
  std::vector<Place> places;
};
} // namespace

Indexing::Place Indexing::read(const ast::Index::Entry &entry) {
  Place place{&entry, c.axisNamed(scope, entry.axis.text, entry.axis.at), {}, {}};
  for (const Axis &axis : place.group.axes) {
    for (const Place &other : places)
      for (const Axis &taken : other.group.axes)
        if (taken.name == axis.name)
          c.fail(entry.axis.at,
                 fmt::format("axis '{}' has a position already", c.display(axis.name, scope)));
    if (!x.type.find(axis.name))
      c.fail(entry.axis.at,
             fmt::format("{} has no axis '{}'", c.describe(Value(base), scope), entry.axis.text));
  }
  Value position = c.eval(scope, *entry.value);
  place.position = c.toTensor(scope, position, entry.value->at);
  if (place.position.type.element != Element::I32)
    c.fail(entry.value->at, fmt::format("a position along '{}' is an integer, this is {}",
                                        entry.axis.text, c.describe(position, scope)));
  return place;
}

/// Takes a position that needs no gather: a constant, the index of a scan, or any where all
/// elements are alike.
bool Indexing::slice(const Place &place) {
  if (place.group.axes.size() != 1)
    return false;
  const Axis axis = *x.type.find(place.group.axes[0].name);
  const Tensor &position = place.position;
  auto drop = [&] {
    std::erase_if(x.type.axes, [&](const Axis &a) { return a.name == axis.name; });
    return true;
  };
  if (position.uniform && position.type.axes.empty()) {
    int64_t at = position.uniform->toInt();
    if (at >= 0 && at < axis.size) {
      if (x.uniform)
        return drop();
      Attributes attributes = {{"axis", axis.name}, {"at", at}};
      x = c.tensorOf(*c.emit("slice", {x}, attributes, index.at).id, x);
      return true;
    }
    if (!place.entry->otherwise)
      c.error(place.entry->value->at, fmt::format("position {} of axis '{}', which has {}", at,
                                                  place.entry->axis.text, axis.size))
          .help("say what stands outside: x[t = i else 0]")
          .fail();
    return false;
  }
  if (const Frame *loop = position.scanIndex; loop && loop->axis == axis && !x.uniform && x.id) {
    int outside = 0;
    for (Frame *f = loop->outer; f; f = f->outer)
      ++outside;
    if (c.depths[*x.id] > outside)
      return false;
    for (Frame *f = c.frame; f; f = f->outer)
      if (f == loop)
        x = c.tensorOf(c.sliceOf(*f, *x.id), x);
    return true;
  }
  if (x.uniform && position.type.axes.empty() && isBelow(position.range, axis.size))
    return drop();
  return false;
}

/// A group is indexed flat.
void Indexing::flatten(Place &place) {
  if (place.group.axes.size() == 1) {
    place.axis = place.group.axes[0].name;
  } else {
    if (place.group.axes.empty())
      c.fail(place.entry->axis.at, "an empty group has no positions");
    place.axis = place.entry->axis.text;
    while (x.type.find(place.axis) || place.position.type.find(place.axis))
      place.axis += ".1";
    x = c.mergeAxes(x, place.group.axes, place.axis, index.at);
  }
  place.isInside = isBelow(place.position.range, x.type.find(place.axis)->size);
}

/// Axes that x and a position share are taken pairwise. One that goes may come back under its own
/// name, with another size: x[t = index(t) - 1].
void Indexing::judgeSizes() {
  auto goes = [&](const Axis &axis) {
    return std::any_of(places.begin(), places.end(),
                       [&](const Place &place) { return place.axis == axis.name; });
  };
  for (const Place &place : places)
    for (const Axis &axis : place.position.type.axes) {
      const Axis *kept = x.type.find(axis.name);
      if (kept && !goes(*kept) && kept->size != axis.size)
        c.fail(index.at, fmt::format("axis '{}' is {} in {} and {} in the position",
                                     c.display(axis.name, scope), kept->size,
                                     c.describe(Value(base), scope), axis.size));
    }
}

/// What stands outside: a number like those of x. Nothing where a position is inside or has no
/// `else`.
std::optional<Tensor> Indexing::outsideOf(const Place &place) {
  const ast::Expr *otherwise = place.entry->otherwise.get();
  if (place.isInside || !otherwise)
    return std::nullopt;
  Value value = c.eval(scope, *otherwise);
  Tensor scalar = c.toTensor(scope, value, otherwise->at);
  if (!scalar.type.axes.empty())
    c.fail(otherwise->at,
           fmt::format("what stands outside is one number, this is {}", c.describe(value, scope)));
  if (scalar.type.element == x.type.element)
    return scalar;
  if (!isReal(x.type.element) || scalar.type.element != Element::I32)
    c.fail(otherwise->at, fmt::format("what stands outside is {}, the value is {}",
                                      c.describe(value, scope), c.describe(Value(base), scope)));
  return c.toReal(scalar, otherwise->at);
}

void Indexing::gather(const std::vector<const Place *> &some,
                      const std::optional<Tensor> &outside) {
  std::vector<std::string> axes;
  std::vector<Tensor> operands = {x};
  bool isInside = true;
  for (const Place *place : some) {
    axes.push_back(place->axis);
    operands.push_back(place->position);
    operands.back().vocabulary.reset();
    isInside &= place->isInside;
  }
  Attributes attributes = {{"axes", axes}};
  if (outside) {
    operands.push_back(*outside);
    attributes["fill"] = true;
    range = unite(range, outside->range);
    if (vocabulary && !outside->isWithin(*vocabulary))
      vocabulary.reset(); // a number that is no token may stand there
  } else if (!isInside) {
    attributes["checked"] = true;
  }
  x = c.emit("gather", operands, attributes, index.at);
  x.vocabulary = vocabulary;
  x.range = range;
}

/// One gather takes all positions with the same value outside; those without one are looked at
/// when the program runs, by a gather of their own. What is known to be inside goes along with
/// any.
void Indexing::gatherAll() {
  auto isSame = [](const std::optional<Tensor> &a, const std::optional<Tensor> &b) {
    if (a && b && a->uniform && b->uniform)
      return a->uniform->value == b->uniform->value;
    return a.has_value() == b.has_value() && (!a || (a->id && a->id == b->id));
  };
  std::vector<std::optional<Tensor>> steps;
  std::vector<size_t> stepOf;
  for (const Place &place : places) {
    std::optional<Tensor> outside = outsideOf(place);
    size_t step = 0;
    if (!place.isInside) {
      while (step < steps.size() && !isSame(steps[step], outside))
        ++step;
      if (step == steps.size())
        steps.push_back(outside);
    }
    stepOf.push_back(step);
  }
  // In several steps a position may bring an axis of the name of one that has not gone yet.
  auto isBrought = [&](const std::string &axis) {
    return std::any_of(places.begin(), places.end(),
                       [&](const Place &place) { return place.position.type.find(axis); });
  };
  for (Place &place : places)
    if (steps.size() > 1 && isBrought(place.axis)) {
      std::string name = c.freshIn(scope, place.axis);
      x = c.renameAxes(x, {{place.axis, {{name, x.type.find(place.axis)->size}}}}, index.at);
      place.axis = name;
    }
  // Where several are outside the first in the text says what stands there: it goes last.
  for (size_t step = std::max<size_t>(steps.size(), 1); step-- > 0;) {
    std::vector<const Place *> some;
    for (size_t i = 0; i < places.size(); ++i)
      if (stepOf[i] == step)
        some.push_back(&places[i]);
    gather(some, steps.empty() ? std::nullopt : steps[step]);
  }
}

Tensor Indexing::run() {
  for (const ast::Index::Entry &entry : index.entries)
    places.push_back(read(entry));
  std::erase_if(places, [&](const Place &place) { return slice(place); });
  if (places.empty())
    return x;
  for (Place &place : places)
    flatten(place);
  judgeSizes();
  gatherAll();
  return x;
}

Tensor Checker::indexTensor(Scope &scope, const Tensor &base, const ast::Index &index) {
  return Indexing(*this, scope, base, index).run();
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
      inside &= isBelow(tensor.range, axis.axes[0].size);
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
