// What D[f](p || q) and its slopes are, to more digits than anybody computes with: f straight from
// its text, no log space, no series, no cases; numbers of 64 bits of mantissa that cannot overflow.
// Shares nothing with the compiler but the parser, so that the two can be held against each other.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/check/BigReal.h"
#include <map>
#include <string>
#include <vector>

namespace frit {

/// Declarations by name, the file's before the prelude's; numbers of `config`.
struct DivergenceScope {
  std::map<std::string, const ast::Divergence *> divergences;
  std::map<std::string, double> config;
};

struct DivergenceTruth {
  double value = 0;
  std::vector<double> byP, byQ; // by the logits of p and of q
  double byParameter = 0;
  bool isInfinite = false; // by a column that only one of them has; the gradients are of the rest
  /// What the gradients are differences of: the sum of (1 - p) |slope by log p|.
  double scaleP = 0, scaleQ = 0;
  double noise = 0; // how wrong these gradients may be
  /// The largest |log| of a term: an exponential of it in f32 is right to that times 6e-8.
  double exponent = 0;
};

/// One row. `parameter` is the one to differentiate by, empty for none.
DivergenceTruth divergenceTruth(const DivergenceScope &scope, const ast::Divergence &divergence,
                                const std::map<std::string, double> &parameters,
                                const std::string &parameter, const std::vector<double> &logitsP,
                                const std::vector<double> &logitsQ);

} // namespace frit
