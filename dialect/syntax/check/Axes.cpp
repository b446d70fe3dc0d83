// Names of axes: from what a program writes to lists of graph axes, and back for messages.
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

std::string Checker::freshStatic(const std::string &base) {
  std::string name = base;
  for (int i = 1; !statics.insert(name).second; ++i)
    name = fmt::format("{}.{}", base, i);
  return name;
}

std::string Checker::freshIn(Scope &scope, const std::string &base) {
  Scope &root = scope.root();
  std::string name = base;
  for (int i = 1; !root.taken.insert(name).second; ++i)
    name = fmt::format("{}.{}", base, i);
  return name;
}

Group Checker::substitute(const Group &group, const Substitution &substitution) {
  Group out = group;
  for (Axis &axis : out.axes)
    if (auto found = substitution.find(axis.name); found != substitution.end())
      axis.name = found->second;
  return out;
}

std::string Checker::displayOf(Scope &scope, const std::string &graphName) {
  auto names = [&](const std::map<std::string, Value> &map) -> std::string {
    for (auto &[name, value] : map)
      if (auto *group = value.get<Group>())
        if (group->axes.size() == 1 && group->axes[0].name == graphName)
          return name;
    return "";
  };
  for (Scope *s = &scope; s; s = s->parent.get())
    if (std::string name = names(s->names); !name.empty())
      return name;
  Scope &root = scope.root();
  if (auto made = root.made.find(graphName); made != root.made.end())
    return made->second;
  if (root.self) {
    auto matches = [&](const Axes &axes) {
      Group now = substitute({axes}, root.substitution);
      return now.axes.size() == 1 && now.axes[0].name == graphName;
    };
    for (auto &[name, axes] : root.self->formals)
      if (matches(axes))
        return name;
    for (auto &[fixed, name] : root.self->own)
      if (matches({{fixed, 0}}))
        return name;
    for (auto &[name, value] : root.self->fields)
      if (auto *group = value.get<Group>())
        if (matches(group->axes))
          return name;
  }
  // Config axes go by their own names, unless something nearer hides them.
  auto it = root.file->config.find(graphName);
  if (it != root.file->config.end())
    return graphName;
  return "";
}

Group Checker::axisNamed(Scope &scope, const std::string &name, Location at) {
  std::optional<Value> value = find(scope, name, at);
  if (value) {
    if (auto *group = value->get<Group>())
      return *group;
    if (auto *number = value->get<Number>(); number && number->isWhole() && number->toInt() > 0)
      return {{{name, number->toInt()}}};
    error(at, fmt::format("'{}' is {}, not an axis", name, describe(*value, scope))).fail();
  }
  std::vector<std::string> axes;
  for (const std::string &known : visible(scope))
    axes.push_back(known);
  error(at, fmt::format("there is no axis '{}' here", name)).suggest(name, axes).fail();
}

int64_t Checker::sizeOf(Scope &scope, const ast::Expr &expr, const std::string &name) {
  Value value = eval(scope, expr);
  std::optional<Number> number = numberOf(value);
  if (!number)
    fail(expr.at, fmt::format("the size of axis '{}' must be known at compile time, this is {}",
                              name, describe(value, scope)));
  if (!number->exact || number->exact->denominator != 1) {
    // Show the division the user wrote with its numbers: "384 / 7 is not whole".
    std::string shown = toString(*number);
    if (auto *division = ast::as<ast::Binary>(&expr);
        division && division->op == ast::BinaryOp::Div) {
      auto a = numberOf(eval(scope, *division->left)), b = numberOf(eval(scope, *division->right));
      if (a && b)
        shown = toString(*a) + " / " + toString(*b);
    }
    fail(expr.at,
         fmt::format("{} is not whole, so it cannot be the size of axis '{}'", shown, name));
  }
  int64_t size = number->exact->numerator;
  if (size < 1)
    fail(expr.at, fmt::format("axis '{}' would have size {}", name, size));
  if (size > int64_t(1) << 31)
    fail(expr.at, fmt::format("axis '{}' would have size {}; the largest is 2^31", name, size));
  return size;
}

Axis Checker::declareAxis(Scope &scope, const std::string &name, int64_t size, Location at) {
  Scope &root = scope.root();
  std::optional<Value> known = find(scope, name, at);
  if (known) {
    if (auto *group = known->get<Group>()) {
      if (group->size() != size)
        error(at, fmt::format("axis '{}' is {} here and {} elsewhere in this body", name, size,
                              group->size()))
            .help("give one of them another name")
            .fail();
      if (group->axes.size() == 1)
        return group->axes[0];
      fail(at, fmt::format("'{}' is a group here, a single axis is wanted", name));
    }
    if (!known->get<Declared>() && !known->get<BuiltinName>())
      error(at, fmt::format("'{}' is {} here, so it cannot also be an axis", name,
                            describe(*known, scope)))
          .fail();
  }
  if (root.isStatic) {
    std::string fixed = root.self ? freshStatic(name) : name;
    Axis axis{fixed, size};
    if (root.self) {
      root.self->own[fixed] = name;
      root.self->fields[name] = Group{{axis}};
    } else {
      root.names[name] = Group{{axis}};
    }
    return axis;
  }
  Axis axis{freshIn(scope, name), size};
  root.made[axis.name] = name;
  // In the root: the name stays usable after a block that made it.
  root.names[name] = Group{{axis}};
  root.places[name] = at;
  return axis;
}

Group Checker::axisExpr(Scope &scope, const ast::Expr &expr) {
  if (auto *named = ast::as<ast::Name>(&expr))
    return axisNamed(scope, named->text, expr.at);
  if (auto *group = ast::as<ast::Group>(&expr)) {
    Group out;
    for (const ast::Group::Item &item : group->items) {
      Group part;
      if (item.fresh) {
        int64_t size = sizeOf(scope, *item.expr, item.fresh->text);
        part.axes = {declareAxis(scope, item.fresh->text, size, item.fresh->at)};
      } else {
        part = axisExpr(scope, *item.expr);
      }
      out.axes.insert(out.axes.end(), part.axes.begin(), part.axes.end());
    }
    for (size_t i = 0; i < out.axes.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (out.axes[i].name == out.axes[j].name)
          fail(expr.at,
               fmt::format("axis '{}' is twice in this group", display(out.axes[i].name, scope)));
    return out;
  }
  Value value = force(eval(scope, expr), scope, expr.at);
  if (auto *group = value.get<Group>())
    return *group;
  error(expr.at, fmt::format("an axis is wanted here, this is {}", describe(value, scope))).fail();
}

std::optional<Axes> Checker::axesByName(Scope &scope, const std::string &name) {
  auto ofValue = [&](const Value &value) -> std::optional<Axes> {
    if (auto *group = value.get<Group>())
      return group->axes;
    return std::nullopt;
  };
  for (Scope *s = &scope; s; s = s->parent.get())
    if (auto found = s->names.find(name); found != s->names.end())
      return ofValue(found->second);
  Scope &root = scope.root();
  if (root.self) {
    if (auto found = root.self->fields.find(name); found != root.self->fields.end()) {
      auto axes = ofValue(found->second);
      return axes ? std::optional<Axes>(substitute({*axes}, root.substitution).axes) : std::nullopt;
    }
    if (auto found = root.self->formals.find(name); found != root.self->formals.end())
      return substitute({found->second}, root.substitution).axes;
  }
  auto configured = root.file->config.find(name);
  if (configured == root.file->config.end())
    return std::nullopt;
  const Value *value = &configured->second;
  if (root.config)
    if (auto own = root.config->find(name); own != root.config->end())
      value = &own->second;
  if (auto *number = value->get<Number>(); number && number->isWhole() && number->toInt() > 0)
    return Axes{{name, number->toInt()}};
  return std::nullopt;
}

} // namespace frit::checking
