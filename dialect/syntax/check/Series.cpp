// One rule per kind of node, on truncated series. See Series.h.
#include "dialect/syntax/check/Series.h"
#include <map>

namespace frit::checking {

using Kind = Symbol::Kind;
using Coefficients = std::vector<SymbolPtr>;

namespace {
struct Expansion {
  size_t order;
  const std::vector<Point> &points;
  struct NotAnalytic {};
  std::map<const Symbol *, Coefficients> done;

  static SymbolPtr number(double x) { return Symbol::of(x); }
  Coefficients constant(SymbolPtr x) const {
    Coefficients out(order + 1, number(0));
    out[0] = std::move(x);
    return out;
  }
  /// The sign of a number that may hang on parameters; 0 if it is zero or changes sign.
  int signOf(const SymbolPtr &x) const {
    int sign = 2;
    for (const Point &point : points) {
      double value = valueAt(x, 1, point);
      int here = value > 1e-12 ? 1 : value < -1e-12 ? -1 : 0;
      if (sign != 2 && here != sign)
        return 0;
      sign = here;
    }
    return sign;
  }

  Coefficients add(const Coefficients &a, const Coefficients &b) const {
    Coefficients out;
    for (size_t n = 0; n <= order; ++n)
      out.push_back(a[n] + b[n]);
    return out;
  }
  Coefficients multiply(const Coefficients &a, const Coefficients &b) const {
    Coefficients out;
    for (size_t n = 0; n <= order; ++n) {
      SymbolPtr sum = number(0);
      for (size_t k = 0; k <= n; ++k)
        sum = sum + a[k] * b[n - k];
      out.push_back(sum);
    }
    return out;
  }
  Coefficients scaled(const Coefficients &a, double by) const {
    return multiply(constant(number(by)), a);
  }
  // J. C. P. Miller: n a0 p_n = sum over k of (k b - n + k) a_k p_{n-k}.
  Coefficients toPower(const Coefficients &a, const SymbolPtr &b) const {
    if (b->kind == Kind::Number && b->number == std::floor(b->number) && b->number >= 0 &&
        b->number <= 8) {
      Coefficients out = constant(number(1));
      for (int i = 0; i < int(b->number); ++i)
        out = multiply(out, a);
      return out;
    }
    if (signOf(a[0]) <= 0 && !(signOf(a[0]) < 0 && b->is(-1)))
      throw NotAnalytic();
    Coefficients out = {power(a[0], b)};
    SymbolPtr inverse = power(a[0], number(-1));
    for (size_t n = 1; n <= order; ++n) {
      SymbolPtr sum = number(0);
      for (size_t k = 1; k <= n; ++k)
        sum = sum + (number(double(k)) * b + number(double(k) - double(n))) * a[k] * out[n - k];
      out.push_back(sum * inverse * number(1.0 / double(n)));
    }
    return out;
  }
  Coefficients logOf(const Coefficients &a) const {
    if (signOf(a[0]) <= 0)
      throw NotAnalytic();
    Coefficients out = {function("log", a[0])};
    SymbolPtr inverse = power(a[0], number(-1));
    for (size_t n = 1; n <= order; ++n) {
      SymbolPtr sum = a[n];
      for (size_t k = 1; k < n; ++k)
        sum = sum + number(-double(k) / double(n)) * out[k] * a[n - k];
      out.push_back(sum * inverse);
    }
    return out;
  }
  Coefficients expOf(const Coefficients &a) const {
    Coefficients out = {function("exp", a[0])};
    for (size_t n = 1; n <= order; ++n) {
      SymbolPtr sum = number(0);
      for (size_t k = 1; k <= n; ++k)
        sum = sum + number(double(k) / double(n)) * a[k] * out[n - k];
      out.push_back(sum);
    }
    return out;
  }
  /// e^(b s).
  Coefficients exponential(const SymbolPtr &b) const {
    Coefficients out = {number(1)};
    for (size_t n = 1; n <= order; ++n)
      out.push_back(out.back() * b * number(1.0 / double(n)));
    return out;
  }

  Coefficients of(const SymbolPtr &x) {
    if (auto found = done.find(x.get()); found != done.end())
      return found->second;
    return done[x.get()] = make(*x, x);
  }
  Coefficients make(const Symbol &x, const SymbolPtr &self) {
    if (!x.hasVariable)
      return constant(self);
    switch (x.kind) {
    case Kind::Variable:
      return exponential(number(1));
    case Kind::Add:
      return add(of(x.args[0]), of(x.args[1]));
    case Kind::Mul:
      return multiply(of(x.args[0]), of(x.args[1]));
    case Kind::Pow:
      if (x.args[1]->hasVariable)
        return expOf(multiply(of(x.args[1]), logOf(of(x.args[0]))));
      if (x.args[0]->kind == Kind::Variable)
        return exponential(x.args[1]);
      return toPower(of(x.args[0]), x.args[1]);
    case Kind::Max: {
      Coefficients a = of(x.args[0]), b = of(x.args[1]);
      int sign = signOf(a[0] - b[0]);
      if (sign == 0)
        throw NotAnalytic();
      return sign > 0 ? a : b;
    }
    default:
      break;
    }
    const SymbolPtr &arg = x.args[0];
    if (x.name == "log" && arg->kind == Kind::Variable) {
      Coefficients out = constant(number(0));
      if (order > 0)
        out[1] = number(1);
      return out;
    }
    Coefficients a = of(arg);
    if (x.name == "log")
      return logOf(a);
    if (x.name == "exp")
      return expOf(a);
    if (x.name == "tanh") { // 1 - 2 / (1 + exp(2 a))
      Coefficients below = add(constant(number(1)), expOf(scaled(a, 2)));
      return add(constant(number(1)), scaled(toPower(below, number(-1)), -2));
    }
    int sign = signOf(a[0]); // abs, sign, step
    if (sign == 0)
      throw NotAnalytic();
    if (x.name == "abs")
      return scaled(a, sign);
    return constant(number(x.name == "sign" ? sign : sign > 0));
  }
};
} // namespace

std::optional<Coefficients> seriesAtOne(const SymbolPtr &x, size_t order,
                                        const std::vector<Point> &points) {
  try {
    return Expansion{order, points, {}}.of(x);
  } catch (const Expansion::NotAnalytic &) {
    return std::nullopt;
  }
}

} // namespace frit::checking
