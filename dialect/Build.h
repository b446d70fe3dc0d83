// Writing frit ops from C++: derivative rules and passes say `g * (1.0 - y * y)` and the result
// types follow from the laws.
#pragma once
#include "dialect/Types.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <optional>
#include <string>
#include <vector>

namespace frit {

class Build;

/// A value in an expression; empty where there is none (no cotangent).
struct Term {
  mlir::Value value;
  Build *build = nullptr;
  explicit operator bool() const { return bool(value); }
};
using Terms = std::vector<Term>;

/// Makes ops at the insertion point of the builder it wraps. A law that refuses is a bug of the
/// caller and aborts with the law's sentence.
class Build {
public:
  explicit Build(mlir::ImplicitLocOpBuilder &builder) : b(builder) {}
  mlir::ImplicitLocOpBuilder &b;

  /// Any op by mnemonic: operands, attributes, result types from its law.
  Terms op(const std::string &mnemonic, const Terms &operands, const Attributes &attributes = {});
  Term make(const std::string &mnemonic, const Terms &operands, const Attributes &attributes = {}) {
    return op(mnemonic, operands, attributes).front();
  }
  Term term(mlir::Value value) { return {value, this}; }
  /// A scalar constant of an element type.
  Term constant(double value, Element element);
  /// A constant with the element type and axes of `like`.
  Term constantLike(double value, Term like);

  // Named shorthands where operators do not read well.
  Term exp(Term x) { return make("exp", {x}); }
  Term log(Term x) { return make("log", {x}); }
  Term sqrt(Term x) { return make("sqrt", {x}); }
  Term sum(Term x, std::vector<std::string> over) { return make("sum", {x}, {{"over", over}}); }
  Term contract(Term x, Term y, std::vector<std::string> over) {
    return make("contract", {x, y}, {{"over", over}});
  }
  Term select(Term condition, Term x, Term y) { return make("select", {condition, x, y}); }
  Term broadcast(Term x, const std::vector<Axis> &axes) {
    return make("broadcast", {x}, {{"axes", axes}});
  }
  /// Sums away the axes that `type` lacks (a cotangent shaped back to its operand).
  Term reduceTo(Term x, const ValueType &type);
  /// Broadcasts over the axes of `type` that x lacks.
  Term expandTo(Term x, const ValueType &type);
};

ValueType typeOf(mlir::Value value);
inline ValueType typeOf(Term term) { return typeOf(term.value); }
mlir::RankedTensorType toTensorType(mlir::MLIRContext *context, const ValueType &type);
ValueType toValueType(mlir::RankedTensorType type);
mlir::Attribute toMlir(mlir::MLIRContext *context, const Attribute &attribute);
/// The inherent attributes of an op as the laws see them. Axes with sizes are recovered from the
/// result types.
Attributes attributesOf(mlir::Operation *op);

Term operator+(Term x, Term y);
Term operator-(Term x, Term y);
Term operator*(Term x, Term y);
Term operator/(Term x, Term y);
Term operator-(Term x);
// A number takes the element type of the other side.
Term operator+(Term x, double y);
Term operator+(double x, Term y);
Term operator-(Term x, double y);
Term operator-(double x, Term y);
Term operator*(Term x, double y);
Term operator*(double x, Term y);
Term operator/(Term x, double y);
Term operator/(double x, Term y);
/// Comparisons give i1 terms.
Term operator>(Term x, Term y);
Term operator>=(Term x, Term y);
Term operator<(Term x, Term y);
Term operator>(Term x, double y);
Term operator<(Term x, double y);

/// For the scalar bodies of elementwise ops: arith and math ops that work on scalars and on
/// vectors, on reals and on integers, whichever the operands are.
class ScalarBuilder {
public:
  explicit ScalarBuilder(mlir::ImplicitLocOpBuilder &builder) : b(builder) {}
  mlir::ImplicitLocOpBuilder &b;
  mlir::Value constant(double value, mlir::Type like);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y); // reals
  mlir::Value neg(mlir::Value x);
  mlir::Value maximum(mlir::Value x, mlir::Value y); // NaN spreads
  mlir::Value minimum(mlir::Value x, mlir::Value y);
  mlir::Value abs(mlir::Value x);
  /// "eq", "ne", "lt", "le", "gt", "ge"; false for NaN except "ne".
  mlir::Value compare(llvm::StringRef predicate, mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value convert(mlir::Value x, mlir::Type element);
  /// math.<name> of reals: exp log log1p expm1 sqrt rsqrt sin cos tanh erf floor ceil roundeven
  /// powf.
  mlir::Value math(llvm::StringRef name, mlir::ValueRange operands);
};

} // namespace frit
