// ScalarBuilder: arith and math ops for the scalar bodies of elementwise ops, alike for scalars and
// vectors.
#include "dialect/Build.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace frit {

static bool isReal(Value x) { return isa<FloatType>(getElementTypeOrSelf(x.getType())); }

/// `element`, as often as `like` has lanes.
static Type shapedLike(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

Value ScalarBuilder::constant(double value, Type like) {
  Type element = getElementTypeOrSelf(like);
  TypedAttr number;
  if (auto real = dyn_cast<FloatType>(element))
    number = b.getFloatAttr(real, value);
  else
    number = b.getIntegerAttr(element, int64_t(value));
  if (auto vector = dyn_cast<VectorType>(like))
    number = DenseElementsAttr::get(vector, ArrayRef<mlir::Attribute>(number));
  return arith::ConstantOp::create(b, number);
}

Value ScalarBuilder::add(Value x, Value y) {
  if (isReal(x))
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

Value ScalarBuilder::sub(Value x, Value y) {
  if (isReal(x))
    return arith::SubFOp::create(b, x, y);
  return arith::SubIOp::create(b, x, y);
}

Value ScalarBuilder::mul(Value x, Value y) {
  if (isReal(x))
    return arith::MulFOp::create(b, x, y);
  return arith::MulIOp::create(b, x, y);
}

Value ScalarBuilder::div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }

Value ScalarBuilder::neg(Value x) {
  if (isReal(x))
    return arith::NegFOp::create(b, x);
  return arith::SubIOp::create(b, constant(0, x.getType()), x);
}

Value ScalarBuilder::maximum(Value x, Value y) {
  if (isReal(x))
    return arith::MaximumFOp::create(b, x, y);
  return arith::MaxSIOp::create(b, x, y);
}

Value ScalarBuilder::minimum(Value x, Value y) {
  if (isReal(x))
    return arith::MinimumFOp::create(b, x, y);
  return arith::MinSIOp::create(b, x, y);
}

Value ScalarBuilder::abs(Value x) {
  if (isReal(x))
    return math::AbsFOp::create(b, x);
  return math::AbsIOp::create(b, x);
}

Value ScalarBuilder::compare(StringRef predicate, Value x, Value y) {
  if (isReal(x)) {
    using P = arith::CmpFPredicate;
    P p = llvm::StringSwitch<P>(predicate)
              .Case("eq", P::OEQ)
              .Case("ne", P::UNE)
              .Case("lt", P::OLT)
              .Case("le", P::OLE)
              .Case("gt", P::OGT)
              .Case("ge", P::OGE);
    return arith::CmpFOp::create(b, p, x, y);
  }
  // A true i1 is -1 when read as signed, but false < true.
  using P = arith::CmpIPredicate;
  bool isBool = getElementTypeOrSelf(x.getType()).isInteger(1);
  P p = llvm::StringSwitch<P>(predicate)
            .Case("eq", P::eq)
            .Case("ne", P::ne)
            .Case("lt", isBool ? P::ult : P::slt)
            .Case("le", isBool ? P::ule : P::sle)
            .Case("gt", isBool ? P::ugt : P::sgt)
            .Case("ge", isBool ? P::uge : P::sge);
  return arith::CmpIOp::create(b, p, x, y);
}

Value ScalarBuilder::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

Value ScalarBuilder::convert(Value x, Type element) {
  Type from = getElementTypeOrSelf(x.getType()), to = shapedLike(x.getType(), element);
  if (from == element)
    return x;
  if (element.isInteger(1))
    return compare("ne", x, constant(0, x.getType()));
  if (isa<FloatType>(element)) {
    if (from.isInteger(1))
      return arith::UIToFPOp::create(b, to, x);
    if (from.isInteger())
      return arith::SIToFPOp::create(b, to, x);
    if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, to, x);
    return arith::TruncFOp::create(b, to, x);
  }
  if (isa<FloatType>(from))
    return arith::FPToSIOp::create(b, to, x);
  return arith::ExtUIOp::create(b, to, x);
}

Value ScalarBuilder::math(StringRef name, ValueRange operands) {
  OperationState state(b.getLoc(), ("math." + name).str());
  state.addOperands(operands);
  state.addTypes(operands.front().getType());
  return b.create(state)->getResult(0);
}

} // namespace frit
