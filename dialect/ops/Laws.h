// The shape laws: from operand types and attributes to result types, or a sentence that says what
// is wrong. Each op record names its law; the checker calls it to compute shapes, the verifier
// calls it to judge the IR, so that a shape rule is written once.
#pragma once
#include "dialect/Types.h"

namespace frit {

/// The outcome of a law: result types, or (non-empty) error.
struct LawResult {
  std::vector<ValueType> types;
  std::string error;
  LawResult(ValueType type) : types{std::move(type)} {}
  LawResult(std::vector<ValueType> types) : types(std::move(types)) {}
  static LawResult failure(std::string message) {
    LawResult result{std::vector<ValueType>{}};
    result.error = std::move(message);
    return result;
  }
  explicit operator bool() const { return error.empty(); }
};

using Law = LawResult (*)(const std::vector<ValueType> &operands, const Attributes &attributes);

namespace laws {
#define FRIT_LAW(name)                                                                             \
  LawResult name(const std::vector<ValueType> &operands, const Attributes &attributes);
/// Elementwise on reals of one element type: the union of the operands' axes, equal names of equal
/// size, in the order of the operand that has most.
FRIT_LAW(elementwise)
/// Elementwise on reals or integers, all operands of one element type.
FRIT_LAW(arithmetic)
/// Compares two values of one element type; gives i1.
FRIT_LAW(comparison)
/// and, or, not: i1 to i1.
FRIT_LAW(logical)
/// condition i1, then two values of one element type.
FRIT_LAW(select)
/// attribute `to`: an element name. Same axes.
FRIT_LAW(cast)
/// Reals or integers in, `over` gone. sum, max, min.
FRIT_LAW(reduce)
/// i1 in, i1 out, `over` gone. any, all.
FRIT_LAW(quantify)
/// Reals in, reals out, `over` gone. logsumexp.
FRIT_LAW(reduceReal)
/// Reals in, same type out, along `over`. softmax, log_softmax.
FRIT_LAW(normalise)
/// Reals in, i32 out, `over` (one axis or a group, flat index) gone. argmax.
FRIT_LAW(pick)
/// Same axes out; reals or i32 (i1 is counted: i32 out). cumsum along the group `over`, from its
/// end with `reverse`.
FRIT_LAW(accumulate)
/// `k`, `over` (one axis), `as` (new axis): values and i32 indices, largest first, ties by index.
FRIT_LAW(topK)
/// `over` (one axis): values ascending and i32 indices, stable.
FRIT_LAW(sort)
/// Two reals that both have `over`; shared other axes are batch, the rest is kept: batch axes, then
/// those of the first operand, then those of the second. Empty `over` is the outer product.
FRIT_LAW(contract)
/// `axes` of operand 0 are replaced by the axes of the i32 operands 1..n, one each; axes that an
/// index shares with what remains of operand 0 are aligned. With `fill` a last real/int scalar
/// operand stands for positions outside, otherwise indices must be inside.
FRIT_LAW(gather)
/// The transpose of gather: operand 0 the values, then one i32 index per entry of `into` (axes with
/// sizes), then with `masked` an i1; with `onto` a last operand of the result's type that is the
/// start (else zero). `mode`: "add" or "set". The axes of the indices and the mask are the
/// positions: they go, except those in `aligned` (names; absent means none), which stay and are
/// where gather aligned an index with its operand. The other axes of the values stay.
FRIT_LAW(scatter)
/// `from`, `to`: one axis gets another name.
FRIT_LAW(rename)
/// `axis` becomes the axes `into` (with sizes), row-major in the order written.
FRIT_LAW(split)
/// The group `axes` (in the order written, maybe empty) becomes the axis `into`.
FRIT_LAW(merge)
/// n values of one type become one with the new axis `axis` in front.
FRIT_LAW(stack)
/// Element `at` of axis `axis`, which goes.
FRIT_LAW(slice)
/// Adds the axes `axes` (with sizes) in front; those already there must agree. If `axes` holds all
/// axes of the operand, the result has the order of `axes`.
FRIT_LAW(broadcast)
/// No operands; `axes`: i32 row-major position within the group (empty group: 0).
FRIT_LAW(index)
/// No operands; `value`, `element`, `axes`.
FRIT_LAW(constant)
/// seed, step (i32 scalars), then any number of i32 scalars; `axes`, `element`, `distribution`
/// ("uniform" in [0,1), "normal"), `site`.
FRIT_LAW(random)
/// Same type out.
FRIT_LAW(same)
#undef FRIT_LAW
} // namespace laws
} // namespace frit
