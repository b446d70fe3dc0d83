// Ways to make a kernel, and the one place that chooses among them.
//
// An emitter for a kind of op (contractions through packed panels, fused groups, ...) is one
// `Emitter` in one file, and one line in Emitters.cpp.
#pragma once
#include "codegen/lower/Kernel.h"
#include "passes/PlanMemory.h"

namespace frit {

struct Emitter {
  const char *name;
  bool (*canEmit)(mlir::Operation *op, const Target &target);
  /// What the kernel needs besides operands and results; null: nothing. A `perThread` workspace is
  /// this thread's own, a `shared` one is the same for all threads.
  WorkspaceNeed (*workspace)(mlir::Operation *op, const Target &target);
  /// May the kernel put that result over that operand? Null: never.
  bool (*runsInPlace)(mlir::Operation *op, unsigned operand, unsigned result);
  /// Adds functions to the module: the kernel, or its phases, which run one after another with all
  /// threads waiting in between. Signature: see Kernel.h. Names begin with `name`.
  llvm::SmallVector<mlir::func::FuncOp> (*emit)(mlir::Operation *op, mlir::ModuleOp module,
                                                llvm::StringRef name, const Target &target);
};

/// The best emitter that takes the op, or the plain one with `naive`; null if there is none.
const Emitter *chooseEmitter(mlir::Operation *op, const Target &target, bool naive);

// The emitters, best first.
extern const Emitter matmulEmitter;  // lower/Matmul.cpp
extern const Emitter groupEmitter;   // lower/Group.cpp
extern const Emitter scatterEmitter; // lower/Group.cpp
extern const Emitter sortEmitter;    // lower/Sort.cpp
extern const Emitter plainEmitter;   // lower/Emitters.cpp

} // namespace frit
