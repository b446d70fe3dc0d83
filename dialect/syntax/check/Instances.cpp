// Models become instances: axis parameters bound, fields made, params and states declared. Nothing
// runs here; what depends on run-time values is kept as an expression.
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

std::string Instance::path() const {
  std::string above = binder ? binder->path() : "";
  return above.empty() ? field : above + "." + field;
}

const ast::For *Instance::addedBy() const {
  for (const Instance *i = this; i; i = i->binder) {
    if (i->wrapper)
      return i->wrapper;
    if (i->isWrapped)
      break;
  }
  return nullptr;
}

void Checker::nameInstance(const Value &value, Instance *binder, const std::string &field,
                           const std::shared_ptr<Repeated> &) {
  auto *view = value.get<View>();
  if (!view)
    return;
  Instance *instance = view->instance ? view->instance.get() : view->repeated->item.get();
  if (instance->isNamed || instance == binder)
    return;
  instance->isNamed = true;
  instance->binder = binder;
  instance->field = field;
}

/// Do the types in `model` name the axis `parameter.axis`?
static bool namesAxis(const ast::Model &model, const std::string &parameter,
                      const std::string &axis) {
  std::function<bool(const ast::Type *)> inType = [&](const ast::Type *type) {
    if (!type)
      return false;
    for (auto *list : {&type->axes, &type->event})
      for (const ast::TypeAxis &a : *list)
        if (a.attribute && a.attribute->text == axis && a.name->text == parameter)
          return true;
    return std::any_of(type->tuple.begin(), type->tuple.end(),
                       [&](const ast::TypePtr &item) { return inType(item.get()); });
  };
  for (const ast::StmtPtr &member : model.members) {
    if (auto *param = ast::as<ast::ParamDecl>(member); param && inType(param->type.get()))
      return true;
    if (auto *state = ast::as<ast::StateDecl>(member))
      for (const ast::StateDecl::Item &item : state->items)
        if (inType(item.type.get()))
          return true;
    if (auto *method = ast::as<ast::Method>(member)) {
      for (const ast::Parameter &p : method->parameters)
        if (inType(p.type.get()))
          return true;
      if (inType(method->result.get()))
        return true;
    }
  }
  return false;
}

/// A model that is given another one and speaks of two of its axes tells them apart, also where the
/// other was given one axis twice: `Linear(width, width)` has `base.in` and `base.out`.
static void tellApart(Instance &instance, const std::string &parameter, const Value &value) {
  auto *view = value.get<View>();
  if (!view || !view->instance)
    return;
  const Instance &base = *view->instance;
  for (auto &[formal, axes] : base.formals)
    for (const Axis &axis : axes)
      if (auto origin = base.origin.find(axis.name);
          origin != base.origin.end() && namesAxis(*instance.decl, parameter, formal)) {
        instance.formals[parameter + "." + formal] = axes;
        instance.origin.insert(*origin);
        instance.apart.insert(axis.name);
      }
}

/// The declared axes of a param or state and what they stand for.
static void bindDeclaration(Checker &checker, Scope &scope, Declaration &out,
                            const ast::Type &type) {
  auto add = [&](const std::vector<ast::TypeAxis> &list) {
    for (const ast::TypeAxis &axis : list) {
      if (axis.isRest)
        checker.fail(axis.at, "'..' has no size here");
      Axes bound = checker.typeAxes(scope, [&] {
        std::vector<ast::TypeAxis> one(1);
        one[0].at = axis.at;
        one[0].name = axis.name;
        one[0].attribute = axis.attribute;
        return one;
      }());
      std::string name = axis.attribute ? axis.attribute->text : axis.name->text;
      for (const Axis &other : out.declared)
        if (other.name == name)
          checker.error(axis.at, fmt::format("axis '{}' is twice in '{}'", name, out.name()))
              .help("a square matrix needs two names")
              .fail();
      out.declared.push_back({name, Group{bound}.size()});
      out.bound.push_back(bound);
    }
  };
  for (auto *list : {&type.axes, &type.event})
    for (const ast::TypeAxis &axis : *list)
      if (axis.size)
        checker.declareAxis(scope, axis.name->text,
                            checker.sizeOf(scope, *axis.size, axis.name->text), axis.at);
  add(type.axes);
  out.rows = type.hasEvent ? out.declared.size() : 0;
  add(type.event);
  if (!type.hasEvent)
    out.rows = out.declared.size();
}

Value Checker::instantiate(Scope &scope, const Declared &declared, Arguments arguments,
                           Location at) {
  auto *model = ast::as<ast::Model>(declared.decl);
  if (!scope.root().isStatic)
    error(at, fmt::format("{} is a model: instances are made in the body of a model or of train, "
                          "and called here",
                          model->name.text))
        .fail();
  if (activations.size() > 150)
    error(at, "models nest more than 150 deep").help("does a model contain itself?").fail();
  auto instance = std::make_shared<Instance>();
  instance->decl = model;
  instance->file = declared.file;
  instance->config = scope.root().config;
  auto inner = std::make_shared<Scope>();
  inner->file = declared.file;
  inner->self = instance;
  inner->isStatic = true;

  // Arguments: by position, by name, and for the config of the model's file.
  std::map<std::string, Argument *> given;
  std::vector<std::string> names;
  size_t next = 0, positional = 0;
  for (const ast::Parameter &p : model->parameters) {
    names.push_back(p.name.text);
    positional += !p.isNamed;
  }
  for (Argument &argument : arguments) {
    if (argument.name.empty()) {
      if (next >= positional)
        error(argument.at, fmt::format("{} takes {} argument{} by position, this is one more",
                                       model->name.text, positional, positional == 1 ? "" : "s"))
            .note(model->name.at, "declared here")
            .fail();
      given[model->parameters[next++].name.text] = &argument;
    } else if (std::find(names.begin(), names.end(), argument.name) != names.end()) {
      if (given.count(argument.name))
        fail(argument.at, fmt::format("'{}' is given twice", argument.name));
      given[argument.name] = &argument;
    } else if (declared.file->config.count(argument.name)) {
      Value value = eval(scope, *argument.expr);
      auto config = std::make_shared<std::map<std::string, Value>>();
      if (instance->config)
        *config = *instance->config;
      if (auto number = numberOf(value))
        (*config)[argument.name] = *number;
      else
        (*config)[argument.name] = value;
      instance->config = config;
    } else {
      std::vector<std::string> known = names;
      for (auto &[name, value] : declared.file->config)
        known.push_back(name);
      error(argument.at, fmt::format("{} has no parameter or config value '{}'", model->name.text,
                                     argument.name))
          .suggest(argument.name, known)
          .fail();
    }
  }
  inner->config = instance->config;

  struct Pop {
    std::vector<Activation> &stack;
    ~Pop() { stack.pop_back(); }
  };
  std::set<std::string> inUse;
  for (const ast::Parameter &p : model->parameters) {
    const std::string &name = p.name.text;
    Value value = Nothing();
    auto found = given.find(name);
    if (found != given.end()) {
      Argument &argument = *found->second;
      try {
        value = argument.value ? *argument.value : eval(scope, *argument.expr);
      } catch (Deferred) {
        value = Lazy{argument.expr, scope.shared_from_this()};
      }
    } else if (p.initial) {
      activations.push_back({at, model->name.text});
      Pop pop{activations};
      try {
        value = eval(*inner, *p.initial);
      } catch (Deferred) {
        value = Lazy{p.initial.get(), inner};
      }
    } else {
      error(at, fmt::format("{} needs '{}'", model->name.text, name))
          .note(p.name.at, fmt::format("'{}' is declared here", name))
          .fail();
    }
    bool wantsModel = p.type && p.type->element && p.type->element->text == "model";
    if (wantsModel && !value.get<View>() && !value.get<Declared>())
      fail(found != given.end() ? found->second->at : at,
           fmt::format("'{}' of {} is a model, this is {}", name, model->name.text,
                       describe(value, scope)));
    if (auto *number = value.get<Number>(); number && number->isWhole() && number->toInt() > 0) {
      Axis axis{freshStatic(name), number->toInt()};
      instance->own[axis.name] = name;
      instance->formals[name] = {axis};
    } else if (auto *group = value.get<Group>()) {
      Axes axes;
      for (const Axis &axis : group->axes) {
        Axis mine = axis;
        if (!inUse.insert(axis.name).second) {
          mine.name = freshStatic(axis.name);
          instance->origin[mine.name] = axis.name;
        }
        axes.push_back(mine);
      }
      instance->formals[name] = axes;
    } else {
      nameInstance(value, instance.get(), name, nullptr);
      tellApart(*instance, name, value);
      instance->fields[name] = value;
      instance->order.push_back(name);
    }
  }

  activations.push_back({at, model->name.text});
  Pop pop{activations};
  auto isTaken = [&](const ast::Ident &name) {
    bool twice = instance->fields.count(name.text) || instance->formals.count(name.text);
    for (const Declaration &declaration : instance->declarations)
      twice |= declaration.name() == name.text;
    if (twice)
      fail(name.at, fmt::format("'{}' is declared twice in {}", name.text, model->name.text));
  };
  for (const ast::StmtPtr &member : model->members) {
    switch (member->kind) {
    case ast::StmtKind::AxisDecl: {
      auto *axis = ast::as<ast::AxisDecl>(member.get());
      isTaken(axis->name);
      declareAxis(*inner, axis->name.text, sizeOf(*inner, *axis->size, axis->name.text),
                  axis->name.at);
      break;
    }
    case ast::StmtKind::Let: {
      auto *let = ast::as<ast::Let>(member.get());
      if (let->names.size() != 1)
        fail(let->at, "a field of a model has one name");
      isTaken(let->names[0]);
      Value value;
      try {
        value = eval(*inner, *let->value);
      } catch (Deferred) {
        value = Lazy{let->value.get(), inner};
      }
      nameInstance(value, instance.get(), let->names[0].text, nullptr);
      instance->fields[let->names[0].text] = value;
      instance->order.push_back(let->names[0].text);
      break;
    }
    case ast::StmtKind::ParamDecl: {
      auto *param = ast::as<ast::ParamDecl>(member.get());
      isTaken(param->name);
      if (param->condition && !evalFlag(*inner, *param->condition, "if")) {
        instance->fields[param->name.text] = eval(*inner, *param->initial);
        break;
      }
      Declaration declaration;
      declaration.param = param;
      bindDeclaration(*this, *inner, declaration, *param->type);
      instance->declarations.push_back(std::move(declaration));
      break;
    }
    case ast::StmtKind::StateDecl:
      for (const ast::StateDecl::Item &item : ast::as<ast::StateDecl>(member.get())->items) {
        isTaken(item.name);
        if (!item.type)
          error(item.name.at, fmt::format("state '{}' needs a type", item.name.text))
              .help(fmt::format("state {}: real[] = ...", item.name.text))
              .fail();
        Declaration declaration;
        declaration.state = &item;
        bindDeclaration(*this, *inner, declaration, *item.type);
        instance->declarations.push_back(std::move(declaration));
      }
      break;
    default:
      break;
    }
  }
  View view;
  view.instance = instance;
  return view;
}

} // namespace frit::checking
