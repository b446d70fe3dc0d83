// Lanes that do not exist are masked; a bool is one byte in memory. See GroupCode.h.
#include "codegen/cpu/GroupCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace frit::group {

//===-- Integers and loops ----------------------------------------------------------------===//

SmallVector<Value> GroupCode::loop(Value from, Value to, int64_t step, ValueRange carried,
                                   Body body) {
  auto op = scf::ForOp::create(b, from, to, constant(step), carried);
  OpBuilder::InsertionGuard guard(b);
  Block *block = op.getBody();
  if (block->mightHaveTerminator())
    block->getTerminator()->erase();
  b.setInsertionPointToEnd(block);
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return SmallVector<Value>(op.getResults());
}

SmallVector<Value> GroupCode::fixedLoop(int64_t from, int64_t to, int64_t step, ValueRange carried,
                                        Body body) {
  if (from >= to)
    return SmallVector<Value>(carried);
  if (from + step >= to)
    return body(constant(from), carried);
  return loop(constant(from), constant(to), step, carried, body);
}

//===-- Memory ----------------------------------------------------------------------------===//

Value GroupCode::address(Value base, Type element, Value offset) {
  return LLVM::GEPOp::create(b, base.getType(), element, base, ArrayRef<LLVM::GEPArg>{offset});
}

Value GroupCode::offsetOf(ArrayRef<int64_t> strides, unsigned unit, int64_t extra) {
  Value out;
  auto addTo = [&](Value term) { out = out ? add(out, term) : term; };
  for (auto [i, stride] : llvm::enumerate(strides)) {
    if (stride == 0)
      continue;
    if (i != plan.lane()) {
      addTo(scaled(position[i], stride));
      continue;
    }
    addTo(scaled(lanes.start, stride));
    extra += int64_t(unit) * plan.width * stride;
  }
  if (extra || !out)
    addTo(constant(extra));
  return out;
}

Value GroupCode::mask() {
  SmallVector<bool> bits(plan.width);
  for (unsigned i = 0; i < plan.width; ++i)
    bits[i] = lanes.count == 0 || i < lanes.count;
  auto type = vectorOf(b.getI1Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

Value GroupCode::fromMemory(Value value, Type element) {
  if (!element.isInteger(1))
    return value;
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                               scalar.constant(0, value.getType()));
}

Value GroupCode::toMemory(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (!element.isInteger(1))
    return value;
  Type bytes = b.getI8Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    bytes = vector.clone(bytes);
  return arith::ExtUIOp::create(b, bytes, value);
}

Value GroupCode::loadScalar(Value base, Type element, Value offset) {
  Type stored = inMemory(element);
  Value loaded = LLVM::LoadOp::create(b, stored, address(base, stored, offset), alignment(stored));
  return fromMemory(loaded, element);
}

Value GroupCode::loadVector(Value base, Type element, Value offset) {
  Type stored = inMemory(element);
  Value at = address(base, stored, offset);
  VectorType type = vectorOf(stored);
  Value loaded;
  if (lanes.count)
    loaded = LLVM::MaskedLoadOp::create(b, type, at, mask(), scalar.constant(0, type),
                                        alignment(stored));
  else
    loaded = LLVM::LoadOp::create(b, type, at, alignment(stored));
  return fromMemory(loaded, element);
}

Value GroupCode::loadLanes(Value base, Type element, Value offset, int64_t stride, Value each) {
  Type stored = inMemory(element);
  Value out = scalar.constant(0, vectorOf(stored));
  for (int64_t i = 0; i < activeLanes(); ++i) {
    Value at = add(offset, constant(i * stride));
    if (each)
      at = add(at, vector::ExtractOp::create(b, each, i));
    Value one = LLVM::LoadOp::create(b, stored, address(base, stored, at), alignment(stored));
    out = vector::InsertOp::create(b, one, out, i);
  }
  return fromMemory(out, element);
}

void GroupCode::storeVector(Value base, Value value, Value offset, int64_t stride) {
  value = toMemory(value);
  Type stored = getElementTypeOrSelf(value.getType());
  if (stride != 1) {
    for (int64_t i = 0; i < activeLanes(); ++i) {
      Value at = address(base, stored, add(offset, constant(i * stride)));
      LLVM::StoreOp::create(b, vector::ExtractOp::create(b, value, i), at, alignment(stored));
    }
    return;
  }
  Value at = address(base, stored, offset);
  if (lanes.count)
    LLVM::MaskedStoreOp::create(b, value, at, mask(), alignment(stored));
  else
    LLVM::StoreOp::create(b, value, at, alignment(stored));
}

void GroupCode::storeScalar(Value base, Value value, Value offset) {
  value = toMemory(value);
  Type stored = value.getType();
  LLVM::StoreOp::create(b, value, address(base, stored, offset), alignment(stored));
}

Value GroupCode::splat(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return vector::BroadcastOp::create(b, type, value);
}

//===-- How values meet ---------------------------------------------------------------------===//

Value GroupCode::acrossLanes(Combine how, SmallVector<Value> parts) {
  for (; parts.size() > 1; parts.resize(parts.size() / 2))
    for (size_t i = 0; i < parts.size() / 2; ++i)
      parts[i] = combine(how, parts[i], parts[i + parts.size() / 2]);
  Value sum = parts.front();
  for (int64_t width = plan.width; width > 1; width /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < width / 2; ++i)
      low.push_back(i), high.push_back(i + width / 2);
    sum = combine(how, vector::ShuffleOp::create(b, sum, sum, low),
                  vector::ShuffleOp::create(b, sum, sum, high));
  }
  return vector::ExtractOp::create(b, sum, 0);
}

} // namespace frit::group
