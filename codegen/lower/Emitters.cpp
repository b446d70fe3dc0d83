#include "codegen/lower/Emitter.h"
#include "codegen/lower/Lower.h"

using namespace mlir;

namespace frit {

const Emitter plainEmitter{
    "plain",
    [](Operation *op, const Target &) { return findLowering(op) != nullptr; },
    nullptr,
    [](Operation *op, unsigned operand, unsigned result) {
      // What a scatter starts from is copied first, place by place.
      auto scatter = dyn_cast<ScatterOp>(op);
      bool isStart = scatter && scatter.getOnto() && operand + 1 == op->getNumOperands();
      return isElementwiseInPlace(op, operand, result) ||
             (isStart && op->getOperand(operand).getType() == op->getResult(0).getType());
    },
    [](Operation *op, ModuleOp module, StringRef name, const Target &) {
      KernelBuilder builder(module, name, op->getNumOperands(), op->getNumResults(), isWatched(op));
      findLowering(op)(op, builder);
      return SmallVector<func::FuncOp>{builder.function};
    },
};

const Emitter *chooseEmitter(Operation *op, const Target &target, bool naive) {
  static const Emitter *const all[] = {
      &matmulEmitter, &groupEmitter, &scatterEmitter, &sortEmitter, &plainEmitter,
  };
  for (const Emitter *emitter : all)
    if ((!naive || emitter == &plainEmitter) && emitter->canEmit(op, target))
      return emitter;
  return nullptr;
}

} // namespace frit
