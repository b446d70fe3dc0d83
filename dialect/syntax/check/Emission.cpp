// Ops into the block under construction. Types follow from the laws; a law that refuses here is the
// user's mistake and is told with the axes' display names.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

int Checker::depth() const {
  int n = 0;
  for (Frame *f = frame; f; f = f->outer)
    ++n;
  return n;
}

ValueId Checker::newValue(ValueType type) {
  graph.types.push_back(std::move(type));
  depths.push_back(depth());
  return ValueId(graph.types.size() - 1);
}

std::vector<ValueId> Checker::append(Node node, const std::vector<ValueType> &types) {
  if (!emitting())
    later(node.location);
  for (const ValueType &type : types)
    node.results.push_back(newValue(type));
  node.path = currentPath;
  std::vector<ValueId> results = node.results;
  block().nodes.push_back(std::move(node));
  return results;
}

std::vector<Tensor> Checker::emitAll(const std::string &op, const std::vector<Tensor> &operands,
                                     Attributes attributes, Location at) {
  if (!emitting())
    later(at);
  const Builtin *record = findBuiltin(op);
  if (!record)
    fail(at, fmt::format("this is a bug in frit: there is no op '{}'", op));
  Node node;
  node.op = op;
  std::vector<ValueType> types;
  for (const Tensor &operand : operands) {
    ValueId id = materialize(operand, at);
    node.operands.push_back(id);
    types.push_back(graph.types[id]);
  }
  LawResult result = record->law(types, attributes);
  if (!result)
    fail(at, fmt::format("{}: {}", op, result.error));
  node.attributes = std::move(attributes);
  node.location = userPlace(at);
  std::vector<Tensor> out;
  for (ValueId id : append(std::move(node), result.types)) {
    Tensor tensor;
    tensor.id = id;
    tensor.type = graph.types[id];
    out.push_back(std::move(tensor));
  }
  return out;
}

Tensor Checker::emit(const std::string &op, const std::vector<Tensor> &operands,
                     Attributes attributes, Location at) {
  return emitAll(op, operands, std::move(attributes), at).front();
}

ValueId Checker::materialize(const Tensor &tensor, Location at) {
  if (tensor.id)
    return *tensor.id;
  if (tensor.narrow) {
    Tensor x;
    x.id = tensor.narrow;
    x.type = graph.types[*tensor.narrow];
    return *expand(x, tensor.type.axes, at).id;
  }
  Node node;
  node.op = "constant";
  node.attributes["value"] = tensor.uniform->value;
  node.attributes["element"] = std::string(name(tensor.type.element));
  node.attributes["axes"] = tensor.type.axes;
  node.location = at;
  return append(std::move(node), {tensor.type}).front();
}

void Checker::strip(std::vector<Tensor> &operands) {
  for (Tensor &x : operands) {
    if (!x.narrow)
      continue;
    ValueType own = graph.types[*x.narrow];
    bool covered = true;
    for (const Axis &axis : x.type.axes) {
      bool has = own.find(axis.name);
      for (const Tensor &other : operands)
        if (&other != &x && !other.uniform)
          has |=
              (other.narrow ? graph.types[*other.narrow] : other.type).find(axis.name) != nullptr;
      covered &= has;
    }
    if (covered) {
      x.id = x.narrow;
      x.type = own;
      x.narrow.reset();
    }
  }
}

Tensor Checker::tensorOf(ValueId id) const {
  Tensor tensor;
  tensor.id = id;
  tensor.type = graph.types[id];
  return tensor;
}

Tensor Checker::tensorOf(ValueId id, const Tensor &like) {
  Tensor tensor = like;
  tensor.id = id;
  tensor.narrow.reset();
  tensor.uniform.reset();
  tensor.type = graph.types[id];
  tensor.scanIndex = nullptr;
  return tensor;
}

Tensor Checker::uniform(Number number, Element element, Axes axes) {
  Tensor tensor;
  tensor.uniform = number;
  tensor.type = {element, std::move(axes)};
  if (element == Element::I32 && number.exact && number.exact->denominator == 1)
    tensor.range = {number.toInt(), number.toInt()};
  return tensor;
}

Tensor Checker::cast(const Tensor &x, Element to, Location at) {
  if (x.type.element == to)
    return x;
  if (x.uniform)
    return uniform(*x.uniform, to, x.type.axes);
  Tensor out = emit("cast", {x}, {{"to", std::string(name(to))}}, at);
  if (to == Element::I32)
    out.range = x.type.element == Element::I1 ? between(0, 1) : x.range;
  return out;
}

Tensor Checker::expand(const Tensor &x, const Axes &axes, Location at) {
  Axes missing;
  for (const Axis &axis : axes)
    if (!x.type.find(axis.name))
      missing.push_back(axis);
  if (missing.empty())
    return x;
  if (x.uniform) {
    Tensor out = x;
    out.type.axes.insert(out.type.axes.end(), missing.begin(), missing.end());
    return out;
  }
  return tensorOf(*emit("broadcast", {x}, {{"axes", missing}}, at).id, x);
}

Tensor Checker::mergeAxes(const Tensor &x, const Axes &group, const std::string &into,
                          Location at) {
  if (group.size() == 1)
    return renameAxes(x, {{group[0].name, {{into, group[0].size}}}}, at);
  if (x.uniform) {
    Tensor out = x;
    int64_t size = 1;
    Axes kept;
    for (const Axis &axis : x.type.axes)
      if (std::none_of(group.begin(), group.end(),
                       [&](const Axis &g) { return g.name == axis.name; }))
        kept.push_back(axis);
      else
        size *= axis.size;
    kept.push_back({into, size});
    out.type.axes = kept;
    return out;
  }
  std::vector<std::string> names;
  for (const Axis &axis : group)
    names.push_back(axis.name);
  return tensorOf(*emit("merge", {x}, {{"axes", names}, {"into", into}}, at).id, x);
}

Tensor Checker::renameAxes(Tensor x, std::vector<AxisChange> changes, Location at) {
  std::erase_if(changes, [](const AxisChange &change) {
    return change.to.size() == 1 && change.to[0].name == change.from;
  });
  if (x.uniform) {
    Axes axes;
    for (const Axis &axis : x.type.axes) {
      auto change = std::find_if(changes.begin(), changes.end(),
                                 [&](const AxisChange &c) { return c.from == axis.name; });
      if (change == changes.end())
        axes.push_back(axis);
      else
        axes.insert(axes.end(), change->to.begin(), change->to.end());
    }
    x.type.axes = axes;
    return x;
  }
  auto apply = [&](const std::string &from, const Axes &to) {
    if (to.size() == 1)
      x = tensorOf(*emit("rename", {x}, {{"from", from}, {"to", to[0].name}}, at).id, x);
    else if (to.empty())
      x = tensorOf(*emit("slice", {x}, {{"axis", from}, {"at", int64_t(0)}}, at).id, x);
    else
      x = tensorOf(*emit("split", {x}, {{"axis", from}, {"into", to}}, at).id, x);
  };
  // A target that is still in use waits; if all wait (a swap), one steps aside.
  while (!changes.empty()) {
    bool moved = false;
    for (size_t i = 0; i < changes.size() && !moved; ++i) {
      const AxisChange change = changes[i];
      bool blocked = false;
      for (const Axis &axis : change.to)
        blocked |= axis.name != change.from && x.type.find(axis.name);
      if (blocked)
        continue;
      apply(change.from, change.to);
      changes.erase(changes.begin() + i);
      moved = true;
    }
    if (moved)
      continue;
    std::string aside = changes[0].from;
    do
      aside += ".0";
    while (x.type.find(aside));
    bool known = std::any_of(changes.begin(), changes.end(),
                             [&](const AxisChange &c) { return c.from == changes[0].from + ".0"; });
    if (known)
      fail(at, fmt::format("axis '{}' would be twice in a value", changes[0].to[0].name));
    apply(changes[0].from, {{aside, x.type.find(changes[0].from)->size}});
    changes[0].from = aside;
    // Stepping aside twice for the same change means that the target never gets free.
    static constexpr size_t longest = 512;
    if (aside.size() > longest)
      fail(at, fmt::format("axis '{}' would be twice in a value", changes[0].to[0].name));
  }
  return x;
}

//===-- Loops -------------------------------------------------------------------------------===//

ValueId Checker::openFrame(Frame &f) {
  if (!emitting())
    later({});
  f.outer = frame;
  frame = &f;
  f.index = newValue({Element::I32, {}});
  for (ValueId init : f.inits)
    f.carries.push_back(newValue(graph.types[init]));
  return f.index;
}

ValueId Checker::sliceOf(Frame &f, ValueId outer) {
  for (size_t i = 0; i < f.slicedOuter.size(); ++i)
    if (f.slicedOuter[i] == outer)
      return f.slicedInner[i];
  ValueType type = graph.types[outer];
  std::erase_if(type.axes, [&](const Axis &axis) { return axis.name == f.axis.name; });
  ValueId inner = newValue(type);
  int n = 1;
  for (Frame *g = f.outer; g; g = g->outer)
    ++n;
  depths[inner] = n;
  f.slicedOuter.push_back(outer);
  f.slicedInner.push_back(inner);
  return inner;
}

std::vector<Tensor> Checker::closeFrame(Frame &f, const std::vector<ValueId> &next,
                                        const std::vector<ValueId> &stacked, Location at) {
  Node yield;
  yield.op = "yield";
  yield.operands = next;
  yield.operands.insert(yield.operands.end(), stacked.begin(), stacked.end());
  for (auto &[state, value] : f.stateWrites)
    yield.operands.push_back(value);
  yield.location = at;
  f.body.nodes.push_back(yield);

  Node scan;
  scan.op = "scan";
  scan.operands = f.inits;
  scan.operands.insert(scan.operands.end(), f.slicedOuter.begin(), f.slicedOuter.end());
  f.body.arguments = {f.index};
  f.body.arguments.insert(f.body.arguments.end(), f.carries.begin(), f.carries.end());
  f.body.arguments.insert(f.body.arguments.end(), f.slicedInner.begin(), f.slicedInner.end());
  scan.attributes["axis"] = f.axis.name;
  scan.attributes["size"] = f.axis.size;
  scan.attributes["kind"] = f.kind;
  scan.attributes["reverse"] = f.reverse;
  scan.attributes["carried"] = int64_t(f.inits.size());
  scan.location = userPlace(at);
  std::vector<ValueType> types;
  for (ValueId init : f.inits)
    types.push_back(graph.types[init]);
  for (size_t i = next.size(); i < yield.operands.size(); ++i) {
    ValueType type = graph.types[yield.operands[i]];
    type.axes.insert(type.axes.begin(), f.axis);
    types.push_back(type);
  }
  frame = f.outer;
  scan.body = std::make_shared<Block>(std::move(f.body));
  std::vector<ValueId> results = append(std::move(scan), types);
  size_t first = f.inits.size() + stacked.size();
  for (size_t i = 0; i < f.stateWrites.size(); ++i) {
    size_t state = f.stateWrites[i].first;
    if (frame && frame->repeated)
      frame->stateWrites.push_back({state, results[first + i]});
    else
      entry->written[state] = results[first + i];
  }
  results.resize(first);
  std::vector<Tensor> out;
  for (ValueId id : results) {
    Tensor tensor;
    tensor.id = id;
    tensor.type = graph.types[id];
    out.push_back(tensor);
  }
  return out;
}

/// Backwards: a node stays if it has an effect or a result that is used.
void Checker::sweep(Block &body, std::set<ValueId> &used) {
  std::vector<Node> kept;
  for (auto node = body.nodes.rbegin(); node != body.nodes.rend(); ++node) {
    bool live = node->op == "write" || node->op == "yield";
    for (ValueId id : node->results)
      live |= used.count(id) > 0;
    if (!live)
      continue;
    if (node->body)
      sweep(*node->body, used);
    used.insert(node->operands.begin(), node->operands.end());
    kept.push_back(std::move(*node));
  }
  body.nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

} // namespace frit::checking
