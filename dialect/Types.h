// What a value is, for text and ops alike: an element type and a list of named axes. Plain C++, so
// that the checker and the op verifiers can share one set of laws (dialect/ops/Laws.h).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace frit {

enum class Element { F32, F64, BF16, I32, I1 };

inline bool isReal(Element e) {
  return e == Element::F32 || e == Element::F64 || e == Element::BF16;
}
/// "f32", "f64", "bf16", "i32", "i1".
const char *name(Element e);
/// The element type of that name.
std::optional<Element> elementOf(const std::string &text);

/// A named axis with its size. Inside one value names are unique; two values that meet agree on the
/// size of every name they share.
struct Axis {
  std::string name;
  int64_t size = 0;
  bool operator==(const Axis &) const = default;
};

/// The type of a value. The order of the axes has no meaning until the Layout pass; it only makes
/// printing and file formats definite.
struct ValueType {
  Element element = Element::F32;
  std::vector<Axis> axes;

  const Axis *find(const std::string &axis) const {
    for (const Axis &a : axes)
      if (a.name == axis)
        return &a;
    return nullptr;
  }
  int64_t count() const {
    int64_t n = 1;
    for (const Axis &a : axes)
      n *= a.size;
    return n;
  }
  bool operator==(const ValueType &) const = default;
};

/// Whether two types differ at most in the order of their axes. This, not ==, is when a value fits:
/// the order means nothing, and nobody transposes before codegen.
bool sameUpToOrder(const ValueType &x, const ValueType &y);

/// "f32[b: 4, t: 8]".
std::string toString(const ValueType &type);

/// A compile-time argument of an op. Axes are named without sizes where the operands know them,
/// with sizes where the op makes them.
using Attribute =
    std::variant<bool, int64_t, double, std::string, std::vector<std::string>, std::vector<Axis>>;
using Attributes = std::map<std::string, Attribute>;

} // namespace frit
