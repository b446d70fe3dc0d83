// See LogSpace.h.
#include "dialect/syntax/check/LogSpace.h"
#include <algorithm>
#include <cmath>

namespace frit::checking {

using Kind = Symbol::Kind;

static std::string keyOf(const SymbolPtr &k) {
  if (k->kind == Kind::Number)
    return fmt::format("{:.17g}", k->number);
  return fmt::format("{}", static_cast<const void *>(k.get()));
}

Tensor LogSpace::constant(const SymbolPtr &x) {
  if (auto found = constants.find(x.get()); found != constants.end())
    return found->second;
  auto arg = [&](size_t i) { return constant(x->args[i]); };
  auto make = [&]() -> Tensor {
    switch (x->kind) {
    case Kind::Number:
      return number(x->number);
    case Kind::Parameter:
      return parameters.at(x->name);
    case Kind::Add:
      return op("add", arg(0), arg(1));
    case Kind::Mul:
      return op("mul", arg(0), arg(1));
    case Kind::Pow:
      if (x->args[1]->is(-1))
        return op("div", number(1), arg(0));
      return op("pow", arg(0), arg(1));
    case Kind::Max:
      return op("maximum", arg(0), arg(1));
    default:
      if (x->name == "step")
        return op("mul", op("add", op("sign", arg(0)), number(1)), number(0.5));
      return op(x->name.c_str(), arg(0));
    }
  };
  kept.push_back(x);
  return constants[x.get()] = make();
}

//===-- Writing -----------------------------------------------------------------------------===//

Tensor LogSpace::powerOfW(const SymbolPtr &k) {
  if (k->is(0))
    return number(1);
  std::string key = "^" + keyOf(k);
  if (auto found = powers.find(key); found != powers.end())
    return found->second;
  kept.push_back(k);
  Tensor out;
  if (k->is(2) || k->is(3)) // cheaper than an exponential, and as right
    out = op("mul", powerOfW(Symbol::of(k->number - 1)), powerOfW(Symbol::of(1)));
  else
    out = op("exp", k->is(1) ? logW : op("mul", constant(k), logW));
  return powers[key] = out;
}

Tensor LogSpace::powerOfWMinusOne(const SymbolPtr &k) {
  std::string key = "-" + keyOf(k);
  if (auto found = powers.find(key); found != powers.end())
    return found->second;
  kept.push_back(k);
  return powers[key] = op("expm1", k->is(1) ? logW : op("mul", constant(k), logW));
}

/// log of the sum of c_i w^(k_i), all k_i at least 0: log C + log1p(sum of (c_i / C) (w^(k_i) -
/// 1)), C the sum of the c_i, which is right as w goes to 1; unless what is left at w = 0 is tiny.
Tensor LogSpace::logOfSum(const Products &products, const SymbolPtr &degree) {
  SymbolPtr atOne = Symbol::of(0), atZero = Symbol::of(0), none = Symbol::of(0);
  bool isPlain = true;
  for (const Product &product : products) {
    isPlain &= product.factors.empty();
    atOne = atOne + product.coefficient;
    if (degrees.order(degrees.of(product) - degree, none) == 0)
      atZero = atZero + product.coefficient;
  }
  bool isOne = degrees.order(atOne, Symbol::of(1)) == 0;
  bool isPositive = degrees.order(atZero, Symbol::of(0.002) * atOne) == 1;
  if (!isPlain || !isPositive || (atOne->kind != Kind::Number && !isOne))
    return op("log", sum(products, none - degree));
  std::optional<Tensor> out;
  for (const Product &product : products) {
    SymbolPtr exponent = degrees.of(product) - degree;
    if (degrees.order(exponent, none) == 0)
      continue;
    SymbolPtr share = isOne ? product.coefficient : product.coefficient / atOne;
    Tensor term = op("mul", powerOfWMinusOne(exponent), constant(share));
    out = out ? op("add", *out, term) : term;
  }
  if (!out)
    return number(std::log(atOne->number));
  Tensor log = op("log1p", *out);
  return isOne ? log : op("add", log, number(std::log(atOne->number)));
}

/// w^-d times the factor, d its degree.
Tensor LogSpace::factor(const SymbolPtr &x) {
  SymbolPtr none = Symbol::of(0);
  if (x->kind == Kind::Max) {
    SymbolPtr shift = none - degrees.ofFactor(x);
    return op("maximum", sum(expanded(x->args[0]), shift), sum(expanded(x->args[1]), shift));
  }
  Products inner = expanded(x->args[0]);
  if (x->kind == Kind::Pow) {
    if (x->args[1]->hasVariable) // x^y = exp(y log x)
      return op("exp", op("mul", sum(expanded(x->args[1]), none),
                          sum(expanded(function("log", x->args[0])), none)));
    Tensor base = sum(inner, none - degrees.of(inner));
    const SymbolPtr &c = x->args[1];
    if (c->kind == Kind::Number && c->number == std::floor(c->number) &&
        std::fabs(c->number) <= 8) {
      Tensor out = base; // of either sign
      for (int i = 1; i < int(std::fabs(c->number)); ++i)
        out = op("mul", out, base);
      return c->number < 0 ? op("div", number(1), out) : out;
    }
    return op("pow", base, constant(c));
  }
  if (x->name == "log") {
    if (x->args[0]->kind == Kind::Variable)
      return logW;
    SymbolPtr degree = degrees.of(inner);
    Tensor out = logOfSum(inner, degree);
    return degree->is(0) ? out : op("add", op("mul", constant(degree), logW), out);
  }
  if (x->name == "log rest")
    return logOfSum(inner, degrees.of(inner));
  if (x->name == "abs" || x->name == "sign" || x->name == "step") {
    Tensor out = op(x->name == "abs" ? "abs" : "sign", sum(inner, none - degrees.of(inner)));
    return x->name == "step" ? op("mul", op("add", out, number(1)), number(0.5)) : out;
  }
  return op(x->name.c_str(), sum(inner, none)); // exp, tanh
}

Tensor LogSpace::product(const Product &product, const SymbolPtr &exponent) {
  std::optional<Tensor> out;
  auto times = [&](const Tensor &x) { out = out ? op("mul", *out, x) : x; };
  if (!exponent->is(0))
    times(powerOfW(exponent));
  for (const SymbolPtr &x : product.factors)
    times(factor(x));
  const SymbolPtr &c = product.coefficient;
  if (!out)
    return constant(c);
  if (c->is(-1))
    return op("neg", *out);
  return c->is(1) ? *out : op("mul", *out, constant(c));
}

namespace {
/// c w^a F log X, taken apart.
struct Logarithm {
  Products inside;             // X
  std::vector<SymbolPtr> rest; // F
};
} // namespace

static std::optional<Logarithm> logarithmOf(const Product &product, const Degrees &degrees) {
  auto isLog = [](const SymbolPtr &x) {
    return x->kind == Kind::Function && (x->name == "log" || x->name == "log rest");
  };
  auto log = std::find_if(product.factors.begin(), product.factors.end(), isLog);
  if (log == product.factors.end())
    return std::nullopt;
  Logarithm out{expanded((*log)->args[0]), {}};
  SymbolPtr degree = degrees.of(out.inside);
  for (Product &x : out.inside) {
    if (!x.factors.empty())
      return std::nullopt;
    if ((*log)->name == "log rest")
      x.power = x.power - degree;
  }
  for (const SymbolPtr &x : product.factors)
    if (x != *log)
      out.rest.push_back(x);
  return out;
}

static bool sameFactors(const std::vector<SymbolPtr> &a, const std::vector<SymbolPtr> &b) {
  auto texts = [](const std::vector<SymbolPtr> &factors) {
    std::vector<std::string> out;
    for (const SymbolPtr &x : factors)
      out.push_back(textOf(x));
    std::sort(out.begin(), out.end());
    return out;
  };
  return texts(a) == texts(b);
}

/// a = -b, whatever the parameters are.
static bool isOpposite(const SymbolPtr &a, const SymbolPtr &b, const std::vector<Point> &points) {
  std::vector<Point> all = around(points);
  return std::all_of(all.begin(), all.end(), [&](const Point &point) {
    double x = valueAt(a, 1, point), y = valueAt(b, 1, point);
    return std::fabs(x + y) <= 1e-13 * std::fabs(x) && x != 0;
  });
}

/// Whether log X - log Y is much less than log Y somewhere, with X and Y within a factor of two.
static bool logsCancel(const Products &x, const Products &y, const std::vector<Point> &points) {
  SymbolPtr a = sumOf(x), b = sumOf(y);
  for (const Point &point : points)
    for (double s : {-0.25, -0.5, -1.0, -2.0, -4.0}) {
      double logX = std::log(valueAt(a, std::exp(s), point));
      double logY = std::log(valueAt(b, std::exp(s), point));
      if (std::fabs(logX - logY) < std::fmin(0.25 * std::fabs(logY), 0.5))
        return true;
    }
  return false;
}

/// log X - log Y: log1p((X - Y) / Y) where they are near.
Tensor LogSpace::logOfRatio(const Products &x, const Products &y) {
  SymbolPtr none = Symbol::of(0);
  Products gap = x;
  for (Product p : y) {
    p.coefficient = Symbol::of(-1) * p.coefficient;
    gap.push_back(p);
  }
  auto log = [&](const Products &of) { return sum(expanded(function("log", sumOf(of))), none); };
  Tensor share = op("div", sum(merged(gap), none), sum(y, none));
  Tensor isNear = op("lt", op("abs", share), number(0.5));
  return choose(isNear, op("log1p", choose(isNear, share, number(0))), op("sub", log(x), log(y)));
}

Tensor LogSpace::sum(const Products &given, const SymbolPtr &shift) {
  Products products = degrees.logsApart(given);
  std::vector<SymbolPtr> exponents;
  for (const Product &p : products)
    exponents.push_back(degrees.of(p) + shift);
  std::optional<Tensor> out;
  auto plus = [&](const Tensor &x) { out = out ? op("add", *out, x) : x; };
  std::vector<bool> isDone(products.size());
  auto plusPair = [&](size_t i, size_t j, Product front, const SymbolPtr &exponent, Tensor pair) {
    bool isMinus = front.coefficient->is(-1);
    if (isMinus)
      front.coefficient = Symbol::of(1);
    if (!front.coefficient->is(1) || !front.factors.empty() || !exponent->is(0))
      pair = op("mul", product(front, exponent), pair);
    plus(isMinus ? op("neg", pair) : pair);
    isDone[i] = isDone[j] = true;
  };
  for (size_t i = 0; i < products.size(); ++i)
    for (size_t j = 0; j < products.size() && !isDone[i]; ++j) {
      const Product &x = products[i], &y = products[j];
      if (i == j || isDone[j] || !isOpposite(x.coefficient, y.coefficient, degrees.points))
        continue;
      std::optional<int> order = degrees.order(exponents[i], exponents[j]);
      // c w^a - c w^b = c w^b (w^(a-b) - 1), without cancellation.
      if (order == 1 && x.factors.empty() && y.factors.empty())
        plusPair(i, j, {x.coefficient, x.power, {}}, exponents[j],
                 powerOfWMinusOne(exponents[i] - exponents[j]));
      // c w^a F log X - c w^a F log Y, where the difference is much less than both.
      if (order != 0 || i > j)
        continue;
      auto logX = logarithmOf(x, degrees), logY = logarithmOf(y, degrees);
      if (logX && logY && sameFactors(logX->rest, logY->rest) &&
          logsCancel(logX->inside, logY->inside, degrees.points))
        plusPair(i, j, {x.coefficient, x.power, logX->rest}, exponents[i],
                 logOfRatio(logX->inside, logY->inside));
    }
  for (size_t i = 0; i < products.size(); ++i)
    if (!isDone[i])
      plus(product(products[i], exponents[i]));
  return out ? *out : number(0);
}

Tensor LogSpace::weight() {
  if (!weight_)
    weight_ = logWeight ? op("exp", *logWeight) : number(1);
  return *weight_;
}

/// max(p, q) w^k for k < 0, as exp(logWeight + k logW). Where w is small that is a sum of numbers
/// of a hundred, whose last digit is 1e-5 of the result: it is carried along.
Tensor LogSpace::grown(const SymbolPtr &k) {
  Tensor product = op("mul", constant(k), logW), rest = number(0);
  bool isPlain = k->kind == Kind::Number && std::fabs(std::exp2(std::ilogb(k->number))) ==
                                                std::fabs(k->number); // then nothing is lost
  if (k->kind == Kind::Number && !isPlain) {
    // In halves of twelve bits, whose product is exact. Dekker.
    double high = std::ldexp(std::round(std::ldexp(k->number, 9)), -9), low = k->number - high;
    Tensor far = op("mul", logW, number(4097)), head = op("sub", far, op("sub", far, logW));
    product = op("mul", head, number(high));
    rest = op("add", op("mul", op("sub", logW, head), number(high)), op("mul", logW, number(low)));
  }
  auto [first, lost] = difference(*logWeight, op("neg", product));
  auto [sum, more] = difference(first, op("neg", rest));
  Tensor left = op("add", lost, more);
  left = choose(op("lt", op("abs", left), number(1)), left, number(0)); // NaN of an absent row
  Tensor out = op("exp", sum);
  return op("mul", out, op("add", number(1), left));
}

Tensor LogSpace::write(const SymbolPtr &x) {
  Products products = expanded(x);
  SymbolPtr none = Symbol::of(0), degree = degrees.of(products);
  if (!logWeight)
    return sum(products, none);
  if (degrees.order(degree, none).value_or(-1) != -1)
    return op("mul", weight(), sum(products, none));
  return op("mul", grown(degree), sum(products, Symbol::of(-1) * degree));
}

} // namespace frit::checking
