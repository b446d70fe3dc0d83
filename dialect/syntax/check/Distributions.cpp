// Distributions are compile-time structures over values: a categorical keeps the logits it was made
// of, so that heads and objectives can meet later; no softmax is made that nobody asks for.
#include "dialect/syntax/check/LogitRows.h"
#include "dialect/syntax/check/Taken.h"
#include <algorithm>
#include <cmath>

namespace frit::checking {

static const Tensor &field(const Distribution &d, const std::string &name) {
  return *d.fields.at(name)->get<Tensor>();
}

static Value make(Distribution::Kind kind, Axes event, std::map<std::string, Tensor> fields) {
  auto out = std::make_shared<Distribution>();
  out->kind = kind;
  out->event = std::move(event);
  for (auto &[name, tensor] : fields)
    out->fields[name] = std::make_shared<Value>(tensor);
  return Value(out);
}

Tensor Checker::sumEvent(const Tensor &x, const Axes &event, Location at) {
  Axes mine;
  for (const Axis &axis : event)
    if (const Axis *a = x.type.find(axis.name))
      mine.push_back(*a);
  return reduce("sum", x, mine, at);
}

/// log p over the whole support, normalised.
Tensor Checker::logProbs(const Distribution &d, Location at) {
  if (d.fields.count("log_probs"))
    return field(d, "log_probs");
  if (d.fields.count("logits"))
    return emit("log_softmax", {field(d, "logits")}, {{"over", namesOf(d.event)}}, at);
  // A smoothed point: log of a table.
  const Tensor &tokens = field(d, "tokens");
  Tensor hit = op2(
      "eq", emit("index", {}, {{"axes", d.event}}, at),
      [&] {
        Tensor plain = tokens;
        plain.vocabulary.reset();
        return plain;
      }(),
      at);
  Scope none;
  const Tensor &epsilon = field(d, "epsilon");
  Tensor rest = op2("div", epsilon, literal(double(Group{d.event}.size())), at);
  Tensor top = op2("add", op2("sub", literal(1), epsilon, at), rest, at);
  Tensor p = emit("select", {hit, top, rest}, {}, at);
  return op1("log", p, at);
}

/// x at the tokens, along the (single) event axis.
static Tensor pickToken(Checker &checker, const Tensor &x, const Tensor &tokens, const Axes &event,
                        Location at) {
  Tensor plain = tokens;
  plain.vocabulary.reset();
  Attributes attributes = {{"axes", namesOf(event)}};
  return checker.emit("gather", {x, plain}, attributes, at);
}

Tensor Checker::logProb(Scope &scope, const Distribution &d, const Tensor &x, Location at) {
  auto sameRows = [&](const Axes &rows) {
    Tensor want;
    want.type.axes = rows;
    bool same = rows.size() == x.type.axes.size();
    for (const Axis &axis : x.type.axes)
      if (const Axis *a = want.type.find(axis.name); !a || a->size != axis.size)
        same = false;
    if (!same)
      error(at, fmt::format("the distribution has axes [{}], the value is {}",
                            displayAxes(rows, scope), describe(Value(x), scope)))
          .fail();
  };
  switch (d.kind) {
  case Distribution::Kind::Categorical: {
    if (!x.isToken())
      fail(at, fmt::format("a categorical gives probabilities to tokens, this is {}",
                           describe(Value(x), scope)));
    if (d.event.size() != 1)
      fail(at, "a categorical over a group has no tokens; merge the group with rename");
    if (x.vocabulary->name != d.event[0].name)
      fail(at, fmt::format("tokens of '{}', but the distribution is over '{}'",
                           display(x.vocabulary->name, scope), display(d.event[0].name, scope)));
    sameRows(*shapeOf(Value(std::make_shared<Distribution>(d))));
    if (!d.fields.count("logits"))
      return pickToken(*this, logProbs(d, at), x, d.event, at);
    return logProbOf(*this, logitRows(*this, d, at), x, d.event, at);
  }
  case Distribution::Kind::Bernoulli: {
    Tensor y = x.type.element == Element::I1 ? cast(x, real(), at) : toReal(x, at);
    const Tensor &logits = field(d, "logits");
    Tensor all =
        op2("sub", elementwise(scope, "mul", {logits, y}, at), op1("softplus", logits, at), at);
    return sumEvent(all, d.event, at);
  }
  case Distribution::Kind::Normal: {
    const Tensor &std = field(d, "std");
    Tensor gap =
        op2("div", elementwise(scope, "sub", {toReal(x, at), field(d, "mean")}, at), std, at);
    Tensor all = op2("mul", op2("mul", gap, gap, at), literal(-0.5), at);
    all = op2("sub", all, op1("log", std, at), at);
    all = op2("sub", all, literal(0.91893853320467274178), at);
    Axes axes = gap.type.axes;
    return sumEvent(expand(all, axes, at), d.event, at);
  }
  case Distribution::Kind::Partial:
    fail(at, "a categorical known only at some tokens gives no probability to others");
  }
  return {};
}

/// sum of p * x where p may be 0 and x infinite.
static Tensor weighted(Checker &checker, Scope &scope, const Tensor &logP, const Tensor &x,
                       Location at) {
  Tensor none = checker.op2("eq", logP, checker.literal(-INFINITY), at);
  Tensor product = checker.op2("mul", checker.op1("exp", logP, at),
                               checker.select(scope, none, checker.literal(0), x, at), at);
  return product;
}

Tensor Checker::entropyOf(Scope &scope, const Distribution &d, Location at) {
  switch (d.kind) {
  case Distribution::Kind::Categorical: {
    if (d.fields.count("logits"))
      return checking::entropyOf(*this, logitRows(*this, d, at), d.event, at);
    Tensor logP = logProbs(d, at);
    return op1("neg", sumEvent(weighted(*this, scope, logP, logP, at), d.event, at), at);
  }
  case Distribution::Kind::Bernoulli: {
    const Tensor &z = field(d, "logits");
    Tensor all = op2("sub", op1("softplus", z, at), op2("mul", z, op1("sigmoid", z, at), at), at);
    return sumEvent(all, d.event, at);
  }
  case Distribution::Kind::Normal: {
    Tensor all = op2("add", op1("log", field(d, "std"), at), literal(1.41893853320467274178), at);
    return sumEvent(all, d.event, at);
  }
  case Distribution::Kind::Partial:
    fail(at, "the entropy of a categorical known only at some tokens is not known");
  }
  return {};
}

Tensor Checker::crossEntropy(Scope &scope, const Distribution &p, const Distribution &q,
                             Location at) {
  sameSupport(scope, p, q, at);
  if (p.kind == Distribution::Kind::Categorical && p.fields.count("tokens")) {
    // (1 - e) nll + e times the mean over the support.
    Tensor nll = op1("neg", logProb(scope, q, field(p, "tokens"), at), at);
    const Tensor &epsilon = field(p, "epsilon");
    if (epsilon.uniform && epsilon.uniform->value == 0)
      return nll;
    Tensor logQ = logProbs(q, at);
    Axes event;
    for (const Axis &axis : q.event)
      event.push_back(*logQ.type.find(axis.name));
    Tensor spread = op1(
        "neg", op2("div", reduce("sum", logQ, event, at), literal(double(Group{event}.size())), at),
        at);
    return op2("add", op2("mul", op2("sub", literal(1), epsilon, at), nll, at),
               op2("mul", epsilon, spread, at), at);
  }
  if (p.kind == Distribution::Kind::Categorical)
    return crossEntropyOfColumns(p, q, at);
  if (p.kind == Distribution::Kind::Bernoulli) {
    const Tensor &z = field(q, "logits");
    Tensor all = op2("sub", op1("softplus", z, at),
                     op2("mul", z, op1("sigmoid", field(p, "logits"), at), at), at);
    return sumEvent(all, q.event, at);
  }
  fail(at, fmt::format("cross_entropy of two {} distributions", name(p.kind)));
}

void Checker::sameSupport(Scope &scope, const Distribution &p, const Distribution &q, Location at) {
  if (p.kind != q.kind &&
      !(p.kind == Distribution::Kind::Partial && q.kind == Distribution::Kind::Categorical))
    fail(at, fmt::format("a {} and a {} have different supports", name(p.kind), name(q.kind)));
  if (p.kind == Distribution::Kind::Partial)
    return;
  std::set<std::string> a, b;
  for (const Axis &axis : p.event)
    a.insert(axis.name);
  for (const Axis &axis : q.event)
    b.insert(axis.name);
  if (a != b)
    error(at, fmt::format("a {} over [{}] and one over [{}] have different supports", name(p.kind),
                          displayAxes(p.event, scope), displayAxes(q.event, scope)))
        .fail();
  for (const Axis &axis : p.event)
    for (const Axis &other : q.event)
      if (axis.name == other.name && axis.size != other.size)
        error(at, fmt::format("axis '{}' is {} on the left and {} on the right: the supports "
                              "differ",
                              display(axis.name, scope), axis.size, other.size))
            .help("restrict(p, axis) drops what the other does not have")
            .fail();
}

Tensor Checker::random(Scope &scope, const std::string &distribution, const Axes &axes,
                       Location at) {
  if (!emitting())
    later(at);
  Scope &root = scope.root();
  std::string key = root.site + "/" + distribution + "#" +
                    std::to_string(root.sites[distribution]++) + "@" + currentPath;
  uint32_t site = 2166136261u; // FNV-1a
  for (unsigned char c : key)
    site = (site ^ c) * 16777619u;
  std::vector<Tensor> keys = {readScalar(stateNamed.at("seed")), readScalar(stateNamed.at("step"))};
  std::vector<Frame *> loops;
  for (Frame *f = frame; f; f = f->outer)
    loops.insert(loops.begin(), f);
  for (Frame *f : loops) {
    Tensor index;
    index.id = f->index;
    index.type = {Element::I32, {}};
    keys.push_back(index);
  }
  return emit("random", keys,
              {{"axes", axes},
               {"element", std::string(frit::name(real()))},
               {"distribution", distribution},
               {"site", int64_t(site)}},
              at);
}

Value Checker::sample(Scope &scope, const Distribution &d, Location at) {
  switch (d.kind) {
  case Distribution::Kind::Normal: {
    Axes axes = field(d, "mean").type.axes;
    for (const Axis &axis : field(d, "std").type.axes)
      if (std::find(axes.begin(), axes.end(), axis) == axes.end())
        axes.push_back(axis);
    Tensor noise = random(scope, "normal", axes, at);
    return op2("add", field(d, "mean"), op2("mul", field(d, "std"), noise, at), at);
  }
  case Distribution::Kind::Bernoulli: {
    const Tensor &logits = field(d, "logits");
    Tensor u = random(scope, "uniform", logits.type.axes, at);
    return op2("lt", u, op1("sigmoid", logits, at), at);
  }
  case Distribution::Kind::Categorical: {
    // Gumbel: the largest of logits - log(-log u).
    Tensor logits = d.fields.count("logits") ? field(d, "logits") : logProbs(d, at);
    Tensor u = random(scope, "uniform", logits.type.axes, at);
    u = op2("maximum", u, literal(1e-20), at);
    Tensor noise = op1("neg", op1("log", op1("neg", op1("log", u, at), at), at), at);
    Tensor out = emit("argmax", {op2("add", logits, noise, at)}, {{"over", namesOf(d.event)}}, at);
    out.vocabulary = d.event[0];
    out.range = {0, Group{d.event}.size() - 1};
    return out;
  }
  case Distribution::Kind::Partial:
    fail(at, "a categorical known only at some tokens cannot be sampled");
  }
  return Nothing();
}

/// name(...) for the functions of this file; none for other names.
std::optional<Value> Checker::distributionCall(Scope &scope, const std::string &name,
                                               const ast::Call &call) {
  static const std::set<std::string> known = {
      "categorical", "bernoulli", "normal", "nll",  "log_prob", "entropy",  "cross_entropy",
      "temper",      "smooth",    "point",  "mode", "sample",   "restrict", "logits"};
  if (!known.count(name))
    return std::nullopt;
  Location at = call.at;
  std::vector<std::pair<Value, Location>> args;
  std::map<std::string, const ast::Expr *> named;
  for (const ast::Call::Argument &argument : call.arguments)
    if (!argument.name)
      args.push_back({eval(scope, *argument.value), argument.value->at});
    else
      named[argument.name->text] = argument.value.get();
  auto count = [&](size_t n, std::vector<std::string> allowed) {
    if (args.size() != n)
      fail(at, fmt::format("{} takes {} argument{} by position, not {}", name, n, n == 1 ? "" : "s",
                           args.size()));
    for (auto &[key, expr] : named)
      if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
        error(expr->at, fmt::format("{} has no argument '{}'", name, key))
            .suggest(key, allowed)
            .fail();
  };
  auto real_ = [&](const char *key) {
    return toReal(toTensor(scope, eval(scope, *named[key]), named[key]->at), named[key]->at);
  };
  auto distribution = [&](size_t i) -> const Distribution & {
    auto *d = args[i].first.distribution();
    if (!d)
      fail(args[i].second, fmt::format("{} wants a distribution, this is {}", name,
                                       describe(args[i].first, scope)));
    return *d;
  };
  auto event = [&](const Tensor &x) -> Axes {
    if (!named.count("over"))
      return {};
    Group group = axisExpr(scope, *named["over"]);
    for (Axis &axis : group.axes) {
      const Axis *mine = x.type.find(axis.name);
      if (!mine)
        error(named["over"]->at, fmt::format("{}: {} has no axis '{}'", name,
                                             describe(Value(x), scope), display(axis.name, scope)))
            .fail();
      axis.size = mine->size;
    }
    return group.axes;
  };
  if (name == "categorical") {
    count(0, {"logits", "log_probs", "at", "over"});
    if (!named.count("over"))
      fail(at, "categorical wants over =, the axis of its support");
    if (named.count("logits") == named.count("log_probs"))
      fail(at, "categorical wants logits = or log_probs =");
    if (named.count("at")) {
      if (!named.count("log_probs"))
        fail(at, "a categorical known at some tokens wants log_probs =");
      Tensor logP = real_("log_probs");
      Tensor tokens = toTensor(scope, eval(scope, *named["at"]), named["at"]->at);
      if (!tokens.isToken())
        fail(named["at"]->at, "at = wants tokens");
      return make(Distribution::Kind::Partial, event(logP), {{"log_probs", logP}, {"at", tokens}});
    }
    const char *key = named.count("logits") ? "logits" : "log_probs";
    Tensor x = real_(key);
    return make(Distribution::Kind::Categorical, event(x), {{key, x}});
  }
  if (name == "bernoulli") {
    count(0, {"logits", "probs", "over", "like"});
    if (named.count("logits") == named.count("probs"))
      fail(at, "bernoulli wants logits = or probs =");
    Tensor logits;
    if (named.count("logits")) {
      logits = real_("logits");
    } else {
      Tensor p = real_("probs");
      logits = op2("sub", op1("log", p, at), op1("log", op2("sub", literal(1), p, at), at), at);
    }
    if (named.count("like")) {
      auto shape = shapeOf(eval(scope, *named["like"]));
      if (!shape)
        fail(named["like"]->at, "like = wants a value with axes");
      logits = expand(logits, *shape, at);
    }
    return make(Distribution::Kind::Bernoulli, event(logits), {{"logits", logits}});
  }
  if (name == "normal") {
    count(0, {"mean", "std", "over"});
    Tensor mean = named.count("mean") ? real_("mean") : literal(0);
    Tensor std = named.count("std") ? real_("std") : literal(1);
    Axes over = named.count("over") ? axisExpr(scope, *named["over"]).axes : Axes();
    return make(Distribution::Kind::Normal, over,
                {{"mean", expand(mean, over, at)}, {"std", expand(std, over, at)}});
  }
  if (name == "nll" || name == "log_prob") {
    count(2, {});
    Tensor x = toTensor(scope, args[1].first, args[1].second);
    Tensor out = logProb(scope, distribution(0), x, at);
    return Value(name == "nll" ? op1("neg", out, at) : out);
  }
  if (name == "entropy") {
    count(1, {});
    return Value(entropyOf(scope, distribution(0), at));
  }
  if (name == "cross_entropy") {
    count(2, {});
    return Value(crossEntropy(scope, distribution(0), distribution(1), at));
  }
  if (name == "point") {
    count(1, {});
    Tensor x = toTensor(scope, args[0].first, args[0].second);
    if (!x.isToken())
      fail(at, fmt::format("point wants tokens, this is {}", describe(args[0].first, scope)));
    return make(Distribution::Kind::Categorical, {*x.vocabulary},
                {{"tokens", x}, {"epsilon", literal(0)}});
  }
  if (name == "smooth") {
    count(2, {});
    const Distribution &d = distribution(0);
    if (!d.fields.count("tokens"))
      fail(at, "smooth mixes a point with the uniform distribution: smooth(point(x), 0.1)");
    Tensor epsilon = toReal(toTensor(scope, args[1].first, args[1].second), at);
    return make(Distribution::Kind::Categorical, d.event,
                {{"tokens", field(d, "tokens")}, {"epsilon", epsilon}});
  }
  if (name == "temper") {
    count(2, {});
    const Distribution &d = distribution(0);
    if (d.kind != Distribution::Kind::Categorical || d.fields.count("tokens"))
      fail(at, fmt::format("temper divides logits; a {} has none", checking::name(d.kind)));
    Tensor logits = d.fields.count("logits") ? field(d, "logits") : field(d, "log_probs");
    Tensor by = toReal(toTensor(scope, args[1].first, args[1].second), at);
    // The logits as they were stay known: two that are divided by one number differ by the
    // difference of these, to the last digit.
    bool isTwice = d.fields.count("cold");
    return make(Distribution::Kind::Categorical, d.event,
                {{"logits", elementwise(scope, "div", {logits, by}, at)},
                 {"cold", isTwice ? field(d, "cold") : logits},
                 {"temperature",
                  isTwice ? elementwise(scope, "mul", {field(d, "temperature"), by}, at) : by}});
  }
  if (name == "mode") {
    count(1, {});
    const Distribution &d = distribution(0);
    if (d.kind == Distribution::Kind::Bernoulli)
      return Value(op2("gt", field(d, "logits"), literal(0), at));
    if (d.kind == Distribution::Kind::Normal)
      return Value(field(d, "mean"));
    if (d.kind != Distribution::Kind::Categorical || d.fields.count("tokens"))
      return d.fields.count("tokens") ? Value(field(d, "tokens")) : Value(field(d, "at"));
    const Tensor &x = field(d, d.fields.count("logits") ? "logits" : "log_probs");
    Tensor out = emit("argmax", {x}, {{"over", namesOf(d.event)}}, at);
    if (d.event.size() == 1)
      out.vocabulary = d.event[0];
    out.range = {0, Group{d.event}.size() - 1};
    return Value(out);
  }
  if (name == "logits") {
    // As they are: of log_probs these, which are logits too.
    count(1, {});
    const Distribution &d = distribution(0);
    for (const char *key : {"logits", "log_probs"})
      if (d.fields.count(key) && d.kind != Distribution::Kind::Partial)
        return Value(field(d, key));
    fail(args[0].second, d.fields.count("tokens")
                             ? "a point has no logits"
                             : fmt::format("a {} has no logits", checking::name(d.kind)));
  }
  if (name == "sample") {
    count(1, {});
    return sample(scope, distribution(0), at);
  }
  // restrict(p, axis): columns beyond the axis have no probability and go.
  count(2, {});
  const Distribution &d = distribution(0);
  auto *target = args[1].first.get<Group>();
  if (!target || target->axes.size() != 1 || d.kind != Distribution::Kind::Categorical ||
      d.fields.count("tokens") || d.event.size() != 1)
    fail(at, "restrict(p, axis) of a categorical over one axis");
  const Tensor &x = field(d, d.fields.count("logits") ? "logits" : "log_probs");
  Axis axis = target->axes[0];
  if (axis.size > d.event[0].size)
    fail(at, fmt::format("axis '{}' is {}, larger than the {} of the distribution",
                         display(axis.name, scope), axis.size, d.event[0].size));
  std::string old = d.event[0].name;
  Tensor from = x;
  if (axis.name == old) {
    std::string aside = freshIn(scope, old + ".0");
    from = renameAxes(x, {{old, {{aside, d.event[0].size}}}}, at);
    old = aside;
  }
  Tensor positions = emit("index", {}, {{"axes", Axes{axis}}}, at);
  Tensor out = emit("gather", {from, positions}, {{"axes", std::vector<std::string>{old}}}, at);
  return make(Distribution::Kind::Categorical, {axis}, {{"logits", out}});
}

} // namespace frit::checking
