// The shape laws. Every refusal is a sentence that names the axes and sizes it is about; whoever
// calls puts the op or the user's line in front.
#include "dialect/ops/Laws.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace frit::laws {

using Types = std::vector<ValueType>;

/// Thrown by the helpers below, caught where a law returns.
struct Refusal {
  std::string message;
};

template <typename... T>
[[noreturn]] static void refuse(fmt::format_string<T...> text, T &&...args) {
  throw Refusal{fmt::format(text, std::forward<T>(args)...)};
}

template <typename Body> static LawResult judge(Body body) {
  try {
    return LawResult(body());
  } catch (const Refusal &refusal) {
    return LawResult::failure(refusal.message);
  }
}

//===-- Sentences ---------------------------------------------------------------------------===//

static std::string ordinal(size_t i) {
  static const char *words[] = {"first", "second", "third", "fourth", "fifth"};
  return i < std::size(words) ? words[i] : fmt::format("{}th", i + 1);
}

static std::string list(const std::vector<Axis> &axes) {
  std::string out = "[";
  for (const Axis &axis : axes)
    out += (out.size() > 1 ? ", " : "") + axis.name;
  return out + "]";
}

//===-- Operands ----------------------------------------------------------------------------===//

static void atLeast(const Types &operands, size_t count) {
  if (operands.size() < count)
    refuse("takes {} operands, not {}", count, operands.size());
}

static void exactly(const Types &operands, size_t count) {
  if (operands.size() != count)
    refuse("takes {} operand{}, not {}", count, count == 1 ? "" : "s", operands.size());
}

static void needReal(const ValueType &type, size_t i) {
  if (!isReal(type.element))
    refuse("the {} operand is {}, but must be real", ordinal(i), name(type.element));
}

static void needNumber(const ValueType &type, size_t i) {
  if (type.element == Element::I1)
    refuse("the {} operand is i1, but must be a number", ordinal(i));
}

static void need(const ValueType &type, size_t i, Element element) {
  if (type.element != element)
    refuse("the {} operand is {}, but must be {}", ordinal(i), name(type.element), name(element));
}

static void needSameElement(const Types &operands, size_t first = 0) {
  for (size_t i = first + 1; i < operands.size(); ++i)
    if (operands[i].element != operands[first].element)
      refuse("the {} operand is {} and the {} is {}", ordinal(first), name(operands[first].element),
             ordinal(i), name(operands[i].element));
}

/// Where an axis was seen first, for the sentence about the second.
struct Seen {
  int64_t size;
  size_t operand;
};

/// Adds the axes of operand i to what was seen; equal names must have equal sizes.
static void meet(std::map<std::string, Seen> &seen, const ValueType &type, size_t i) {
  for (const Axis &axis : type.axes) {
    auto [at, isNew] = seen.insert({axis.name, {axis.size, i}});
    if (!isNew && at->second.size != axis.size)
      refuse("axis '{}' is {} in the {} operand and {} in the {}", axis.name, at->second.size,
             ordinal(at->second.operand), axis.size, ordinal(i));
  }
}

static void append(std::vector<Axis> &axes, const Axis &axis) {
  if (std::find(axes.begin(), axes.end(), axis) == axes.end())
    axes.push_back(axis);
}

/// The union of all operands' axes, in the order of the operand that has most.
static std::vector<Axis> unite(const Types &operands) {
  std::map<std::string, Seen> seen;
  size_t widest = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    meet(seen, operands[i], i);
    if (operands[i].axes.size() > operands[widest].axes.size())
      widest = i;
  }
  std::vector<Axis> out;
  if (!operands.empty())
    out = operands[widest].axes;
  for (const ValueType &type : operands)
    for (const Axis &axis : type.axes)
      append(out, axis);
  return out;
}

//===-- Attributes --------------------------------------------------------------------------===//

template <typename T> static const T *find(const Attributes &attributes, const char *key) {
  auto at = attributes.find(key);
  return at == attributes.end() ? nullptr : std::get_if<T>(&at->second);
}

template <typename T> static const T &get(const Attributes &attributes, const char *key) {
  const T *value = find<T>(attributes, key);
  if (!value)
    refuse("needs the attribute '{}'", key);
  return *value;
}

static bool flag(const Attributes &attributes, const char *key) {
  const bool *value = find<bool>(attributes, key);
  return value && *value;
}

static void needDistinct(const std::vector<std::string> &names, const char *key) {
  std::set<std::string> seen;
  for (const std::string &axis : names)
    if (!seen.insert(axis).second)
      refuse("'{}' names axis '{}' twice", key, axis);
}

/// Names of axes that the operand must have.
static const std::vector<std::string> &axesOf(const Attributes &attributes, const char *key,
                                              const ValueType &type, size_t operand = 0) {
  const auto &names = get<std::vector<std::string>>(attributes, key);
  needDistinct(names, key);
  for (const std::string &axis : names)
    if (!type.find(axis))
      refuse("the {} operand has no axis '{}', only {}", ordinal(operand), axis, list(type.axes));
  return names;
}

/// Axes that the op makes.
static const std::vector<Axis> &newAxes(const Attributes &attributes, const char *key) {
  const auto &axes = get<std::vector<Axis>>(attributes, key);
  std::vector<std::string> names;
  for (const Axis &axis : axes) {
    names.push_back(axis.name);
    if (axis.size < 1)
      refuse("axis '{}' has size {}, but must have at least 1", axis.name, axis.size);
  }
  needDistinct(names, key);
  return axes;
}

static const std::string &oneAxis(const Attributes &attributes, const char *key,
                                  const ValueType &type) {
  const auto &names = axesOf(attributes, key, type);
  if (names.size() != 1)
    refuse("'{}' names {} axes, but must name one", key, names.size());
  return names.front();
}

static bool has(const std::vector<std::string> &names, const std::string &axis) {
  return std::find(names.begin(), names.end(), axis) != names.end();
}

static ValueType without(ValueType type, const std::vector<std::string> &names) {
  std::erase_if(type.axes, [&](const Axis &axis) { return has(names, axis.name); });
  return type;
}

/// Positions are i32.
static void needFlat(const std::vector<Axis> &axes) {
  double count = 1;
  for (const Axis &axis : axes)
    count *= double(axis.size);
  if (count > double(std::numeric_limits<int32_t>::max()))
    refuse("positions along {} do not fit an i32: there are {:.0f}", list(axes), count);
}

static std::vector<Axis> pickAxes(const ValueType &type, const std::vector<std::string> &names) {
  std::vector<Axis> out;
  for (const std::string &axis : names)
    out.push_back(*type.find(axis));
  return out;
}

/// A name for a new axis beside those that stay.
static void needFree(const std::vector<Axis> &kept, const std::string &axis) {
  for (const Axis &other : kept)
    if (other.name == axis)
      refuse("the result would have axis '{}' twice", axis);
}

static Element elementAttribute(const Attributes &attributes, const char *key) {
  const std::string &text = get<std::string>(attributes, key);
  std::optional<Element> element = elementOf(text);
  if (!element)
    refuse("'{}' is no element type: '{}'", key, text);
  return *element;
}

//===-- Elementwise -------------------------------------------------------------------------===//

#define LAW(name)                                                                                  \
  static ValueType name##Type(const Types &x, const Attributes &attributes);                       \
  LawResult name(const Types &x, const Attributes &attributes) {                                   \
    return judge([&] { return name##Type(x, attributes); });                                       \
  }                                                                                                \
  static ValueType name##Type(const Types &x, [[maybe_unused]] const Attributes &attributes)

LAW(elementwise) {
  atLeast(x, 1);
  for (size_t i = 0; i < x.size(); ++i)
    needReal(x[i], i);
  needSameElement(x);
  return {x[0].element, unite(x)};
}

LAW(arithmetic) {
  atLeast(x, 1);
  for (size_t i = 0; i < x.size(); ++i)
    needNumber(x[i], i);
  needSameElement(x);
  return {x[0].element, unite(x)};
}

LAW(comparison) {
  exactly(x, 2);
  needSameElement(x);
  return {Element::I1, unite(x)};
}

LAW(logical) {
  atLeast(x, 1);
  for (size_t i = 0; i < x.size(); ++i)
    need(x[i], i, Element::I1);
  return {Element::I1, unite(x)};
}

LAW(select) {
  exactly(x, 3);
  need(x[0], 0, Element::I1);
  needSameElement(x, 1);
  return {x[1].element, unite(x)};
}

LAW(cast) {
  exactly(x, 1);
  return {elementAttribute(attributes, "to"), x[0].axes};
}

LAW(same) {
  exactly(x, 1);
  return x[0];
}

//===-- Reductions --------------------------------------------------------------------------===//

LAW(reduce) {
  exactly(x, 1);
  needNumber(x[0], 0);
  return without(x[0], axesOf(attributes, "over", x[0]));
}

LAW(quantify) {
  exactly(x, 1);
  need(x[0], 0, Element::I1);
  return without(x[0], axesOf(attributes, "over", x[0]));
}

LAW(reduceReal) {
  exactly(x, 1);
  needReal(x[0], 0);
  return without(x[0], axesOf(attributes, "over", x[0]));
}

LAW(normalise) {
  exactly(x, 1);
  needReal(x[0], 0);
  axesOf(attributes, "over", x[0]);
  return x[0];
}

LAW(pick) {
  exactly(x, 1);
  needReal(x[0], 0);
  const auto &over = axesOf(attributes, "over", x[0]);
  needFlat(pickAxes(x[0], over));
  return {Element::I32, without(x[0], over).axes};
}

LAW(accumulate) {
  exactly(x, 1);
  axesOf(attributes, "over", x[0]);
  return {x[0].element == Element::I1 ? Element::I32 : x[0].element, x[0].axes};
}

LawResult topK(const Types &x, const Attributes &attributes) {
  return judge([&] {
    exactly(x, 1);
    needReal(x[0], 0);
    const std::string &over = oneAxis(attributes, "over", x[0]);
    const std::string &as = get<std::string>(attributes, "as");
    int64_t k = get<int64_t>(attributes, "k"), size = x[0].find(over)->size;
    if (k < 1 || k > size)
      refuse("k is {}, but axis '{}' has {} elements", k, over, size);
    needFlat({*x[0].find(over)});
    needFree(without(x[0], {over}).axes, as);
    ValueType values = x[0];
    for (Axis &axis : values.axes)
      if (axis.name == over)
        axis = {as, k};
    return Types{values, {Element::I32, values.axes}};
  });
}

LawResult sort(const Types &x, const Attributes &attributes) {
  return judge([&] {
    exactly(x, 1);
    needReal(x[0], 0);
    needFlat({*x[0].find(oneAxis(attributes, "over", x[0]))});
    return Types{x[0], {Element::I32, x[0].axes}};
  });
}

//===-- Linear ------------------------------------------------------------------------------===//

LAW(contract) {
  exactly(x, 2);
  needReal(x[0], 0);
  needReal(x[1], 1);
  needSameElement(x);
  const auto &over = axesOf(attributes, "over", x[0], 0);
  axesOf(attributes, "over", x[1], 1);
  unite(x);
  ValueType out{x[0].element, {}};
  for (const Axis &axis : x[0].axes)
    if (x[1].find(axis.name) && !has(over, axis.name))
      out.axes.push_back(axis);
  for (const ValueType &type : x)
    for (const Axis &axis : type.axes)
      if (!has(over, axis.name))
        append(out.axes, axis);
  return out;
}

LAW(gather) {
  atLeast(x, 1);
  const auto &axes = axesOf(attributes, "axes", x[0]);
  bool fill = flag(attributes, "fill");
  if (axes.empty())
    refuse("names no axis to index");
  exactly(x, 1 + axes.size() + fill);
  needFlat(pickAxes(x[0], axes));
  ValueType rest = without(x[0], axes);
  std::map<std::string, Seen> seen;
  meet(seen, rest, 0);
  std::vector<Axis> indexAxes;
  for (size_t i = 1; i <= axes.size(); ++i) {
    need(x[i], i, Element::I32);
    meet(seen, x[i], i);
    for (const Axis &axis : x[i].axes)
      append(indexAxes, axis);
  }
  if (fill && (x.back().element != x[0].element || !x.back().axes.empty()))
    refuse("what stands for positions outside is {}, but must be a scalar of {}",
           toString(x.back()), name(x[0].element));
  // The index axes stand where the first of `axes` stood.
  ValueType out{x[0].element, {}};
  bool placed = false;
  for (const Axis &axis : x[0].axes) {
    if (!has(axes, axis.name)) {
      append(out.axes, axis);
      continue;
    }
    for (const Axis &index : indexAxes)
      if (!placed && !rest.find(index.name))
        append(out.axes, index);
    placed = true;
  }
  return out;
}

LAW(scatter) {
  atLeast(x, 1);
  const auto &into = newAxes(attributes, "into");
  bool masked = flag(attributes, "masked"), onto = flag(attributes, "onto");
  if (into.empty())
    refuse("names no axis to put values into");
  exactly(x, 1 + into.size() + masked + onto);
  needFlat(into);
  const std::string &mode = get<std::string>(attributes, "mode");
  if (mode != "add" && mode != "set")
    refuse("mode is '{}', but must be 'add' or 'set'", mode);
  if (mode == "add")
    needNumber(x[0], 0);
  std::map<std::string, Seen> seen;
  meet(seen, x[0], 0);
  std::vector<Axis> positions;
  for (size_t i = 1; i <= into.size() + masked; ++i) {
    need(x[i], i, i <= into.size() ? Element::I32 : Element::I1);
    meet(seen, x[i], i);
    for (const Axis &axis : x[i].axes)
      append(positions, axis);
  }
  ValueType where{Element::I32, positions}, out{x[0].element, {}};
  if (const auto *aligned = find<std::vector<std::string>>(attributes, "aligned")) {
    needDistinct(*aligned, "aligned");
    for (const std::string &axis : *aligned) {
      if (!where.find(axis))
        refuse("'aligned' names axis '{}', which no index has", axis);
      out.axes.push_back(*where.find(axis));
    }
  }
  for (const Axis &axis : into) {
    needFree(out.axes, axis.name);
    out.axes.push_back(axis);
  }
  for (const Axis &axis : x[0].axes)
    if (!where.find(axis.name)) {
      needFree(out.axes, axis.name);
      out.axes.push_back(axis);
    }
  if (!onto)
    return out;
  if (!sameUpToOrder(x.back(), out))
    refuse("the value to put into is {}, but must be {}", toString(x.back()), toString(out));
  return x.back();
}

//===-- Shape -------------------------------------------------------------------------------===//

LAW(rename) {
  exactly(x, 1);
  const std::string &from = get<std::string>(attributes, "from");
  const std::string &to = get<std::string>(attributes, "to");
  if (!x[0].find(from))
    refuse("the first operand has no axis '{}', only {}", from, list(x[0].axes));
  needFree(without(x[0], {from}).axes, to);
  ValueType out = x[0];
  for (Axis &axis : out.axes)
    if (axis.name == from)
      axis.name = to;
  return out;
}

LAW(split) {
  exactly(x, 1);
  const std::string &from = get<std::string>(attributes, "axis");
  const auto &into = newAxes(attributes, "into");
  const Axis *axis = x[0].find(from);
  if (!axis)
    refuse("the first operand has no axis '{}', only {}", from, list(x[0].axes));
  int64_t count = ValueType{Element::I32, into}.count();
  if (count != axis->size)
    refuse("axis '{}' is {}, but {} has {} elements", from, axis->size, list(into), count);
  for (const Axis &part : into)
    needFree(without(x[0], {from}).axes, part.name);
  ValueType out{x[0].element, {}};
  for (const Axis &old : x[0].axes) {
    if (old.name != from)
      out.axes.push_back(old);
    else
      out.axes.insert(out.axes.end(), into.begin(), into.end());
  }
  return out;
}

LAW(merge) {
  exactly(x, 1);
  const auto &group = axesOf(attributes, "axes", x[0]);
  const std::string &into = get<std::string>(attributes, "into");
  needFree(without(x[0], group).axes, into);
  Axis merged{into, ValueType{Element::I32, pickAxes(x[0], group)}.count()};
  ValueType out{x[0].element, {}};
  for (const Axis &axis : x[0].axes) {
    if (!has(group, axis.name))
      out.axes.push_back(axis);
    else if (!out.find(into))
      out.axes.push_back(merged);
  }
  if (group.empty())
    out.axes.push_back(merged);
  return out;
}

LAW(stack) {
  atLeast(x, 1);
  const std::string &axis = get<std::string>(attributes, "axis");
  for (size_t i = 1; i < x.size(); ++i)
    if (!sameUpToOrder(x[0], x[i]))
      refuse("the first operand is {} and the {} is {}", toString(x[0]), ordinal(i),
             toString(x[i]));
  needFree(x[0].axes, axis);
  ValueType out = x[0];
  out.axes.insert(out.axes.begin(), {axis, int64_t(x.size())});
  return out;
}

LAW(slice) {
  exactly(x, 1);
  const std::string &from = get<std::string>(attributes, "axis");
  int64_t at = get<int64_t>(attributes, "at");
  const Axis *axis = x[0].find(from);
  if (!axis)
    refuse("the first operand has no axis '{}', only {}", from, list(x[0].axes));
  if (at < 0 || at >= axis->size)
    refuse("element {} of axis '{}', which has {}", at, from, axis->size);
  return without(x[0], {from});
}

LAW(broadcast) {
  exactly(x, 1);
  const auto &axes = newAxes(attributes, "axes");
  for (const Axis &axis : axes)
    if (const Axis *old = x[0].find(axis.name); old && old->size != axis.size)
      refuse("axis '{}' is {} in the first operand and {} in 'axes'", axis.name, old->size,
             axis.size);
  ValueType out{x[0].element, axes};
  bool covers = true;
  for (const Axis &axis : x[0].axes)
    covers &= out.find(axis.name) != nullptr;
  if (covers)
    return out;
  out = x[0];
  size_t place = 0;
  for (const Axis &axis : axes)
    if (!out.find(axis.name))
      out.axes.insert(out.axes.begin() + place++, axis);
  return out;
}

//===-- Values from nothing -----------------------------------------------------------------===//

LAW(index) {
  exactly(x, 0);
  const auto &axes = newAxes(attributes, "axes");
  needFlat(axes);
  return {Element::I32, axes};
}

LAW(constant) {
  exactly(x, 0);
  double value = get<double>(attributes, "value");
  Element element = elementAttribute(attributes, "element");
  if (element == Element::I1 && value != 0 && value != 1)
    refuse("{} is no i1", value);
  if (element == Element::I32 &&
      (value != std::trunc(value) || std::fabs(value) > 2147483648.0 || value == 2147483648.0))
    refuse("{} is no i32", value);
  return {element, newAxes(attributes, "axes")};
}

LAW(random) {
  atLeast(x, 2);
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i].element != Element::I32 || !x[i].axes.empty())
      refuse("the {} key is {}, but must be an i32 scalar", ordinal(i), toString(x[i]));
  Element element = elementAttribute(attributes, "element");
  if (!isReal(element))
    refuse("'element' is {}, but must be real", name(element));
  const std::string &distribution = get<std::string>(attributes, "distribution");
  if (distribution != "uniform" && distribution != "normal")
    refuse("distribution is '{}', but must be 'uniform' or 'normal'", distribution);
  get<int64_t>(attributes, "site");
  return {element, newAxes(attributes, "axes")};
}

} // namespace frit::laws
