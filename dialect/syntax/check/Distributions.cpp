// Distributions are compile-time structures over values: a categorical keeps the logits it was made
// of, so that heads and objectives can meet later; no softmax is made that nobody asks for.
#include "dialect/syntax/check/LogitRows.h"
#include "dialect/syntax/check/Taken.h"
#include <algorithm>
#include <cmath>

namespace frit::checking {

const Tensor &field(const Distribution &d, const std::string &name) {
  return *d.fields.at(name)->get<Tensor>();
}

Value makeDistribution(Distribution::Kind kind, Axes event, std::map<std::string, Tensor> fields) {
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

} // namespace frit::checking
