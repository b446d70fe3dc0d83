// Reductions (rule A7): sum, mean, max, softmax, sort, ... over axes, of what is not masked.
#include "dialect/syntax/check/Taken.h"

namespace frit::checking {

Group Checker::over(Scope &scope, const ast::Call &call, const Tensor &x, const std::string &what) {
  for (const ast::Call::Argument &argument : call.arguments) {
    if (!argument.name || argument.name->text != "over")
      continue;
    Group group = axisExpr(scope, *argument.value);
    for (Axis &axis : group.axes) {
      const Axis *mine = x.type.find(axis.name);
      if (!mine) {
        std::vector<std::string> known;
        for (const Axis &a : x.type.axes)
          known.push_back(display(a.name, scope));
        error(argument.value->at, fmt::format("{}: {} has no axis '{}'", what,
                                              describe(Value(x), scope), display(axis.name, scope)))
            .suggest(display(axis.name, scope), known)
            .fail();
      }
      axis.size = mine->size;
    }
    return group;
  }
  Group all;
  for (const Axis &axis : x.type.axes)
    if (!scope.root().hidden.count(axis.name))
      all.axes.push_back(axis);
  return all;
}

Tensor Checker::reduce(const std::string &op, const Tensor &x, const Axes &over, Location at) {
  if (over.empty())
    return x;
  if (x.uniform) {
    Tensor all = x;
    int64_t count = 1;
    for (const Axis &axis : over)
      count *= axis.size;
    std::erase_if(all.type.axes, [&](const Axis &axis) {
      return std::find(over.begin(), over.end(), axis) != over.end();
    });
    if (op == "sum")
      all.uniform = compute(ast::BinaryOp::Mul, *x.uniform, Number::whole(count));
    if (op == "sum" || op == "max" || op == "min" || op == "any" || op == "all")
      return all;
  }
  return emit(op, {x}, {{"over", namesOf(over)}}, at);
}

Tensor Checker::mean(Scope &scope, Tensor x, const Axes &over, std::optional<Tensor> where,
                     Location at) {
  x = x.type.element == Element::I1 ? cast(x, real(), at) : toReal(x, at);
  if (over.empty() && !where)
    return x;
  Tensor zero = literal(0), sum, count;
  if (where && where->uniform && where->uniform->value != 0)
    where.reset();
  if (!where) {
    double n = 1;
    for (const Axis &axis : over)
      n *= double(axis.size);
    sum = reduce("sum", x, over, at);
    count = literal(n);
  } else {
    sum = reduce("sum", select(scope, *where, x, zero, at), over, at);
    Axes counted;
    double missing = 1;
    for (const Axis &axis : over)
      if (where->type.find(axis.name))
        counted.push_back(axis);
      else
        missing *= double(axis.size);
    count = reduce("sum", cast(*where, real(), at), counted, at);
    count = op2("mul", count, literal(missing), at);
  }
  Tensor out = op2("div", sum, where ? op2("maximum", count, literal(1), at) : count, at);
  if (entry && entry->cutMeans && !frame && out.id && sum.id && out.type.axes.empty())
    entry->means.push_back({*out.id, *sum.id, materialize(count, at)});
  return out;
}

Value Checker::reduction(Scope &scope, const std::string &name, const ast::Call &call) {
  Location at = call.at;
  Taken taken(*this, call, name, 1, name == "max" || name == "min" ? 2 : 1, {"over", "where"});
  Value first = eval(scope, *taken.positional[0]);
  if (taken.positional.size() == 2) { // elementwise
    Value second = eval(scope, *taken.positional[1]);
    auto a = numberOf(first), b = numberOf(second);
    if (a && b)
      return (compare(*a, *b) < 0) == (name == "min") ? *a : *b;
    return elementwise(scope, name == "max" ? "maximum" : "minimum",
                       {toTensor(scope, first, at), toTensor(scope, second, at)}, at);
  }
  static const std::set<std::string> keepNumbers = {"sum", "mean", "min", "max", "logsumexp"};
  if (auto number = numberOf(first);
      number && !taken.get("where") && !taken.get("over") && keepNumbers.count(name))
    return *number;
  Tensor x = toTensor(scope, first, taken.positional[0]->at);
  if (x.isToken())
    fail(taken.positional[0]->at, fmt::format("{} of tokens, which are names, not numbers", name));
  Group axes = over(scope, call, x, name);
  std::optional<Tensor> where;
  if (auto *expr = taken.get("where")) {
    if (name == "cumsum" || name == "sort" || name == "argmax" || name == "log_softmax")
      fail(expr->at, fmt::format("{} takes no mask", name));
    Value value = eval(scope, *expr);
    where = toTensor(scope, value, expr->at);
    if (where->type.element != Element::I1)
      fail(expr->at, fmt::format("where = wants a bool, this is {}", describe(value, scope)));
    for (const Axis &axis : where->type.axes)
      if (const Axis *mine = x.type.find(axis.name); !mine || mine->size != axis.size)
        error(expr->at, fmt::format("{}: the mask is {}, the value {}: the mask may have no other "
                                    "axes",
                                    name, describe(value, scope), describe(first, scope)))
            .fail();
    if (where->uniform && where->uniform->value != 0)
      where.reset();
  }
  auto masked = [&](double neutral) {
    if (!where)
      return x;
    Tensor fill = x.type.element == Element::I32 ? uniform(Number::whole(neutral < 0   ? INT32_MIN
                                                                         : neutral > 0 ? INT32_MAX
                                                                                       : 0),
                                                           Element::I32)
                                                 : literal(neutral);
    if (x.type.element == Element::I1)
      fill = uniform(Number::whole(neutral != 0), Element::I1);
    return select(scope, *where, x, fill, at);
  };
  if (name == "mean")
    return mean(scope, x, axes.axes, where, at);
  if (name == "std") {
    Tensor centre = mean(scope, x, axes.axes, where, at);
    Tensor gap = op2("sub", toReal(x, at), centre, at);
    return op1("sqrt", mean(scope, op2("mul", gap, gap, at), axes.axes, where, at), at);
  }
  if (name == "sum") {
    if (x.type.element == Element::I1)
      x = cast(x, Element::I32, at);
    return reduce("sum", masked(0), axes.axes, at);
  }
  if (name == "any" || name == "all") {
    if (x.type.element != Element::I1)
      fail(at, fmt::format("{} wants a bool, this is {}", name, describe(first, scope)));
    return reduce(name, masked(name == "all"), axes.axes, at);
  }
  if (x.type.element == Element::I1 && name != "cumsum")
    error(at, fmt::format("{} of a bool", name)).help("count with sum or mean").fail();
  if (name == "max" || name == "min") {
    Tensor all = masked(name == "max" ? -INFINITY : INFINITY);
    Tensor out = reduce(name, all, axes.axes, at);
    if (out.type.element == Element::I32)
      out.range = all.range;
    return out;
  }
  if (name == "cumsum") {
    Tensor out = emit("cumsum", {x}, {{"over", namesOf(axes.axes)}}, at);
    if (x.type.element == Element::I1)
      out.range = between(0, axes.size());
    return out;
  }
  x = toReal(x, at);
  if (name == "softmax" || name == "logsumexp")
    x = masked(-INFINITY);
  if (axes.axes.empty() && name == "logsumexp")
    return x;
  if (name == "sort") {
    auto tuple = std::make_shared<Tuple>();
    for (Tensor &out : emitAll("sort", {x}, {{"over", namesOf(axes.axes)}}, at))
      tuple->items.push_back(out);
    tuple->items[1].get<Tensor>()->range = {0, axes.size() - 1};
    return Value(tuple);
  }
  Tensor out = emit(name, {x}, {{"over", namesOf(axes.axes)}}, at);
  if (name == "argmax")
    out.range = {0, axes.size() - 1};
  return out;
}

} // namespace frit::checking
