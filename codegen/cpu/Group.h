// One kernel per `frit.group`, and per scatter: vectorised loops over memory.
#pragma once
#include "dialect/Frit.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Target.h"

namespace frit {

/// Adds to `module` and returns
///
///   func.func private @name(%operands: !llvm.ptr..., %results: !llvm.ptr..., %watches: !llvm.ptr,
///                           %workspace: !llvm.ptr, %thread: index, %threads: index)
///
/// (without %watches if `watchesOf(group)` is empty), which computes the share of `%thread`. Values
/// lie row-major in the order of their types, i1 as one byte each. Threads need no barrier among
/// themselves, any number of them gives the same bits.
/// `%workspace` is this thread's own, `groupWorkspaceBytes` long, 64-byte aligned. Results must not
/// overlap operands, except where `mayShareMemory` says so. Fails with an error at the group if the
/// body holds an op that is not for groups.
mlir::FailureOr<mlir::func::FuncOp> emitGroup(mlir::ModuleOp module, llvm::StringRef name,
                                              GroupOp group, const Target &target);

/// Bytes of workspace each thread needs.
int64_t groupWorkspaceBytes(GroupOp group, const Target &target);

/// Whether result `result` may take the memory of operand `operand`: every element is read, by the
/// thread that writes it, before it is written. (Weights and slots of an optimiser are updated in
/// place this way.)
bool mayShareMemory(GroupOp group, unsigned operand, unsigned result);

/// The same for a scatter, with its operands, its result and its watches. The result may take the
/// memory of `onto`, its last operand: then nothing is copied.
mlir::func::FuncOp emitScatter(mlir::ModuleOp module, llvm::StringRef name, ScatterOp op,
                               const Target &target);

} // namespace frit
