// What a divergence's generator f is: its text as a symbol, normalised, and the facts that decide
// how D[f] is computed.
#pragma once
#include "dialect/syntax/check/Checker.h"
#include "dialect/syntax/check/Series.h"

namespace frit::checking {

/// f(1) = f'(1) = 0, and the rest of what is known of f.
struct GeneratorFacts {
  SymbolPtr f;     // normalised
  SymbolPtr slope; // f'
  SymbolPtr score; // f - u f'
  SymbolPtr dual;  // u f(1 / u)
  /// Values of the parameters known only at run time at which things are decided; one empty point
  /// without any.
  std::vector<Point> points;
  /// Whether that is inf; a run-time parameter may decide.
  enum class Limit { Finite, Infinite, AtRunTime };
  Limit atZero = Limit::Finite;  // f(0): what q weighs where p is 0
  Limit atSlope = Limit::Finite; // f(u) / u as u grows: what p weighs where q is 0
  bool isSymmetric = false;      // f(u) = u f(1 / u): D[f](p || q) = D[f](q || p)
  bool isHomogeneous = false;    // of powers of u and their products with log u
  /// f(e^s) = sum of series[k] s^k where |s| < nearOne; nearOne is 0 if f has a kink at 1.
  std::vector<SymbolPtr> series;
  double nearOne = 0;
  /// The run-time values of the parameters that f mentions.
  std::map<std::string, Tensor> parameters;
};

/// Of a sound f; the parameters are the caller's.
GeneratorFacts factsOf(const SymbolPtr &f, std::vector<Point> points);
/// Limits taken, parameters in their range. Mistakes are reported and thrown.
GeneratorFacts factsOf(Checker &checker, const Generator &generator, Location at);

} // namespace frit::checking
