#include "codegen/lower/Kernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace frit {

std::vector<Axis> pick(const ValueType &type, const std::vector<std::string> &names) {
  std::vector<Axis> out;
  for (const std::string &name : names)
    out.push_back(*type.find(name));
  return out;
}

std::vector<Axis> drop(const ValueType &type, const std::vector<std::string> &names) {
  std::vector<Axis> out;
  for (const Axis &axis : type.axes)
    if (!llvm::is_contained(names, axis.name))
      out.push_back(axis);
  return out;
}

KernelBuilder::KernelBuilder(ModuleOp module, StringRef name, unsigned operands, unsigned results,
                             bool hasWatches)
    : b(module.getLoc(), module.getContext()), operandCount(operands) {
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Type> types(operands + results + hasWatches + 1, pointer);
  types.push_back(b.getIndexType());
  types.push_back(b.getIndexType());
  function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  unsigned last = types.size() - 1;
  workspace = entry->getArgument(last - 2);
  if (hasWatches)
    watches = entry->getArgument(last - 3);
  thread = entry->getArgument(last - 1);
  threads = entry->getArgument(last);
  func::ReturnOp::create(b);
  b.setInsertionPoint(entry->getTerminator());
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

std::pair<Value, Value> KernelBuilder::share(int64_t count) {
  // Thread t has ceil(count * t / threads) up to the next thread's.
  Value n = index(count), one = index(1);
  auto bound = [&](Value t) {
    Value rounded = add(mul(n, t), sub(threads, one));
    return arith::DivUIOp::create(b, rounded, threads).getResult();
  };
  return {bound(thread), bound(add(thread, one))};
}

void KernelBuilder::split(const std::vector<Axis> &axes, const Body &body) {
  // Enough pieces for an even split among any sensible number of threads.
  constexpr int64_t enough = 256;
  size_t outer = 0;
  int64_t count = 1;
  while (outer < axes.size() && count < enough)
    count *= axes[outer++].size;
  auto [begin, end] = share(count);
  auto loop = scf::ForOp::create(b, begin, end, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  Position position;
  Value rest = loop.getInductionVar();
  for (size_t i = outer; i-- > 0;) {
    Value size = index(axes[i].size);
    position[axes[i].name] = i == 0 ? rest : arith::RemUIOp::create(b, rest, size).getResult();
    if (i > 0)
      rest = arith::DivUIOp::create(b, rest, size);
  }
  each({axes.begin() + outer, axes.end()}, position, body);
}

void KernelBuilder::each(const std::vector<Axis> &axes, const Position &position,
                         const Body &body) {
  fold(axes, position, {}, [&](const Position &here, ValueRange) {
    body(here);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelBuilder::fold(const std::vector<Axis> &axes, const Position &position,
                                       ValueRange inits, const FoldBody &body) {
  if (axes.empty())
    return body(position, inits);
  auto loop = scf::ForOp::create(b, index(0), index(axes[0].size), index(1), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    if (inits.empty())
      b.setInsertionPoint(loop.getBody()->getTerminator());
    else
      b.setInsertionPointToEnd(loop.getBody());
    Position inside = position;
    inside[axes[0].name] = loop.getInductionVar();
    SmallVector<Value> next =
        fold({axes.begin() + 1, axes.end()}, inside, loop.getRegionIterArgs(), body);
    if (!inits.empty())
      scf::YieldOp::create(b, next);
  }
  return SmallVector<Value>(loop.getResults());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::flat(const std::vector<Axis> &axes, const Position &position) {
  Value sum;
  int64_t stride = 1;
  for (const Axis &axis : llvm::reverse(axes)) {
    auto found = position.find(axis.name);
    assert((found != position.end() || axis.size == 1) && "no position along an axis");
    if (axis.size != 1) {
      Value step = stride == 1 ? found->second : mul(found->second, index(stride));
      sum = sum ? add(step, sum) : step;
    }
    stride *= axis.size;
  }
  return sum ? sum : index(0);
}

/// An i1 takes a byte.
static Type memoryType(Type type) {
  return type.isInteger(1) ? IntegerType::get(type.getContext(), 8) : type;
}

Value KernelBuilder::loadFlat(Value pointer, Element element, Value at) {
  Type type = typeOf(element), stored = memoryType(type);
  Value offset = arith::IndexCastOp::create(b, b.getI64Type(), at);
  Value address = LLVM::GEPOp::create(b, pointer.getType(), stored, pointer, ValueRange{offset});
  Value value = LLVM::LoadOp::create(b, stored, address);
  if (stored == type)
    return value;
  Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
}

void KernelBuilder::storeFlat(Value value, Value pointer, Element element, Value at) {
  Type stored = memoryType(typeOf(element));
  Value offset = arith::IndexCastOp::create(b, b.getI64Type(), at);
  Value address = LLVM::GEPOp::create(b, pointer.getType(), stored, pointer, ValueRange{offset});
  if (stored != value.getType())
    value = arith::ExtUIOp::create(b, stored, value);
  LLVM::StoreOp::create(b, value, address);
}

Value KernelBuilder::load(Value pointer, const ValueType &type, const Position &position) {
  return loadFlat(pointer, type.element, flat(type.axes, position));
}

void KernelBuilder::store(Value value, Value pointer, const ValueType &type,
                          const Position &position) {
  storeFlat(value, pointer, type.element, flat(type.axes, position));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value KernelBuilder::number(double value, Type type) { return scalar().constant(value, type); }
Value KernelBuilder::add(Value x, Value y) {
  return x.getType().isIndex() ? arith::AddIOp::create(b, x, y).getResult() : scalar().add(x, y);
}
Value KernelBuilder::mul(Value x, Value y) {
  return x.getType().isIndex() ? arith::MulIOp::create(b, x, y).getResult() : scalar().mul(x, y);
}
Value KernelBuilder::sub(Value x, Value y) {
  return x.getType().isIndex() ? arith::SubIOp::create(b, x, y).getResult() : scalar().sub(x, y);
}
Value KernelBuilder::toIndex(Value i32) {
  return arith::IndexCastOp::create(b, b.getIndexType(), i32);
}
Value KernelBuilder::toI32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}
Type KernelBuilder::typeOf(Element element) {
  switch (element) {
  case Element::F32:
    return b.getF32Type();
  case Element::F64:
    return b.getF64Type();
  case Element::BF16:
    return b.getBF16Type();
  case Element::I32:
    return b.getI32Type();
  case Element::I1:
    return b.getI1Type();
  }
  llvm_unreachable("an element type without a case");
}

} // namespace frit
