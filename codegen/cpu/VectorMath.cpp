// Each function is written once, on a `Formula`: arithmetic over one type, which may be a scalar or
// any vector. The scheme is the usual one: reduce the argument exactly (or nearly), evaluate a
// minimax polynomial, undo the reduction in the exponent bits.
//
// The polynomials are our own Remez fits; the comment at each gives what is approximated, on which
// interval, and the relative error of the fit. Two devices recur:
//
//   round to nearest   t = x + 1.5·2^m; n = t - 1.5·2^m, and the low bits of t hold n as an
//   integer.
//                      Unlike a conversion this is defined for NaN and needs no SSE4.
//   ordered selects    `select(x < lo, lo, x)` keeps x when x is NaN, and is one min or max.
#include "codegen/cpu/VectorMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include <bit>
#include <cmath>
#include <limits>

using namespace mlir;

namespace frit {
namespace {

//===----------------------------------------------------------------------===//
// Arithmetic over one type
//===----------------------------------------------------------------------===//

struct Formula {
  ImplicitLocOpBuilder &b;
  Type type;    // f32, f64 or a vector of them
  Type integer; // the same shape, same width
  bool wide;    // f64
  bool fused;   // multiply-add in one instruction

  Formula(ImplicitLocOpBuilder &b, Type type, bool fused)
      : b(b), type(type), wide(getElementTypeOrSelf(type).isF64()), fused(fused) {
    integer = like(b.getIntegerType(wide ? 64 : 32));
  }

  Type like(Type element) const {
    if (auto vector = dyn_cast<VectorType>(type))
      return vector.clone(element);
    return element;
  }
  Formula over(Type element) const { return Formula(b, like(element), fused); }

  int mantissa() const { return wide ? 52 : 23; }
  int64_t bias() const { return wide ? 1023 : 127; }
  double shift() const { return std::ldexp(1.5, mantissa()); }

  Value splat(TypedAttr element, Type shaped) {
    if (auto vector = dyn_cast<VectorType>(shaped))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, mlir::Attribute(element)));
    return arith::ConstantOp::create(b, element);
  }
  Value real(double value) {
    Type element = getElementTypeOrSelf(type);
    APFloat exact(value);
    bool lossy;
    exact.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &lossy);
    return splat(FloatAttr::get(element, exact), type);
  }
  Value whole(int64_t value) {
    return splat(IntegerAttr::get(getElementTypeOrSelf(integer), value), integer);
  }
  Value infinity() { return real(std::numeric_limits<double>::infinity()); }
  Value nan() { return real(std::numeric_limits<double>::quiet_NaN()); }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value negate(Value x) { return arith::NegFOp::create(b, x); }
  Value magnitude(Value x) { return math::AbsFOp::create(b, x); }
  Value signOf(Value x, Value sign) { return math::CopySignOp::create(b, x, sign); }
  /// x·y + z, in one rounding where the machine can.
  Value fma(Value x, Value y, Value z) {
    return fused ? Value(math::FmaOp::create(b, x, y, z)) : add(mul(x, y), z);
  }
  /// x·y - product exactly, given product = x·y rounded. Without fused multiply-add by Dekker's
  /// splitting, which needs |x|, |y| < 2^996.
  Value productError(Value x, Value y, Value product) {
    if (fused)
      return fma(x, y, negate(product));
    auto split = [&](Value v) {
      Value c = mul(v, real(0x1p27 + 1));
      Value high = sub(c, sub(c, v));
      return std::pair(high, sub(v, high));
    };
    auto [xh, xl] = split(x);
    auto [yh, yl] = split(y);
    Value error = sub(mul(xh, yh), product);
    error = add(add(error, mul(xh, yl)), mul(xl, yh));
    return add(error, mul(xl, yl));
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value less(Value x, Value y) { return compare(arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return compare(arith::CmpFPredicate::OEQ, x, y); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value negation(Value x) {
    return arith::XOrIOp::create(b, x, splat(b.getBoolAttr(true), x.getType()));
  }
  Value atLeast(Value x, double low) { return select(less(x, real(low)), real(low), x); }
  Value atMost(Value x, double high) { return select(less(real(high), x), real(high), x); }

  Value bits(Value x) { return arith::BitcastOp::create(b, integer, x); }
  Value fromBits(Value i) { return arith::BitcastOp::create(b, type, i); }
  Value addI(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subI(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value left(Value x, int64_t by) { return arith::ShLIOp::create(b, x, whole(by)); }
  Value right(Value x, int64_t by) { return arith::ShRSIOp::create(b, x, whole(by)); }

  /// c[0] + c[1] x + c[2] x² + ...
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = real(c.back());
    for (double next : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, real(next));
    return sum;
  }
  /// 2^n for an integer n in the range of normal numbers.
  Value powerOfTwo(Value n) { return fromBits(left(addI(n, whole(bias())), mantissa())); }
};

// ln 2 = high + low; high has so few bits that n·high is exact for every exponent n.
struct Ln2 {
  double high, low;
};
Ln2 ln2(bool wide) {
  return wide ? Ln2{0.6931471805598903, 5.497923018708371e-14}
              : Ln2{0.693145751953125, 1.4286068203094173e-06};
}

//===----------------------------------------------------------------------===//
// exp and what is made of it
//===----------------------------------------------------------------------===//

/// x = n ln 2 + r with |r| <= ln 2 / 2, n an integer.
struct ReducedExp {
  Value n;     // integer
  Value expm1; // e^r - 1
};

ReducedExp reduceExp(Formula &f, Value x) {
  // (e^r - 1 - r) / r² on |r| <= 0.3475; error of e^r - 1: 2^-31.8 and 2^-58.3.
  static const double narrow[] = {0.5,
                                  0.1666666716337204,
                                  0.04166632518172264,
                                  0.008333219215273857,
                                  0.0013943493831902742,
                                  0.00019962733495049179};
  static const double wide[] = {
      0.5000000000000001,     0.1666666666666667,     0.04166666666665199,    0.008333333333326004,
      0.0013888888895701482,  0.00019841269875285516, 2.4801574405974186e-05, 2.755725480293807e-06,
      2.7567981975896267e-07, 2.510546788907731e-08,  1.768779735637185e-09};
  Value shift = f.real(f.shift());
  Value t = f.fma(x, f.real(1.4426950408889634), shift);
  Value n = f.sub(t, shift);
  Ln2 split = ln2(f.wide);
  Value r = f.fma(n, f.real(-split.high), x);
  r = f.fma(n, f.real(-split.low), r);
  Value q = f.wide ? f.polynomial(r, wide) : f.polynomial(r, narrow);
  return {f.subI(f.bits(t), f.bits(shift)), f.fma(f.mul(r, r), q, r)};
}

/// The scale 2^n is applied in two halves: 2^128 and 2^-149 have no representation of their own.
/// What is too small even for that is multiplied by 0: a product that underflows takes a hundred
/// cycles, and a causal softmax has half its elements at -inf.
Value exp(Formula &f, Value x) {
  double least = f.wide ? -746 : -104;
  Value vanishes = f.less(x, f.real(least));
  x = f.atMost(f.atLeast(x, least), f.wide ? 710 : 89);
  ReducedExp reduced = reduceExp(f, x);
  Value half = f.right(reduced.n, 1);
  Value y = f.mul(f.add(f.real(1), reduced.expm1), f.powerOfTwo(half));
  Value rest = f.powerOfTwo(f.subI(reduced.n, half));
  return f.mul(y, f.select(vanishes, f.real(0), rest));
}

/// 2^n (e^r - 1) + (2^n - 1), with half of 2^n so that n = 128 is in range.
Value expm1(Formula &f, Value x) {
  Value bounded = f.atMost(f.atLeast(x, f.wide ? -40 : -20), f.wide ? 710 : 89);
  ReducedExp reduced = reduceExp(f, bounded);
  Value scale = f.powerOfTwo(f.subI(reduced.n, f.whole(1)));
  Value half = f.fma(scale, reduced.expm1, f.sub(scale, f.real(0.5)));
  return f.select(f.equal(x, f.real(0)), x, f.add(half, half)); // keeps -0
}

/// -e / (e + 2) with e = e^(-2|x|) - 1: no overflow, and full relative accuracy near zero.
Value tanh(Formula &f, Value x) {
  Value e = expm1(f, f.mul(f.magnitude(x), f.real(-2)));
  return f.signOf(f.div(e, f.add(e, f.real(2))), x);
}

/// |x| S(x²) for small |x|, else 1 - e^T(|x| - 2), where T approximates log erfc.
Value erf(Formula &f, Value x) {
  // erf(sqrt z) / sqrt z on [0, 0.81]: 2^-31.7; on [0, 1]: 2^-62.7.
  static const double smallNarrow[] = {
      1.128379225730896,    -0.37612634897232056,   0.11283715069293976,  -0.02686050906777382,
      0.005203858949244022, -0.0008175635593943298, 8.513087959727272e-05};
  static const double smallWide[] = {
      1.1283791670955126,     -0.3761263890318375,     0.11283791670954857,
      -0.026866170645072893,  0.005223977624780856,    -0.0008548326978741403,
      0.00012055331036866374, -1.4925593506029411e-05, 1.6460972802586814e-06,
      -1.635002506553814e-07, 1.4657878770395011e-08,  -1.1365661793395931e-09,
      5.945254692966e-11};
  // log erfc(u + 2), error of erfc: u + 2 in [0.9, 4]: 5.4e-11; in [1, 6]: 1.2e-20.
  static const double tailNarrow[] = {-5.364941120147705,     -4.418160915374756,
                                      -0.9237511157989502,    -0.016466595232486725,
                                      0.0035697314888238907,  -0.0007292938535101712,
                                      0.00013956904876977205, -2.0909599697915837e-05};
  static const double tailWide[] = {
      -5.364941264616638,      -4.418160805994415,      -0.9237508418237774,
      -0.016465118136929188,   0.0035707563454852923,   -0.0007323993858188381,
      0.00013530933960204472,  -2.0706428963173838e-05, 1.9521784638245053e-06,
      2.0362810668377255e-07,  -1.7317920943913932e-07, 5.7821220406218733e-08,
      -1.3976980798327665e-08, 2.5195578270431333e-09,  -2.5651645970575486e-10,
      -3.592144980147392e-11,  2.994934999166673e-11,   -1.0424599120571759e-11,
      2.418115466163344e-12,   -3.457472288664396e-13,  2.24892995485672e-14};
  Value a = f.magnitude(x);
  Value z = f.mul(a, a);
  Value small = f.mul(a, f.wide ? f.polynomial(z, smallWide) : f.polynomial(z, smallNarrow));
  Value u = f.sub(f.atMost(a, f.wide ? 6 : 4), f.real(2));
  Value t = f.wide ? f.polynomial(u, tailWide) : f.polynomial(u, tailNarrow);
  // t lies in [-18, -1.5] or [-39, -1.5], inside the range of one scale. At small |x| it may not,
  // but then the other branch is taken.
  ReducedExp reduced = reduceExp(f, f.atLeast(t, f.wide ? -100 : -50));
  Value erfc = f.mul(f.add(f.real(1), reduced.expm1), f.powerOfTwo(reduced.n));
  Value large = f.sub(f.real(1), erfc);
  return f.signOf(f.select(f.less(a, f.real(f.wide ? 1.0 : 0.9)), small, large), x);
}

//===----------------------------------------------------------------------===//
// log and what is made of it
//===----------------------------------------------------------------------===//

/// x = 2^e (1 + m), 1 + m in [sqrt 1/2, sqrt 2). Positive finite x, subnormal ones included.
struct ReducedLog {
  Value e, m;
};

ReducedLog reduceLog(Formula &f, Value x) {
  int up = f.wide ? 54 : 25;
  Value tiny = f.less(x, f.real(std::ldexp(1.0, 1 - f.bias())));
  Value scaled = f.select(tiny, f.mul(x, f.real(std::ldexp(1.0, up))), x);
  int64_t root = f.wide ? std::bit_cast<int64_t>(std::sqrt(0.5))
                        : std::bit_cast<int32_t>(static_cast<float>(std::sqrt(0.5)));
  Value i = f.bits(scaled);
  Value e = f.right(f.subI(i, f.whole(root)), f.mantissa());
  Value m = f.sub(f.fromBits(f.subI(i, f.left(e, f.mantissa()))), f.real(1));
  Value exponent = arith::SIToFPOp::create(f.b, f.type, e);
  return {f.add(exponent, f.select(tiny, f.real(-up), f.real(0))), m};
}

/// 2 atanh s = 2s + s³ R(s²); R on s² <= 0.02945: 2^-65.7 of the whole.
const double atanhWide[] = {0.6666666666666666,  0.40000000000006264, 0.2857142856908114,
                            0.22222222647513543, 0.1818177560795408,  0.1538709328348088,
                            0.1325006095281991,  0.13251851194930037};

/// e ln 2 + log(1 + m)
Value combineLog(Formula &f, ReducedLog x) {
  // (log(1 + m) - m + m²/2) / m³ on [sqrt 1/2 - 1, sqrt 2 - 1]: 2^-30.3 of log(1 + m).
  static const double narrow[] = {0.3333331346511841,  -0.25000008940696716, 0.2000211924314499,
                                  -0.1666799634695053, 0.14219552278518677,  -0.1240558996796608,
                                  0.11888162791728973, -0.11675650626420975, 0.0674663782119751};
  Ln2 split = ln2(f.wide);
  Value low = f.mul(x.e, f.real(split.low));
  Value sum;
  if (f.wide) {
    Value s = f.div(x.m, f.add(x.m, f.real(2)));
    Value z = f.mul(s, s);
    low = f.fma(f.mul(s, z), f.polynomial(z, atanhWide), low);
    sum = f.add(f.add(s, s), low);
  } else {
    Value z = f.mul(x.m, x.m);
    low = f.fma(f.mul(x.m, z), f.polynomial(x.m, narrow), low);
    low = f.fma(z, f.real(-0.5), low);
    sum = f.add(x.m, low);
  }
  return f.fma(x.e, f.real(split.high), sum);
}

/// log at the ends of its domain: `x` is the argument, `pole` where it is -inf.
Value logEdges(Formula &f, Value x, double pole, Value inside) {
  Value y = f.select(f.less(x, f.infinity()), inside, x); // inf and NaN are their own logarithm
  y = f.select(f.equal(x, f.real(pole)), f.negate(f.infinity()), y);
  return f.select(f.less(x, f.real(pole)), f.nan(), y);
}

Value log(Formula &f, Value x) { return logEdges(f, x, 0, combineLog(f, reduceLog(f, x))); }

/// Near zero x itself is the reduced argument; elsewhere 1 + x loses nothing that matters.
Value log1p(Formula &f, Value x) {
  ReducedLog reduced = reduceLog(f, f.add(x, f.real(1)));
  Value small = f.both(f.less(f.real(-0.29), x), f.less(x, f.real(0.41)));
  reduced.m = f.select(small, x, reduced.m);
  reduced.e = f.select(small, f.real(0), reduced.e);
  Value y = logEdges(f, x, -1, combineLog(f, reduced));
  return f.select(f.equal(x, f.real(0)), x, y); // keeps -0
}

//===----------------------------------------------------------------------===//
// sin and cos
//===----------------------------------------------------------------------===//

/// x = n pi/2 + r; sine and cosine of r; `quarter` is added to n. f32 is computed in f64, where the
/// reduction needs no care and short polynomials do.
Value circle(Formula &narrow, Value x, int64_t quarter) {
  // (sin sqrt z - sqrt z) / z^1.5 and (cos sqrt z - 1 + z/2) / z² on [0, (pi/4)²]:
  // short 2^-37.6 and 2^-43.2, long 2^-68.8 and 2^-75.2.
  static const double sinShort[] = {-0.1666666664142703, 0.008333329362292394,
                                    -0.0001983932713460669, 2.718237233059993e-06};
  static const double cosShort[] = {0.04166666662247933, -0.0013888883722825635,
                                    2.479951181630175e-05, -2.720955189316921e-07};
  static const double sinLong[] = {-0.16666666666666666,    0.008333333333333323,
                                   -0.0001984126984125499,  2.755731921414898e-06,
                                   -2.5052104900563684e-08, 1.6058365195457586e-10,
                                   -7.578625575558243e-13};
  static const double cosLong[] = {0.041666666666666664,   -0.0013888888888888874,
                                   2.480158730157138e-05,  -2.755731921532573e-07,
                                   2.0876754354677404e-09, -1.1470291941936182e-11,
                                   4.738048369674776e-14};
  // pi/2 in parts of 33 bits: n·part is exact for |n| < 2^20.
  static const double halfPi[] = {1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21,
                                  8.4784276603689e-32};
  Formula f = narrow.over(narrow.b.getF64Type());
  Value wide = narrow.wide ? x : Value(arith::ExtFOp::create(f.b, f.type, x));
  Value shift = f.real(f.shift());
  Value t = f.fma(wide, f.real(0.6366197723675814), shift);
  Value n = f.sub(t, shift);
  Value r = wide;
  for (double part : halfPi)
    r = f.fma(n, f.real(-part), r);
  r = f.atMost(f.atLeast(r, -0.8), 0.8); // beyond the stated range at least |result| <= 1
  Value z = f.mul(r, r);
  Value sin = f.polynomial(z, narrow.wide ? ArrayRef(sinLong) : ArrayRef(sinShort));
  sin = f.fma(f.mul(r, z), sin, r);
  Value cos = f.polynomial(z, narrow.wide ? ArrayRef(cosLong) : ArrayRef(cosShort));
  cos = f.fma(f.mul(z, z), cos, f.fma(z, f.real(-0.5), f.real(1)));

  Value q = f.addI(f.bits(t), f.whole(quarter));
  Value odd = arith::CmpIOp::create(f.b, arith::CmpIPredicate::ne,
                                    arith::AndIOp::create(f.b, q, f.whole(1)), f.whole(0));
  Value sign = f.left(arith::AndIOp::create(f.b, q, f.whole(2)), 62);
  Value y = f.select(odd, cos, sin);
  y = f.fromBits(arith::XOrIOp::create(f.b, f.bits(y), sign));
  return narrow.wide ? y : Value(arith::TruncFOp::create(f.b, narrow.type, y));
}

Value sin(Formula &f, Value x) {
  return f.select(f.equal(x, f.real(0)), x, circle(f, x, 0)); // keeps -0
}

Value cos(Formula &f, Value x) { return circle(f, x, 1); }

//===----------------------------------------------------------------------===//
// powf
//===----------------------------------------------------------------------===//

/// e^(y log x), x >= 0, in f64. The logarithm is carried in two parts: an error in it is multiplied
/// by up to 709 in the result.
Value powWide(Formula &f, Value x, Value y) {
  ReducedLog reduced = reduceLog(f, x);
  Ln2 split = ln2(true);
  // s + slow = m / (2 + m) to twice the precision
  Value d = f.add(reduced.m, f.real(2));
  Value dlow = f.sub(reduced.m, f.sub(d, f.real(2)));
  Value s = f.div(reduced.m, d);
  Value sd = f.mul(s, d);
  Value rest = f.sub(f.sub(reduced.m, sd), f.productError(s, d, sd));
  rest = f.sub(rest, f.mul(s, dlow));
  Value slow = f.div(rest, d);
  Value z = f.mul(s, s);
  Value low = f.fma(f.mul(s, z), f.polynomial(z, atanhWide), f.add(slow, slow));
  low = f.fma(reduced.e, f.real(split.low), low);
  Value a = f.mul(reduced.e, f.real(split.high)), b = f.add(s, s);
  Value sum = f.add(a, b);
  low = f.add(low, f.sub(b, f.sub(sum, a)));
  Value high = f.add(sum, low);
  low = f.sub(low, f.sub(high, sum));
  // The exponent, again in two parts. At the ends (0, inf) the plain logarithm decides.
  Value finite = f.both(f.less(f.real(0), x), f.less(x, f.infinity()));
  high = f.select(finite, high, logEdges(f, x, 0, high));
  Value product = f.mul(y, high);
  Value small = f.fma(y, low, f.productError(y, high, product));
  Value accurate =
      f.both(f.less(f.magnitude(product), f.real(800)), f.less(f.magnitude(y), f.real(0x1p900)));
  small = f.select(accurate, small, f.real(0));
  Value power = exp(f, product);
  Value corrected = f.fma(power, small, power);
  return f.select(f.less(power, f.infinity()), corrected, power);
}

/// x^n by repeated squaring, n >= 1.
Value wholePower(Formula &f, Value x, int64_t n) {
  Value result;
  for (; n; n >>= 1) {
    if (n & 1)
      result = result ? f.mul(result, x) : x;
    if (n > 1)
      x = f.mul(x, x);
  }
  return result;
}

/// Exponents known here that need neither exp nor log. Null: none of them.
Value knownPower(Formula &f, Value x, Value exponent) {
  FloatAttr scalar;
  DenseFPElementsAttr elements;
  double y;
  if (matchPattern(exponent, m_Constant(&scalar)))
    y = scalar.getValueAsDouble();
  else if (matchPattern(exponent, m_Constant(&elements)) && elements.isSplat())
    y = elements.getSplatValue<FloatAttr>().getValueAsDouble();
  else
    return {};
  if (y == 0)
    return f.real(1);
  if (y == std::trunc(y) && std::abs(y) <= 16)
    return y > 0 ? wholePower(f, x, int64_t(y)) : wholePower(f, f.div(f.real(1), x), int64_t(-y));
  if (std::abs(y) == 0.5) {
    // Unlike the square root, pow gives +0 for -0 and inf for -inf.
    Value root = f.add(math::SqrtOp::create(f.b, x), f.real(0));
    root = f.select(f.equal(x, f.negate(f.infinity())), f.infinity(), root);
    return y > 0 ? root : f.div(f.real(1), root);
  }
  return {};
}

Value powf(Formula &narrow, Value x, Value y) {
  if (Value known = knownPower(narrow, x, y))
    return known;
  Formula f = narrow.over(narrow.b.getF64Type());
  auto widen = [&](Value v) {
    return narrow.wide ? v : Value(arith::ExtFOp::create(f.b, f.type, v));
  };
  x = widen(x);
  y = widen(y);
  Value a = f.magnitude(x);
  Value power = powWide(f, a, y);

  // A whole y allows a negative x; an odd one keeps its sign.
  Value big = f.real(0x1p52);
  auto isWhole = [&](Value v) {
    Value m = f.magnitude(v);
    Value rounds = f.equal(f.sub(f.add(m, big), big), m);
    return f.either(f.compare(arith::CmpFPredicate::OGE, m, big), rounds);
  };
  Value whole = isWhole(y);
  Value odd = f.both(whole, f.negation(isWhole(f.mul(y, f.real(0.5)))));
  Value zero = f.equal(a, f.real(0)), infinite = f.equal(a, f.infinity());
  Value negative = f.less(f.signOf(f.real(1), x), f.real(0)); // -0 too
  Value outside =
      f.both(f.less(x, f.real(0)), f.negation(f.either(whole, f.either(zero, infinite))));
  Value result = f.select(f.both(negative, odd), f.negate(power), power);
  result = f.select(outside, f.nan(), result);
  // 1^y = x^0 = 1 whatever the other is; (-1)^±inf = 1.
  Value unit = f.both(f.equal(a, f.real(1)), f.equal(f.magnitude(y), f.infinity()));
  unit = f.either(unit, f.either(f.equal(x, f.real(1)), f.equal(y, f.real(0))));
  result = f.select(unit, f.real(1), result);
  return narrow.wide ? result : Value(arith::TruncFOp::create(f.b, narrow.type, result));
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

Value apply(Formula &f, math::ExpOp op) { return exp(f, op.getOperand()); }
Value apply(Formula &f, math::ExpM1Op op) { return expm1(f, op.getOperand()); }
Value apply(Formula &f, math::LogOp op) { return log(f, op.getOperand()); }
Value apply(Formula &f, math::Log1pOp op) { return log1p(f, op.getOperand()); }
Value apply(Formula &f, math::TanhOp op) { return tanh(f, op.getOperand()); }
Value apply(Formula &f, math::ErfOp op) { return erf(f, op.getOperand()); }
Value apply(Formula &f, math::SinOp op) { return sin(f, op.getOperand()); }
Value apply(Formula &f, math::CosOp op) { return cos(f, op.getOperand()); }
Value apply(Formula &f, math::PowFOp op) { return powf(f, op.getLhs(), op.getRhs()); }
Value apply(Formula &f, math::RsqrtOp op) {
  return f.div(f.real(1), math::SqrtOp::create(f.b, op.getOperand()));
}

/// Half-width floats are computed in f32 and rounded once.
template <typename Op> struct Rewrite final : OpRewritePattern<Op> {
  Rewrite(MLIRContext *context, bool fused) : OpRewritePattern<Op>(context), fused(fused) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type type = op.getType(), element = getElementTypeOrSelf(type);
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (element.isBF16() || element.isF16()) {
      Type wide = Formula(b, type, fused).like(b.getF32Type());
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(arith::ExtFOp::create(b, wide, operand));
      Value result = Op::create(b, TypeRange{wide}, operands);
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, result);
      return success();
    }
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "neither f32 nor f64");
    Formula formula(b, type, fused);
    rewriter.replaceOp(op, apply(formula, op));
    return success();
  }

  bool fused;
};

/// Upstream lowers vector.fma to a multiply-add that may or may not be fused, and which is then
/// split since we forbid contraction. What is written as fused stays fused.
struct KeepFma final : OpRewritePattern<vector::FMAOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::FMAOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<math::FmaOp>(op, op.getLhs(), op.getRhs(), op.getAcc());
    return success();
  }
};

/// Without the instruction a fused multiply-add would be a library call per lane.
template <typename Op> struct SplitFma final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Value x = op->getOperand(0), y = op->getOperand(1), z = op->getOperand(2);
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), x, y);
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, z);
    return success();
  }
};

} // namespace

void populateVectorMathPatterns(RewritePatternSet &patterns, const Target &target) {
  patterns.add<Rewrite<math::ExpOp>, Rewrite<math::ExpM1Op>, Rewrite<math::LogOp>,
               Rewrite<math::Log1pOp>, Rewrite<math::TanhOp>, Rewrite<math::ErfOp>,
               Rewrite<math::SinOp>, Rewrite<math::CosOp>, Rewrite<math::PowFOp>,
               Rewrite<math::RsqrtOp>>(patterns.getContext(), target.fma);
  if (target.fma)
    patterns.add<KeepFma>(patterns.getContext());
  else
    patterns.add<SplitFma<vector::FMAOp>, SplitFma<math::FmaOp>>(patterns.getContext());
}

} // namespace frit
