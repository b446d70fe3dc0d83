// Elementwise ops: the record's scalar body at every position of the result.
#include "codegen/cpu/Watch.h"
#include "codegen/lower/Lower.h"
#include "passes/Watch.h"

using namespace mlir;

namespace frit {

void lowerElementwise(Operation *op, KernelBuilder &k) {
  ValueType type = typeOf(op->getResult(0));
  k.split(type.axes, [&](const Position &at) {
    SmallVector<Value> operands;
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      operands.push_back(k.load(k.operand(i), typeOf(operand), at));
    ScalarBuilder scalar = k.scalar();
    Value result = cast<Elementwise>(op).scalar(scalar, operands);
    if (k.watches)
      noteNotFinite(k.b, k.watches, 0, result, operands, canMakeNotFinite(op));
    k.store(result, k.result(0), type, at);
  });
}

Lowering findLowering(Operation *op) {
  static const LoweringTable table = [] {
    LoweringTable all;
    addReduceLowerings(all);
    addOrderLowerings(all);
    addLinearLowerings(all);
    addShapeLowerings(all);
    addRandomLowerings(all);
    return all;
  }();
  if (isa<Elementwise>(op))
    return lowerElementwise;
  return table.lookup(op->getName().getStringRef());
}

} // namespace frit
