// Numbers of 16 digits and any exponent that know how wrong they may be: fast, and where that is
// too wrong, FineNumber.h takes over. m 2^e with an error of at most r 2^e.
#pragma once
#include "tools/frit/FineNumber.h"
#include <algorithm>
#include <cmath>

namespace frit {

/// Something must be decided that 16 digits do not decide.
struct TooRough {};

class Rough {
public:
  Rough(double value = 0) : m(value) { normalise(); }
  explicit Rough(const Fine &exact) : m(exact.number()) {
    if (!exact.is(m)) {
      m = exact.parts(e);
      r = eps * std::fabs(m);
    }
    normalise();
  }

  friend Rough operator+(Rough a, Rough b) {
    if (a.isZero() || b.isZero())
      return a.isZero() ? b : a;
    if (a.e != b.e) {
      if (a.e < b.e)
        std::swap(a, b);
      int by = -int(std::min<int64_t>(a.e - b.e, 2000));
      b = {std::ldexp(b.m, by), a.e, std::ldexp(b.r, by), 0};
    }
    double m = a.m + b.m;
    return Rough(m, a.e, a.r + b.r + eps * std::fabs(m));
  }
  friend Rough operator-(const Rough &a) { return {-a.m, a.e, a.r, 0}; }
  friend Rough operator-(const Rough &a, const Rough &b) { return a + -b; }
  friend Rough operator*(const Rough &a, const Rough &b) {
    double m = a.m * b.m;
    double r = std::fabs(a.m) * b.r + a.r * (std::fabs(b.m) + b.r);
    return Rough(m, a.e + b.e, r + eps * std::fabs(m));
  }
  friend Rough operator/(const Rough &a, const Rough &b) {
    double least = std::fabs(b.m) - b.r;
    if (!(least > 0))
      throw TooRough();
    double m = a.m / b.m;
    return Rough(m, a.e - b.e, (a.r + std::fabs(m) * b.r) / least + eps * std::fabs(m));
  }
  friend Rough abs(const Rough &a) { return a.m < 0 ? -a : a; }
  friend Rough log(const Rough &a) {
    if (!(a.m > 2 * a.r))
      throw TooRough();
    double whole = (double)(a.e) * ln2, part = std::log(a.m);
    return Rough(part + whole, 0, 2 * a.r / a.m + 2 * eps * (std::fabs(whole) + std::fabs(part)));
  }
  friend Rough exp(const Rough &a) {
    double x = a.number(), error = std::ldexp(a.r, int(std::min<int64_t>(a.e, 2000)));
    if (!(error < 0.01) || !(std::fabs(x) < 1e15))
      throw TooRough();
    if (std::fabs(x) < 120) {
      double y = std::exp(x);
      return Rough(y, 0, y * (2 * error + 3 * eps));
    }
    double whole = std::floor(x / ln2), y = std::exp(x - whole * ln2);
    return Rough(y, int64_t(whole), y * (2 * error + 3 * eps * (std::fabs(x) + 1)));
  }
  friend Rough pow(const Rough &a, const Rough &b) {
    double power = b.number();
    bool isWhole = b.r == 0 && std::floor(power) == power && std::fabs(power) <= 8;
    if (!isWhole) {
      if (a.isZero() && b.sign() > 0)
        return 0;
      return exp(b * log(a));
    }
    Rough out = 1;
    for (int i = 0; i < int(std::fabs(power)); ++i)
      out = out * a;
    return power < 0 ? Rough(1) / out : out;
  }
  friend Rough tanh(const Rough &a) {
    if (a.m > 0)
      return -tanh(-a);
    Rough twice = exp(Rough(2) * a);
    return (twice - Rough(1)) / (twice + Rough(1));
  }

  int sign() const {
    if (isZero())
      return 0;
    if (!(std::fabs(m) > r))
      throw TooRough();
    return m > 0 ? 1 : -1;
  }
  bool isZero() const { return m == 0 && r == 0; }
  /// 0 or inf where a double ends.
  double number() const { return scaled(m); }
  Fine fine() const { return Fine::scaled(m, e); }
  /// How far from the truth it may be.
  double error() const { return scaled(r); }

private:
  static constexpr double eps = 0x1p-52;
  static constexpr double ln2 = 0.693147180559945309417;
  double m = 0, r = 0;
  int64_t e = 0;

  Rough(double m, int64_t e, double r) : m(m), r(r), e(e) { normalise(); }
  Rough(double m, int64_t e, double r, int) : m(m), r(r), e(e) {} // as it is
  double scaled(double x) const {
    return e == 0 ? x : std::ldexp(x, int(std::clamp<int64_t>(e, -4000, 4000)));
  }
  void normalise() {
    double size = std::max(std::fabs(m), r);
    if (size > 0x1p-200 && size < 0x1p200 && r < 0x1p200) // far from where a double ends
      return;
    rescale(size);
  }
  void rescale(double size) {
    if (!std::isfinite(m) || !std::isfinite(r))
      throw TooRough();
    if (size == 0) {
      e = 0;
      return;
    }
    int by = 0;
    std::frexp(size, &by);
    m = std::ldexp(m, -by);
    r = std::ldexp(r, -by);
    e += by;
  }
};

} // namespace frit
