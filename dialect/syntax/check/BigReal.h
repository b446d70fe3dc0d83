// Numbers that neither overflow nor vanish: a long double and a 64-bit power of two. Generators of
// divergences are judged with them at ratios like e^5000, where doubles say inf - inf.
#pragma once
#include <cmath>
#include <cstdint>

namespace frit::checking {

class BigReal {
public:
  BigReal(long double value = 0) : mantissa(value) { normalise(); }

  friend BigReal operator+(BigReal a, BigReal b) {
    if (a.mantissa == 0 || !std::isfinite(b.mantissa))
      return std::isfinite(a.mantissa) ? b : BigReal(a.mantissa + b.mantissa);
    if (b.mantissa == 0 || !std::isfinite(a.mantissa))
      return a;
    if (a.exponent < b.exponent)
      std::swap(a, b);
    int64_t gap = a.exponent - b.exponent;
    if (gap > 200)
      return a;
    return BigReal(a.mantissa + std::ldexp(b.mantissa, -int(gap)), a.exponent);
  }
  friend BigReal operator*(BigReal a, BigReal b) {
    return BigReal(a.mantissa * b.mantissa, a.exponent + b.exponent);
  }
  friend BigReal operator/(BigReal a, BigReal b) {
    return BigReal(a.mantissa / b.mantissa, a.exponent - b.exponent);
  }
  friend BigReal operator-(BigReal a) { return BigReal(-a.mantissa, a.exponent); }
  friend BigReal operator-(BigReal a, BigReal b) { return a + -b; }

  int sign() const { return mantissa > 0 ? 1 : mantissa < 0 ? -1 : 0; }
  bool isNaN() const { return std::isnan(mantissa); }
  /// 0 or inf where a long double ends.
  long double number() const {
    return std::ldexp(mantissa, int(std::min<int64_t>(std::max<int64_t>(exponent, -40000), 40000)));
  }

  friend BigReal log(BigReal x) {
    return BigReal(std::log(x.mantissa) + (long double)(x.exponent) * ln2);
  }
  friend BigReal exp(BigReal x) {
    long double y = x.number();
    if (!std::isfinite(y))
      return y > 0 ? BigReal(y) : y < 0 ? BigReal(0) : x;
    if (std::fabs(y) > 1e17L)
      return y > 0 ? BigReal(INFINITY) : BigReal(0);
    long double whole = std::floor(y / ln2);
    return BigReal(std::exp(y - whole * ln2), int64_t(whole));
  }
  friend BigReal pow(BigReal x, BigReal y) {
    long double power = y.number();
    if (power == 0)
      return 1;
    if (x.mantissa == 0)
      return power > 0 ? 0 : INFINITY;
    bool isWhole = std::floor(power) == power && std::fabs(power) < 1e15L;
    if (x.mantissa > 0)
      return isWhole && std::fabs(power) <= 8 ? repeated(x, int(power)) : exp(y * log(x));
    if (!isWhole)
      return NAN;
    BigReal size = exp(y * log(-x));
    return std::fmod(power, 2) == 0 ? size : -size;
  }

private:
  static constexpr long double ln2 = 0.693147180559945309417232121458176568L;
  long double mantissa;
  int64_t exponent = 0;

  BigReal(long double mantissa, int64_t exponent) : mantissa(mantissa), exponent(exponent) {
    normalise();
  }
  static BigReal repeated(BigReal x, int power) {
    BigReal out = 1;
    for (int i = 0; i < std::abs(power); ++i)
      out = out * x;
    return power < 0 ? BigReal(1) / out : out;
  }
  void normalise() {
    if (mantissa == 0 || !std::isfinite(mantissa)) {
      exponent = 0;
      return;
    }
    int by = 0;
    mantissa = std::frexp(mantissa, &by);
    exponent += by;
  }
};

inline BigReal larger(BigReal a, BigReal b) { return (a - b).sign() > 0 ? a : b; }

} // namespace frit::checking
