// 1. Each divergence of the file, with a few values for its parameters, becomes a subject.
// 2. Per size of the support, a few of them go into one program, in several forms
//    (DivergenceProgram.h), which is run on rows of logits, a row for each case.
// 3. Values and gradients are held against the truth (DivergenceTruth.h) and against what must hold
//    of any f (DivergenceLaws.h); then once more with the logits rounded to bf16, against the
//    formula written naively.
#include "tools/frit/DivergenceCheck.h"
#include "tools/frit/DivergenceLaws.h"
#include "tools/frit/Driver.h"
#include "tools/frit/LikelihoodCheck.h"
#include "tools/frit/NaiveDivergence.h"
#include "tools/frit/ParsedFiles.h"
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <iostream>
#include <numeric>
#include <optional>

namespace frit {

namespace {
using Subject = DivergenceSubject;
using Finding = DivergenceFinding;

std::string nameOf(const Subject &subject) {
  std::string out;
  for (auto &[key, value] : subject.parameters)
    out += fmt::format("{}{} = {:g}{}", out.empty() ? "" : ", ", key, value,
                       key == subject.atRunTime ? ", at run time" : "");
  return subject.divergence->name.text + (out.empty() ? "" : "(" + out + ")");
}

class DivergenceChecking {
public:
  explicit DivergenceChecking(const ObjectiveCheck &check) : check(check) {}

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
    if (isPrelude())
      for (const LikelihoodReport &report : checkLikelihoods(check.request, check.seed, sizes()))
        ok = print(report.name, report.findings) && ok;
    size_t right = std::count_if(verdicts.begin(), verdicts.end(), [](bool x) { return x; });
    std::cout << fmt::format(
        "{}: {} of {} right, {:.1f} s\n", check.request.file, right, verdicts.size(),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return ok;
  }

private:
  static constexpr size_t atOnce = 4;  // divergences in a program
  static constexpr int mostKnown = 64; // columns that a bucket knows
  const ObjectiveCheck &check;
  std::chrono::steady_clock::time_point begin;
  ParsedFiles files;
  DivergenceScope scope;
  std::vector<Subject> subjects;
  std::vector<bool> verdicts;

  std::vector<int> sizes() const {
    return check.columns.empty() ? std::vector<int>{1, 2, 7, 128, 1000} : check.columns;
  }
  bool isPrelude() const { return ParsedFiles::isPrelude(check.request.file); }

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
    for (const ast::Module *module : files.prelude())
      declare(*module);
    std::vector<const ast::Module *> mine = files.about(check.request.file);
    if (!isPrelude())
      declare(*mine[0]);
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

  std::string prologue() const {
    if (isPrelude())
      return "";
    return fmt::format("use \"{}\"\n", std::filesystem::absolute(check.request.file).string());
  }

  /// A case at a size, with p at a few of its likeliest columns.
  LogitRow rowOf(const DivergenceCase &one, int columns, int known, std::mt19937_64 &random) const {
    LogitRow row = floatRow(one, columns, random);
    double top = *std::max_element(row.p.begin(), row.p.end()), sum = 0;
    for (double x : row.p)
      sum += std::exp(x - top);
    std::vector<int> order(columns);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + known, order.end(),
                      [&](int a, int b) { return row.p[a] > row.p[b]; });
    for (int i = 0; i < known; ++i) {
      row.columns.push_back(order[i]);
      row.logP.push_back(float(top == -INFINITY ? top : row.p[order[i]] - top - std::log(sum)));
    }
    return row;
  }

  bool checkSome(const std::vector<Subject> &some) {
    Findings findings(some.size());
    std::vector<TrueDivergence> truths;
    for (const Subject &subject : some)
      truths.emplace_back(scope, subject);
    const std::vector<DivergenceCase> &cases = divergenceCases();
    for (int columns : sizes()) {
      int atATime = rowsAtATime(columns, cases.size());
      int known = columns < 3 ? 0 : std::clamp(columns / 4, 1, mostKnown);
      DivergenceProgram program(check.request, prologue(), scope, some, {atATime, columns, known});
      std::mt19937_64 random(check.seed * 1000003 + columns);
      for (size_t first = 0; first < cases.size(); first += atATime) {
        std::vector<LogitRow> rows;
        for (size_t i = first; i < std::min(first + atATime, cases.size()); ++i)
          rows.push_back(rowOf(cases[i], columns, known, random));
        judgeRows(findings, program, truths, rows, first);
      }
    }
    bool ok = true;
    for (size_t i = 0; i < some.size(); ++i)
      ok = print(nameOf(some[i]), findings[i]) && ok;
    return ok;
  }

  /// All at the same time.
  static void each(size_t count, const std::function<void(size_t)> &work) {
    std::vector<std::future<void>> running;
    for (size_t i = 0; i < count; ++i)
      running.push_back(std::async(std::launch::async, work, i));
    for (std::future<void> &one : running)
      one.get();
  }

  using Findings = std::vector<std::map<std::string, Finding>>; // of each divergence, by case

  /// The cases from `first` on, at one size.
  void judgeRows(Findings &findings, DivergenceProgram &program,
                 const std::vector<TrueDivergence> &divergences, std::vector<LogitRow> rows,
                 size_t first) {
    size_t count = divergences.size();
    std::string where = fmt::format("of {}", rows[0].p.size());
    std::vector<std::vector<DivergenceTruth>> truths(rows.size());
    auto findingOf = [&](size_t i, size_t r) -> Finding & {
      return findings[i][divergenceCases()[first + r].name];
    };
    program.run(rows);
    for (size_t r = 0; r < rows.size(); ++r) {
      TruthRows pair(rows[r].p, rows[r].q);
      std::optional<TruthRows> bucket;
      if (!rows[r].columns.empty() && !pair.isAbsent())
        bucket = TruthRows::partial(rows[r].logP, rows[r].columns, rows[r].q);
      truths[r].resize(count);
      each(count, [&](size_t i) { truths[r][i] = divergences[i].of(pair); });
      for (size_t i = 0; i < count; ++i) {
        Finding &finding = findingOf(i, r);
        auto judgeForm = [&](DivergenceForm form, const char *name) {
          if (program.has(i, form))
            judge(finding, where + name, program.result(i, form, r), truths[r][i], pair.isSame());
        };
        judgeForm(DivergenceForm::Plain, "");
        judgeForm(DivergenceForm::Dual, ", by the dual");
        judgeForm(DivergenceForm::Shifted, ", with 3 (u - 1)");
        if (!bucket)
          continue;
        size_t rest = bucket->size() - 1;
        bool isSharp = std::min(bucket->p(rest).number(), bucket->q(rest).number()) > 0.01;
        judgePartial(finding, where + ", a bucket",
                     program.result(i, DivergenceForm::Partial, r).value,
                     divergences[i].of(*bucket), truths[r][i], isSharp);
      }
    }
    for (LogitRow &row : rows)
      for (Logits *x : {&row.p, &row.q})
        for (double &y : *x)
          y = roundedToBf16(y);
    program.run(rows);
    for (size_t r = 0; r < rows.size(); ++r)
      for (size_t i = 0; i < count; ++i) {
        std::optional<DivergenceTruth> after;
        judgeRounded(findingOf(i, r), where + ", bf16", program.result(i, DivergenceForm::Plain, r),
                     naiveDivergence(divergences[i].naive(), rows[r]), truths[r][i],
                     [&]() -> const DivergenceTruth & {
                       if (!after)
                         after = divergences[i].of(TruthRows(rows[r].p, rows[r].q));
                       return *after;
                     });
      }
  }

  bool print(const std::string &what, const std::map<std::string, Finding> &findings) {
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
          "  {:<34}  {:>9.1e}  {:>9.1e}  {}{}  {}\n", what, value, gradient, where,
          worst->broken.empty() ? " " + worst->where : " (" + worst->broken + ")",
          isRight ? "ok" : "WRONG");
    }
    if (isLong || !isRight) {
      std::cout << fmt::format("  {}\n  {:<36}  {:>12}  {:>12}  {:>9}  {:>9}\n", what, "case",
                               "compiled", "truth", "value", "gradient");
      for (const DivergenceCase &one : divergenceCases()) {
        auto found = findings.find(one.name);
        if (found == findings.end() || (!isLong && !found->second.isWrong()))
          continue;
        const Finding &f = found->second;
        std::cout << fmt::format("  {:<36}  {:>12.5g}  {:>12.5g}  {:>9.1e}  {:>9.1e}  {}  {}{}\n",
                                 one.name, f.value, f.truth, f.valueError, f.gradientError,
                                 f.isWrong() ? "WRONG" : "ok", f.where,
                                 f.broken.empty() ? "" : "  " + f.broken);
      }
    }
    return isRight;
  }
};
} // namespace

bool checkDivergences(const ObjectiveCheck &check) { return DivergenceChecking(check).run(); }

} // namespace frit
