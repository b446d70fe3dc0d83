// weight_gap(a, b): the sum of (x - y)^2 over all parameters x of a model and y of another of the
// same architecture, each read whole: a repeated layer's with its leading axis.
#include "dialect/syntax/check/Taken.h"
#include <set>

namespace frit::checking {

namespace {
struct WeightPairs {
  Checker &checker;
  Location at;
  std::vector<std::pair<size_t, size_t>> states = {};
  std::set<const Instance *> seen = {};

  static std::shared_ptr<Instance> instanceOf(const Value &value) {
    auto *view = value.get<View>();
    return !view ? nullptr : view->instance ? view->instance : view->repeated->item;
  }
  [[noreturn]] void differ(const Instance &a, const Instance &b) {
    checker
        .error(at, fmt::format("weight_gap wants two models of one architecture; '{}' and '{}' "
                               "differ",
                               a.path(), b.path()))
        .help("reference = copy(policy) makes one")
        .fail();
  }
  void walk(const std::shared_ptr<Instance> &a, const std::shared_ptr<Instance> &b) {
    if (!seen.insert(a.get()).second)
      return;
    if (a->decl != b->decl || a->declarations.size() != b->declarations.size() ||
        a->order != b->order)
      differ(*a, *b);
    for (const Declaration &declaration : a->declarations) {
      if (!declaration.param)
        continue;
      auto left = checker.stateIndex.find({a.get(), declaration.name()}),
           right = checker.stateIndex.find({b.get(), declaration.name()});
      if (left == checker.stateIndex.end() || right == checker.stateIndex.end())
        checker.later(at);
      const Axes &x = checker.graph.states[left->second].type.axes,
                 &y = checker.graph.states[right->second].type.axes;
      bool isAlike = x.size() == y.size();
      for (size_t i = 0; isAlike && i < x.size(); ++i)
        isAlike = x[i].size == y[i].size;
      if (!isAlike)
        differ(*a, *b);
      states.push_back({left->second, right->second});
    }
    for (const std::string &field : a->order) {
      auto inner = instanceOf(a->fields.at(field)), other = instanceOf(b->fields.at(field));
      if (!inner != !other)
        differ(*a, *b);
      if (inner)
        walk(inner, other);
    }
  }
};
} // namespace

Value Checker::weightGap(Scope &scope, const ast::Call &call) {
  Location at = call.at;
  Taken taken(*this, call, "weight_gap", 2, 2, {});
  Value left = eval(scope, *taken.positional[0]), right = eval(scope, *taken.positional[1]);
  for (auto [value, expr] : {std::pair(&left, taken.positional[0]), {&right, taken.positional[1]}})
    if (!value->get<View>())
      fail(expr->at, fmt::format("weight_gap wants a model, this is {}", describe(*value, scope)));
  if (!emitting())
    later(at);
  WeightPairs pairs{*this, at};
  pairs.walk(WeightPairs::instanceOf(left), WeightPairs::instanceOf(right));
  auto whole = [&](size_t state, bool frozen) {
    Tensor x;
    x.id = readState(state);
    x.type = graph.types[*x.id];
    if (frozen)
      return emit("stop_gradient", {x}, {}, at);
    entry->trained.insert(state);
    return x;
  };
  Tensor sum = literal(0);
  for (auto [a, b] : pairs.states) {
    Tensor x = whole(a, left.get<View>()->frozen), y = whole(b, right.get<View>()->frozen);
    for (size_t i = 0; i < x.type.axes.size(); ++i)
      if (const std::string &from = y.type.axes[i].name, &to = x.type.axes[i].name; from != to)
        y = emit("rename", {y}, {{"from", from}, {"to", to}}, at);
    Tensor gap = op2("sub", x, y, at);
    sum = op2("add", sum, reduce("sum", op2("mul", gap, gap, at), gap.type.axes, at), at);
  }
  return sum;
}

} // namespace frit::checking
