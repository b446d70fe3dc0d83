// See Degrees.h.
#include "dialect/syntax/check/Degrees.h"
#include <algorithm>

namespace frit::checking {

using Kind = Symbol::Kind;

std::optional<int> Degrees::order(const SymbolPtr &a, const SymbolPtr &b) const {
  std::optional<int> out;
  for (const Point &point : points) {
    double gap = valueAt(a, 1, point) - valueAt(b, 1, point);
    int here = gap < -1e-12 ? -1 : gap > 1e-12 ? 1 : 0;
    if (out && *out != here)
      return std::nullopt;
    out = here;
  }
  return out;
}

SymbolPtr Degrees::least(const SymbolPtr &a, const SymbolPtr &b) const {
  if (auto order = this->order(a, b))
    return *order < 0 ? a : b;
  SymbolPtr minus = Symbol::of(-1);
  return minus * larger(minus * a, minus * b);
}

SymbolPtr Degrees::ofFactor(const SymbolPtr &factor) const {
  if (factor->kind == Kind::Pow && !factor->args[1]->hasVariable)
    return factor->args[1] * of(expanded(factor->args[0]));
  if (factor->kind == Kind::Function && factor->name == "abs")
    return of(expanded(factor->args[0]));
  if (factor->kind == Kind::Max)
    return least(of(expanded(factor->args[0])), of(expanded(factor->args[1])));
  return Symbol::of(0); // log, exp, tanh, sign, step
}

SymbolPtr Degrees::of(const Product &product) const {
  SymbolPtr out = Symbol::of(sigma) * product.power;
  for (const SymbolPtr &factor : product.factors)
    out = out + ofFactor(factor);
  return out;
}

SymbolPtr Degrees::of(const Products &products) const {
  SymbolPtr out;
  for (const Product &product : products) {
    SymbolPtr exponent = of(product);
    out = out ? least(exponent, out) : exponent;
  }
  return out ? out : Symbol::of(0);
}

Products Degrees::logsApart(const Products &products) const {
  Products out;
  SymbolPtr logU = function("log", Symbol::variable());
  for (const Product &product : products) {
    auto isLog = [&](const SymbolPtr &x) {
      return x->kind == Kind::Function && x->name == "log" && x->args[0]->kind != Kind::Variable &&
             !of(expanded(x->args[0]))->is(0);
    };
    auto found = std::find_if(product.factors.begin(), product.factors.end(), isLog);
    if (found == product.factors.end()) {
      out.push_back(product);
      continue;
    }
    size_t at = found - product.factors.begin();
    Product front = product, rest = product;
    front.coefficient = front.coefficient * Symbol::of(sigma) * of(expanded((*found)->args[0]));
    front.factors[at] = logU;
    rest.factors[at] = function("log rest", (*found)->args[0]);
    for (const Product &x : logsApart({front, rest}))
      out.push_back(x);
  }
  return merged(out);
}

namespace {
struct Inversion {
  Degrees degrees;

  /// w^shift x(1 / w) as an expression in w.
  SymbolPtr sum(const Products &products, const SymbolPtr &shift) {
    SymbolPtr out = Symbol::of(0), w = Symbol::variable();
    for (const Product &product : degrees.logsApart(products)) {
      SymbolPtr term = product.coefficient * power(w, degrees.of(product) + shift);
      for (const SymbolPtr &x : product.factors)
        term = term * factor(x);
      out = out + term;
    }
    return out;
  }
  SymbolPtr finite(const SymbolPtr &x) {
    Products inner = expanded(x);
    return sum(inner, Symbol::of(-1) * degrees.of(inner));
  }
  SymbolPtr factor(const SymbolPtr &x) {
    SymbolPtr none = Symbol::of(0);
    if (x->kind == Kind::Max) {
      SymbolPtr shift = Symbol::of(-1) * degrees.ofFactor(x);
      return larger(sum(expanded(x->args[0]), shift), sum(expanded(x->args[1]), shift));
    }
    if (x->kind == Kind::Pow) {
      if (!x->args[1]->hasVariable)
        return power(finite(x->args[0]), x->args[1]);
      return power(sum(expanded(x->args[0]), none), sum(expanded(x->args[1]), none));
    }
    if (x->name == "log" && x->args[0]->kind == Kind::Variable)
      return Symbol::of(-1) * function("log", Symbol::variable());
    if (x->name == "log" || x->name == "log rest")
      return function("log", finite(x->args[0]));
    if (x->name == "abs" || x->name == "sign" || x->name == "step")
      return function(x->name, finite(x->args[0]));
    return function(x->name, sum(expanded(x->args[0]), none)); // exp, tanh
  }
};
} // namespace

SymbolPtr dualOf(const SymbolPtr &f, const std::vector<Point> &points) {
  Inversion inversion{Degrees(-1, points)};
  return sumOf(expanded(inversion.sum(expanded(f), Symbol::of(1))));
}

} // namespace frit::checking
