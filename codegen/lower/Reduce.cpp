// Reductions: one row at a time, elements in the order of `over`.
#include "codegen/lower/Lower.h"
#include <limits>

using namespace mlir;

namespace frit {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// Rows of the operand along `over`, split among threads.
struct Rows {
  Operation *op;
  KernelBuilder &k;
  ValueType from, to;
  std::vector<Axis> over, rest;

  Rows(Operation *op, KernelBuilder &k)
      : op(op), k(k), from(typeOf(op->getOperand(0))), to(typeOf(op->getResult(0))),
        over(pick(from, op->getAttrOfType<AxesAttr>("over").strings())),
        rest(drop(from, op->getAttrOfType<AxesAttr>("over").strings())) {}

  Value fold(const Position &row, Value init,
             llvm::function_ref<Value(Value sum, Value x)> combine) {
    return k.fold(over, row, init, [&](const Position &at, ValueRange sum) {
      return SmallVector<Value>{combine(sum[0], k.load(k.operand(0), from, at))};
    })[0];
  }
  Type element() { return k.typeOf(from.element); }
  /// What sums are kept in.
  Type wide() { return isReal(from.element) ? k.b.getF64Type() : element(); }
  Value convert(Value x, Type type) { return k.scalar().convert(x, type); }

  Value sum(const Position &row) {
    Value total = fold(row, k.number(0, wide()),
                       [&](Value sum, Value x) { return k.add(sum, convert(x, wide())); });
    return convert(total, element());
  }
  Value largest(const Position &row) {
    return fold(row, k.number(-inf, element()),
                [&](Value high, Value x) { return k.scalar().maximum(high, x); });
  }
  /// log of the sum of exponentials. An infinite maximum is the answer itself; subtracting it
  /// would make NaN.
  Value logSumExp(const Position &row) {
    ScalarBuilder s = k.scalar();
    Value high = largest(row);
    Value isInfinite = s.compare("eq", s.abs(high), k.number(inf, element()));
    Value shift = s.select(isInfinite, k.number(0, element()), high);
    Value total = fold(row, k.number(0, wide()), [&](Value sum, Value x) {
      return k.add(sum, convert(s.math("exp", k.sub(x, shift)), wide()));
    });
    Value result = k.add(shift, convert(s.math("log", total), element()));
    return s.select(isInfinite, high, result);
  }
};

} // namespace

static void reduce(Operation *op, KernelBuilder &k,
                   llvm::function_ref<Value(Rows &, const Position &)> value) {
  Rows rows(op, k);
  k.split(rows.to.axes,
          [&](const Position &row) { k.store(value(rows, row), k.result(0), rows.to, row); });
}

static void lowerSum(Operation *op, KernelBuilder &k) {
  reduce(op, k, [](Rows &rows, const Position &row) { return rows.sum(row); });
}

/// Integers have no infinity; their neutral element is the least (or greatest) of them.
static Value extreme(KernelBuilder &k, Type type, bool least) {
  if (isa<FloatType>(type))
    return k.number(least ? -inf : inf, type);
  return k.number(least ? double(INT32_MIN) : double(INT32_MAX), type);
}

/// Rows to numbers, element by element.
static void foldRows(Operation *op, KernelBuilder &k, Value neutral,
                     llvm::function_ref<Value(Value sum, Value x)> combine) {
  reduce(op, k, [&](Rows &rows, const Position &row) { return rows.fold(row, neutral, combine); });
}

static void lowerMax(Operation *op, KernelBuilder &k) {
  Type type = k.typeOf(typeOf(op->getOperand(0)).element);
  foldRows(op, k, extreme(k, type, true),
           [&](Value y, Value x) { return k.scalar().maximum(y, x); });
}

static void lowerMin(Operation *op, KernelBuilder &k) {
  Type type = k.typeOf(typeOf(op->getOperand(0)).element);
  foldRows(op, k, extreme(k, type, false),
           [&](Value y, Value x) { return k.scalar().minimum(y, x); });
}

static void lowerAny(Operation *op, KernelBuilder &k) {
  foldRows(op, k, arith::ConstantIntOp::create(k.b, 0, 1),
           [&](Value y, Value x) { return arith::OrIOp::create(k.b, y, x).getResult(); });
}

static void lowerAll(Operation *op, KernelBuilder &k) {
  foldRows(op, k, arith::ConstantIntOp::create(k.b, 1, 1),
           [&](Value y, Value x) { return arith::AndIOp::create(k.b, y, x).getResult(); });
}

static void lowerLogSumExp(Operation *op, KernelBuilder &k) {
  reduce(op, k, [](Rows &rows, const Position &row) { return rows.logSumExp(row); });
}

/// softmax and log_softmax: a row's logsumexp, then each element from it.
static void normalise(Operation *op, KernelBuilder &k,
                      llvm::function_ref<Value(ScalarBuilder &, Value x, Value total)> element) {
  Rows rows(op, k);
  k.split(rows.rest, [&](const Position &row) {
    Value total = rows.logSumExp(row);
    k.each(rows.over, row, [&](const Position &at) {
      ScalarBuilder s = k.scalar();
      Value x = k.load(k.operand(0), rows.from, at);
      Value none = s.compare("eq", total, k.number(-inf, rows.element()));
      Value nothing = element(s, k.number(-inf, rows.element()), k.number(0, rows.element()));
      k.store(s.select(none, nothing, element(s, x, total)), k.result(0), rows.to, at);
    });
  });
}

static void lowerSoftmax(Operation *op, KernelBuilder &k) {
  normalise(op, k,
            [](ScalarBuilder &s, Value x, Value total) { return s.math("exp", s.sub(x, total)); });
}

static void lowerLogSoftmax(Operation *op, KernelBuilder &k) {
  normalise(op, k, [](ScalarBuilder &s, Value x, Value total) { return s.sub(x, total); });
}

void addReduceLowerings(LoweringTable &table) {
  table["frit.sum"] = lowerSum;
  table["frit.max"] = lowerMax;
  table["frit.min"] = lowerMin;
  table["frit.any"] = lowerAny;
  table["frit.all"] = lowerAll;
  table["frit.logsumexp"] = lowerLogSumExp;
  table["frit.softmax"] = lowerSoftmax;
  table["frit.log_softmax"] = lowerLogSoftmax;
}

} // namespace frit
