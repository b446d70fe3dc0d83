// Columns where p or q is 0 take the limits f(0) and f'(inf), found by going very far; an infinite
// limit gives the value inf, and no slope. A row without any logit is 0.
#include "tools/frit/DivergenceTruth.h"
#include <algorithm>
#include <stdexcept>

namespace frit {

using checking::BigReal;

namespace {
/// A number and its derivative.
struct Dual {
  BigReal x, d = 0;
};
Dual operator+(Dual a, Dual b) { return {a.x + b.x, a.d + b.d}; }
Dual operator-(Dual a, Dual b) { return {a.x - b.x, a.d - b.d}; }
Dual operator*(Dual a, Dual b) { return {a.x * b.x, a.d * b.x + a.x * b.d}; }
Dual operator/(Dual a, Dual b) { return {a.x / b.x, (a.d - a.x / b.x * b.d) / b.x}; }
Dual power(Dual a, Dual b) {
  BigReal y = pow(a.x, b.x);
  BigReal d = a.d.sign() == 0 ? BigReal(0) : b.x * pow(a.x, b.x - BigReal(1)) * a.d;
  return {y, b.d.sign() == 0 ? d : d + y * log(a.x) * b.d};
}
Dual larger(Dual a, Dual b) {
  int order = (a.x - b.x).sign();
  if (order == 0)
    return {a.x, (a.d + b.d) / BigReal(2)};
  return order > 0 ? a : b;
}
Dual applied(const std::string &name, Dual a) {
  BigReal sign = a.x.sign();
  if (name == "log")
    return {log(a.x), a.d / a.x};
  if (name == "log1p")
    return applied("log", Dual{1} + a);
  if (name == "exp")
    return {exp(a.x), exp(a.x) * a.d};
  if (name == "sqrt")
    return power(a, {0.5L});
  if (name == "abs")
    return {sign * a.x, sign * a.d};
  if (name == "sign")
    return {sign, 0};
  BigReal y = std::tanh(a.x.number());
  return {y, (BigReal(1) - y * y) * a.d};
}

struct Reader {
  const DivergenceScope &scope;
  std::map<std::string, Dual> bound;

  Dual read(const ast::Expr &expr) {
    switch (expr.kind) {
    case ast::ExprKind::Number:
      return {ast::as<ast::Number>(&expr)->value};
    case ast::ExprKind::Name: {
      const std::string &name = ast::as<ast::Name>(&expr)->text;
      if (auto found = bound.find(name); found != bound.end())
        return found->second;
      return {scope.config.at(name)};
    }
    case ast::ExprKind::Unary:
      return Dual{0} - read(*ast::as<ast::Unary>(&expr)->operand);
    case ast::ExprKind::Binary: {
      auto *binary = ast::as<ast::Binary>(&expr);
      Dual a = read(*binary->left), b = read(*binary->right);
      switch (binary->op) {
      case ast::BinaryOp::Add:
        return a + b;
      case ast::BinaryOp::Sub:
        return a - b;
      case ast::BinaryOp::Mul:
        return a * b;
      case ast::BinaryOp::Div:
        return a / b;
      default:
        return power(a, b);
      }
    }
    default: {
      auto *call = ast::as<ast::Call>(&expr);
      std::string name = ast::as<ast::Name>(call->callee)->text;
      Dual a = read(*call->arguments[0].value);
      if (call->arguments.size() == 1)
        return applied(name, a);
      Dual b = read(*call->arguments[1].value);
      if (name[1] == 'a') // max, maximum
        return larger(a, b);
      return Dual{0} - larger(Dual{0} - a, Dual{0} - b);
    }
    }
  }
};

/// f, its slope, and the same with the parameter's derivative in place of f.
class Function {
public:
  Function(const DivergenceScope &scope, const ast::Divergence &given,
           const std::map<std::string, double> &parameters, const std::string &by)
      : divergence(&given), by(by), reader{scope, {}} {
    auto constant = [&](const ast::Expr &expr) { return Reader{scope, {}}.read(expr).x.number(); };
    for (const ast::Divergence::Limit &limit : given.limits)
      if (auto at = parameters.find(given.parameters[1].name.text);
          at != parameters.end() && at->second == double(constant(*limit.where)))
        divergence = scope.divergences.at(ast::as<ast::Name>(limit.then)->text);
    for (size_t i = 1; i < divergence->parameters.size(); ++i) {
      const std::string &name = divergence->parameters[i].name.text;
      auto at = parameters.find(name);
      reader.bound[name] = {at != parameters.end() ? BigReal(at->second)
                                                   : constant(*divergence->parameters[i].initial)};
    }
    slopeAtOne = raw(1).d;
    infiniteAtZero = grows([&](BigReal u) { return at(u).x; }, -1);
    infiniteSlope = grows([&](BigReal u) { return at(u).x / u; }, 1);
    hasKink = std::fabs((at(1 + 1e-9L).d - at(1 - 1e-9L).d).number()) > 1e-5L;
    atZero = at(exp(BigReal(-1e6L))).x;
    atInfinity = at(exp(BigReal(1e6L))).x / exp(BigReal(1e6L));
  }
  /// Normalised: f(1) = f'(1) = 0.
  Dual at(BigReal u) {
    Dual f = raw(u);
    return {f.x - slopeAtOne * (u - BigReal(1)), f.d - slopeAtOne};
  }
  BigReal byParameterAt(BigReal u) {
    Dual &parameter = reader.bound.at(by);
    parameter.d = 1;
    reader.bound[variable()] = {u, 0};
    BigReal out = reader.read(*divergence->generator).d;
    // d/da of f'(1), by a difference that is exact enough for this.
    auto slope = [&](long double step) {
      BigReal kept = parameter.x;
      parameter = {kept + BigReal(step), 0};
      BigReal d = raw(1).d;
      parameter = {kept, 1};
      return d;
    };
    long double h = 1e-5L;
    BigReal change = (slope(h) - slope(-h)) / BigReal(2 * h);
    parameter.d = 0;
    return out - change * (u - BigReal(1));
  }

  bool infiniteAtZero = false, infiniteSlope = false;
  bool hasKink = false; // at u = 1: the slope jumps
  BigReal atZero, atInfinity;

private:
  const ast::Divergence *divergence;
  std::string by;
  Reader reader;
  BigReal slopeAtOne = 0;

  const std::string &variable() const { return divergence->parameters[0].name.text; }
  Dual raw(BigReal u) {
    reader.bound[variable()] = {u, 1};
    return reader.read(*divergence->generator);
  }
  template <typename F> bool grows(F f, int side) {
    BigReal a = f(exp(BigReal(side * 2500.0L))), b = f(exp(BigReal(side * 5000.0L)));
    return b.isNaN() || (b - a - BigReal(0.01L) * (BigReal(1) + b)).sign() > 0;
  }
};

/// Probabilities of logits; nothing of a row without any.
std::vector<BigReal> softmax(const std::vector<double> &logits) {
  double top = *std::max_element(logits.begin(), logits.end());
  if (top == -INFINITY)
    return {};
  std::vector<BigReal> out;
  BigReal sum = 0;
  for (double x : logits) {
    out.push_back(x == -INFINITY ? BigReal(0) : exp(BigReal((long double)(x)-top)));
    sum = sum + out.back();
  }
  for (BigReal &x : out)
    x = x / sum;
  return out;
}
} // namespace

DivergenceTruth divergenceTruth(const DivergenceScope &scope, const ast::Divergence &divergence,
                                const std::map<std::string, double> &parameters,
                                const std::string &parameter, const std::vector<double> &logitsP,
                                const std::vector<double> &logitsQ) {
  Function f(scope, divergence, parameters, parameter);
  size_t n = logitsP.size();
  DivergenceTruth out;
  out.byP.resize(n);
  out.byQ.resize(n);
  std::vector<BigReal> p = softmax(logitsP), q = softmax(logitsQ);
  if (p.empty() || q.empty())
    return out;
  std::vector<BigReal> byP(n, 0), byQ(n, 0);
  BigReal sumP = 0, sumQ = 0, value = 0, byParameter = 0;
  bool &isInfinite = out.isInfinite;
  auto note = [&](BigReal term) {
    if (term.sign() != 0)
      if (long double size = log(term.sign() < 0 ? -term : term).number(); size > -80)
        out.exponent = std::max(out.exponent, double(std::fabs(size)));
  };
  for (size_t i = 0; i < n; ++i) {
    if (p[i].sign() == 0 && q[i].sign() == 0)
      continue;
    if (p[i].sign() == 0 || q[i].sign() == 0) {
      bool isP = p[i].sign() == 0;
      if (isP ? f.infiniteAtZero : f.infiniteSlope) {
        isInfinite = true;
        continue;
      }
      value = value + (isP ? q[i] * f.atZero : p[i] * f.atInfinity);
      if (!parameter.empty()) {
        BigReal far = exp(BigReal(isP ? -1e6L : 1e6L));
        byParameter = byParameter + (isP ? q[i] : p[i] / far) * f.byParameterAt(far);
      }
      (isP ? byQ : byP)[i] = isP ? q[i] * f.atZero : p[i] * f.atInfinity;
    } else {
      BigReal u = p[i] / q[i];
      Dual y = f.at(u);
      value = value + q[i] * y.x;
      byQ[i] = q[i] * (y.x - u * y.d);
      byP[i] = p[i] * y.d;
      if (f.hasKink && std::fabs(log(u).number()) < 3e-6L)
        out.noise += 1e18 * double((p[i] + q[i]).number());
      auto size = [](BigReal x) { return std::fabs(double(x.number())); };
      out.noise += size(q[i] * y.x) + size(p[i] * y.d) + size((p[i] + q[i]) * log(u));
      note(q[i] * y.x);
      note(u);
      if (!parameter.empty())
        byParameter = byParameter + q[i] * f.byParameterAt(u);
    }
    sumP = sumP + byP[i];
    sumQ = sumQ + byQ[i];
  }
  auto grow = [](double &scale, BigReal by, BigReal probability) {
    BigReal size = by * (BigReal(1) - probability);
    scale += std::fabs(double(size.number()));
  };
  for (size_t i = 0; i < n; ++i) {
    grow(out.scaleP, byP[i], p[i]);
    grow(out.scaleQ, byQ[i], q[i]);
    out.byP[i] = double((byP[i] - p[i] * sumP).number());
    out.byQ[i] = double((byQ[i] - q[i] * sumQ).number());
  }
  out.noise *= 1e-18;
  out.value = isInfinite ? INFINITY : double(value.number());
  out.byParameter = double(byParameter.number());
  return out;
}

} // namespace frit
