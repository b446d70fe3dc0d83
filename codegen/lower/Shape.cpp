// Ops that move elements about or make them from nothing but positions. Most shape ops are views
// and never get here (passes/PlanMemory.h); these are the copies for when axes stand otherwise.
#include "codegen/lower/Lower.h"

using namespace mlir;

namespace frit {

static void lowerRename(Operation *op, KernelBuilder &k) {
  auto rename = cast<RenameOp>(op);
  ValueType from = typeOf(rename.getX()), to = typeOf(rename.getResult());
  k.split(to.axes, [&](const Position &at) {
    Position source;
    for (auto &[axis, position] : at)
      source[axis == rename.getTo() ? rename.getFrom().str() : axis] = position;
    k.store(k.load(k.operand(0), from, source), k.result(0), to, at);
  });
}

static void lowerSplit(Operation *op, KernelBuilder &k) {
  auto split = cast<SplitOp>(op);
  ValueType from = typeOf(split.getX()), to = typeOf(split.getResult());
  std::vector<Axis> group = pick(to, split.getInto().strings());
  k.split(to.axes, [&](const Position &at) {
    Position source = at;
    source[split.getAxis().str()] = k.flat(group, at);
    k.store(k.load(k.operand(0), from, source), k.result(0), to, at);
  });
}

static void lowerMerge(Operation *op, KernelBuilder &k) {
  auto merge = cast<MergeOp>(op);
  ValueType from = typeOf(merge.getX()), to = typeOf(merge.getResult());
  std::vector<Axis> group = pick(from, merge.getAxes().strings());
  k.split(from.axes, [&](const Position &at) {
    Position target = at;
    target[merge.getInto().str()] = k.flat(group, at);
    k.store(k.load(k.operand(0), from, at), k.result(0), to, target);
  });
}

static void lowerStack(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  std::string axis = cast<StackOp>(op).getAxis().str();
  k.split(from.axes, [&](const Position &at) {
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      Position target = at;
      target[axis] = k.index(i);
      k.store(k.load(k.operand(i), typeOf(operand), at), k.result(0), to, target);
    }
  });
}

static void lowerSlice(Operation *op, KernelBuilder &k) {
  auto slice = cast<SliceOp>(op);
  ValueType from = typeOf(slice.getX()), to = typeOf(slice.getResult());
  k.split(to.axes, [&](const Position &at) {
    Position source = at;
    source[slice.getAxis().str()] = k.index(slice.getAt());
    k.store(k.load(k.operand(0), from, source), k.result(0), to, at);
  });
}

static void lowerBroadcast(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  k.split(to.axes, [&](const Position &at) {
    k.store(k.load(k.operand(0), from, at), k.result(0), to, at);
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
