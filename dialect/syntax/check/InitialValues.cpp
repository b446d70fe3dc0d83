// The entry init: what every state is before the first step.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

namespace {
class InitialValues {
public:
  explicit InitialValues(Training &training);
  void writeEntry();

private:
  ValueId valueOf(size_t state);
  ValueId copied(size_t state, size_t from);
  ValueId fresh(size_t state);
  ScopePtr scopeOf(size_t state);
  Tensor settled(size_t state, const Tensor &x, Scope &scope, Location at);
  ValueId drawn(size_t state, const Distribution &d, Scope &scope, Location at);

  Training &t;
  Checker &c;
  std::map<size_t, size_t> source; // state -> the one it begins as
  std::map<size_t, ValueId> values;
};
} // namespace

InitialValues::InitialValues(Training &training)
    : t(training), c(training.c), source(t.copies.begin(), t.copies.end()) {
  for (auto &[parameter, average] : c.averages)
    source[average] = parameter;
}

/// The names that a state's initial value is written in.
ScopePtr InitialValues::scopeOf(size_t state) {
  const StateInfo &info = c.states[state];
  if (!info.declaration)
    return info.scope;
  auto out = std::make_shared<Scope>();
  out->file = info.instance->file;
  out->self = info.instance;
  out->config = info.instance->config;
  out->site = c.graph.states[state].name;
  for (const Axis &axis : c.graph.states[state].type.axes)
    out->taken.insert(axis.name);
  return out;
}

/// From the names of the body to the axes of the state.
Tensor InitialValues::settled(size_t state, const Tensor &value, Scope &scope, Location at) {
  const StateDecl &decl = c.graph.states[state];
  Tensor x = c.toReal(value, at);
  if (const Declaration *declaration = c.states[state].declaration)
    for (size_t i = 0; i < declaration->declared.size(); ++i) {
      const Axes &bound = declaration->bound[i];
      bool has = std::any_of(bound.begin(), bound.end(),
                             [&](const Axis &axis) { return x.type.find(axis.name) != nullptr; });
      if (has)
        x = c.mergeAxes(c.expand(x, bound, at), bound, declaration->declared[i].name, at);
    }
  for (const Axis &axis : x.type.axes)
    if (const Axis *mine = decl.type.find(axis.name); !mine || mine->size != axis.size)
      c.fail(at, fmt::format("'{}' is {} and starts as {}", decl.name, c.describe(decl.type, scope),
                             c.describe(Value(x), scope)));
  return x;
}

/// Noise of the run's seed and of the state's name: another parameter more or less leaves it alone.
ValueId InitialValues::drawn(size_t state, const Distribution &d, Scope &scope, Location at) {
  const StateDecl &decl = c.graph.states[state];
  if (d.kind != Distribution::Kind::Normal)
    c.fail(at, fmt::format("a parameter cannot start as a {}", name(d.kind)));
  uint32_t site = 2166136261u; // FNV-1a
  for (unsigned char ch : decl.name)
    site = (site ^ ch) * 16777619u;
  Tensor seed = c.readScalar(c.stateNamed.at("seed"));
  Tensor noise = c.emit("random", {seed, c.uniform(Number::whole(0), Element::I32)},
                        {{"axes", decl.type.axes},
                         {"element", std::string(frit::name(decl.type.element))},
                         {"distribution", std::string("normal")},
                         {"site", int64_t(site)}},
                        decl.location);
  Tensor std = settled(state, field(d, "std"), scope, at);
  Tensor mean = settled(state, field(d, "mean"), scope, at);
  Tensor scaled = c.op2("mul", noise, std, decl.location);
  return c.materialize(c.op2("add", scaled, mean, decl.location), decl.location);
}

ValueId InitialValues::fresh(size_t state) {
  const StateDecl &decl = c.graph.states[state];
  const StateInfo &info = c.states[state];
  const ast::ParamDecl *param = info.declaration ? info.declaration->param : nullptr;
  const ast::Expr *initial = !info.declaration ? info.initial
                             : param           ? param->initial.get()
                                               : info.declaration->state->initial.get();
  if (!initial) {
    auto found = t.slotInitial.find(state);
    Number number = Number::real(found == t.slotInitial.end() ? 0 : found->second);
    return c.materialize(c.uniform(number, decl.type.element, decl.type.axes), decl.location);
  }
  ScopePtr scope = scopeOf(state);
  c.currentPath = info.instance ? info.instance->path() : "";
  Value value = c.eval(*scope, *initial);
  if (auto *d = value.distribution())
    return drawn(state, *d, *scope, initial->at);
  if (param && param->isDrawn)
    c.error(initial->at,
            fmt::format("'~' wants a distribution, this is {}", c.describe(value, *scope)))
        .help("say = for a value")
        .fail();
  Tensor x = settled(state, c.toTensor(*scope, value, initial->at), *scope, initial->at);
  return c.materialize(c.expand(x, decl.type.axes, decl.location), decl.location);
}

/// Another state's, under this one's axes.
ValueId InitialValues::copied(size_t state, size_t from) {
  const StateDecl &decl = c.graph.states[state], &other = c.graph.states[from];
  std::vector<Checker::AxisChange> changes;
  for (size_t i = 0; i < decl.type.axes.size(); ++i)
    changes.push_back({other.type.axes[i].name, {decl.type.axes[i]}});
  Tensor x = c.renameAxes(c.tensorOf(valueOf(from)), changes, decl.location);
  return c.materialize(x, decl.location);
}

ValueId InitialValues::valueOf(size_t state) {
  if (auto found = values.find(state); found != values.end())
    return found->second;
  auto from = source.find(state);
  return values[state] = from == source.end() ? fresh(state) : copied(state, from->second);
}

void InitialValues::writeEntry() {
  EntryState entry;
  entry.init = true;
  t.begin(entry, "init", false);
  for (size_t state = 0; state < c.graph.states.size(); ++state) {
    const StateDecl &decl = c.graph.states[state];
    if (decl.role == "scalar" || decl.role == "accumulator" || t.deadSlots.count(decl.name))
      continue;
    t.write(state, valueOf(state), decl.location);
  }
  t.finish(entry);
}

void Training::initEntry() { InitialValues(*this).writeEntry(); }

} // namespace frit::checking
