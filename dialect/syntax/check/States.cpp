// Parameters and states of the instances as states of the graph: one per declaration, with a
// leading axis for every repeat it stands in. Inside a repeat's loop a body sees its slice.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

/// "lm.blocks.3.attn.q.weight" for layer indices `at`, outermost first; without indices
/// "lm.blocks...". `bare`: as it would be called had nothing been wrapped.
static std::string canonical(const Instance &instance, const std::string &name,
                             const std::vector<int64_t> *at, bool bare = false) {
  std::vector<const Instance *> chain;
  for (const Instance *i = &instance; i; i = i->binder)
    chain.insert(chain.begin(), i);
  std::string out;
  size_t used = 0;
  const Repeated *above = nullptr;
  for (const Instance *i : chain) {
    if (!bare || !i->isWrapped)
      out += (out.empty() ? "" : ".") + i->field;
    if (i->repeated && i->repeated.get() != above) {
      above = i->repeated.get();
      if (at && above->item.get() == i)
        out += "." + std::to_string((*at)[used++]);
    }
  }
  return out + "." + name;
}

size_t Checker::addState(StateInfo info, StateDecl decl) {
  if (auto found = stateNamed.find(decl.name); found != stateNamed.end())
    error(decl.location, fmt::format("two states are called '{}'", decl.name))
        .note(graph.states[found->second].location, "the other one")
        .fail();
  info.index = graph.states.size();
  stateNamed[decl.name] = info.index;
  graph.states.push_back(std::move(decl));
  states.push_back(std::move(info));
  return states.back().index;
}

void Checker::registerInstance(const std::shared_ptr<Instance> &instance) {
  std::vector<std::shared_ptr<Repeated>> stack;
  for (auto r = instance->repeated; r; r = r->outer)
    stack.insert(stack.begin(), r);
  for (Declaration &declaration : instance->declarations) {
    StateInfo info;
    info.instance = instance;
    info.declaration = &declaration;
    info.stack = stack;
    StateDecl decl;
    decl.role = declaration.param ? "parameter" : "state";
    decl.name = canonical(*instance, declaration.name(), nullptr);
    decl.location = declaration.param ? declaration.param->name.at : declaration.state->name.at;
    decl.type.element = real();
    decl.stacked = int64_t(stack.size());
    for (auto &r : stack)
      decl.type.axes.push_back(r->axis);
    for (size_t i = 0; i < declaration.declared.size(); ++i) {
      Axis &axis = declaration.declared[i];
      while (decl.type.find(axis.name))
        axis.name += ".1";
      decl.type.axes.push_back(axis);
      (i < declaration.rows ? info.rows : info.cols).push_back(axis);
    }
    int64_t copies = 1;
    for (auto &r : stack)
      copies *= r->axis.size;
    for (int64_t n = 0; n < copies; ++n) {
      std::vector<int64_t> at(stack.size());
      int64_t rest = n;
      for (size_t i = stack.size(); i-- > 0;) {
        at[i] = rest % stack[i]->axis.size;
        rest /= stack[i]->axis.size;
      }
      decl.tensors.push_back({canonical(*instance, declaration.name(), &at), n});
      info.bareNames.push_back(canonical(*instance, declaration.name(), &at, true));
    }
    size_t index = addState(std::move(info), std::move(decl));
    stateIndex[{instance.get(), declaration.name()}] = index;
  }
  for (const std::string &field : instance->order) {
    auto *view = instance->fields[field].get<View>();
    if (!view)
      continue;
    std::shared_ptr<Instance> child = view->instance ? view->instance : view->repeated->item;
    if (child->binder != instance.get() || child->field != field)
      continue; // shared: its first binder registers it
    if (view->repeated) {
      view->repeated->outer = instance->repeated;
      child->repeated = view->repeated;
    } else {
      child->repeated = instance->repeated;
    }
    registerInstance(child);
  }
}

void Checker::registerStates(const std::vector<std::pair<std::string, Value>> &models) {
  for (auto &[name, value] : models)
    if (auto *view = value.get<View>()) {
      std::shared_ptr<Instance> instance = view->instance ? view->instance : view->repeated->item;
      if (instance->binder || instance->field != name)
        continue;
      if (view->repeated)
        instance->repeated = view->repeated;
      registerInstance(instance);
    }
}

//===-- Reading and writing -----------------------------------------------------------------===//

ValueId Checker::readState(size_t state) {
  if (!emitting())
    later({});
  if (auto found = entry->written.find(state); found != entry->written.end())
    return found->second;
  if (!entry->training && !entry->init)
    if (auto average = averages.find(state); average != averages.end())
      return readState(average->second);
  auto [found, isNew] = entry->read.insert({state, 0});
  if (isNew) {
    Node node;
    node.op = "read";
    node.attributes["state"] = graph.states[state].name;
    node.location = graph.states[state].location;
    found->second = newValue(graph.states[state].type);
    depths[found->second] = 0;
    node.results = {found->second};
    entry->reads.push_back(std::move(node));
  }
  return found->second;
}

ValueId Checker::stateSlice(size_t state, Location at) {
  if (!emitting())
    later(at);
  for (Frame *f = frame; f; f = f->outer)
    for (auto &[written, value] : f->stateWrites)
      if (written == state)
        return value;
  ValueId value = readState(state);
  for (const std::shared_ptr<Repeated> &repeated : states[state].stack) {
    Frame *loop = nullptr;
    for (Frame *f = frame; f; f = f->outer)
      if (f->repeated == repeated)
        loop = f;
    if (!loop)
      error(at, fmt::format("this is a bug in frit: '{}' belongs to repeated layers and has no "
                            "value outside their loop",
                            graph.states[state].name))
          .fail();
    value = sliceOf(*loop, value);
  }
  return value;
}

Tensor Checker::parameter(const std::shared_ptr<Instance> &instance, const Declaration &declaration,
                          const Substitution &substitution, bool frozen, Location at) {
  auto found = stateIndex.find({instance.get(), declaration.name()});
  if (!emitting() || found == stateIndex.end())
    later(at);
  size_t state = found->second;
  if (entry->init)
    error(at, fmt::format("an initial value cannot be made from '{}'", graph.states[state].name))
        .fail();
  Tensor x;
  x.id = stateSlice(state, at);
  x.type = graph.types[*x.id];
  if (declaration.param) {
    if (frozen)
      x = emit("stop_gradient", {x}, {}, at);
    else
      entry->trained.insert(state);
  }
  std::vector<AxisChange> changes;
  for (size_t i = 0; i < declaration.declared.size(); ++i)
    changes.push_back(
        {declaration.declared[i].name, substitute({declaration.bound[i]}, substitution).axes});
  std::set<std::string> names;
  for (const AxisChange &change : changes)
    for (const Axis &axis : change.to)
      if (!names.insert(axis.name).second)
        error(at, fmt::format("this is a bug in frit: '{}' would have axis '{}' twice here",
                              declaration.name(), axis.name))
            .fail();
  return renameAxes(x, changes, at);
}

void Checker::writeState(size_t state, ValueId value, Location at) {
  const std::vector<std::shared_ptr<Repeated>> &stack = states[state].stack;
  // What is stored carries no gradient to whoever reads it next.
  Tensor stored;
  stored.id = value;
  stored.type = graph.types[value];
  stored = emit("stop_gradient", {stored}, {}, at);
  if (!frame) {
    entry->written[state] = *stored.id;
    return;
  }
  if (stack.empty() || frame->repeated != stack.back())
    error(at, "a state cannot be written inside a scan; carry the value and write it after").fail();
  for (auto &[written, slot] : frame->stateWrites)
    if (written == state) {
      slot = *stored.id;
      return;
    }
  frame->stateWrites.push_back({state, *stored.id});
}

//===-- Run-time scalars --------------------------------------------------------------------===//

size_t Checker::scalar(const std::string &name, double initial, Element element,
                       const std::string &flag, const std::string &help, Location at) {
  if (auto found = stateNamed.find(name); found != stateNamed.end())
    return found->second;
  StateDecl decl;
  decl.name = name;
  decl.type = {element, {}};
  decl.role = "scalar";
  decl.initial = initial;
  decl.flag = flag;
  decl.help = help;
  decl.location = at;
  return addState({}, std::move(decl));
}

Tensor Checker::readScalar(size_t state) {
  Tensor x;
  x.id = readState(state);
  x.type = graph.types[*x.id];
  return x;
}

} // namespace frit::checking
