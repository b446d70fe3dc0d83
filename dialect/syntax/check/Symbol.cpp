// Smart constructors fold numbers and drop zeros and ones, so that derivatives stay readable.
#include "dialect/syntax/check/Symbol.h"
#include <cmath>

namespace frit::checking {

using Kind = Symbol::Kind;

static SymbolPtr node(Kind kind, std::vector<SymbolPtr> args, std::string name = "") {
  auto out = std::make_shared<Symbol>();
  out->kind = kind;
  out->args = std::move(args);
  out->name = std::move(name);
  return out;
}

SymbolPtr Symbol::of(double number) {
  auto out = std::make_shared<Symbol>();
  out->number = number;
  return out;
}
SymbolPtr Symbol::variable() { return node(Kind::Variable, {}); }
SymbolPtr Symbol::parameter(std::string name) { return node(Kind::Parameter, {}, std::move(name)); }

bool Symbol::hasVariable() const {
  if (kind == Kind::Variable)
    return true;
  for (const SymbolPtr &arg : args)
    if (arg->hasVariable())
      return true;
  return false;
}

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
    return x > 0;
  return NAN;
}

SymbolPtr function(const std::string &name, SymbolPtr a) {
  if (a->kind == Kind::Number)
    return Symbol::of(apply(name, a->number));
  return node(Kind::Function, {a}, name);
}

SymbolPtr derivative(const SymbolPtr &f) {
  if (!f->hasVariable())
    return Symbol::of(0);
  auto one = Symbol::of(1);
  switch (f->kind) {
  case Kind::Variable:
    return one;
  case Kind::Add:
    return derivative(f->args[0]) + derivative(f->args[1]);
  case Kind::Mul:
    return derivative(f->args[0]) * f->args[1] + f->args[0] * derivative(f->args[1]);
  case Kind::Pow: {
    const SymbolPtr &a = f->args[0], &b = f->args[1];
    SymbolPtr out = b * power(a, b - one) * derivative(a);
    return b->hasVariable() ? out + f * function("log", a) * derivative(b) : out;
  }
  case Kind::Max: {
    // Where a > b its slope counts, else that of b.
    const SymbolPtr &a = f->args[0], &b = f->args[1];
    SymbolPtr high = function("step", a - b);
    return high * derivative(a) + (one - high) * derivative(b);
  }
  case Kind::Function: {
    const SymbolPtr &a = f->args[0];
    SymbolPtr inner = derivative(a);
    if (f->name == "log")
      return inner * power(a, Symbol::of(-1));
    if (f->name == "exp")
      return inner * f;
    if (f->name == "abs")
      return inner * function("sign", a);
    if (f->name == "tanh")
      return inner * (one - f * f);
    return Symbol::of(0); // sign, step
  }
  default:
    return Symbol::of(0);
  }
}

double valueAt(const SymbolPtr &f, double u, const std::map<std::string, double> &parameters) {
  auto arg = [&](size_t i) { return valueAt(f->args[i], u, parameters); };
  switch (f->kind) {
  case Kind::Number:
    return f->number;
  case Kind::Variable:
    return u;
  case Kind::Parameter:
    return parameters.at(f->name);
  case Kind::Add:
    return arg(0) + arg(1);
  case Kind::Mul:
    return arg(0) * arg(1);
  case Kind::Pow:
    return std::pow(arg(0), arg(1));
  case Kind::Max:
    return std::fmax(arg(0), arg(1));
  case Kind::Function:
    return apply(f->name, arg(0));
  }
  return NAN;
}

} // namespace frit::checking
