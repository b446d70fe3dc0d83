// Exact arithmetic with a fall back to doubles when 64 bits do not suffice.
#include "dialect/syntax/check/Number.h"
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace frit::checking {

static std::optional<ast::Rational> reduced(__int128 n, __int128 d) {
  if (d == 0)
    return std::nullopt;
  if (d < 0)
    n = -n, d = -d;
  __int128 a = n < 0 ? -n : n, b = d;
  while (b != 0) {
    __int128 r = a % b;
    a = b;
    b = r;
  }
  if (a > 1)
    n /= a, d /= a;
  constexpr __int128 most = INT64_MAX;
  if (n > most || n < -most || d > most)
    return std::nullopt;
  return ast::Rational{int64_t(n), int64_t(d)};
}

static Number make(std::optional<ast::Rational> exact, double otherwise, bool isReal) {
  if (exact)
    return {exact, double(exact->numerator) / double(exact->denominator), isReal};
  return Number::real(otherwise);
}

static Number power(const Number &a, const Number &b, bool isReal) {
  if (a.exact && b.exact && b.exact->denominator == 1 && std::abs(b.exact->numerator) < 64) {
    std::optional<ast::Rational> result = ast::Rational{1, 1};
    ast::Rational base = *a.exact;
    int64_t n = b.exact->numerator;
    if (n < 0) {
      auto inverse = reduced(base.denominator, base.numerator);
      if (!inverse)
        return Number::real(std::pow(a.value, b.value));
      base = *inverse;
      n = -n;
    }
    for (int64_t i = 0; i < n && result; ++i)
      result = reduced(__int128(result->numerator) * base.numerator,
                       __int128(result->denominator) * base.denominator);
    return make(result, std::pow(a.value, b.value), isReal);
  }
  return Number::real(std::pow(a.value, b.value));
}

Number compute(ast::BinaryOp op, const Number &a, const Number &b) {
  bool isReal = a.isReal || b.isReal, exact = a.exact && b.exact;
  __int128 an = 0, ad = 1, bn = 0, bd = 1;
  if (exact)
    an = a.exact->numerator, ad = a.exact->denominator, bn = b.exact->numerator,
    bd = b.exact->denominator;
  auto pick = [&](__int128 n, __int128 d, double x) {
    return make(exact ? reduced(n, d) : std::nullopt, x, isReal);
  };
  switch (op) {
  case ast::BinaryOp::Add:
    return pick(an * bd + bn * ad, ad * bd, a.value + b.value);
  case ast::BinaryOp::Sub:
    return pick(an * bd - bn * ad, ad * bd, a.value - b.value);
  case ast::BinaryOp::Mul:
    return pick(an * bn, ad * bd, a.value * b.value);
  case ast::BinaryOp::Div:
    return pick(an * bd, ad * bn, a.value / b.value);
  case ast::BinaryOp::Mod: {
    Number quotient = compute(ast::BinaryOp::Div, a, b);
    Number whole = *foldFunction("floor", quotient);
    Number result = compute(ast::BinaryOp::Sub, a, compute(ast::BinaryOp::Mul, b, whole));
    result.isReal = isReal;
    return result;
  }
  case ast::BinaryOp::Pow:
    return power(a, b, isReal);
  default:
    return Number::real(std::nan(""));
  }
}

Number negate(const Number &a) {
  Number result = a;
  result.value = -a.value;
  if (result.exact)
    result.exact->numerator = -result.exact->numerator;
  return result;
}

int compare(const Number &a, const Number &b) {
  if (a.exact && b.exact) {
    __int128 left = __int128(a.exact->numerator) * b.exact->denominator;
    __int128 right = __int128(b.exact->numerator) * a.exact->denominator;
    return left < right ? -1 : left > right;
  }
  return a.value < b.value ? -1 : a.value > b.value;
}

std::optional<Number> foldFunction(const std::string &name, const Number &x) {
  if (name == "floor" || name == "ceil") {
    double rounded = name == "floor" ? std::floor(x.value) : std::ceil(x.value);
    if (x.exact) {
      int64_t n = x.exact->numerator, d = x.exact->denominator;
      int64_t down = n / d - (n % d != 0 && n < 0);
      return Number::whole(name == "floor" || n % d == 0 ? down : down + 1);
    }
    return std::fabs(rounded) < 9e15 ? Number::whole(int64_t(rounded)) : Number::real(rounded);
  }
  if (name == "abs")
    return compare(x, Number::whole(0)) < 0 ? negate(x) : x;
  if (name == "sign")
    return Number::whole(compare(x, Number::whole(0)));
  using Function = double (*)(double);
  static const std::map<std::string, Function> functions = {
      {"exp", [](double v) { return std::exp(v); }},
      {"log", [](double v) { return std::log(v); }},
      {"sqrt", [](double v) { return std::sqrt(v); }},
      {"sin", [](double v) { return std::sin(v); }},
      {"cos", [](double v) { return std::cos(v); }},
      {"tanh", [](double v) { return std::tanh(v); }},
      {"log1p", [](double v) { return std::log1p(v); }},
      {"expm1", [](double v) { return std::expm1(v); }},
      {"sigmoid", [](double v) { return 1 / (1 + std::exp(-v)); }},
      {"round", [](double v) { return std::nearbyint(v); }},
  };
  auto found = functions.find(name);
  if (found == functions.end())
    return std::nullopt;
  return Number::real(found->second(x.value));
}

std::string toString(const Number &number) {
  if (number.exact && number.exact->denominator == 1)
    return fmt::format("{}", number.exact->numerator);
  if (number.exact && !number.isReal)
    return fmt::format("{} / {}", number.exact->numerator, number.exact->denominator);
  return fmt::format("{:g}", number.value);
}

} // namespace frit::checking
