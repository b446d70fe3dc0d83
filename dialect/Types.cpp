// Names of element types and the printed form of a value's type.
#include "dialect/Types.h"

namespace frit {

const char *name(Element e) {
  switch (e) {
  case Element::F32:
    return "f32";
  case Element::F64:
    return "f64";
  case Element::BF16:
    return "bf16";
  case Element::I32:
    return "i32";
  case Element::I1:
    return "i1";
  }
  return "?";
}

std::optional<Element> elementOf(const std::string &text) {
  for (Element e : {Element::F32, Element::F64, Element::BF16, Element::I32, Element::I1})
    if (text == name(e))
      return e;
  return std::nullopt;
}

bool sameUpToOrder(const ValueType &x, const ValueType &y) {
  if (x.element != y.element || x.axes.size() != y.axes.size())
    return false;
  for (const Axis &axis : x.axes) {
    const Axis *other = y.find(axis.name);
    if (!other || other->size != axis.size)
      return false;
  }
  return true;
}

std::string toString(const ValueType &type) {
  std::string out = name(type.element);
  if (type.axes.empty())
    return out;
  out += "[";
  for (const Axis &axis : type.axes) {
    if (&axis != &type.axes.front())
      out += ", ";
    out += axis.name + ": " + std::to_string(axis.size);
  }
  return out + "]";
}

} // namespace frit
