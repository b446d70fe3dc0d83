// Numbers of 77 digits and any exponent (GNU MPFR), for what a divergence is where the digits of
// RoughNumber.h do not suffice. They live on the stack.
#pragma once
#include <cstdint>
#include <mpfr.h>

namespace frit {

class Fine {
public:
  Fine(double value = 0) {
    init();
    mpfr_set_d(x, value, MPFR_RNDN);
  }
  Fine(const Fine &other) {
    init();
    mpfr_set(x, other.x, MPFR_RNDN);
  }
  Fine &operator=(const Fine &other) {
    mpfr_set(x, other.x, MPFR_RNDN);
    return *this;
  }
  /// number * 2^exponent.
  static Fine scaled(double number, int64_t exponent) {
    Fine out(number);
    mpfr_mul_2si(out.x, out.x, long(exponent), MPFR_RNDN);
    return out;
  }
  static Fine fraction(int64_t numerator, int64_t denominator) {
    Fine out, below;
    mpfr_set_sj(out.x, numerator, MPFR_RNDN);
    mpfr_set_sj(below.x, denominator, MPFR_RNDN);
    return out / below;
  }

  friend Fine operator+(const Fine &a, const Fine &b) { return of(mpfr_add, a, b); }
  friend Fine operator-(const Fine &a, const Fine &b) { return of(mpfr_sub, a, b); }
  friend Fine operator*(const Fine &a, const Fine &b) { return of(mpfr_mul, a, b); }
  friend Fine operator/(const Fine &a, const Fine &b) { return of(mpfr_div, a, b); }
  friend Fine operator-(const Fine &a) { return of(mpfr_neg, a); }
  friend Fine pow(const Fine &a, const Fine &b) { return of(mpfr_pow, a, b); }
  friend Fine exp(const Fine &a) { return of(mpfr_exp, a); }
  friend Fine log(const Fine &a) { return of(mpfr_log, a); }
  friend Fine tanh(const Fine &a) { return of(mpfr_tanh, a); }
  friend Fine abs(const Fine &a) { return of(mpfr_abs, a); }

  int sign() const { return isNaN() ? 0 : mpfr_sgn(x); }
  bool isZero() const { return mpfr_zero_p(x); }
  bool isNaN() const { return mpfr_nan_p(x); }
  /// 0 or inf where a double ends.
  double number() const { return mpfr_get_d(x, MPFR_RNDN); }
  bool is(double value) const { return mpfr_cmp_d(x, value) == 0; }
  /// number * 2^exponent, 0.5 <= |number| < 1.
  double parts(int64_t &exponent) const {
    long by = 0;
    double out = mpfr_get_d_2exp(&by, x, MPFR_RNDN);
    exponent = by;
    return out;
  }

private:
  static constexpr int bits = 256;
  mp_limb_t limbs[bits / 64];
  mpfr_t x;

  void init() {
    static_assert(sizeof(mp_limb_t) == 8);
    mpfr_custom_init(limbs, bits);
    mpfr_custom_init_set(x, MPFR_ZERO_KIND, 0, bits, limbs);
  }
  static Fine of(int (*f)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t), const Fine &a,
                 const Fine &b) {
    Fine out;
    f(out.x, a.x, b.x, MPFR_RNDN);
    return out;
  }
  static Fine of(int (*f)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t), const Fine &a) {
    Fine out;
    f(out.x, a.x, MPFR_RNDN);
    return out;
  }
};

} // namespace frit
