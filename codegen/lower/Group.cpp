// Groups and scatters go to the vectorised kernels of codegen/cpu.
#include "codegen/cpu/Group.h"
#include "codegen/lower/Emitter.h"

using namespace mlir;

namespace frit {

const Emitter groupEmitter{
    "group",
    [](Operation *op, const Target &) { return isa<GroupOp>(op); },
    [](Operation *op, const Target &target) {
      return WorkspaceNeed{groupWorkspaceBytes(cast<GroupOp>(op), target), 0};
    },
    [](Operation *op, unsigned operand, unsigned result) {
      return mayShareMemory(cast<GroupOp>(op), operand, result);
    },
    [](Operation *op, ModuleOp module, StringRef name, const Target &target) {
      FailureOr<func::FuncOp> kernel = emitGroup(module, name, cast<GroupOp>(op), target);
      return succeeded(kernel) ? SmallVector<func::FuncOp>{*kernel} : SmallVector<func::FuncOp>{};
    },
};

const Emitter scatterEmitter{
    "scatter",
    [](Operation *op, const Target &) {
      return isa<ScatterOp>(op) && !isa<BFloat16Type>(getElementTypeOrSelf(op->getResult(0)));
    },
    nullptr,
    [](Operation *op, unsigned operand, unsigned result) {
      auto scatter = cast<ScatterOp>(op);
      return scatter.getOnto() && operand + 1 == op->getNumOperands() &&
             op->getOperand(operand).getType() == op->getResult(0).getType();
    },
    [](Operation *op, ModuleOp module, StringRef name, const Target &target) {
      return SmallVector<func::FuncOp>{emitScatter(module, name, cast<ScatterOp>(op), target)};
    },
};

} // namespace frit
