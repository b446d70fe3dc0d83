// rename(x, t -> s): other names, merged and split axes (rule A3).
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

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

} // namespace frit::checking
