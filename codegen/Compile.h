// The whole compiler behind the passes: a module of frit ops becomes objects that link with the
// runtime to one program.
//
//   for each instruction-set level: memory plan -> entries and kernels -> object, description
//   then one small object with the table that the runtime looks for (frit_levels)
#pragma once
#include "codegen/Entry.h"
#include "codegen/Object.h"

namespace frit {

/// `naive`: plain loops only, the oracle.
struct CompileOptions : EntryOptions {
  int optLevel = 2;
};

/// The program for one instruction-set level.
struct Level {
  std::string isa;
  std::string object;      // bytes; exports the entries
  std::string description; // JSON
  Plan plan;               // refers to the ops of the module that was compiled
  std::vector<std::string> entries, symbols;
  std::vector<KernelCall> calls;
};

/// Compiles a module for one level. Groups that no emitter takes are opened first, in place.
/// Fails with a diagnostic in the module's context, and an error that names the stage.
llvm::Expected<Level> compileLevel(mlir::ModuleOp program, const Target &target,
                                   const CompileOptions &options = {});

/// The text of a stage instead of an object: LLVM IR or assembly of one level.
llvm::Expected<std::string> emitText(mlir::ModuleOp program, const Target &target,
                                     Emission emission, const CompileOptions &options = {});

/// The upstream dialects of one level, before they become LLVM (kernels and entries).
llvm::Expected<Entries> lowerLevel(mlir::ModuleOp program, const Target &target,
                                   const CompileOptions &options, Plan &plan,
                                   llvm::StringRef suffix);

/// The object that defines `frit_levels` for these levels, best first.
llvm::Expected<std::string> compileTable(llvm::ArrayRef<Level> levels, mlir::MLIRContext *context);

/// Levels and table: everything that a program consists of besides the runtime.
struct Compiled {
  std::vector<Level> levels;
  std::string table;
  /// The bytes of all objects, ready for linkProgram or linkShared.
  std::vector<std::string> objects() const;
};
llvm::Expected<Compiled> compile(mlir::ModuleOp program, llvm::ArrayRef<Target> targets,
                                 const CompileOptions &options = {});

} // namespace frit
