// Only bad news reach memory, so a word that threads share costs nothing as long as all is well.
#include "codegen/cpu/Watch.h"
#include "dialect/Frit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace frit {

static Value integer(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

/// The branch that is taken where any lane of `bad` holds.
static scf::IfOp ifAny(ImplicitLocOpBuilder &b, Value bad) {
  if (isa<VectorType>(bad.getType()))
    bad = vector::ReductionOp::create(b, vector::CombiningKind::OR, bad);
  return scf::IfOp::create(b, bad, /*withElseRegion=*/false);
}

/// The word becomes the greater of what it is and `value`.
static void raise(ImplicitLocOpBuilder &b, Value words, int number, Value value) {
  Value at = LLVM::GEPOp::create(b, words.getType(), b.getI64Type(), words,
                                 ArrayRef<LLVM::GEPArg>{number});
  LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::max, at, value, LLVM::AtomicOrdering::monotonic);
}

static Value isNotFinite(ImplicitLocOpBuilder &b, Value x) {
  Value infinity = ScalarBuilder(b).constant(std::numeric_limits<double>::infinity(), x.getType());
  return arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, ScalarBuilder(b).abs(x), infinity);
}

void noteNotFinite(ImplicitLocOpBuilder &b, Value words, int number, Value result,
                   ValueRange operands, bool canMake, Value lanes) {
  Value bad = isNotFinite(b, result);
  if (lanes)
    bad = arith::AndIOp::create(b, bad, lanes);
  auto branch = ifAny(b, bad);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  raise(b, words, number, integer(b, b.getI64Type(), 1));
  if (!canMake)
    return;
  for (Value operand : operands) {
    if (!isa<FloatType>(getElementTypeOrSelf(operand.getType())))
      continue;
    Value fine = arith::XOrIOp::create(b, isNotFinite(b, operand),
                                       ScalarBuilder(b).constant(1, bad.getType()));
    bad = arith::AndIOp::create(b, bad, fine);
  }
  auto inner = ifAny(b, bad);
  b.setInsertionPoint(inner.thenYield());
  raise(b, words, number, integer(b, b.getI64Type(), 2));
}

void noteOutside(ImplicitLocOpBuilder &b, Value words, int number, Value outside, Value position) {
  auto branch = ifAny(b, outside);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  Value least = position;
  if (auto type = dyn_cast<VectorType>(outside.getType())) {
    Value most = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type.clone(b.getI32Type()), std::numeric_limits<int32_t>::max()));
    Value bad = arith::SelectOp::create(b, outside, position, most);
    least = vector::ReductionOp::create(b, vector::CombiningKind::MINSI, bad);
  }
  // The least position is the greatest word.
  Type wide = b.getI64Type();
  Value word = arith::SubIOp::create(b, integer(b, wide, int64_t(1) << 32),
                                     arith::ExtSIOp::create(b, wide, least));
  raise(b, words, number, word);
}

} // namespace frit
