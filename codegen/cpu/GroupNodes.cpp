// From the body of a group to axes, nodes and stores. See GroupPlan.h.
#include "codegen/cpu/GroupNodes.h"
#include "passes/Watch.h"
#include <set>

using namespace mlir;

namespace frit {
namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// Elements between neighbours along each axis of a dense value, by name. An axis of size 1 has
/// none: the group may walk over one of the same name that is longer, another value's.
std::map<std::string, int64_t> stridesOf(const ValueType &type) {
  std::map<std::string, int64_t> out;
  int64_t stride = 1;
  for (const Axis &axis : llvm::reverse(type.axes)) {
    if (axis.size > 1)
      out[axis.name] = stride;
    stride *= axis.size;
  }
  return out;
}

/// The axes that a reduction goes over, but those of size 1.
std::set<std::string> reducedBy(Operation *op) {
  std::set<std::string> out;
  ValueType type = typeOf(op->getOperand(0));
  for (const std::string &axis : op->getAttrOfType<AxesAttr>("over").strings())
    if (type.find(axis)->size > 1)
      out.insert(axis);
  return out;
}

int costOf(Operation *op) {
  if (isa<ExpOp, LogOp, Log1pOp, Expm1Op, PowOp, TanhOp, SigmoidOp, SoftplusOp, ErfOp, SinOp, CosOp,
          LogAddExpOp, XLogYOp>(op))
    return 16;
  if (isa<DivOp, SqrtOp, RsqrtOp, ModOp>(op))
    return 6;
  return 1;
}
class Reader {
public:
  explicit Reader(GroupOp group) : group(group), watches(watchesOf(group)) {
    plan.watched = isWatched(group);
  }

  FailureOr<GroupNodes> run() {
    if (failed(findAxes()))
      return failure();
    for (BlockArgument argument : body().getArguments())
      addLoad(argument);
    for (Operation &op : body().without_terminator())
      if (failed(addOp(&op)))
        return failure();
    if (failed(addStores()))
      return failure();
    return GroupNodes{std::move(plan), std::move(axes), outerCount};
  }

private:
  GroupOp group;
  SmallVector<Watch> watches;
  GroupPlan plan;
  std::vector<Axis> axes;
  std::set<std::string> reducedAxes;
  size_t outerCount = 0;
  llvm::DenseMap<Value, int> nodeOf;

  Block &body() { return group.getBody().front(); }

  //===-- Axes ------------------------------------------------------------------------------===//

  static bool isSource(OpOperand &use) {
    return use.getOperandNumber() == 0 && isa<GatherOp, SliceOp>(use.getOwner());
  }

  LogicalResult findAxes() {
    // Every value that is walked over; the fullest gives the order, results first.
    std::vector<Value> values;
    for (Operation &op : body().without_terminator())
      llvm::append_range(values, op.getResults());
    for (BlockArgument argument : body().getArguments())
      if (llvm::any_of(argument.getUses(), [](OpOperand &use) { return !isSource(use); }))
        values.push_back(argument);
    std::map<std::string, int64_t> all;
    for (Value value : values)
      for (const Axis &axis : typeOf(value).axes)
        if (axis.size > 1)
          all[axis.name] = axis.size;
    auto isFull = [&](Value value) {
      return llvm::count_if(typeOf(value).axes, [](const Axis &axis) { return axis.size > 1; }) ==
             int64_t(all.size());
    };
    Value leader;
    for (Value value : body().getTerminator()->getOperands())
      if (!leader && isFull(value))
        leader = value;
    for (Value value : body().getArguments())
      if (!leader && llvm::is_contained(values, value) && isFull(value))
        leader = value;
    for (Value value : values)
      if (!leader && isFull(value))
        leader = value;
    if (!leader && !all.empty())
      return group.emitError("this is a bug in frit: no value of a group has all its axes");

    for (Operation &op : body().without_terminator())
      if (op.hasAttr("over")) {
        std::set<std::string> names = reducedBy(&op);
        if (names.empty())
          continue; // of one element
        if (!reducedAxes.empty() && names != reducedAxes)
          return op.emitError("this is a bug in frit: a group reduces different axes");
        reducedAxes = names;
      }
    if (!leader)
      return success();
    std::vector<Axis> outer, reduced;
    ValueType order = typeOf(leader);
    for (const Axis &axis : order.axes)
      if (axis.size > 1)
        (reducedAxes.count(axis.name) ? reduced : outer).push_back(axis);
    outerCount = outer.size();
    plan.hasLanes = !all.empty();
    for (const Axis &axis : llvm::reverse(order.axes))
      if (axis.size > 1) {
        plan.rows = reducedAxes.count(axis.name);
        break;
      }
    axes = outer;
    axes.insert(axes.end(), reduced.begin(), reduced.end());
    return success();
  }

  /// Strides along the axes of the walk.
  SmallVector<int64_t> strided(const std::map<std::string, int64_t> &strides) {
    SmallVector<int64_t> out;
    for (const Axis &axis : axes) {
      auto at = strides.find(axis.name);
      out.push_back(at == strides.end() ? 0 : at->second);
    }
    return out;
  }

  //===-- Nodes -----------------------------------------------------------------------------===//

  int add(GroupNode node) {
    plan.nodes.push_back(std::move(node));
    return int(plan.nodes.size()) - 1;
  }

  static GroupNode make(GroupNode::Kind kind, Type element, SmallVector<int> operands = {}) {
    GroupNode node;
    node.kind = kind;
    node.element = element;
    node.operands = std::move(operands);
    return node;
  }

  GroupNode load(BlockArgument argument, const std::map<std::string, int64_t> &strides) {
    GroupNode node = make(GroupNode::Load, elementOf(argument));
    node.argument = argument.getArgNumber();
    node.strides = strided(strides);
    return node;
  }

  void addLoad(BlockArgument argument) {
    if (llvm::all_of(argument.getUses(), isSource))
      return;
    nodeOf[argument] = add(load(argument, stridesOf(typeOf(argument))));
  }

  int compute(Type element, SmallVector<int> operands, int cost,
              std::function<Value(ScalarBuilder &, ValueRange)> body) {
    GroupNode node = make(GroupNode::Compute, element, std::move(operands));
    node.compute = std::move(body);
    node.cost = cost;
    return add(std::move(node));
  }

  /// Over the reduced axes, or over nothing if all axes of `op` have size 1.
  int reduce(Operation *op, int operand, Combine combine) {
    if (reducedBy(op).empty())
      return operand;
    GroupNode node = make(GroupNode::Reduce, plan.nodes[operand].element, {operand});
    node.combine = combine;
    return add(std::move(node));
  }

  /// The number of a watch; -1 if there is none.
  int watchOf(Operation *op, Watch::Kind kind, StringRef axis = "") {
    auto *found = llvm::find_if(watches, [&](const Watch &watch) {
      return watch.op == op && watch.kind == kind && watch.axis == axis;
    });
    return found == watches.end() ? -1 : int(found - watches.begin());
  }

  LogicalResult addOp(Operation *op) {
    Value result = op->getResult(0);
    SmallVector<int> operands;
    for (Value operand : op->getOperands())
      operands.push_back(nodeOf.lookup(operand));
    if (auto elementwise = dyn_cast<Elementwise>(op)) {
      nodeOf[result] = compute(elementOf(result), operands, costOf(op),
                               [elementwise](ScalarBuilder &b, ValueRange values) mutable {
                                 return elementwise.scalar(b, values);
                               });
    } else if (isa<BroadcastOp>(op)) {
      nodeOf[result] = operands[0];
    } else if (auto constant = dyn_cast<ConstantOp>(op)) {
      Type element = elementOf(result);
      double value = constant.getValue().convertToDouble();
      nodeOf[result] = compute(
          element, {}, 0, [=](ScalarBuilder &b, ValueRange) { return b.constant(value, element); });
    } else if (auto index = dyn_cast<IndexOp>(op)) {
      ValueType group{Element::I32, {}};
      for (const std::string &axis : index.getAxes().strings())
        group.axes.push_back(*typeOf(result).find(axis));
      GroupNode node = make(GroupNode::Position, elementOf(result));
      node.strides = strided(stridesOf(group));
      nodeOf[result] = add(std::move(node));
    } else if (auto gather = dyn_cast<GatherOp>(op)) {
      return addGather(gather);
    } else if (auto slice = dyn_cast<SliceOp>(op)) {
      auto source = dyn_cast<BlockArgument>(slice.getX());
      if (!source)
        return op->emitError("this is a bug in frit: a slice of what its group makes");
      auto strides = stridesOf(typeOf(source));
      int64_t offset = strides[slice.getAxis().str()] * slice.getAt();
      strides.erase(slice.getAxis().str());
      GroupNode node = load(source, strides);
      node.offset = offset;
      nodeOf[result] = add(std::move(node));
    } else if (isa<SumOp, MaxOp, MinOp, AnyOp, AllOp>(op)) {
      Combine combine = isa<SumOp>(op)   ? Combine::Sum
                        : isa<MaxOp>(op) ? Combine::Max
                        : isa<MinOp>(op) ? Combine::Min
                        : isa<AnyOp>(op) ? Combine::Any
                                         : Combine::All;
      nodeOf[result] = reduce(op, operands[0], combine);
    } else if (isa<SoftmaxOp, LogSoftmaxOp, LogSumExpOp>(op)) {
      addSoftmax(op, operands[0]);
    } else {
      return op->emitError("this is a bug in frit: not an op for groups");
    }
    // A reduction over nothing is its operand's node, which has a watch of its own.
    if (GroupNode &node = plan.nodes[nodeOf[result]]; node.watch < 0) {
      node.watch = watchOf(op, Watch::Finite);
      node.canMake = isa<Elementwise>(op) && canMakeNotFinite(op);
    }
    return success();
  }

  struct Exponentials {
    int peak, exps, sum; // peak is 0 where everything is -inf
  };
  /// By the value and its maximum (another one over other axes), shared by softmax and logsumexp.
  std::map<std::pair<int, bool>, Exponentials> exponentials;

  Exponentials exponentialsOf(Operation *op, int x) {
    std::pair key(x, !reducedBy(op).empty());
    if (auto at = exponentials.find(key); at != exponentials.end())
      return at->second;
    Type element = plan.nodes[x].element;
    int peak =
        compute(element, {reduce(op, x, Combine::Peak)}, 2, [](ScalarBuilder &b, ValueRange v) {
          Value none = b.compare(
              "eq", v[0], b.constant(-std::numeric_limits<double>::infinity(), v[0].getType()));
          return b.select(none, b.constant(0, v[0].getType()), v[0]);
        });
    int exps = compute(element, {x, peak}, 16, [](ScalarBuilder &b, ValueRange v) {
      return b.math("exp", b.sub(v[0], v[1]));
    });
    return exponentials[key] = {peak, exps, reduce(op, exps, Combine::Sum)};
  }

  void addSoftmax(Operation *op, int x) {
    auto [peak, exps, sum] = exponentialsOf(op, x);
    Type element = plan.nodes[x].element;
    Value result = op->getResult(0);
    if (isa<SoftmaxOp>(op)) {
      int scale = compute(element, {sum}, 6, [](ScalarBuilder &b, ValueRange v) {
        Value zero = b.constant(0, v[0].getType()), one = b.constant(1, v[0].getType());
        return b.select(b.compare("eq", v[0], zero), zero, b.div(one, v[0]));
      });
      nodeOf[result] = compute(element, {exps, scale}, 1,
                               [](ScalarBuilder &b, ValueRange v) { return b.mul(v[0], v[1]); });
      return;
    }
    if (isa<LogSumExpOp>(op)) {
      nodeOf[result] = compute(element, {sum, peak}, 16, [](ScalarBuilder &b, ValueRange v) {
        return b.add(b.math("log", v[0]), v[1]);
      });
      return;
    }
    // x less the peak first: an offset that a row has in common must not take digits from the log.
    int log = compute(element, {sum}, 16, [](ScalarBuilder &b, ValueRange v) {
      Value zero = b.constant(0, v[0].getType());
      return b.select(b.compare("eq", v[0], zero), zero, b.math("log", v[0]));
    });
    nodeOf[result] = compute(element, {x, peak, log}, 2, [](ScalarBuilder &b, ValueRange v) {
      return b.sub(b.sub(v[0], v[1]), v[2]);
    });
  }

  LogicalResult addGather(GatherOp op) {
    auto source = dyn_cast<BlockArgument>(op.getX());
    if (!source)
      return op->emitError("this is a bug in frit: a gather from what its group makes");
    ValueType type = typeOf(source);
    auto strides = stridesOf(type);
    GroupNode node = make(GroupNode::Load, elementOf(source));
    node.argument = source.getArgNumber();
    for (auto [axis, index] : llvm::zip(op.getAxes().strings(), op.getRest())) {
      node.indices.push_back({nodeOf.lookup(index), strides[axis], type.find(axis)->size,
                              watchOf(op, Watch::Inside, axis)});
      strides.erase(axis);
    }
    if (op.getFill())
      node.fill = nodeOf.lookup(op.getRest().back());
    node.strides = strided(strides);
    nodeOf[op.getResult()] = add(std::move(node));
    return success();
  }

  LogicalResult addStores() {
    for (auto [i, value] : llvm::enumerate(body().getTerminator()->getOperands())) {
      size_t count = 0, left = 0;
      for (const Axis &axis : typeOf(value).axes)
        if (axis.size > 1)
          ++count, left += !reducedAxes.count(axis.name);
      if (count != axes.size() && (count != left || left != outerCount))
        return group.emitError("this is a bug in frit: result ")
               << i << " of a group has neither all its axes nor those that are not reduced";
      GroupStore store{nodeOf.lookup(value), unsigned(group.getInputs().size() + i),
                       elementOf(value), strided(stridesOf(typeOf(value))), false};
      store.inner = count == axes.size() && !reducedAxes.empty();
      plan.stores.push_back(std::move(store));
    }
    return success();
  }
};

} // namespace

FailureOr<GroupNodes> readGroup(GroupOp group) { return Reader(group).run(); }

} // namespace frit
