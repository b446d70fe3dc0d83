// What the kernels of groups are written in: integers, loops, memory and reductions at one place of
// the walk. Internal to Group.cpp.
#pragma once
#include "codegen/cpu/Sums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace frit::group {

using mlir::ArrayRef;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using mlir::VectorType;
namespace arith = mlir::arith;

/// A place on the walk along the lanes.
struct Lanes {
  Value start;        // i64: the first lane
  unsigned units = 1; // registers
  int64_t count = 0;  // lanes of a partial register; 0: all
};

class GroupCode {
protected:
  GroupCode(const GroupPlan &plan, mlir::ImplicitLocOpBuilder &b) : plan(plan), b(b), scalar(b) {}

  const GroupPlan &plan;
  mlir::ImplicitLocOpBuilder &b;
  ScalarBuilder scalar;
  SmallVector<Value> position; // i64 per dimension except lanes; null where not inside
  Lanes lanes;

  //===-- Integers and loops ----------------------------------------------------------------===//

  Value constant(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value toI64(Value index) { return arith::IndexCastOp::create(b, b.getI64Type(), index); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivUIOp::create(b, x, y); }
  Value scaled(Value x, int64_t by) { return by == 1 ? x : mul(x, constant(by)); }

  using Body = llvm::function_ref<SmallVector<Value>(Value, ValueRange)>;
  SmallVector<Value> loop(Value from, Value to, int64_t step, ValueRange carried, Body body);

  /// A loop with known bounds: nothing for no trip, no loop for one.
  SmallVector<Value> fixedLoop(int64_t from, int64_t to, int64_t step, ValueRange carried,
                               Body body);

  //===-- Memory ----------------------------------------------------------------------------===//

  Type inMemory(Type element) { return element.isInteger(1) ? b.getI8Type() : element; }
  unsigned alignment(Type element) { return std::max(1u, element.getIntOrFloatBitWidth() / 8); }
  VectorType vectorOf(Type element) { return VectorType::get({int64_t(plan.width)}, element); }

  Value address(Value base, Type element, Value offset);

  /// The offset at the present position; lanes of unit `unit` start at `lanes.start`.
  Value offsetOf(ArrayRef<int64_t> strides, unsigned unit, int64_t extra = 0);
  Value mask();
  Value fromMemory(Value value, Type element);
  Value toMemory(Value value);
  Value loadScalar(Value base, Type element, Value offset);
  Value loadVector(Value base, Type element, Value offset);

  int64_t activeLanes() const { return lanes.count ? lanes.count : plan.width; }

  /// Lane by lane, from `offset` in steps of `stride` plus the lanes of `each`, if any.
  Value loadLanes(Value base, Type element, Value offset, int64_t stride, Value each);
  void storeVector(Value base, Value value, Value offset, int64_t stride);
  void storeScalar(Value base, Value value, Value offset);
  Value splat(Value value, Type type);

  //===-- How values meet -------------------------------------------------------------------===//

  Value neutral(Combine how, Type type) { return frit::neutral(b, how, type); }
  Value combine(Combine how, Value x, Value y) { return frit::combine(b, how, x, y); }

  /// A fixed tree: registers by halves, then lanes by halves.
  Value acrossLanes(Combine how, SmallVector<Value> parts);
};

} // namespace frit::group
