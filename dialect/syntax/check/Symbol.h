// Symbolic scalar expressions in one variable u: the generators of divergences, their derivatives,
// their values at numbers.
#pragma once
#include "dialect/syntax/check/BigReal.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace frit::checking {

struct Symbol;
using SymbolPtr = std::shared_ptr<const Symbol>;
/// Numbers for the parameters that are known only at run time.
using Point = std::map<std::string, double>;

/// A node may stand in many places of one expression: whoever walks over one remembers nodes.
struct Symbol {
  enum class Kind { Number, Variable, Parameter, Add, Mul, Pow, Function, Max };
  Kind kind = Kind::Number;
  double number = 0;
  std::string name; // of a parameter or function (log, exp, abs, sign, tanh, step)
  std::vector<SymbolPtr> args;
  bool hasVariable = false;

  static SymbolPtr of(double number);
  static SymbolPtr variable();
  static SymbolPtr parameter(std::string name);
  bool is(double value) const { return kind == Kind::Number && number == value; }
};

SymbolPtr operator+(SymbolPtr a, SymbolPtr b);
SymbolPtr operator-(SymbolPtr a, SymbolPtr b);
SymbolPtr operator*(SymbolPtr a, SymbolPtr b);
SymbolPtr operator/(SymbolPtr a, SymbolPtr b);
SymbolPtr power(SymbolPtr a, SymbolPtr b);
/// `step` is 1 above 0, 0 below, 1/2 at 0, so that the slope of max at a tie is the mean of both.
SymbolPtr function(const std::string &name, SymbolPtr a);
SymbolPtr larger(SymbolPtr a, SymbolPtr b);

/// d/du, or the derivative by a parameter.
SymbolPtr derivative(const SymbolPtr &f, const std::string &parameter = "");
/// f with u = 1.
SymbolPtr atOne(const SymbolPtr &f);
/// Equal texts: equal symbols.
std::string textOf(const SymbolPtr &f);
/// Whether a parameter occurs in f.
bool mentions(const SymbolPtr &f, const std::string &parameter);
/// The points, and some beside each: what holds of a formula at all of them holds whatever its
/// parameters are.
std::vector<Point> around(const std::vector<Point> &points);

/// f as a function of u, the parameters being numbers: made once, asked often. T: double, BigReal.
template <typename T> class Curve {
public:
  Curve(SymbolPtr f, const Point &point);
  T operator()(T u);

private:
  struct Step {
    const Symbol *symbol;
    size_t args[2]; // numbers of earlier steps
    double number;
  };
  SymbolPtr f; // owns the symbols of the steps
  std::vector<Step> steps;
  std::vector<T> values;
};
double valueAt(const SymbolPtr &f, double u, const Point &point);
BigReal bigValueAt(const SymbolPtr &f, BigReal u, const Point &point);

} // namespace frit::checking
