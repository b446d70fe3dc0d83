// Lifetimes to offsets in one arena, before anything runs.
//
// What must hold: at every moment the bytes of a live value are its own. The plan is a side table:
// the ops stay as they are, and codegen asks for the place of each value.
//
//   arena = | states and scalars | inputs and outputs | watches |
//           | activations of the entry that runs | thread 0's workspace | thread 1's | ...
//
// States, scalars, inputs, outputs and watches are fixed and shared by all entries; the activation
// space is as large as the neediest entry's. Behind it each thread has a workspace of
// `threadWorkspace` bytes.
//
// Views (rename, split, merge, the leading slice, ...) have no memory of their own. In a scan, a
// slice is its operand's memory at position i, a stacked value is produced inside the stack, and a
// carried value lives in one of three ways:
//
//   in place   the next value overwrites the old one (acc = acc + x)
//   on tape    the value is also stacked: the loop writes slot i + 1 while it reads slot i
//   twice      two buffers that swap roles
#pragma once
#include "passes/Plan.h"

namespace frit {

/// What the planner must know of the kernels that will be made.
struct KernelFacts {
  /// What an op's kernel needs besides operands and results; nothing if empty.
  std::function<WorkspaceNeed(mlir::Operation *op)> workspace;
  /// May the kernel put that result over that operand, having read each element before it is
  /// written? If empty: elementwise ops, where the axes stand alike.
  std::function<bool(mlir::Operation *op, unsigned operand, unsigned result)> runsInPlace;
};

/// Plans all entries of a module. The module must not change while the plan is in use.
Plan planMemory(mlir::ModuleOp module, const KernelFacts &facts = {});

/// Do the operand and the result have their elements in the same places, and is the op elementwise?
bool isElementwiseInPlace(mlir::Operation *op, unsigned operand, unsigned result);

} // namespace frit
