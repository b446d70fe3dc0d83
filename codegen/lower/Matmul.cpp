// Contractions as matrix products: shared axes that stay are the batch, the axes of one side are
// rows or columns, `over` is k. Any order of axes in memory will do.
#include "codegen/cpu/Matmul.h"
#include "codegen/lower/Emitter.h"

using namespace mlir;

namespace frit {

static SmallVector<Dim> dimsOf(const ValueType &type, const std::vector<Axis> &axes) {
  SmallVector<Dim> dims;
  for (const Axis &axis : axes) {
    int64_t stride = 1;
    for (const Axis &other : llvm::reverse(type.axes)) {
      if (other.name == axis.name)
        break;
      stride *= other.size;
    }
    dims.push_back({axis.size, stride});
  }
  return dims;
}

/// Columns of the product are the side whose axis lies innermost in the result, so that stores are
/// whole registers.
static bool isTurned(ContractOp op) {
  ValueType x = typeOf(op.getX()), y = typeOf(op.getY()), to = typeOf(op.getResult());
  if (to.axes.empty())
    return false;
  const std::string &last = to.axes.back().name;
  return x.find(last) && !y.find(last);
}

static MatmulSpec specOf(ContractOp op) {
  ValueType x = typeOf(op.getX()), y = typeOf(op.getY()), to = typeOf(op.getResult());
  if (isTurned(op))
    std::swap(x, y);
  std::vector<Axis> batch, rows, cols, over = pick(x, op.getOver().strings());
  for (const Axis &axis : to.axes) // in the order of the result
    (!y.find(axis.name) ? rows : !x.find(axis.name) ? cols : batch).push_back(axis);
  // k as it lies in y, so that rows of y are read whole.
  llvm::sort(over, [&](const Axis &a, const Axis &b) {
    return llvm::find(y.axes, a) < llvm::find(y.axes, b);
  });
  MatmulSpec spec;
  spec.a = {dimsOf(x, batch), dimsOf(x, rows), dimsOf(x, over)};
  spec.b = {dimsOf(y, batch), dimsOf(y, over), dimsOf(y, cols)};
  spec.c = {dimsOf(to, batch), dimsOf(to, rows), dimsOf(to, cols)};
  spec.element = cast<FloatType>(op.getResult().getType().getElementType());
  return spec;
}

/// Below this many multiply-adds a plain loop is as good and shorter.
static constexpr int64_t worthwhile = 512;

static bool canEmit(Operation *op, const Target &) {
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract || contract.getOver().getNames().empty())
    return false;
  ValueType x = typeOf(contract.getX()), to = typeOf(contract.getResult());
  int64_t work = to.count();
  for (const Axis &axis : pick(x, contract.getOver().strings()))
    work *= axis.size;
  return work >= worthwhile && (to.element == Element::F32 || to.element == Element::F64);
}

/// Each takes the other's uses.
static void exchange(Value x, Value y) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : x.getUses())
    uses.push_back(&use);
  y.replaceAllUsesWith(x);
  for (OpOperand *use : uses)
    use->set(y);
}

const Emitter matmulEmitter{
    "matmul", canEmit,
    [](Operation *op, const Target &target) {
      return WorkspaceNeed{matmulWorkspaceBytes(specOf(cast<ContractOp>(op)), target), 0};
    },
    nullptr,
    [](Operation *op, ModuleOp module, StringRef name, const Target &target) {
      func::FuncOp kernel = emitMatmul(module, name, specOf(cast<ContractOp>(op)), target);
      if (isTurned(cast<ContractOp>(op)))
        exchange(kernel.getArgument(0), kernel.getArgument(1));
      return SmallVector<func::FuncOp>{kernel};
    }};

} // namespace frit
