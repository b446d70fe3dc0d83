// where, index, along, dot, stack, top_k and the like: calls on tensors that no op record
// describes.
#include "dialect/syntax/check/BuiltinCall.h"

namespace frit::checking {

namespace {
struct TensorCalls {
  static Value where(const BuiltinCall &b);
  static Value index(const BuiltinCall &b);
  static Value along(const BuiltinCall &b);
  static Value outer(const BuiltinCall &b);
  static Value dot(const BuiltinCall &b);
  static Value stack(const BuiltinCall &b);
  static Value unstack(const BuiltinCall &b);
  static Value topK(const BuiltinCall &b);
  static Value stopGradient(const BuiltinCall &b);
  static Value dropout(const BuiltinCall &b);
};
} // namespace

const BuiltinTable tensorCalls = {
    {"where", TensorCalls::where},     {"index", TensorCalls::index},
    {"along", TensorCalls::along},     {"outer", TensorCalls::outer},
    {"dot", TensorCalls::dot},         {"stack", TensorCalls::stack},
    {"unstack", TensorCalls::unstack}, {"top_k", TensorCalls::topK},
    {"dropout", TensorCalls::dropout}, {"stop_gradient", TensorCalls::stopGradient}};

Value TensorCalls::where(const BuiltinCall &b) {
  Taken taken = b.take(3);
  Value condition = b.eval(taken.positional[0]);
  Value x = b.eval(taken.positional[1]), y = b.eval(taken.positional[2]);
  if (auto *flag = condition.get<bool>())
    return *flag ? x : y;
  auto tensor = [&](const Value &value) { return b.c.toTensor(b.scope, value, b.at); };
  return b.c.select(b.scope, tensor(condition), tensor(x), tensor(y), b.at);
}

Value TensorCalls::index(const BuiltinCall &b) {
  Taken taken = b.take(1);
  Group axes = b.c.axisExpr(b.scope, *taken.positional[0]);
  Tensor out = b.c.emit("index", {}, {{"axes", axes.axes}}, b.at);
  out.range = {0, axes.size() - 1};
  return out;
}

Value TensorCalls::along(const BuiltinCall &b) {
  Taken taken = b.take(2);
  Tensor x = b.tensor(taken.positional[0]);
  if (x.uniform && x.type.element == Element::I32 && !x.isToken() && x.type.axes.empty())
    x = b.c.toReal(x, b.at);
  return b.c.expand(x, b.c.axisExpr(b.scope, *taken.positional[1]).axes, b.at);
}

/// Sums of products over `axes`; all other axes stay, those that both have are taken pairwise.
static Value product(const BuiltinCall &b, std::vector<Tensor> operands, const Axes &axes) {
  b.c.meet(b.scope, operands, b.at, b.name, false);
  return b.c.emit("contract", {b.c.toReal(operands[0], b.at), b.c.toReal(operands[1], b.at)},
                  {{"over", namesOf(axes)}}, b.at);
}

Value TensorCalls::outer(const BuiltinCall &b) {
  Taken taken = b.take(2);
  Tensor x = b.tensor(taken.positional[0]), y = b.tensor(taken.positional[1]);
  std::vector<Tensor> operands = {x, y};
  b.c.join(operands, b.at, b.name);
  return product(b, operands, {});
}

Value TensorCalls::dot(const BuiltinCall &b) {
  Taken taken = b.take(2, {"over"});
  Tensor x = b.tensor(taken.positional[0]), y = b.tensor(taken.positional[1]);
  std::vector<Tensor> operands = {x, y};
  b.c.join(operands, b.at, b.name);
  if (!taken.get("over"))
    b.c.error(b.at, "dot wants over =, the axes that are summed")
        .help("for the products of all pairs say outer(a, b)")
        .fail();
  Group axes = b.c.over(b.scope, b.call, x, b.name);
  b.c.over(b.scope, b.call, y, b.name);
  return product(b, operands, axes.axes);
}

/// What `over =` says, which must be there.
static const ast::Expr *neededAxis(const BuiltinCall &b, const Taken &taken, const char *which) {
  if (!taken.get("over"))
    b.c.fail(b.at, fmt::format("{} wants over =, the {} axis", b.name, which));
  return taken.get("over");
}

Value TensorCalls::unstack(const BuiltinCall &b) {
  Taken taken = b.take(1, {"over"});
  const ast::Expr *axis = neededAxis(b, taken, "old");
  Tensor x = b.tensor(taken.positional[0]);
  Group group = b.c.over(b.scope, b.call, x, b.name);
  if (group.axes.size() != 1)
    b.c.fail(axis->at, "unstack takes one axis apart");
  auto tuple = std::make_shared<Tuple>();
  for (int64_t i = 0; i < group.axes[0].size; ++i) {
    Tensor part = b.c.emit("slice", {x}, {{"axis", group.axes[0].name}, {"at", i}}, b.at);
    tuple->items.push_back(b.c.tensorOf(*part.id, x));
  }
  return Value(tuple);
}

Value TensorCalls::stack(const BuiltinCall &b) {
  Taken taken = b.take(1, {"over"});
  const ast::Expr *axis = neededAxis(b, taken, "new");
  Value value = b.eval(taken.positional[0]);
  auto *tuple = value.tuple();
  if (!tuple)
    b.c.fail(b.at, fmt::format("stack wants a tuple of values, this is {}",
                               b.c.describe(value, b.scope)));
  auto *named = ast::as<ast::Name>(axis);
  if (!named)
    b.c.fail(axis->at, "stack makes one axis: over = name");
  Axis made = b.c.declareAxis(b.scope, named->text, int64_t(tuple->items.size()), axis->at);
  std::vector<Tensor> operands;
  for (const Value &item : tuple->items)
    operands.push_back(b.c.toTensor(b.scope, item, b.at));
  Tensor like = operands[0];
  if (!std::all_of(operands.begin(), operands.end(),
                   [&](const Tensor &x) { return x.type.element == like.type.element; }))
    b.c.join(operands, b.at, "stack");
  Axes axes = b.c.meet(b.scope, operands, b.at, "stack", true);
  for (Tensor &x : operands)
    x = b.c.expand(x, axes, b.at);
  Tensor out = b.c.emit("stack", operands, {{"axis", made.name}}, b.at);
  if (like.isToken() && std::all_of(operands.begin(), operands.end(),
                                    [&](const Tensor &x) { return x.isWithin(*like.vocabulary); }))
    out.vocabulary = like.vocabulary;
  out.range = like.range;
  for (const Tensor &x : operands)
    out.range = unite(out.range, x.range);
  return out;
}

/// Only the k likeliest stay, the rest has no probability.
static Value topOf(const BuiltinCall &b, const Distribution &d, int64_t k) {
  if (d.kind != Distribution::Kind::Categorical || d.event.size() != 1)
    b.c.fail(b.at, fmt::format("top_k of a {}", name(d.kind)));
  Tensor logits = b.c.logProbs(d, b.at);
  std::string rank = b.c.freshIn(b.scope, "rank");
  Attributes attributes = {{"k", k}, {"over", namesOf(d.event)}, {"as", rank}};
  Tensor best = b.c.emitAll("top_k", {logits}, attributes, b.at)[0];
  Tensor least = b.c.reduce("min", best, {{rank, k}}, b.at);
  Tensor stays = b.c.elementwise(b.scope, "ge", {logits, least}, b.at, false);
  Tensor kept = b.c.select(b.scope, stays, logits, b.c.literal(-INFINITY), b.at);
  return makeDistribution(Distribution::Kind::Categorical, d.event, {{"logits", kept}});
}

Value TensorCalls::topK(const BuiltinCall &b) {
  Taken taken = b.take(2, {"over", "as"});
  Value first = b.eval(taken.positional[0]);
  auto k = b.c.numberOf(b.eval(taken.positional[1]));
  if (!k || !k->isWhole())
    b.c.fail(taken.positional[1]->at, "top_k wants a whole number known at compile time");
  if (auto *d = first.distribution())
    return topOf(b, *d, k->toInt());
  auto *as = ast::as<ast::Name>(taken.get("as"));
  Tensor x = b.c.toReal(b.c.toTensor(b.scope, first, b.at), b.at);
  Group group = b.c.over(b.scope, b.call, x, b.name);
  if (!as || !taken.get("over") || group.axes.size() != 1)
    b.c.fail(b.at, "top_k(x, k, over = axis, as = name of the new axis)");
  Axis made = b.c.declareAxis(b.scope, as->text, k->toInt(), as->at);
  Attributes attributes = {{"k", k->toInt()}, {"over", namesOf(group.axes)}, {"as", made.name}};
  auto tuple = std::make_shared<Tuple>();
  for (Tensor &out : b.c.emitAll("top_k", {x}, attributes, b.at))
    tuple->items.push_back(out);
  tuple->items[1].get<Tensor>()->range = {0, group.axes[0].size - 1};
  return Value(tuple);
}

Value TensorCalls::stopGradient(const BuiltinCall &b) {
  Taken taken = b.take(1);
  Value value = b.eval(taken.positional[0]);
  if (b.c.numberOf(value) || value.get<bool>())
    return value;
  return b.c.mapTensors(
      value,
      [&](const Tensor &x) {
        if (x.uniform || !isReal(x.type.element))
          return x;
        return b.c.tensorOf(*b.c.emit("stop_gradient", {x}, {}, b.at).id, x);
      },
      [](const Axes &event) { return event; });
}

Value TensorCalls::dropout(const BuiltinCall &b) {
  Taken taken = b.take(2);
  Tensor x = b.real(taken.positional[0]), rate = b.real(taken.positional[1]);
  Location rateAt = taken.positional[1]->at;
  if (rate.uniform && (rate.uniform->value < 0 || rate.uniform->value >= 1))
    b.c.fail(rateAt,
             fmt::format("a dropout rate lies in [0, 1), this is {}", toString(*rate.uniform)));
  if (!rate.type.axes.empty())
    b.c.fail(rateAt, "a dropout rate is one number");
  if (!b.c.entry)
    b.c.later(b.at);
  if (!b.c.entry->training || (rate.uniform && rate.uniform->value == 0))
    return x;
  Tensor keep = b.c.op2("sub", b.c.literal(1), rate, b.at);
  Tensor drawn = b.c.random(b.scope, "uniform", x.type.axes, b.at);
  Tensor kept = b.c.elementwise(b.scope, "lt", {drawn, keep}, b.at, false);
  return b.c.select(b.scope, kept, b.c.op2("div", x, keep, b.at), b.c.literal(0), b.at);
}

} // namespace frit::checking
