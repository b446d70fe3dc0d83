#include "passes/Watch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <set>

using namespace mlir;
using namespace frit;

const char *frit::nameOf(Watch::Kind kind) { return kind == Watch::Inside ? "inside" : "finite"; }

//===-- Who looks ---------------------------------------------------------------------------===//

static void addAxes(Operation *op, AxesAttr axes, Value indexed, SmallVectorImpl<Watch> &out) {
  ValueType type = typeOf(indexed);
  for (const std::string &axis : axes.strings())
    out.push_back({Watch::Inside, op, axis, type.find(axis)->size});
}

/// Ops whose numbers are those of other ops, at other places.
static bool isTransparent(Operation *op) {
  return isa<BroadcastOp, RenameOp, SplitOp, MergeOp, SliceOp, StackOp, GatherOp, ReadOp, ScanOp,
             GroupOp, ConstantOp, RandomOp, func::FuncOp>(op);
}

bool frit::canMakeNotFinite(Operation *op) {
  return !isa<SelectOp, MaximumOp, MinimumOp, NegOp, AbsOp, SignOp, FloorOp, CeilOp, RoundOp,
              StopGradientOp, MaxOp, MinOp, SoftmaxOp, LogSoftmaxOp, LogSumExpOp>(op);
}

static void add(Operation *op, bool finite, SmallVectorImpl<Watch> &out) {
  if (auto group = dyn_cast<GroupOp>(op)) {
    for (Operation &inner : group.getBody().front())
      add(&inner, finite, out);
    return;
  }
  if (auto gather = dyn_cast<GatherOp>(op)) {
    if (gather.getChecked() && !gather.getFill())
      addAxes(op, gather.getAxes(), gather.getX(), out);
  } else if (auto scatter = dyn_cast<ScatterOp>(op)) {
    if (scatter.getChecked())
      addAxes(op, scatter.getInto(), scatter.getResult(), out);
  }
  if (finite && !isTransparent(op) && op->getNumResults() > 0 &&
      isReal(typeOf(op->getResult(0)).element))
    out.push_back({Watch::Finite, op, {}});
}

SmallVector<Watch> frit::watchesOf(Operation *op) {
  SmallVector<Watch> out;
  auto module = op->getParentOfType<ModuleOp>();
  add(op, module && module->hasAttr(checkFiniteAttribute), out);
  return out;
}

bool frit::isWatched(Operation *op) {
  return llvm::any_of(watchesOf(op), [&](const Watch &watch) {
    return watch.kind == Watch::Inside || isa<GroupOp, Elementwise>(op);
  });
}

//===-- Where numbers come from ---------------------------------------------------------------===//

static void follow(Value value, const WatchNumbers &numbers, DenseSet<Value> &seen,
                   std::set<int> &out) {
  if (!seen.insert(value).second)
    return;
  auto further = [&](Value next) { follow(next, numbers, seen, out); };
  Operation *op = value.getDefiningOp();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned number = argument.getArgNumber();
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto group = dyn_cast<GroupOp>(parent))
      further(group.getInputs()[number]);
    auto scan = dyn_cast<ScanOp>(parent);
    if (!scan || number == 0) // an input of the entry, or where the loop stands
      return;
    further(scan->getOperand(number - 1));
    if (number <= scan.getInits().size())
      further(scan.getBody().front().getTerminator()->getOperand(number - 1));
  } else if (auto found = numbers.find(op); found != numbers.end()) {
    out.insert(found->second);
  } else if (isa<GroupOp, ScanOp>(op)) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    further(op->getRegion(0).front().getTerminator()->getOperand(number));
    if (auto scan = dyn_cast<ScanOp>(op); scan && number < scan.getInits().size())
      further(scan.getInits()[number]);
  } else {
    llvm::for_each(op->getOperands(), further);
  }
}

std::vector<int> frit::watchesBehind(ValueRange values, const WatchNumbers &numbers) {
  DenseSet<Value> seen;
  std::set<int> out;
  for (Value value : values)
    follow(value, numbers, seen, out);
  return {out.begin(), out.end()};
}
