// Only bad news reach memory, so a word that threads share costs nothing as long as all is well.
#include "codegen/cpu/Watch.h"
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

void noteOutside(ImplicitLocOpBuilder &b, Value words, int number, Value outside, Value position) {
  Value any = outside;
  if (isa<VectorType>(outside.getType()))
    any = vector::ReductionOp::create(b, vector::CombiningKind::OR, outside);
  auto branch = scf::IfOp::create(b, any, /*withElseRegion=*/false);
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
  Value at = LLVM::GEPOp::create(b, words.getType(), wide, words, ArrayRef<LLVM::GEPArg>{number});
  LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::max, at, word, LLVM::AtomicOrdering::monotonic);
}

} // namespace frit
