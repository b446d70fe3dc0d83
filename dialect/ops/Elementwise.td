#ifndef FRIT_OPS_ELEMENTWISE
#define FRIT_OPS_ELEMENTWISE
include "dialect/ops/Base.td"

// Elementwise ops: one record each. `scalar` is C++ that sees the builder `b` and the operands by
// name as mlir::Value, and returns one; `exact` is the same in f64 for the evaluator alone.
class Frit_ElementwiseOp<string mnemonic, string law, list<string> operandNames>
    : Frit_PureOp<mnemonic, law, operandNames, [DeclareOpInterfaceMethods<Frit_Elementwise>]> {
  code scalar = "";
  code exact = "";
  string bindScalars = !interleave(!foreach(i, !range(!size(names)),
      "  [[maybe_unused]] ::mlir::Value " # names[i] # " = operands[" # i # "];\n"), "");
  string bindDoubles = !interleave(!foreach(i, !range(!size(names)),
      "  [[maybe_unused]] double " # names[i] # " = operands[" # i # "];\n"), "");
  let moreDefinitions = [{
    ::mlir::Value $cppClass::scalar(::frit::ScalarBuilder &b, ::mlir::ValueRange operands) {
  }] # bindScalars # scalar # [{
    }
    double $cppClass::exact(::llvm::ArrayRef<double> operands) {
  }] # bindDoubles # exact # [{
    }
    ::frit::Arrays $cppClass::evaluate(const ::frit::Arrays &operands, ::frit::Evaluator &) {
      return ::frit::evaluateElementwise(*this, operands);
    }
  }];
  let results = (outs Frit_Value:$result);
}
class Frit_UnaryOp<string mnemonic, string law = "elementwise">
    : Frit_ElementwiseOp<mnemonic, law, ["x"]> {
  let arguments = (ins Frit_Value:$x);
}
class Frit_BinaryOp<string mnemonic, string law = "arithmetic">
    : Frit_ElementwiseOp<mnemonic, law, ["x", "y"]> {
  let arguments = (ins Frit_Value:$x, Frit_Value:$y);
}

// ---- arithmetic on reals and integers
def Frit_AddOp : Frit_BinaryOp<"add"> {
  let summary = "x + y";
  let scalar = [{ return b.add(x, y); }];
  let exact = [{ return x + y; }];
  let gradient = [{ return {g, g}; }];
}
def Frit_SubOp : Frit_BinaryOp<"sub"> {
  let summary = "x - y";
  let scalar = [{ return b.sub(x, y); }];
  let exact = [{ return x - y; }];
  let gradient = [{ return {g, -g}; }];
}
def Frit_MulOp : Frit_BinaryOp<"mul"> {
  let summary = "x * y";
  let scalar = [{ return b.mul(x, y); }];
  let exact = [{ return x * y; }];
  let gradient = [{ return {g * y, g * x}; }];
}
def Frit_DivOp : Frit_BinaryOp<"div", "elementwise"> {
  let summary = "x / y, reals";
  let scalar = [{ return b.div(x, y); }];
  let exact = [{ return x / y; }];
  let gradient = [{ return {g / y, -(g * y0) / y}; }];
}
def Frit_ModOp : Frit_BinaryOp<"mod"> {
  let summary = "x - y * floor(x / y): the sign of y";
  let description = [{
    dx = g, dy = -g * floor(x / y), away from the jumps. Of integers by 0 it is 0.
  }];
  let scalar = [{
    if (::llvm::isa<::mlir::FloatType>(::mlir::getElementTypeOrSelf(x.getType())))
      return b.sub(x, b.mul(y, b.math("floor", b.div(x, y))));
    // The machine traps at x / 0 and at the least integer / -1; by either, and by 1, nothing is left.
    auto zero = b.constant(0, x.getType()), one = b.constant(1, x.getType());
    ::mlir::Value traps = ::mlir::arith::OrIOp::create(
        b.b, b.compare("eq", y, zero), b.compare("eq", y, b.constant(-1, x.getType())));
    ::mlir::Value r = ::mlir::arith::RemSIOp::create(b.b, x, b.select(traps, one, y));
    ::mlir::Value signs = ::mlir::arith::XOrIOp::create(b.b, r, y);
    ::mlir::Value wrong = ::mlir::arith::AndIOp::create(b.b, b.compare("ne", r, zero),
                                                        b.compare("lt", signs, zero));
    return b.select(wrong, b.add(r, y), r);
  }];
  let exact = [{
    if (y == 0 && ::mlir::getElementTypeOrSelf(getType()).isInteger())
      return 0.0;
    return x - y * std::floor(x / y);
  }];
  let gradient = [{ return {g, -(g * build.make("floor", {x / y}))}; }];
}
def Frit_NegOp : Frit_UnaryOp<"neg", "arithmetic"> {
  let summary = "-x";
  let scalar = [{ return b.neg(x); }];
  let exact = [{ return -x; }];
  let gradient = [{ return {-g}; }];
}
def Frit_MaximumOp : Frit_BinaryOp<"maximum"> {
  let summary = "the larger of x and y; NaN spreads";
  let description = [{ At a tie the cotangent goes to y, so relu(x) = maximum(x, 0) has slope 0 at 0. }];
  let scalar = [{ return b.maximum(x, y); }];
  let exact = [{ return x > y || x != x ? x : y; }];
  let gradient = [{
    Term zero = build.constantLike(0, g);
    return {build.select(x > y, g, zero), build.select(x > y, zero, g)};
  }];
}
def Frit_MinimumOp : Frit_BinaryOp<"minimum"> {
  let summary = "the smaller of x and y; NaN spreads; at a tie the cotangent goes to y";
  let scalar = [{ return b.minimum(x, y); }];
  let exact = [{ return x < y || x != x ? x : y; }];
  let gradient = [{
    Term zero = build.constantLike(0, g);
    return {build.select(x < y, g, zero), build.select(x < y, zero, g)};
  }];
}
def Frit_AbsOp : Frit_UnaryOp<"abs", "arithmetic"> {
  let summary = "|x|; slope sign(x), 0 at 0";
  let scalar = [{ return b.abs(x); }];
  let exact = [{ return std::fabs(x); }];
  let gradient = [{ return {g * build.make("sign", {x})}; }];
}
def Frit_SignOp : Frit_UnaryOp<"sign", "arithmetic"> {
  let summary = "-1, 0 or 1";
  let scalar = [{
    auto zero = b.constant(0, x.getType()), one = b.constant(1, x.getType());
    return b.select(b.compare("gt", x, zero), one,
                    b.select(b.compare("lt", x, zero), b.constant(-1, x.getType()), zero));
  }];
  let exact = [{ return x > 0 ? 1 : x < 0 ? -1 : 0; }];
  let gradient = [{ return {build.constantLike(0, g)}; }];
}

// ---- reals
def Frit_PowOp : Frit_BinaryOp<"pow", "elementwise"> {
  let summary = "x ^ y";
  let description = [{ dx = g y x^(y-1); dy = g x^y log x (0 where x is 0). }];
  let scalar = [{ return b.math("powf", {x, y}); }];
  let exact = [{ return std::pow(x, y); }];
  let gradient = [{
    Term one = build.constant(1, typeOf(x).element);
    Term zero = build.constantLike(0, x);
    Term safe = build.select(x > 0.0, x, zero + 1.0);
    return {g * y * build.make("pow", {x, y - one}),
            g * y0 * build.select(x > 0.0, build.log(safe), zero)};
  }];
}
def Frit_ExpOp : Frit_UnaryOp<"exp"> {
  let summary = "e ^ x";
  let scalar = [{ return b.math("exp", x); }];
  let exact = [{ return std::exp(x); }];
  let gradient = [{ return {g * y0}; }];
}
def Frit_LogOp : Frit_UnaryOp<"log"> {
  let summary = "the natural logarithm";
  let scalar = [{ return b.math("log", x); }];
  let exact = [{ return std::log(x); }];
  let gradient = [{ return {g / x}; }];
}
def Frit_Log1pOp : Frit_UnaryOp<"log1p"> {
  let summary = "log(1 + x), right for small x";
  let scalar = [{ return b.math("log1p", x); }];
  let exact = [{ return std::log1p(x); }];
  let gradient = [{ return {g / (1.0 + x)}; }];
}
def Frit_Expm1Op : Frit_UnaryOp<"expm1"> {
  let summary = "exp(x) - 1, right for small x";
  let scalar = [{ return b.math("expm1", x); }];
  let exact = [{ return std::expm1(x); }];
  let gradient = [{ return {g * (y0 + 1.0)}; }];
}
def Frit_SqrtOp : Frit_UnaryOp<"sqrt"> {
  let summary = "the square root";
  let scalar = [{ return b.math("sqrt", x); }];
  let exact = [{ return std::sqrt(x); }];
  let gradient = [{ return {0.5 * g / y0}; }];
}
def Frit_RsqrtOp : Frit_UnaryOp<"rsqrt"> {
  let summary = "1 / sqrt(x)";
  let scalar = [{ return b.div(b.constant(1, x.getType()), b.math("sqrt", x)); }];
  let exact = [{ return 1 / std::sqrt(x); }];
  let gradient = [{ return {-0.5 * g * y0 / x}; }];
}
def Frit_SinOp : Frit_UnaryOp<"sin"> {
  let summary = "sine of radians";
  let scalar = [{ return b.math("sin", x); }];
  let exact = [{ return std::sin(x); }];
  let gradient = [{ return {g * build.make("cos", {x})}; }];
}
def Frit_CosOp : Frit_UnaryOp<"cos"> {
  let summary = "cosine of radians";
  let scalar = [{ return b.math("cos", x); }];
  let exact = [{ return std::cos(x); }];
  let gradient = [{ return {-(g * build.make("sin", {x}))}; }];
}
def Frit_TanhOp : Frit_UnaryOp<"tanh"> {
  let summary = "the hyperbolic tangent";
  let scalar = [{ return b.math("tanh", x); }];
  let exact = [{ return std::tanh(x); }];
  let gradient = [{ return {g * (1.0 - y0 * y0)}; }];
}
def Frit_SigmoidOp : Frit_UnaryOp<"sigmoid"> {
  let summary = "1 / (1 + exp(-x))";
  let scalar = [{
    // exp of a non-positive number only: no overflow, full precision on both sides.
    auto one = b.constant(1, x.getType());
    auto e = b.math("exp", b.neg(b.abs(x)));
    auto positive = b.compare("ge", x, b.constant(0, x.getType()));
    return b.div(b.select(positive, one, e), b.add(one, e));
  }];
  let exact = [{ return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }];
  let gradient = [{ return {g * y0 * (1.0 - y0)}; }];
}
def Frit_SoftplusOp : Frit_UnaryOp<"softplus"> {
  let summary = "log(1 + exp(x))";
  let scalar = [{
    auto e = b.math("exp", b.neg(b.abs(x)));
    return b.add(b.maximum(x, b.constant(0, x.getType())), b.math("log1p", e));
  }];
  let exact = [{ return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }];
  let gradient = [{ return {g * build.make("sigmoid", {x})}; }];
}
def Frit_ErfOp : Frit_UnaryOp<"erf"> {
  let summary = "the error function";
  let scalar = [{ return b.math("erf", x); }];
  let exact = [{ return std::erf(x); }];
  let gradient = [{ return {g * 1.1283791670955126 * build.exp(-(x * x))}; }];
}
def Frit_FloorOp : Frit_UnaryOp<"floor"> {
  let summary = "the largest whole number not above x; slope 0";
  let scalar = [{ return b.math("floor", x); }];
  let exact = [{ return std::floor(x); }];
  let gradient = [{ return {build.constantLike(0, g)}; }];
}
def Frit_CeilOp : Frit_UnaryOp<"ceil"> {
  let summary = "the smallest whole number not below x; slope 0";
  let scalar = [{ return b.math("ceil", x); }];
  let exact = [{ return std::ceil(x); }];
  let gradient = [{ return {build.constantLike(0, g)}; }];
}
def Frit_RoundOp : Frit_UnaryOp<"round"> {
  let summary = "the nearest whole number, halves to even; slope 0";
  let scalar = [{ return b.math("roundeven", x); }];
  let exact = [{ return std::nearbyint(x); }];
  let gradient = [{ return {build.constantLike(0, g)}; }];
}
def Frit_LogAddExpOp : Frit_BinaryOp<"logaddexp", "elementwise"> {
  let summary = "log(exp(x) + exp(y)); the larger one where that is infinite";
  let scalar = [{
    auto high = b.maximum(x, y), low = b.minimum(x, y);
    auto infinite = b.compare("eq", b.abs(high),
                              b.constant(std::numeric_limits<double>::infinity(), x.getType()));
    auto zero = b.constant(0, x.getType());
    auto gap = b.select(infinite, zero, b.sub(low, high));
    return b.add(high, b.math("log1p", b.math("exp", gap)));
  }];
  let exact = [{
    double high = x > y || x != x ? x : y, low = x > y || x != x ? y : x;
    return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
  }];
  let gradient = [{
    Term share = build.make("sigmoid", {x - y});
    return {g * share, g * (1.0 - share)};
  }];
}
def Frit_XLogYOp : Frit_BinaryOp<"xlogy", "elementwise"> {
  let summary = "x log y; 0 where x is 0, whatever y";
  let description = [{
    dx = g log y, dy = g x / y; both 0 where x is 0 and y is not positive: what has no weight has no
    slope. Entropies and cross-entropies of probabilities: sum(xlogy(p, q), over = v).
  }];
  let scalar = [{
    auto zero = b.constant(0, x.getType()), one = b.constant(1, x.getType());
    auto absent = b.compare("eq", x, zero);
    return b.select(absent, zero, b.mul(x, b.math("log", b.select(absent, one, y))));
  }];
  let exact = [{ return x == 0 ? 0 : x * std::log(y); }];
  let gradient = [{
    Term absent = build.make("and", {build.make("eq", {x, build.constantLike(0, x)}),
                                     build.make("le", {y, build.constantLike(0, y)})});
    Term safe = build.select(absent, build.constantLike(1, y), y);
    return {g * build.log(safe), g * (x / safe)};
  }];
}

// ---- comparisons, logic, choice
class Frit_CompareOp<string mnemonic, string sign, string expression>
    : Frit_BinaryOp<mnemonic, "comparison"> {
  let summary = "x " # sign # " y, an i1";
  let scalar = "return b.compare(\"" # mnemonic # "\", x, y);";
  let exact = "return " # expression # " ? 1 : 0;";
  let noGradient = "a comparison has no slope";
  let callable = 0;
}
def Frit_EqOp : Frit_CompareOp<"eq", "==", "x == y">;
def Frit_NeOp : Frit_CompareOp<"ne", "!=", "x != y">;
def Frit_LtOp : Frit_CompareOp<"lt", "<", "x < y">;
def Frit_LeOp : Frit_CompareOp<"le", "<=", "x <= y">;
def Frit_GtOp : Frit_CompareOp<"gt", ">", "x > y">;
def Frit_GeOp : Frit_CompareOp<"ge", ">=", "x >= y">;
class Frit_LogicOp<string mnemonic> : Frit_BinaryOp<mnemonic, "logical"> {
  let noGradient = "logic has no slope";
  let callable = 0;
}
def Frit_AndOp : Frit_LogicOp<"and"> {
  let summary = "x and y";
  let scalar = [{ return ::mlir::arith::AndIOp::create(b.b, x, y); }];
  let exact = [{ return x != 0 && y != 0; }];
}
def Frit_OrOp : Frit_LogicOp<"or"> {
  let summary = "x or y";
  let scalar = [{ return ::mlir::arith::OrIOp::create(b.b, x, y); }];
  let exact = [{ return x != 0 || y != 0; }];
}
def Frit_NotOp : Frit_UnaryOp<"not", "logical"> {
  let summary = "not x";
  let callable = 0;
  let scalar = [{ return ::mlir::arith::XOrIOp::create(b.b, x, b.constant(1, x.getType())); }];
  let exact = [{ return x == 0; }];
  let noGradient = "logic has no slope";
}
def Frit_SelectOp : Frit_ElementwiseOp<"select", "select", ["condition", "x", "y"]> {
  let summary = "x where the condition holds, else y";
  let arguments = (ins Frit_Value:$condition, Frit_Value:$x, Frit_Value:$y);
  let callable = 0; // `where` in the language
  let scalar = [{ return b.select(condition, x, y); }];
  let exact = [{ return condition != 0 ? x : y; }];
  let gradient = [{
    Term zero = build.constantLike(0, g);
    return {{}, build.select(condition, g, zero), build.select(condition, zero, g)};
  }];
}
def Frit_CastOp : Frit_ElementwiseOp<"cast", "cast", ["x"]> {
  let summary = "the same numbers in another element type";
  let description = [{ i1 becomes 0 or 1; reals become integers by dropping the fraction. }];
  let arguments = (ins Frit_Value:$x, StrAttr:$to);
  let compileTime = ["to"];
  let callable = 0;
  let scalar = [{ return b.convert(x, ::llvm::cast<::mlir::RankedTensorType>(getType()).getElementType()); }];
  let exact = [{
    auto type = ::llvm::cast<::mlir::RankedTensorType>(getType()).getElementType();
    return type.isInteger(1) ? double(x != 0) : type.isInteger() ? std::trunc(x) : x;
  }];
  let gradient = [{
    if (!isReal(typeOf(x).element))
      return {{}};
    return {build.make("cast", {g}, {{"to", std::string(name(typeOf(x).element))}})};
  }];
}
def Frit_StopGradientOp : Frit_UnaryOp<"stop_gradient", "same"> {
  let summary = "x, taken as a constant by differentiation";
  let scalar = [{ return x; }];
  let exact = [{ return x; }];
  let gradient = [{ return {{}}; }];
}
def Frit_WithSlopeOp : Frit_ElementwiseOp<"with_slope", "elementwise", ["x", "of", "slope"]> {
  let summary = "x, whose derivative by `of` is said to be `slope`";
  let description = [{
    For values whose derivative has a better formula than differentiation would find: a divergence
    near p = q, say. x has all axes; what else x depends on is differentiated as ever.
  }];
  let arguments = (ins Frit_Value:$x, Frit_Value:$of, Frit_Value:$slope);
  let callable = 0;
  let scalar = [{ return x; }];
  let exact = [{ return x; }];
  let gradient = [{ return {g, g * slope, {}}; }];
}
#endif
