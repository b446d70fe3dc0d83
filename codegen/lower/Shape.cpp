// Ops that move elements about or make them from nothing but positions. Most shape ops are views
// and never get here (passes/PlanMemory.h); these are the copies for when axes stand otherwise.
#include "codegen/lower/Lower.h"

using namespace mlir;

namespace frit {

/// Each element of the result comes from the position `source` of the operand.
static void move(Operation *op, KernelBuilder &k,
                 llvm::function_ref<Position(const Position &at)> source) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  k.split(to.axes, [&](const Position &at) {
    k.store(k.load(k.operand(0), from, source(at)), k.result(0), to, at);
  });
}

static void lowerRename(Operation *op, KernelBuilder &k) {
  auto rename = cast<RenameOp>(op);
  move(op, k, [&](const Position &at) {
    Position source;
    for (auto &[axis, position] : at)
      source[axis == rename.getTo() ? rename.getFrom().str() : axis] = position;
    return source;
  });
}

static void lowerSplit(Operation *op, KernelBuilder &k) {
  auto split = cast<SplitOp>(op);
  std::vector<Axis> group = pick(typeOf(split.getResult()), split.getInto().strings());
  move(op, k, [&](const Position &at) {
    Position source = at;
    source[split.getAxis().str()] = k.flat(group, at);
    return source;
  });
}

static void lowerSlice(Operation *op, KernelBuilder &k) {
  auto slice = cast<SliceOp>(op);
  move(op, k, [&](const Position &at) {
    Position source = at;
    source[slice.getAxis().str()] = k.index(slice.getAt());
    return source;
  });
}

static void lowerBroadcast(Operation *op, KernelBuilder &k) {
  move(op, k, [](const Position &at) { return at; });
}

/// Each element of the operands goes to the position `target` of the result.
static void place(Operation *op, KernelBuilder &k,
                  llvm::function_ref<Position(const Position &at, size_t operand)> target) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  k.split(from.axes, [&](const Position &at) {
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      k.store(k.load(k.operand(i), typeOf(operand), at), k.result(0), to, target(at, i));
  });
}

static void lowerMerge(Operation *op, KernelBuilder &k) {
  auto merge = cast<MergeOp>(op);
  std::vector<Axis> group = pick(typeOf(merge.getX()), merge.getAxes().strings());
  place(op, k, [&](const Position &at, size_t) {
    Position target = at;
    target[merge.getInto().str()] = k.flat(group, at);
    return target;
  });
}

static void lowerStack(Operation *op, KernelBuilder &k) {
  std::string axis = cast<StackOp>(op).getAxis().str();
  place(op, k, [&](const Position &at, size_t operand) {
    Position target = at;
    target[axis] = k.index(operand);
    return target;
  });
}

static void lowerIndex(Operation *op, KernelBuilder &k) {
  ValueType to = typeOf(op->getResult(0));
  std::vector<Axis> group = pick(to, cast<IndexOp>(op).getAxes().strings());
  k.split(to.axes,
          [&](const Position &at) { k.store(k.toI32(k.flat(group, at)), k.result(0), to, at); });
}

static void lowerConstant(Operation *op, KernelBuilder &k) {
  ValueType to = typeOf(op->getResult(0));
  double value = cast<ConstantOp>(op).getValue().convertToDouble();
  k.split(to.axes, [&](const Position &at) {
    k.store(k.number(value, k.typeOf(to.element)), k.result(0), to, at);
  });
}

void addShapeLowerings(LoweringTable &table) {
  table["frit.rename"] = lowerRename;
  table["frit.split"] = lowerSplit;
  table["frit.merge"] = lowerMerge;
  table["frit.stack"] = lowerStack;
  table["frit.slice"] = lowerSlice;
  table["frit.broadcast"] = lowerBroadcast;
  table["frit.index"] = lowerIndex;
  table["frit.constant"] = lowerConstant;
}

} // namespace frit
