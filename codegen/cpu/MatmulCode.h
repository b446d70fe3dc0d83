// A thin vocabulary for emitting the matmul: 64-bit integers, raw pointers, vectors. Internal.
#pragma once
#include "codegen/cpu/MatmulPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace frit::matmul {

using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

struct Code {
  mlir::ImplicitLocOpBuilder &b;
  mlir::FloatType element;
  int lanes;
  Type i64, pointer;
  mlir::VectorType vector;

  Code(mlir::ImplicitLocOpBuilder &b, const Plan &plan)
      : b(b), element(plan.element), lanes(plan.lanes), i64(b.getI64Type()),
        pointer(mlir::LLVM::LLVMPointerType::get(b.getContext())),
        vector(mlir::VectorType::get({plan.lanes}, plan.element)) {}

  int bytes() { return element.getWidth() / 8; }

  // Integers; constants fold.
  Value integer(int64_t value) {
    return mlir::arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  Value add(Value x, Value y) { return b.createOrFold<mlir::arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<mlir::arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<mlir::arith::MulIOp>(x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, integer(y)); }
  Value sub(Value x, int64_t y) { return y == 0 ? x : sub(x, integer(y)); }
  Value mul(Value x, int64_t y) { return y == 1 ? x : mul(x, integer(y)); }
  Value div(Value x, int64_t y) {
    return y == 1 ? x : b.createOrFold<mlir::arith::DivUIOp>(x, integer(y));
  }
  Value div(Value x, Value y) { return b.createOrFold<mlir::arith::DivUIOp>(x, y); }
  Value rem(Value x, int64_t y) { return b.createOrFold<mlir::arith::RemUIOp>(x, integer(y)); }
  Value min(Value x, Value y) { return b.createOrFold<mlir::arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b.createOrFold<mlir::arith::MaxSIOp>(x, y); }
  Value less(Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::slt, x, y);
  }
  Value equal(Value x, int64_t y) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::eq, x, integer(y));
  }

  /// Offset in elements of index `i` of an axis.
  Value offset(const Axis &axis, Value i);

  // Memory. Offsets count elements.
  Value at(Value base, Value offset) {
    return mlir::LLVM::GEPOp::create(b, pointer, element, base,
                                     llvm::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  Value at(Value base, int64_t offset) {
    return offset == 0 ? base
                       : mlir::LLVM::GEPOp::create(
                             b, pointer, element, base,
                             llvm::ArrayRef<mlir::LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  Value atByte(Value base, Value offset) {
    return mlir::LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                                     llvm::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  Value load(Type type, Value address) {
    return mlir::LLVM::LoadOp::create(b, type, address, type == i64 ? 8 : bytes());
  }
  void store(Value value, Value address) {
    mlir::LLVM::StoreOp::create(b, value, address, value.getType() == i64 ? 8 : bytes());
  }
  /// The first `count` lanes; the others are zero and not read. 0 means all.
  Value loadLanes(Value address, int64_t count) {
    if (count == 0 || count == lanes)
      return load(vector, address);
    return mlir::LLVM::MaskedLoadOp::create(b, vector, address, mask(count), zero(), bytes());
  }
  void storeLanes(Value value, Value address, int64_t count) {
    if (count == 0 || count == lanes)
      store(value, address);
    else
      mlir::LLVM::MaskedStoreOp::create(b, value, address, mask(count), bytes());
  }
  Value mask(int64_t count) {
    llvm::SmallVector<bool> set(lanes, false);
    std::fill_n(set.begin(), count, true);
    auto type = mlir::VectorType::get({lanes}, b.getI1Type());
    return mlir::arith::ConstantOp::create(b, mlir::DenseElementsAttr::get(type, set));
  }
  Value zero() { return mlir::arith::ConstantOp::create(b, b.getZeroAttr(vector)); }

  /// for (i = low; i < high; i += step) body(i)
  void loop(Value low, Value high, int64_t step, llvm::function_ref<void(Value)> body) {
    mlir::scf::ForOp::create(b, low, high, integer(step), ValueRange{},
                             [&](mlir::OpBuilder &, mlir::Location, Value i, ValueRange) {
                               body(i);
                               mlir::scf::YieldOp::create(b);
                             });
  }
};

/// Declares `name` in the module, or finds it. The body is still to be written when `isNew`.
mlir::func::FuncOp declare(mlir::ModuleOp module, llvm::StringRef name,
                           llvm::ArrayRef<Type> arguments, bool &isNew);

/// @pack(%matrix, %first, %k0, %kc, %panel, %lineStride, %kStride): copies lines first .. first +
/// lines of an operand, k0
/// .. k0 + kc, to [k][width]. May write up to a vector past the panel's end. The strides count when
/// lines and k have one dimension each.
mlir::func::FuncOp emitPack(mlir::ModuleOp module, const Plan &plan, const Operand &operand,
                            int64_t width, int64_t lines, bool alignedStart);

/// Which micro-kernel: everything static about one tile.
struct Tile {
  int64_t rows, cols;
  bool add;      // C += instead of C =
  bool epilogue; // run the epilogue before storing
};

/// @kernel(%a, %b, %bStride, %c, %cStride or %cTable, %kc, %ahead, %aheadLane, %aheadStep,
///         %aheadEnd [, %batch, %row, %col, operands...])
///
/// c (+)= a·b on one tile. Meanwhile fetches into the second-level cache, once every few k, nv
/// lines at `ahead` + lane·aheadLane + min(i·aheadStep, aheadEnd): the source of the next panel to
/// pack.
mlir::func::FuncOp emitKernel(mlir::ModuleOp module, llvm::StringRef owner, const Plan &plan,
                              const Tile &tile, const Epilogue *epilogue);

} // namespace frit::matmul
