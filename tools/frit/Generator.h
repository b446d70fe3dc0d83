// f, its slope and its change with a parameter, by running its steps on any kind of number.
#pragma once
#include "tools/frit/GeneratorText.h"
#include "tools/frit/RoughNumber.h"

namespace frit {

/// A number and its derivative.
template <typename Real> struct Dual {
  Real x = 0, d = 0;
};

// What Rough and Fine have, for machine numbers.
inline int signOf(float x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
inline bool isZero(float x) { return x == 0; }
template <typename Real> int signOf(const Real &x) { return x.sign(); }
template <typename Real> bool isZero(const Real &x) { return x.isZero(); }

template <typename Real> class Generator {
public:
  explicit Generator(const std::vector<GeneratorStep> &steps) {
    for (const GeneratorStep &step : steps) {
      kinds.push_back(step.kind);
      constants.push_back(converted(step.constant));
    }
  }

  /// f and f' at u, as written.
  Dual<Real> at(const Real &u) const { return run({u, 1}, nullptr, 0); }
  /// f, and its derivative by the parameter.
  Dual<Real> byParameter(const Real &u) const { return run({u, 0}, nullptr, 1); }
  /// f and f' with the parameter moved.
  Dual<Real> movedAt(const Real &u, const Real &by) const { return run({u, 1}, &by, 0); }

private:
  std::vector<GeneratorStep::Kind> kinds;
  std::vector<Real> constants;
  mutable std::vector<Dual<Real>> stack;

  static Real converted(const Fine &x) {
    if constexpr (std::is_floating_point_v<Real>)
      return Real(x.number());
    else
      return Real(x);
  }
  static double numberOf(const Real &x) {
    if constexpr (std::is_floating_point_v<Real>)
      return x;
    else
      return x.number();
  }

  static Dual<Real> power(const Dual<Real> &a, const Dual<Real> &b) {
    using std::log, std::pow;
    Dual<Real> out{pow(a.x, b.x)};
    if (!isZero(a.d)) {
      double k = numberOf(b.x);
      bool isWhole = k == std::floor(k) && isZero(b.d);
      out.d = (isWhole ? b.x * pow(a.x, Real(k - 1)) : out.x * b.x / a.x) * a.d;
    }
    if (!isZero(b.d))
      out.d = out.d + out.x * log(a.x) * b.d;
    return out;
  }
  static Dual<Real> larger(const Dual<Real> &a, const Dual<Real> &b) {
    int order = signOf(Real(a.x - b.x));
    return order == 0 ? Dual<Real>{a.x, (a.d + b.d) / Real(2)} : order > 0 ? a : b;
  }

  Dual<Real> run(const Dual<Real> &u, const Real *by, double slope) const {
    using std::exp, std::log, std::tanh;
    stack.clear();
    for (size_t i = 0; i < kinds.size(); ++i) {
      GeneratorStep::Kind kind = kinds[i];
      if (kind <= GeneratorStep::Parameter) {
        bool isParameter = kind == GeneratorStep::Parameter;
        if (kind == GeneratorStep::Variable)
          stack.push_back(u);
        else
          stack.push_back({isParameter && by ? constants[i] + *by : constants[i],
                           isParameter ? Real(slope) : Real(0)});
        continue;
      }
      Dual<Real> b = stack.back(), a = b;
      if (kind <= GeneratorStep::Smaller) {
        stack.pop_back();
        a = stack.back();
      }
      Dual<Real> &out = stack.back();
      auto minus = [](const Dual<Real> &x) { return Dual<Real>{-x.x, -x.d}; };
      switch (kind) {
      case GeneratorStep::Add:
        out = {a.x + b.x, a.d + b.d};
        break;
      case GeneratorStep::Subtract:
        out = {a.x - b.x, a.d - b.d};
        break;
      case GeneratorStep::Multiply:
        out = {a.x * b.x, a.d * b.x + a.x * b.d};
        break;
      case GeneratorStep::Divide:
        out = {a.x / b.x, (a.d - a.x / b.x * b.d) / b.x};
        break;
      case GeneratorStep::Power:
        out = power(a, b);
        break;
      case GeneratorStep::Larger:
        out = larger(a, b);
        break;
      case GeneratorStep::Smaller:
        out = minus(larger(minus(a), minus(b)));
        break;
      case GeneratorStep::Negate:
        out = minus(a);
        break;
      case GeneratorStep::Log:
        out = {log(a.x), a.d / a.x};
        break;
      case GeneratorStep::Log1p:
        out = {log(Real(1) + a.x), a.d / (Real(1) + a.x)};
        break;
      case GeneratorStep::Exp:
        out.x = exp(a.x);
        out.d = out.x * a.d;
        break;
      case GeneratorStep::Sqrt:
        out = power(a, {Real(0.5)});
        break;
      case GeneratorStep::Abs: {
        int sign = signOf(a.x);
        out = sign == 0 ? Dual<Real>{0, 0} : sign > 0 ? a : minus(a);
        break;
      }
      case GeneratorStep::Sign:
        out = {Real(signOf(a.x)), 0};
        break;
      default:
        out.x = tanh(a.x);
        out.d = (Real(1) - out.x * out.x) * a.d;
      }
    }
    return stack.back();
  }
};

} // namespace frit
