// Philox4x32-10 as the record states it (dialect/ops/Random.td): four elements per block of words.
#include "codegen/lower/Lower.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <array>
#include <numbers>

using namespace mlir;

namespace frit {

namespace {

/// Arithmetic on 32-bit words.
struct Words {
  ImplicitLocOpBuilder &b;

  Value constant(uint32_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(b.getI32Type(), APInt(32, value)));
  }
  Value flip(Value x, Value y) { return arith::XOrIOp::create(b, x, y); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  /// High and low word of the product with a constant.
  std::pair<Value, Value> product(uint32_t factor, Value x) {
    Type wide = b.getI64Type();
    Value full = arith::MulIOp::create(
        b, arith::ExtUIOp::create(b, wide, x),
        arith::ConstantOp::create(b, b.getI64IntegerAttr(int64_t(uint64_t(factor)))));
    Value shift = arith::ConstantOp::create(b, b.getI64IntegerAttr(32));
    Value high = arith::ShRUIOp::create(b, full, shift);
    return {arith::TruncIOp::create(b, b.getI32Type(), high),
            arith::TruncIOp::create(b, b.getI32Type(), full)};
  }
  std::array<Value, 4> philox(std::array<Value, 4> counter, Value key0, Value key1) {
    for (int round = 0; round < 10; ++round) {
      auto [highA, lowA] = product(0xD2511F53u, counter[0]);
      auto [highB, lowB] = product(0xCD9E8D57u, counter[2]);
      counter = {flip(flip(highB, counter[1]), key0), lowB, flip(flip(highA, counter[3]), key1),
                 lowA};
      key0 = add(key0, constant(0x9E3779B9u));
      key1 = add(key1, constant(0xBB67AE85u));
    }
    return counter;
  }
};

} // namespace

static void lowerRandom(Operation *op, KernelBuilder &k) {
  auto random = cast<RandomOp>(op);
  ValueType to = typeOf(random.getResult());
  std::vector<Axis> asWritten = pick(to, random.getAxes().strings());
  Type element = k.typeOf(to.element);
  ImplicitLocOpBuilder &b = k.b;
  Words w{b};

  auto key = [&](unsigned i) { return k.load(k.operand(i), {Element::I32, {}}, {}); };
  Value seed = key(0), step = key(1), mix = w.constant(0);
  for (unsigned i = 2; i < op->getNumOperands(); ++i)
    mix = w.add(w.add(w.mul(mix, w.constant(0x9E3779B1u)), key(i)), w.constant(1));
  Value site = w.constant(uint32_t(random.getSite()));

  int64_t count = to.count();
  auto [begin, end] = k.share((count + 3) / 4);
  auto blocks = scf::ForOp::create(b, begin, end, k.index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(blocks.getBody()->getTerminator());
  Value block = blocks.getInductionVar();
  Value wide = arith::IndexCastOp::create(b, b.getI64Type(), block);
  Value shift = arith::ConstantOp::create(b, b.getI64IntegerAttr(32));
  Value low = arith::TruncIOp::create(b, b.getI32Type(), wide);
  Value high = arith::TruncIOp::create(b, b.getI32Type(), arith::ShRUIOp::create(b, wide, shift));
  std::array<Value, 4> words = w.philox({low, step, mix, high}, seed, site);

  ScalarBuilder s = k.scalar();
  auto uniform = [&](int lane) {
    Value bits = arith::ShRUIOp::create(b, words[lane], w.constant(8));
    Value number = arith::UIToFPOp::create(b, element, bits);
    return s.mul(number, s.constant(0x1p-24, element));
  };
  std::array<Value, 4> numbers;
  for (int pair = 0; pair < 4; pair += 2) {
    Value u = uniform(pair), v = uniform(pair + 1);
    if (random.getDistribution() == "uniform") {
      numbers[pair] = u;
      numbers[pair + 1] = v;
      continue;
    }
    // Box-Muller; the offset keeps the logarithm finite.
    Value logarithm = s.math("log", s.add(u, s.constant(0x1p-24, element)));
    Value radius = s.math("sqrt", s.mul(s.constant(-2, element), logarithm));
    Value angle = s.mul(s.constant(2 * std::numbers::pi, element), v);
    numbers[pair] = s.mul(radius, s.math("cos", angle));
    numbers[pair + 1] = s.mul(radius, s.math("sin", angle));
  }
  for (int lane = 0; lane < 4; ++lane) {
    Value number = k.add(k.mul(block, k.index(4)), k.index(lane));
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, k.index(count));
    auto guarded = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard inside(b);
    b.setInsertionPoint(guarded.thenBlock()->getTerminator());
    Position at;
    Value rest = number;
    for (const Axis &axis : llvm::reverse(asWritten)) {
      at[axis.name] = arith::RemUIOp::create(b, rest, k.index(axis.size));
      rest = arith::DivUIOp::create(b, rest, k.index(axis.size));
    }
    k.store(numbers[lane], k.result(0), to, at);
  }
}

void addRandomLowerings(LoweringTable &table) { table["frit.random"] = lowerRandom; }

} // namespace frit
