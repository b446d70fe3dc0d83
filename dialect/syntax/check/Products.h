// A generator as a sum of products c u^a F, so that powers of u can be joined with the probability
// they multiply: p (q / p)^3 is computed as exp(3 log q - 2 log p), never as 0 * inf.
#pragma once
#include "dialect/syntax/check/Symbol.h"

namespace frit::checking {

struct Product {
  SymbolPtr coefficient;          // without u
  SymbolPtr power;                // of u, without u
  std::vector<SymbolPtr> factors; // what is no power of u: logs, sums to a power, kinks
};
using Products = std::vector<Product>;

/// Small products of sums are multiplied out and equal terms joined: f - u f' of u log u is -u.
Products expanded(const SymbolPtr &x);
/// Equal terms joined.
Products merged(const Products &products);
SymbolPtr sumOf(const Products &products);
/// Only powers of u and their products with log u: sums of them over the support come from one
/// pass (class H of the design), others need the normalisers first (class N).
bool isHomogeneous(const Products &products);

} // namespace frit::checking
