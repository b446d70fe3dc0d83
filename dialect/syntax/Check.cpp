// The whole check on one screen: settings, files, the train block, the graph.
#include "dialect/syntax/Check.h"
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/check/Prelude.h"
#include "dialect/syntax/check/Training.h"

namespace frit {

using namespace checking;

/// The prelude, parsed once for each check: many files, one scope.
static void loadPrelude(Checker &checker) {
  auto whole = std::make_unique<ast::Module>();
  for (const PreludeFile &file : preludeFiles()) {
    const Source &source = checker.sources.addPrelude(file.name, file.text);
    ast::Module module = parse(source, checker.diagnostics);
    whole->source = &source;
    for (ast::DeclPtr &decl : module.decls)
      whole->decls.push_back(std::move(decl));
  }
  if (checker.diagnostics.hasErrors())
    throw Failure();
  checker.ownModules.push_back(std::move(whole));
  checker.prelude = checker.load(*checker.ownModules.back());
}

static void readSettings(Checker &checker) {
  for (auto &[name, text] : checker.options.settings) {
    const Source &source = checker.sources.add("--set " + name, text);
    ast::ExprPtr expr = parseExpression(source, checker.diagnostics);
    if (!expr)
      throw Failure();
    checker.settings[name] = expr.get();
    checker.ownExprs.push_back(std::move(expr));
  }
}

/// The small sizes of `check {}`; --set goes before them.
static void readSmallSizes(Checker &checker, const ast::Module &module) {
  for (const ast::DeclPtr &decl : module.decls)
    if (auto *check = ast::as<ast::Check>(decl))
      for (const ast::Setting &setting : check->settings)
        if (checker.settings.insert({setting.name.text, setting.value.get()}).second)
          checker.settingsUsed.insert(setting.name.text);
}

static const ast::Train *chooseTrain(Checker &checker, const ast::Module &module, File &file) {
  const std::string &wanted = checker.options.train;
  if (!wanted.empty()) {
    auto found = file.trains.find(wanted);
    if (found != file.trains.end())
      return found->second;
    std::string list;
    std::vector<std::string> names;
    for (auto &[name, train] : file.trains) {
      list += (list.empty() ? "" : ", ") + name;
      names.push_back(name);
    }
    auto report = checker.diagnostics.error(
        {module.source, 1, 1, 0},
        fmt::format("there is no 'train {}'{}", wanted,
                    list.empty() ? std::string() : fmt::format("; there is {}", list)));
    report.suggest(wanted, names);
    report.fail();
  }
  const ast::Train *last = nullptr;
  for (const ast::DeclPtr &decl : module.decls)
    if (auto *train = ast::as<ast::Train>(decl))
      last = train;
  if (!last && !checker.options.onlyCheck)
    checker.diagnostics
        .error({module.source, 1, 1, 0}, "the file has no train block, so there is no program")
        .fail();
  return last;
}

/// Integers of config and train with their values: what can be made small.
using Sizes = std::vector<std::pair<std::string, int64_t>>;

static std::optional<Graph> checkOnce(const ast::Module &module, Sources &sources,
                                      const CheckOptions &options, Diagnostics &diagnostics,
                                      Sizes *sizes = nullptr) {
  Checker checker(sources, options, diagnostics);
  try {
    loadPrelude(checker);
    readSettings(checker);
    if (options.small)
      readSmallSizes(checker, module);
    checker.mainFile = checker.load(module);
    if (const ast::Train *train = chooseTrain(checker, module, *checker.mainFile)) {
      // A block of a used file sees that file's names.
      File *file = checker.mainFile;
      for (auto &[source, loaded] : checker.files)
        if (source == train->at.file)
          file = loaded.get();
      Training training(checker, *train, *file);
      training.run();
      if (sizes) {
        sizes->assign(training.sizes.begin(), training.sizes.end());
        for (const Run &run : training.runs)
          sizes->insert(sizes->end(), run.sizes.begin(), run.sizes.end());
      }
    }
    if (sizes)
      for (auto &[name, value] : checker.mainFile->config)
        if (auto *number = value.get<Number>(); number && number->isWhole())
          sizes->push_back({name, number->toInt()});
    for (auto &[name, expr] : checker.settings)
      if (!checker.settingsUsed.count(name)) {
        std::vector<std::string> known;
        for (auto &[n, value] : checker.mainFile->config)
          known.push_back(n);
        diagnostics
            .error(expr->at,
                   fmt::format("there is no config value or field of train '{}' to set", name))
            .suggest(name, known);
      }
  } catch (const Failure &) {
  } catch (const Deferred &early) {
    // A field of train, a size, an argument of a call that makes a model: all before any step.
    Location at = early.at.valid() ? early.at : Location{module.source, 1, 1, 0};
    diagnostics.error(at, "this is known only when the program runs, and wanted before");
  }
  if (diagnostics.hasErrors())
    return std::nullopt;
  return std::move(checker.graph);
}

/// Without a `check {}` each integer becomes the smallest of a few values with which the program
/// still checks (a width must stay divisible by its heads).
static CheckOptions shrunk(const ast::Module &module, Sources &sources, CheckOptions options) {
  Sizes sizes;
  Diagnostics quiet;
  if (!checkOnce(module, sources, options, quiet, &sizes))
    return options;
  for (auto &[name, size] : sizes)
    for (int64_t candidate : {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}) {
      if (candidate >= size)
        break;
      CheckOptions trial = options;
      trial.settings.push_back({name, std::to_string(candidate)});
      Diagnostics errors;
      if (checkOnce(module, sources, trial, errors)) {
        options = std::move(trial);
        break;
      }
    }
  return options;
}

std::optional<Graph> check(const ast::Module &module, Sources &sources, const CheckOptions &options,
                           Diagnostics &diagnostics) {
  if (diagnostics.hasErrors())
    return std::nullopt;
  bool hasSizes = false;
  for (const ast::DeclPtr &decl : module.decls)
    hasSizes |= decl->kind == ast::DeclKind::Check;
  if (!options.small || hasSizes)
    return checkOnce(module, sources, options, diagnostics);
  CheckOptions small = options;
  small.small = false;
  return checkOnce(module, sources, shrunk(module, sources, small), diagnostics);
}

std::vector<std::string> trainBlocks(const ast::Module &module) {
  std::vector<std::string> out;
  for (const ast::DeclPtr &decl : module.decls)
    if (auto *train = ast::as<ast::Train>(decl))
      out.push_back(train->name.text);
  return out;
}

} // namespace frit
