// D[f](p || q) = sum over the support of q f(p / q).
//
// 1. f becomes a symbol, normalised to f(1) = f'(1) = 0 (Generators.cpp).
// 2. Each column needs log p, log q and s = log p - log q. Of logits, s is the difference of the
//    logits themselves less that of the normalisers: what p and q have in common is subtracted
//    before it is rounded, so that two nearly equal distributions keep their digits.
// 3. Value and slopes of a column are formulas (Ratio.cpp), and so is the softmax in front:
//    dD/dz = q (phi - sum of q phi), dD/dt = p (f' - sum of p f'), phi = f - u f'.
// A row whose logits are all -inf is absent: 0, without a gradient. Where q is 0 and p is not, a
// column weighs p f'(inf), where p is 0, q f(0): inf for some f, and then without a gradient.
#include "dialect/syntax/check/FormulaWriter.h"
#include "dialect/syntax/check/LogitRows.h"
#include "dialect/syntax/check/Ratio.h"
#include <algorithm>
#include <cmath>
#include <functional>

namespace frit::checking {

using DistributionKind = Distribution::Kind;

namespace {
/// One of p and q over a support.
struct Side {
  Tensor differentiated; // what the slopes are by: logits, or log-probabilities
  bool isLogits = false;
  Tensor x, none; // the logits before a temperature, 0 where they are -inf; where that is
  Tensor top;     // the largest of each row
  Tensor sum;     // log of the sum of exp(x - top), after the temperature
  Tensor above;   // log p but for a number of the row
  std::optional<Tensor> temperature, isEmpty;
  Tensor logP;
};

struct Writing : FormulaWriter {
  const GeneratorFacts &f;
  Axes event;

  Writing(Checker &checker, const GeneratorFacts &f, Axes event, Location at)
      : FormulaWriter(checker, at), f(f), event(std::move(event)) {}

  Tensor sum(const Tensor &x) { return checker.sumEvent(x, event, at); }
  Tensor isNothing(const Tensor &x) { return op("eq", x, number(-INFINITY)); }

  Side logits(const Distribution &d) {
    LogitRows rows = logitRows(checker, d, at);
    Side out;
    out.isLogits = true;
    out.differentiated = rows.logits;
    out.x = rows.x;
    out.none = rows.none;
    out.top = rows.top;
    out.sum = rows.logSum;
    out.above = rows.above;
    out.temperature = rows.temperature;
    out.isEmpty = rows.isEmpty;
    out.logP = rows.logP;
    return out;
  }
  Side logProbs(const Tensor &logP) {
    Side out;
    out.differentiated = logP;
    Tensor x = hold(logP);
    out.none = isNothing(x);
    out.x = choose(out.none, number(0), x);
    out.top = out.sum = number(0);
    out.logP = out.above = x;
    return out;
  }
  Side sideOf(const Distribution &d) {
    return d.fields.count("logits") ? logits(d) : logProbs(checker.logProbs(d, at));
  }

  Tensor logRatio(const Side &p, const Side &q) {
    auto same = [](const std::optional<Tensor> &a, const std::optional<Tensor> &b) {
      return a && b ? a->id == b->id && a->narrow == b->narrow &&
                          (!a->uniform || !b->uniform || compare(*a->uniform, *b->uniform) == 0)
                    : !a && !b;
    };
    if (!same(p.temperature, q.temperature)) {
      auto logP = [&](const Side &side) {
        Tensor x = op("sub", side.x, side.top);
        return op("sub", side.temperature ? op("div", x, *side.temperature) : x, side.sum);
      };
      return op("sub", logP(p), logP(q));
    }
    auto [gap, lost] = difference(p.x, q.x);
    auto [topGap, topLost] = difference(p.top, q.top);
    Tensor s = op("add", op("sub", gap, topGap), op("sub", lost, topLost));
    if (p.temperature)
      s = op("div", s, *p.temperature);
    return op("sub", s, op("sub", p.sum, q.sum));
  }

  /// Slopes by log-probabilities into slopes by logits: by - probability * sum(by). In a column
  /// with most of the probability that is a difference of equal numbers; there it is less what all
  /// the others get.
  Tensor projected(const Tensor &by, const Tensor &probability,
                   const std::function<Tensor(const Tensor &)> &total) {
    Tensor isMost = op("gt", probability, number(0.5)), zero = number(0);
    Tensor others = total(choose(isMost, zero, by));
    Tensor all = op("add", others, total(choose(isMost, by, zero)));
    Tensor left = total(choose(isMost, zero, probability));
    return choose(isMost, op("sub", op("mul", all, left), others),
                  op("sub", by, op("mul", probability, all)));
  }
  Tensor finish(const Column &column, const Side &p, const Side &q, const Axes &axes) {
    Tensor value = checker.expand(column.value, axes, at);
    auto centred = [&](const Side &side, const Tensor &by, const Tensor &probability) {
      return side.isLogits ? projected(by, probability, [&](const Tensor &x) { return sum(x); })
                           : by;
    };
    value = withSlope(value, q.differentiated, centred(q, column.byLogQ, column.q));
    value = withSlope(value, p.differentiated, centred(p, column.byLogP, column.p));
    for (auto &[parameter, by] : column.byParameter)
      value = withSlope(value, parameter, by);
    return value;
  }

  /// An error of the normalisers shifts s by the same in all columns. Where f is smooth that
  /// cancels to first order; where it has a kink at 1, the shift is found from the sum of p - q,
  /// which is 0. What is left of s beside the size of p - q is rounding: a tie.
  Tensor corrected(const Ratio &ratio) {
    Tensor isEdge = either(ratio.pNone, ratio.qNone);
    Tensor isMore = choose(isEdge, ratio.qNone, op("gt", ratio.s, number(0)));
    Tensor less = choose(isEdge, number(-1), op("expm1", op("neg", op("abs", ratio.s))));
    Tensor larger = op("exp", op("maximum", ratio.logP, ratio.logQ));
    Tensor gap = op("neg", op("mul", less, larger)); // |p - q|
    Tensor size = sum(gap), shift = sum(choose(isMore, gap, op("neg", gap)));
    Tensor isSmall = op("lt", op("abs", shift), number(1e-3));
    Tensor s = op("sub", ratio.s, choose(isSmall, shift, number(0)));
    Tensor isTie = op("le", op("abs", s), op("mul", size, number(1e-6)));
    return choose(isTie, number(0), s);
  }

  Tensor categorical(Side p, Side q) {
    Tensor s = logRatio(p, q);
    // A row without any column takes the other one with it.
    for (const Side *side : {&p, &q})
      if (side->isEmpty)
        for (Side *other : {&p, &q})
          other->logP =
              op("add", other->logP, choose(*side->isEmpty, number(-INFINITY), number(0)));
    Ratio ratio{p.logP, q.logP, s, p.none, q.none};
    if (f.nearOne == 0 || f.series[2]->is(0))
      ratio.s = corrected(ratio);
    Column column = columnOf(checker, f, ratio, at);
    return sum(finish(column, p, q, s.type.axes));
  }

  /// - sum of p log q. Its slope by the logits of q is that of kl, q - p without cancellation.
  Tensor crossEntropy(Side p, Side q) {
    Tensor s = logRatio(p, q);
    for (Side *side : {&p, &q})
      if (p.isEmpty)
        side->logP = op("add", side->logP, choose(*p.isEmpty, number(-INFINITY), number(0)));
    Column column = columnOf(checker, f, {p.logP, q.logP, s, p.none, q.none}, at);
    auto times = [&](const Tensor &x, const Tensor &lost) {
      Tensor product = op("mul", column.p, choose(q.none, lost, x));
      return choose(p.none, number(0), op("neg", product));
    };
    Tensor isLost = both(q.none, isNot(p.none));
    column.value = choose(isLost, number(INFINITY), times(q.logP, number(0)));
    // By the logits of p all log q of a row may move together: then without the normaliser, whose
    // digits hide what they differ by. A column that is lost has log q = 0 here.
    column.byLogP = p.isLogits ? times(q.above, q.sum) : times(q.logP, number(0));
    if (!q.isLogits)
      column.byLogQ = op("neg", column.p);
    return sum(finish(column, p, q, s.type.axes));
  }

  /// Two columns, whose logits are z and 0.
  Tensor bernoulli(const Tensor &zP, const Tensor &zQ) {
    struct Two {
      Tensor z, top, sum, isUp, isDown;
    };
    auto two = [&](const Tensor &logits) {
      Tensor x = hold(logits);
      Two out;
      out.isUp = op("eq", x, number(INFINITY));
      out.isDown = op("eq", x, number(-INFINITY));
      out.z = choose(either(out.isUp, out.isDown), number(0), x);
      out.top = op("maximum", out.z, number(0));
      out.sum = op("log1p", op("exp", op("neg", op("abs", out.z))));
      return out;
    };
    auto logP = [&](const Tensor &logits, bool one) {
      Tensor x = hold(logits);
      return op("neg", op("softplus", one ? op("neg", x) : x));
    };
    Two p = two(zP), q = two(zQ);
    auto [topGap, topLost] = difference(p.top, q.top);
    Tensor rest = op("sub", p.sum, q.sum);
    auto [gap, lost] = difference(p.z, q.z);
    Tensor s1 = op("sub", op("add", op("sub", gap, topGap), op("sub", lost, topLost)), rest);
    Tensor s0 = op("neg", op("add", op("add", topGap, topLost), rest));
    Column one = columnOf(checker, f, {logP(zP, true), logP(zQ, true), s1, p.isDown, q.isDown}, at);
    Column zero = columnOf(checker, f, {logP(zP, false), logP(zQ, false), s0, p.isUp, q.isUp}, at);
    Tensor value = checker.expand(op("add", one.value, zero.value), s1.type.axes, at);
    // by1 - p1 (by1 + by0) = p0 by1 - p1 by0
    auto centred = [&](const Tensor &by1, const Tensor &by0, const Tensor &p1, const Tensor &p0) {
      return op("sub", op("mul", p0, by1), op("mul", p1, by0));
    };
    value = withSlope(value, zQ, centred(one.byLogQ, zero.byLogQ, one.q, zero.q));
    value = withSlope(value, zP, centred(one.byLogP, zero.byLogP, one.p, zero.p));
    for (size_t i = 0; i < one.byParameter.size(); ++i)
      value = withSlope(value, one.byParameter[i].first,
                        op("add", one.byParameter[i].second, zero.byParameter[i].second));
    return sum(value);
  }

  /// log(1 - sum of exp(x)): what the columns that are known leave to the others.
  Tensor logOfRest(const Tensor &x) {
    Axes mine;
    for (const Axis &axis : event)
      mine.push_back(*x.type.find(axis.name));
    std::vector<std::string> over;
    for (const Axis &axis : mine)
      over.push_back(axis.name);
    Tensor all = checker.emit("logsumexp", {x}, {{"over", over}}, at);
    Tensor isLeft = op("lt", all, number(0));
    Tensor safe = choose(isLeft, all, number(-1));
    return choose(isLeft, op("log", op("neg", op("expm1", safe))), number(-INFINITY));
  }
  Tensor partial(const Tensor &logP, const Tensor &logQ) {
    auto column = [&](const Tensor &a, const Tensor &b) {
      Side p = logProbs(a), q = logProbs(b);
      Tensor s = logRatio(p, q);
      return finish(columnOf(checker, f, {p.logP, q.logP, s, p.none, q.none}, at), p, q,
                    s.type.axes);
    };
    return op("add", sum(column(logP, logQ)), column(logOfRest(logP), logOfRest(logQ)));
  }
};
} // namespace

/// kl(a || b) of normals: (r^2 - 1) / 2 - log r + gap^2 / 2, r = std a / std b, the first half of
/// it as (e^x - 1 - x) / 2 with x = 2 log r.
static Tensor klOfNormals(Checker &checker, const Distribution &a, const Distribution &b,
                          Location at) {
  FormulaWriter w{checker, at};
  const Tensor &sa = field(a, "std"), &sb = field(b, "std");
  Tensor gap = w.op("div", w.op("sub", field(a, "mean"), field(b, "mean")), sb);
  Tensor more = w.op("div", w.op("sub", sa, sb), sb);
  Tensor isNear = w.op("lt", w.op("abs", more), w.number(0.5));
  Tensor x = w.choose(isNear, w.op("log1p", w.choose(isNear, more, w.number(0))),
                      w.op("log", w.choose(isNear, w.number(1), w.op("div", sa, sb))));
  x = w.op("mul", x, w.number(2));
  SymbolPtr u = Symbol::variable();
  static const GeneratorFacts reverse =
      factsOf(u - Symbol::of(1) - function("log", u), {Point()}); // e^x - 1 - x
  Tensor spread = linkAt(checker, reverse, Link::Value, x, at);
  Tensor all = w.op("mul", w.op("add", spread, w.op("mul", gap, gap)), w.number(0.5));
  Axes axes = all.type.axes;
  for (const Axis &axis : gap.type.axes)
    if (std::find(axes.begin(), axes.end(), axis) == axes.end())
      axes.push_back(axis);
  return checker.sumEvent(checker.expand(all, axes, at), a.event, at);
}

Tensor Checker::crossEntropyOfColumns(const Distribution &p, const Distribution &q, Location at) {
  SymbolPtr u = Symbol::variable();
  static const GeneratorFacts kl = factsOf(u * function("log", u) - u + Symbol::of(1), {Point()});
  Writing writing(*this, kl, p.event, at);
  return writing.crossEntropy(writing.sideOf(p), writing.sideOf(q));
}

Value Checker::divergence(Scope &scope, const Generator &generator, const Value &left,
                          const Value &right, Location at) {
  auto *p = left.distribution(), *q = right.distribution();
  if (!p || !q)
    fail(at, fmt::format("a divergence is between distributions, this is {}",
                         describe(p ? right : left, scope)));
  sameSupport(scope, *p, *q, at);
  const std::string &name = generator.decl->name.text;
  if (p->kind == DistributionKind::Normal) {
    bool isKl = name == "kl" && generator.file->isPrelude;
    bool isReverse = name == "reverse_kl" && generator.file->isPrelude;
    if (!isKl && !isReverse)
      error(at, fmt::format("D[{}] of two normals has no closed form here", name))
          .help("kl and reverse_kl have one; others can be estimated from samples")
          .fail();
    return Value(klOfNormals(*this, isKl ? *p : *q, isKl ? *q : *p, at));
  }
  GeneratorFacts facts = factsOf(*this, generator, at);
  Writing writing(*this, facts, p->event, at);
  if (p->kind == DistributionKind::Bernoulli) {
    const Tensor &zP = field(*p, "logits"), &zQ = field(*q, "logits");
    meet(scope, {zP, zQ}, at, "'||'", true);
    return Value(writing.bernoulli(zP, zQ));
  }
  if (p->kind == DistributionKind::Partial) {
    // The known tokens, and one column for the rest: a lower bound of the whole, for any f.
    const Tensor &logP = field(*p, "log_probs"), &tokens = field(*p, "at");
    if (tokens.vocabulary->name != q->event[0].name)
      fail(at,
           fmt::format("tokens of '{}', but the distribution is over '{}'",
                       display(tokens.vocabulary->name, scope), display(q->event[0].name, scope)));
    for (const Axis &axis : p->event)
      if (!tokens.type.find(axis.name))
        fail(at, fmt::format("the tokens that p is known at lack its axis '{}'",
                             display(axis.name, scope)));
    Tensor plain = tokens;
    plain.vocabulary.reset();
    Tensor logQ = emit("gather", {logProbs(*q, at), plain},
                       {{"axes", std::vector<std::string>{q->event[0].name}}}, at);
    return Value(writing.partial(logP, logQ));
  }
  Side sideP = writing.sideOf(*p), sideQ = writing.sideOf(*q);
  meet(scope, {sideP.logP, sideQ.logP}, at, "'||'", true);
  return Value(writing.categorical(sideP, sideQ));
}

/// slope: f'(e^s). score: f(u) - u f'(u) at u = e^s.
Value Checker::linkOf(Scope &scope, const Generator &generator, const std::string &which,
                      const Value &s, Location at) {
  return Value(linkAt(*this, factsOf(*this, generator, at),
                      which == "slope" ? Link::Slope : Link::Score,
                      toReal(toTensor(scope, s, at), at), at));
}

} // namespace frit::checking
