// Taylor series in s of x(e^s) at s = 0, with the parameters kept as symbols. Near p = q a
// divergence is computed from them: f(u) itself would be a difference of nearly equal numbers.
#pragma once
#include "dialect/syntax/check/Symbol.h"
#include <optional>

namespace frit::checking {

/// Coefficients of s^0 ... s^order; none where x has a kink or a pole at u = 1. Whether something
/// is zero is judged at `points`.
std::optional<std::vector<SymbolPtr>> seriesAtOne(const SymbolPtr &x, size_t order,
                                                  const std::vector<Point> &points);

} // namespace frit::checking
