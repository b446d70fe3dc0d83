// Rewrites before grouping: a scatter without collisions becomes a comparison, a sum with a scatter
// a scatter onto it, a reduction of nearly everything is cut in two so that its first half has rows
// for all threads.
#include "mlir/IR/IRMapping.h"
#include "passes/FuseSpace.h"

using namespace mlir;
using namespace frit;

constexpr int64_t manyElements = 1 << 15; // a reduction worth cutting in two
constexpr int64_t fewRows = 16, mostRows = 1 << 16;

/// scatter(g[b,t], i[b,t]) into [v], aligned [b,t], nothing to be watched: every place gets one
/// value at most, so it is where(index[v] == i, g, 0), which fuses with what is around it.
static void scatterToSelect(ScatterOp op) {
  std::set<std::string> positions, aligned;
  size_t count = op.getInto().getNames().size();
  for (Value value : op.getRest().take_front(count + op.getMasked()))
    for (const Axis &axis : typeOf(value).axes)
      positions.insert(axis.name);
  if (op.getAligned())
    for (const std::string &axis : op.getAligned()->strings())
      aligned.insert(axis);
  if (positions != aligned || op.getChecked())
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Build build(b);
  ValueType type = typeOf(op.getResult());
  Term hit;
  for (auto [axis, index] : llvm::zip(op.getInto().strings(), op.getRest())) {
    Term place = build.make("index", {}, {{"axes", std::vector<Axis>{*type.find(axis)}}});
    Term equal = build.make("eq", {place, build.term(index)});
    hit = hit ? build.make("and", {hit, equal}) : equal;
  }
  if (op.getMasked())
    hit = build.make("and", {hit, build.term(op.getRest()[count])});
  Term x = build.term(op.getX()), before = build.constant(0, type.element);
  if (op.getOnto()) {
    before = build.term(op.getRest().back());
    if (op.getMode() == "add")
      x = x + before;
  }
  Value result = build.select(hit, x, before).value;
  result.setType(op.getType());
  op.replaceAllUsesWith(result);
  op.erase();
}

/// y + scatter(x): onto y, which needs no zeros and one pass less.
static void addScatter(AddOp op) {
  for (unsigned i : {0u, 1u}) {
    auto scatter = op->getOperand(i).getDefiningOp<ScatterOp>();
    Value start = op->getOperand(1 - i);
    if (!scatter || scatter.getOnto() || scatter.getMode() != "add" || !scatter->hasOneUse() ||
        scatter->getBlock() != op->getBlock() || start.getType() != op.getType() ||
        typeOf(scatter.getResult()).axes.size() != typeOf(start).axes.size())
      continue;
    OpBuilder b(op);
    IRMapping map;
    auto onto = cast<ScatterOp>(b.clone(*scatter, map));
    onto->insertOperands(onto->getNumOperands(), start);
    onto.setOnto(true);
    onto.getResult().setType(op.getType());
    op.replaceAllUsesWith(onto.getResult());
    op.erase();
    scatter.erase();
    return;
  }
}

/// A reduction with few results has no rows to share out among threads: first along the innermost
/// axes, then along the rest.
static void cutReduction(Operation *op) {
  ValueType type = typeOf(op->getOperand(0));
  std::vector<std::string> over = op->getAttrOfType<AxesAttr>("over").strings(), inner, rest;
  if (type.count() < manyElements || typeOf(op->getResult(0)).count() >= fewRows)
    return;
  int64_t rows = type.count();
  for (const Axis &axis : llvm::reverse(type.axes)) {
    if (!llvm::is_contained(over, axis.name) || (!inner.empty() && rows <= mostRows))
      break;
    inner.push_back(axis.name);
    rows /= axis.size;
  }
  for (const std::string &axis : over)
    if (!llvm::is_contained(inner, axis))
      rest.push_back(axis);
  if (inner.empty() || rest.empty() || rows < fewRows)
    return;
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Build build(b);
  std::string name = op->getName().stripDialect().str();
  Term first = build.make(name, {build.term(op->getOperand(0))}, {{"over", inner}});
  Term second = build.make(name, {first}, {{"over", rest}});
  second.value.setType(op->getResult(0).getType());
  op->getResult(0).replaceAllUsesWith(second.value);
  op->erase();
}

void fuse::prepare(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (auto scatter = dyn_cast<ScatterOp>(op))
      scatterToSelect(scatter);
  for (Operation &op : llvm::make_early_inc_range(block))
    if (auto add = dyn_cast<AddOp>(op))
      addScatter(add);
  for (Operation &op : llvm::make_early_inc_range(block))
    if (isa<SumOp, MaxOp, MinOp, AnyOp, AllOp>(op))
      cutReduction(&op);
}
