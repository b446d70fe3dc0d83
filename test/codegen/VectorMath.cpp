// Every function over a dense sweep of its arguments, compiled for every level this machine runs
// and held against the C library in a wider type; special values one by one; scalars, vectors of
// every width and loop tails bit for bit the same.
#include "codegen/cpu/VectorMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "test/codegen/Compiled.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <immintrin.h>
#include <random>

using namespace mlir;
using namespace frit;
using namespace frit::test;

namespace {

using Build = std::function<Value(ImplicitLocOpBuilder &, Value x, Value y)>;
template <typename T> using Map = void(const T *x, const T *y, T *out, int64_t count);

/// @name: out[i] = f(x[i], y[i]), `width` at a time (0: scalars), tail one at a time.
void emitMap(ModuleOp module, const std::string &name, Type element, int64_t width,
             const Build &f) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType({pointer, pointer, pointer, i64}, {}));
  function.addEntryBlock();
  b.setInsertionPointToStart(&function.getBody().front());
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(v));
  };
  auto loop = [&](Value low, Value high, int64_t step, Type type) {
    scf::ForOp::create(b, low, high, constant(step), ValueRange{},
                       [&](OpBuilder &, Location, Value i, ValueRange) {
                         auto at = [&](int n) -> Value {
                           return LLVM::GEPOp::create(b, pointer, element, function.getArgument(n),
                                                      ArrayRef<LLVM::GEPArg>{i});
                         };
                         Value x = LLVM::LoadOp::create(b, type, at(0), 4);
                         Value y = LLVM::LoadOp::create(b, type, at(1), 4);
                         LLVM::StoreOp::create(b, f(b, x, y), at(2), 4);
                         scf::YieldOp::create(b);
                       });
  };
  Value begin = constant(0), count = function.getArgument(3);
  if (width > 0) {
    Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, count, constant(width)),
                                        constant(width));
    loop(begin, whole, width, VectorType::get({width}, element));
    begin = whole;
  }
  loop(begin, count, 1, element);
  func::ReturnOp::create(b);
}

template <typename Op> Build unary() {
  return [](ImplicitLocOpBuilder &b, Value x, Value) -> Value { return Op::create(b, x); };
}
Build power() {
  return [](ImplicitLocOpBuilder &b, Value x, Value y) -> Value {
    return math::PowFOp::create(b, x, y);
  };
}
Build powerOf(double exponent) {
  return [=](ImplicitLocOpBuilder &b, Value x, Value) -> Value {
    Type type = x.getType();
    TypedAttr y = b.getFloatAttr(getElementTypeOrSelf(type), exponent);
    if (auto vector = dyn_cast<VectorType>(type))
      y = DenseElementsAttr::get(vector, mlir::Attribute(y));
    return math::PowFOp::create(b, x, arith::ConstantOp::create(b, y));
  };
}

struct Function {
  const char *name;
  Build build;
  std::function<long double(long double, long double)> exact;
  double low, high;    // swept range
  double ulp32, ulp64; // bounds as in VectorMath.h
};

const std::vector<Function> &functions() {
  static const std::vector<Function> all = {
      {"exp", unary<math::ExpOp>(), [](auto x, auto) { return expl(x); }, -110, 95, 1, 2},
      {"expm1", unary<math::ExpM1Op>(), [](auto x, auto) { return expm1l(x); }, -30, 95, 2, 2},
      {"log", unary<math::LogOp>(), [](auto x, auto) { return logl(x); }, 0, 1e30, 1, 2},
      {"log1p", unary<math::Log1pOp>(), [](auto x, auto) { return log1pl(x); }, -1, 1e10, 3, 3},
      {"tanh", unary<math::TanhOp>(), [](auto x, auto) { return tanhl(x); }, -12, 12, 3, 3},
      {"erf", unary<math::ErfOp>(), [](auto x, auto) { return erfl(x); }, -5, 5, 3, 2},
      {"sin", unary<math::SinOp>(), [](auto x, auto) { return sinl(x); }, -1e6, 1e6, 1, 3},
      {"cos", unary<math::CosOp>(), [](auto x, auto) { return cosl(x); }, -1e6, 1e6, 1, 3},
      {"rsqrt", unary<math::RsqrtOp>(), [](auto x, auto) { return 1 / sqrtl(x); }, 0, 1e30, 1.5,
       1.5},
      {"pow", power(), [](auto x, auto y) { return powl(x, y); }, 0, 100, 1, 2},
  };
  return all;
}

/// Arguments: uniform over the range, over a tenth and a thousandth of it, and logarithmic around
/// zero. The second operand is uniform in [-20, 20].
template <typename T> std::vector<T> arguments(double low, double high) {
  std::mt19937_64 random(7);
  std::vector<T> x;
  const char *samples = getenv("FRIT_SAMPLES"); // per kind; more, to find where a bound is reached
  int count = samples ? atoi(samples) : 20000;
  for (double scale : {1.0, 0.1, 1e-3, 1e-5}) {
    std::uniform_real_distribution<double> uniform(low * scale, high * scale);
    for (int i = 0; i < count; ++i)
      x.push_back(uniform(random));
  }
  std::uniform_real_distribution<double> exponent(sizeof(T) == 4 ? -149 : -1074, 3);
  for (int i = 0; i < count; ++i) {
    double value = std::exp2(exponent(random)) * (i % 2 && low < 0 ? -1 : 1);
    if (value > low && value < high)
      x.push_back(value);
  }
  return x;
}

/// Distance of `got` from `exact` in units of the last place of `exact`.
template <typename T> double ulps(T got, long double exact) {
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : INFINITY;
  if (got == T(exact))
    return 0;
  int exponent;
  frexpl(exact, &exponent);
  int lowest = sizeof(T) == 4 ? -149 : -1074, digits = sizeof(T) == 4 ? 24 : 53;
  long double unit = ldexpl(1, std::max(exponent - digits, lowest));
  return double(fabsl(got - exact) / unit);
}

template <typename T> void sweep(const Target &target) {
  OpBuilder builder(&context());
  Type element = sizeof(T) == 4 ? Type(builder.getF32Type()) : Type(builder.getF64Type());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  for (const Function &f : functions())
    emitMap(*module, f.name, element, target.lanes(sizeof(T) * 8), f.build);
  Compiled compiled(*module, target);
  for (const Function &f : functions()) {
    std::vector<T> x = arguments<T>(f.low, f.high), y(x.size()), out(x.size());
    std::mt19937 random(3);
    std::uniform_real_distribution<double> uniform(-20, 20);
    for (T &value : y)
      value = uniform(random);
    compiled.get<Map<T>>(f.name)(x.data(), y.data(), out.data(), x.size());
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < x.size(); ++i)
      if (double error = ulps(out[i], f.exact(x[i], y[i])); !(error <= worst)) {
        worst = error;
        where = i;
      }
    double bound = (sizeof(T) == 4 ? f.ulp32 : f.ulp64) * (target.fma ? 1 : 2);
    INFO(f.name << " on " << target.isa << ", f" << sizeof(T) * 8 << ": " << worst
                << " ulp at x = " << double(x[where]) << ", y = " << double(y[where]) << ": "
                << double(out[where]) << " for " << double(f.exact(x[where], y[where])));
    if (getenv("FRIT_PRINT_ULPS"))
      printf("%-8s %-8s f%zu %.3f ulp at %.9g\n", f.name, target.isa.c_str(), sizeof(T) * 8, worst,
             double(x[where]));
    CHECK(worst <= bound);
  }
}

/// Value and sign of zero agree; any NaN equals any NaN.
template <typename T> bool same(T x, T y) {
  return std::isnan(x) ? std::isnan(y) : x == y && std::signbit(x) == std::signbit(y);
}

template <typename T> void edges(const Target &target) {
  OpBuilder builder(&context());
  Type element = sizeof(T) == 4 ? Type(builder.getF32Type()) : Type(builder.getF64Type());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  for (const Function &f : functions())
    emitMap(*module, f.name, element, target.lanes(sizeof(T) * 8), f.build);
  const double exponents[] = {0, 1, 2, 3, -1, -2, 0.5, -0.5};
  for (size_t i = 0; i < std::size(exponents); ++i)
    emitMap(*module, "pow" + std::to_string(i), element, 0, powerOf(exponents[i]));
  Compiled compiled(*module, target);

  using Limits = std::numeric_limits<T>;
  const T special[] = {T(0),
                       T(-0.0),
                       Limits::infinity(),
                       -Limits::infinity(),
                       Limits::quiet_NaN(),
                       Limits::max(),
                       Limits::lowest(),
                       Limits::min(),
                       Limits::denorm_min(),
                       -Limits::denorm_min(),
                       T(1),
                       T(-1),
                       T(2),
                       T(-2),
                       T(3),
                       T(-3),
                       T(0.5),
                       T(-0.5)};
  auto tooLarge = [](const std::string &name, T x) { // outside the stated range of sin and cos
    return (name == "sin" || name == "cos") && std::isfinite(x) && std::abs(x) > 1e6;
  };
  for (const Function &f : functions()) {
    std::string name = f.name;
    for (T x : special)
      for (T y : special) {
        T out;
        compiled.get<Map<T>>(f.name)(&x, &y, &out, 1);
        if (tooLarge(name, x)) {
          CHECK(std::abs(out) <= 1);
          continue;
        }
        T expected = T(f.exact(x, y));
        bool exact = expected == 0 || std::isinf(expected) || std::isnan(expected);
        INFO(f.name << "(" << double(x) << ", " << double(y) << ") on " << target.isa << ": "
                    << double(out) << " for " << double(expected));
        CHECK((exact ? same(out, expected) : ulps(out, f.exact(x, y)) <= 16));
      }
  }
  for (size_t i = 0; i < std::size(exponents); ++i)
    for (T x : special) {
      T out;
      compiled.get<Map<T>>(("pow" + std::to_string(i)).c_str())(&x, &x, &out, 1);
      long double exactly = powl(x, exponents[i]);
      T expected = T(exactly);
      bool edge = expected == 0 || std::isinf(expected) || std::isnan(expected);
      INFO(double(x) << "^" << exponents[i] << ": " << double(out) << " for " << double(expected));
      CHECK((edge ? same(out, expected) : ulps(out, exactly) <= 3));
    }
}

} // namespace

TEST_CASE("vector math: errors stay within the stated bounds") {
  for (const Target &target : runnableTargets()) {
    sweep<float>(target);
    sweep<double>(target);
  }
}

TEST_CASE("vector math: infinities, NaNs, zeros and subnormal numbers") {
  for (const Target &target : runnableTargets()) {
    edges<float>(target);
    edges<double>(target);
  }
}

TEST_CASE("vector math: exp of what vanishes does not underflow, which would be slow") {
  for (const Target &target : runnableTargets()) {
    OpBuilder builder(&context());
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
    emitMap(*module, "f32", builder.getF32Type(), target.lanes(32), unary<math::ExpOp>());
    emitMap(*module, "f64", builder.getF64Type(), target.lanes(64), unary<math::ExpOp>());
    Compiled compiled(*module, target);
    auto check = [&](auto *map, auto zero) {
      using T = decltype(zero);
      std::vector<T> x(35, -std::numeric_limits<T>::infinity()), y(x.size(), T(1));
      for (size_t i = 0; i < x.size(); i += 3)
        x[i] = T(-800 - 1e5 * double(i));
      constexpr unsigned underflow = 1 << 4, flags = 0x3f;
      _mm_setcsr(_mm_getcsr() & ~flags);
      map(x.data(), x.data(), y.data(), int64_t(x.size()));
      CHECK((_mm_getcsr() & underflow) == 0);
      CHECK(std::count(y.begin(), y.end(), T(0)) == int64_t(y.size()));
    };
    check(compiled.get<Map<float>>("f32"), 0.0f);
    check(compiled.get<Map<double>>("f64"), 0.0);
  }
}

TEST_CASE("vector math: scalars and vectors of any width give the same bits") {
  Target target = Target::host();
  OpBuilder builder(&context());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  const int64_t widths[] = {0, 2, 8, 16, 64};
  for (const Function &f : functions())
    for (int64_t width : widths)
      emitMap(*module, f.name + std::to_string(width), builder.getF32Type(), width, f.build);
  Compiled compiled(*module, target);
  for (const Function &f : functions()) {
    std::vector<float> x = arguments<float>(f.low, f.high);
    x.resize(1003);
    std::vector<float> y(x.rbegin(), x.rend()), first(x.size()), out(x.size());
    for (int64_t width : widths) {
      auto map = compiled.get<Map<float>>((f.name + std::to_string(width)).c_str());
      map(x.data(), y.data(), width ? out.data() : first.data(), x.size());
      INFO(f.name << " by " << width);
      if (width)
        CHECK(memcmp(out.data(), first.data(), out.size() * 4) == 0);
    }
  }
}

TEST_CASE("vector math: nothing is left for the C library, not even without fused multiply-add") {
  for (const Target &target : runnableTargets()) {
    OpBuilder builder(&context());
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
    for (const Function &f : functions())
      emitMap(*module, f.name, builder.getF32Type(), 8, f.build);
    ObjectOptions options;
    options.emission = Emission::Assembly;
    auto assembly = compileModule(*module, target, options);
    REQUIRE(bool(assembly));
    CHECK(assembly->find("call") == std::string::npos);
  }
}
