// 1. Each divergence of the file, with a few values for its parameters, becomes a Subject.
// 2. Per size of the support a program is written in which every Subject has logits of its own as
//    parameters, a row for each case: sum of weight * D[f](p || q). Its gradient by the weights is
//    the value of every row, so one run of the compiled "gradients" entry tells all.
// 3. Values and gradients are held against DivergenceTruth, and against what must hold for any f.
#include "tools/frit/DivergenceCheck.h"
#include "codegen/Load.h"
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/check/Prelude.h"
#include "tools/frit/DivergenceCases.h"
#include "tools/frit/DivergenceTruth.h"
#include "tools/frit/Driver.h"
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>

namespace frit {

namespace {
/// A divergence with its parameters.
struct Subject {
  const ast::Divergence *divergence;
  std::map<std::string, double> parameters;
  std::string parameter; // of which one has its value at run time only, and a gradient
  std::string name() const {
    std::string out;
    for (auto &[key, value] : parameters)
      out += fmt::format("{}{} = {:g}{}", out.empty() ? "" : ", ", key, value,
                         key == parameter ? ", at run time" : "");
    return divergence->name.text + (out.empty() ? "" : "(" + out + ")");
  }
};

/// What was found for one subject and one case, the worst over the sizes.
struct Finding {
  double value = 0, truth = 0;              // at the size with the worst error of value
  double valueError = 0, gradientError = 0; // relative
  double worst = 0;                         // 1: just allowed
  std::string broken;                       // which law does not hold
  bool isWrong() const { return !(worst <= 1) || !broken.empty(); }
};

constexpr double allowedValue = 1e-4, allowedGradient = 1e-5, smallest = 1e-7, largest = 1e38;

struct Row {
  double value = 0, byParameter = 0;
  Logits p, q;
  std::vector<double> byP, byQ;
};

/// One row against the truth.
void compare(Finding &finding, const Row &row, const DivergenceTruth &truth, bool isSame,
             bool hasParameter) {
  auto fail = [&](const char *what) {
    if (finding.broken.empty())
      finding.broken = what;
  };
  double worstBefore = finding.worst;
  // Shown is the error had `usual` been allowed.
  auto note = [&](double error, double allowed, double usual, double &shown) {
    double share = std::isnan(error) ? INFINITY : error / allowed;
    shown = std::max(shown, share * usual);
    finding.worst = std::max(finding.worst, share);
  };
  // An exponential of x in f32 is right to x times 6e-8.
  double rounding = 2.4e-7 * truth.exponent;
  if (std::isinf(truth.value) || truth.value > largest) {
    if (!(row.value > largest))
      fail("must be inf");
  } else {
    note(std::fabs(row.value - truth.value) / std::max(truth.value, smallest),
         std::max(allowedValue, rounding), allowedValue, finding.valueError);
  }
  if (row.value < 0)
    fail("below 0");
  if (truth.isInfinite || truth.value < largest) {
    for (bool isP : {true, false}) {
      const std::vector<double> &got = isP ? row.byP : row.byQ,
                                &wanted = isP ? truth.byP : truth.byQ;
      double size = 0, error = 0, sum = 0, all = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        size = std::max(size, std::fabs(wanted[i]));
        double gap = std::fabs(got[i] - wanted[i]);
        error = std::isnan(gap) ? gap : std::max(error, gap);
        sum += got[i];
        all += std::fabs(got[i]);
      }
      // The rounding of what the gradient is a difference of.
      double scale = isP ? truth.scaleP : truth.scaleQ;
      double least = (4e-7 + rounding / 2) * scale + truth.noise;
      if (size > largest || least > largest)
        continue; // no f32
      double allowed = std::max(allowedGradient, rounding);
      note(error / std::max({size, least / allowed, 1e-30}), allowed, allowedGradient,
           finding.gradientError);
      if (!(std::fabs(sum) <= (1e-6 + rounding) * all + least + 1e-30))
        fail("gradient does not add up to 0");
    }
    if (hasParameter && !truth.isInfinite) {
      double error = std::fabs(row.byParameter - truth.byParameter) /
                     std::max({std::fabs(truth.byParameter), std::fabs(truth.value), smallest});
      note(error, 100 * allowedValue, allowedGradient, finding.gradientError);
    }
  }
  if (isSame && (row.value != 0 ||
                 std::any_of(row.byP.begin(), row.byP.end(), [](double x) { return x != 0; })))
    fail("p = q is not exactly 0");
  if (finding.worst > worstBefore || finding.truth == 0) {
    finding.value = row.value;
    finding.truth = truth.value;
  }
}

class Checking {
public:
  explicit Checking(const ObjectiveCheck &check) : check(check) {}

  bool run() {
    begin = std::chrono::steady_clock::now();
    read();
    if (subjects.empty())
      return true; // the file is about objectives
    bool ok = true;
    for (size_t i = 0; i < subjects.size(); i += atOnce)
      ok = checkSome(
               {subjects.begin() + i, subjects.begin() + std::min(i + atOnce, subjects.size())}) &&
           ok;
    size_t right = std::count_if(verdicts.begin(), verdicts.end(), [](bool x) { return x; });
    std::cout << fmt::format(
        "{}: {} of {} divergences right, {:.1f} s\n", check.request.file, right, verdicts.size(),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return ok;
  }

private:
  static constexpr size_t atOnce = 8;
  const ObjectiveCheck &check;
  std::chrono::steady_clock::time_point begin;
  Sources sources;
  std::vector<ast::Module> modules; // the file, the prelude
  DivergenceScope scope;
  std::vector<Subject> subjects;
  std::vector<bool> verdicts;

  bool isPrelude() const {
    return check.request.file == "prelude" && !std::filesystem::exists("prelude");
  }

  const ast::Module &parsed(const Source &source) {
    Diagnostics diagnostics;
    modules.push_back(parse(source, diagnostics));
    if (diagnostics.hasErrors()) {
      std::cerr << diagnostics.render();
      throw UserError();
    }
    return modules.back();
  }

  void declare(const ast::Module &module) {
    for (const ast::DeclPtr &decl : module.decls)
      if (auto *divergence = ast::as<ast::Divergence>(decl))
        scope.divergences[divergence->name.text] = divergence;
      else if (auto *config = ast::as<ast::Config>(decl))
        for (const ast::Setting &setting : config->settings)
          if (auto *number = ast::as<ast::Number>(setting.value))
            scope.config[setting.name.text] = number->value;
  }

  void read() {
    const std::vector<checking::PreludeFile> &files = checking::preludeFiles();
    modules.reserve(files.size() + 1);
    std::vector<const ast::Module *> mine;
    for (const checking::PreludeFile &file : files) {
      mine.push_back(&parsed(sources.add(file.name, file.text)));
      declare(*mine.back());
    }
    if (!isPrelude()) {
      std::string reason;
      const Source *source = sources.load(check.request.file, reason);
      if (!source) {
        std::cerr << fmt::format("frit: cannot read {}: {}\n", check.request.file, reason);
        throw UserError();
      }
      mine = {&parsed(*source)};
      declare(*mine[0]);
    }
    for (const ast::Module *module : mine)
      for (const ast::DeclPtr &decl : module->decls)
        if (auto *divergence = ast::as<ast::Divergence>(decl))
          addSubjects(*divergence);
  }

  static double constant(const ast::Expr &expr) {
    if (auto *number = ast::as<ast::Number>(&expr))
      return number->value;
    if (auto *unary = ast::as<ast::Unary>(&expr))
      return -constant(*unary->operand);
    return NAN;
  }

  /// The default, the ends and the middle of its range, its limits, and one at run time.
  void addSubjects(const ast::Divergence &divergence) {
    if (divergence.parameters.size() == 1) {
      subjects.push_back({&divergence, {}, ""});
      return;
    }
    const ast::Parameter &parameter = divergence.parameters[1];
    std::vector<double> values;
    if (parameter.initial)
      values.push_back(constant(*parameter.initial));
    if (parameter.low && parameter.high) {
      double low = constant(*parameter.low), high = constant(*parameter.high);
      for (double share : {0.02, 0.5, 0.9})
        values.push_back(low + share * (high - low));
    }
    for (const ast::Divergence::Limit &limit : divergence.limits)
      values.push_back(constant(*limit.where));
    std::vector<double> done;
    for (double value : values)
      if (!std::isnan(value) && std::find(done.begin(), done.end(), value) == done.end()) {
        done.push_back(value);
        subjects.push_back({&divergence, {{parameter.name.text, value}}, ""});
      }
    if (divergence.parameters.size() == 2 && !done.empty())
      subjects.push_back({&divergence, {{parameter.name.text, done.front()}}, parameter.name.text});
  }

  std::string program(const std::vector<Subject> &some, int rows, int columns) const {
    std::string params, terms;
    for (size_t i = 0; i < some.size(); ++i) {
      const Subject &subject = some[i];
      std::string arguments;
      for (auto &[key, value] : subject.parameters) {
        bool atRunTime = key == subject.parameter;
        if (atRunTime)
          params += fmt::format("  param a{}: real[row_] = {:.17g}\n", i, value);
        arguments += fmt::format("{}{} = {}", arguments.empty() ? "" : ", ", key,
                                 atRunTime ? fmt::format("a{}", i) : fmt::format("{:.17g}", value));
      }
      params += fmt::format("  param p{0}: real[row_, column_] = 0\n"
                            "  param q{0}: real[row_, column_] = 0\n"
                            "  param w{0}: real[row_] = 1\n",
                            i);
      terms += fmt::format(" + sum(w{0} * D[{1}{2}](categorical(logits = p{0}, over = column_) || "
                           "categorical(logits = q{0}, over = column_)))",
                           i, subject.divergence->name.text,
                           arguments.empty() ? "" : "(" + arguments + ")");
    }
    std::string use =
        isPrelude()
            ? ""
            : fmt::format("use \"{}\"\n", std::filesystem::absolute(check.request.file).string());
    return fmt::format("{}config {{ row_ = {}, column_ = {} }}\n"
                       "objective check_(x_: real[b_]) {{\n{}  minimize sum(x_){}\n}}\n"
                       "train check_ {{ b_ = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  "
                       "steps = 1 }}\n",
                       use, rows, columns, params, terms);
  }

  std::vector<const DivergenceCase *> casesFor(int columns) const {
    std::vector<const DivergenceCase *> out;
    for (const DivergenceCase &one : divergenceCases())
      if (columns < 10000 || one.isForManyColumns)
        out.push_back(&one);
    return out;
  }

  /// Runs the compiled program on the rows; fills in values and gradients.
  void measure(const std::vector<Subject> &some, std::vector<std::vector<Row>> &rows, int columns) {
    Request request = check.request;
    request.text = program(some, int(rows[0].size()), columns);
    request.train = "";
    request.gradients = true;
    Driver driver(request);
    driver.check();
    for (auto entry : llvm::make_early_inc_range(driver.module().getOps<mlir::func::FuncOp>()))
      if (entry.getName() != "gradients")
        entry.erase();
    driver.runPasses();
    CompileOptions options;
    options.naive = request.naive;
    auto level = compileLevel(driver.module(), driver.targets().front(), options);
    if (!level)
      throw FritBug{"stage obj: " + llvm::toString(level.takeError())};
    auto loaded = Loaded::load(*level, 1);
    if (!loaded)
      throw FritBug{"loading the compiled program: " + llvm::toString(loaded.takeError())};
    NamedArrays states, inputs;
    for (StateOp state : driver.module().getOps<StateOp>()) {
      ValueType type = toValueType(llvm::cast<mlir::RankedTensorType>(state.getType()));
      Array array(type, state.getInitial() ? state.getInitial()->convertToDouble() : 1);
      std::string name = state.getSymName().str();
      size_t i = name.size() > 1 && std::isdigit(name.back()) ? size_t(name.back() - '0') : 0;
      if (state.getRole() == "parameter" && (name[0] == 'p' || name[0] == 'q'))
        for (size_t r = 0; r < rows[i].size(); ++r) {
          const Logits &from = name[0] == 'p' ? rows[i][r].p : rows[i][r].q;
          std::copy(from.begin(), from.end(), array.data.begin() + r * columns);
        }
      if (state.getRole() == "parameter" && name[0] == 'a')
        for (double &x : array.data)
          x = some[i].parameters.begin()->second;
      states[name] = array;
    }
    inputs["x_"] = Array(ValueType{Element::F32, {{"b_", 1}}});
    NamedArrays out = (*loaded)->run("gradients", states, inputs);
    for (size_t i = 0; i < some.size(); ++i)
      for (size_t r = 0; r < rows[i].size(); ++r) {
        auto row = [&](const char *prefix) {
          const Array &array = out.at(fmt::format("{}{}", prefix, i));
          auto from = array.data.begin() + r * columns;
          return std::vector<double>(from, from + columns);
        };
        rows[i][r].byP = row("p");
        rows[i][r].byQ = row("q");
        rows[i][r].value = out.at(fmt::format("w{}", i)).data[r];
        if (!some[i].parameter.empty())
          rows[i][r].byParameter = out.at(fmt::format("a{}", i)).data[r];
      }
  }

  bool checkSome(const std::vector<Subject> &some) {
    std::vector<std::map<std::string, Finding>> findings(some.size());
    std::vector<int> sizes = check.columns;
    if (sizes.empty())
      sizes = {1, 2, 7, 128, 1000};
    for (int columns : sizes) {
      std::mt19937_64 random(check.seed * 1000003 + columns);
      auto cases = casesFor(columns);
      std::vector<std::vector<Row>> rows(some.size());
      for (std::vector<Row> &list : rows)
        for (const DivergenceCase *one : cases) {
          list.push_back({});
          list.back().p.resize(columns);
          list.back().q.resize(columns);
          one->fill(random, list.back().p, list.back().q);
          for (Logits *x : {&list.back().p, &list.back().q})
            for (double &y : *x)
              y = float(y);
        }
      measure(some, rows, columns);
      for (size_t i = 0; i < some.size(); ++i)
        for (size_t r = 0; r < cases.size(); ++r) {
          const Row &row = rows[i][r];
          DivergenceTruth truth = divergenceTruth(scope, *some[i].divergence, some[i].parameters,
                                                  some[i].parameter, row.p, row.q);
          compare(findings[i][cases[r]->name], row, truth, row.p == row.q,
                  !some[i].parameter.empty());
        }
    }
    bool ok = true;
    for (size_t i = 0; i < some.size(); ++i)
      ok = print(some[i], findings[i]) && ok;
    return ok;
  }

  bool print(const Subject &subject, const std::map<std::string, Finding> &findings) {
    const Finding *worst = nullptr;
    std::string where;
    bool isRight = true;
    for (auto &[name, finding] : findings) {
      isRight &= !finding.isWrong();
      if (!worst || finding.isWrong() > worst->isWrong() ||
          (finding.isWrong() == worst->isWrong() && finding.worst > worst->worst)) {
        worst = &finding;
        where = name;
      }
    }
    verdicts.push_back(isRight);
    bool isLong = check.everyCase || subjects.size() <= 3;
    if (!isLong) {
      if (verdicts.size() == 1)
        std::cout << fmt::format("  {:<34}  {:>9}  {:>9}  {}\n", "divergence", "value", "gradient",
                                 "worst case");
      double value = 0, gradient = 0;
      for (auto &[name, finding] : findings) {
        value = std::max(value, finding.valueError);
        gradient = std::max(gradient, finding.gradientError);
      }
      std::cout << fmt::format(
          "  {:<34}  {:>9.1e}  {:>9.1e}  {}{}  {}\n", subject.name(), value, gradient, where,
          worst->broken.empty() ? "" : " (" + worst->broken + ")", isRight ? "ok" : "WRONG");
    }
    if (isLong || !isRight) {
      std::cout << fmt::format("  {}\n  {:<36}  {:>12}  {:>12}  {:>9}  {:>9}\n", subject.name(),
                               "case", "compiled", "truth", "value", "gradient");
      for (const DivergenceCase &one : divergenceCases()) {
        auto found = findings.find(one.name);
        if (found == findings.end() || (!isLong && !found->second.isWrong()))
          continue;
        const Finding &f = found->second;
        std::cout << fmt::format("  {:<36}  {:>12.5g}  {:>12.5g}  {:>9.1e}  {:>9.1e}  {}{}\n",
                                 one.name, f.value, f.truth, f.valueError, f.gradientError,
                                 f.isWrong() ? "WRONG" : "ok",
                                 f.broken.empty() ? "" : "  " + f.broken);
      }
    }
    return isRight;
  }
};
} // namespace

bool checkDivergences(const ObjectiveCheck &check) { return Checking(check).run(); }

} // namespace frit
