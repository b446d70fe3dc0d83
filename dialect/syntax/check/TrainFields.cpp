// The fields of a train block: which model, which axis, which number each of them gives.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

static bool isModel(const ast::Parameter &p) {
  return p.type && p.type->element && p.type->element->text == "model";
}

static bool isAxis(const ast::Parameter &p) {
  return p.type && p.type->element && p.type->element->text == "axis";
}

static const std::set<std::string> &knownFields() {
  static const std::set<std::string> names = {
      "data",      "passes", "validation", "eval",   "optimizer", "clip", "accumulate",
      "precision", "seed",   "steps",      "epochs", "save",      "ema",  "dropout"};
  return names;
}

/// What the braces of a run may hold, beside parameters and axes of its objective.
static bool mayBeOwn(const std::string &field) {
  static const std::set<std::string> names = {"data",      "passes", "validation", "eval",
                                              "optimizer", "clip",   "accumulate"};
  return names.count(field) > 0;
}

const ast::Expr &Training::exprOf(const ast::Field &field) {
  auto found = c.settings.find(field.name.text);
  if (found == c.settings.end())
    return *field.value;
  c.settingsUsed.insert(field.name.text);
  return *found->second;
}

/// The objective of that name in the block's file.
Declared Training::objectiveNamed(const ast::Ident &name) {
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
}

/// The runs, or the objective of the block's name, each with its fields.
void Training::readRuns() {
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
      if (out.times < 1)
        c.fail(run->times->at, "a run takes at least one step in its turn");
      for (const ast::TrainItemPtr &inner : run->items) {
        auto *field = ast::as<ast::Field>(inner);
        if (!field)
          c.fail(inner->at, "a run holds fields; for stands beside it");
        if (knownFields().count(field->name.text) && !mayBeOwn(field->name.text))
          c.fail(field->name.at,
                 fmt::format("'{}' belongs to train, not to one of its runs", field->name.text));
        if (!out.fields.insert({field->name.text, field}).second)
          c.error(field->name.at, fmt::format("'{}' is given twice", field->name.text))
              .note(out.fields[field->name.text]->name.at, "the first time")
              .fail();
        out.own.insert(field);
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
  // Entries, flags and log lines speak of a run by the name of its objective.
  if (runs.size() > 1)
    for (size_t i = 0; i < runs.size(); ++i) {
      int64_t same = 1;
      for (size_t j = 0; j < i; ++j)
        same += runs[j].objective == runs[i].objective;
      runs[i].name = runs[i].objective->name.text + (same > 1 ? fmt::format(".{}", same) : "");
    }
}

void Training::readFields() {
  scope = std::make_shared<Scope>();
  scope->file = &file;
  scope->isStatic = true;
  readRuns();

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
    Run *owner = nullptr; // where it stands in the braces of one run of several
    for (Run &run : runs)
      if (run.own.count(field) && runs.size() > 1)
        owner = &run;
    if (field->every && name != "eval" && name != "validation")
      c.fail(field->every->at, "'every' belongs to validation and eval");
    if (knownFields().count(name) && !axes.count(name))
      continue;
    const ast::Expr *expr = isModelName(name) ? field->value.get() : &exprOf(*field);
    if (isHyper(name)) {
      (owner ? owner->hyper : hyper)[name] =
          readSetting(name, *expr, true, owner ? owner->prefix() : "");
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
      (owner ? owner->sizes : sizes)[name] = number->toInt();
      sizePlaces[name] = field->name.at;
      c.statics.insert(name);
      continue;
    }
    if (isModelName(name) || ast::as<ast::Call>(expr)) {
      readModel(*field, *expr, owner);
      continue;
    }
    Value value = c.eval(*scope, *expr);
    std::vector<std::string> known(knownFields().begin(), knownFields().end());
    for (auto &[n, p] : parameters)
      known.push_back(n);
    known.insert(known.end(), axes.begin(), axes.end());
    if (value.get<View>()) {
      readModel(*field, *expr, owner);
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

} // namespace frit::checking
