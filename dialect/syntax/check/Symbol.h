// Symbolic scalar expressions in one variable u: the generators of divergences, their derivatives,
// their values at numbers.
#pragma once
#include "dialect/syntax/check/Value.h"
#include <memory>
#include <vector>

namespace frit::checking {

struct Symbol;
using SymbolPtr = std::shared_ptr<const Symbol>;

struct Symbol {
  enum class Kind { Number, Variable, Parameter, Add, Mul, Pow, Function, Max };
  Kind kind = Kind::Number;
  double number = 0;
  std::string name; // of a parameter or function (log, exp, abs, sign, tanh, step)
  std::vector<SymbolPtr> args;

  static SymbolPtr of(double number);
  static SymbolPtr variable();
  static SymbolPtr parameter(std::string name);
  bool is(double value) const { return kind == Kind::Number && number == value; }
  bool hasVariable() const;
};

SymbolPtr operator+(SymbolPtr a, SymbolPtr b);
SymbolPtr operator-(SymbolPtr a, SymbolPtr b);
SymbolPtr operator*(SymbolPtr a, SymbolPtr b);
SymbolPtr power(SymbolPtr a, SymbolPtr b);
SymbolPtr function(const std::string &name, SymbolPtr a);
SymbolPtr larger(SymbolPtr a, SymbolPtr b);

/// d/du.
SymbolPtr derivative(const SymbolPtr &f);
double valueAt(const SymbolPtr &f, double u, const std::map<std::string, double> &parameters);

} // namespace frit::checking
