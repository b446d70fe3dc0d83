// What a name stands for, from the nearest scope outwards: the body, the fields of its model, the
// config of its file, what the file declares or uses, the prelude, the ops.
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

/// A field of a model speaks in static axis names; the body that reads it has its own.
Value Checker::through(Value value, Scope &root) {
  if (auto *group = value.get<Group>())
    return substitute(*group, root.substitution);
  if (auto *view = value.get<View>()) {
    View out = *view;
    Substitution composed = root.substitution;
    for (auto &[from, to] : view->substitution) {
      auto next = root.substitution.find(to);
      composed[from] = next == root.substitution.end() ? to : next->second;
    }
    out.substitution = composed;
    out.frozen |= root.frozen;
    if (root.self)
      out.apart.insert(root.self->apart.begin(), root.self->apart.end());
    return out;
  }
  if (auto *tuple = value.tuple()) {
    auto out = std::make_shared<Tuple>();
    for (const Value &item : tuple->items)
      out->items.push_back(through(item, root));
    return out;
  }
  return value;
}

std::optional<Value> Checker::find(Scope &scope, const std::string &name, Location at) {
  for (Scope *s = &scope; s; s = s->parent.get())
    if (auto found = s->names.find(name); found != s->names.end())
      return force(found->second, scope, at);
  Scope &root = scope.root();
  if (Instance *self = root.self.get()) {
    if (auto found = self->fields.find(name); found != self->fields.end())
      return force(through(found->second, root), scope, at);
    if (auto found = self->formals.find(name); found != self->formals.end())
      return Value(substitute({found->second}, root.substitution));
    for (const Declaration &declaration : self->declarations)
      if (declaration.name() == name)
        return Value(parameter(root.self, declaration, root.substitution, root.frozen, at));
    if (self->decl)
      for (const ast::StmtPtr &member : self->decl->members)
        if (auto *method = ast::as<ast::Method>(member); method && method->name.text == name) {
          View own{root.self, nullptr, root.substitution, name, root.frozen, {}};
          for (auto &[axis, origin] : self->origin) // inside, its axes are its own
            own.apart.insert(axis);
          return Value(own);
        }
  }
  auto configured = [&](const Value &value) -> Value {
    if (auto *number = value.get<Number>(); number && number->isWhole() && number->toInt() > 0)
      return Group{{{name, number->toInt()}}};
    return value;
  };
  if (root.config)
    if (auto found = root.config->find(name); found != root.config->end())
      return configured(found->second);
  if (auto found = root.file->config.find(name); found != root.file->config.end())
    return configured(found->second);
  if (auto found = root.file->names.find(name); found != root.file->names.end()) {
    if (auto *divergence = ast::as<ast::Divergence>(found->second.decl))
      return Value(std::make_shared<Generator>(Generator{divergence, found->second.file, {}}));
    return Value(found->second);
  }
  if (name == "true" || name == "false")
    return Value(name == "true");
  if (name == "training" && entry)
    return Value(entry->training);
  if (name == "training")
    later(at);
  if (name == "inf")
    return Value(Number::real(INFINITY));
  if (name == "pi")
    return Value(Number::real(3.14159265358979323846));
  if (isSpecial(name) || findBuiltin(name))
    return Value(BuiltinName{name});
  return std::nullopt;
}

Value Checker::force(const Value &value, Scope &scope, Location at) {
  if (auto *lazy = value.get<Lazy>()) {
    // Evaluated with the field's own names, in the axes of the body that asks.
    auto inner = std::make_shared<Scope>(*lazy->scope);
    if (scope.root().self == inner->self)
      inner->substitution = scope.root().substitution;
    inner->isStatic = false;
    inner->taken.insert(scope.root().taken.begin(), scope.root().taken.end());
    return eval(*inner, *lazy->expr);
  }
  if (auto *index = value.get<LayerIndex>()) {
    for (Frame *f = frame; f; f = f->outer)
      if (f->repeated == index->repeated) {
        Tensor tensor;
        tensor.id = f->index;
        tensor.type = {Element::I32, {}};
        tensor.range = {0, f->axis.size - 1};
        tensor.scanIndex = f;
        return tensor;
      }
    if (entry && entry->init) {
      Tensor tensor = emit("index", {}, {{"axes", Axes{index->repeated->axis}}}, at);
      tensor.range = {0, index->repeated->axis.size - 1};
      return tensor;
    }
    later(at);
  }
  return value;
}

std::vector<std::string> Checker::visible(Scope &scope) {
  std::vector<std::string> out;
  for (Scope *s = &scope; s; s = s->parent.get())
    for (auto &[name, value] : s->names)
      out.push_back(name);
  Scope &root = scope.root();
  if (root.self) {
    for (auto &[name, value] : root.self->fields)
      out.push_back(name);
    for (auto &[name, axes] : root.self->formals)
      out.push_back(name);
    for (const Declaration &declaration : root.self->declarations)
      out.push_back(declaration.name());
  }
  for (auto &[name, value] : root.file->config)
    out.push_back(name);
  for (auto &[name, declared] : root.file->names)
    out.push_back(name);
  for (auto &[name, builtin] : builtins())
    out.push_back(name);
  return out;
}

Value Checker::attribute(const Value &base, const std::string &name, Scope &scope, Location at) {
  std::vector<std::string> known;
  if (auto *record = base.record()) {
    if (auto found = record->fields.find(name); found != record->fields.end())
      return found->second;
    for (auto &[field, value] : record->fields)
      known.push_back(field);
  }
  if (auto *view = base.get<View>(); view && view->instance) {
    Instance &instance = *view->instance;
    // A scope of its own speaks for the instance.
    Scope inner;
    inner.file = instance.file;
    inner.self = view->instance;
    inner.substitution = view->substitution;
    inner.frozen = view->frozen;
    inner.config = instance.config;
    if (auto found = instance.fields.find(name); found != instance.fields.end())
      return force(through(found->second, inner), inner, at);
    if (auto found = instance.formals.find(name); found != instance.formals.end())
      return substitute({found->second}, inner.substitution);
    for (const Declaration &declaration : instance.declarations) {
      if (declaration.name() == name)
        return parameter(view->instance, declaration, view->substitution, view->frozen, at);
      known.push_back(declaration.name());
    }
    for (const ast::StmtPtr &member : instance.decl->members)
      if (auto *method = ast::as<ast::Method>(member)) {
        if (method->name.text == name) {
          View out = *view;
          out.method = name;
          return out;
        }
        known.push_back(method->name.text);
      }
    for (auto &[field, value] : instance.fields)
      known.push_back(field);
  }
  if (auto *view = base.get<View>(); view && view->repeated)
    error(at, "repeated layers have no fields; they are called")
        .help("write the field inside the layer's own model")
        .fail();
  error(at, fmt::format("{} has no field '{}'", describe(base, scope), name))
      .suggest(name, known)
      .fail();
}

} // namespace frit::checking
