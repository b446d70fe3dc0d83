// Writes a formula as ops, all of them at one place of the user's text.
#pragma once
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

struct FormulaWriter {
  Checker &checker;
  Location at;
  Scope none;

  FormulaWriter(Checker &checker, Location at) : checker(checker), at(at) {}
  Tensor number(double x) { return checker.literal(x); }
  Tensor op(const char *name, const Tensor &a) { return checker.op1(name, a, at); }
  Tensor op(const char *name, const Tensor &a, const Tensor &b) {
    return checker.op2(name, a, b, at);
  }
  Tensor both(const Tensor &a, const Tensor &b) { return checker.emit("and", {a, b}, {}, at); }
  Tensor either(const Tensor &a, const Tensor &b) { return checker.emit("or", {a, b}, {}, at); }
  Tensor isNot(const Tensor &a) { return checker.emit("not", {a}, {}, at); }
  Tensor choose(const Tensor &c, const Tensor &a, const Tensor &b) {
    return checker.select(none, c, a, b, at);
  }
  /// a - b, and what rounding took from it. Knuth.
  std::pair<Tensor, Tensor> difference(const Tensor &a, const Tensor &b) {
    Tensor d = op("sub", a, b), back = op("sub", d, a);
    return {d, op("sub", op("sub", a, op("sub", d, back)), op("add", b, back))};
  }
  /// x as a constant for gradients: the formula says its own slopes.
  Tensor hold(const Tensor &x) {
    return x.uniform ? x : checker.emit("stop_gradient", {x}, {{"formula", true}}, at);
  }
  /// `value`, whose slope by `by` is `slope`.
  Tensor withSlope(const Tensor &value, const Tensor &by, const Tensor &slope) {
    if (by.uniform || !by.id)
      return value;
    return checker.emit("with_slope", {value, by, slope}, {}, at);
  }
};

} // namespace frit::checking
