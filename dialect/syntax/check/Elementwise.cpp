// Where values meet: rule A6 (one operand holds all axes of the others), element types, folding of
// what is known, and the ranges of integers.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>
#include <cmath>

namespace frit::checking {

Tensor Checker::toTensor(Scope &scope, const Value &value, Location at) {
  if (auto *tensor = value.get<Tensor>())
    return *tensor;
  if (auto *number = value.get<Number>())
    return uniform(*number, number->isWhole() ? Element::I32 : real());
  if (auto *flag = value.get<bool>())
    return uniform(Number::whole(*flag), Element::I1);
  if (auto *group = value.get<Group>())
    return uniform(Number::whole(group->size()), Element::I32);
  if (value.get<Lazy>() || value.get<LayerIndex>())
    return toTensor(scope, force(value, scope, at), at);
  auto report = error(
      at, fmt::format("a number or tensor is wanted here, this is {}", describe(value, scope)));
  if (value.record() || value.tuple())
    report.help("take one of its fields");
  report.fail();
}

void Checker::join(std::vector<Tensor> &operands, Location at, const std::string &what) {
  bool anyReal = false;
  for (const Tensor &x : operands) {
    if (x.type.element == Element::I1)
      error(at, fmt::format("{} of a bool", what))
          .help("use where(c, a, b) to choose between numbers")
          .fail();
    if (x.isToken())
      error(at, fmt::format("{} of tokens, which are names, not numbers", what))
          .help("look them up in a table, or compare them")
          .fail();
    anyReal |= isReal(x.type.element);
  }
  if (anyReal)
    for (Tensor &x : operands)
      x = toReal(x, at);
}

Axes Checker::meet(Scope &scope, const std::vector<Tensor> &operands, Location at,
                   const std::string &what, bool nest) {
  size_t best = 0;
  bool counting = true; // bools and integers join freely
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].type.axes.size() > operands[best].type.axes.size())
      best = i;
    counting &= !isReal(operands[i].type.element);
  }
  Axes all = operands.empty() ? Axes() : operands[best].type.axes;
  for (const Tensor &x : operands)
    for (const Axis &axis : x.type.axes) {
      auto known =
          std::find_if(all.begin(), all.end(), [&](const Axis &a) { return a.name == axis.name; });
      if (known == all.end()) {
        all.push_back(axis);
        continue;
      }
      if (known->size == axis.size)
        continue;
      const Tensor *other = &operands[best];
      for (const Tensor &y : operands)
        if (const Axis *a = y.type.find(axis.name); a && a->size == known->size)
          other = &y;
      error(at, fmt::format("axis '{}' is {} in {} and {} in {}", display(axis.name, scope),
                            known->size, describe(*other, scope), axis.size, describe(x, scope)))
          .help("give them different axis names")
          .fail();
    }
  // A choice between reals by a bool: the bool may bring the axes.
  if (nest && !counting && all.size() > operands[best].type.axes.size()) {
    const Tensor *other = nullptr;
    for (const Tensor &x : operands)
      for (const Axis &axis : x.type.axes)
        if (!operands[best].type.find(axis.name))
          other = &x;
    Axes missing, lacking;
    for (const Axis &axis : other->type.axes)
      if (!operands[best].type.find(axis.name))
        missing.push_back(axis);
    for (const Axis &axis : operands[best].type.axes)
      if (!other->type.find(axis.name))
        lacking.push_back(axis);
    error(at, fmt::format("{} of {} and {}: neither has all axes of the other", what,
                          describe(operands[best], scope), describe(*other, scope)))
        .help(fmt::format("say along(x, {}) to repeat a value along an axis, or outer(a, b) for "
                          "the products of all pairs",
                          displayAxes(missing, scope)))
        .fail();
  }
  return all;
}

static Range rangeOf(const std::string &op, const std::vector<Tensor> &x) {
  if (op == "mod" && x[1].range && x[1].range->first > 0) // whatever is divided
    return between(0, x[1].range->second - 1);
  for (const Tensor &operand : x)
    if (!operand.range)
      return std::nullopt;
  auto clip = [](__int128 low, __int128 high) -> Range {
    if (low < INT32_MIN || high > INT32_MAX)
      return std::nullopt;
    return std::pair<int64_t, int64_t>(low, high);
  };
  auto [al, ah] = *x[0].range;
  if (x.size() == 1)
    return op == "neg" ? clip(-__int128(ah), -__int128(al)) : std::nullopt;
  auto [bl, bh] = *x[1].range;
  if (op == "add")
    return clip(__int128(al) + bl, __int128(ah) + bh);
  if (op == "sub")
    return clip(__int128(al) - bh, __int128(ah) - bl);
  if (op == "mul") {
    __int128 p[] = {__int128(al) * bl, __int128(al) * bh, __int128(ah) * bl, __int128(ah) * bh};
    return clip(*std::min_element(p, p + 4), *std::max_element(p, p + 4));
  }
  if (op == "maximum")
    return clip(std::max(al, bl), std::max(ah, bh));
  if (op == "minimum")
    return clip(std::min(al, bl), std::min(ah, bh));
  return std::nullopt;
}

static std::optional<double> foldScalar(const std::string &op, const std::vector<Tensor> &x) {
  double a = x[0].uniform->value, b = x.size() > 1 ? x[1].uniform->value : 0;
  if (op == "eq")
    return a == b;
  if (op == "ne")
    return a != b;
  if (op == "lt")
    return a < b;
  if (op == "le")
    return a <= b;
  if (op == "gt")
    return a > b;
  if (op == "ge")
    return a >= b;
  if (op == "and")
    return a != 0 && b != 0;
  if (op == "or")
    return a != 0 || b != 0;
  if (op == "not")
    return a == 0;
  return std::nullopt;
}

static std::optional<Number> foldNumber(const std::string &op, const std::vector<Tensor> &x) {
  const Number &a = *x[0].uniform;
  if (x.size() == 1)
    return op == "neg" ? std::optional<Number>(negate(a)) : foldFunction(op, a);
  if (x.size() != 2)
    return std::nullopt;
  const Number &b = *x[1].uniform;
  if (op == "add")
    return compute(ast::BinaryOp::Add, a, b);
  if (op == "sub")
    return compute(ast::BinaryOp::Sub, a, b);
  if (op == "mul")
    return compute(ast::BinaryOp::Mul, a, b);
  if (op == "div")
    return compute(ast::BinaryOp::Div, a, b);
  if (op == "mod")
    return compute(ast::BinaryOp::Mod, a, b);
  if (op == "pow")
    return compute(ast::BinaryOp::Pow, a, b);
  if (op == "maximum")
    return compare(a, b) > 0 ? a : b;
  if (op == "minimum")
    return compare(a, b) < 0 ? a : b;
  return std::nullopt;
}

Tensor Checker::elementwise(Scope &scope, const std::string &op, std::vector<Tensor> operands,
                            Location at, bool nest) {
  static const std::map<std::string, std::string> signs = {
      {"add", "+"}, {"sub", "-"}, {"mul", "*"}, {"div", "/"}, {"mod", "%"}, {"pow", "^"},
      {"lt", "<"},  {"le", "<="}, {"gt", ">"},  {"ge", ">="}, {"eq", "=="}, {"ne", "!="}};
  const Builtin *record = findBuiltin(op);
  std::string what = signs.count(op) ? fmt::format("'{}'", signs.at(op)) : op;
  if (record->law == laws::logical) {
    for (const Tensor &x : operands)
      if (x.type.element != Element::I1)
        fail(at, fmt::format("'{}' wants bools, this is {}", op, describe(Value(x), scope)));
  } else if (record->law == laws::comparison) {
    bool tokens = operands[0].isToken() && operands[1].isToken();
    if (tokens && operands[0].vocabulary->name != operands[1].vocabulary->name)
      fail(at, fmt::format("{} of tokens of '{}' and of '{}'", what,
                           display(operands[0].vocabulary->name, scope),
                           display(operands[1].vocabulary->name, scope)));
    bool bools = operands[0].type.element == Element::I1 && operands[1].type.element == Element::I1;
    if (!bools) {
      for (Tensor &x : operands)
        x.vocabulary.reset();
      join(operands, at, what);
    }
  } else {
    join(operands, at, what);
    if (record->law == laws::elementwise)
      for (Tensor &x : operands)
        x = toReal(x, at);
  }
  Axes axes = meet(scope, operands, at, what, nest);
  bool isBool = record->law == laws::logical || record->law == laws::comparison;
  Element element = isBool ? Element::I1 : operands[0].type.element;
  bool folds = std::all_of(operands.begin(), operands.end(),
                           [](const Tensor &x) { return x.uniform.has_value(); });
  if (folds && isBool)
    if (auto value = foldScalar(op, operands))
      return uniform(Number::whole(int64_t(*value)), Element::I1, axes);
  if (folds && !isBool)
    if (auto value = foldNumber(op, operands))
      return uniform(*value, element, axes);

  // What changes nothing is not written down.
  auto is = [&](size_t i, double value) {
    return operands.size() == 2 && operands[i].uniform && operands[i].uniform->value == value;
  };
  auto keep = [&](size_t i) {
    Tensor out = operands[i];
    out.scanIndex = nullptr;
    // A mask that was joined with `true` is not repeated along the axes of that `true`.
    if (out.type.element == Element::I1 && out.id && out.type.axes.size() < axes.size()) {
      out.narrow = out.id;
      out.id.reset();
      out.type.axes = axes;
      return out;
    }
    return expand(out, axes, at);
  };
  if ((op == "add" && is(0, 0)) || (op == "mul" && is(0, 1)) || (op == "and" && is(0, 1)) ||
      (op == "or" && is(0, 0)))
    return keep(1);
  if (((op == "add" || op == "sub") && is(1, 0)) || ((op == "mul" || op == "div") && is(1, 1)) ||
      (op == "pow" && is(1, 1)) || (op == "and" && is(1, 1)) || (op == "or" && is(1, 0)))
    return keep(0);
  if (op == "and" && (is(0, 0) || is(1, 0)))
    return uniform(Number::whole(0), Element::I1, axes);
  if (op == "or" && (is(0, 1) || is(1, 1)))
    return uniform(Number::whole(1), Element::I1, axes);
  if (op == "pow" && is(1, 2))
    return elementwise(scope, "mul", {operands[0], operands[0]}, at, false);
  if (op == "pow" && is(1, 0.5))
    return emit("sqrt", {operands[0]}, {}, at);
  if (op == "pow" && is(1, -1))
    return op2("div", literal(1), operands[0], at);
  if (op == "pow" && operands[0].uniform && operands[0].uniform->value > 0)
    return op1("exp", op2("mul", operands[1], literal(std::log(operands[0].uniform->value)), at),
               at);

  // A constant needs no more axes than the result has from the others.
  Axes fromOthers;
  for (const Tensor &x : operands)
    if (!x.uniform)
      fromOthers.insert(fromOthers.end(), x.type.axes.begin(), x.type.axes.end());
  for (Tensor &x : operands)
    if (x.uniform)
      std::erase_if(x.type.axes, [&](const Axis &axis) {
        return std::find(fromOthers.begin(), fromOthers.end(), axis) != fromOthers.end();
      });
  strip(operands);
  Tensor out = emit(op, operands, {}, at);
  if (out.type.element == Element::I32)
    out.range = rangeOf(op, operands);
  return out;
}

Tensor Checker::op2(const std::string &op, const Tensor &a, const Tensor &b, Location at) {
  static Scope none;
  static File file;
  none.file = &file;
  return elementwise(none, op, {a, b}, at, false);
}

Tensor Checker::op1(const std::string &op, const Tensor &a, Location at) {
  static Scope none;
  static File file;
  none.file = &file;
  return elementwise(none, op, {a}, at, false);
}

Tensor Checker::select(Scope &scope, const Tensor &c, const Tensor &x, const Tensor &y,
                       Location at) {
  std::vector<Tensor> choices = {x, y};
  bool tokens = x.isToken() || y.isToken();
  if (c.type.element != Element::I1)
    fail(at, fmt::format("where wants a bool first, this is {}", describe(Value(c), scope)));
  if (tokens) {
    if (x.isToken() && y.isToken() && x.vocabulary->name != y.vocabulary->name)
      fail(at, fmt::format("where between tokens of '{}' and of '{}'",
                           display(x.vocabulary->name, scope), display(y.vocabulary->name, scope)));
    for (Tensor &t : choices)
      if (t.type.element != Element::I32)
        fail(at, fmt::format("where between tokens and {}", describe(Value(t), scope)));
  } else if (!(x.type.element == Element::I1 && y.type.element == Element::I1)) {
    join(choices, at, "where");
  }
  Axes axes = meet(scope, {c, choices[0], choices[1]}, at, "where", true);
  Tensor out;
  if (c.uniform) {
    out = expand(choices[c.uniform->value != 0 ? 0 : 1], axes, at);
  } else {
    for (Tensor &t : choices)
      if (t.uniform)
        std::erase_if(t.type.axes, [&](const Axis &axis) { return c.type.find(axis.name); });
    std::vector<Tensor> operands = {c, choices[0], choices[1]};
    strip(operands);
    out = emit("select", operands, {}, at);
  }
  out.vocabulary = x.isToken() ? x.vocabulary : y.vocabulary;
  if (tokens && !(x.isWithin(*out.vocabulary) && y.isWithin(*out.vocabulary)))
    out.vocabulary.reset(); // a number that is no token may stand there
  out.scanIndex = nullptr;
  out.range = unite(choices[0].range, choices[1].range);
  return out;
}

static const char *mnemonic(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Add:
    return "add";
  case ast::BinaryOp::Sub:
    return "sub";
  case ast::BinaryOp::Mul:
    return "mul";
  case ast::BinaryOp::Div:
    return "div";
  case ast::BinaryOp::Mod:
    return "mod";
  case ast::BinaryOp::Pow:
    return "pow";
  case ast::BinaryOp::Less:
    return "lt";
  case ast::BinaryOp::Greater:
    return "gt";
  case ast::BinaryOp::LessEqual:
    return "le";
  case ast::BinaryOp::GreaterEqual:
    return "ge";
  case ast::BinaryOp::Equal:
    return "eq";
  case ast::BinaryOp::NotEqual:
    return "ne";
  case ast::BinaryOp::And:
    return "and";
  case ast::BinaryOp::Or:
    return "or";
  case ast::BinaryOp::Implies:
    return "or";
  }
  return "";
}

Value Checker::binary(Scope &scope, ast::BinaryOp op, const Value &a, const Value &b, Location at) {
  using Op = ast::BinaryOp;
  std::optional<Number> x = numberOf(a), y = numberOf(b);
  bool arithmetic = op <= Op::Pow;
  bool comparison = op >= Op::Less && op <= Op::NotEqual;
  if (x && y && arithmetic) {
    if (op == Op::Div && y->value == 0)
      fail(at, fmt::format("{} / 0", toString(*x)));
    return compute(op, *x, *y);
  }
  if (x && y && comparison) {
    int order = compare(*x, *y);
    switch (op) {
    case Op::Less:
      return order < 0;
    case Op::Greater:
      return order > 0;
    case Op::LessEqual:
      return order <= 0;
    case Op::GreaterEqual:
      return order >= 0;
    case Op::Equal:
      return order == 0;
    default:
      return order != 0;
    }
  }
  auto *p = a.get<bool>(), *q = b.get<bool>();
  if (p && q) {
    switch (op) {
    case Op::And:
      return *p && *q;
    case Op::Or:
      return *p || *q;
    case Op::Implies:
      return !*p || *q;
    case Op::Equal:
      return *p == *q;
    case Op::NotEqual:
      return *p != *q;
    default:
      break;
    }
  }
  if (op == Op::Implies) {
    if (p)
      return *p ? b : Value(true);
    return elementwise(
        scope, "or",
        {elementwise(scope, "not", {toTensor(scope, a, at)}, at), toTensor(scope, b, at)}, at);
  }
  // What is known decides alone: `false and x`.
  if (p && (op == Op::And || op == Op::Or))
    return *p == (op == Op::And) ? b : a;
  return elementwise(scope, mnemonic(op), {toTensor(scope, a, at), toTensor(scope, b, at)}, at);
}

Value Checker::unary(Scope &scope, ast::UnaryOp op, const Value &a, Location at) {
  if (op == ast::UnaryOp::Not) {
    if (auto *flag = a.get<bool>())
      return !*flag;
    return elementwise(scope, "not", {toTensor(scope, a, at)}, at);
  }
  if (auto number = numberOf(a))
    return negate(*number);
  return elementwise(scope, "neg", {toTensor(scope, a, at)}, at);
}

} // namespace frit::checking
