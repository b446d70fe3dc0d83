// The models of train: made, copied, loaded from a file, wrapped; then their states.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

namespace {
/// A tree of instances of its own, with the same shapes.
class Copier {
public:
  /// `holder` has it as its field `field`; null: the root.
  std::shared_ptr<Instance> copy(const std::shared_ptr<Instance> &from, Instance *holder = nullptr,
                                 const std::string &field = "") {
    auto &slot = made[from.get()];
    if (slot)
      return slot;
    slot = std::make_shared<Instance>(*from);
    std::shared_ptr<Instance> result = slot;
    result->copyOf = from;
    // What was shared with models outside of the tree belongs to its first holder inside.
    auto binder = made.find(from->binder);
    if (binder != made.end()) {
      result->binder = binder->second.get();
    } else {
      result->binder = holder;
      result->field = field;
    }
    std::set<std::string> rest;
    for (auto &[key, value] : result->fields)
      rest.insert(key);
    for (const std::string &key : result->order)
      if (rest.erase(key))
        result->fields[key] = copy(result->fields[key], result.get(), key);
    for (const std::string &key : rest)
      result->fields[key] = copy(result->fields[key], result.get(), key);
    return result;
  }

private:
  Value copy(const Value &value, Instance *holder, const std::string &field) {
    if (auto *index = value.get<LayerIndex>())
      if (auto loop = loops.find(index->repeated.get()); loop != loops.end())
        return LayerIndex{loop->second};
    auto *view = value.get<View>();
    if (!view)
      return value;
    View out = *view;
    if (view->instance) {
      out.instance = copy(view->instance, holder, field);
    } else {
      auto &loop = loops[view->repeated.get()];
      if (!loop) {
        loop = std::make_shared<Repeated>(*view->repeated);
        loop->item = copy(view->repeated->item, holder, field);
      }
      out.repeated = loop;
    }
    return out;
  }

  std::map<const Instance *, std::shared_ptr<Instance>> made;
  std::map<const Repeated *, std::shared_ptr<Repeated>> loops;
};
} // namespace

/// copy(m): an instance of its own.
Value Training::copyModel(const ast::Call &call, const std::string &what) {
  if (call.arguments.empty() || call.arguments[0].name)
    c.error(call.at, fmt::format("{}(model)", what))
        .help(what == "ema" ? "ema(student, 0.99)" : "copy(student)")
        .fail();
  if (what == "copy" && call.arguments.size() > 1)
    c.fail(call.arguments[1].value->at, "copy takes one model and nothing else");
  Value of = c.eval(*scope, *call.arguments[0].value);
  auto *view = of.get<View>();
  if (!view || !view->instance)
    c.fail(call.arguments[0].value->at,
           fmt::format("{} wants a model, this is {}", what, c.describe(of, *scope)));
  View out = *view;
  out.instance = Copier().copy(view->instance);
  out.instance->isNamed = false;
  out.instance->binder = nullptr;
  out.instance->repeated = nullptr;
  return out;
}

/// ema(m, decay): a copy that follows m after each step that changes it. Nothing trains it.
Value Training::followingModel(const ast::Call &call, const std::string &name) {
  Value value = copyModel(call, "ema");
  bool isNamed = call.arguments.size() == 2 && call.arguments[1].name;
  if (call.arguments.size() != 2 || (isNamed && call.arguments[1].name->text != "decay"))
    c.error(call.at, "ema wants a model and how much of the follower stays in a step")
        .help("ema(student, 0.99)")
        .fail();
  const ast::Expr &expr = *call.arguments[1].value;
  Follower follower;
  follower.decay = readSetting("decay", expr, true, name + ".");
  if (auto *number = follower.decay.value.get<Number>(); number && !follower.decay.schedule)
    if (number->value < 0 || number->value > 1)
      c.fail(expr.at, "the decay of a follower lies between 0 and 1");
  View view = *value.get<View>();
  follower.instance = view.instance;
  followers.push_back(std::move(follower));
  view.frozen = true;
  return view;
}

/// `NAME = M(..)`, `= copy(m)`, `= ema(m, 0.99)`, `= other`. In the braces of one run of several
/// (`owner`) only the last.
void Training::readModel(const ast::Field &field, const ast::Expr &expr, Run *owner) {
  const std::string &name = field.name.text;
  auto *call = ast::as<ast::Call>(&expr);
  auto *callee = call ? ast::as<ast::Name>(call->callee) : nullptr;
  if (owner && call)
    c.error(expr.at, "models are made in train, where all runs can share them")
        .help(fmt::format("give the run one of them: {} = that_model", name))
        .fail();
  Value value = callee && callee->text == "copy"  ? copyModel(*call, "copy")
                : callee && callee->text == "ema" ? followingModel(*call, name)
                                                  : c.eval(*scope, expr);
  if (!value.get<View>())
    c.fail(expr.at, fmt::format("'{}' wants a model, this is {}", name, c.describe(value, *scope)));
  if (owner) {
    owner->models.push_back({name, value});
    return;
  }
  c.nameInstance(value, nullptr, name, nullptr);
  models.push_back({name, value});
  scope->names[name] = value;
  if (field.from)
    readFrom(field);
}

/// The model of `field`, the newest of all, begins with weights of a file.
void Training::readFrom(const ast::Field &field) {
  auto &[name, value] = models.back();
  const View &view = *value.get<View>();
  const Instance &instance = view.instance ? *view.instance : *view.repeated->item;
  if (instance.copyOf)
    c.fail(field.fromAt, "a copy begins as what it copies; it has no file of its own");
  if (instance.binder || instance.field != name)
    c.fail(field.fromAt, fmt::format("'{}' has no parameters of its own to load: it is '{}'", name,
                                     instance.path()));
  loads[name] = &field;
}

/// Puts another model in the place of those that the patterns name: LoRA(base).
void Training::wrap(const ast::For &item, const ast::Field &field) {
  auto *call = ast::as<ast::Call>(field.value);
  Value callee = call ? c.eval(*scope, *call->callee) : Value(Nothing());
  auto *declared = callee.get<Declared>();
  if (!declared || declared->decl->kind != ast::DeclKind::Model)
    c.fail(field.value->at, "wrap wants a model of a model: wrap = LoRA(rank = 4)");
  for (const ast::PathPattern &pattern : item.patterns)
    judgePattern(pattern);
  std::set<Instance *> seen;
  std::vector<bool> matched(item.patterns.size());
  // The layers of a repeat are one instance, which has a path for each of them.
  using Paths = std::vector<std::string>;
  auto inside = [](const Paths &outer, const std::string &field, const View &view) {
    Paths out;
    for (const std::string &path : outer)
      for (int64_t n = 0; n < (view.repeated ? view.repeated->axis.size : 1); ++n)
        out.push_back(path + (path.empty() ? "" : ".") + field +
                      (view.repeated ? "." + std::to_string(n) : ""));
    return out;
  };
  auto isHit = [&](size_t i, const Instance &child, const Paths &paths) {
    const ast::PathPattern &pattern = item.patterns[i];
    size_t some = 0;
    for (const std::string &path : paths)
      some += matches(pattern.text(), path);
    if (matches(pattern.text(), child.path()) || some == paths.size())
      return true;
    if (some > 0)
      c.error(pattern.at, fmt::format("'{}' names some layers of '{}'; all layers of a repeat are "
                                      "wrapped, or none",
                                      pattern.text(), child.path()))
          .help("say * for the layer, and freeze what the wrapper adds to the others")
          .fail();
    return false;
  };
  std::function<void(Instance &, const Paths &)> visit = [&](Instance &instance,
                                                             const Paths &paths) {
    if (!seen.insert(&instance).second)
      return;
    for (auto &[name, value] : instance.fields) {
      auto *view = value.get<View>();
      if (!view)
        continue;
      Instance *child = view->instance ? view->instance.get() : view->repeated->item.get();
      if (child->binder != &instance)
        continue; // shared: it is visited where it is named
      Paths own = inside(paths, child->field, *view);
      bool hit = false;
      for (size_t i = 0; i < item.patterns.size(); ++i)
        if (view->instance && isHit(i, *child, own))
          matched[i] = hit = true;
      if (!hit) {
        visit(*child, own);
        continue;
      }
      auto inner = std::make_shared<Scope>();
      inner->file = &file;
      inner->isStatic = true;
      Arguments arguments;
      Argument base;
      base.value = value;
      base.at = field.value->at;
      arguments.push_back(base);
      for (const ast::Call::Argument &argument : call->arguments)
        arguments.push_back({argument.name ? argument.name->text : "", argument.value.get(),
                             std::nullopt, argument.value->at});
      Value wrapped = c.instantiate(*inner, *declared, arguments, field.value->at);
      Instance &outer = *wrapped.get<View>()->instance;
      std::string oldField = child->field;
      outer.isNamed = true;
      outer.wrapper = &item;
      child->isWrapped = true;
      outer.binder = &instance;
      outer.field = oldField;
      // The base now stands one field deeper: ...q.base.weight.
      child->binder = &outer;
      for (const std::string &key : outer.order)
        if (auto *v = outer.fields[key].get<View>(); v && v->instance.get() == child)
          child->field = key;
      value = wrapped;
    }
  };
  for (auto &[name, value] : models)
    if (auto *view = value.get<View>())
      visit(*(view->instance ? view->instance : view->repeated->item), inside({""}, name, *view));
  for (size_t i = 0; i < matched.size(); ++i)
    if (!matched[i])
      c.fail(item.patterns[i].at, fmt::format("'{}' matches no model", item.patterns[i].text()));
}

void Training::readModels() {
  for (const ast::TrainItemPtr &item : train.items)
    if (auto *rule = ast::as<ast::For>(item))
      for (const ast::TrainItemPtr &inner : rule->items)
        if (auto *field = ast::as<ast::Field>(inner); field && field->name.text == "wrap")
          wrap(*rule, *field);
  c.registerStates(models);
  for (auto &[model, field] : loads)
    placeTensors(model, *field);
  // A copy starts as what it copies, tensor by tensor.
  for (auto &info : c.states)
    if (info.instance && info.instance->copyOf)
      if (auto found = c.stateIndex.find({info.instance->copyOf.get(), info.declaration->name()});
          found != c.stateIndex.end()) {
        copies.push_back({info.index, found->second});
        const Instance *root = info.instance.get();
        while (root->binder)
          root = root->binder;
        for (Follower &follower : followers)
          if (follower.instance.get() == root && info.declaration->param)
            follower.states.push_back({info.index, found->second});
      }
}

} // namespace frit::checking
