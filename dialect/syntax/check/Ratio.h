// One column of D[f](p || q): q f(p / q) and its slopes, elementwise, right for every p and q.
#pragma once
#include "dialect/syntax/check/Generators.h"
#include "dialect/syntax/check/LogSpace.h"

namespace frit::checking {

/// p and q of the columns. All without gradients.
struct Ratio {
  Tensor logP, logQ;   // -inf where there is nothing
  Tensor s;            // log p - log q, finite; anything where one of them is nothing
  Tensor pNone, qNone; // bools: p (or q) is exactly 0, by a logit of -inf
};

/// q f(u) with u = p / q, and its slopes:
///   by log q: q (f(u) - u f'(u))      by log p: p f'(u)      by the parameters of f
struct Column {
  Tensor value, byLogQ, byLogP, p, q;
  std::vector<std::pair<Tensor, Tensor>> byParameter;
};
Column columnOf(Checker &checker, const GeneratorFacts &f, const Ratio &ratio, Location at);

/// f(e^s), f'(e^s) or f(u) - u f'(u) at u = e^s, with its slope.
enum class Link { Value, Slope, Score };
Tensor linkAt(Checker &checker, const GeneratorFacts &f, Link link, const Tensor &s, Location at);

} // namespace frit::checking
