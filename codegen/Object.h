// From upstream MLIR to machine code: the last stage of the compiler.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "passes/Target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace frit {

enum class Emission { LLVM, Assembly, Object };

struct ObjectOptions {
  Emission emission = Emission::Object;
  /// 0: no optimisation at all (for debugging); otherwise our own short pass list, see Object.cpp.
  int optLevel = 2;
  /// Functions and globals that stay visible to the linker. Every other definition becomes
  /// internal, so that objects of several instruction-set levels can be linked together. Empty:
  /// what MLIR calls public is visible.
  std::vector<std::string> exports;
};

/// Registers what `compileModule` needs: upstream dialects (func, scf, cf, arith, math, vector,
/// memref, index, ub, llvm) and their translations. Call once per context before building IR.
void registerCodegenDialects(mlir::DialectRegistry &registry);

/// Lowers the module's ops to the LLVM dialect, in place: math through VectorMath, nothing is left
/// for libm that VectorMath knows. A memref in a signature becomes its descriptor's fields.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module, const Target &target);

/// Lowers a clone of `module`, optimises, and returns the bytes of an object file or the text of
/// LLVM IR or assembly. Errors name the stage; MLIR's own diagnostics go to the context's handler.
llvm::Expected<std::string> compileModule(mlir::ModuleOp module, const Target &target,
                                          const ObjectOptions &options = {});

} // namespace frit
