#include "tools/frit/ObjectivePrograms.h"
#include "dialect/syntax/Check.h"
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/check/Prelude.h"
#include "tools/frit/Driver.h"
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>

namespace frit {

namespace {

bool isModel(const ast::Parameter &p) {
  return p.type && p.type->element && p.type->element->text == "model";
}
bool isData(const ast::Parameter &p) { return p.type && p.type->hasAxes && !p.isNamed; }

using Names = std::vector<std::string>;

Names namesOf(const std::vector<ast::TypeAxis> &axes) {
  Names out;
  for (const ast::TypeAxis &axis : axes)
    if (axis.name && !axis.isRest)
      out.push_back(axis.name->text);
  return out;
}

void addNew(Names &to, const std::string &name) {
  if (std::find(to.begin(), to.end(), name) == to.end())
    to.push_back(name);
}

/// The axes of an objective's data, by what they are.
struct DataAxes {
  std::string batch;
  Names vocabularies;      // after `;`
  Names positions;         // of sequences and tokens, the batch apart
  std::vector<Names> rows; // of inputs of numbers, without the batch, each once
  explicit DataAxes(const ast::Objective &objective) {
    for (const ast::Parameter &p : objective.parameters) {
      if (!isData(p))
        continue;
      Names axes = namesOf(p.type->axes);
      for (const std::string &name : namesOf(p.type->event))
        addNew(vocabularies, name);
      if (axes.empty())
        continue;
      if (batch.empty())
        batch = axes[0];
      axes.erase(std::remove(axes.begin(), axes.end(), batch), axes.end());
      bool isNumbers = p.type->element && p.type->element->text == "real";
      if (!isNumbers)
        for (const std::string &name : axes)
          addNew(positions, name);
      if (isNumbers && std::find(rows.begin(), rows.end(), axes) == rows.end())
        rows.push_back(axes);
    }
  }
  /// Axes of numbers alone, as the columns of a table.
  Names features() const {
    Names out;
    for (const Names &axes : rows)
      for (const std::string &name : axes)
        if (std::find(positions.begin(), positions.end(), name) == positions.end())
          addNew(out, name);
    return out;
  }
};

/// A model that says what its parameters hold.
struct StandIn {
  std::string name, text;
};

/// What an objective may ask of its models, the usual first: a distribution of the next token, that
/// and a value, a score of a whole row, a value of each token; of numbers: a class, other numbers.
std::vector<StandIn> standIns(const DataAxes &axes) {
  std::vector<StandIn> out;
  for (const std::string &v : axes.vocabularies) {
    auto add = [&](const std::string &name, const std::string &body) {
      out.push_back({name + "_" + v, fmt::format("model {}_{}() {{\n{}\n}}\n", name, v, body)});
    };
    add("Says", fmt::format("  param table: real[{0}; following_: {0}] ~ normal(std = 1)\n"
                            "  forward(ids: token[..; {0}]) -> categorical[..; {0}] {{\n"
                            "    categorical(logits = rename(table[{0} = ids], following_ -> {0}), "
                            "over = {0})\n  }}",
                            v));
    add("SaysAndValues",
        fmt::format("  policy = Says_{0}()\n  param value: real[{0}] ~ normal(std = 1)\n"
                    "  forward(ids: token[..; {0}]) -> (categorical[..; {0}], real[..]) {{\n"
                    "    (policy(ids), value[{0} = ids])\n  }}",
                    v));
    add("Scores", fmt::format("  param table: real[{0}] ~ normal(std = 1)\n"
                              "  forward(ids: token[b, t; {0}], real: bool[b, t] = true) -> "
                              "real[b] {{\n    sum(table[{0} = ids], over = t, where = real)\n  }}",
                              v));
    add("Values", fmt::format("  param table: real[{0}] ~ normal(std = 1)\n"
                              "  forward(ids: token[..; {0}]) -> real[..] {{ table[{0} = ids] }}",
                              v));
  }
  for (size_t i = 0; i < axes.rows.size(); ++i) {
    const Names &row = axes.rows[i];
    std::string in = fmt::format("{}", fmt::join(row, ", "));
    std::string x = fmt::format("x: real[{}{}{}]", axes.batch, row.empty() ? "" : ", ", in);
    auto add = [&](const std::string &name, const std::string &weight, const std::string &result,
                   const std::string &value) {
      out.push_back({name, fmt::format("model {}() {{\n  param weight: real[{}] ~ normal(std = 1)\n"
                                       "  forward({}) -> {} {{ {} }}\n}}\n",
                                       name, weight, x, result, value)});
    };
    auto linear = [&](const std::string &to) {
      return row.empty() ? fmt::format("outer(x, weight)")
                         : fmt::format("dot(x, weight, over = [{}])", in);
    };
    for (const std::string &v : axes.vocabularies)
      add(fmt::format("Classes{}_{}", i, v), v + "; " + in,
          fmt::format("categorical[{}; {}]", axes.batch, v),
          fmt::format("categorical(logits = {}, over = {})", linear(v), v));
    add(fmt::format("Sums{}_", i), in, fmt::format("real[{}]", axes.batch),
        row.empty() ? "weight * x" : linear(""));
    for (size_t k = 0; k < axes.rows.size(); ++k) {
      std::string to = fmt::format("{}", fmt::join(axes.rows[k], ", "));
      bool isDisjoint = std::none_of(row.begin(), row.end(), [&](const std::string &name) {
        return std::find(axes.rows[k].begin(), axes.rows[k].end(), name) != axes.rows[k].end();
      });
      if (axes.rows[k].empty() || !(isDisjoint || i == k))
        continue;
      add(fmt::format("Maps{}_{}", i, k), i == k ? in : to + "; " + in,
          fmt::format("real[{}, {}]", axes.batch, to), i == k ? "weight * x" : linear(to));
    }
  }
  return out;
}

/// A field of a train block that gives one of the objective's own values.
void take(ObjectiveProgram &program, const std::vector<ast::TrainItemPtr> &items) {
  for (const ast::TrainItemPtr &item : items)
    if (auto *field = ast::as<ast::Field>(item))
      for (const ast::Parameter &p : program.objective->parameters)
        if (p.name.text == field->name.text && !isModel(p) && !isData(p))
          program.given[p.name.text] = std::string(field->value->at.text());
}

} // namespace

std::string ObjectiveSizes::text() const {
  return fmt::format("{} rows, length {}, {} column{}", rows, length, columns,
                     columns == 1 ? "" : "s");
}

std::vector<std::string> ObjectiveProgram::numbers() const {
  std::vector<std::string> out;
  for (const ast::Parameter &p : objective->parameters)
    if (!isModel(p) && !isData(p))
      out.push_back(p.name.text);
  return out;
}

/// Objectives and names of config, those of used files first.
void ObjectiveFile::declare(const ast::Module &module) {
  for (const ast::DeclPtr &decl : module.decls)
    if (auto *use = ast::as<ast::Use>(decl)) {
      std::filesystem::path path(use->path);
      if (path.is_relative())
        path = std::filesystem::path(module.source->name).parent_path() / path;
      std::error_code error; // which the check of the whole file says better
      if (!files.has(path.string()) && std::filesystem::exists(path, error))
        declare(files.load(path.string()));
    }
  for (const ast::DeclPtr &decl : module.decls)
    if (auto *objective = ast::as<ast::Objective>(decl))
      objectives[objective->name.text] = objective;
    else if (auto *settings = ast::as<ast::Config>(decl))
      for (const ast::Setting &setting : settings->settings)
        config.insert(setting.name.text);
}

ObjectiveFile::ObjectiveFile(const Request &request) : request(request) {
  for (const ast::Module *module : files.prelude())
    declare(*module);
  std::vector<const ast::Module *> mine = files.about(request.file);
  if (!isPrelude())
    declare(*mine[0]);
  std::set<const ast::Objective *> trained;
  for (const ast::Module *module : mine)
    for (const ast::DeclPtr &decl : module->decls) {
      auto *train = ast::as<ast::Train>(decl);
      if (!train || (!request.train.empty() && train->name.text != request.train))
        continue;
      std::vector<const ast::Run *> runs;
      for (const ast::TrainItemPtr &item : train->items)
        if (auto *run = ast::as<ast::Run>(item))
          runs.push_back(run);
      if (runs.empty())
        runs = {nullptr};
      for (const ast::Run *run : runs) {
        std::string name = run ? run->objective.text : train->name.text;
        auto found = objectives.find(name);
        if (found == objectives.end())
          continue; // which the check of the whole file says better
        ObjectiveProgram program;
        program.objective = found->second;
        program.name = runs.size() > 1 ? train->name.text + "." + name : train->name.text;
        take(program, train->items);
        if (run)
          take(program, run->items);
        trained.insert(program.objective);
        findModels(program, runs.size() > 1 ? nullptr : train);
        programs.push_back(std::move(program));
      }
    }
  for (const ast::Module *module : mine)
    for (const ast::DeclPtr &decl : module->decls)
      if (auto *objective = ast::as<ast::Objective>(decl);
          objective && !trained.count(objective) &&
          (request.train.empty() || objective->name.text == request.train)) {
        ObjectiveProgram program;
        program.objective = objective;
        program.name = objective->name.text;
        findModels(program, nullptr);
        programs.push_back(std::move(program));
      }
  bool hasDivergences = false;
  for (const ast::Module *module : mine)
    for (const ast::DeclPtr &decl : module->decls)
      hasDivergences |= decl->kind == ast::DeclKind::Divergence;
  if (programs.empty() && (!hasDivergences || !request.train.empty())) {
    std::cerr << (request.train.empty()
                      ? fmt::format("frit: {} has neither divergences nor objectives\n",
                                    request.file)
                      : fmt::format("frit: {} neither trains nor declares '{}'\n", request.file,
                                    request.train));
    throw UserError();
  }
}

/// Tries models of tables until the checker has nothing against them, one kind for all models
/// first. Where none fits, a train block's own models stay.
void ObjectiveFile::findModels(ObjectiveProgram &program, const ast::Train *train) {
  std::vector<std::string> wanted;
  for (const ast::Parameter &p : program.objective->parameters)
    if (isModel(p))
      wanted.push_back(p.name.text);
  // What has no default and is given nowhere: a number, or a function of the usual kinds.
  Names missing;
  for (const ast::Parameter &p : program.objective->parameters)
    if (!isModel(p) && !isData(p) && !p.initial && !program.given.count(p.name.text))
      missing.push_back(p.name.text);
  std::vector<StandIn> choices = standIns(DataAxes(*program.objective));
  for (const StandIn &choice : choices)
    program.declarations += choice.text;
  size_t all = 1;
  for (size_t i = 0; i < wanted.size() && all < 500; ++i)
    all *= choices.size();
  const ObjectiveSizes sizes{2, 2, 3};
  auto fits = [&](const std::vector<size_t> &chosen) {
    for (size_t i = 0; i < wanted.size(); ++i)
      program.models[wanted[i]] = choices[chosen[i]].name;
    std::string mistake = mistakeIn(requestFor(program, sizes, 1));
    if (program.why.empty())
      program.why = mistake;
    return mistake.empty();
  };
  for (const char *value : {"0.5", "kl", "token_mean"}) {
    for (const std::string &name : missing)
      program.given[name] = value;
    std::vector<std::vector<size_t>> order;
    for (size_t i = 0; i < (wanted.empty() ? 1 : choices.size()); ++i)
      order.push_back(std::vector<size_t>(wanted.size(), i));
    for (size_t i = 0; wanted.size() > 1 && i < std::min<size_t>(all, 500); ++i) {
      std::vector<size_t> chosen;
      for (size_t left = i, k = 0; k < wanted.size(); ++k, left /= choices.size())
        chosen.push_back(left % choices.size());
      order.push_back(chosen);
    }
    for (const std::vector<size_t> &chosen : order)
      if (fits(chosen)) {
        program.why.clear();
        return;
      }
    if (missing.empty())
      break;
  }
  program.isOwn = train != nullptr;
  if (train && mistakeIn(requestFor(program, sizes, 1)).empty())
    program.why.clear();
}

Request ObjectiveFile::requestFor(const ObjectiveProgram &program, const ObjectiveSizes &sizes,
                                  int pieces) const {
  Request out = request;
  out.gradients = true;
  if (program.isOwn) {
    out.train = program.name;
    out.small = true;
    return out;
  }
  out.train = "check_";
  DataAxes axes(*program.objective);
  std::map<std::string, int> sizeOf{{axes.batch, sizes.rows}};
  Names features = axes.features();
  // Lengths differ, so that none passes for another.
  int length = sizes.length;
  for (const std::string &name : axes.positions)
    sizeOf[name] = std::max(1, length--);
  for (const std::string &name : features)
    sizeOf[name] = std::max(1, length--);
  std::string numbers, fields;
  for (const std::string &name : axes.vocabularies)
    sizeOf[name] = sizes.columns;
  for (auto &[name, size] : sizeOf) {
    if (name.empty())
      continue;
    bool isKnown = std::find(features.begin(), features.end(), name) != features.end() ||
                   std::find(axes.vocabularies.begin(), axes.vocabularies.end(), name) !=
                       axes.vocabularies.end();
    if (config.count(name))
      out.settings.push_back(fmt::format("{}={}", name, size));
    else if (isKnown)
      numbers += fmt::format("{}{} = {}", numbers.empty() ? "" : ", ", name, size);
    else
      fields += fmt::format("  {} = {}\n", name, size);
  }
  for (auto &[name, model] : program.models)
    fields += fmt::format("  {} = {}()\n", name, model);
  for (auto &[name, value] : program.given)
    fields += fmt::format("  {} = {}\n", name, value);
  if (pieces > 1)
    fields += fmt::format("  accumulate = {}\n", pieces);
  std::string use =
      isPrelude() ? ""
                  : fmt::format("use \"{}\"\n", std::filesystem::absolute(request.file).string());
  out.text = fmt::format("{}config {{ {} }}\n{}"
                         "optimizer gradient_() {{ weight = grad }}\n"
                         "train check_ {{\n  run {}\n{}"
                         "  data = tensors()\n  optimizer = gradient_()\n  steps = 1\n}}\n",
                         use, numbers, program.declarations, program.objective->name.text, fields);
  return out;
}

std::string ObjectiveFile::mistakeIn(const Request &request) {
  Sources sources;
  Diagnostics diagnostics;
  const Source *source = nullptr;
  std::string reason;
  if (request.text.empty())
    source = sources.load(request.file, reason);
  else
    source = &sources.add("check of " + request.file, request.text);
  if (!source)
    return reason;
  ast::Module tree = parse(*source, diagnostics);
  CheckOptions options;
  options.train = request.train;
  options.small = request.small;
  options.gradients = request.gradients;
  for (const std::string &setting : request.settings)
    options.settings.emplace_back(setting.substr(0, setting.find('=')),
                                  setting.substr(setting.find('=') + 1));
  if (!diagnostics.hasErrors())
    check(tree, sources, options, diagnostics);
  return diagnostics.hasErrors() ? diagnostics.all().front().message : "";
}

} // namespace frit
