// The degree of an expression x(u) at one end of the ratios is the d for which it is w^d, up to
// logarithms, as w goes to 0; u = w at the one end, u = 1 / w at the other.
#pragma once
#include "dialect/syntax/check/Products.h"
#include <optional>

namespace frit::checking {

class Degrees {
public:
  /// `sigma`: u = w^sigma, 1 or -1. Orders of parameters known at run time are decided at `points`
  /// or, if these do not agree, by a minimum at run time.
  Degrees(int sigma, const std::vector<Point> &points) : points(points), sigma(sigma) {}

  SymbolPtr of(const Products &products) const;
  SymbolPtr ofFactor(const SymbolPtr &factor) const;
  /// The power of w in front of a product whose factors are divided by theirs.
  SymbolPtr of(const Product &product) const;
  /// -1, 0 or 1 as a is below, at or above b; none if that hangs on the parameters.
  std::optional<int> order(const SymbolPtr &a, const SymbolPtr &b) const;
  /// log of a sum of degree d is d log w and the log of what stays finite; the first part may
  /// cancel against other logs, which must not be left to rounding. What is left is called "log
  /// rest".
  Products logsApart(const Products &products) const;

  const std::vector<Point> &points;

private:
  int sigma;
  SymbolPtr least(const SymbolPtr &a, const SymbolPtr &b) const;
};

/// u f(1 / u), written such that nothing in it grows needlessly as u goes to 0: its slopes there
/// are sums of small terms, not differences of large ones.
SymbolPtr dualOf(const SymbolPtr &f, const std::vector<Point> &points);

} // namespace frit::checking
