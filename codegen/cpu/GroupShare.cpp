// Which results of a group may lie over its operands: asked of the plan of its kernel, so that the
// answer is about the passes that are really made.
#include "codegen/cpu/GroupPlan.h"
#include <set>

using namespace mlir;

namespace frit {

/// Whether `pass` reads the argument, rather than what earlier passes kept of it.
static bool isReadIn(const GroupPlan &plan, int pass, unsigned argument) {
  std::set<int> seen;
  std::function<bool(int)> reads = [&](int at) {
    const GroupNode &node = plan.nodes[at];
    if (!plan.isInner(node) || !seen.insert(at).second)
      return false;
    if (node.first < pass && (node.scratch >= 0 || node.store >= 0))
      return false;
    bool found = node.kind == GroupNode::Load && node.argument == argument;
    for (int operand : node.operands)
      found |= reads(operand);
    for (const GroupNode::Index &index : node.indices)
      found |= reads(index.node);
    return found || (node.fill >= 0 && reads(node.fill));
  };
  for (const GroupStore &store : plan.stores)
    if (store.inner && plan.nodes[store.node].pass == pass && reads(store.node))
      return true;
  return llvm::any_of(plan.nodes, [&](const GroupNode &node) {
    return node.kind == GroupNode::Reduce && node.pass == pass + 1 && reads(node.operands[0]);
  });
}

bool mayShareMemory(GroupOp group, unsigned operand, unsigned result) {
  if (group.getInputs()[operand].getType() != group.getResults()[result].getType())
    return false;
  // Passes do not depend on the target.
  FailureOr<GroupPlan> plan = planGroup(group, *Target::named("baseline"));
  if (failed(plan))
    return false;
  const GroupStore &store = plan->stores[result];
  // Read at the place that is written, and nowhere else.
  for (const GroupNode &node : plan->nodes)
    if (node.kind == GroupNode::Load && node.argument == operand &&
        (node.strides != store.strides || node.offset != 0 || !node.indices.empty()))
      return false;
  // Results of a row are stored when it is over, others in their pass, after all that it computes.
  if (!store.inner)
    return true;
  for (int pass = plan->nodes[store.node].pass + 1; pass < plan->passes; ++pass)
    if (isReadIn(*plan, pass, operand))
      return false;
  return true;
}

} // namespace frit
