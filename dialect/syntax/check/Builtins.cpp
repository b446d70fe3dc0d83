// Calls of ops. An op whose record says it is callable needs nothing here: its operands are given
// by position, `over =` becomes its attribute, the law judges. Only calls with a shape of their own
// (rename with arrows, scatter, stack, masks) are written out.
#include "dialect/syntax/check/Taken.h"

namespace frit::checking {

static const std::set<std::string> &specials() {
  static const std::set<std::string> names = {
      "where",     "rename",   "scatter",   "index",         "along",
      "outer",     "dot",      "stack",     "unstack",       "top_k",
      "min",       "max",      "sum",       "mean",          "std",
      "any",       "all",      "logsumexp", "softmax",       "log_softmax",
      "argmax",    "cumsum",   "sort",      "dropout",       "stop_gradient",
      "nll",       "log_prob", "entropy",   "cross_entropy", "temper",
      "smooth",    "point",    "mode",      "sample",        "categorical",
      "bernoulli", "normal",   "restrict",  "logits",        "copy",
      "ema",       "beam",     "D",         "slope",         "score",
      "weight_gap"};
  return names;
}

bool Checker::isSpecial(const std::string &name) { return specials().count(name) > 0; }

Value Checker::builtin(Scope &scope, const std::string &name, const ast::Call &call) {
  Location at = call.at;
  static const std::set<std::string> reductions = {
      "min",       "max",     "sum",         "mean",   "std",    "any", "all",
      "logsumexp", "softmax", "log_softmax", "argmax", "cumsum", "sort"};
  if (reductions.count(name))
    return reduction(scope, name, call);
  if (auto value = distributionCall(scope, name, call))
    return *value;
  if (name == "rename")
    return rename(scope, call);
  if (name == "scatter")
    return scatter(scope, call);
  if (name == "where") {
    Taken taken(*this, call, name, 3, 3, {});
    Value c = eval(scope, *taken.positional[0]);
    Value x = eval(scope, *taken.positional[1]), y = eval(scope, *taken.positional[2]);
    if (auto *flag = c.get<bool>())
      return *flag ? x : y;
    return select(scope, toTensor(scope, c, at), toTensor(scope, x, at), toTensor(scope, y, at),
                  at);
  }
  if (name == "index") {
    Taken taken(*this, call, name, 1, 1, {});
    Group axes = axisExpr(scope, *taken.positional[0]);
    Tensor out = emit("index", {}, {{"axes", axes.axes}}, at);
    out.range = {0, axes.size() - 1};
    return out;
  }
  if (name == "along") {
    Taken taken(*this, call, name, 2, 2, {});
    Tensor x = toTensor(scope, eval(scope, *taken.positional[0]), at);
    if (x.uniform && x.type.element == Element::I32 && !x.isToken() && x.type.axes.empty())
      x = toReal(x, at);
    return expand(x, axisExpr(scope, *taken.positional[1]).axes, at);
  }
  if (name == "dot" || name == "outer") {
    std::vector<std::string> known;
    if (name == "dot")
      known.push_back("over");
    Taken taken(*this, call, name, 2, 2, known);
    Tensor a = toTensor(scope, eval(scope, *taken.positional[0]), at);
    Tensor b = toTensor(scope, eval(scope, *taken.positional[1]), at);
    std::vector<Tensor> operands = {a, b};
    join(operands, at, name);
    Group axes;
    if (name == "dot") {
      if (!taken.get("over"))
        error(at, "dot wants over =, the axes that are summed")
            .help("for the products of all pairs say outer(a, b)")
            .fail();
      axes = over(scope, call, a, name);
      over(scope, call, b, name);
    }
    meet(scope, operands, at, name, false);
    return emit("contract", {toReal(operands[0], at), toReal(operands[1], at)},
                {{"over", namesOf(axes.axes)}}, at);
  }
  if (name == "stack" || name == "unstack") {
    Taken taken(*this, call, name, 1, 1, {"over"});
    const ast::Expr *axis = taken.get("over");
    if (!axis)
      fail(at, fmt::format("{} wants over =, the {} axis", name, name == "stack" ? "new" : "old"));
    Value value = eval(scope, *taken.positional[0]);
    if (name == "unstack") {
      Tensor x = toTensor(scope, value, at);
      Group group = over(scope, call, x, name);
      if (group.axes.size() != 1)
        fail(axis->at, "unstack takes one axis apart");
      auto tuple = std::make_shared<Tuple>();
      for (int64_t i = 0; i < group.axes[0].size; ++i) {
        Tensor part = emit("slice", {x}, {{"axis", group.axes[0].name}, {"at", i}}, at);
        tuple->items.push_back(tensorOf(*part.id, x));
      }
      return Value(tuple);
    }
    auto *tuple = value.tuple();
    if (!tuple)
      fail(at, fmt::format("stack wants a tuple of values, this is {}", describe(value, scope)));
    auto *named = ast::as<ast::Name>(axis);
    if (!named)
      fail(axis->at, "stack makes one axis: over = name");
    Axis made = declareAxis(scope, named->text, int64_t(tuple->items.size()), axis->at);
    std::vector<Tensor> operands;
    for (const Value &item : tuple->items)
      operands.push_back(toTensor(scope, item, at));
    Tensor like = operands[0];
    if (!std::all_of(operands.begin(), operands.end(),
                     [&](const Tensor &x) { return x.type.element == operands[0].type.element; }))
      join(operands, at, "stack");
    Axes axes = meet(scope, operands, at, "stack", true);
    for (Tensor &x : operands)
      x = expand(x, axes, at);
    Tensor out = emit("stack", operands, {{"axis", made.name}}, at);
    return tensorOf(*out.id, like);
  }
  if (name == "top_k") {
    Taken taken(*this, call, name, 2, 2, {"over", "as"});
    Value first = eval(scope, *taken.positional[0]);
    auto k = numberOf(eval(scope, *taken.positional[1]));
    if (!k || !k->isWhole())
      fail(taken.positional[1]->at, "top_k wants a whole number known at compile time");
    auto *as = ast::as<ast::Name>(taken.get("as"));
    if (auto *d = first.distribution()) {
      // Only the k likeliest stay, the rest has no probability.
      if (d->kind != Distribution::Kind::Categorical || d->event.size() != 1)
        fail(at, fmt::format("top_k of a {}", checking::name(d->kind)));
      Tensor logits = logProbs(*d, at);
      std::string rank = freshIn(scope, "rank");
      auto best = emitAll("top_k", {logits},
                          {{"k", k->toInt()}, {"over", namesOf(d->event)}, {"as", rank}}, at);
      Tensor least = reduce("min", best[0], {{rank, k->toInt()}}, at);
      auto out = std::make_shared<Distribution>();
      out->event = d->event;
      Tensor kept = select(scope, elementwise(scope, "ge", {logits, least}, at, false), logits,
                           literal(-INFINITY), at);
      out->fields["logits"] = std::make_shared<Value>(kept);
      return Value(out);
    }
    Tensor x = toReal(toTensor(scope, first, at), at);
    Group group = over(scope, call, x, name);
    if (!as || !taken.get("over") || group.axes.size() != 1)
      fail(at, "top_k(x, k, over = axis, as = name of the new axis)");
    Axis made = declareAxis(scope, as->text, k->toInt(), as->at);
    auto tuple = std::make_shared<Tuple>();
    for (Tensor &out :
         emitAll("top_k", {x},
                 {{"k", k->toInt()}, {"over", namesOf(group.axes)}, {"as", made.name}}, at))
      tuple->items.push_back(out);
    tuple->items[1].get<Tensor>()->range = {0, group.axes[0].size - 1};
    return Value(tuple);
  }
  if (name == "stop_gradient") {
    Taken taken(*this, call, name, 1, 1, {});
    Value value = eval(scope, *taken.positional[0]);
    if (numberOf(value) || value.get<bool>())
      return value;
    return mapTensors(
        value,
        [&](const Tensor &x) {
          if (x.uniform || !isReal(x.type.element))
            return x;
          return tensorOf(*emit("stop_gradient", {x}, {}, at).id, x);
        },
        [](const Axes &event) { return event; });
  }
  if (name == "dropout") {
    Taken taken(*this, call, name, 2, 2, {});
    Tensor x = toReal(toTensor(scope, eval(scope, *taken.positional[0]), at), at);
    Tensor rate = toReal(toTensor(scope, eval(scope, *taken.positional[1]), at), at);
    if (rate.uniform && (rate.uniform->value < 0 || rate.uniform->value >= 1))
      fail(taken.positional[1]->at,
           fmt::format("a dropout rate lies in [0, 1), this is {}", toString(*rate.uniform)));
    if (!rate.type.axes.empty())
      fail(taken.positional[1]->at, "a dropout rate is one number");
    if (!entry)
      later(at);
    if (!entry->training || (rate.uniform && rate.uniform->value == 0))
      return x;
    Tensor keep = op2("sub", literal(1), rate, at);
    Tensor drawn = random(scope, "uniform", x.type.axes, at);
    Tensor kept = elementwise(scope, "lt", {drawn, keep}, at, false);
    return select(scope, kept, op2("div", x, keep, at), literal(0), at);
  }
  if (name == "weight_gap")
    return weightGap(scope, call);
  if (name == "copy" || name == "ema")
    fail(at,
         fmt::format("{} makes a model and stands in train: reference = {}(policy)", name, name));
  if (name == "beam" || name == "D" || name == "slope" || name == "score")
    fail(at, fmt::format("'{}' cannot be called like this", name));

  const Builtin *record = findBuiltin(name);
  if (!record || !record->callable)
    fail(at, fmt::format("'{}' cannot be called", name));
  Taken taken(*this, call, name, record->operands.size(), record->operands.size(),
              record->attributes);
  std::vector<Tensor> operands;
  Value only;
  for (const ast::Expr *expr : taken.positional) {
    only = eval(scope, *expr);
    if (auto number = numberOf(only); number && record->operands.size() == 1)
      if (auto folded = foldFunction(name, *number))
        return *folded;
    operands.push_back(toTensor(scope, only, expr->at));
  }
  if (record->law == laws::elementwise || record->law == laws::arithmetic ||
      record->law == laws::logical)
    return elementwise(scope, name, operands, at);
  Attributes attributes;
  if (taken.get("over"))
    attributes["over"] = namesOf(over(scope, call, operands[0], name).axes);
  std::vector<Tensor> outs = emitAll(name, operands, attributes, at);
  if (outs.size() == 1)
    return outs[0];
  auto tuple = std::make_shared<Tuple>();
  for (Tensor &out : outs)
    tuple->items.push_back(out);
  return Value(tuple);
}

} // namespace frit::checking
