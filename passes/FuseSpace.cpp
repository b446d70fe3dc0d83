// Spaces of ops, and which ops may join a group.
#include "passes/FuseSpace.h"

using namespace mlir;
using namespace frit;
using namespace frit::fuse;

fuse::AxisSet fuse::axisSetOf(Value value) {
  AxisSet out;
  for (const Axis &axis : typeOf(value).axes)
    if (axis.size > 1)
      out.emplace(axis.name, axis.size);
  return out;
}

fuse::AxisSet fuse::minus(AxisSet x, const AxisSet &y) {
  std::erase_if(x, [&](const auto &axis) { return y.count(axis) != 0; });
  return x;
}

bool fuse::contains(const AxisSet &x, const AxisSet &y) {
  return std::includes(x.begin(), x.end(), y.begin(), y.end());
}

static bool isReduction(Operation *op) {
  return isa<SumOp, MaxOp, MinOp, AnyOp, AllOp, LogSumExpOp, SoftmaxOp, LogSoftmaxOp>(op);
}

bool fuse::isCheap(Operation *op) {
  return isa<AddOp, SubOp, MulOp, NegOp, MaximumOp, MinimumOp, AbsOp, SignOp, EqOp, NeOp, LtOp,
             LeOp, GtOp, GeOp, AndOp, OrOp, NotOp, SelectOp, CastOp, StopGradientOp, FloorOp,
             CeilOp, RoundOp, BroadcastOp, ConstantOp, IndexOp>(op);
}

bool fuse::isGatherLike(Operation *op) { return isa<GatherOp, SliceOp>(op); }

bool fuse::isFusable(Operation *op) {
  bool known = isa<Elementwise, BroadcastOp, IndexOp, ConstantOp, GatherOp>(op) || isReduction(op);
  if (auto slice = dyn_cast<SliceOp>(op)) // of the first axis it is a view
    known = typeOf(slice.getX()).axes.front().name != slice.getAxis();
  auto supported = [](Value value) {
    Element element = typeOf(value).element;
    return element != Element::BF16;
  };
  return known && llvm::all_of(op->getOperands(), supported) &&
         llvm::all_of(op->getResults(), supported);
}

bool fuse::isFree(Operation *op) {
  if (isa<ConstantOp, IndexOp>(op))
    return true;
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return axisSetOf(broadcast.getX()) != axisSetOf(broadcast.getResult());
  if (!isa<Elementwise>(op) || !isCheap(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    Operation *def = operand.getDefiningOp();
    return def && def->getBlock() == op->getBlock() && !isa<BroadcastOp>(def) && isFree(def);
  });
}

fuse::Space fuse::spaceOf(Operation *op) {
  Space out;
  if (!isReduction(op)) {
    out.all = axisSetOf(op->getResult(0));
    return out;
  }
  out.all = axisSetOf(op->getOperand(0));
  ValueType type = typeOf(op->getOperand(0));
  for (const std::string &name : op->getAttrOfType<AxesAttr>("over").strings())
    if (const Axis *axis = type.find(name); axis->size > 1)
      out.reduced.emplace(axis->name, axis->size);
  for (const Axis &axis : llvm::reverse(type.axes))
    if (axis.size > 1) {
      out.rows = out.reduced.count({axis.name, axis.size});
      break;
    }
  return out;
}
