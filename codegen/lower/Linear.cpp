// contract, gather, scatter.
#include "codegen/cpu/Watch.h"
#include "codegen/lower/Lower.h"

using namespace mlir;

namespace frit {

static void lowerContract(Operation *op, KernelBuilder &k) {
  ValueType x = typeOf(op->getOperand(0)), y = typeOf(op->getOperand(1));
  ValueType to = typeOf(op->getResult(0));
  std::vector<Axis> over = pick(x, cast<ContractOp>(op).getOver().strings());
  Type element = k.typeOf(to.element), wide = k.b.getF64Type();
  k.split(to.axes, [&](const Position &row) {
    ScalarBuilder s = k.scalar();
    Value sum = k.fold(over, row, k.number(0, wide), [&](const Position &at, ValueRange sum) {
      Value a = s.convert(k.load(k.operand(0), x, at), wide);
      Value b = s.convert(k.load(k.operand(1), y, at), wide);
      return SmallVector<Value>{s.add(sum[0], s.mul(a, b))};
    })[0];
    k.store(s.convert(sum, element), k.result(0), to, row);
  });
}

/// The position that index operand `number` names along an axis, clamped into it, and whether it
/// needed no clamping. Where `counts` holds, the watch hears of positions outside.
static std::pair<Value, Value> pointed(KernelBuilder &k, Value raw, const Axis &axis, int number,
                                       Value counts = {}) {
  Value at = k.toIndex(raw), zero = k.index(0), last = k.index(axis.size - 1);
  Value inside = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ult, at, k.index(axis.size));
  if (k.watches) {
    Value yes = arith::ConstantIntOp::create(k.b, 1, 1);
    Value outside = arith::XOrIOp::create(k.b, inside, yes);
    if (counts)
      outside = arith::AndIOp::create(k.b, outside, counts);
    noteOutside(k.b, k.watches, number, outside, raw);
  }
  Value clamped = arith::MinSIOp::create(k.b, arith::MaxSIOp::create(k.b, at, zero), last);
  return {clamped, inside};
}

static void lowerGather(Operation *op, KernelBuilder &k) {
  auto gather = cast<GatherOp>(op);
  ValueType from = typeOf(gather.getX()), to = typeOf(gather.getResult());
  std::vector<Axis> axes = pick(from, gather.getAxes().strings());
  k.split(to.axes, [&](const Position &at) {
    // An index may bring an axis of the name that it replaces.
    Position source = at;
    Value inside;
    for (auto [i, axis] : llvm::enumerate(axes)) {
      Value raw = k.load(k.operand(1 + i), typeOf(op->getOperand(1 + i)), at);
      auto [clamped, isInside] = pointed(k, raw, axis, int(i));
      source[axis.name] = clamped;
      inside = inside ? arith::AndIOp::create(k.b, inside, isInside).getResult() : isInside;
    }
    Value value = k.load(k.operand(0), from, source);
    if (gather.getFill()) {
      Value fill = k.load(k.operand(1 + axes.size()), {from.element, {}}, {});
      value = k.scalar().select(inside, value, fill);
    }
    k.store(value, k.result(0), to, at);
  });
}

/// Each thread owns a range of one axis of the result and walks over all values, in their order, so
/// that sums do not depend on the number of threads.
static void lowerScatter(Operation *op, KernelBuilder &k) {
  auto scatter = cast<ScatterOp>(op);
  ValueType from = typeOf(scatter.getX()), to = typeOf(scatter.getResult());
  std::vector<std::string> names = scatter.getInto().strings();
  std::vector<Axis> into = pick(to, names);
  unsigned positionOperands = into.size() + scatter.getMasked();

  // Positions first, in order of appearance, then what stays of the values.
  ValueType space;
  auto join = [&](const ValueType &type) {
    for (const Axis &axis : type.axes)
      if (!space.find(axis.name))
        space.axes.push_back(axis);
  };
  for (unsigned i = 1; i <= positionOperands; ++i)
    join(typeOf(op->getOperand(i)));
  std::vector<Axis> positions = space.axes;
  join(from);
  std::vector<Axis> rest(space.axes.begin() + positions.size(), space.axes.end());

  const Axis &owned = *std::max_element(
      into.begin(), into.end(), [](const Axis &x, const Axis &y) { return x.size < y.size; });
  auto [begin, end] = k.share(owned.size);
  auto isMine = [&](Value at) {
    return arith::AndIOp::create(k.b,
                                 arith::CmpIOp::create(k.b, arith::CmpIPredicate::sge, at, begin),
                                 arith::CmpIOp::create(k.b, arith::CmpIPredicate::slt, at, end))
        .getResult();
  };

  // What is there before.
  auto rows = scf::ForOp::create(k.b, begin, end, k.index(1));
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPoint(rows.getBody()->getTerminator());
    Position mine{{owned.name, rows.getInductionVar()}};
    k.each(drop(to, {owned.name}), mine, [&](const Position &at) {
      unsigned last = op->getNumOperands() - 1;
      Value start = scatter.getOnto() ? k.load(k.operand(last), typeOf(op->getOperand(last)), at)
                                      : k.number(0, k.typeOf(to.element));
      k.store(start, k.result(0), to, at);
    });
  }
  k.each(positions, {}, [&](const Position &at) {
    Value counts;
    Position target;
    auto also = [&](Value condition) {
      counts = counts ? arith::AndIOp::create(k.b, counts, condition).getResult() : condition;
    };
    if (scatter.getMasked())
      also(k.load(k.operand(1 + into.size()), typeOf(op->getOperand(1 + into.size())), at));
    Value isThere = counts;
    for (auto [i, axis] : llvm::enumerate(into)) {
      Value raw = k.load(k.operand(1 + i), typeOf(op->getOperand(1 + i)), at);
      auto [clamped, inside] = pointed(k, raw, axis, int(i), isThere);
      target[axis.name] = clamped;
      also(inside);
      if (axis.name == owned.name)
        also(isMine(clamped));
    }
    auto guarded = scf::IfOp::create(k.b, counts, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPoint(guarded.thenBlock()->getTerminator());
    k.each(rest, at, [&](const Position &source) {
      Position place = source;
      for (auto &[axis, position] : target)
        place[axis] = position;
      Value value = k.load(k.operand(0), from, source);
      if (scatter.getMode() == "add")
        value = k.add(k.load(k.result(0), to, place), value);
      k.store(value, k.result(0), to, place);
    });
  });
}

void addLinearLowerings(LoweringTable &table) {
  table["frit.contract"] = lowerContract;
  table["frit.gather"] = lowerGather;
  table["frit.scatter"] = lowerScatter;
}

} // namespace frit
