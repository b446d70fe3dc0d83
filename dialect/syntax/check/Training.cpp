// The fields of a train block: which model, which axis, which number each of them gives.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

bool matches(const std::string &pattern, const std::string &text) {
  size_t p = 0, t = 0, star = std::string::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

static bool isModel(const ast::Parameter &p) {
  return p.type && p.type->element && p.type->element->text == "model";
}

static bool isAxis(const ast::Parameter &p) {
  return p.type && p.type->element && p.type->element->text == "axis";
}

/// A number of train becomes a state that the command line may set; elsewhere it stays a constant.
Setting Training::readSetting(const std::string &name, const ast::Expr &expr, bool runTime,
                              const std::string &prefix) {
  Setting out;
  out.name = prefix + name;
  out.at = expr.at;
  auto makeScalar = [&](const std::string &key, const Number &number, Location at) {
    std::string flag = key;
    std::replace(flag.begin(), flag.end(), '.', '-');
    return c.scalar(key, number.value, c.real(), flag, "", at);
  };
  if (auto *call = ast::as<ast::Call>(&expr)) {
    Value callee = c.eval(*scope, *call->callee);
    auto *declared = callee.get<Declared>();
    auto *fn = declared ? ast::as<ast::Fn>(declared->decl) : nullptr;
    bool isSchedule = false;
    if (fn)
      for (const ast::Parameter &p : fn->parameters)
        isSchedule |= p.name.text == "step" && p.isNamed;
    if (isSchedule) {
      out.schedule = call;
      out.value = callee;
      size_t next = 0;
      for (const ast::Call::Argument &argument : call->arguments) {
        std::string key = argument.name ? argument.name->text : "";
        if (key.empty()) {
          if (next >= fn->parameters.size())
            c.fail(argument.value->at, fmt::format("{} takes fewer arguments", fn->name.text));
          key = fn->parameters[next++].name.text;
        }
        Value value = c.eval(*scope, *argument.value);
        auto number = c.numberOf(value);
        if (!number || !runTime)
          continue;
        // The schedule's first parameter is the setting itself: --lr; the others add to it.
        bool first = key == fn->parameters[0].name.text;
        std::string scalarName = first ? out.name : key;
        if (!first && c.stateNamed.count(scalarName))
          scalarName = out.name + "." + key;
        out.scalars[key] = makeScalar(scalarName, *number, argument.value->at);
      }
      return out;
    }
  }
  try {
    out.value = c.eval(*scope, expr);
  } catch (const Deferred &) { // 0.5 * cosine(..): made anew in each step
    out.expr = &expr;
    return out;
  }
  if (auto number = c.numberOf(out.value)) {
    out.value = *number;
    if (runTime)
      out.scalar = makeScalar(out.name, *number, expr.at);
  } else if (auto *tuple = out.value.tuple()) {
    for (size_t i = 0; i < tuple->items.size(); ++i) {
      auto number = c.numberOf(tuple->items[i]);
      out.items.push_back(number && runTime
                              ? std::optional<size_t>(
                                    makeScalar(fmt::format("{}.{}", out.name, i), *number, expr.at))
                              : std::nullopt);
      out.itemValues.push_back(tuple->items[i]);
    }
  }
  return out;
}

/// What the setting is in the entry being written.
Value Training::settingValue(Setting &setting, Scope &user) {
  if (setting.scalar)
    return c.readScalar(*setting.scalar);
  if (!setting.items.empty()) {
    auto tuple = std::make_shared<Tuple>();
    for (size_t i = 0; i < setting.items.size(); ++i)
      tuple->items.push_back(setting.items[i] ? Value(c.readScalar(*setting.items[i]))
                                              : setting.itemValues[i]);
    return Value(tuple);
  }
  if (setting.expr)
    return c.eval(*scope, *setting.expr);
  if (!setting.schedule)
    return setting.value;
  const Declared &declared = *setting.value.get<Declared>();
  auto *fn = ast::as<ast::Fn>(declared.decl);
  Arguments arguments;
  size_t next = 0;
  for (const ast::Call::Argument &argument : setting.schedule->arguments) {
    Argument out;
    out.at = argument.value->at;
    out.name = argument.name ? argument.name->text : fn->parameters[next++].name.text;
    if (auto found = setting.scalars.find(out.name); found != setting.scalars.end())
      out.value = c.readScalar(found->second);
    else
      out.value = c.eval(*scope, *argument.value);
    arguments.push_back(std::move(out));
  }
  Value out = c.callFn(*scope, declared, std::move(arguments), setting.at);
  Tensor tensor = c.toReal(c.toTensor(user, out, setting.at), setting.at);
  if (!tensor.type.axes.empty())
    c.fail(setting.at,
           fmt::format("a schedule gives one number, this is {}", c.describe(Value(tensor), user)));
  return tensor;
}

OptimizerChoice Training::readOptimizer(const ast::Expr &expr, bool runTime) {
  OptimizerChoice out;
  out.at = expr.at;
  auto *call = ast::as<ast::Call>(&expr);
  Value callee = c.eval(*scope, call ? *call->callee : expr);
  auto *declared = callee.get<Declared>();
  auto *optimizer = declared ? ast::as<ast::Optimizer>(declared->decl) : nullptr;
  if (!optimizer)
    c.error(expr.at,
            fmt::format("an optimizer is wanted here, this is {}", c.describe(callee, *scope)))
        .help("optimizer = adamw(lr = 1e-3)")
        .fail();
  out.declared = *declared;
  size_t next = 0;
  std::vector<std::string> known;
  for (const ast::Parameter &p : optimizer->parameters)
    known.push_back(p.name.text);
  if (call)
    for (const ast::Call::Argument &argument : call->arguments) {
      std::string name;
      if (argument.name) {
        name = argument.name->text;
        if (std::find(known.begin(), known.end(), name) == known.end())
          c.error(argument.name->at,
                  fmt::format("optimizer {} has no parameter '{}'", optimizer->name.text, name))
              .suggest(name, known)
              .fail();
      } else {
        if (next >= known.size())
          c.fail(argument.value->at,
                 fmt::format("optimizer {} takes fewer arguments", optimizer->name.text));
        name = known[next++];
      }
      out.settings[name] = readSetting(name, *argument.value, runTime, "");
    }
  for (const ast::Parameter &p : optimizer->parameters)
    if (!out.settings.count(p.name.text) && !p.initial)
      c.error(expr.at, fmt::format("optimizer {} needs '{}'", optimizer->name.text, p.name.text))
          .note(p.name.at, "declared here")
          .fail();
  return out;
}

//===-- Fields ------------------------------------------------------------------------------===//

static const std::set<std::string> &knownFields() {
  static const std::set<std::string> names = {
      "data",      "passes", "validation", "eval",   "optimizer", "clip", "accumulate",
      "precision", "seed",   "steps",      "epochs", "save",      "ema",  "dropout"};
  return names;
}

void Training::readFields() {
  scope = std::make_shared<Scope>();
  scope->file = &file;
  scope->isStatic = true;

  // The runs, or the objective of the block's name.
  auto objectiveNamed = [&](const ast::Ident &name) {
    auto found = file.names.find(name.text);
    if (found == file.names.end() || found->second.decl->kind != ast::DeclKind::Objective) {
      std::vector<std::string> known;
      for (auto &[n, declared] : file.names)
        if (declared.decl->kind == ast::DeclKind::Objective)
          known.push_back(n);
      c.error(name.at, fmt::format("there is no objective '{}'", name.text))
          .suggest(name.text, known)
          .fail();
    }
    return found->second;
  };
  bool hasRuns = false;
  for (const ast::TrainItemPtr &item : train.items)
    hasRuns |= item->kind == ast::TrainItemKind::Run;
  for (const ast::TrainItemPtr &item : train.items) {
    if (auto *field = ast::as<ast::Field>(item)) {
      auto [at, isNew] = fields.insert({field->name.text, field});
      if (!isNew)
        c.error(field->name.at, fmt::format("'{}' is given twice", field->name.text))
            .note(at->second->name.at, "the first time")
            .fail();
    }
    if (auto *run = ast::as<ast::Run>(item)) {
      Declared declared = objectiveNamed(run->objective);
      Run out;
      out.objective = ast::as<ast::Objective>(declared.decl);
      out.file = declared.file;
      out.at = run->objective.at;
      if (auto *times = ast::as<ast::Number>(run->times))
        out.times = int64_t(times->value);
      for (const ast::TrainItemPtr &inner : run->items) {
        if (auto *field = ast::as<ast::Field>(inner))
          out.fields[field->name.text] = field;
        else
          c.fail(inner->at, "a run holds fields; for stands beside it");
      }
      runs.push_back(std::move(out));
    }
  }
  if (!hasRuns) {
    Declared declared = objectiveNamed(train.name);
    Run out;
    out.objective = ast::as<ast::Objective>(declared.decl);
    out.file = declared.file;
    out.at = train.name.at;
    runs.push_back(std::move(out));
  }
  for (Run &run : runs)
    for (auto &[name, field] : fields)
      run.fields.insert({name, field});

  // What the names of the fields may be.
  std::map<std::string, const ast::Parameter *> parameters;
  std::set<std::string> axes;
  auto look = [&](const std::vector<ast::Parameter> &list) {
    for (const ast::Parameter &p : list) {
      parameters.insert({p.name.text, &p});
      if (isAxis(p))
        axes.insert(p.name.text);
      if (p.type)
        for (auto *types : {&p.type->axes, &p.type->event})
          for (const ast::TypeAxis &axis : *types)
            if (axis.name && !axis.size)
              axes.insert(axis.name->text);
    }
  };
  std::set<const ast::Field *> all;
  for (Run &run : runs) {
    look(run.objective->parameters);
    for (auto &[name, field] : run.fields)
      all.insert(field);
  }
  std::vector<const ast::Field *> ordered(all.begin(), all.end());
  std::sort(ordered.begin(), ordered.end(), [](const ast::Field *a, const ast::Field *b) {
    return a->at.offset() < b->at.offset();
  });
  for (const ast::Field *field : ordered)
    if (field->name.text == "data" || field->name.text == "eval")
      if (auto *call = ast::as<ast::Call>(field->value))
        if (auto *name = ast::as<ast::Name>(call->callee))
          if (auto found = file.names.find(name->text); found != file.names.end())
            if (auto *rollout = ast::as<ast::Rollout>(found->second.decl))
              look(rollout->parameters);

  auto isHyper = [&](const std::string &name) {
    auto found = parameters.find(name);
    return found != parameters.end() && !isModel(*found->second) && !isAxis(*found->second) &&
           (found->second->isNamed || !found->second->type);
  };
  auto isModelName = [&](const std::string &name) {
    auto found = parameters.find(name);
    return found != parameters.end() && isModel(*found->second);
  };
  for (const ast::Field *field : ordered) {
    const std::string &name = field->name.text;
    if (field->every && name != "eval")
      c.fail(field->every->at, "'every' belongs to eval");
    const ast::Expr *expr = field->value.get();
    if (auto found = c.settings.find(name);
        found != c.settings.end() && !isModelName(name) && !knownFields().count(name)) {
      expr = found->second;
      c.settingsUsed.insert(name);
    }
    if (knownFields().count(name) && !axes.count(name))
      continue;
    if (isHyper(name)) {
      hyper[name] = readSetting(name, *expr, true, "");
      continue;
    }
    if (axes.count(name)) {
      Value value = c.eval(*scope, *expr);
      auto number = c.numberOf(value);
      if (!number || !number->isWhole() || number->toInt() < 1)
        c.fail(expr->at, fmt::format("'{}' is an axis of the data; its size is a whole number, "
                                     "this is {}",
                                     name, c.describe(value, *scope)));
      if (file.config.count(name))
        c.fail(field->name.at,
               fmt::format("axis '{}' has its size from config; it cannot be set here", name));
      sizes[name] = number->toInt();
      sizePlaces[name] = field->name.at;
      c.statics.insert(name);
      continue;
    }
    if (isModelName(name) || ast::as<ast::Call>(expr)) {
      Value value;
      auto *call = ast::as<ast::Call>(expr);
      auto *callee = call ? ast::as<ast::Name>(call->callee) : nullptr;
      if (callee && (callee->text == "copy" || callee->text == "ema")) {
        if (call->arguments.empty())
          c.fail(call->at, fmt::format("{}(model)", callee->text));
        Value of = c.eval(*scope, *call->arguments[0].value);
        auto *view = of.get<View>();
        if (!view || !view->instance)
          c.fail(call->arguments[0].value->at,
                 fmt::format("{} wants a model, this is {}", callee->text, c.describe(of, *scope)));
        if (callee->text == "ema")
          c.unsupported(call->at, "a model that follows another (ema)");
        std::map<const Instance *, std::shared_ptr<Instance>> made;
        std::map<const Repeated *, std::shared_ptr<Repeated>> loops;
        std::function<Value(const Value &, const Instance *)> copyValue;
        std::function<std::shared_ptr<Instance>(const std::shared_ptr<Instance> &)> copyInstance =
            [&](const std::shared_ptr<Instance> &from) {
              auto &slot = made[from.get()];
              if (slot)
                return slot;
              slot = std::make_shared<Instance>(*from);
              std::shared_ptr<Instance> result = slot;
              result->copyOf = from;
              for (auto &[key, value] : result->fields)
                value = copyValue(value, from.get());
              if (result->binder)
                if (auto b = made.find(result->binder); b != made.end())
                  result->binder = b->second.get();
              return result;
            };
        copyValue = [&](const Value &value, const Instance *) -> Value {
          if (auto *index = value.get<LayerIndex>())
            if (auto loop = loops.find(index->repeated.get()); loop != loops.end())
              return LayerIndex{loop->second};
          auto *view = value.get<View>();
          if (!view)
            return value;
          View out = *view;
          if (view->instance) {
            out.instance = copyInstance(view->instance);
          } else {
            auto &loop = loops[view->repeated.get()];
            if (!loop) {
              loop = std::make_shared<Repeated>(*view->repeated);
              loop->item = copyInstance(view->repeated->item);
            }
            out.repeated = loop;
          }
          return out;
        };
        View out = *view;
        out.instance = copyInstance(view->instance);
        out.instance->isNamed = false;
        out.instance->binder = nullptr;
        out.instance->repeated = nullptr;
        value = out;
      } else {
        value = c.eval(*scope, *expr);
      }
      if (!value.get<View>())
        c.fail(expr->at,
               fmt::format("'{}' wants a model, this is {}", name, c.describe(value, *scope)));
      c.nameInstance(value, nullptr, name, nullptr);
      models.push_back({name, value});
      scope->names[name] = value;
      if (field->from)
        readFrom(*field);
      continue;
    }
    Value value = c.eval(*scope, *expr);
    std::vector<std::string> known(knownFields().begin(), knownFields().end());
    for (auto &[n, p] : parameters)
      known.push_back(n);
    known.insert(known.end(), axes.begin(), axes.end());
    if (auto *view = value.get<View>(); view) {
      scope->names[name] = value;
      models.push_back({name, value});
      continue;
    }
    c.error(field->name.at, fmt::format("train has no field '{}': neither a field of every train "
                                        "nor a parameter or axis of its objective",
                                        name))
        .suggest(name, known)
        .fail();
  }
  for (const ast::Field *field : ordered)
    if (field->from && !loads.count(field->name.text))
      c.fail(field->fromAt, fmt::format("'from' belongs to a model, '{}' is none that is made here",
                                        field->name.text));
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
  if (field.hasMap)
    c.unsupported(field.fromAt, "loading weights under other names");
  loads[name] = &field;
}

/// Puts another model in the place of those that the patterns name: LoRA(base).
void Training::wrap(const ast::For &item, const ast::Field &field) {
  auto *call = ast::as<ast::Call>(field.value);
  Value callee = call ? c.eval(*scope, *call->callee) : Value(Nothing());
  auto *declared = callee.get<Declared>();
  if (!declared || declared->decl->kind != ast::DeclKind::Model)
    c.fail(field.value->at, "wrap wants a model of a model: wrap = LoRA(rank = 4)");
  std::set<Instance *> seen;
  std::vector<bool> matched(item.patterns.size());
  std::function<void(Instance &)> visit = [&](Instance &instance) {
    if (!seen.insert(&instance).second)
      return;
    for (auto &[name, value] : instance.fields) {
      auto *view = value.get<View>();
      if (!view)
        continue;
      Instance *child = view->instance ? view->instance.get() : view->repeated->item.get();
      bool hit = false;
      for (size_t i = 0; i < item.patterns.size(); ++i)
        if (view->instance && child->binder == &instance &&
            matches(item.patterns[i].text(), child->path()))
          matched[i] = hit = true;
      if (!hit) {
        visit(*child);
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
      visit(*(view->instance ? view->instance : view->repeated->item));
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
  // Names in the file are those of the model without what was wrapped around its parts.
  for (auto &info : c.states) {
    bool isWrapped = false;
    for (const Instance *i = info.instance.get(); i; i = i->binder) {
      isWrapped |= i->wrapper != nullptr;
      if (auto found = loads.find(i->field); isWrapped && !i->binder && found != loads.end())
        c.unsupported(found->second->fromAt, "loading a model some of whose parts are wrapped");
    }
  }
  // A copy starts as what it copies, tensor by tensor.
  for (auto &info : c.states)
    if (info.instance && info.instance->copyOf)
      if (auto found = c.stateIndex.find({info.instance->copyOf.get(), info.declaration->name()});
          found != c.stateIndex.end())
        copies.push_back({info.index, found->second});
}

void Training::readRules() {
  for (const ast::TrainItemPtr &item : train.items) {
    auto *forItem = ast::as<ast::For>(item);
    if (!forItem)
      continue;
    Rule rule;
    rule.item = forItem;
    rule.matched.resize(forItem->patterns.size());
    bool onlyWrap = !forItem->items.empty();
    for (const ast::TrainItemPtr &inner : forItem->items) {
      auto *field = ast::as<ast::Field>(inner);
      if (!field)
        c.fail(inner->at, "for holds fields");
      const std::string &name = field->name.text;
      onlyWrap &= name == "wrap";
      if (name == "frozen") {
        rule.frozen = c.evalFlag(*scope, *field->value, "frozen");
      } else if (name == "optimizer") {
        rule.optimizer = readOptimizer(*field->value, false);
      } else if (name != "wrap") {
        bool known = false;
        std::vector<std::string> names = {"frozen", "optimizer", "wrap"};
        if (optimizer)
          for (const ast::Parameter &p :
               ast::as<ast::Optimizer>(optimizer->declared.decl)->parameters) {
            known |= p.name.text == name;
            names.push_back(p.name.text);
          }
        if (!known)
          c.error(field->name.at, fmt::format("the optimizer has no parameter '{}'", name))
              .suggest(name, names)
              .fail();
        rule.settings[name] = readSetting(name, *field->value, false, "");
      }
    }
    if (onlyWrap)
      continue;
    for (size_t i = 0; i < forItem->patterns.size(); ++i) {
      std::string pattern = forItem->patterns[i].text();
      for (const StateDecl &state : c.graph.states) {
        if (state.role != "parameter")
          continue;
        bool whole = matches(pattern, state.name);
        size_t some = 0;
        for (const StateTensor &tensor : state.tensors)
          some += matches(pattern, tensor.name);
        if (!whole && some > 0 && some < state.tensors.size())
          c.fail(forItem->patterns[i].at,
                 fmt::format("'{}' names some layers of '{}'; settings for single layers of a "
                             "repeat cannot be compiled yet",
                             pattern, state.name));
        rule.matched[i] = rule.matched[i] || whole || some > 0;
      }
    }
    // One pattern of a list may find nothing (a model without offsets); a whole for may not.
    if (std::none_of(rule.matched.begin(), rule.matched.end(), [](bool hit) { return hit; })) {
      std::vector<std::string> names;
      for (const StateDecl &state : c.graph.states)
        if (state.role == "parameter")
          names.push_back(state.name);
      const ast::PathPattern &first = forItem->patterns[0];
      c.error(first.at, fmt::format("'{}' matches no parameter", first.text()))
          .suggest(first.text(), names)
          .fail();
    }
    rules.push_back(std::move(rule));
  }
}

//===-- All ---------------------------------------------------------------------------------===//

/// The rollout a field calls, or null.
const ast::Rollout *Training::isRollout(const ast::Field &field) {
  auto *call = ast::as<ast::Call>(field.value);
  auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
  auto found = name ? file.names.find(name->text) : file.names.end();
  return found == file.names.end() ? nullptr : ast::as<ast::Rollout>(found->second.decl);
}

void Training::run() {
  c.scalar("seed", 0, Element::I32, "seed", "of the random numbers", train.at);
  c.scalar("step", 0, Element::I32, "", "", train.at);
  c.scalar("steps", 0, Element::I32, "steps", "how many steps to train", train.at);
  readFields();
  auto number = [&](const char *name) -> std::optional<Number> {
    auto found = runs[0].fields.find(name);
    if (found == runs[0].fields.end())
      return std::nullopt;
    Value value = c.eval(*scope, *found->second->value);
    auto number = c.numberOf(value);
    if (!number)
      c.fail(found->second->value->at,
             fmt::format("'{}' is a number, this is {}", name, c.describe(value, *scope)));
    return number;
  };
  for (auto *name : {"seed", "steps"})
    if (auto value = number(name)) {
      if (!value->exact || value->exact->denominator != 1 || value->value < 0)
        c.fail(runs[0].fields[name]->value->at, fmt::format("'{}' is a whole number", name));
      c.graph.states[c.stateNamed[name]].initial = value->value;
    }
  for (auto *name : {"validation", "epochs", "passes"})
    number(name);
  readModels();
  auto get = [&](const char *name) -> const ast::Field * {
    auto found = runs[0].fields.find(name);
    return found == runs[0].fields.end() ? nullptr : found->second;
  };
  data = get("data");
  for (Run &run : runs)
    for (auto *name : {"data", "eval"})
      if (auto found = run.fields.find(name);
          found != run.fields.end() && isRollout(*found->second)) {
        rollout(*found->second);
        c.unsupported(found->second->value->at, "a rollout");
      } else if (found != run.fields.end() && std::string(name) == "eval") {
        c.fail(found->second->value->at, "eval is a rollout: eval = decode(beams = 4) every 1000");
      }
  if (auto *field = get("passes"); field && !(data && isRollout(*data)))
    c.error(field->name.at, "passes counts the steps on one rollout, and this data is none").fail();
  if (auto *field = get("optimizer"))
    optimizer = readOptimizer(*field->value, true);
  else
    c.error(train.name.at, fmt::format("train {} has no optimizer", train.name.text))
        .help("optimizer = adamw(lr = 1e-3)")
        .fail();
  if (auto *field = get("clip")) {
    auto *call = ast::as<ast::Call>(field->value);
    auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
    if (!name || name->text != "global_norm" || call->arguments.size() != 1 ||
        call->arguments[0].name)
      c.error(field->value->at, "clip is global_norm(largest)")
          .help("clip = global_norm(1.0)")
          .fail();
    clip = readSetting("clip", *call->arguments[0].value, true, "");
  }
  if (auto *field = get("ema"))
    ema = readSetting("ema", *field->value, true, "");
  if (auto *field = get("precision")) {
    auto *name = ast::as<ast::Name>(field->value);
    if (!name || name->text != "f32")
      c.unsupported(field->value->at, "a precision other than f32");
  }
  if (auto *field = get("dropout"))
    c.fail(field->name.at, "dropout is a parameter of the models that use it, not of train");
  if (auto *field = get("accumulate")) {
    auto k = number("accumulate");
    if (!k->isWhole() || k->toInt() < 1)
      c.fail(field->value->at, "accumulate is a whole number of pieces");
    if (k->toInt() > 1)
      c.unsupported(field->value->at, "a step in several pieces (accumulate)");
  }
  readRules();
  if (runs.size() > 1)
    c.unsupported(runs[1].at, "a second run");
  for (Run &run : runs)
    if (&run != &runs[0]) {
      // Judged like the first, but not part of the program yet.
      EntryState extra;
      begin(extra, "run", true);
      objective(run);
      c.entry = nullptr;
    }
  trainEntry(runs[0]);
  evalEntries(runs[0]);
  predictEntry(runs[0]);
  if (c.options.gradients)
    gradientsEntry(runs[0]);
  initEntry();
  c.graph.metadata = metadata(runs[0]);
}

} // namespace frit::checking
