// From nodes to dimensions, passes and scratch rows. See GroupPlan.h.
#include "codegen/cpu/GroupNodes.h"
#include <set>

using namespace mlir;

namespace frit {
namespace {

constexpr int64_t fewItems = 64;    // pieces of work that every split among threads can balance
constexpr int64_t smallWork = 8192; // elements that are not worth splitting
constexpr int cheapAgain = 4;       // instructions that are cheaper than a scratch row

int64_t roundUp(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

int64_t bytesOf(Type element) { return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8); }

class Planner {
public:
  Planner(GroupNodes nodes, const Target &target)
      : target(target), plan(std::move(nodes.plan)), axes(std::move(nodes.axes)),
        outerCount(nodes.outerCount) {}

  GroupPlan run() {
    collapse();
    chooseWidth();
    findPasses();
    dropUnused();
    placeScratch();
    return std::move(plan);
  }

private:
  const Target &target;
  GroupPlan plan;
  std::vector<Axis> axes;
  size_t outerCount;

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
  FailureOr<GroupNodes> nodes = readGroup(group);
  if (failed(nodes))
    return failure();
  return Planner(std::move(*nodes), target).run();
}

int64_t groupWorkspaceBytes(GroupOp group, const Target &target) {
  FailureOr<GroupPlan> plan = planGroup(group, target);
  return failed(plan) ? 0 : plan->workspace;
}

} // namespace frit
