// sort and top_k of long rows: a merge sort of positions, from short runs to long ones, so that
// ties stay in their order. A thread sorts whole rows, with two rows of positions as workspace.
#include "codegen/lower/Emitter.h"
#include "codegen/lower/Lower.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace frit {
namespace {

Axis sortedAxis(Operation *op) {
  ValueType type = typeOf(op->getOperand(0));
  return *type.find(op->getAttrOfType<AxesAttr>("over").strings().front());
}

class RowSorter {
public:
  RowSorter(Operation *op, KernelBuilder &k)
      : k(k), s(k.scalar()), from(typeOf(op->getOperand(0))), axis(sortedAxis(op)),
        largestFirst(isa<TopKOp>(op)) {}

  /// Where the positions of the row lie in order.
  Value sort(const Position &row) {
    auto at = [&](int64_t elements) -> Value {
      return LLVM::GEPOp::create(k.b, k.workspace.getType(), k.b.getI32Type(), k.workspace,
                                 ArrayRef<LLVM::GEPArg>{int32_t(elements)});
    };
    Value here = at(0), there = at(axis.size), n = k.index(axis.size);
    k.each({axis}, {}, [&](const Position &position) {
      put(here, position.at(axis.name), position.at(axis.name));
    });
    int passes = 0;
    while (int64_t(1) << passes < axis.size)
      ++passes;
    loop(k.index(0), k.index(passes), k.index(1), {}, [&](Value pass, ValueRange) {
      Value isOdd = arith::TruncIOp::create(
          k.b, k.b.getI1Type(),
          arith::IndexCastOp::create(k.b, k.b.getI64Type(), pass).getResult());
      Value source = LLVM::SelectOp::create(k.b, isOdd, there, here);
      Value target = LLVM::SelectOp::create(k.b, isOdd, here, there);
      Value width = arith::ShLIOp::create(k.b, k.index(1), pass);
      loop(k.index(0), n, k.add(width, width), {}, [&](Value low, ValueRange) {
        Value middle = least(k.add(low, width), n), high = least(k.add(middle, width), n);
        merge(row, source, target, low, middle, high);
        return SmallVector<Value>();
      });
      return SmallVector<Value>();
    });
    return passes % 2 ? there : here;
  }

  Value get(Value positions, Value at) {
    return k.toIndex(k.loadFlat(positions, Element::I32, at));
  }
  Value valueAt(const Position &row, Value position) {
    Position at = row;
    at[axis.name] = position;
    return k.load(k.operand(0), from, at);
  }

private:
  KernelBuilder &k;
  ScalarBuilder s;
  ValueType from;
  Axis axis;
  bool largestFirst;

  void put(Value positions, Value at, Value position) {
    k.storeFlat(k.toI32(position), positions, Element::I32, at);
  }
  Value least(Value x, Value y) { return arith::MinUIOp::create(k.b, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(k.b, x, y); }
  Value isBelow(Value x, Value y) {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ult, x, y);
  }

  SmallVector<Value> loop(Value from, Value to, Value step, ValueRange carried,
                          function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto op = scf::ForOp::create(k.b, from, to, step, carried);
    OpBuilder::InsertionGuard guard(k.b);
    if (op.getBody()->mightHaveTerminator())
      op.getBody()->getTerminator()->erase();
    k.b.setInsertionPointToEnd(op.getBody());
    scf::YieldOp::create(k.b, body(op.getInductionVar(), op.getRegionIterArgs()));
    return SmallVector<Value>(op.getResults());
  }

  /// Whether y must stand before x, which came first. NaN is last.
  Value isBefore(Value y, Value x) {
    Value before = s.compare(largestFirst ? "gt" : "lt", y, x);
    if (!isa<FloatType>(x.getType()))
      return before;
    Value xIsNaN = s.compare("ne", x, x), yIsNumber = s.compare("eq", y, y);
    return arith::OrIOp::create(k.b, before, both(xIsNaN, yIsNumber));
  }

  /// Two runs that are in order become one.
  void merge(const Position &row, Value source, Value target, Value low, Value middle, Value high) {
    Value one = k.index(1), last = k.index(axis.size - 1);
    loop(low, high, one, {low, middle}, [&](Value to, ValueRange heads) {
      Value left = heads[0], right = heads[1];
      Value i = get(source, least(left, last)), j = get(source, least(right, last));
      Value rightFirst = isBefore(valueAt(row, j), valueAt(row, i));
      Value leftIsOver = arith::CmpIOp::create(k.b, arith::CmpIPredicate::uge, left, middle);
      Value takeRight =
          both(isBelow(right, high), arith::OrIOp::create(k.b, leftIsOver, rightFirst));
      put(target, to, arith::SelectOp::create(k.b, takeRight, j, i));
      return SmallVector<Value>{arith::SelectOp::create(k.b, takeRight, left, k.add(left, one)),
                                arith::SelectOp::create(k.b, takeRight, k.add(right, one), right)};
    });
  }
};

void emitSort(Operation *op, KernelBuilder &k) {
  ValueType to = typeOf(op->getResult(0)), toIndex = typeOf(op->getResult(1));
  ValueType from = typeOf(op->getOperand(0));
  Axis axis = sortedAxis(op);
  std::string along = isa<TopKOp>(op) ? cast<TopKOp>(op).getAs().str() : axis.name;
  k.split(drop(from, {axis.name}), [&](const Position &row) {
    RowSorter sorter(op, k);
    Value order = sorter.sort(row);
    k.each({*to.find(along)}, row, [&](const Position &place) {
      Value position = sorter.get(order, place.at(along));
      k.store(sorter.valueAt(row, position), k.result(0), to, place);
      k.store(k.toI32(position), k.result(1), toIndex, place);
    });
  });
}

} // namespace

/// Short rows are as well off with the plain loops.
static constexpr int64_t shortRow = 16;

const Emitter sortEmitter{
    "sort",
    [](Operation *op, const Target &) {
      return isa<SortOp, TopKOp>(op) && sortedAxis(op).size > shortRow &&
             typeOf(op->getOperand(0)).element != Element::BF16;
    },
    [](Operation *op, const Target &) { return WorkspaceNeed{8 * sortedAxis(op).size, 0}; },
    nullptr,
    [](Operation *op, ModuleOp module, StringRef name, const Target &) {
      KernelBuilder builder(module, name, op->getNumOperands(), op->getNumResults(), isWatched(op));
      emitSort(op, builder);
      return SmallVector<func::FuncOp>{builder.function};
    },
};

} // namespace frit
