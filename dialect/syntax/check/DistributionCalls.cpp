// categorical, nll, temper and the like: calls that make distributions or ask them.
#include "dialect/syntax/check/BuiltinCall.h"

namespace frit::checking {

namespace {
class DistributionCall {
public:
  explicit DistributionCall(const BuiltinCall &b);
  Value categorical();
  Value bernoulli();
  Value normal();
  Value point();
  Value smooth();
  Value temper();
  Value restrict();
  Value logProb();
  Value nll();
  Value entropy();
  Value crossEntropy();
  Value mode();
  Value logits();
  Value sample();

private:
  void count(size_t positional, const std::vector<std::string> &allowed = {}) const;
  bool has(const char *key) const { return named.count(key) > 0; }
  Value eval(const char *key) const { return b.eval(named.at(key)); }
  Tensor real(const char *key) const;
  Tensor tensor(size_t i) const;
  const Distribution &distribution(size_t i) const;
  Axes eventOf(const Tensor &x) const;
  [[noreturn]] void fail(const std::string &message) const { c.fail(b.at, message); }

  const BuiltinCall &b;
  Checker &c;
  std::vector<std::pair<Value, Location>> args;
  std::map<std::string, const ast::Expr *> named;
};

template <Value (DistributionCall::*method)()> Value run(const BuiltinCall &b) {
  return (DistributionCall(b).*method)();
}
} // namespace

const BuiltinTable distributionCalls = {{"categorical", run<&DistributionCall::categorical>},
                                        {"bernoulli", run<&DistributionCall::bernoulli>},
                                        {"normal", run<&DistributionCall::normal>},
                                        {"point", run<&DistributionCall::point>},
                                        {"smooth", run<&DistributionCall::smooth>},
                                        {"temper", run<&DistributionCall::temper>},
                                        {"restrict", run<&DistributionCall::restrict>},
                                        {"log_prob", run<&DistributionCall::logProb>},
                                        {"nll", run<&DistributionCall::nll>},
                                        {"entropy", run<&DistributionCall::entropy>},
                                        {"cross_entropy", run<&DistributionCall::crossEntropy>},
                                        {"mode", run<&DistributionCall::mode>},
                                        {"logits", run<&DistributionCall::logits>},
                                        {"sample", run<&DistributionCall::sample>}};

DistributionCall::DistributionCall(const BuiltinCall &b) : b(b), c(b.c) {
  for (const ast::Call::Argument &argument : b.call.arguments)
    if (argument.name)
      named[argument.name->text] = argument.value.get();
    else
      args.push_back({b.eval(argument.value.get()), argument.value->at});
}

void DistributionCall::count(size_t positional, const std::vector<std::string> &allowed) const {
  if (args.size() != positional)
    fail(fmt::format("{} takes {} argument{} by position, not {}", b.name, positional,
                     positional == 1 ? "" : "s", args.size()));
  for (auto &[key, expr] : named)
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
      c.error(expr->at, fmt::format("{} has no argument '{}'", b.name, key))
          .suggest(key, allowed)
          .fail();
}

Tensor DistributionCall::real(const char *key) const {
  Location at = named.at(key)->at;
  return c.toReal(c.toTensor(b.scope, eval(key), at), at);
}

Tensor DistributionCall::tensor(size_t i) const {
  return c.toTensor(b.scope, args[i].first, args[i].second);
}

const Distribution &DistributionCall::distribution(size_t i) const {
  auto *d = args[i].first.distribution();
  if (!d)
    c.fail(args[i].second, fmt::format("{} wants a distribution, this is {}", b.name,
                                       c.describe(args[i].first, b.scope)));
  return *d;
}

/// The axes that `over =` names, with the sizes they have in x.
Axes DistributionCall::eventOf(const Tensor &x) const {
  if (!has("over"))
    return {};
  const ast::Expr *over = named.at("over");
  Group group = c.axisExpr(b.scope, *over);
  for (Axis &axis : group.axes) {
    const Axis *mine = x.type.find(axis.name);
    if (!mine)
      c.fail(over->at, fmt::format("{}: {} has no axis '{}'", b.name, c.describe(Value(x), b.scope),
                                   c.display(axis.name, b.scope)));
    axis.size = mine->size;
  }
  return group.axes;
}

/// The logits as they are, or the log-probabilities, which are logits too.
static const Tensor &scoresOf(const Distribution &d) {
  return field(d, d.fields.count("logits") ? "logits" : "log_probs");
}

//===-- Making them
//-----------------------------------------------------------------------------===//

Value DistributionCall::categorical() {
  count(0, {"logits", "log_probs", "at", "over"});
  if (!has("over"))
    fail("categorical wants over =, the axis of its support");
  if (has("logits") == has("log_probs"))
    fail("categorical wants logits = or log_probs =");
  if (has("at")) {
    if (!has("log_probs"))
      fail("a categorical known at some tokens wants log_probs =");
    Tensor logP = real("log_probs");
    Location where = named.at("at")->at;
    Tensor tokens = c.toTensor(b.scope, eval("at"), where);
    if (!tokens.isToken())
      c.fail(where, "at = wants tokens");
    return makeDistribution(Distribution::Kind::Partial, eventOf(logP),
                            {{"log_probs", logP}, {"at", tokens}});
  }
  const char *key = has("logits") ? "logits" : "log_probs";
  Tensor x = real(key);
  return makeDistribution(Distribution::Kind::Categorical, eventOf(x), {{key, x}});
}

Value DistributionCall::bernoulli() {
  count(0, {"logits", "probs", "over", "like"});
  if (has("logits") == has("probs"))
    fail("bernoulli wants logits = or probs =");
  Tensor logits;
  if (has("logits")) {
    logits = real("logits");
  } else {
    Tensor p = real("probs"), rest = c.op2("sub", c.literal(1), p, b.at);
    logits = c.op2("sub", c.op1("log", p, b.at), c.op1("log", rest, b.at), b.at);
  }
  if (has("like")) {
    const ast::Expr *like = named.at("like");
    auto shape = c.shapeOf(b.eval(like));
    if (!shape)
      c.fail(like->at, "like = wants a value with axes");
    logits = c.expand(logits, *shape, b.at);
  }
  return makeDistribution(Distribution::Kind::Bernoulli, eventOf(logits), {{"logits", logits}});
}

Value DistributionCall::normal() {
  count(0, {"mean", "std", "over"});
  Tensor mean = has("mean") ? real("mean") : c.literal(0);
  Tensor std = has("std") ? real("std") : c.literal(1);
  Axes over = has("over") ? c.axisExpr(b.scope, *named.at("over")).axes : Axes();
  return makeDistribution(
      Distribution::Kind::Normal, over,
      {{"mean", c.expand(mean, over, b.at)}, {"std", c.expand(std, over, b.at)}});
}

Value DistributionCall::point() {
  count(1);
  Tensor x = tensor(0);
  if (!x.isToken())
    fail(fmt::format("point wants tokens, this is {}", c.describe(args[0].first, b.scope)));
  return makeDistribution(Distribution::Kind::Categorical, {*x.vocabulary},
                          {{"tokens", x}, {"epsilon", c.literal(0)}});
}

Value DistributionCall::smooth() {
  count(2);
  const Distribution &d = distribution(0);
  if (!d.fields.count("tokens"))
    fail("smooth mixes a point with the uniform distribution: smooth(point(x), 0.1)");
  return makeDistribution(Distribution::Kind::Categorical, d.event,
                          {{"tokens", field(d, "tokens")}, {"epsilon", c.toReal(tensor(1), b.at)}});
}

Value DistributionCall::temper() {
  count(2);
  const Distribution &d = distribution(0);
  if (d.kind != Distribution::Kind::Categorical || d.fields.count("tokens"))
    fail(fmt::format("temper divides logits; a {} has none", name(d.kind)));
  Tensor logits = scoresOf(d);
  Tensor by = c.toReal(tensor(1), b.at);
  Tensor tempered = c.elementwise(b.scope, "div", {logits, by}, b.at);
  // The logits as they were stay known: two that are divided by one number differ by the
  // difference of these, to the last digit.
  if (d.fields.count("cold")) {
    by = c.elementwise(b.scope, "mul", {field(d, "temperature"), by}, b.at);
    logits = field(d, "cold");
  }
  return makeDistribution(Distribution::Kind::Categorical, d.event,
                          {{"logits", tempered}, {"cold", logits}, {"temperature", by}});
}

/// Columns beyond the axis have no probability and go.
Value DistributionCall::restrict() {
  count(2);
  const Distribution &d = distribution(0);
  auto *target = args[1].first.get<Group>();
  if (!target || target->axes.size() != 1 || d.kind != Distribution::Kind::Categorical ||
      d.fields.count("tokens") || d.event.size() != 1)
    fail("restrict(p, axis) of a categorical over one axis");
  Tensor from = scoresOf(d);
  Axis axis = target->axes[0];
  if (axis.size > d.event[0].size)
    fail(fmt::format("axis '{}' is {}, larger than the {} of the distribution",
                     c.display(axis.name, b.scope), axis.size, d.event[0].size));
  std::string old = d.event[0].name;
  if (axis.name == old) {
    std::string aside = c.freshIn(b.scope, old + ".0");
    from = c.renameAxes(from, {{old, {{aside, d.event[0].size}}}}, b.at);
    old = aside;
  }
  Tensor positions = c.emit("index", {}, {{"axes", Axes{axis}}}, b.at);
  Tensor out = c.emit("gather", {from, positions}, {{"axes", std::vector<std::string>{old}}}, b.at);
  return makeDistribution(Distribution::Kind::Categorical, {axis}, {{"logits", out}});
}

//===-- Asking them
//-----------------------------------------------------------------------------===//

Value DistributionCall::logProb() {
  count(2);
  Tensor x = tensor(1);
  return c.logProb(b.scope, distribution(0), x, b.at);
}

Value DistributionCall::nll() { return c.op1("neg", *logProb().get<Tensor>(), b.at); }

Value DistributionCall::entropy() {
  count(1);
  return c.entropyOf(b.scope, distribution(0), b.at);
}

Value DistributionCall::crossEntropy() {
  count(2);
  return c.crossEntropy(b.scope, distribution(0), distribution(1), b.at);
}

Value DistributionCall::mode() {
  count(1);
  const Distribution &d = distribution(0);
  if (d.kind == Distribution::Kind::Bernoulli)
    return c.op2("gt", field(d, "logits"), c.literal(0), b.at);
  if (d.kind == Distribution::Kind::Normal)
    return field(d, "mean");
  if (d.fields.count("tokens"))
    return field(d, "tokens");
  if (d.kind == Distribution::Kind::Partial)
    return field(d, "at");
  const Tensor &x = scoresOf(d);
  Tensor out = c.emit("argmax", {x}, {{"over", namesOf(d.event)}}, b.at);
  if (d.event.size() == 1)
    out.vocabulary = d.event[0];
  out.range = {0, Group{d.event}.size() - 1};
  return out;
}

/// As they are: of log_probs these, which are logits too.
Value DistributionCall::logits() {
  count(1);
  const Distribution &d = distribution(0);
  for (const char *key : {"logits", "log_probs"})
    if (d.fields.count(key) && d.kind != Distribution::Kind::Partial)
      return field(d, key);
  c.fail(args[0].second, d.fields.count("tokens")
                             ? "a point has no logits"
                             : fmt::format("a {} has no logits", name(d.kind)));
}

Value DistributionCall::sample() {
  count(1);
  return c.sample(b.scope, distribution(0), b.at);
}

} // namespace frit::checking
