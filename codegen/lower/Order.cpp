// Ops about the order of elements in a row: argmax, cumsum, top_k, sort.
//
// top_k and sort need no workspace: each place of the result is found by looking at the whole row.
// Long rows go to Sort.cpp.
#include "codegen/lower/Lower.h"
#include <limits>

using namespace mlir;

namespace frit {

static std::vector<std::string> overOf(Operation *op) {
  return op->getAttrOfType<AxesAttr>("over").strings();
}

/// The flat position of the first largest element.
static void lowerArgMax(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  std::vector<Axis> over = pick(from, overOf(op));
  k.split(to.axes, [&](const Position &row) {
    Position start = row;
    for (const Axis &axis : over)
      start[axis.name] = k.index(0);
    Value first = k.load(k.operand(0), from, start);
    SmallVector<Value> best =
        k.fold(over, row, {first, k.index(0)}, [&](const Position &at, ValueRange best) {
          Value x = k.load(k.operand(0), from, at);
          Value better = k.scalar().compare("gt", x, best[0]);
          return SmallVector<Value>{k.scalar().select(better, x, best[0]),
                                    k.scalar().select(better, k.flat(over, at), best[1])};
        });
    k.store(k.toI32(best[1]), k.result(0), to, row);
  });
}

static void lowerCumSum(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  std::vector<Axis> over = pick(from, overOf(op));
  bool reverse = cast<CumSumOp>(op).getReverse();
  Type element = k.typeOf(to.element), wide = isReal(to.element) ? k.b.getF64Type() : element;
  k.split(drop(from, overOf(op)), [&](const Position &row) {
    k.fold(over, row, k.number(0, wide), [&](const Position &step, ValueRange sum) {
      Position at = step;
      if (reverse)
        for (const Axis &axis : over)
          at[axis.name] = k.sub(k.index(axis.size - 1), step.at(axis.name));
      Value x = k.load(k.operand(0), from, at);
      Value next = k.add(sum[0], k.scalar().convert(x, wide));
      k.store(k.scalar().convert(next, element), k.result(0), to, at);
      return SmallVector<Value>{next};
    });
  });
}

/// For each place j of the result: the largest element that comes after the (j-1)-th in the order
/// "larger first, then by position".
static void lowerTopK(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  ValueType toIndex = typeOf(op->getResult(1));
  auto topK = cast<TopKOp>(op);
  std::vector<Axis> over = pick(from, overOf(op)), as = pick(to, {topK.getAs().str()});
  Type element = k.typeOf(from.element);
  constexpr double inf = std::numeric_limits<double>::infinity();
  k.split(drop(from, overOf(op)), [&](const Position &row) {
    ScalarBuilder s = k.scalar();
    auto both = [&](Value x, Value y) { return arith::AndIOp::create(k.b, x, y).getResult(); };
    auto either = [&](Value x, Value y) { return arith::OrIOp::create(k.b, x, y).getResult(); };
    auto lessIndex = [&](Value x, Value y) {
      return arith::CmpIOp::create(k.b, arith::CmpIPredicate::slt, x, y).getResult();
    };
    k.fold(
        as, row, {k.number(inf, element), k.index(-1)},
        [&](const Position &place, ValueRange last) {
          Value nobody = k.index(-1);
          SmallVector<Value> best = k.fold(
              over, place, {k.number(-inf, element), nobody},
              [&](const Position &at, ValueRange best) {
                Value x = k.load(k.operand(0), from, at), i = at.at(over[0].name);
                Value after = either(s.compare("lt", x, last[0]),
                                     both(s.compare("eq", x, last[0]), lessIndex(last[1], i)));
                Value better = either(s.compare("gt", x, best[0]), lessIndex(best[1], k.index(0)));
                Value take = both(after, better);
                return SmallVector<Value>{s.select(take, x, best[0]), s.select(take, i, best[1])};
              });
          k.store(best[0], k.result(0), to, place);
          k.store(k.toI32(best[1]), k.result(1), toIndex, place);
          return best;
        });
  });
}

/// Each element goes to the place given by how many elements come before it. NaN comes last.
static void lowerSort(Operation *op, KernelBuilder &k) {
  ValueType from = typeOf(op->getOperand(0)), to = typeOf(op->getResult(0));
  ValueType toIndex = typeOf(op->getResult(1));
  std::vector<Axis> over = pick(from, overOf(op));
  std::string axis = over[0].name;
  k.split(drop(from, overOf(op)), [&](const Position &row) {
    ScalarBuilder s = k.scalar();
    k.each(over, row, [&](const Position &at) {
      Value x = k.load(k.operand(0), from, at), i = at.at(axis);
      Value xIsNaN = s.compare("ne", x, x);
      Value rank = k.fold(over, row, k.index(0), [&](const Position &other, ValueRange sum) {
        Value y = k.load(k.operand(0), from, other), j = other.at(axis);
        auto both = [&](Value a, Value b) { return arith::AndIOp::create(k.b, a, b).getResult(); };
        auto either = [&](Value a, Value b) { return arith::OrIOp::create(k.b, a, b).getResult(); };
        auto isNot = [&](Value a) {
          return s.select(a, arith::ConstantIntOp::create(k.b, 0, 1),
                          arith::ConstantIntOp::create(k.b, 1, 1));
        };
        Value yIsNaN = s.compare("ne", y, y);
        Value less = either(s.compare("lt", y, x), both(xIsNaN, isNot(yIsNaN)));
        Value same = either(s.compare("eq", y, x), both(xIsNaN, yIsNaN));
        Value earlier = arith::CmpIOp::create(k.b, arith::CmpIPredicate::slt, j, i);
        Value before = either(less, both(same, earlier));
        Value one = arith::IndexCastUIOp::create(k.b, k.b.getIndexType(), before);
        return SmallVector<Value>{k.add(sum[0], one)};
      })[0];
      Position place = row;
      place[axis] = rank;
      k.store(x, k.result(0), to, place);
      k.store(k.toI32(i), k.result(1), toIndex, place);
    });
  });
}

void addOrderLowerings(LoweringTable &table) {
  table["frit.argmax"] = lowerArgMax;
  table["frit.cumsum"] = lowerCumSum;
  table["frit.top_k"] = lowerTopK;
  table["frit.sort"] = lowerSort;
}

} // namespace frit
