// Writes x(w) as ops, where w = exp(-|log u|) is the ratio of the smaller to the larger of p and q,
// and may be 0.
//
// A sum is written as w^d times what stays finite as w goes to 0, d its degree, and a power in
// front is joined with the weight that multiplies it all, max(p, q), whose logarithm is
// `logWeight`: nothing overflows on the way to a number that does not.
#pragma once
#include "dialect/syntax/check/Degrees.h"
#include "dialect/syntax/check/FormulaWriter.h"

namespace frit::checking {

class LogSpace : FormulaWriter {
public:
  /// `logW` is at most 0; `parameters` are the values of those known at run time.
  LogSpace(Checker &checker, Tensor logW, std::optional<Tensor> logWeight,
           const std::map<std::string, Tensor> &parameters, const std::vector<Point> &points,
           Location at)
      : FormulaWriter(checker, at), logW(std::move(logW)), logWeight(std::move(logWeight)),
        parameters(parameters), degrees(1, points) {}

  /// weight * x(w).
  Tensor write(const SymbolPtr &x);
  /// max(p, q); 1 without a weight.
  Tensor weight();
  /// A symbol without u.
  Tensor constant(const SymbolPtr &x);
  /// w^k.
  Tensor powerOfW(const SymbolPtr &k);

private:
  Tensor logW;
  std::optional<Tensor> logWeight, weight_;
  const std::map<std::string, Tensor> &parameters;
  Degrees degrees;
  std::map<std::string, Tensor> powers;       // of w, and w^k - 1
  std::map<const Symbol *, Tensor> constants; // of symbols kept alive by `kept`
  std::vector<SymbolPtr> kept;

  Tensor sum(const Products &products, const SymbolPtr &shift);
  Tensor product(const Product &product, const SymbolPtr &exponent);
  Tensor factor(const SymbolPtr &factor);
  Tensor logOfSum(const Products &products, const SymbolPtr &degree);
  Tensor logOfRatio(const Products &x, const Products &y);
  Tensor powerOfWMinusOne(const SymbolPtr &k);
  Tensor grown(const SymbolPtr &k);
};

} // namespace frit::checking
