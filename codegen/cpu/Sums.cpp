#include "codegen/cpu/Sums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace frit {

Value neutral(ImplicitLocOpBuilder &b, Combine how, Type type) {
  ScalarBuilder scalar(b);
  bool real = isa<FloatType>(getElementTypeOrSelf(type));
  double infinity = std::numeric_limits<double>::infinity();
  switch (how) {
  case Combine::Sum:
  case Combine::Any:
    return scalar.constant(0, type);
  case Combine::All:
    return scalar.constant(1, type);
  case Combine::Max:
  case Combine::Peak:
    return scalar.constant(real ? -infinity : double(std::numeric_limits<int32_t>::min()), type);
  case Combine::Min:
    return scalar.constant(real ? infinity : double(std::numeric_limits<int32_t>::max()), type);
  }
  llvm_unreachable("all cases are above");
}

Value combine(ImplicitLocOpBuilder &b, Combine how, Value x, Value y) {
  ScalarBuilder scalar(b);
  switch (how) {
  case Combine::Sum:
    return scalar.add(x, y);
  case Combine::Any:
    return arith::OrIOp::create(b, x, y);
  case Combine::All:
    return arith::AndIOp::create(b, x, y);
  case Combine::Max:
    return scalar.maximum(x, y);
  case Combine::Min:
    return scalar.minimum(x, y);
  case Combine::Peak:
    return scalar.select(scalar.compare("gt", x, y), x, y);
  }
  llvm_unreachable("all cases are above");
}

Sums::Values Sums::neutrals() {
  Values out;
  for (auto [how, type] : llvm::zip(hows, types))
    out.push_back(neutral(b, how, type));
  return out;
}

bool Sums::rounds(size_t i) const {
  return hows[i] == Combine::Sum && isa<FloatType>(getElementTypeOrSelf(types[i]));
}

bool Sums::round() const {
  for (size_t i = 0; i < hows.size(); ++i)
    if (rounds(i))
      return true;
  return false;
}

Sums::Values Sums::noBlocks() {
  Values out = neutrals();
  for (size_t i = 0; i < hows.size(); ++i)
    if (rounds(i))
      out.push_back(scalar.constant(0, types[i]));
  return out;
}

Sums::Values Sums::withBlock(ValueRange blocks, ValueRange sums) {
  Values out, losses;
  size_t next = hows.size();
  for (size_t i = 0; i < hows.size(); ++i) {
    Value x = blocks[i], y = sums[i], sum = combine(b, hows[i], x, y);
    out.push_back(sum);
    if (!rounds(i))
      continue;
    Value ofY = scalar.sub(sum, x);
    Value lost = scalar.add(scalar.sub(x, scalar.sub(sum, ofY)), scalar.sub(y, ofY));
    losses.push_back(scalar.add(blocks[next++], lost));
  }
  out.append(losses);
  return out;
}

Sums::Values Sums::together(ValueRange blocks) {
  Values out;
  size_t next = hows.size();
  for (size_t i = 0; i < hows.size(); ++i) {
    out.push_back(blocks[i]);
    if (!rounds(i))
      continue;
    // From inf nothing can be lost: inf - inf would say NaN.
    Value infinity = scalar.constant(std::numeric_limits<double>::infinity(), types[i]);
    Value finite = scalar.compare("lt", scalar.abs(blocks[i]), infinity);
    out.back() = scalar.select(finite, scalar.add(blocks[i], blocks[next++]), blocks[i]);
  }
  return out;
}

} // namespace frit
