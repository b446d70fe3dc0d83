// The kernel of a scatter: rows of values are added to (or replace) rows of the result, at
// positions that are data. Each thread owns a range of the places values are put into; it clears
// (or copies) them, then walks over all positions in order and takes those that fall into its
// range. So no two threads write one place, and values that meet are added in the order of their
// positions.
#include "codegen/cpu/Group.h"
#include "codegen/cpu/Watch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Watch.h"
#include <numeric>

using namespace mlir;

namespace frit {
namespace {

/// Elements between neighbours along an axis; 0 where the value lacks it.
int64_t strideOf(const ValueType &type, const std::string &axis) {
  int64_t stride = 1;
  for (const Axis &a : llvm::reverse(type.axes)) {
    if (a.name == axis)
      return stride;
    stride *= a.size;
  }
  return 0;
}

class ScatterEmitter {
public:
  ScatterEmitter(func::FuncOp kernel, ScatterOp op, const Target &target, ImplicitLocOpBuilder &b)
      : kernel(kernel), op(op), b(b), scalar(b), out(typeOf(op.getResult())),
        element(cast<RankedTensorType>(op.getType()).getElementType()) {
    stored = element.isInteger(1) ? b.getI8Type() : element;
    width = target.lanes(std::max(8u, stored.getIntOrFloatBitWidth()));
    intoCount = op.getInto().getNames().size();
    for (const std::string &axis : op.getInto().strings())
      into.push_back(*out.find(axis));
    for (Value operand : op.getRest().take_front(intoCount + op.getMasked()))
      for (const Axis &axis : typeOf(operand).axes)
        if (!llvm::is_contained(positions, axis))
          positions.push_back(axis);
    // What is neither is a row, copied whole: the kept axes, innermost last.
    for (const Axis &axis : out.axes)
      if (!llvm::is_contained(into, axis) && !llvm::is_contained(positions, axis))
        row.push_back(axis);
  }

  void run() {
    unsigned count = kernel.getNumArguments();
    Value thread = toI64(kernel.getArgument(count - 2)),
          threads = toI64(kernel.getArgument(count - 1));
    int64_t places = 1;
    for (const Axis &axis : into)
      places *= axis.size;
    from = arith::DivUIOp::create(b, mul(constant(places), thread), threads);
    to = arith::DivUIOp::create(b, mul(constant(places), add(thread, constant(1))), threads);
    if (op.getOnto()) {
      Value result = LLVM::PtrToIntOp::create(b, b.getI64Type(), resultPointer());
      Value onto = LLVM::PtrToIntOp::create(b, b.getI64Type(), startPointer());
      Value elsewhere = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, result, onto);
      auto branch = scf::IfOp::create(b, elsewhere, false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(branch.thenYield());
      emitStart();
    } else {
      emitStart();
    }
    emitPositions();
  }

private:
  func::FuncOp kernel;
  ScatterOp op;
  ImplicitLocOpBuilder &b;
  ScalarBuilder scalar;
  ValueType out;
  Type element, stored;
  int64_t width;
  size_t intoCount;
  std::vector<Axis> into, positions, row;
  Value from, to; // the places of this thread

  Value constant(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value toI64(Value index) { return arith::IndexCastOp::create(b, b.getI64Type(), index); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value resultPointer() { return kernel.getArgument(op->getNumOperands()); }
  Value startPointer() { return kernel.getArgument(op->getNumOperands() - 1); }

  Value watchesPointer() { return kernel.getArgument(op->getNumOperands() + 1); }

  Value address(Value base, Type type, Value offset) {
    return LLVM::GEPOp::create(b, base.getType(), type, base, ArrayRef<LLVM::GEPArg>{offset});
  }
  unsigned alignment(Type type) {
    return std::max(1u, getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8);
  }
  Value load(Value base, Type type, Value offset) {
    return LLVM::LoadOp::create(b, type, address(base, getElementTypeOrSelf(type), offset),
                                alignment(type));
  }
  void store(Value base, Value value, Value offset) {
    Type type = value.getType();
    LLVM::StoreOp::create(b, value, address(base, getElementTypeOrSelf(type), offset),
                          alignment(type));
  }

  void loop(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
    auto op = scf::ForOp::create(b, from, to, constant(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op.getBody()->getTerminator());
    body(op.getInductionVar());
  }

  /// Loops over axes; the body gets an offset per type in `types`.
  void walk(ArrayRef<Axis> axes, ArrayRef<ValueType> types, SmallVector<Value> offsets,
            function_ref<void(ArrayRef<Value>)> body) {
    if (axes.empty())
      return body(offsets);
    loop(constant(0), constant(axes[0].size), 1, [&](Value i) {
      SmallVector<Value> next;
      for (auto [type, offset] : llvm::zip(types, offsets)) {
        int64_t stride = strideOf(type, axes[0].name);
        next.push_back(stride ? add(offset, mul(i, constant(stride))) : offset);
      }
      walk(axes.drop_front(), types, next, body);
    });
  }

  /// Rows of the result beside rows of another value: `body` gets a type to load and store and both
  /// offsets, vectors as far as the last axis is dense on both sides.
  void walkRow(const ValueType &other, Value offset, Value resultOffset,
               function_ref<void(Type, Value, Value)> body) {
    std::vector<Axis> outer = row;
    int64_t size = 1;
    bool dense = !row.empty() && strideOf(out, row.back().name) == 1 &&
                 strideOf(other, row.back().name) == 1;
    if (dense) {
      size = row.back().size;
      outer.pop_back();
    }
    walk(outer, {other, out}, {offset, resultOffset}, [&](ArrayRef<Value> at) {
      if (!dense)
        return body(stored, at[0], at[1]);
      int64_t whole = size / width * width;
      if (whole)
        loop(constant(0), constant(whole), width, [&](Value i) {
          body(VectorType::get({width}, stored), add(at[0], i), add(at[1], i));
        });
      if (whole != size)
        loop(constant(whole), constant(size), 1,
             [&](Value i) { body(stored, add(at[0], i), add(at[1], i)); });
    });
  }

  /// The offset of a place, given flat.
  Value placeOffset(Value place) {
    Value out = constant(0);
    for (const Axis &axis : llvm::reverse(into)) {
      Value at = place;
      if (&axis != &into.front())
        at = arith::RemUIOp::create(b, place, constant(axis.size));
      out = add(out, mul(at, constant(strideOf(this->out, axis.name))));
      place = arith::DivUIOp::create(b, place, constant(axis.size));
    }
    return out;
  }

  /// Zeros, or what was there, in the places of this thread.
  void emitStart() {
    std::vector<Axis> aligned;
    for (const Axis &axis : out.axes)
      if (llvm::is_contained(positions, axis) && !llvm::is_contained(into, axis))
        aligned.push_back(axis);
    ValueType source = op.getOnto() ? typeOf(op.getRest().back()) : out;
    loop(from, to, 1, [&](Value place) {
      Value start = placeOffset(place), onto = start;
      if (op.getOnto() && source != out) {
        ValueType mine = out;
        out = source;
        onto = placeOffset(place);
        out = mine;
      }
      walk(aligned, {source, out}, {onto, start}, [&](ArrayRef<Value> at) {
        walkRow(source, at[0], at[1], [&](Type type, Value sourceAt, Value resultAt) {
          Value value =
              op.getOnto() ? load(startPointer(), type, sourceAt) : scalar.constant(0, type);
          store(resultPointer(), value, resultAt);
        });
      });
    });
  }

  void emitPositions() {
    ValueType x = typeOf(op.getX());
    // A position may lie along an axis of the name of one that it is put into (a sort's order
    // does): walking it does not move through the result.
    ValueType kept = out;
    for (Axis &axis : kept.axes)
      if (llvm::is_contained(into, axis))
        axis.name.clear();
    std::vector<ValueType> types{x, kept};
    for (Value operand : op.getRest().take_front(intoCount + op.getMasked()))
      types.push_back(typeOf(operand));
    walk(positions, types, SmallVector<Value>(types.size(), constant(0)), [&](ArrayRef<Value> at) {
      Value counts = arith::ConstantOp::create(b, b.getBoolAttr(true)), place = constant(0);
      auto require = [&](arith::CmpIPredicate how, Value left, Value right) {
        counts = arith::AndIOp::create(b, counts, arith::CmpIOp::create(b, how, left, right));
      };
      if (op.getMasked())
        require(arith::CmpIPredicate::ne,
                load(kernel.getArgument(1 + intoCount), b.getI8Type(), at[2 + intoCount]),
                scalar.constant(0, b.getI8Type()));
      Value isThere = counts;
      for (size_t i = 0; i < intoCount; ++i) {
        Value position = load(kernel.getArgument(1 + i), b.getI32Type(), at[2 + i]);
        Value index = arith::ExtSIOp::create(b, b.getI64Type(), position);
        Value size = constant(into[i].size);
        if (op.getChecked()) {
          Value outside = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, index, size);
          noteOutside(b, watchesPointer(), int(i), arith::AndIOp::create(b, isThere, outside),
                      position);
        }
        require(arith::CmpIPredicate::ult, index, size);
        place = add(mul(place, size), index);
      }
      require(arith::CmpIPredicate::uge, place, from);
      require(arith::CmpIPredicate::ult, place, to);
      auto branch = scf::IfOp::create(b, counts, false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(branch.thenYield());
      Value target = add(at[1], placeOffset(place));
      walkRow(x, at[0], target, [&](Type type, Value valueAt, Value resultAt) {
        Value value = load(kernel.getArgument(0), type, valueAt);
        if (op.getMode() == "add")
          value = scalar.add(load(resultPointer(), type, resultAt), value);
        store(resultPointer(), value, resultAt);
      });
    });
  }
};

} // namespace

func::FuncOp emitScatter(ModuleOp module, StringRef name, ScatterOp op, const Target &target) {
  ImplicitLocOpBuilder b(op.getLoc(), OpBuilder::atBlockEnd(module.getBody()));
  SmallVector<Type> types(op->getNumOperands() + 2 + isWatched(op),
                          LLVM::LLVMPointerType::get(module.getContext()));
  types.append(2, b.getIndexType());
  auto kernel = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  kernel.setPrivate();
  b.setInsertionPointToStart(kernel.addEntryBlock());
  ScatterEmitter(kernel, op, target, b).run();
  func::ReturnOp::create(b);
  return kernel;
}

} // namespace frit
