// The first half of a group's plan: its body as nodes and stores. Internal to GroupPlan.
#pragma once
#include "codegen/cpu/GroupPlan.h"

namespace frit {

/// Nodes and stores; strides go by axis of the walk: outer ones, then those that are reduced. The
/// lanes are the last axis of either sort.
struct GroupNodes {
  GroupPlan plan;
  std::vector<Axis> axes;
  size_t outerCount = 0;
};

/// Fails with an error at the group if an op is not for groups.
mlir::FailureOr<GroupNodes> readGroup(GroupOp group);

} // namespace frit
