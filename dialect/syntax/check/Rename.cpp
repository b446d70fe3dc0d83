// rename(x, t -> s): other names, merged and split axes (rule A3).
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

namespace {
/// One arrow of a rename.
class Renaming {
public:
  Renaming(Checker &c, Scope &scope, const ast::Arrow &arrow);
  Value run(const Value &value);

private:
  /// One item on the right. Known axes keep their graph names; one size may be left to infer.
  struct Target {
    std::string display;
    std::optional<Axes> axes;
    Location at;
  };
  Target targetOf(const ast::Expr &expr);
  Target targetOf(const ast::Group::Item &item);
  void settle(int64_t size);
  std::optional<Axes> sourceIn(const Tensor &x, bool mayLack);
  Tensor renamed(const Tensor &x, const Axes &source);

  Checker &c;
  Scope &scope;
  const ast::Arrow &arrow;
  const Axes from;
  std::vector<Target> targets;
  std::optional<Axes> to; // settled by the first tensor that has the axes; a record's fields agree
};
} // namespace

Renaming::Renaming(Checker &c, Scope &scope, const ast::Arrow &arrow)
    : c(c), scope(scope), arrow(arrow), from(c.axisExpr(scope, *arrow.from).axes) {
  if (auto *group = ast::as<ast::Group>(arrow.to))
    for (const ast::Group::Item &item : group->items)
      targets.push_back(targetOf(item));
  else
    targets.push_back(targetOf(*arrow.to));
}

Renaming::Target Renaming::targetOf(const ast::Expr &expr) {
  auto *named = ast::as<ast::Name>(&expr);
  if (!named)
    return {"", c.axisExpr(scope, expr).axes, expr.at};
  auto known = c.find(scope, named->text, expr.at);
  if (auto *group = known ? known->get<Group>() : nullptr)
    return {named->text, group->axes, expr.at};
  if (known && (known->get<Tensor>() || known->get<Number>()))
    c.fail(expr.at, fmt::format("'{}' is {} here, so it cannot also be an axis", named->text,
                                c.describe(*known, scope)));
  return {named->text, std::nullopt, expr.at};
}

Renaming::Target Renaming::targetOf(const ast::Group::Item &item) {
  if (!item.fresh)
    return targetOf(*item.expr);
  int64_t size = c.sizeOf(scope, *item.expr, item.fresh->text);
  return {item.fresh->text, Axes{c.declareAxis(scope, item.fresh->text, size, item.fresh->at)},
          item.fresh->at};
}

/// The new axes, for `size` elements.
void Renaming::settle(int64_t size) {
  if (targets.size() == 1 && targets[0].axes && targets[0].axes->size() == 1) {
    // A resized axis under a known name is that name with another size.
    to = Axes{{targets[0].axes->front().name, size}};
    return;
  }
  int64_t known = 1;
  int unknown = 0;
  for (const Target &target : targets)
    if (target.axes)
      known *= Group{*target.axes}.size();
    else
      ++unknown;
  if (unknown > 1 || known == 0 || size % known != 0 || (unknown == 0 && known != size))
    c.fail(arrow.at, fmt::format("rename: {} elements do not make {}", size,
                                 std::string(arrow.to->at.text())));
  Axes all;
  for (Target &target : targets) {
    if (!target.axes)
      target.axes = Axes{c.declareAxis(scope, target.display, size / known, target.at)};
    all.insert(all.end(), target.axes->begin(), target.axes->end());
  }
  to = all;
}

/// The axes on the left as a tensor has them; nothing if it lacks one and may.
std::optional<Axes> Renaming::sourceIn(const Tensor &x, bool mayLack) {
  Axes source = from;
  for (Axis &axis : source) {
    const Axis *mine = x.type.find(axis.name);
    if (!mine && mayLack)
      return std::nullopt;
    if (!mine)
      c.fail(arrow.from->at, fmt::format("rename: {} has no axis '{}'", c.describe(Value(x), scope),
                                         c.display(axis.name, scope)));
    axis.size = mine->size;
  }
  return source;
}

Tensor Renaming::renamed(const Tensor &x, const Axes &source) {
  for (const Axis &axis : *to) {
    bool goes = std::any_of(source.begin(), source.end(),
                            [&](const Axis &s) { return s.name == axis.name; });
    if (x.type.find(axis.name) && !goes)
      c.fail(arrow.at, fmt::format("rename: {} would have axis '{}' twice",
                                   c.describe(Value(x), scope), c.display(axis.name, scope)));
  }
  if (source.size() == 1)
    return c.renameAxes(x, {{source[0].name, *to}}, arrow.at);
  if (to->size() == 1)
    return c.mergeAxes(x, source, to->front().name, arrow.at);
  std::string flat = c.freshIn(scope, "flat");
  return c.renameAxes(c.mergeAxes(x, source, flat, arrow.at), {{flat, *to}}, arrow.at);
}

Value Renaming::run(const Value &value) {
  bool hasParts = value.record() || value.distribution() || value.tuple();
  Value out = c.mapTensors(
      value,
      [&](const Tensor &x) -> Tensor {
        std::optional<Axes> source = sourceIn(x, hasParts);
        if (!source)
          return x;
        if (!to)
          settle(Group{*source}.size());
        return renamed(x, *source);
      },
      [&](const Axes &event) {
        Axes moved;
        for (const Axis &axis : event)
          if (from.size() == 1 && axis.name == from[0].name && to)
            moved.insert(moved.end(), to->begin(), to->end());
          else
            moved.push_back(axis);
        return moved;
      });
  if (!to)
    c.fail(arrow.from->at, fmt::format("rename: {} has no axis '{}'", c.describe(out, scope),
                                       c.displayAxes(from, scope)));
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
    value = Renaming(*this, scope, *arrow).run(value);
  }
  return value;
}

} // namespace frit::checking
