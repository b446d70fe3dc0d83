// A program of one op: its values, and its derivative rule against finite differences.
#pragma once
#include "dialect/reference/Evaluator.h"
#include "test/dialect/TypeText.h"
#include <cmath>
#include <limits>

namespace frit::test {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

/// An array of that type; numbers in row-major order.
Array array(const std::string &type, std::vector<double> data);

/// An op with given operands and attributes.
struct OneOp {
  std::string op;
  Arrays operands;
  Attributes attributes;
};

/// What an op is worth. Throws what the evaluator throws.
Arrays evaluate(const OneOp &call);

/// One op with its derivative rule applied to a cotangent for its first result, as a program that
/// is built once and run at many points.
class Derivative {
public:
  explicit Derivative(const OneOp &call);
  ~Derivative();

  /// Whether the op has a rule and something to differentiate: a real result and a real operand.
  bool applies() const { return hasRule; }
  /// The first difference between rule and central finite differences at these operands; empty if
  /// they agree. `kink` says that finite differences of two step sizes disagree with each other, or
  /// that a value is not finite: the point proves nothing.
  std::string compare(const Arrays &operands, uint32_t seed, bool &kink);

private:
  struct Program;
  std::unique_ptr<Program> program;
  bool hasRule = false;
};

/// A test case with results by hand.
struct Case {
  OneOp call;
  Arrays expected;
};
using Cases = std::vector<Case>;
// By family, one file each.
Cases elementwiseCases();
Cases reduceCases();
Cases linearCases();
Cases shapeCases();
Cases randomCases();

} // namespace frit::test
