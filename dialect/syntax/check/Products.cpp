// See Products.h.
#include "dialect/syntax/check/Products.h"
#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace frit::checking {

using Kind = Symbol::Kind;

static constexpr size_t mostTerms = 24;

static std::string keyOf(const Product &product) {
  std::vector<std::string> texts;
  for (const SymbolPtr &factor : product.factors)
    texts.push_back(textOf(factor));
  std::sort(texts.begin(), texts.end());
  return fmt::format("{} {}", textOf(product.power), fmt::join(texts, " "));
}

Products merged(const Products &products) {
  Products out;
  std::vector<std::string> keys;
  std::vector<double> sizes; // of what was added up: the rest of a sum that cancels is rounding
  for (const Product &product : products) {
    std::string key = keyOf(product);
    size_t i = std::find(keys.begin(), keys.end(), key) - keys.begin();
    if (i == keys.size()) {
      keys.push_back(key);
      out.push_back(product);
      sizes.push_back(std::fabs(product.coefficient->number));
    } else {
      out[i].coefficient = out[i].coefficient + product.coefficient;
      sizes[i] += std::fabs(product.coefficient->number);
    }
  }
  Products kept;
  for (size_t i = 0; i < out.size(); ++i) {
    const SymbolPtr &c = out[i].coefficient;
    if (c->kind != Kind::Number || std::fabs(c->number) > 1e-14 * sizes[i])
      kept.push_back(out[i]);
  }
  return kept;
}

static Product multiply(const Product &a, const Product &b) {
  Product out{a.coefficient * b.coefficient, a.power + b.power, a.factors};
  out.factors.insert(out.factors.end(), b.factors.begin(), b.factors.end());
  return out;
}

static Products multiply(const Products &a, const Products &b) {
  Products out;
  for (const Product &x : a)
    for (const Product &y : b)
      out.push_back(multiply(x, y));
  return merged(out);
}

static Products single(SymbolPtr factor) {
  return {{Symbol::of(1), Symbol::of(0), {std::move(factor)}}};
}

namespace {
/// c u^power sum.
struct Canonical {
  SymbolPtr c, power, sum;
};
} // namespace

/// A sum of several products as c u^a times one that is 1 at u = 1 where it can be (its log is then
/// small where p is near q) and whose lowest power is 0 (so that l / u + 1 - l, the dual's, is seen
/// to be l + (1 - l) u over u), in a fixed order, so that 1 + u and (u + 1) / 2 are the same.
static Canonical canonical(Products sum) {
  std::sort(sum.begin(), sum.end(),
            [](const Product &a, const Product &b) { return keyOf(a) < keyOf(b); });
  auto all = [&](auto is) { return std::all_of(sum.begin(), sum.end(), is); };
  SymbolPtr one = Symbol::of(1), lowest = Symbol::of(0);
  if (!all([](const Product &x) { return x.factors.empty(); }))
    return {one, lowest, sumOf(sum)};
  if (all([](const Product &x) { return x.power->kind == Kind::Number; })) {
    lowest = std::min_element(sum.begin(), sum.end(), [](const Product &a, const Product &b) {
               return a.power->number < b.power->number;
             })->power;
    for (Product &product : sum)
      product.power = product.power - lowest;
    std::sort(sum.begin(), sum.end(),
              [](const Product &a, const Product &b) { return keyOf(a) < keyOf(b); });
  }
  if (!all([](const Product &x) { return x.coefficient->kind == Kind::Number; }))
    return {one, lowest, sumOf(sum)};
  double c = 0;
  for (const Product &product : sum)
    c += product.coefficient->number;
  if (c < 1e-9)
    c = std::max(sum[0].coefficient->number, 0.0);
  if (c == 0 || std::fabs(c - 1) < 1e-14)
    return {one, lowest, sumOf(sum)};
  for (Product &product : sum)
    product.coefficient = Symbol::of(product.coefficient->number / c);
  return {Symbol::of(c), lowest, sumOf(sum)};
}

/// c^k u^(a k) F^k of a single product; nothing if c may be negative and k is no whole number.
static std::optional<Product> powerOf(const Product &p, const SymbolPtr &k) {
  bool isWhole = k->kind == Kind::Number && k->number == std::floor(k->number);
  if (!isWhole && !(p.coefficient->kind == Kind::Number && p.coefficient->number > 0))
    return std::nullopt;
  Product out{power(p.coefficient, k), p.power * k, {}};
  for (const SymbolPtr &factor : p.factors)
    out.factors.push_back(power(factor, k));
  return out;
}

namespace {
/// A product under construction: sums to powers are kept apart until all are known, so that
/// (1 + u) / (1 + u) is 1.
struct Collection {
  Products all = {{Symbol::of(1), Symbol::of(0), {}}};
  std::vector<std::pair<SymbolPtr, SymbolPtr>> sums; // and their exponents

  void add(const SymbolPtr &x, const SymbolPtr &exponent) {
    if (x->kind == Kind::Mul && exponent->is(1)) {
      add(x->args[0], exponent);
      add(x->args[1], exponent);
      return;
    }
    if (x->kind == Kind::Pow && !x->args[1]->hasVariable && exponent->is(1)) {
      add(x->args[0], x->args[1]);
      return;
    }
    bool isProduct = x->kind == Kind::Mul || x->kind == Kind::Add || x->kind == Kind::Variable ||
                     !x->hasVariable || exponent->is(1);
    Products inner = isProduct ? inside(x) : single(x);
    if (inner.empty()) {
      all.clear();
    } else if (inner.size() == 1) {
      auto raised = powerOf(inner[0], exponent);
      all = multiply(all, raised ? Products{*raised} : single(power(x, exponent)));
    } else {
      auto [c, lowest, sum] = canonical(inner);
      all = multiply(all, {{power(c, exponent), lowest * exponent, {}}});
      for (auto &[known, k] : sums)
        if (textOf(known) == textOf(sum)) {
          k = k + exponent;
          return;
        }
      sums.push_back({sum, exponent});
    }
  }
  static Products inside(const SymbolPtr &x) {
    if (x->kind != Kind::Pow)
      return expanded(x);
    return single(power(sumOf(expanded(x->args[0])), x->args[1])); // u^u
  }
  /// Higher powers keep their sum: (u - 1)^4 multiplied out would lose digits.
  Products result() const {
    Products out = all;
    for (auto &[sum, k] : sums) {
      Products terms = expanded(sum);
      int times = k->is(1) ? 1 : k->is(2) ? 2 : 0;
      if (k->is(0))
        continue;
      if (times && out.size() * size_t(std::pow(terms.size(), times)) <= mostTerms)
        for (int i = 0; i < times; ++i)
          out = multiply(out, terms);
      else
        out = multiply(out, single(power(sum, k)));
    }
    return out;
  }
};
} // namespace

static Products logOf(const SymbolPtr &self) {
  Products inner = expanded(self->args[0]);
  if (inner.size() != 1) {
    auto [c, lowest, sum] = canonical(inner);
    Products out = single(function("log", sum));
    if (!c->is(1))
      out.push_back({function("log", c), Symbol::of(0), {}});
    if (!lowest->is(0))
      out.push_back({lowest, Symbol::of(0), {function("log", Symbol::variable())}});
    return out;
  }
  // log(c u^a F) = log c + a log u + log F
  const Product &p = inner[0];
  if (p.coefficient->kind != Kind::Number || p.coefficient->number <= 0)
    return single(self);
  Products out;
  SymbolPtr logU = function("log", Symbol::variable());
  if (p.coefficient->number != 1)
    out.push_back({function("log", p.coefficient), Symbol::of(0), {}});
  if (!p.power->is(0))
    out.push_back({p.power, Symbol::of(0), {logU}});
  for (const SymbolPtr &factor : p.factors) {
    if (factor->kind == Kind::Pow && !factor->args[1]->hasVariable)
      out.push_back({factor->args[1], Symbol::of(0), {function("log", factor->args[0])}});
    else
      out.push_back({Symbol::of(1), Symbol::of(0), {function("log", factor)}});
  }
  return out;
}

Products expanded(const SymbolPtr &x) {
  if (!x->hasVariable)
    return x->is(0) ? Products() : Products{{x, Symbol::of(0), {}}};
  switch (x->kind) {
  case Kind::Variable:
    return {{Symbol::of(1), Symbol::of(1), {}}};
  case Kind::Add: {
    Products out = expanded(x->args[0]), more = expanded(x->args[1]);
    out.insert(out.end(), more.begin(), more.end());
    return merged(out);
  }
  case Kind::Mul:
  case Kind::Pow: {
    Collection collection;
    collection.add(x, Symbol::of(1));
    return collection.result();
  }
  case Kind::Function:
    if (x->name == "log")
      return logOf(x);
    return single(function(x->name, sumOf(expanded(x->args[0]))));
  default:
    return single(larger(sumOf(expanded(x->args[0])), sumOf(expanded(x->args[1]))));
  }
}

SymbolPtr sumOf(const Products &products) {
  SymbolPtr out = Symbol::of(0);
  for (const Product &product : products) {
    SymbolPtr term = product.coefficient * power(Symbol::variable(), product.power);
    for (const SymbolPtr &factor : product.factors)
      term = term * factor;
    out = out + term;
  }
  return out;
}

bool isHomogeneous(const Products &products) {
  for (const Product &product : products)
    for (const SymbolPtr &factor : product.factors)
      if (factor->kind != Kind::Function || factor->name != "log" ||
          factor->args[0]->kind != Kind::Variable)
        return false;
  return true;
}

} // namespace frit::checking
