// C (+)= A · B on the CPU, for matrices with any strides: packed panels and register blocking.
//
// A matrix is a base pointer and three groups of dimensions (batch, rows, columns); each group may
// have several dimensions, outermost first, so that `contract` needs no transpose and no reshape:
//
//   q·kᵀ per head, q and k stored [b, t, h, d]:
//     a = {batch {{B, T*H*D}, {H, D}}, rows {{T, H*D}}, cols {{D, 1}}}
//     b = {batch {{B, T*H*D}, {H, D}}, rows {{D, 1}},   cols {{T, H*D}}}
//     c = {batch {{B, H*T*T}, {H, T*T}}, rows {{T, T}}, cols {{T, 1}}}
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Target.h"
#include <functional>
#include <optional>

namespace frit {

/// One dimension: how many, and how far apart in elements.
struct Dim {
  int64_t size, stride;
};

struct Matrix {
  llvm::SmallVector<Dim> batch, rows, cols; // outermost first
};

/// What an epilogue sees: lanes of one row of C, complete sums, about to be stored.
struct EpilogueTile {
  mlir::Value vector;          // vector<L x element>
  mlir::Value batch, row, col; // index: flat batch and row; the column of lane 0
  mlir::Value mask;            // vector<L x i1> of the lanes that exist; null: all of them
  mlir::ValueRange operands;   // the kernel's extra arguments
};

/// An epilogue runs on the accumulators before they are stored (bias, residual, activation). It may
/// read memory only in lanes that exist.
struct Epilogue {
  llvm::SmallVector<mlir::Type> operands; // types of the kernel's extra arguments
  std::function<mlir::Value(mlir::ImplicitLocOpBuilder &, const EpilogueTile &)> emit;
};

struct MatmulSpec {
  Matrix a;                // M x K
  Matrix b;                // K x N
  Matrix c;                // M x N
  mlir::FloatType element; // f32 or f64
  bool accumulate = false; // c += a·b instead of c = a·b
  std::optional<Epilogue> epilogue;
};

/// Adds to `module` (once per name) and returns
///
///   func.func private @name(%a: !llvm.ptr, %b: !llvm.ptr, %c: !llvm.ptr, %workspace: !llvm.ptr,
///                           %thread: index, %threads: index, extra operands...)
///
/// which computes the share of `%thread` out of `%threads`. The threads need no barrier among
/// themselves. Each element of C is one chain of multiply-adds over k, cut at places that depend on
/// the spec and the target only: any number of threads gives the same bits. `%workspace` is this
/// thread's own, `matmulWorkspaceBytes` long, 64-byte aligned. Nothing outside the matrices is read
/// or written. C must not overlap A or B.
///
/// Sizes must agree between a, b and c, and elements of C must be distinct (asserted).
mlir::func::FuncOp emitMatmul(mlir::ModuleOp module, llvm::StringRef name, const MatmulSpec &spec,
                              const Target &target);

/// Bytes of workspace each thread needs.
int64_t matmulWorkspaceBytes(const MatmulSpec &spec, const Target &target);

} // namespace frit
