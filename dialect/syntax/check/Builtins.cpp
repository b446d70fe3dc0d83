// Calls of ops. An op whose record says it is callable needs nothing here: its operands are given
// by position, `over =` becomes its attribute, the law judges. Only calls with a shape of their own
// (rename with arrows, scatter, stack, masks) are written out.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

static const std::set<std::string> &specials() {
  static const std::set<std::string> names = {
      "where",         "rename",      "scatter",  "index",   "along",         "outer",
      "dot",           "stack",       "unstack",  "top_k",   "min",           "max",
      "sum",           "mean",        "std",      "any",     "all",           "logsumexp",
      "softmax",       "log_softmax", "argmax",   "cumsum",  "sort",          "dropout",
      "stop_gradient", "nll",         "log_prob", "entropy", "cross_entropy", "temper",
      "smooth",        "point",       "mode",     "sample",  "categorical",   "bernoulli",
      "normal",        "restrict",    "copy",     "ema",     "beam",          "D",
      "slope",         "score"};
  return names;
}

bool Checker::isSpecial(const std::string &name) { return specials().count(name) > 0; }

namespace {
/// The arguments of a builtin: positions, then names; what is not asked for is an error.
struct Taken {
  Checker &checker;
  const ast::Call &call;
  std::string name;
  std::vector<const ast::Expr *> positional;
  std::map<std::string, const ast::Call::Argument *> named;

  Taken(Checker &checker, const ast::Call &call, const std::string &name, size_t least, size_t most,
        const std::vector<std::string> &known)
      : checker(checker), call(call), name(name) {
    for (const ast::Call::Argument &argument : call.arguments) {
      if (!argument.name) {
        positional.push_back(argument.value.get());
        continue;
      }
      const std::string &key = argument.name->text;
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        auto report =
            checker.error(argument.name->at, fmt::format("{} has no argument '{}'", name, key));
        report.suggest(key, known);
        report.fail();
      }
      named[key] = &argument;
    }
    if (positional.size() < least || positional.size() > most)
      checker.fail(call.at, fmt::format("{} takes {}{} argument{} by position, not {}", name, least,
                                        most > least ? fmt::format(" to {}", most) : "",
                                        most == 1 ? "" : "s", positional.size()));
  }
  const ast::Expr *get(const std::string &key) const {
    auto found = named.find(key);
    return found == named.end() ? nullptr : found->second->value.get();
  }
};
} // namespace

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

static std::vector<std::string> namesOf(const Axes &axes) {
  std::vector<std::string> out;
  for (const Axis &axis : axes)
    out.push_back(axis.name);
  return out;
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
  if (auto number = numberOf(first);
      number && !taken.get("where") && !taken.get("over") && name != "cumsum")
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
    auto range = x.range;
    Tensor out = select(scope, *where, x, fill, at);
    out.range = range;
    return out;
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
    Tensor out = reduce(name, masked(name == "max" ? -INFINITY : INFINITY), axes.axes, at);
    if (out.type.element == Element::I32)
      out.range = x.range;
    return out;
  }
  if (name == "cumsum") {
    auto range = x.type.element == Element::I1 ? std::optional<std::pair<int64_t, int64_t>>(
                                                     std::pair<int64_t, int64_t>(0, axes.size()))
                                               : std::nullopt;
    Tensor out = emit("cumsum", {x}, {{"over", namesOf(axes.axes)}}, at);
    out.range = range;
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

Value Checker::rename(Scope &scope, const ast::Call &call) {
  if (call.arguments.empty() || call.arguments[0].name)
    fail(call.at, "rename(x, from -> to)");
  Value value = eval(scope, *call.arguments[0].value);
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    auto *arrow = ast::as<ast::Arrow>(call.arguments[i].value.get());
    if (!arrow)
      fail(call.arguments[i].value->at, "rename takes arrows: rename(x, from -> to)");
    Group from = axisExpr(scope, *arrow->from);
    // What the new axes are called: known ones keep their graph names, one size may be inferred.
    struct Target {
      std::string display;
      std::optional<Axes> known;
      Location at;
    };
    std::vector<Target> targets;
    auto addTarget = [&](const ast::Expr &expr) {
      auto *named = ast::as<ast::Name>(&expr);
      if (!named) {
        targets.push_back({"", axisExpr(scope, expr).axes, expr.at});
        return;
      }
      auto known = find(scope, named->text, expr.at);
      auto *group = known ? known->get<Group>() : nullptr;
      if (group)
        targets.push_back({named->text, group->axes, expr.at});
      else if (known && (known->get<Tensor>() || known->get<Number>()))
        fail(expr.at, fmt::format("'{}' is {} here, so it cannot also be an axis", named->text,
                                  describe(*known, scope)));
      else
        targets.push_back({named->text, std::nullopt, expr.at});
    };
    if (auto *group = ast::as<ast::Group>(arrow->to)) {
      for (const ast::Group::Item &item : group->items) {
        if (item.fresh)
          targets.push_back(
              {item.fresh->text,
               Axes{declareAxis(scope, item.fresh->text,
                                sizeOf(scope, *item.expr, item.fresh->text), item.fresh->at)},
               item.fresh->at});
        else
          addTarget(*item.expr);
      }
    } else {
      addTarget(*arrow->to);
    }
    // Sizes come from the first tensor that has the axes; the records' fields agree.
    std::optional<Axes> to;
    auto resolve = [&](int64_t size) {
      if (to)
        return;
      Axes out;
      int64_t known = 1;
      int unknown = 0;
      bool single = targets.size() == 1 && (!targets[0].known || targets[0].known->size() == 1);
      for (Target &target : targets) {
        if (!target.known)
          ++unknown;
        else
          known *= Group{*target.known}.size();
      }
      if (single && targets[0].known) {
        // A resized axis under a known name is that name with another size.
        to = Axes{{targets[0].known->front().name, size}};
        return;
      }
      if (unknown > 1 || known == 0 || size % known != 0 || (unknown == 0 && known != size))
        error(arrow->at, fmt::format("rename: {} elements do not make {}", size,
                                     std::string(arrow->to->at.text())))
            .fail();
      for (Target &target : targets) {
        if (!target.known)
          target.known = Axes{declareAxis(scope, target.display, size / known, target.at)};
        out.insert(out.end(), target.known->begin(), target.known->end());
      }
      to = out;
    };
    bool any = false;
    value = mapTensors(
        value,
        [&](const Tensor &x) -> Tensor {
          int64_t size = 1;
          Axes group = from.axes;
          for (Axis &axis : group) {
            const Axis *mine = x.type.find(axis.name);
            if (!mine) {
              if (value.record() || value.distribution() || value.tuple())
                return x;
              error(arrow->from->at,
                    fmt::format("rename: {} has no axis '{}'", describe(Value(x), scope),
                                display(axis.name, scope)))
                  .fail();
            }
            axis.size = mine->size;
            size *= axis.size;
          }
          any = true;
          resolve(size);
          Tensor out = x;
          for (const Axis &axis : *to) {
            bool goes = std::any_of(group.begin(), group.end(),
                                    [&](const Axis &g) { return g.name == axis.name; });
            if (x.type.find(axis.name) && !goes)
              error(arrow->at, fmt::format("rename: {} would have axis '{}' twice",
                                           describe(Value(x), scope), display(axis.name, scope)))
                  .fail();
          }
          if (group.size() == 1)
            return renameAxes(out, {{group[0].name, *to}}, arrow->at);
          if (to->size() == 1)
            return mergeAxes(out, group, to->front().name, arrow->at);
          std::string flat = freshIn(scope, "flat");
          out = mergeAxes(out, group, flat, arrow->at);
          return renameAxes(out, {{flat, *to}}, arrow->at);
        },
        [&](const Axes &event) {
          Axes out;
          for (const Axis &axis : event)
            if (from.axes.size() == 1 && axis.name == from.axes[0].name && to)
              out.insert(out.end(), to->begin(), to->end());
            else
              out.push_back(axis);
          return out;
        });
    if (!any)
      fail(arrow->from->at, fmt::format("rename: {} has no axis '{}'", describe(value, scope),
                                        displayAxes(from.axes, scope)));
  }
  return value;
}

Value Checker::scatter(Scope &scope, const ast::Call &call) {
  std::optional<Tensor> x, where, into;
  std::vector<std::pair<Axis, Tensor>> positions;
  bool inside = true;
  for (const ast::Call::Argument &argument : call.arguments) {
    Value value = eval(scope, *argument.value);
    Tensor tensor = toTensor(scope, value, argument.value->at);
    if (!argument.name)
      x = toReal(tensor, argument.value->at);
    else if (argument.name->text == "where")
      where = tensor;
    else if (argument.name->text == "into")
      into = toReal(tensor, argument.value->at);
    else {
      Group axis = axisNamed(scope, argument.name->text, argument.name->at);
      if (axis.axes.size() != 1)
        fail(argument.name->at, "scatter puts values at positions of single axes");
      if (tensor.type.element != Element::I32)
        fail(argument.value->at, fmt::format("a position along '{}' is an integer, this is {}",
                                             argument.name->text, describe(value, scope)));
      inside &=
          tensor.range && tensor.range->first >= 0 && tensor.range->second < axis.axes[0].size;
      tensor.vocabulary.reset();
      positions.push_back({axis.axes[0], tensor});
    }
  }
  if (!x || positions.empty())
    fail(call.at, "scatter(x, axis = position, ...)");
  // Values are repeated along the positions' axes that they lack.
  Axes all = x->type.axes, needed;
  auto meets = [&](const Tensor &t) {
    for (const Axis &axis : t.type.axes)
      if (std::find(needed.begin(), needed.end(), axis) == needed.end())
        needed.push_back(axis);
  };
  for (auto &[axis, position] : positions)
    meets(position);
  if (where)
    meets(*where);
  std::vector<Tensor> operands = {expand(*x, needed, call.at)};
  Axes into_;
  for (auto &[axis, position] : positions) {
    operands.push_back(position);
    into_.push_back(axis);
  }
  Attributes attributes = {{"into", into_}, {"mode", std::string(into ? "set" : "add")}};
  if (where) {
    operands.push_back(*where);
    attributes["masked"] = true;
  }
  if (into) {
    Axes shape = into_;
    for (const Axis &axis : x->type.axes)
      if (std::find(needed.begin(), needed.end(), axis) == needed.end())
        shape.push_back(axis);
    operands.push_back(expand(*into, shape, call.at));
    attributes["onto"] = true;
  }
  if (!inside)
    attributes["checked"] = true;
  return emit("scatter", operands, attributes, call.at);
}

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
      throw Deferred();
    if (!entry->training || (rate.uniform && rate.uniform->value == 0))
      return x;
    Tensor keep = op2("sub", literal(1), rate, at);
    Tensor drawn = random(scope, "uniform", x.type.axes, at);
    Tensor kept = elementwise(scope, "lt", {drawn, keep}, at, false);
    return select(scope, kept, op2("div", x, keep, at), literal(0), at);
  }
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
