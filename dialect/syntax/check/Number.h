// Compile-time numbers: exact fractions as long as 64 bits hold them, doubles after that.
#pragma once
#include "dialect/syntax/Ast.h"
#include <optional>
#include <string>

namespace frit::checking {

struct Number {
  std::optional<ast::Rational> exact;
  double value = 0;
  bool isReal = false; // written with a point or made of such: never an axis or an integer

  static Number whole(int64_t n) { return {ast::Rational{n, 1}, double(n), false}; }
  static Number real(double x) { return {std::nullopt, x, true}; }
  static Number of(const ast::Number &literal) {
    return {literal.exact, literal.value, !literal.isInteger};
  }
  bool isWhole() const { return exact && exact->denominator == 1 && !isReal; }
  int64_t toInt() const { return exact->numerator; }
};

/// op is one of + - * / % ^. Division by zero gives a double (inf or nan).
Number compute(ast::BinaryOp op, const Number &a, const Number &b);
Number negate(const Number &a);
/// Below 0, 0, above 0.
int compare(const Number &a, const Number &b);
/// The elementwise function `name` at x; null when it is not known here and must run as an op.
std::optional<Number> foldFunction(const std::string &name, const Number &x);
/// "384", "384 / 7", "0.5".
std::string toString(const Number &number);

} // namespace frit::checking
