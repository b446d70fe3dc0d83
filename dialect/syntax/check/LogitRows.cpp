// Values and slopes are formulas of their own. With e = exp(z - top), S = 1 + rest the sum of them:
//
//   log p(y) = z_y - top - log S              slope: where y is (S - e) / S, elsewhere -e / S
//   entropy  = log S - sum of p (z - top)     slope: -p (z - top - sum of p (z - top))
//
// S - e is `rest` where e is 1, and never less than 1 elsewhere: the slope of a token that is all
// but certain is as right as that of any other.
#include "dialect/syntax/check/LogitRows.h"
#include "dialect/syntax/check/FormulaWriter.h"
#include <cmath>

namespace frit::checking {

/// `value`, which the rows have; `slope`, which the columns have.
static Tensor withSlope(FormulaWriter &w, const Tensor &value, const LogitRows &rows,
                        const Tensor &slope, const Axes &event) {
  if (rows.logits.uniform || !rows.logits.id)
    return value;
  Tensor zero = w.checker.expand(w.number(0), slope.type.axes, w.at);
  Tensor carrier = w.withSlope(zero, rows.logits, slope);
  return w.op("add", value, w.checker.sumEvent(carrier, event, w.at));
}

LogitRows logitRows(Checker &checker, const Distribution &d, Location at) {
  FormulaWriter w{checker, at};
  LogitRows out;
  out.logits = field(d, "logits");
  bool isTempered = d.fields.count("cold");
  Tensor x = w.hold(isTempered ? field(d, "cold") : out.logits);
  if (isTempered)
    out.temperature = w.hold(field(d, "temperature"));
  Axes event;
  for (const Axis &axis : d.event)
    event.push_back(*x.type.find(axis.name));
  Tensor top = checker.reduce("max", x, event, at), nothing = w.number(-INFINITY);
  out.isEmpty = w.op("eq", top, nothing);
  out.top = w.choose(out.isEmpty, w.number(0), top);
  out.given = x;
  out.none = w.op("eq", x, nothing);
  out.x = w.choose(out.none, out.top, x);
  out.above = w.op("sub", x, out.top);
  if (out.temperature)
    out.above = w.op("div", out.above, *out.temperature);
  out.isLess = w.op("lt", out.above, w.number(0));
  out.part = w.op("exp", out.above);
  auto sum = [&](const Tensor &x) { return checker.sumEvent(x, event, at); };
  Tensor less = sum(w.choose(out.isLess, out.part, w.number(0)));
  Tensor others = w.op("sub", sum(w.choose(out.isLess, w.number(0), w.number(1))), w.number(1));
  out.rest = w.choose(out.isEmpty, w.number(0), w.op("add", less, others));
  out.logSum = w.op("log1p", out.rest);
  out.logP = w.op("sub", out.above, out.logSum);
  return out;
}

Tensor logProbOf(Checker &checker, const LogitRows &rows, const Tensor &y, const Axes &event,
                 Location at) {
  FormulaWriter w{checker, at};
  Tensor position = y;
  position.vocabulary.reset();
  Tensor mine = checker.emit("gather", {rows.given, position},
                             {{"axes", std::vector<std::string>{event[0].name}}}, at);
  mine = w.op("sub", mine, rows.top);
  if (rows.temperature)
    mine = w.op("div", mine, *rows.temperature);
  Tensor isMine = w.op("eq", checker.emit("index", {}, {{"axes", Axes{event[0]}}}, at), position);
  Tensor sum = w.op("add", rows.rest, w.number(1)), inverse = w.op("div", w.number(1), sum);
  Tensor others = w.choose(rows.isLess, w.op("sub", sum, rows.part), rows.rest);
  Tensor slope = w.choose(isMine, others, w.op("neg", rows.part));
  return withSlope(w, w.op("sub", mine, rows.logSum), rows, w.op("mul", slope, inverse), event);
}

Tensor entropyOf(Checker &checker, const LogitRows &rows, const Axes &event, Location at) {
  FormulaWriter w{checker, at};
  Tensor above = w.op("sub", rows.x, rows.top); // 0 where there is nothing
  if (rows.temperature)
    above = w.op("div", above, *rows.temperature);
  Tensor inverse = w.op("div", w.number(1), w.op("add", rows.rest, w.number(1)));
  Tensor weighted = checker.sumEvent(w.op("mul", rows.part, above), event, at);
  Tensor mean = w.op("mul", weighted, inverse);
  Tensor slope = w.op("mul", w.op("mul", rows.part, inverse), w.op("sub", mean, above));
  return withSlope(w, w.op("sub", rows.logSum, mean), rows, slope, event);
}

} // namespace frit::checking
