// Rules of Simplify for elementwise ops. Each is one function; the table at the end lists them.
#include "passes/Simplify.h"
#include <cmath>

using namespace mlir;

namespace frit {

static bool isNumber(Value v, double number) { return uniform(v) == number; }

//===-- All elementwise ops -----------------------------------------------------------------===//

/// Arithmetic on constants is done here: 2 * 3.
static Term foldConstants(Elementwise op, Build &build) {
  SmallVector<double> numbers;
  for (Value operand : op->getOperands()) {
    std::optional<double> number = uniform(operand);
    if (!number)
      return {};
    numbers.push_back(*number);
  }
  ValueType type = typeOf(op->getResult(0));
  double value = op.exact(numbers);
  bool fits = type.element == Element::I32 ? std::fabs(value) < 2147483648.0 : !std::isnan(value);
  return fits ? build.constant(value, type.element) : Term{};
}

/// f(broadcast(x), y) = broadcast(f(x, y)): the work is done on as few elements as there are.
static Term broadcastLast(Elementwise op, Build &build) {
  Terms operands;
  bool isSmaller = false;
  for (Value operand : op->getOperands()) {
    auto broadcast = as<BroadcastOp>(operand);
    auto constant = as<ConstantOp>(operand);
    isSmaller |= broadcast || (constant && !typeOf(operand).axes.empty());
    operands.push_back(broadcast ? build.term(broadcast.getX()) : build.term(operand));
  }
  if (!isSmaller)
    return {};
  for (Term &operand : operands)
    if (auto constant = as<ConstantOp>(operand.value))
      operand = build.constant(*uniform(operand.value), typeOf(operand).element);
  return build.make(op->getName().stripDialect().str(), operands, attributesOf(op));
}

//===-- Arithmetic --------------------------------------------------------------------------===//

/// x + 0 = x
static Term addZero(AddOp op, Build &build) {
  if (isNumber(op.getY(), 0))
    return build.term(op.getX());
  return isNumber(op.getX(), 0) ? build.term(op.getY()) : Term{};
}
/// x + -y = x - y
static Term addNegative(AddOp op, Build &build) {
  if (auto neg = as<NegOp>(op.getY()))
    return build.term(op.getX()) - build.term(neg.getX());
  if (auto neg = as<NegOp>(op.getX()))
    return build.term(op.getY()) - build.term(neg.getX());
  return {};
}
/// x - 0 = x, 0 - x = -x
static Term subtractZero(SubOp op, Build &build) {
  if (isNumber(op.getY(), 0))
    return build.term(op.getX());
  return isNumber(op.getX(), 0) ? -build.term(op.getY()) : Term{};
}
/// x - -y = x + y
static Term subtractNegative(SubOp op, Build &build) {
  auto neg = as<NegOp>(op.getY());
  return neg ? build.term(op.getX()) + build.term(neg.getX()) : Term{};
}
/// x * 1 = x, x * -1 = -x
static Term multiplyByOne(MulOp op, Build &build) {
  for (auto [x, y] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())})
    if (isNumber(y, 1))
      return build.term(x);
    else if (isNumber(y, -1))
      return -build.term(x);
  return {};
}
/// (x * 2) * 3 = x * 6, -x * 2 = x * -2
static Term gatherFactors(MulOp op, Build &build) {
  ValueType type = typeOf(op.getResult());
  for (auto [x, y] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())}) {
    std::optional<double> outer = uniform(y);
    if (!outer || !isReal(type.element))
      continue;
    if (auto neg = as<NegOp>(x))
      return build.term(neg.getX()) * build.constant(-*outer, type.element);
    if (auto inner = as<MulOp>(x))
      for (auto [z, w] :
           {std::pair(inner.getX(), inner.getY()), std::pair(inner.getY(), inner.getX())})
        if (std::optional<double> factor = uniform(w))
          return build.term(z) * build.constant(*outer * *factor, type.element);
  }
  return {};
}
/// -x * -y = x * y
static Term multiplyNegatives(MulOp op, Build &build) {
  auto x = as<NegOp>(op.getX()), y = as<NegOp>(op.getY());
  return x && y ? build.term(x.getX()) * build.term(y.getX()) : Term{};
}
/// -x * y = -(x * y), where the product is no larger: the sign may meet another one, or a sum
static Term multiplyNegative(MulOp op, Build &build) {
  for (auto [x, y] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())})
    if (auto neg = as<NegOp>(x);
        neg && !uniform(y) && typeOf(x).count() == typeOf(op.getResult()).count())
      return -(build.term(neg.getX()) * build.term(y));
  return {};
}
/// x[b, t] / y[b] = x * (1 / y): a division costs many products, and there are fewer elements of y
static Term divideOnce(DivOp op, Build &build) {
  if (typeOf(op.getY()).count() * 4 > typeOf(op.getResult()).count())
    return {};
  return build.term(op.getX()) * (1.0 / build.term(op.getY()));
}
/// -x / y = -(x / y)
static Term divideNegative(DivOp op, Build &build) {
  auto neg = as<NegOp>(op.getX());
  if (!neg || typeOf(op.getX()).count() != typeOf(op.getResult()).count())
    return {};
  return -(build.term(neg.getX()) / build.term(op.getY()));
}
/// x / 1 = x; x / 4 = x * 0.25 for powers of two, where this is exact
static Term divideByConstant(DivOp op, Build &build) {
  std::optional<double> divisor = uniform(op.getY());
  int exponent;
  if (!divisor || std::fabs(std::frexp(*divisor, &exponent)) != 0.5 || std::abs(exponent) > 100)
    return {};
  return build.term(op.getX()) * build.constant(1 / *divisor, typeOf(op.getX()).element);
}
/// --x = x, -(x - y) = y - x
static Term negateTwice(NegOp op, Build &build) {
  if (auto neg = as<NegOp>(op.getX()))
    return build.term(neg.getX());
  if (auto sub = as<SubOp>(op.getX()))
    return build.term(sub.getY()) - build.term(sub.getX());
  return {};
}
/// -(x * 2) = x * -2
static Term negateFactor(NegOp op, Build &build) {
  if (auto mul = as<MulOp>(op.getX()))
    for (auto [x, y] : {std::pair(mul.getX(), mul.getY()), std::pair(mul.getY(), mul.getX())})
      if (std::optional<double> factor = uniform(y))
        return build.term(x) * build.constant(-*factor, typeOf(x).element);
  return {};
}

//===-- Powers, exponentials ----------------------------------------------------------------===//

/// x ^ c for the exponents that are a few cheap ops
static Term smallPower(PowOp op, Build &build) {
  std::optional<double> exponent = uniform(op.getY());
  if (!exponent)
    return {};
  Term x = build.term(op.getX());
  Element element = typeOf(x).element;
  if (*exponent == 0)
    return build.constant(1, element);
  if (*exponent == 1)
    return x;
  if (*exponent == 2)
    return x * x;
  if (*exponent == 3)
    return x * x * x;
  if (*exponent == 4) {
    Term square = x * x;
    return square * square;
  }
  if (*exponent == -1)
    return 1.0 / x;
  if (*exponent == -2)
    return 1.0 / (x * x);
  if (*exponent == 0.5)
    return build.sqrt(x);
  if (*exponent == -0.5)
    return build.make("rsqrt", {x});
  if (*exponent == 1.5)
    return x * build.sqrt(x);
  return {};
}
/// exp(log x) = x
static Term expOfLog(ExpOp op, Build &build) {
  auto log = as<LogOp>(op.getX());
  return log ? build.term(log.getX()) : Term{};
}
/// log(exp x) = x; log(softmax x) = log_softmax x, which keeps small probabilities
static Term logOfExp(LogOp op, Build &build) {
  if (auto exp = as<ExpOp>(op.getX()))
    return build.term(exp.getX());
  auto softmax = as<SoftmaxOp>(op.getX());
  if (!softmax || !softmax->hasOneUse())
    return {};
  return build.make("log_softmax", {build.term(softmax.getX())},
                    {{"over", softmax.getOver().strings()}});
}

/// softmax(x - c) = softmax x where c is one number for each row
static Term softmaxOfShifted(SoftmaxOp op, Build &build) {
  auto shifted = as<SubOp>(op.getX());
  if (!shifted || !sameUpToOrder(typeOf(shifted.getX()), typeOf(op.getX())) ||
      llvm::any_of(op.getOver().strings(), [&](const std::string &axis) {
        return typeOf(shifted.getY()).find(axis) != nullptr;
      }))
    return {};
  return build.make("softmax", {build.term(shifted.getX())}, {{"over", op.getOver().strings()}});
}

//===-- Choice, logic, casts ----------------------------------------------------------------===//

/// A constant condition or equal arms.
static Term selectKnown(SelectOp op, Build &build) {
  if (op.getX() == op.getY())
    return build.term(op.getX());
  std::optional<double> condition = uniform(op.getCondition());
  if (!condition)
    return {};
  return build.term(*condition != 0 ? op.getX() : op.getY());
}
/// Both arms the same number.
static Term selectEqualNumbers(SelectOp op, Build &build) {
  std::optional<double> x = uniform(op.getX());
  return x && x == uniform(op.getY()) ? build.constant(*x, typeOf(op.getX()).element) : Term{};
}
/// select(not c, x, y) = select(c, y, x)
static Term selectNot(SelectOp op, Build &build) {
  auto negated = as<NotOp>(op.getCondition());
  if (!negated)
    return {};
  return build.select(build.term(negated.getX()), build.term(op.getY()), build.term(op.getX()));
}
/// select(c, select(c, x, _), y) = select(c, x, y), and in the other arm
static Term selectAgain(SelectOp op, Build &build) {
  Term condition = build.term(op.getCondition());
  if (auto inner = as<SelectOp>(op.getX()); inner && inner.getCondition() == op.getCondition())
    return build.select(condition, build.term(inner.getX()), build.term(op.getY()));
  if (auto inner = as<SelectOp>(op.getY()); inner && inner.getCondition() == op.getCondition())
    return build.select(condition, build.term(op.getX()), build.term(inner.getY()));
  return {};
}
/// c and true = c, c and false = false
static Term andConstant(AndOp op, Build &build) {
  for (auto [x, y] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())})
    if (std::optional<double> known = uniform(y))
      return *known != 0 ? build.term(x) : build.constant(0, Element::I1);
  return {};
}
/// c or false = c, c or true = true
static Term orConstant(OrOp op, Build &build) {
  for (auto [x, y] : {std::pair(op.getX(), op.getY()), std::pair(op.getY(), op.getX())})
    if (std::optional<double> known = uniform(y))
      return *known == 0 ? build.term(x) : build.constant(1, Element::I1);
  return {};
}
/// not not c = c
static Term notTwice(NotOp op, Build &build) {
  auto inner = as<NotOp>(op.getX());
  return inner ? build.term(inner.getX()) : Term{};
}
/// A cast to the element type that is there already.
static Term castToSame(CastOp op, Build &build) {
  return typeOf(op.getX()).element == typeOf(op.getResult()).element ? build.term(op.getX())
                                                                     : Term{};
}
/// With nothing left to differentiate, stop_gradient(x) = x.
static Term stopNothing(StopGradientOp op, Build &build) { return build.term(op.getX()); }

/// ... and with_slope(x, of, slope) = x, unless it is repeated along an axis.
static Term slopeIsUsed(WithSlopeOp op, Build &build) {
  bool isWhole = typeOf(op.getX()).axes.size() == typeOf(op.getResult()).axes.size();
  return isWhole ? build.term(op.getX()) : Term{};
}

void addArithmeticRules(RewritePatternSet &set, bool isFinal) {
  using AnyRule = Rule<Elementwise, OpInterfaceRewritePattern<Elementwise>>;
  set.add<AnyRule>(set.getContext(), foldConstants);
  set.add<AnyRule>(set.getContext(), broadcastLast);
  addRules<AddOp>(set, addZero, addNegative);
  addRules<SubOp>(set, subtractZero, subtractNegative);
  addRules<MulOp>(set, multiplyByOne, gatherFactors, multiplyNegatives, multiplyNegative);
  addRules<DivOp>(set, divideByConstant, divideOnce, divideNegative);
  addRules<NegOp>(set, negateTwice, negateFactor);
  addRules<PowOp>(set, smallPower);
  addRules<ExpOp>(set, expOfLog);
  addRules<LogOp>(set, logOfExp);
  addRules<SoftmaxOp>(set, softmaxOfShifted);
  addRules<SelectOp>(set, selectKnown, selectEqualNumbers, selectNot, selectAgain);
  addRules<AndOp>(set, andConstant);
  addRules<OrOp>(set, orConstant);
  addRules<NotOp>(set, notTwice);
  addRules<CastOp>(set, castToSame);
  if (isFinal) {
    addRules<StopGradientOp>(set, stopNothing);
    addRules<WithSlopeOp>(set, slopeIsUsed);
  }
}

} // namespace frit
