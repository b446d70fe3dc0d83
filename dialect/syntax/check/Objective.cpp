// The body of an objective or rollout: its data become inputs of the entry, its params and states
// are read, `minimize` and `report` are kept for the entry.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

void Training::begin(EntryState &entry, const std::string &name, bool training) {
  entry.decl.name = name;
  entry.training = training;
  c.entry = &entry;
  c.frame = nullptr;
  c.currentPath.clear();
}

/// Reads go first, unused nodes and inputs go.
void Training::finish(EntryState &entry) {
  Block &body = entry.decl.body;
  std::vector<Node> all = std::move(entry.reads);
  all.insert(all.end(), std::make_move_iterator(body.nodes.begin()),
             std::make_move_iterator(body.nodes.end()));
  body.nodes = std::move(all);
  std::set<ValueId> used;
  for (const EntryValue &output : entry.decl.outputs)
    used.insert(output.value);
  c.sweep(body, used);
  std::erase_if(entry.decl.inputs,
                [&](const EntryValue &input) { return !used.count(input.value); });
  c.graph.entries.push_back(std::move(entry.decl));
  c.entry = nullptr;
}

/// A piece of data: an input of the entry, or a record of them.
Value Training::input(const std::string &name, const ast::Type &type, Scope &scope, Location at) {
  std::string element = type.element ? type.element->text : "";
  auto declared = scope.file->names.find(element);
  auto *record =
      declared == scope.file->names.end() ? nullptr : ast::as<ast::Record>(declared->second.decl);
  Axes axes = c.typeAxes(scope, type.axes);
  Axes event = c.typeAxes(scope, type.event);
  if (record) {
    // rows.. take what the named axes leave.
    auto inner = std::make_shared<Scope>();
    inner->file = declared->second.file;
    size_t named = 0;
    for (const ast::TypeAxis &axis : record->axes)
      named += !axis.isRest;
    bool hasRest = named < record->axes.size();
    if (axes.size() < named || (!hasRest && axes.size() != named))
      c.fail(type.at, fmt::format("a {} has {}{} axes, this names {}", element,
                                  hasRest ? "at least " : "", named, axes.size()));
    size_t next = 0, restSize = axes.size() - named;
    for (const ast::TypeAxis &axis : record->axes) {
      if (axis.isRest) {
        inner->rest.assign(axes.begin() + next, axes.begin() + next + restSize);
        next += restSize;
      } else {
        inner->names[axis.name->text] = Group{{axes[next++]}};
      }
    }
    if (record->event.size() != event.size())
      c.fail(type.at, fmt::format("a {} has {} axes after ';', this names {}", element,
                                  record->event.size(), event.size()));
    for (size_t i = 0; i < event.size(); ++i)
      inner->names[record->event[i].name->text] = Group{{event[i]}};
    auto out = std::make_shared<RecordValue>();
    out->decl = record;
    for (const ast::Record::Field &field : record->fields)
      out->fields[field.name.text] = input(name + "." + field.name.text, *field.type, *inner, at);
    if (current)
      current->records[name] = element;
    return Value(out);
  }
  Tensor x;
  x.type.axes = axes;
  if (element == "real" || element == "f32" || element == "f64")
    x.type.element = c.real();
  else if (element == "bool")
    x.type.element = Element::I1;
  else if (element == "i32" || element == "token")
    x.type.element = Element::I32;
  else
    c.error(type.at, fmt::format("data of type '{}' is not known", element))
        .suggest(element, {"real", "bool", "i32", "token", "sequence"})
        .fail();
  if (element == "token") {
    if (event.size() != 1)
      c.fail(type.at, "token[axes; vocabulary] names one vocabulary");
    x.vocabulary = event[0];
    x.range = {0, event[0].size - 1};
  }
  bool isWhole = axes.empty() || axes[0].name != batch;
  if (isWhole && x.type.find(batch))
    c.error(type.at, fmt::format("the batch axis '{}' comes first in data", batch))
        .help(fmt::format("[{}, ..]", batch))
        .fail();
  x.id = c.newValue(x.type);
  c.entry->decl.inputs.push_back({name, *x.id, x.vocabulary ? x.vocabulary->size : 0, isWhole});
  return x;
}

/// A body with its names; data become inputs.
Outcome Training::body(const std::string &what, const std::vector<ast::Parameter> &parameters,
                       const ast::Block &block, File &where, Location at) {
  Outcome out;
  out.scope = std::make_shared<Scope>();
  Scope &s = *out.scope;
  s.file = &where;
  s.site = what;
  // Axes of the data: their sizes come from train.
  auto need = [&](const ast::TypeAxis &axis, const ast::Parameter &p) {
    if (!axis.name || axis.isRest || axis.size || axis.attribute)
      return;
    const std::string &name = axis.name->text;
    if (s.names.count(name) || where.config.count(name))
      return;
    // An objective of another file, the prelude's say, takes the sizes of the file that trains it.
    auto config = file.config.find(name);
    if (auto number = config == file.config.end() ? std::nullopt : c.numberOf(config->second);
        number && number->isWhole()) {
      s.names[name] = Group{{{name, number->toInt()}}};
      s.taken.insert(name);
      return;
    }
    auto size = sizes.find(name);
    if (size == sizes.end())
      c.error(at, fmt::format("the size of axis '{}' is not given", name))
          .note(axis.at, fmt::format("'{}' of {} has it", p.name.text, what))
          .help(fmt::format("{} = 16", name))
          .fail();
    s.names[name] = Group{{{name, size->second}}};
    s.places[name] = sizePlaces[name];
    s.taken.insert(name);
  };
  for (const ast::Parameter &p : parameters) {
    if (p.type && p.type->element && p.type->element->text == "axis") {
      ast::TypeAxis axis;
      axis.at = p.name.at;
      axis.name = p.name;
      need(axis, p);
    } else if (p.type && p.type->hasAxes) {
      for (auto *list : {&p.type->axes, &p.type->event})
        for (const ast::TypeAxis &axis : *list)
          need(axis, p);
    }
  }
  for (auto &[name, value] : where.config)
    s.taken.insert(name);
  batch.clear();
  for (const ast::Parameter &p : parameters) {
    bool isData = p.type && p.type->hasAxes && !p.isNamed && !p.type->axes.empty();
    if (batch.empty() && isData)
      batch = c.typeAxes(s, p.type->axes)[0].name;
  }
  for (const ast::Parameter &p : parameters) {
    const std::string &name = p.name.text;
    std::string element = p.type && p.type->element ? p.type->element->text : "";
    if (element == "axis")
      continue;
    if (element == "model") {
      const Value *model = nullptr;
      for (auto &[n, value] : models)
        if (n == name)
          model = &value;
      if (current)
        for (auto &[n, value] : current->models)
          if (n == name)
            model = &value;
      if (!model)
        c.error(at, fmt::format("{} needs the model '{}'", what, name))
            .note(p.name.at, "declared here")
            .fail();
      View view = *model->get<View>();
      view.frozen |= p.isFrozen;
      s.names[name] = view;
      continue;
    }
    if (p.type && p.type->hasAxes && !p.isNamed) {
      s.names[name] = input(name, *p.type, s, p.name.at);
      s.places[name] = p.name.at;
      continue;
    }
    if (current && current->hyper.count(name)) {
      s.names[name] = settingValue(current->hyper.at(name), s);
      continue;
    }
    if (auto found = hyper.find(name); found != hyper.end()) {
      Value value = settingValue(found->second, s);
      if (value.get<View>())
        c.error(p.name.at, fmt::format("'{}' is a number or a function by its declaration, and {} "
                                       "in train",
                                       name, c.describe(value, s)))
            .help(fmt::format("declare it {}: model", name))
            .fail();
      s.names[name] = value;
      continue;
    }
    if (!p.initial)
      c.error(at, fmt::format("{} needs '{}'", what, name)).note(p.name.at, "declared here").fail();
    Value value = c.eval(s, *p.initial);
    if (auto number = c.numberOf(value)) {
      // A number after `;` may change from run to run.
      std::string full = (current ? current->prefix() : "") + name, flag = full;
      std::replace(flag.begin(), flag.end(), '.', '-');
      value = c.readScalar(c.scalar(full, number->value, c.real(), flag, "", p.name.at));
    }
    s.names[name] = value;
  }

  for (const ast::StmtPtr &statement : block.statements) {
    switch (statement->kind) {
    case ast::StmtKind::Minimize: {
      auto *minimize = ast::as<ast::Minimize>(statement);
      if (out.loss)
        c.error(statement->at, "minimize stands once in an objective")
            .note(out.lossAt, "the first time")
            .help("add the terms: minimize a + b")
            .fail();
      Value value = c.eval(s, *minimize->value);
      Tensor loss = c.toTensor(s, value, minimize->value->at);
      if (!isReal(loss.type.element) || !loss.type.axes.empty())
        c.error(minimize->value->at,
                fmt::format("minimize wants one number, this is {}", c.describe(value, s)))
            .help("take the mean")
            .fail();
      out.loss = loss;
      out.lossAt = statement->at;
      break;
    }
    case ast::StmtKind::Report: {
      auto *report = ast::as<ast::Report>(statement);
      Value value;
      if (report->value) {
        value = c.eval(s, *report->value);
      } else {
        auto found = c.find(s, report->name.text, report->name.at);
        if (!found)
          c.error(report->name.at, fmt::format("unknown name '{}'", report->name.text))
              .suggest(report->name.text, c.visible(s))
              .fail();
        value = *found;
      }
      Tensor x = c.toTensor(s, value, statement->at);
      if (x.type.element == Element::I1)
        x = c.cast(x, c.real(), statement->at);
      x = c.toReal(x, statement->at);
      if (!x.type.axes.empty())
        c.error(statement->at, fmt::format("a report is one number, '{}' is {}", report->name.text,
                                           c.describe(value, s)))
            .help("take the mean")
            .fail();
      for (auto &[name, old] : out.reports)
        if (name == report->name.text)
          c.fail(report->name.at, fmt::format("'{}' is reported twice", name));
      out.reports.push_back({report->name.text, x});
      break;
    }
    case ast::StmtKind::ParamDecl: {
      auto *param = ast::as<ast::ParamDecl>(statement);
      StateInfo info;
      StateDecl decl;
      decl.name = param->name.text;
      decl.role = "parameter";
      decl.location = param->name.at;
      decl.type = {c.real(), {}};
      for (const Axis &axis : c.typeAxes(s, param->type->axes))
        info.rows.push_back(axis), decl.type.axes.push_back(axis);
      for (const Axis &axis : c.typeAxes(s, param->type->event))
        info.cols.push_back(axis), decl.type.axes.push_back(axis);
      decl.tensors = {{decl.name, 0}};
      info.initial = param->initial.get();
      info.scope = out.scope;
      if (!c.stateNamed.count(decl.name) ||
          c.graph.states[c.stateNamed[decl.name]].location != decl.location)
        c.addState(std::move(info), std::move(decl));
      size_t state = c.stateNamed[param->name.text];
      Tensor x = c.readScalar(state);
      c.entry->trained.insert(state);
      s.names[param->name.text] = x;
      break;
    }
    case ast::StmtKind::StateDecl:
      for (const ast::StateDecl::Item &item : ast::as<ast::StateDecl>(statement)->items) {
        if (!item.type)
          c.error(item.name.at, fmt::format("state '{}' needs a type", item.name.text))
              .help(fmt::format("state {}: real[] = ...", item.name.text))
              .fail();
        StateInfo info;
        StateDecl decl;
        decl.name = item.name.text;
        decl.role = "state";
        decl.location = item.name.at;
        decl.type = {c.real(), c.typeAxes(s, item.type->axes)};
        decl.tensors = {{decl.name, 0}};
        info.rows = decl.type.axes;
        info.initial = item.initial.get();
        info.scope = out.scope;
        if (!c.stateNamed.count(decl.name) ||
            c.graph.states[c.stateNamed[decl.name]].location != decl.location)
          c.addState(std::move(info), std::move(decl));
        size_t state = c.stateNamed[item.name.text];
        s.names[item.name.text] = c.readScalar(state);
        s.states[item.name.text] = state;
      }
      break;
    case ast::StmtKind::Draw:
      draw(s, *ast::as<ast::Draw>(statement));
      break;
    case ast::StmtKind::Yield:
      for (const ast::Yield::Item &item : ast::as<ast::Yield>(statement)->items) {
        auto *named = ast::as<ast::Name>(item.value);
        if (!item.name && !named)
          c.fail(item.value->at, "yield names what it gives: yield y = e");
        out.yields.push_back({item.name ? item.name->text : named->text, c.eval(s, *item.value)});
      }
      break;
    default:
      c.evalStatement(out.scope, *statement);
    }
  }
  return out;
}

Outcome Training::objective(Run &run) {
  current = &run;
  auto data = run.fields.find("data");
  if (data != run.fields.end())
    if (auto *call = ast::as<ast::Call>(data->second->value))
      if (auto *name = ast::as<ast::Name>(call->callee))
        if (auto found = file.names.find(name->text); found != file.names.end())
          if (auto *rollout = ast::as<ast::Rollout>(found->second.decl)) {
            // Its yields are this objective's data; every name must be there.
            std::set<std::string> yields;
            for (const ast::StmtPtr &statement : rollout->body.statements)
              if (auto *yield = ast::as<ast::Yield>(statement))
                for (const ast::Yield::Item &item : yield->items) {
                  auto *bare = ast::as<ast::Name>(item.value);
                  if (item.name || bare)
                    yields.insert(item.name ? item.name->text : bare->text);
                }
            for (const ast::Parameter &p : run.objective->parameters)
              if (p.type && p.type->hasAxes && !p.isNamed && !yields.count(p.name.text))
                c.error(data->second->value->at,
                        fmt::format("rollout {} does not yield '{}', which {} needs", name->text,
                                    p.name.text, run.objective->name.text))
                    .note(p.name.at, "declared here")
                    .fail();
          }
  // A run's own sizes come before the shared ones.
  auto keep = sizes;
  for (auto &[name, size] : run.sizes)
    sizes[name] = size;
  Outcome out = body(run.objective->name.text, run.objective->parameters, run.objective->body,
                     *run.file, run.at);
  sizes = keep;
  if (!out.loss)
    c.error(run.objective->name.at,
            fmt::format("objective {} minimizes nothing", run.objective->name.text))
        .help("minimize loss")
        .fail();
  return out;
}

} // namespace frit::checking
