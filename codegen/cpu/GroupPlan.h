// How a group walks over memory, decided before a line of it is emitted.
//
// The *walk* has dimensions (runs of axes that lie together everywhere are one): outer ones, those
// that are reduced, and one of either sort whose elements fill vector registers, the *lanes*.
//
//   sum over t of x[b,t,d]:    outer b    reduced t  lanes d      "columns": lanes stay apart
//   softmax over s, x[b,t,s]:  outer b*t             lanes s      "rows": lanes meet at the end
//   y = x * 2, x[b,t,d]:                             lanes b*t*d
//
// The body becomes a list of nodes: loads, positions, arithmetic, reductions. A reduction needs the
// whole row, so what depends on its result waits for the next *pass* over the row. A value that an
// earlier pass had is computed again if that is cheap, else kept in a scratch row (or read back
// from the result it was stored to).
#pragma once
#include "codegen/cpu/Group.h"
#include <functional>

namespace frit {

enum class Combine { Sum, Max, Min, Any, All, Peak }; // Peak: a maximum that may lose NaNs

struct GroupNode {
  enum Kind { Load, Position, Compute, Reduce } kind = Load;
  mlir::Type element; // of one lane
  llvm::SmallVector<int> operands;

  // Load and Position: elements from one step to the next, per dimension of the walk.
  llvm::SmallVector<int64_t> strides;
  unsigned argument = 0; // Load: which argument of the kernel
  int64_t offset = 0;    // Load: a constant number of elements on top
  struct Index {
    int node;
    int64_t stride, size;
    int watch = -1; // the number of the watch that is told of positions outside
  };
  llvm::SmallVector<Index> indices; // Load of a gather: further offsets, by value
  int fill = -1; // this node stands for what lies outside; watched positions go to the edge

  std::function<mlir::Value(ScalarBuilder &, mlir::ValueRange)> compute;
  int cost = 0;         // of Compute, in instructions or so
  int watch = -1;       // who is told of numbers that are not finite
  bool canMake = false; // Compute: such numbers, from finite ones
  Combine combine = Combine::Sum;

  // Filled in by the plan:
  uint64_t dims = 0;    // dimensions of the walk that the value depends on
  int pass = 0;         // inner: the first pass that can have it; else: passes that must be over
  int64_t scratch = -1; // byte offset in the workspace, if later passes read it from there
  int store = -1;       // or the store they read it back from
  int first = -1;       // the first pass that computes it
};

/// A value on its way to a result.
struct GroupStore {
  int node;
  unsigned argument;
  mlir::Type element;
  llvm::SmallVector<int64_t> strides;
  bool inner = false; // once per element of the row, not once per row
};

struct GroupPlan {
  std::vector<GroupNode> nodes; // operands first
  std::vector<GroupStore> stores;
  llvm::SmallVector<int64_t> sizes; // dimensions: outer, then reduced, then lanes (if any)
  unsigned outer = 0, reduced = 0;  // how many of each, lanes not counted
  bool hasLanes = false, rows = false;
  int passes = 0;                // over the reduced dimensions
  unsigned width = 1, units = 1; // lanes in a register; registers of lanes in flight
  int64_t chunk = 0;             // lanes that belong to one piece of work (not rows)
  int64_t workspace = 0;         // bytes
  bool watched = false;          // the kernel gets a pointer to the words of its watches

  unsigned lane() const { return outer + reduced; }
  int64_t lanes() const { return hasLanes ? sizes[lane()] : 1; }
  uint64_t laneBit() const { return hasLanes ? uint64_t(1) << lane() : 0; }
  /// Dimensions that are gone after a reduction.
  uint64_t reducedBits() const {
    return (((uint64_t(1) << reduced) - 1) << outer) | (rows ? laneBit() : 0);
  }
  bool isInner(const GroupNode &node) const { return node.dims & reducedBits(); }
  bool isVector(const GroupNode &node) const { return node.dims & laneBit(); }
};

/// Fails with an error at the group if an op is not for groups.
mlir::FailureOr<GroupPlan> planGroup(GroupOp group, const Target &target);

} // namespace frit
