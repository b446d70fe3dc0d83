// 1. ObjectivePrograms makes a program of each objective, with tables for models.
// 2. Per size it is compiled once. Each of ObjectiveCases is a run of its entry "gradients", those
//    for pieces also a step that takes its batch in two (the optimiser leaves gradients as
//    weights).
// 3. Loss and gradients are held against the evaluator in f64, and the evaluator's gradients
// against
//    finite differences; the case's law against what it speaks of.
#include "tools/frit/LossCheck.h"
#include "codegen/Load.h"
#include "passes/GradientCheck.h"
#include "tools/frit/Driver.h"
#include "tools/frit/ObjectiveCases.h"
#include "tools/frit/ObjectivePrograms.h"
#include <chrono>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <iostream>

namespace frit {

namespace {

constexpr double allowedValue = 1e-4, allowedGradient = 1e-5;
/// f32 reaches no further, and below `smallest` it has no digits.
constexpr double largest = 1e38, smallest = 1e-36;
/// How often the truth is taken with rounding, and how many times what that changes is allowed.
constexpr int roundings = 3;
constexpr double timesRounding = 16;

/// What an op gives, wrong at random by up to the 24th bit; what only moves or chooses numbers is
/// exact. A logsumexp is a maximum, which is exact, and the log of a sum from 1 on: so it is right
/// to the 24th bit behind the point, however large the maximum. Sums of n round log2 n times.
void roundResults(mlir::Operation *op, const Arrays &operands, Arrays &results,
                  std::mt19937_64 &random) {
  static const std::set<std::string> exact = {
      "gather",  "rename",  "slice", "broadcast", "select", "neg",   "abs",           "sign",
      "maximum", "minimum", "max",   "min",       "cast",   "floor", "stop_gradient", "with_slope",
      "ceil",    "round",   "read",  "write",     "split",  "merge", "constant",      "index",
      "stack",   "sort",    "top_k", "scan",      "random", "yield"};
  std::string name = op->getName().stripDialect().str();
  if (exact.count(name))
    return;
  double times = 1;
  if (auto over = op->getAttrOfType<AxesAttr>("over"); over && !operands.empty()) {
    for (const std::string &axis : over.strings())
      if (const Axis *a = operands[0].type.find(axis))
        times *= double(a->size);
    times = std::max(1.0, std::log2(times));
  }
  for (Array &array : results)
    for (double &x : array.data)
      if (isReal(array.type.element) && std::isfinite(x)) {
        double size = name == "logsumexp"     ? 1
                      : name == "log_softmax" ? std::max(1.0, std::fabs(x))
                                              : std::fabs(x);
        x += std::ldexp(size * times, -24) * anyRounding(random);
      }
}

/// One program, by the evaluator or compiled.
class Side {
public:
  Side(Request request, bool isCompiled) {
    request.f64 = !isCompiled;
    driver = std::make_unique<Driver>(request);
    driver->check();
    if (!isCompiled) {
      forward = driver->module().clone();
      driver->runPasses("grad");
      return;
    }
    for (auto entry : llvm::make_early_inc_range(driver->module().getOps<mlir::func::FuncOp>()))
      if (entry.getName() != "gradients" && entry.getName() != "train")
        entry.erase();
    driver->runPasses();
    compiled = driver->load(1);
  }
  mlir::ModuleOp module() { return driver->module(); }
  /// Before differentiation; of the evaluator's side.
  mlir::ModuleOp undifferentiated() { return *forward; }

  /// "loss" and the gradient of each parameter.
  NamedArrays gradients(const ObjectiveWorld &world) { return run("gradients", world).first; }
  /// The same by a step: its optimiser puts gradients in the place of weights.
  NamedArrays step(const ObjectiveWorld &world, const NamedArrays &like) {
    auto [out, states] = run("train", world);
    NamedArrays result{{"loss", out.at("loss")}};
    for (auto &[name, array] : like)
      if (name != "loss")
        result[name] = states.at(name);
    return result;
  }

  /// By the evaluator: on numbers that are wrong in the 24th bit, each op rounded to it too.
  NamedArrays rounded(const ObjectiveWorld &world, uint64_t seed) {
    ObjectiveWorld wrong = nudged(world, seed);
    std::mt19937_64 random(seed);
    Evaluator evaluator(driver->module());
    evaluator.observe = [&](mlir::Operation *op, const Arrays &operands, Arrays &results) {
      roundResults(op, operands, results, random);
    };
    return evaluator.run("gradients", wrong.states, wrong.inputs);
  }

private:
  std::pair<NamedArrays, NamedArrays> run(const std::string &entry, const ObjectiveWorld &world) {
    NamedArrays states = world.states;
    NamedArrays out = compiled ? compiled->run(entry, states, world.inputs)
                               : Evaluator(driver->module()).run(entry, states, world.inputs);
    return {out, states};
  }
  std::unique_ptr<Driver> driver;
  mlir::OwningOpRef<mlir::ModuleOp> forward;
  std::unique_ptr<Loaded> compiled;
};

/// What was found for one objective and one case, the worst over the sizes.
struct LossFinding {
  double value = 0, truth = 0;              // at the size with the worst error
  double valueError = 0, gradientError = 0; // as if 1e-4 and 1e-5 were allowed
  double worst = 0;                         // 1: just allowed
  std::string broken, where;                // which law does not hold; the size
  bool isThere = false;
  bool isWrong() const { return !(worst <= 1) || !broken.empty(); }
};

class Comparison {
public:
  Comparison(LossFinding &finding, const std::string &where) : finding(finding), where(where) {}

  void fail(const std::string &what) {
    if (finding.broken.empty()) {
      finding.broken = what;
      finding.where = where;
    }
  }

  /// Loss and gradients against the truth; `moved` is the truth with rounding.
  void hold(const NamedArrays &got, const NamedArrays &truth,
            const std::vector<NamedArrays> &moved) {
    finding.isThere = true;
    double loss = got.at("loss").data[0], exact = truth.at("loss").data[0];
    if (std::isnan(exact))
      return fail("the loss is not a number");
    if (std::fabs(exact) > largest) {
      if (!(std::fabs(loss) > largest))
        fail("must be inf");
      return;
    }
    double change = 0;
    for (const NamedArrays &other : moved)
      change = std::max(change, distance(other.at("loss").data[0], exact));
    note(std::fabs(loss - exact), std::max(allowedValue * std::fabs(exact), timesRounding * change),
         allowedValue, finding.valueError, loss, exact);
    for (auto &[name, array] : truth)
      if (name != "loss")
        holdGradient(name, inOrder(got.at(name), array.type), array, moved, loss, exact);
  }

private:
  LossFinding &finding;
  const std::string &where;

  static double distance(double x, double y) {
    double d = std::fabs(x - y);
    return std::isfinite(d) ? d : 0;
  }

  /// Shown is the error had `usual` been allowed.
  void note(double error, double allowed, double usual, double &shown, double got, double exact) {
    double share = std::isnan(error) ? INFINITY : error == 0 ? 0 : error / (allowed + smallest);
    shown = std::max(shown, share * usual);
    if (share > finding.worst || finding.where.empty()) {
      finding.worst = std::max(finding.worst, share);
      finding.value = got;
      finding.truth = exact;
      if (finding.broken.empty())
        finding.where = where;
    }
  }

  /// Row by row: of a table, what one token's logits get.
  void holdGradient(const std::string &name, const Array &got, const Array &exact,
                    const std::vector<NamedArrays> &moved, double loss, double exactLoss) {
    size_t columns = exact.type.axes.empty() ? 1 : size_t(exact.type.axes.back().size);
    std::vector<Array> others;
    for (const NamedArrays &other : moved)
      others.push_back(inOrder(other.at(name), exact.type));
    for (size_t row = 0; row < exact.data.size(); row += columns) {
      double size = 0, change = 0, error = 0;
      for (size_t i = row; i < row + columns; ++i) {
        if (std::isnan(exact.data[i]))
          return fail("the gradient of " + name + " is not a number");
        size = std::max(size, std::fabs(exact.data[i]));
        for (const Array &other : others)
          change = std::max(change, distance(other.data[i], exact.data[i]));
        double gap = got.data[i] == exact.data[i] ? 0 : std::fabs(got.data[i] - exact.data[i]);
        error = std::isnan(error) || std::isnan(gap) ? NAN : std::max(error, gap);
      }
      if (size > largest)
        continue; // no f32
      note(error, std::max(allowedGradient * size, timesRounding * change), allowedGradient,
           finding.gradientError, loss, exactLoss);
    }
  }
};

bool sameBits(const NamedArrays &x, const NamedArrays &y) {
  for (auto &[name, array] : x)
    if (std::memcmp(array.data.data(), y.at(name).data.data(), array.data.size() * 8) != 0)
      return false;
  return true;
}

bool allZero(const NamedArrays &arrays) {
  for (auto &[name, array] : arrays)
    for (double x : array.data)
      if (x != 0)
        return false;
  return true;
}

class LossChecking {
public:
  explicit LossChecking(const ObjectiveCheck &check) : check(check), file(check.request) {}

  bool run() {
    auto begin = std::chrono::steady_clock::now();
    if (file.programs.empty())
      return true;
    size_t right = 0;
    for (const ObjectiveProgram &program : file.programs)
      right += checkOne(program);
    std::cout << fmt::format(
        "{}: {} of {} objectives right, {:.1f} s\n", check.request.file, right,
        file.programs.size(),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return right == file.programs.size();
  }

private:
  const ObjectiveCheck &check;
  ObjectiveFile file;
  std::map<std::string, LossFinding> findings; // by case
  std::string coupled;                         // why it is not taken in pieces
  bool headIsPrinted = false;

  std::vector<ObjectiveSizes> sizes() const {
    if (check.columns.empty())
      return {{4, 5, 7}, {1, 1, 1}, {2, 3, 2}, {2, 2, 128}};
    std::vector<ObjectiveSizes> out;
    for (int columns : check.columns)
      out.push_back({4, 5, columns});
    return out;
  }

  bool checkOne(const ObjectiveProgram &program) {
    findings.clear();
    coupled.clear();
    if (!program.why.empty()) {
      std::cout << fmt::format("  {}: cannot be run: {}  WRONG\n", program.name, program.why);
      return false;
    }
    bool isFirst = true;
    for (const ObjectiveSizes &size : sizes()) {
      checkSize(program, size, isFirst);
      isFirst = false;
      if (program.isOwn)
        break; // its sizes are those of the file
    }
    return print(program);
  }

  void checkSize(const ObjectiveProgram &program, const ObjectiveSizes &size, bool isFirst) {
    std::string where = program.isOwn ? "" : size.text();
    int pieces = isFirst && !program.isOwn && size.rows % 2 == 0 ? 2 : 1;
    Request request = file.requestFor(program, size, pieces);
    if (pieces > 1)
      if (std::string mistake = ObjectiveFile::mistakeIn(request); !mistake.empty()) {
        coupled = mistake;
        pieces = 1;
        request = file.requestFor(program, size, 1);
      }
    Side exact(request, false), compiled(request, true);
    uint64_t seed = check.seed * 1000003 + uint64_t(size.columns);
    const ObjectiveWorld benign =
        drawWorld(exact.module(), program.numbers(), program.isOwn ? 0 : size.columns, seed);
    if (isFirst)
      checkDifferences(exact, benign, where);
    for (const ObjectiveCase &one : objectiveCases()) {
      ObjectiveWorld world = benign;
      if (!one.prepare(world))
        continue;
      for (auto *arrays : {&world.states, &world.inputs})
        for (auto &[name, array] : *arrays)
          for (double &x : array.data)
            x = isReal(array.type.element) ? float(x) : x;
      ObjectiveWorld changed = world;
      if (one.change && !one.change(changed))
        continue;
      checkCase(one, world, changed, exact, compiled, pieces, where);
    }
  }

  void checkCase(const ObjectiveCase &one, const ObjectiveWorld &world,
                 const ObjectiveWorld &changed, Side &exact, Side &compiled, int pieces,
                 const std::string &where) {
    LossFinding &finding = findings[one.name];
    Comparison comparison(finding, where);
    NamedArrays truth = exact.gradients(world);
    std::vector<NamedArrays> moved;
    for (int i = 0; i < roundings; ++i)
      moved.push_back(exact.rounded(world, check.seed + i));
    NamedArrays got = compiled.gradients(world);
    comparison.hold(got, truth, moved);
    if (one.law == ObjectiveLaw::SameNumbers)
      comparison.hold(compiled.gradients(changed), truth, moved);
    if (one.law == ObjectiveLaw::SameBits && !sameBits(got, compiled.gradients(changed)))
      comparison.fail("what counts nothing changes the loss or its gradient");
    if (one.law == ObjectiveLaw::Zero && file.isPrelude() && !allZero(got))
      comparison.fail("must be 0");
    if (one.isForPieces && pieces > 1) {
      NamedArrays whole = truth;
      LossFinding inPieces;
      Comparison evaluator(inPieces, where);
      evaluator.hold(exact.step(world, truth), truth, {});
      if (!(inPieces.worst <= 1e-4)) // 1e-9 of a gradient
        comparison.fail("in pieces it is another loss");
      comparison.hold(compiled.step(world, truth), truth, moved);
    }
  }

  void checkDifferences(Side &exact, const ObjectiveWorld &benign, const std::string &where) {
    GradientCheck differences;
    differences.seed = check.seed;
    differences.directions = 2;
    differences.coordinates = 4;
    differences.inputs = benign.inputs;
    LossFinding &finding = findings["benign"];
    Comparison comparison(finding, where);
    for (const GradientRow &row : checkGradients(exact.undifferentiated(), differences))
      if (!row.ok)
        comparison.fail(fmt::format("finite differences of {} differ by {:.1e}", row.tensor,
                                    row.evaluatorError));
  }

  bool print(const ObjectiveProgram &program) {
    const LossFinding *worst = nullptr;
    std::string name;
    bool isRight = true;
    double value = 0, gradient = 0;
    for (const ObjectiveCase &one : objectiveCases()) {
      auto found = findings.find(one.name);
      if (found == findings.end())
        continue;
      const LossFinding &f = found->second;
      isRight &= !f.isWrong();
      value = std::max(value, f.valueError);
      gradient = std::max(gradient, f.gradientError);
      if (!worst || f.isWrong() > worst->isWrong() ||
          (f.isWrong() == worst->isWrong() && f.worst > worst->worst)) {
        worst = &f;
        name = one.name;
      }
    }
    if (!headIsPrinted)
      std::cout << fmt::format("  {:<20}  {:>8}  {:>8}  {}\n", "objective", "value", "gradient",
                               "worst case");
    headIsPrinted = true;
    std::string where = worst->where.empty() ? "" : " (" + worst->where + ")";
    std::cout << fmt::format("  {:<20}  {:>8.1e}  {:>8.1e}  {}{}{}  {}{}\n", program.name, value,
                             gradient, name, where,
                             worst->broken.empty() ? "" : ": " + worst->broken,
                             isRight ? "ok" : "WRONG", coupled.empty() ? "" : ", rows are coupled");
    if (check.everyCase || !isRight)
      printCases();
    std::cout << std::flush;
    return isRight;
  }

  void printCases() {
    std::cout << fmt::format("    {:<30}  {:>12}  {:>12}  {:>8}  {:>8}\n", "case", "compiled",
                             "evaluator", "value", "gradient");
    for (const ObjectiveCase &one : objectiveCases()) {
      auto found = findings.find(one.name);
      if (found == findings.end() || (!check.everyCase && !found->second.isWrong()))
        continue;
      const LossFinding &f = found->second;
      std::cout << fmt::format("    {:<30}  {:>12.5g}  {:>12.5g}  {:>8.1e}  {:>8.1e}  {}{}  {}\n",
                               one.name, f.value, f.truth, f.valueError, f.gradientError,
                               f.isWrong() ? "WRONG  " : "ok  ", f.where, f.broken);
    }
    if (!coupled.empty())
      std::cout << "    not in pieces: " << coupled << "\n";
  }
};

} // namespace

bool checkLosses(const ObjectiveCheck &check) { return LossChecking(check).run(); }

} // namespace frit
