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
  struct LogSum {
    Value shift; // the largest, or 0 where that is infinite: subtracting it would make NaN
    Value above; // log of the sum of exp(x - shift)
    Value isInfinite, high;
  };
  LogSum logSum(const Position &row) {
    ScalarBuilder s = k.scalar();
    Value high = largest(row);
    Value isInfinite = s.compare("eq", s.abs(high), k.number(inf, element()));
    Value shift = s.select(isInfinite, k.number(0, element()), high);
    Value total = fold(row, k.number(0, wide()), [&](Value sum, Value x) {
      return k.add(sum, convert(s.math("exp", k.sub(x, shift)), wide()));
    });
    return {shift, convert(s.math("log", total), element()), isInfinite, high};
  }
  Value logSumExp(const Position &row) {
    LogSum sum = logSum(row);
    return k.scalar().select(sum.isInfinite, sum.high, k.add(sum.shift, sum.above));
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

/// softmax and log_softmax: a row's logsumexp, then each element less the largest and from it: an
/// offset that a row has in common takes no digits.
static void normalise(Operation *op, KernelBuilder &k, bool isLog) {
  Rows rows(op, k);
  k.split(rows.rest, [&](const Position &row) {
    Rows::LogSum sum = rows.logSum(row);
    k.each(rows.over, row, [&](const Position &at) {
      ScalarBuilder s = k.scalar();
      Value x = k.load(k.operand(0), rows.from, at);
      Value least = k.number(-inf, rows.element()), zero = k.number(0, rows.element());
      Value none = s.compare("eq", sum.high, least);
      Value above = s.select(sum.isInfinite, sum.high, sum.above);
      Value log = s.select(none, least, s.sub(s.sub(x, sum.shift), above));
      k.store(isLog ? log : s.select(none, zero, s.math("exp", log)), k.result(0), rows.to, at);
    });
  });
}

static void lowerSoftmax(Operation *op, KernelBuilder &k) { normalise(op, k, false); }
static void lowerLogSoftmax(Operation *op, KernelBuilder &k) { normalise(op, k, true); }

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
