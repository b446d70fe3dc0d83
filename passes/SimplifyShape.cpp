// Rules of Simplify for shape ops, reductions and contractions. Each is one function; the table at
// the end lists them.
#include "passes/Simplify.h"

using namespace mlir;

namespace frit {

using Names = std::vector<std::string>;

/// The value that v repeats along axes of its own: what a broadcast or a constant is made of.
static Term repeated(Value v, Build &build) {
  if (auto broadcast = as<BroadcastOp>(v))
    return build.term(broadcast.getX());
  if (as<ConstantOp>(v) && !typeOf(v).axes.empty())
    return build.constant(*uniform(v), typeOf(v).element);
  return {};
}
static bool isRepeated(Value v) {
  return as<BroadcastOp>(v) || (as<ConstantOp>(v) && !typeOf(v).axes.empty());
}
//===-- Broadcast ---------------------------------------------------------------------------===//

/// A broadcast that adds nothing; broadcast of broadcast; broadcast of a constant.
static Term broadcastLess(BroadcastOp op, Build &build) {
  if (op.getX().getType() == op.getType())
    return build.term(op.getX());
  if (auto inner = as<BroadcastOp>(op.getX()))
    return build.broadcast(build.term(inner.getX()), typeOf(op.getResult()).axes);
  if (std::optional<double> number = uniform(op.getX())) {
    ValueType type = typeOf(op.getResult());
    return build.make(
        "constant", {},
        {{"value", *number}, {"element", std::string(name(type.element))}, {"axes", type.axes}});
  }
  return {};
}
/// Another order of axes is no work before Layout, unless someone insists on it.
static Term reorderNothing(BroadcastOp op, Build &build) {
  if (needsOrder(op.getResult()) ||
      typeOf(op.getX()).axes.size() != typeOf(op.getResult()).axes.size())
    return {};
  return build.term(op.getX());
}

//===-- Rename, split, merge, slice ---------------------------------------------------------===//

/// t -> t; t -> s -> r = t -> r
static Term renameOnce(RenameOp op, Build &build) {
  if (op.getFrom() == op.getTo())
    return build.term(op.getX());
  auto inner = as<RenameOp>(op.getX());
  if (!inner || inner.getTo() != op.getFrom())
    return {};
  if (inner.getFrom() == op.getTo())
    return build.term(inner.getX());
  return build.make("rename", {build.term(inner.getX())},
                    {{"from", inner.getFrom().str()}, {"to", op.getTo().str()}});
}
/// The new name goes into what makes the axis: a broadcast, a constant, an index.
static Term renameMaker(RenameOp op, Build &build) {
  std::string from = op.getFrom().str(), to = op.getTo().str();
  auto renamed = [&](std::vector<Axis> axes) {
    for (Axis &axis : axes)
      if (axis.name == from)
        axis.name = to;
    return axes;
  };
  if (as<IndexOp>(op.getX())) // `index` counts in the order of its attribute, not of its type
    return build.make("index", {},
                      {{"axes", renamed(std::get<std::vector<Axis>>(
                                    attributesOf(op.getX().getDefiningOp())["axes"]))}});
  if (!isRepeated(op.getX()))
    return {};
  Term x = repeated(op.getX(), build);
  if (typeOf(x).find(from))
    x = build.make("rename", {x}, {{"from", from}, {"to", to}});
  return build.broadcast(x, renamed(typeOf(op.getX()).axes));
}
/// split(merge(x)) = x for the same axes in the same order
static Term splitMerged(SplitOp op, Build &build) {
  auto merge = as<MergeOp>(op.getX());
  if (!merge || merge.getInto() != op.getAxis() || merge.getAxes() != op.getInto())
    return {};
  ValueType before = typeOf(merge.getX()), after = typeOf(op.getResult());
  for (const Axis &axis : before.axes)
    if (*after.find(axis.name) != axis)
      return {};
  return build.term(merge.getX());
}
/// merge(split(x)) = x
static Term mergeSplit(MergeOp op, Build &build) {
  auto split = as<SplitOp>(op.getX());
  if (!split || split.getInto() != op.getAxes())
    return {};
  if (split.getAxis() == op.getInto())
    return build.term(split.getX());
  return build.make("rename", {build.term(split.getX())},
                    {{"from", split.getAxis().str()}, {"to", op.getInto().str()}});
}
/// A slice of a stack, of a broadcast, of a constant.
static Term sliceKnown(SliceOp op, Build &build) {
  std::string axis = op.getAxis().str();
  if (auto stack = as<StackOp>(op.getX()); stack && stack.getAxis() == op.getAxis())
    return build.term(stack.getValues()[op.getAt()]);
  if (!isRepeated(op.getX()))
    return {};
  Term x = repeated(op.getX(), build);
  if (typeOf(x).find(axis))
    x = build.make("slice", {x}, attributesOf(op));
  return x; // the rule broadcasts over the axes that are left
}

//===-- Reductions --------------------------------------------------------------------------===//

/// The sum over no axes; the sum of a sum.
static Term sumOnce(SumOp op, Build &build) {
  Names over = op.getOver().strings();
  if (over.empty())
    return build.term(op.getX());
  auto inner = as<SumOp>(op.getX());
  if (!inner)
    return {};
  Names both = inner.getOver().strings();
  both.insert(both.end(), over.begin(), over.end());
  return build.sum(build.term(inner.getX()), both);
}
/// The sum of equal numbers is a product: sum(broadcast(x, b: 4), b) = x * 4.
static Term sumRepeated(SumOp op, Build &build) {
  if (!isRepeated(op.getX()) || !isReal(typeOf(op.getX()).element))
    return {};
  Term x = repeated(op.getX(), build);
  Names rest;
  double count = 1;
  for (const std::string &axis : op.getOver().strings())
    if (typeOf(x).find(axis))
      rest.push_back(axis);
    else
      count *= double(typeOf(op.getX()).find(axis)->size);
  if (!rest.empty())
    x = build.sum(x, rest);
  return count == 1 ? x : x * count;
}
/// sum(-x) = -sum(x)
static Term sumNegative(SumOp op, Build &build) {
  auto neg = as<NegOp>(op.getX());
  return neg ? -build.sum(build.term(neg.getX()), op.getOver().strings()) : Term{};
}
/// sum(x * y, over b) = sum(x, over b) * y where y lacks b
static Term sumFactor(SumOp op, Build &build) {
  auto mul = as<MulOp>(op.getX());
  if (!mul || !mul->hasOneUse() || !isReal(typeOf(mul.getResult()).element))
    return {};
  for (auto [x, y] : {std::pair(mul.getX(), mul.getY()), std::pair(mul.getY(), mul.getX())}) {
    Names first, rest;
    for (const std::string &axis : op.getOver().strings())
      (typeOf(y).find(axis) ? rest : first).push_back(axis);
    if (first.empty())
      continue;
    Term product = build.sum(build.term(x), first) * build.term(y);
    return rest.empty() ? product : build.sum(product, rest);
  }
  return {};
}
/// A sum after a contraction is part of it: over axes that both sides have it contracts them too,
/// over axes of one side it is done first.
static Term sumContract(SumOp op, Build &build) {
  auto contract = as<ContractOp>(op.getX());
  if (!contract || !contract->hasOneUse())
    return {};
  Term x = build.term(contract.getX()), y = build.term(contract.getY());
  Names over = contract.getOver().strings(), ofX, ofY;
  for (const std::string &axis : op.getOver().strings()) {
    bool inX = typeOf(x).find(axis), inY = typeOf(y).find(axis);
    (inX && inY ? over : inX ? ofX : ofY).push_back(axis);
  }
  if (!ofX.empty())
    x = build.sum(x, ofX);
  if (!ofY.empty())
    y = build.sum(y, ofY);
  return build.contract(x, y, over);
}
/// sum(x * y) is a contraction where the product is larger than both: x and y each keep an axis
/// that the other lacks.
static Term sumProduct(SumOp op, Build &build) {
  auto mul = as<MulOp>(op.getX());
  if (!mul || !mul->hasOneUse() || !isReal(typeOf(mul.getResult()).element))
    return {};
  ValueType x = typeOf(mul.getX()), y = typeOf(mul.getY());
  Names over = op.getOver().strings();
  for (const std::string &axis : over)
    if (!x.find(axis) || !y.find(axis))
      return {};
  auto keepsOwn = [](const ValueType &a, const ValueType &b) {
    return llvm::any_of(a.axes, [&](const Axis &axis) { return !b.find(axis.name); });
  };
  if (!keepsOwn(x, y) || !keepsOwn(y, x))
    return {};
  return build.contract(build.term(mul.getX()), build.term(mul.getY()), over);
}
/// max and min over no axes, or of equal numbers.
template <typename Op> static Term extremeRepeated(Op op, Build &build) {
  Names over = op.getOver().strings();
  if (over.empty())
    return build.term(op.getX());
  if (!isRepeated(op.getX()))
    return {};
  Term x = repeated(op.getX(), build);
  llvm::erase_if(over, [&](const std::string &axis) { return !typeOf(x).find(axis); });
  if (over.empty())
    return x;
  return build.make(op->getName().stripDialect().str(), {x}, {{"over", over}});
}

//===-- Contractions ------------------------------------------------------------------------===//

/// A contraction over nothing is a product.
static Term contractNothing(ContractOp op, Build &build) {
  return op.getOver().getNames().empty() ? build.term(op.getX()) * build.term(op.getY()) : Term{};
}
/// Axes along which one side only repeats itself: contracted, they are summed on the other side;
/// kept, they come back by broadcasting the result.
static Term contractRepeated(ContractOp op, Build &build) {
  for (auto [side, other] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())}) {
    if (!isRepeated(side))
      continue;
    Term x = repeated(side, build), y = build.term(other);
    Names over, ofY;
    for (const std::string &axis : op.getOver().strings())
      (typeOf(x).find(axis) ? over : ofY).push_back(axis);
    if (!ofY.empty())
      y = build.sum(y, ofY);
    return over.empty() ? x * y : build.contract(x, y, over);
  }
  return {};
}

void addShapeRules(RewritePatternSet &set) {
  addRules<BroadcastOp>(set, broadcastLess, reorderNothing);
  addRules<RenameOp>(set, renameOnce, renameMaker);
  addRules<SplitOp>(set, splitMerged);
  addRules<MergeOp>(set, mergeSplit);
  addRules<SliceOp>(set, sliceKnown);
  addRules<SumOp>(set, sumOnce, sumRepeated, sumNegative, sumFactor, sumContract, sumProduct);
  addRules<MaxOp>(set, extremeRepeated<MaxOp>);
  addRules<MinOp>(set, extremeRepeated<MinOp>);
  addRules<ContractOp>(set, contractNothing, contractRepeated);
}

} // namespace frit
