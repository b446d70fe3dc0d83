// Statements and expressions: one function per kind of node.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

std::optional<Number> Checker::numberOf(const Value &value) {
  if (auto *number = value.get<Number>())
    return *number;
  if (auto *group = value.get<Group>())
    return Number::whole(group->size());
  return std::nullopt;
}

std::optional<bool> Checker::flagOf(const Value &value) {
  if (auto *flag = value.get<bool>())
    return *flag;
  if (auto *tensor = value.get<Tensor>())
    if (tensor->uniform && tensor->type.element == Element::I1)
      return tensor->uniform->value != 0;
  return std::nullopt;
}

bool Checker::evalFlag(Scope &scope, const ast::Expr &expr, const char *what) {
  Value value = eval(scope, expr);
  std::optional<bool> flag = flagOf(value);
  if (!flag) {
    auto report = error(expr.at, fmt::format("{} wants a bool known at compile time, this is {}",
                                             what, describe(value, scope)));
    if (value.get<Tensor>())
      report.help("where(c, a, b) chooses at run time");
    report.fail();
  }
  return *flag;
}

/// A call to a divergence made with numbers: alpha(a = 0.3).
static bool isGenerator(const Value &value) {
  return value.get<std::shared_ptr<Generator>>() != nullptr;
}

Value Checker::eval(Scope &scope, const ast::Expr &expr) {
  switch (expr.kind) {
  case ast::ExprKind::Number:
    return Number::of(*ast::as<ast::Number>(&expr));
  case ast::ExprKind::String:
    return Text{ast::as<ast::String>(&expr)->value};
  case ast::ExprKind::Name: {
    const std::string &text = ast::as<ast::Name>(&expr)->text;
    if (auto value = find(scope, text, expr.at))
      return *value;
    error(expr.at, fmt::format("unknown name '{}'", text)).suggest(text, visible(scope)).fail();
  }
  case ast::ExprKind::Tuple: {
    auto tuple = std::make_shared<Tuple>();
    for (const ast::ExprPtr &item : ast::as<ast::Tuple>(&expr)->items)
      tuple->items.push_back(eval(scope, *item));
    return tuple;
  }
  case ast::ExprKind::Group:
    return axisExpr(scope, expr);
  case ast::ExprKind::Binary: {
    auto *binary = ast::as<ast::Binary>(&expr);
    Value a = eval(scope, *binary->left);
    // A known left side decides `and`, `or` and `implies` before the right is looked at.
    if (auto *known = a.get<bool>()) {
      if (binary->op == ast::BinaryOp::And && !*known)
        return false;
      if (binary->op == ast::BinaryOp::Or && *known)
        return true;
      if (binary->op == ast::BinaryOp::Implies && !*known)
        return true;
    }
    Value b = eval(scope, *binary->right);
    return this->binary(scope, binary->op, a, b, expr.at);
  }
  case ast::ExprKind::Unary: {
    auto *unary = ast::as<ast::Unary>(&expr);
    return this->unary(scope, unary->op, eval(scope, *unary->operand), expr.at);
  }
  case ast::ExprKind::If: {
    auto *choice = ast::as<ast::If>(&expr);
    bool flag = evalFlag(scope, *choice->condition, "if");
    auto inner = std::make_shared<Scope>();
    inner->file = scope.file;
    inner->parent = scope.shared_from_this();
    return evalBlock(inner, flag ? choice->then : choice->otherwise);
  }
  case ast::ExprKind::Attribute: {
    auto *access = ast::as<ast::Attribute>(&expr);
    Value base = force(eval(scope, *access->base), scope, expr.at);
    if (access->index) {
      auto *tuple = base.tuple();
      if (!tuple)
        fail(expr.at, fmt::format("'.{}' takes from a tuple, this is {}", *access->index,
                                  describe(base, scope)));
      if (*access->index >= tuple->items.size())
        fail(expr.at, fmt::format("'.{}' of a tuple of {}; counting starts at 0", *access->index,
                                  tuple->items.size()));
      return tuple->items[*access->index];
    }
    return attribute(base, access->name.text, scope, access->name.at);
  }
  case ast::ExprKind::Call:
    return call(scope, *ast::as<ast::Call>(&expr));
  case ast::ExprKind::Index:
    return evalIndex(scope, *ast::as<ast::Index>(&expr));
  case ast::ExprKind::Bracket: {
    auto *bracket = ast::as<ast::Bracket>(&expr);
    auto *base = ast::as<ast::Name>(bracket->base);
    static const std::set<std::string> known = {"D", "slope", "link", "score"};
    if (!base || !known.count(base->text))
      error(expr.at, "brackets take an index by axis, x[t = i], or choose a divergence: D[f], "
                     "slope[f], score[f]")
          .fail();
    auto generator = generatorOf(scope, *bracket->parameter);
    if (base->text != "link")
      return Bracketed{base->text, generator};
    judgeLink(*generator, expr.at);
    return Bracketed{"slope", generator};
  }
  case ast::ExprKind::Scan:
    return evalScan(scope, *ast::as<ast::Scan>(&expr));
  case ast::ExprKind::Repeat:
    return evalRepeat(scope, *ast::as<ast::Repeat>(&expr));
  case ast::ExprKind::Arrow:
    fail(expr.at, "'->' stands only in rename(x, from -> to)");
  case ast::ExprKind::Pair:
    fail(expr.at, "'||' stands only in the arguments of a divergence: kl(p || q)");
  }
  return Nothing();
}

std::shared_ptr<Generator> Checker::generatorOf(Scope &scope, const ast::Expr &expr) {
  if (auto *call = ast::as<ast::Call>(&expr)) {
    Value callee = eval(scope, *call->callee);
    if (isGenerator(callee)) {
      auto out = std::make_shared<Generator>(**callee.get<std::shared_ptr<Generator>>());
      for (const ast::Call::Argument &argument : call->arguments) {
        if (!argument.name)
          error(argument.value->at, "the parameters of a divergence are given by name").fail();
        std::vector<std::string> known;
        for (size_t i = 1; i < out->decl->parameters.size(); ++i)
          known.push_back(out->decl->parameters[i].name.text);
        if (std::find(known.begin(), known.end(), argument.name->text) == known.end())
          error(argument.name->at, fmt::format("divergence '{}' has no parameter '{}'",
                                               out->decl->name.text, argument.name->text))
              .suggest(argument.name->text, known)
              .fail();
        out->parameters[argument.name->text] = eval(scope, *argument.value);
      }
      judgeGenerator(*out, expr.at);
      return out;
    }
    error(expr.at, fmt::format("a divergence is wanted here, this is {}", describe(callee, scope)))
        .fail();
  }
  Value value = eval(scope, expr);
  if (!isGenerator(value))
    error(expr.at, fmt::format("a divergence is wanted here, this is {}", describe(value, scope)))
        .help("declare one: divergence name(u) = f(u)")
        .fail();
  auto out = *value.get<std::shared_ptr<Generator>>();
  judgeGenerator(*out, expr.at);
  return out;
}

//===-- Statements --------------------------------------------------------------------------===//

Value Checker::evalBlock(ScopePtr scope, const ast::Block &block) {
  Value last = Nothing();
  for (const ast::StmtPtr &statement : block.statements)
    last = evalStatement(scope, *statement);
  return last;
}

void Checker::assign(Scope &scope, const ast::Ident &name, Value value) {
  if (name.text == "_")
    return;
  Scope &root = scope.root();
  if (!value.get<Group>())
    for (Scope *s = &scope; s; s = s->parent.get())
      if (auto old = s->names.find(name.text); old != s->names.end() && old->second.get<Group>()) {
        auto report = error(name.at, fmt::format("'{}' is an axis here, so it cannot also be {}",
                                                 name.text, describe(value, scope)));
        if (s->places.count(name.text))
          report.note(s->places[name.text], fmt::format("axis '{}' comes from here", name.text));
        report.help("give the value another name").fail();
      }
  if (root.self)
    for (const Declaration &declaration : root.self->declarations)
      if (declaration.state && declaration.state->name.text == name.text) {
        Tensor next = toTensor(scope, value, name.at);
        next = toReal(next, name.at);
        Axes axes;
        std::vector<AxisChange> back;
        for (size_t i = 0; i < declaration.declared.size(); ++i) {
          Group now = substitute({declaration.bound[i]}, root.substitution);
          axes.insert(axes.end(), now.axes.begin(), now.axes.end());
        }
        for (const Axis &axis : next.type.axes)
          if (std::find(axes.begin(), axes.end(), axis) == axes.end())
            fail(name.at, fmt::format("state '{}' is real[{}] and becomes {}", name.text,
                                      displayAxes(axes, scope), describe(Value(next), scope)));
        Tensor stored = expand(next, axes, name.at);
        for (size_t i = 0; i < declaration.declared.size(); ++i) {
          Group now = substitute({declaration.bound[i]}, root.substitution);
          stored = mergeAxes(stored, now.axes, declaration.declared[i].name, name.at);
        }
        auto found = stateIndex.find({root.self.get(), name.text});
        writeState(found->second, materialize(stored, name.at), name.at);
      }
  if (auto found = root.states.find(name.text); found != root.states.end()) {
    // An objective's or optimiser's state: what it has at the end is stored.
    const ValueType &type = graph.states[found->second].type;
    Tensor next = toReal(toTensor(scope, value, name.at), name.at);
    for (const Axis &axis : next.type.axes)
      if (const Axis *mine = type.find(axis.name); !mine || mine->size != axis.size)
        fail(name.at, fmt::format("'{}' is {} and becomes {}", name.text, describe(type, scope),
                                  describe(Value(next), scope)));
    next = expand(next, type.axes, name.at);
    entry->written[found->second] = materialize(next, name.at);
    value = next;
  }
  scope.names[name.text] = std::move(value);
  scope.places[name.text] = name.at;
}

Value Checker::evalStatement(ScopePtr scope, const ast::Stmt &stmt) {
  switch (stmt.kind) {
  case ast::StmtKind::Let: {
    auto *let = ast::as<ast::Let>(&stmt);
    Value value = eval(*scope, *let->value);
    if (value.nothing())
      fail(let->value->at, "this has no value");
    if (let->names.size() == 1) {
      assign(*scope, let->names[0], std::move(value));
      return Nothing();
    }
    auto *tuple = value.tuple();
    if (!tuple)
      fail(stmt.at, fmt::format("{} names for {}, which is one value", let->names.size(),
                                describe(value, *scope)));
    if (tuple->items.size() != let->names.size())
      fail(stmt.at, fmt::format("{} names for {} values", let->names.size(), tuple->items.size()));
    auto keep = *value.get<std::shared_ptr<Tuple>>();
    for (size_t i = 0; i < let->names.size(); ++i)
      assign(*scope, let->names[i], keep->items[i]);
    return Nothing();
  }
  case ast::StmtKind::AxisDecl: {
    auto *axis = ast::as<ast::AxisDecl>(&stmt);
    int64_t size = sizeOf(*scope, *axis->size, axis->name.text);
    declareAxis(*scope, axis->name.text, size, axis->name.at);
    return Nothing();
  }
  case ast::StmtKind::Expression:
    return eval(*scope, *ast::as<ast::Expression>(&stmt)->value);
  case ast::StmtKind::Yield: {
    // The value of a scan body is what it yields.
    auto tuple = std::make_shared<Tuple>();
    for (const ast::Yield::Item &item : ast::as<ast::Yield>(&stmt)->items)
      tuple->items.push_back(eval(*scope, *item.value));
    return Value(tuple);
  }
  case ast::StmtKind::Minimize:
  case ast::StmtKind::Report:
  case ast::StmtKind::Draw:
  case ast::StmtKind::ParamDecl:
  case ast::StmtKind::StateDecl:
  case ast::StmtKind::Method:
    fail(stmt.at, "this statement cannot stand here");
  }
  return Nothing();
}

} // namespace frit::checking
