// What Fuse asks of ops and values. Internal to Fuse (Fuse.cpp, FuseSpace.cpp, FusePrepare.cpp).
#pragma once
#include "dialect/Frit.h"
#include <set>

namespace frit::fuse {

/// Axes by name and size: states of two instances may use one name for axes of different sizes.
using AxisSet = std::set<std::pair<std::string, int64_t>>;

/// The axes of a value. An axis of size 1 is no axis here: walking over it is free.
AxisSet axisSetOf(mlir::Value value);
AxisSet minus(AxisSet x, const AxisSet &y);
bool contains(const AxisSet &x, const AxisSet &y);

/// The axes that a group walks over, and those of them that it reduces. Values of a group have the
/// axes of the space, or those that are not reduced, or (recomputed, never leaving) fewer.
struct Space {
  AxisSet all, reduced;
  bool rows = false; // an innermost axis is among the reduced
  AxisSet outer() const { return minus(all, reduced); }
};
Space spaceOf(mlir::Operation *op);

/// Ops that cost a few instructions at most.
bool isCheap(mlir::Operation *op);
bool isGatherLike(mlir::Operation *op);
/// Whether the group emitter knows the op.
bool isFusable(mlir::Operation *op);
/// Ops that every user makes for itself.
bool isFree(mlir::Operation *op);

/// Rewrites of a block that open the way for groups.
void prepare(mlir::Block &block);

} // namespace frit::fuse
