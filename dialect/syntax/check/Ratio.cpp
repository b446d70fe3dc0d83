// Three ways to compute x(u), u = e^s, chosen per element:
//   |s| small       a polynomial in s: f(u) itself would be a difference of nearly equal numbers
//   s <= 0, s > 0   in w = exp(-|s|) (see LogSpace.h)
// The slopes are formulas of their own, never the derivative of that choice.
#include "dialect/syntax/check/Ratio.h"
#include "dialect/syntax/check/FormulaWriter.h"
#include <cmath>

namespace frit::checking {

/// Where p or q is exactly 0, log w counts as this: w^k is 0 for all k that matter.
static constexpr double logOfNothing = -1e6;

namespace {
std::map<std::string, Tensor> held(FormulaWriter &w, std::map<std::string, Tensor> values) {
  for (auto &[name, value] : values)
    value = w.hold(value);
  return values;
}

using Coefficients = std::vector<SymbolPtr>;

/// d/ds.
Coefficients differentiated(const Coefficients &a) {
  Coefficients out;
  for (size_t k = 1; k < a.size(); ++k)
    out.push_back(Symbol::of(double(k)) * a[k]);
  return out;
}
Coefficients minus(const Coefficients &a, const Coefficients &b) {
  Coefficients out;
  for (size_t k = 0; k < std::min(a.size(), b.size()); ++k)
    out.push_back(a[k] - b[k]);
  return out;
}

/// Horner, without the lowest powers that are zero.
Tensor polynomial(FormulaWriter &w, LogSpace &logs, const Coefficients &a, const Tensor &s) {
  size_t lowest = 0, end = a.size();
  while (end > 0 && a[end - 1]->is(0))
    --end;
  while (lowest < end && a[lowest]->is(0))
    ++lowest;
  if (lowest == end)
    return w.number(0);
  Tensor out = logs.constant(a[end - 1]);
  for (size_t k = end - 1; k-- > lowest;)
    out = w.op("add", w.op("mul", out, s), logs.constant(a[k]));
  for (size_t k = 0; k < lowest; ++k)
    out = w.op("mul", out, s);
  return out;
}
} // namespace

Column columnOf(Checker &checker, const GeneratorFacts &f, const Ratio &ratio, Location at) {
  FormulaWriter w{checker, at};
  Tensor isEdge = w.either(ratio.pNone, ratio.qNone);
  Tensor logW = w.choose(isEdge, w.number(logOfNothing), w.op("neg", w.op("abs", ratio.s)));
  // p > q, also where q is nothing and p is not.
  Tensor isMore =
      w.either(ratio.qNone, w.both(w.op("gt", ratio.s, w.number(0)), w.isNot(ratio.pNone)));
  Tensor logWeight = w.op("maximum", ratio.logP, ratio.logQ);
  std::map<std::string, Tensor> parameters = held(w, f.parameters);
  LogSpace logs(checker, logW, logWeight, parameters, f.points, at);
  Tensor less = logs.powerOfW(Symbol::of(1)), one = w.number(1);

  Column out;
  out.q = w.op("mul", logs.weight(), w.choose(isMore, less, one));
  out.p = w.op("mul", logs.weight(), w.choose(isMore, one, less));
  std::optional<Tensor> isNear;
  if (f.nearOne > 0)
    isNear = w.op("gt", logW, w.number(-f.nearOne));
  auto near = [&](const Tensor &far, const Coefficients &series) {
    if (!isNear)
      return far;
    return w.choose(*isNear, w.op("mul", out.q, polynomial(w, logs, series, ratio.s)), far);
  };
  // Where p is more, q f(u) = p g(w) with the dual g, and p and q change places in the slopes.
  SymbolPtr u = Symbol::variable(), g = f.dual;
  auto far = [&](const SymbolPtr &ofLess, const SymbolPtr &ofMore) {
    Tensor less = logs.write(ofLess);
    return ofLess == ofMore ? less : w.choose(isMore, logs.write(ofMore), less);
  };
  auto weighted = [&](const SymbolPtr &x) { return sumOf(expanded(u * derivative(x))); };
  auto score = [&](const SymbolPtr &x) { return sumOf(expanded(x - u * derivative(x))); };
  Coefficients slope = differentiated(f.series);
  out.value = near(far(f.f, g), f.series);
  out.byLogQ = near(far(score(f.f), weighted(g)), minus(f.series, slope));
  out.byLogP = near(far(weighted(f.f), score(g)), slope);
  std::vector<Tensor *> slopes = {&out.byLogQ, &out.byLogP};
  for (auto &[name, value] : f.parameters) {
    if (!mentions(f.f, name))
      continue;
    Coefficients series;
    for (const SymbolPtr &c : f.series)
      series.push_back(derivative(c, name));
    Tensor by = far(derivative(f.f, name), derivative(g, name));
    out.byParameter.push_back({value, near(by, series)});
  }
  for (auto &[value, by] : out.byParameter)
    slopes.push_back(&by);

  // Where p or q is nothing and f has no limit there, the value is inf, and no slope.
  using Limit = GeneratorFacts::Limit;
  std::optional<Tensor> isInfinite;
  auto orElse = [&](const Tensor &x) { isInfinite = isInfinite ? w.either(*isInfinite, x) : x; };
  if (f.atZero == Limit::Infinite)
    orElse(ratio.pNone);
  if (f.atSlope == Limit::Infinite)
    orElse(ratio.qNone);
  if (f.atZero == Limit::AtRunTime || f.atSlope == Limit::AtRunTime) {
    Tensor bound = w.op("mul", logs.weight(), w.number(-0.1 * logOfNothing));
    orElse(w.both(isEdge, w.isNot(w.op("lt", out.value, bound))));
  }
  if (isInfinite) {
    Tensor isReal = w.op("gt", logWeight, w.number(-INFINITY));
    Tensor there = w.choose(isReal, w.number(INFINITY), w.number(0));
    out.value = w.choose(*isInfinite, there, out.value);
    for (Tensor *x : slopes)
      *x = w.choose(*isInfinite, w.number(0), *x);
  }
  return out;
}

Tensor linkAt(Checker &checker, const GeneratorFacts &f, Link link, const Tensor &s, Location at) {
  FormulaWriter w{checker, at};
  Tensor x = w.hold(s);
  Tensor size = w.op("abs", x);
  Tensor isMore = w.op("gt", x, w.number(0));
  std::map<std::string, Tensor> parameters = held(w, f.parameters);
  LogSpace logs(checker, w.op("neg", size), std::nullopt, parameters, f.points, at);
  SymbolPtr u = Symbol::variable(), curve = derivative(f.slope);
  auto value = [&](const SymbolPtr &symbol, const Coefficients &series, bool isOverU) {
    // x(1 / w) = (1 / w) (w x(1 / w))
    SymbolPtr inverse = power(u, Symbol::of(-1)) * dualOf(symbol, f.points);
    Tensor far = w.choose(isMore, logs.write(inverse), logs.write(symbol));
    if (f.nearOne == 0)
      return far;
    Tensor near = polynomial(w, logs, series, x);
    if (isOverU) // the series is that of u times what is wanted
      near = w.op("mul", near, w.op("exp", w.op("neg", x)));
    return w.choose(w.op("lt", size, w.number(f.nearOne)), near, far);
  };
  Coefficients first = differentiated(f.series), second = differentiated(first);
  bool isSlope = link == Link::Slope;
  SymbolPtr symbol = link == Link::Value ? f.f : isSlope ? f.slope : f.score;
  SymbolPtr by = link == Link::Value ? u * f.slope : (isSlope ? u : Symbol::of(-1) * u * u) * curve;
  Coefficients series = link == Link::Value ? f.series : isSlope ? first : minus(f.series, first);
  Coefficients bySeries = link == Link::Value ? first
                          : isSlope           ? minus(second, first)
                                              : minus(first, second);
  Tensor out = checker.expand(value(symbol, series, isSlope), x.type.axes, at);
  if (s.uniform)
    return out;
  for (auto &[name, parameter] : f.parameters) {
    if (!mentions(symbol, name))
      continue;
    Coefficients change;
    for (const SymbolPtr &c : series)
      change.push_back(derivative(c, name));
    out = w.withSlope(out, parameter, value(derivative(symbol, name), change, isSlope));
  }
  return w.withSlope(out, s, value(by, bySeries, isSlope));
}

} // namespace frit::checking
