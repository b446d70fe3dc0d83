// From the body of a group to nodes, dimensions, passes and scratch rows. See GroupPlan.h.
#include "codegen/cpu/GroupPlan.h"
#include "passes/Watch.h"
#include <set>

using namespace mlir;

namespace frit {
namespace {

constexpr int64_t fewItems = 64;    // pieces of work that every split among threads can balance
constexpr int64_t smallWork = 8192; // elements that are not worth splitting
constexpr int cheapAgain = 4;       // instructions that are cheaper than a scratch row

int64_t roundUp(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

int64_t bytesOf(Type element) { return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8); }

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// Elements between neighbours along each axis of a dense value, by name.
std::map<std::string, int64_t> stridesOf(const ValueType &type) {
  std::map<std::string, int64_t> out;
  int64_t stride = 1;
  for (const Axis &axis : llvm::reverse(type.axes)) {
    out[axis.name] = stride;
    stride *= axis.size;
  }
  return out;
}

int costOf(Operation *op) {
  if (isa<ExpOp, LogOp, Log1pOp, Expm1Op, PowOp, TanhOp, SigmoidOp, SoftplusOp, ErfOp, SinOp, CosOp,
          LogAddExpOp>(op))
    return 16;
  if (isa<DivOp, SqrtOp, RsqrtOp, ModOp>(op))
    return 6;
  return 1;
}

class Planner {
public:
  Planner(GroupOp group, const Target &target)
      : group(group), target(target), watches(watchesOf(group)) {
    plan.watched = !watches.empty();
  }

  FailureOr<GroupPlan> run() {
    if (failed(findAxes()))
      return failure();
    for (BlockArgument argument : body().getArguments())
      addLoad(argument);
    for (Operation &op : body().without_terminator())
      if (failed(addOp(&op)))
        return failure();
    if (failed(addStores()))
      return failure();
    collapse();
    chooseWidth();
    findPasses();
    dropUnused();
    placeScratch();
    return std::move(plan);
  }

private:
  GroupOp group;
  const Target &target;
  SmallVector<Watch> watches;
  GroupPlan plan;
  std::vector<Axis> axes; // of the walk: outer, reduced; the lanes last in theirs
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
      if (auto over = op.getAttrOfType<AxesAttr>("over")) {
        std::set<std::string> names;
        for (const std::string &axis : over.strings())
          if (all.count(axis))
            names.insert(axis);
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
    auto over = op->getAttrOfType<AxesAttr>("over").strings();
    if (llvm::none_of(over, [&](auto &axis) { return reducedAxes.count(axis); }))
      return operand;
    GroupNode node = make(GroupNode::Reduce, plan.nodes[operand].element, {operand});
    node.combine = combine;
    return add(std::move(node));
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
    return success();
  }

  struct Exponentials {
    int peak, exps, sum; // peak is 0 where everything is -inf
  };
  /// By the value and its maximum (another one over other axes), shared by softmax and logsumexp.
  std::map<std::pair<int, bool>, Exponentials> exponentials;

  Exponentials exponentialsOf(Operation *op, int x) {
    auto over = op->getAttrOfType<AxesAttr>("over").strings();
    bool reduces = llvm::any_of(over, [&](auto &axis) { return reducedAxes.count(axis); });
    std::pair key(x, reduces);
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
    int total = compute(element, {sum, peak}, 16, [](ScalarBuilder &b, ValueRange v) {
      return b.add(b.math("log", v[0]), v[1]);
    });
    if (isa<LogSumExpOp>(op)) {
      nodeOf[result] = total;
      return;
    }
    int shift = compute(element, {sum, total}, 2, [](ScalarBuilder &b, ValueRange v) {
      Value zero = b.constant(0, v[0].getType());
      return b.select(b.compare("eq", v[0], zero), zero, v[1]);
    });
    nodeOf[result] = compute(element, {x, shift}, 1,
                             [](ScalarBuilder &b, ValueRange v) { return b.sub(v[0], v[1]); });
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
      auto *watch = llvm::find_if(
          watches, [&](const Watch &watch) { return watch.op == op && watch.axis == axis; });
      node.indices.push_back({nodeOf.lookup(index), strides[axis], type.find(axis)->size,
                              watch == watches.end() ? -1 : int(watch - watches.begin())});
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

  //===-- Dimensions ------------------------------------------------------------------------===//

  template <typename Body> void forEachStrides(Body body) {
    for (GroupNode &node : plan.nodes)
      if (node.kind == GroupNode::Load || node.kind == GroupNode::Position)
        body(node.strides);
    for (GroupStore &store : plan.stores)
      body(store.strides);
  }

  /// Neighbouring axes become one dimension where everybody steps through them alike.
  void collapse() {
    SmallVector<SmallVector<unsigned>> runs; // axes of each dimension
    size_t outerRuns = 0;
    for (unsigned i = 0; i < axes.size(); ++i) {
      bool together = i != 0 && i != outerCount;
      if (together)
        forEachStrides([&](SmallVector<int64_t> &strides) {
          together &= strides[i - 1] == strides[i] * axes[i].size;
        });
      if (!together)
        runs.emplace_back(), outerRuns += i < outerCount;
      runs.back().push_back(i);
    }
    // Lanes go last.
    if (plan.hasLanes && !plan.rows) {
      std::rotate(runs.begin() + outerRuns - 1, runs.begin() + outerRuns, runs.end());
      --outerRuns;
    }
    forEachStrides([&](SmallVector<int64_t> &strides) {
      SmallVector<int64_t> out;
      for (auto &run : runs)
        out.push_back(strides[run.back()]);
      strides = out;
    });
    for (auto &run : runs) {
      int64_t size = 1;
      for (unsigned axis : run)
        size *= axes[axis].size;
      plan.sizes.push_back(size);
    }
    plan.outer = outerRuns;
    plan.reduced = runs.size() - outerRuns - plan.hasLanes;
    for (GroupNode &node : plan.nodes) {
      for (auto [i, stride] : llvm::enumerate(node.strides))
        if (stride)
          node.dims |= uint64_t(1) << i;
      for (int operand : node.operands)
        node.dims |= plan.nodes[operand].dims;
      for (auto &index : node.indices)
        node.dims |= plan.nodes[index.node].dims;
      if (node.kind == GroupNode::Reduce) {
        node.dims &= ~plan.reducedBits();
        if (!plan.rows)
          node.dims |= plan.laneBit();
      }
    }
  }

  void chooseWidth() {
    if (!plan.hasLanes)
      return;
    unsigned bits = 32;
    for (GroupNode &node : plan.nodes)
      bits = std::max(bits, node.element.getIntOrFloatBitWidth());
    plan.width = target.lanes(bits);
    int cost = 0;
    bool strided = false;
    for (GroupNode &node : plan.nodes) {
      cost += plan.isVector(node) ? node.cost + 1 : 0;
      strided |= !node.strides.empty() && node.strides.back() > 1;
    }
    int64_t lanes = plan.lanes(), rows = 1;
    bool reduces =
        llvm::any_of(plan.nodes, [](GroupNode &node) { return node.kind == GroupNode::Reduce; });
    plan.units = strided ? 1 : plan.rows ? 4 : reduces ? 8 : cost > 24 ? 1 : cost > 12 ? 2 : 4;
    if (reduces && cost > 48)
      plan.units = std::min(plan.units, 2u);
    // A register file holds the accumulators of few reductions only.
    int64_t accumulators =
        llvm::count_if(plan.nodes, [](GroupNode &node) { return node.kind == GroupNode::Reduce; });
    while (plan.units > 1 && accumulators * plan.units > target.registers / 2)
      plan.units /= 2;
    while (plan.units > 1 && plan.units * plan.width > lanes)
      plan.units /= 2;
    for (unsigned i = 0; i < plan.outer; ++i)
      rows *= plan.sizes[i];
    // Enough pieces of work for any number of threads, or a single one where there is little.
    int64_t elements = 1;
    for (int64_t size : plan.sizes)
      elements *= size;
    plan.chunk = lanes;
    if (!plan.rows && rows < fewItems && elements > smallWork) {
      if (reduces)
        while (plan.units > 2 && lanes / (plan.units * plan.width) * rows < 8)
          plan.units /= 2;
      int64_t step = plan.units * plan.width;
      int64_t pieces = std::max<int64_t>(1, fewItems / rows);
      plan.chunk = std::max(roundUp((lanes + pieces - 1) / pieces, step),
                            reduces ? step : roundUp(4096, step));
    }
  }

  //===-- Passes ----------------------------------------------------------------------------===//

  void findPasses() {
    for (GroupNode &node : plan.nodes) {
      auto wait = [&](int operand) { node.pass = std::max(node.pass, plan.nodes[operand].pass); };
      llvm::for_each(node.operands, wait);
      for (auto &index : node.indices)
        wait(index.node);
      if (node.fill >= 0)
        wait(node.fill);
      if (node.kind == GroupNode::Reduce)
        ++node.pass;
    }
    for (GroupNode &node : plan.nodes)
      if (node.kind == GroupNode::Reduce)
        plan.passes = std::max(plan.passes, node.pass);
    for (GroupStore &store : plan.stores)
      if (store.inner)
        plan.passes = std::max(plan.passes, plan.nodes[store.node].pass + 1);
  }

  template <typename Body> void forEachOperand(const GroupNode &node, Body body) {
    llvm::for_each(node.operands, body);
    for (auto &index : node.indices)
      body(index.node);
    if (node.fill >= 0)
      body(node.fill);
  }

  void dropUnused() {
    std::vector<bool> used(plan.nodes.size());
    for (GroupStore &store : plan.stores)
      used[store.node] = true;
    for (int i = int(plan.nodes.size()); i-- > 0;)
      if (used[i])
        forEachOperand(plan.nodes[i], [&](int operand) { used[operand] = true; });
    std::vector<int> renamed(plan.nodes.size());
    std::vector<GroupNode> kept;
    for (auto [i, node] : llvm::enumerate(plan.nodes)) {
      renamed[i] = int(kept.size());
      if (!used[i])
        continue;
      for (int &operand : node.operands)
        operand = renamed[operand];
      for (auto &index : node.indices)
        index.node = renamed[index.node];
      if (node.fill >= 0)
        node.fill = renamed[node.fill];
      kept.push_back(std::move(node));
    }
    plan.nodes = std::move(kept);
    for (GroupStore &store : plan.stores)
      store.node = renamed[store.node];
  }

  /// Whether a later pass reads the node from memory rather than computing it again.
  bool isKept(int node) const {
    return plan.nodes[node].scratch >= 0 || plan.nodes[node].store >= 0;
  }

  /// Instructions to have the inner node again in `pass`.
  int costAgain(int at, int pass, std::set<int> &seen) {
    const GroupNode &node = plan.nodes[at];
    if (!plan.isInner(node) || !seen.insert(at).second)
      return 0;
    if (isKept(at) && node.first < pass)
      return 1;
    int out = node.kind == GroupNode::Compute ? node.cost : 1;
    if (!node.indices.empty())
      out += 4;
    forEachOperand(node, [&](int operand) { out += costAgain(operand, pass, seen); });
    return out;
  }

  void placeScratch() {
    int64_t row = 1;
    for (unsigned i = plan.outer; i < plan.outer + plan.reduced; ++i)
      row *= plan.sizes[i];
    row *= plan.rows ? roundUp(plan.lanes(), plan.width) : plan.units * plan.width;
    for (int pass = 0; pass < plan.passes; ++pass) {
      std::set<int> seen;
      std::function<void(int)> want = [&](int at) {
        GroupNode &node = plan.nodes[at];
        if (!plan.isInner(node) || !seen.insert(at).second)
          return;
        if (node.first < 0)
          node.first = pass;
        if (node.first < pass) {
          std::set<int> cone;
          if (!isKept(at) && costAgain(at, pass, cone) > cheapAgain)
            keep(at, row);
          if (isKept(at))
            return;
        }
        forEachOperand(node, want);
      };
      for (GroupStore &store : plan.stores)
        if (store.inner && plan.nodes[store.node].pass == pass)
          want(store.node);
      for (GroupNode &node : plan.nodes)
        if (node.kind == GroupNode::Reduce && node.pass == pass + 1)
          want(node.operands[0]);
    }
  }

  void keep(int at, int64_t row) {
    GroupNode &node = plan.nodes[at];
    for (auto [i, store] : llvm::enumerate(plan.stores))
      if (store.node == at && store.inner && store.strides.back() == 1) {
        node.store = int(i);
        node.first = node.pass;
        return;
      }
    node.scratch = plan.workspace;
    plan.workspace += roundUp(row * bytesOf(node.element), 64);
  }
};

} // namespace

FailureOr<GroupPlan> planGroup(GroupOp group, const Target &target) {
  return Planner(group, target).run();
}

int64_t groupWorkspaceBytes(GroupOp group, const Target &target) {
  FailureOr<GroupPlan> plan = planGroup(group, target);
  return failed(plan) ? 0 : plan->workspace;
}

/// Reductions on the longest path to each value of a group.
static llvm::DenseMap<Value, int> passesOf(GroupOp group) {
  llvm::DenseMap<Value, int> out;
  for (Operation &op : group.getBody().front().without_terminator()) {
    int passes = 0;
    for (Value operand : op.getOperands())
      passes = std::max(passes, out.lookup(operand));
    passes += isa<SumOp, MaxOp, MinOp, AnyOp, AllOp>(op)      ? 1
              : isa<SoftmaxOp, LogSoftmaxOp, LogSumExpOp>(op) ? 2
                                                              : 0;
    for (Value result : op.getResults())
      out[result] = passes;
  }
  return out;
}

bool mayShareMemory(GroupOp group, unsigned operand, unsigned result) {
  Value input = group.getInputs()[operand], output = group.getResults()[result];
  if (input.getType() != output.getType())
    return false;
  Block &body = group.getBody().front();
  BlockArgument argument = body.getArgument(operand);
  // Read at the place that is written only: not through a gather, a slice or under a wider walk.
  int64_t walk = typeOf(output).count();
  for (Operation &op : body.without_terminator())
    for (Value value : op.getResults())
      if (typeOf(value).count() > walk)
        return false;
  if (llvm::any_of(argument.getUses(),
                   [](OpOperand &use) { return isa<GatherOp, SliceOp>(use.getOwner()); }))
    return false;
  // Later passes over the row would read what this result has overwritten.
  llvm::DenseMap<Value, int> passes = passesOf(group);
  int mine = passes.lookup(body.getTerminator()->getOperand(result));
  // These walk over their row twice, the second time after its maximum is known.
  for (Operation &op : body.without_terminator())
    if (isa<SoftmaxOp, LogSoftmaxOp, LogSumExpOp>(op) && passes.lookup(op.getOperand(0)) + 1 > mine)
      return false;
  return llvm::all_of(passes, [&](auto &entry) {
    return entry.second <= mine || typeOf(entry.first).count() < walk;
  });
}

} // namespace frit
