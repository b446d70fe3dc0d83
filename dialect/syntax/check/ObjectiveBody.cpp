// The body of an objective or rollout: its data become inputs of the entry, its params and states
// are read, `minimize` and `report` are kept for the entry.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

namespace {
class ObjectiveBody {
public:
  ObjectiveBody(Training &training, const std::string &what,
                const std::vector<ast::Parameter> &parameters, File &where, Location at)
      : t(training), c(training.c), what(what), parameters(parameters), where(where), at(at) {}
  Outcome run(const ast::Block &block);

private:
  void sizeAxes();
  void size(const ast::TypeAxis &axis, const ast::Parameter &p);
  void findBatch();
  void pass(const ast::Parameter &p);
  View modelFor(const ast::Parameter &p);
  Value settingFor(const ast::Parameter &p);
  void evaluate(const ast::Stmt &statement);
  void minimize(const ast::Minimize &minimize);
  void report(const ast::Report &report);
  size_t stateOf(const ast::Ident &name, const char *role, const Axes &rows, const Axes &cols,
                 const ast::Expr *initial);
  void declare(const ast::ParamDecl &param);
  void declare(const ast::StateDecl &declaration);
  void yield(const ast::Yield &yield);

  Training &t;
  Checker &c;
  const std::string &what; // its name, for messages
  const std::vector<ast::Parameter> &parameters;
  File &where; // the file that it stands in
  Location at; // where train asks for it
  Outcome out;
};
} // namespace

/// Axes of the data: their sizes come from train.
void ObjectiveBody::sizeAxes() {
  for (const ast::Parameter &p : parameters) {
    if (p.type && p.type->element && p.type->element->text == "axis") {
      ast::TypeAxis axis;
      axis.at = p.name.at;
      axis.name = p.name;
      size(axis, p);
    } else if (p.type && p.type->hasAxes) {
      for (auto *list : {&p.type->axes, &p.type->event})
        for (const ast::TypeAxis &axis : *list)
          size(axis, p);
    }
  }
  for (auto &[name, value] : where.config)
    out.scope->taken.insert(name);
}

void ObjectiveBody::size(const ast::TypeAxis &axis, const ast::Parameter &p) {
  Scope &s = *out.scope;
  if (!axis.name || axis.isRest || axis.size || axis.attribute)
    return;
  const std::string &name = axis.name->text;
  if (s.names.count(name) || where.config.count(name))
    return;
  s.taken.insert(name);
  // An objective of another file, the prelude's say, takes the sizes of the file that trains it.
  auto config = t.file.config.find(name);
  if (auto number = config == t.file.config.end() ? std::nullopt : c.numberOf(config->second);
      number && number->isWhole()) {
    s.names[name] = Group{{{name, number->toInt()}}};
    return;
  }
  auto given = t.sizes.find(name);
  if (given == t.sizes.end())
    c.error(at, fmt::format("the size of axis '{}' is not given", name))
        .note(axis.at, fmt::format("'{}' of {} has it", p.name.text, what))
        .help(fmt::format("{} = 16", name))
        .fail();
  s.names[name] = Group{{{name, given->second}}};
  s.places[name] = t.sizePlaces[name];
}

/// The first axis of the first piece of data.
void ObjectiveBody::findBatch() {
  t.batch.clear();
  for (const ast::Parameter &p : parameters) {
    bool isData = p.type && p.type->hasAxes && !p.isNamed && !p.type->axes.empty();
    if (t.batch.empty() && isData)
      t.batch = c.typeAxes(*out.scope, p.type->axes)[0].name;
  }
}

/// What stands for a parameter: a model, data, or a number or function of train.
void ObjectiveBody::pass(const ast::Parameter &p) {
  Scope &s = *out.scope;
  const std::string &name = p.name.text;
  std::string element = p.type && p.type->element ? p.type->element->text : "";
  if (element == "axis")
    return;
  if (element == "model") {
    s.names[name] = modelFor(p);
  } else if (p.type && p.type->hasAxes && !p.isNamed) {
    s.names[name] = t.input(name, *p.type, s, p.name.at);
    s.places[name] = p.name.at;
  } else {
    s.names[name] = settingFor(p);
  }
}

View ObjectiveBody::modelFor(const ast::Parameter &p) {
  const std::string &name = p.name.text;
  const Value *model = nullptr;
  auto look = [&](const std::vector<std::pair<std::string, Value>> &models) {
    for (auto &[n, value] : models)
      if (n == name)
        model = &value;
  };
  look(t.models);
  if (t.current) // its own come before the shared ones
    look(t.current->models);
  if (!model)
    c.error(at, fmt::format("{} needs the model '{}'", what, name))
        .note(p.name.at, "declared here")
        .fail();
  View view = *model->get<View>();
  view.frozen |= p.isFrozen;
  return view;
}

Value ObjectiveBody::settingFor(const ast::Parameter &p) {
  Scope &s = *out.scope;
  const std::string &name = p.name.text;
  if (t.current && t.current->hyper.count(name))
    return t.settingValue(t.current->hyper.at(name), s);
  if (auto found = t.hyper.find(name); found != t.hyper.end()) {
    Value value = t.settingValue(found->second, s);
    if (value.get<View>())
      c.error(p.name.at, fmt::format("'{}' is a number or a function by its declaration, and {} "
                                     "in train",
                                     name, c.describe(value, s)))
          .help(fmt::format("declare it {}: model", name))
          .fail();
    return value;
  }
  if (!p.initial)
    c.error(at, fmt::format("{} needs '{}'", what, name)).note(p.name.at, "declared here").fail();
  Value value = c.eval(s, *p.initial);
  if (auto number = c.numberOf(value)) {
    // A number after `;` may change from run to run.
    std::string full = (t.current ? t.current->prefix() : "") + name, flag = full;
    std::replace(flag.begin(), flag.end(), '.', '-');
    value = c.readScalar(c.scalar(full, number->value, c.real(), flag, "", p.name.at));
  }
  return value;
}

void ObjectiveBody::minimize(const ast::Minimize &minimize) {
  Scope &s = *out.scope;
  if (out.loss)
    c.error(minimize.at, "minimize stands once in an objective")
        .note(out.lossAt, "the first time")
        .help("add the terms: minimize a + b")
        .fail();
  Value value = c.eval(s, *minimize.value);
  Tensor loss = c.toTensor(s, value, minimize.value->at);
  if (!isReal(loss.type.element) || !loss.type.axes.empty())
    c.error(minimize.value->at,
            fmt::format("minimize wants one number, this is {}", c.describe(value, s)))
        .help("take the mean")
        .fail();
  out.loss = loss;
  out.lossAt = minimize.at;
}

void ObjectiveBody::report(const ast::Report &report) {
  Scope &s = *out.scope;
  const std::string &name = report.name.text;
  Value value;
  if (report.value) {
    value = c.eval(s, *report.value);
  } else {
    auto found = c.find(s, name, report.name.at);
    if (!found)
      c.error(report.name.at, fmt::format("unknown name '{}'", name))
          .suggest(name, c.visible(s))
          .fail();
    value = *found;
  }
  Tensor x = c.toTensor(s, value, report.at);
  if (x.type.element == Element::I1)
    x = c.cast(x, c.real(), report.at);
  x = c.toReal(x, report.at);
  if (!x.type.axes.empty())
    c.error(report.at,
            fmt::format("a report is one number, '{}' is {}", name, c.describe(value, s)))
        .help("take the mean")
        .fail();
  for (auto &[other, old] : out.reports)
    if (other == name)
      c.fail(report.name.at, fmt::format("'{}' is reported twice", name));
  out.reports.push_back({name, x});
}

/// The state that a declaration of the body makes. Each entry elaborates the body anew: the first
/// makes it, the others find it.
size_t ObjectiveBody::stateOf(const ast::Ident &name, const char *role, const Axes &rows,
                              const Axes &cols, const ast::Expr *initial) {
  auto found = c.stateNamed.find(name.text);
  if (found != c.stateNamed.end() && c.graph.states[found->second].location == name.at)
    return found->second;
  StateInfo info;
  info.rows = rows;
  info.cols = cols;
  info.initial = initial;
  info.scope = out.scope;
  StateDecl decl;
  decl.name = name.text;
  decl.role = role;
  decl.location = name.at;
  decl.type = {c.real(), rows};
  decl.type.axes.insert(decl.type.axes.end(), cols.begin(), cols.end());
  decl.tensors = {{name.text, 0}};
  return c.addState(std::move(info), std::move(decl));
}

void ObjectiveBody::declare(const ast::ParamDecl &param) {
  Scope &s = *out.scope;
  size_t state = stateOf(param.name, "parameter", c.typeAxes(s, param.type->axes),
                         c.typeAxes(s, param.type->event), param.initial.get());
  c.entry->trained.insert(state);
  s.names[param.name.text] = c.readScalar(state);
}

void ObjectiveBody::declare(const ast::StateDecl &declaration) {
  Scope &s = *out.scope;
  for (const ast::StateDecl::Item &item : declaration.items) {
    if (!item.type)
      c.error(item.name.at, fmt::format("state '{}' needs a type", item.name.text))
          .help(fmt::format("state {}: real[] = ...", item.name.text))
          .fail();
    size_t state =
        stateOf(item.name, "state", c.typeAxes(s, item.type->axes), {}, item.initial.get());
    s.names[item.name.text] = c.readScalar(state);
    s.states[item.name.text] = state;
  }
}

void ObjectiveBody::yield(const ast::Yield &yield) {
  for (const ast::Yield::Item &item : yield.items) {
    auto *named = ast::as<ast::Name>(item.value);
    if (!item.name && !named)
      c.fail(item.value->at, "yield names what it gives: yield y = e");
    out.yields.push_back(
        {item.name ? item.name->text : named->text, c.eval(*out.scope, *item.value)});
  }
}

void ObjectiveBody::evaluate(const ast::Stmt &statement) {
  switch (statement.kind) {
  case ast::StmtKind::Minimize:
    return minimize(*ast::as<ast::Minimize>(&statement));
  case ast::StmtKind::Report:
    return report(*ast::as<ast::Report>(&statement));
  case ast::StmtKind::ParamDecl:
    return declare(*ast::as<ast::ParamDecl>(&statement));
  case ast::StmtKind::StateDecl:
    return declare(*ast::as<ast::StateDecl>(&statement));
  case ast::StmtKind::Draw:
    return t.draw(*out.scope, *ast::as<ast::Draw>(&statement));
  case ast::StmtKind::Yield:
    return yield(*ast::as<ast::Yield>(&statement));
  default:
    c.evalStatement(out.scope, statement);
  }
}

Outcome ObjectiveBody::run(const ast::Block &block) {
  out.scope = std::make_shared<Scope>();
  out.scope->file = &where;
  out.scope->site = what;
  sizeAxes();
  findBatch();
  for (const ast::Parameter &p : parameters)
    pass(p);
  for (const ast::StmtPtr &statement : block.statements)
    evaluate(*statement);
  return std::move(out);
}

Outcome Training::body(const std::string &what, const std::vector<ast::Parameter> &parameters,
                       const ast::Block &block, File &where, Location at) {
  return ObjectiveBody(*this, what, parameters, where, at).run(block);
}

} // namespace frit::checking
