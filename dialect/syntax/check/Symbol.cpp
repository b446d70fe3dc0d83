// Smart constructors fold numbers and drop zeros and ones, so that derivatives stay readable.
#include "dialect/syntax/check/Symbol.h"
#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace frit::checking {

using Kind = Symbol::Kind;

static SymbolPtr node(Kind kind, std::vector<SymbolPtr> args, std::string name = "") {
  auto out = std::make_shared<Symbol>();
  out->kind = kind;
  out->name = std::move(name);
  out->hasVariable = kind == Kind::Variable;
  for (const SymbolPtr &arg : args)
    out->hasVariable |= arg->hasVariable;
  out->args = std::move(args);
  return out;
}

SymbolPtr Symbol::of(double number) {
  auto out = std::make_shared<Symbol>();
  out->number = number;
  return out;
}
SymbolPtr Symbol::variable() { return node(Kind::Variable, {}); }
SymbolPtr Symbol::parameter(std::string name) { return node(Kind::Parameter, {}, std::move(name)); }

SymbolPtr operator+(SymbolPtr a, SymbolPtr b) {
  if (a->kind == Kind::Number && b->kind == Kind::Number)
    return Symbol::of(a->number + b->number);
  if (a->is(0))
    return b;
  if (b->is(0))
    return a;
  return node(Kind::Add, {a, b});
}

SymbolPtr operator*(SymbolPtr a, SymbolPtr b) {
  if (a->kind == Kind::Number && b->kind == Kind::Number)
    return Symbol::of(a->number * b->number);
  if (a->is(0) || b->is(0))
    return Symbol::of(0);
  if (a->is(1))
    return b;
  if (b->is(1))
    return a;
  return node(Kind::Mul, {a, b});
}

SymbolPtr operator-(SymbolPtr a, SymbolPtr b) { return a + Symbol::of(-1) * b; }
SymbolPtr operator/(SymbolPtr a, SymbolPtr b) { return a * power(b, Symbol::of(-1)); }

SymbolPtr power(SymbolPtr a, SymbolPtr b) {
  if (a->kind == Kind::Number && b->kind == Kind::Number)
    return Symbol::of(std::pow(a->number, b->number));
  if (b->is(1))
    return a;
  if (b->is(0))
    return Symbol::of(1);
  return node(Kind::Pow, {a, b});
}

SymbolPtr larger(SymbolPtr a, SymbolPtr b) {
  if (a->kind == Kind::Number && b->kind == Kind::Number)
    return Symbol::of(std::fmax(a->number, b->number));
  return node(Kind::Max, {a, b});
}

static double apply(const std::string &name, double x) {
  if (name == "log")
    return std::log(x);
  if (name == "exp")
    return std::exp(x);
  if (name == "abs")
    return std::fabs(x);
  if (name == "sign")
    return x > 0 ? 1 : x < 0 ? -1 : 0;
  if (name == "tanh")
    return std::tanh(x);
  if (name == "step")
    return x > 0 ? 1 : x < 0 ? 0 : 0.5;
  return NAN;
}

static BigReal apply(const std::string &name, BigReal x) {
  if (name == "log")
    return log(x);
  if (name == "exp")
    return exp(x);
  if (name == "abs")
    return x.sign() < 0 ? -x : x;
  if (name == "tanh")
    return std::tanh(x.number());
  return x.isNaN() ? x : BigReal(apply(name, double(x.sign()))); // sign, step
}

SymbolPtr function(const std::string &name, SymbolPtr a) {
  if (a->kind == Kind::Number)
    return Symbol::of(apply(name, a->number));
  return node(Kind::Function, {a}, name);
}

namespace {
/// One walk over a graph of symbols; each node is done once.
template <typename T> class Walk {
public:
  using Rule = std::function<T(const Symbol &, Walk &, const SymbolPtr &)>;
  explicit Walk(Rule rule) : rule(std::move(rule)) {}
  T operator()(const SymbolPtr &x) {
    if (auto found = done.find(x.get()); found != done.end())
      return found->second;
    T out = rule(*x, *this, x);
    done.emplace(x.get(), out);
    return out;
  }

private:
  Rule rule;
  std::map<const Symbol *, T> done;
};

/// The number of each node, arguments first.
size_t number(const SymbolPtr &f, std::map<const Symbol *, size_t> &numbers,
              std::vector<const Symbol *> &order) {
  if (auto found = numbers.find(f.get()); found != numbers.end())
    return found->second;
  for (const SymbolPtr &arg : f->args)
    number(arg, numbers, order);
  order.push_back(f.get());
  return numbers[f.get()] = order.size() - 1;
}
} // namespace

template <typename T> Curve<T>::Curve(SymbolPtr f, const Point &point) : f(std::move(f)) {
  std::map<const Symbol *, size_t> numbers;
  std::vector<const Symbol *> order;
  number(this->f, numbers, order);
  for (const Symbol *symbol : order) {
    Step step{symbol, {}, symbol->number};
    for (size_t i = 0; i < symbol->args.size(); ++i)
      step.args[i] = numbers.at(symbol->args[i].get());
    if (symbol->kind == Kind::Parameter)
      step.number = point.at(symbol->name);
    steps.push_back(step);
  }
  values.resize(steps.size());
}

template <typename T> T Curve<T>::operator()(T u) {
  using std::pow;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step &step = steps[i];
    const T &a = values[step.args[0]], &b = values[step.args[1]];
    T &out = values[i];
    switch (step.symbol->kind) {
    case Kind::Number:
    case Kind::Parameter:
      out = step.number;
      break;
    case Kind::Variable:
      out = u;
      break;
    case Kind::Add:
      out = a + b;
      break;
    case Kind::Mul:
      out = a * b;
      break;
    case Kind::Pow:
      out = pow(a, b);
      break;
    case Kind::Max:
      if constexpr (std::is_same_v<T, double>)
        out = std::fmax(a, b);
      else
        out = larger(a, b);
      break;
    case Kind::Function:
      out = apply(step.symbol->name, a);
      break;
    }
  }
  return values.back();
}
template class Curve<double>;
template class Curve<BigReal>;

double valueAt(const SymbolPtr &f, double u, const Point &point) {
  return Curve<double>(f, point)(u);
}
BigReal bigValueAt(const SymbolPtr &f, BigReal u, const Point &point) {
  return Curve<BigReal>(f, point)(u);
}

bool mentions(const SymbolPtr &f, const std::string &parameter) {
  return Walk<bool>([&](const Symbol &x, Walk<bool> &in, const SymbolPtr &) {
    return (x.kind == Kind::Parameter && x.name == parameter) ||
           std::any_of(x.args.begin(), x.args.end(), [&](const SymbolPtr &arg) { return in(arg); });
  })(f);
}

std::vector<Point> around(const std::vector<Point> &points) {
  std::vector<Point> out = points;
  if (!points.front().empty())
    for (const Point &point : points)
      for (double by : {0.91, 1.07}) {
        out.push_back(point);
        for (auto &[name, value] : out.back())
          value *= by;
      }
  return out;
}

SymbolPtr derivative(const SymbolPtr &f, const std::string &parameter) {
  auto one = Symbol::of(1), zero = Symbol::of(0);
  return Walk<SymbolPtr>([&](const Symbol &x, Walk<SymbolPtr> &d, const SymbolPtr &self) {
    auto isConstant = [&](const SymbolPtr &s) {
      return parameter.empty() ? !s->hasVariable : !mentions(s, parameter);
    };
    if (isConstant(self))
      return zero;
    switch (x.kind) {
    case Kind::Variable:
    case Kind::Parameter:
      return one;
    case Kind::Add:
      return d(x.args[0]) + d(x.args[1]);
    case Kind::Mul:
      return d(x.args[0]) * x.args[1] + x.args[0] * d(x.args[1]);
    case Kind::Pow: {
      const SymbolPtr &a = x.args[0], &b = x.args[1];
      SymbolPtr out = isConstant(a) ? zero : b * power(a, b - one) * d(a);
      return isConstant(b) ? out : out + self * function("log", a) * d(b);
    }
    case Kind::Max: {
      // Where a > b its slope counts, else that of b.
      const SymbolPtr &a = x.args[0], &b = x.args[1];
      SymbolPtr high = function("step", a - b);
      return high * d(a) + (one - high) * d(b);
    }
    case Kind::Function: {
      const SymbolPtr &a = x.args[0];
      if (x.name == "log")
        return d(a) / a;
      if (x.name == "exp")
        return d(a) * self;
      if (x.name == "abs")
        return d(a) * function("sign", a);
      if (x.name == "tanh")
        return d(a) * (one - self * self);
      return zero; // sign, step
    }
    default:
      return zero;
    }
  })(f);
}

std::string textOf(const SymbolPtr &x) {
  switch (x->kind) {
  case Kind::Number:
    return fmt::format("{:.17g}", x->number);
  case Kind::Variable:
    return "u";
  case Kind::Parameter:
    return x->name;
  default:
    break;
  }
  std::string out = fmt::format("({}{}", int(x->kind), x->name);
  for (const SymbolPtr &arg : x->args)
    out += " " + textOf(arg);
  return out + ")";
}

SymbolPtr atOne(const SymbolPtr &f) {
  return Walk<SymbolPtr>([&](const Symbol &x, Walk<SymbolPtr> &at, const SymbolPtr &self) {
    if (!x.hasVariable)
      return self;
    switch (x.kind) {
    case Kind::Variable:
      return Symbol::of(1);
    case Kind::Add:
      return at(x.args[0]) + at(x.args[1]);
    case Kind::Mul:
      return at(x.args[0]) * at(x.args[1]);
    case Kind::Pow: {
      SymbolPtr base = at(x.args[0]);
      return base->is(1) ? base : power(base, at(x.args[1]));
    }
    case Kind::Max:
      return larger(at(x.args[0]), at(x.args[1]));
    default:
      return function(x.name, at(x.args[0]));
    }
  })(f);
}

} // namespace frit::checking
