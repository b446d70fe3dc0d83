// `scan` over time and `repeat` over layers: both become one scan node; nothing is unrolled.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

/// The same axes and element, in any order.
static bool alike(const ValueType &a, const ValueType &b) {
  if (a.element != b.element || a.axes.size() != b.axes.size())
    return false;
  return std::all_of(a.axes.begin(), a.axes.end(), [&](const Axis &axis) {
    const Axis *other = b.find(axis.name);
    return other && other->size == axis.size;
  });
}

/// What is carried from step to step: it starts as `start`, and knows of that what each step keeps.
Tensor Checker::carriedOf(ValueId id, const Tensor &start) {
  Tensor out = tensorOf(id, start);
  out.range.reset();
  if (out.isToken())
    out.range = {0, out.vocabulary->size - 1};
  return out;
}

Value Checker::evalScan(Scope &scope, const ast::Scan &scan) {
  Group over = axisExpr(scope, *scan.over);
  if (over.axes.size() != 1)
    fail(scan.over->at, fmt::format("scan goes over one axis, this is the group [{}]",
                                    displayAxes(over.axes, scope)));
  if (!emitting())
    later(scan.at);
  Frame f;
  f.kind = "time";
  f.axis = over.axes[0];
  f.reverse = scan.reverse && evalFlag(scope, *scan.reverse, "reverse");
  std::vector<Tensor> starts;
  for (const ast::Scan::Carry &carry : scan.carries) {
    Value value = eval(scope, *carry.initial);
    if (carry.type)
      value = fitType(scope, value, *carry.type, fmt::format("carried '{}'", carry.name.text),
                      carry.initial->at, true);
    Tensor start = toTensor(scope, value, carry.initial->at);
    if (start.type.element == Element::I32 && !start.isToken())
      start = toReal(start, carry.initial->at);
    if (start.type.find(f.axis.name))
      fail(carry.initial->at, fmt::format("carried '{}' has axis '{}', over which the scan goes",
                                          carry.name.text, display(f.axis.name, scope)));
    starts.push_back(start);
    f.inits.push_back(materialize(start, carry.initial->at));
  }
  std::vector<Tensor> outs;
  {
    struct Restore {
      Frame *&slot;
      Frame *old;
      ~Restore() { slot = old; }
    } restore{frame, frame};
    openFrame(f);
    auto inner = std::make_shared<Scope>();
    inner->file = scope.file;
    inner->parent = scope.shared_from_this();
    Tensor position;
    position.id = f.index;
    position.type = {Element::I32, {}};
    position.range = {0, f.axis.size - 1};
    position.scanIndex = &f;
    inner->names[scan.index.text] = position;
    for (size_t i = 0; i < starts.size(); ++i) {
      Tensor carried = carriedOf(f.carries[i], starts[i]);
      inner->names[scan.carries[i].name.text] = carried;
      inner->carried.insert(scan.carries[i].name.text);
    }
    Value result = evalBlock(inner, scan.body);
    auto *yields = result.tuple();
    bool hasYield =
        !scan.body.statements.empty() && scan.body.statements.back()->kind == ast::StmtKind::Yield;
    if (!yields || !hasYield)
      error(scan.at, "the body of a scan ends in yield").fail();
    std::vector<ValueId> next, stacked;
    for (size_t i = 0; i < starts.size(); ++i) {
      const ast::Ident &name = scan.carries[i].name;
      Value value = inner->names[name.text];
      Tensor now = toTensor(*inner, value, name.at);
      if (isReal(starts[i].type.element))
        now = toReal(now, name.at);
      // A carried value may lack axes that it started with.
      bool fits = now.type.element == starts[i].type.element &&
                  (!starts[i].isToken() || now.isWithin(*starts[i].vocabulary));
      for (const Axis &axis : now.type.axes)
        fits &= starts[i].type.find(axis.name) && *starts[i].type.find(axis.name) == axis;
      if (!fits) {
        auto report =
            error(name.at, fmt::format("carried '{}' starts as {} and becomes {}", name.text,
                                       describe(Value(starts[i]), scope), describe(value, *inner)));
        if (!starts[i].isToken())
          report.help(fmt::format("start it with all its axes: {}: real[..] = 0", name.text));
        report.fail();
      }
      next.push_back(materialize(expand(now, starts[i].type.axes, name.at), name.at));
    }
    std::vector<Tensor> shapes;
    for (const Value &item : yields->items) {
      Tensor tensor = toTensor(*inner, item, scan.body.statements.back()->at);
      if (tensor.type.find(f.axis.name))
        fail(scan.body.statements.back()->at,
             fmt::format("yield of {}, which has axis '{}' already", describe(item, *inner),
                         display(f.axis.name, scope)));
      shapes.push_back(tensor);
      stacked.push_back(materialize(tensor, scan.body.statements.back()->at));
    }
    std::vector<Tensor> results = closeFrame(f, next, stacked, scan.at);
    for (size_t i = 0; i < shapes.size(); ++i)
      outs.push_back(tensorOf(*results[starts.size() + i].id, shapes[i]));
  }
  if (outs.size() == 1)
    return outs[0];
  auto tuple = std::make_shared<Tuple>();
  for (Tensor &out : outs)
    tuple->items.push_back(out);
  return Value(tuple);
}

Value Checker::evalRepeat(Scope &scope, const ast::Repeat &repeat) {
  Scope &root = scope.root();
  if (!root.isStatic)
    error(repeat.at, "repeat makes layers, so it stands in the body of a model or of train").fail();
  std::string name = repeat.axis ? repeat.axis->text : "";
  int64_t size = sizeOf(scope, *repeat.count, name.empty() ? "layer" : name);
  // Every layer's tensors have names of their own in checkpoints.
  constexpr int64_t most = 65536;
  if (size > most)
    fail(repeat.count->at, fmt::format("a repeat of {} layers; the most is {}", size, most));
  auto repeated = std::make_shared<Repeated>();
  repeated->name = name;
  repeated->axis = {freshStatic(name.empty() ? "layer" : name), size};
  auto inner = std::make_shared<Scope>();
  inner->file = scope.file;
  inner->parent = scope.shared_from_this();
  if (!name.empty())
    inner->names[name] = LayerIndex{repeated};
  Value item = eval(*inner, *repeat.body);
  auto *view = item.get<View>();
  if (!view || !view->instance)
    fail(repeat.body->at, fmt::format("repeat wants a model, this is {}", describe(item, scope)));
  if (view->instance->isNamed)
    fail(repeat.body->at, "repeat makes new layers; this instance has a name already");
  repeated->item = view->instance;
  View out;
  out.repeated = repeated;
  return out;
}

Value Checker::callRepeated(Scope &scope, const View &view, Arguments arguments, Location at) {
  Repeated &repeated = *view.repeated;
  if (!emitting())
    later(at);
  if (arguments.empty() || !arguments[0].name.empty())
    fail(at, "repeated layers take the value that goes through them first");
  for (Argument &argument : arguments)
    if (!argument.value)
      argument.value = eval(scope, *argument.expr);
  Tensor start = toTensor(scope, *arguments[0].value, arguments[0].at);
  Group stackAxis = substitute({{repeated.axis}}, view.substitution);
  Frame f;
  f.kind = "layers";
  f.repeated = view.repeated;
  f.axis = repeated.axis;
  f.inits = {materialize(start, at)};
  struct Restore {
    Frame *&slot;
    Frame *old;
    ~Restore() { slot = old; }
  } restore{frame, frame};
  openFrame(f);
  Tensor carried = carriedOf(f.carries[0], start);
  arguments[0].value = carried;
  View layer;
  layer.instance = repeated.item;
  layer.substitution = view.substitution;
  layer.frozen = view.frozen;
  layer.apart = view.apart;
  Value result = callView(scope, layer, arguments, at);
  std::vector<Value> items;
  if (auto *tuple = result.tuple())
    items = tuple->items;
  else
    items = {result};
  auto *next = items[0].get<Tensor>();
  bool fits = next && alike(next->type, start.type) &&
              (!start.isToken() || next->isWithin(*start.vocabulary));
  if (!fits)
    error(at, fmt::format("a repeated layer gives back what it takes; this one turns {} into {}",
                          describe(Value(start), scope), describe(items[0], scope)))
        .fail();
  if (items.size() > 1 && repeated.name.empty())
    error(at, "layers that return more than one value need a named axis to stack the others on")
        .help("repeat(layer: n) ...")
        .fail();
  std::vector<ValueId> stacked;
  std::vector<Tensor> shapes;
  for (size_t i = 1; i < items.size(); ++i) {
    shapes.push_back(toTensor(scope, items[i], at));
    stacked.push_back(materialize(shapes.back(), at));
  }
  std::vector<Tensor> results = closeFrame(f, {materialize(*next, at)}, stacked, at);
  Tensor out = carriedOf(*results[0].id, start);
  if (items.size() == 1)
    return out;
  auto tuple = std::make_shared<Tuple>();
  tuple->items.push_back(out);
  Axis named = declareAxis(scope, repeated.name, repeated.axis.size, at);
  for (size_t i = 0; i < shapes.size(); ++i) {
    Tensor stack = tensorOf(*results[1 + i].id, shapes[i]);
    tuple->items.push_back(renameAxes(stack, {{repeated.axis.name, {named}}}, at));
  }
  return Value(tuple);
}

} // namespace frit::checking
