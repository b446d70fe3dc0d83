// Entry functions: kernels in the order of the ops, at the places of the memory plan.
#pragma once
#include "codegen/lower/Emitter.h"

namespace frit {

/// One kernel as `explain` shows it. An op inside loops is listed once.
struct KernelCall {
  std::string kernel, entry, location, path;
  const char *emitter;
  int64_t times;       // per run of the entry
  double flops, bytes; // of one call: arithmetic, and operands plus results
  bool serial;         // too small to share: thread 0 alone
};

/// What the entries of a module became.
struct Entries {
  mlir::OwningOpRef<mlir::ModuleOp> module; // kernels and entry functions
  std::vector<std::string> symbols;         // frit_entry_<name><suffix>, one per entry
  std::vector<KernelCall> calls;
};

struct EntryOptions {
  bool naive = false;
  /// Below this many element operations a kernel is not worth a meeting of threads.
  double worthSharing = 4096;
};

/// Makes `frit_entry_<name><suffix>(context, thread)` for each entry, with its kernels. Fails with
/// a diagnostic at the op that no emitter takes.
mlir::FailureOr<Entries> emitEntries(mlir::ModuleOp program, const Plan &plan, const Target &target,
                                     const EntryOptions &options, llvm::StringRef suffix);

} // namespace frit
