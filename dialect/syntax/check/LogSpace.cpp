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

Tensor LogSpace::sum(const Products &given, const SymbolPtr &shift) {
  Products products = degrees.logsApart(given);
  std::vector<SymbolPtr> exponents;
  for (const Product &p : products)
    exponents.push_back(degrees.of(p) + shift);
  std::optional<Tensor> out;
  auto plus = [&](const Tensor &x) { out = out ? op("add", *out, x) : x; };
  std::vector<bool> isDone(products.size());
  // c w^a - c w^b = c w^b (w^(a-b) - 1), without cancellation.
  for (size_t i = 0; i < products.size(); ++i)
    for (size_t j = 0; j < products.size() && !isDone[i]; ++j) {
      const SymbolPtr &x = products[i].coefficient, &y = products[j].coefficient;
      bool isPlain = products[i].factors.empty() && products[j].factors.empty();
      if (i == j || isDone[j] || !isPlain || x->kind != Kind::Number || y->kind != Kind::Number ||
          x->number != -y->number || degrees.order(exponents[i], exponents[j]) != 1)
        continue;
      Tensor pair = powerOfWMinusOne(exponents[i] - exponents[j]);
      if (!exponents[j]->is(0))
        pair = op("mul", pair, powerOfW(exponents[j]));
      plus(x->is(1) ? pair : op("mul", pair, constant(x)));
      isDone[i] = isDone[j] = true;
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

Tensor LogSpace::write(const SymbolPtr &x) {
  Products products = expanded(x);
  SymbolPtr none = Symbol::of(0), degree = degrees.of(products);
  if (!logWeight)
    return sum(products, none);
  if (degrees.order(degree, none).value_or(-1) != -1)
    return op("mul", weight(), sum(products, none));
  Tensor front = op("exp", op("add", *logWeight, op("mul", constant(degree), logW)));
  return op("mul", front, sum(products, Symbol::of(-1) * degree));
}

} // namespace frit::checking
