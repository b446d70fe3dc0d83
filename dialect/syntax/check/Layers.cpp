// Settings of single layers: `for blocks.0.*`, `for blocks.{0..3}.attn.*`.
//
// The layers of a repeat are one state with leading axes, updated by one body. Where rules say
// different things of them:
// 1. numbers become a value with one entry for each layer;
// 2. what a body must know at compile time (a bool, another optimizer) makes groups of layers. Each
//    group's body is written for the whole state, and a layer takes what its own group says;
// 3. a frozen layer keeps its weight and slots, bit by bit, and has no part in the gradient's norm.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

static size_t layersOf(const StateDecl &decl) { return std::max<size_t>(1, decl.tensors.size()); }

std::vector<bool> Training::frozenLayers(size_t state) {
  std::vector<bool> out(layersOf(c.graph.states[state]));
  for (size_t k = 0; k < out.size(); ++k) {
    Rule *rule = ruleFor(state, k, [](const Rule &r) { return r.frozen.has_value(); });
    out[k] = rule && *rule->frozen;
  }
  return out;
}

bool Training::isFrozen(size_t state) {
  std::vector<bool> frozen = frozenLayers(state);
  return std::find(frozen.begin(), frozen.end(), false) == frozen.end();
}

/// True in the layers: a bool over the leading axes of the state.
Tensor Training::layerMask(size_t state, const std::vector<bool> &layers, Location at) {
  const StateDecl &decl = c.graph.states[state];
  Axes stack(decl.type.axes.begin(), decl.type.axes.begin() + decl.stacked);
  Tensor index = c.emit("index", {}, {{"axes", stack}}, at);
  auto number = [&](size_t n) { return c.uniform(Number::whole(int64_t(n)), Element::I32); };
  std::optional<Tensor> mask;
  for (size_t begin = 0; begin < layers.size();) {
    if (!layers[begin]) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < layers.size() && layers[end])
      ++end;
    Tensor run = c.emit(
        "and",
        {c.emit("ge", {index, number(begin)}, {}, at), c.emit("lt", {index, number(end)}, {}, at)},
        {}, at);
    mask = mask ? c.emit("or", {*mask, run}, {}, at) : run;
    begin = end;
  }
  return *mask;
}

Tensor Training::whereFrozen(size_t state, const Tensor &other, const Tensor &x, Location at) {
  std::vector<bool> frozen = frozenLayers(state);
  if (std::find(frozen.begin(), frozen.end(), true) == frozen.end())
    return x;
  return c.select(*scope, layerMask(state, frozen, at), other, x, at);
}

//===-- Groups ------------------------------------------------------------------------------===//

/// Can it differ from layer to layer within one body? A number can, known now or not.
static bool isNumeric(Checker &c, const Setting &setting) {
  if (auto *tuple = setting.value.tuple())
    return std::all_of(tuple->items.begin(), tuple->items.end(),
                       [&](const Value &item) { return c.numberOf(item).has_value(); });
  return setting.schedule || setting.expr || c.numberOf(setting.value);
}

std::vector<LayerGroup> Training::layerGroups(size_t state) {
  std::vector<bool> frozen = frozenLayers(state);
  std::vector<std::pair<std::vector<const Rule *>, LayerGroup>> groups;
  for (size_t k = 0; k < frozen.size(); ++k) {
    if (frozen[k])
      continue;
    Rule *own = ruleFor(state, k, [](const Rule &r) { return r.optimizer.has_value(); });
    bool isRuns = false;
    OptimizerChoice &choice = choiceFor(state, k, isRuns);
    std::vector<const Rule *> key = {own};
    for (const ast::Parameter &p : ast::as<ast::Optimizer>(choice.declared.decl)->parameters) {
      Rule *rule =
          ruleFor(state, k, [&](const Rule &r) { return r.settings.count(p.name.text) > 0; });
      key.push_back(rule && !isNumeric(c, rule->settings.at(p.name.text)) ? rule : nullptr);
    }
    auto same = std::find_if(groups.begin(), groups.end(),
                             [&](const auto &group) { return group.first == key; });
    if (same == groups.end())
      same = groups.insert(groups.end(), {key, {}});
    same->second.layers.push_back(k);
  }
  std::vector<LayerGroup> out;
  for (auto &[key, group] : groups)
    out.push_back(std::move(group));
  return out;
}

Value Training::layeredSetting(size_t state, const LayerGroup &group, OptimizerChoice &choice,
                               const ast::Parameter &parameter, Scope &s) {
  const std::string &name = parameter.name.text;
  // Each rule that speaks of some of the layers; null: none does.
  std::vector<std::pair<Rule *, std::vector<bool>>> parts;
  for (size_t k : group.layers) {
    Rule *rule = ruleFor(state, k, [&](const Rule &r) { return r.settings.count(name) > 0; });
    auto same = std::find_if(parts.begin(), parts.end(),
                             [&](const auto &part) { return part.first == rule; });
    if (same == parts.end())
      same = parts.insert(parts.end(), {rule, std::vector<bool>(frozenLayers(state).size())});
    same->second[k] = true;
  }
  auto valueOf = [&](Rule *rule) -> Value {
    if (rule)
      return settingValue(rule->settings.at(name), s);
    if (auto found = choice.settings.find(name); found != choice.settings.end())
      return settingValue(found->second, s);
    return c.eval(s, *parameter.initial);
  };
  Value out = valueOf(parts[0].first);
  for (size_t i = 1; i < parts.size(); ++i) {
    Location at = (parts[i].first ? parts[i].first : parts[0].first)->settings.at(name).at;
    Value here = valueOf(parts[i].first);
    Tensor mask = layerMask(state, parts[i].second, at);
    auto choose = [&](const Value &a, const Value &b) -> Value {
      return c.select(s, mask, c.toReal(c.toTensor(s, a, at), at),
                      c.toReal(c.toTensor(s, b, at), at), at);
    };
    auto *mine = here.tuple(), *others = out.tuple();
    if (!mine && !others) {
      out = choose(here, out);
      continue;
    }
    if (!mine || !others || mine->items.size() != others->items.size())
      c.fail(at, fmt::format("'{}' is {} in some layers of '{}' and {} in others", name,
                             c.describe(here, s), c.graph.states[state].name, c.describe(out, s)));
    auto tuple = std::make_shared<Tuple>();
    for (size_t item = 0; item < mine->items.size(); ++item)
      tuple->items.push_back(choose(mine->items[item], others->items[item]));
    out = Value(tuple);
  }
  return out;
}

} // namespace frit::checking
