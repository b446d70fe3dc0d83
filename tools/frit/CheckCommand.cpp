// frit check: is the program right? With --gradients: are its gradients?
#include "codegen/Load.h"
#include "passes/GradientCheck.h"
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include "tools/frit/ObjectiveCheck.h"
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <iostream>

namespace frit {

namespace {

/// Prints the table; whether all tensors passed.
bool printTable(const std::vector<GradientRow> &rows) {
  size_t width = 6;
  for (const GradientRow &row : rows)
    width = std::max(width, row.tensor.size());
  std::cout << fmt::format("  {:<{}}  {:>6}  {:>22}  {:>22}\n", "tensor", width, "points",
                           "evaluator - differences", "compiled - evaluator");
  bool ok = true;
  for (const GradientRow &row : rows) {
    std::string compiled = row.compiledError ? fmt::format("{:.1e}", *row.compiledError) : "-";
    std::cout << fmt::format(
        "  {:<{}}  {:>6}  {:>22}  {:>22}  {}{}\n", row.tensor, width, row.points,
        fmt::format("{:.1e}", row.evaluatorError), compiled, row.ok ? "ok" : "WRONG",
        row.kinks ? fmt::format("  ({} points at kinks left out)", row.kinks) : "");
    ok = ok && row.ok;
  }
  return ok;
}

/// The largest difference of two runs of an entry, relative to the largest number of each array, or
/// to a millionth of the largest of all (some gradients are zero but for rounding, as that of the
/// offset of attention's keys).
double difference(const NamedArrays &x, const NamedArrays &y, std::string &where) {
  double worst = 0, all = 0;
  for (const auto &[name, array] : x)
    for (double number : array.data)
      all = std::max(all, std::fabs(number));
  for (const auto &[name, array] : x) {
    Array other = inOrder(y.at(name), array.type);
    double largest = 1e-30 + 1e-6 * all, error = 0;
    for (size_t i = 0; i < array.data.size(); ++i) {
      largest = std::max(largest, std::fabs(array.data[i]));
      error = std::max(
          error, array.data[i] == other.data[i] ? 0.0 : std::fabs(array.data[i] - other.data[i]));
      if (std::isnan(array.data[i]) != std::isnan(other.data[i]))
        error = std::numeric_limits<double>::infinity();
    }
    if (error / largest > worst) {
      worst = error / largest;
      where = name;
    }
  }
  return worst;
}

/// The entries of that name, one for each run: "train", or "train.masked" and "train.tag".
std::vector<std::string> entriesOf(mlir::ModuleOp program, const std::string &name) {
  std::vector<std::string> names;
  for (auto entry : program.getOps<mlir::func::FuncOp>())
    if (entry.getSymName() == name || entry.getSymName().starts_with(name + "."))
      names.push_back(entry.getSymName().str());
  return names;
}

/// Three whole training steps, optimiser and all, compiled and by the evaluator: gradients that are
/// right by themselves may still go wrong in the company of the kernels that use them.
bool checkSteps(mlir::ModuleOp program, const std::string &entry, Loaded &compiled, uint64_t seed,
                double tolerance) {
  NamedArrays states = drawStates(program, "init", seed);
  double worst = 0;
  std::string where;
  for (int step = 0; step < 3; ++step) {
    NamedArrays inputs = drawInputs(program, entry, seed + step);
    states.at("step").data[0] = step;
    NamedArrays mine = states, exact = states;
    NamedArrays out = compiled.run(entry, mine, inputs);
    NamedArrays expected = Evaluator(program).run(entry, exact, inputs);
    std::string here;
    for (double error : {difference(expected, out, here), difference(exact, mine, here)})
      if (error > worst) {
        worst = error;
        where = here;
      }
    states = exact;
  }
  bool ok = worst <= tolerance;
  std::cout << fmt::format("  three training steps{}, compiled - evaluator: {:.1e}{}  {}\n",
                           entry == "train" ? "" : " of " + entry, worst,
                           where.empty() ? "" : " (" + where + ")", ok ? "ok" : "WRONG");
  return ok;
}

/// What --objective promises; the tables of its two halves say how near each was to that.
const char *objectiveHelp =
    R"(A table of --objective says for each divergence the largest relative error of a value
and of a gradient, as a share of what is allowed, and where it was nearest to that.
Promised of every f, at every size of the support:
  value       right to 1e-4 of it, down to values of 1e-7; never below 0; 0 for p = q
  gradient    every entry right to 1e-5 of the row's largest. An entry is p f' less p
              times the mean of f' (by q: f - u f' for f'): where f' hardly differs
              between columns that weigh anything, right to 5e-7 of p f' and q f
              instead. Rows add up to 0, to 1e-6 of their entries or 5e-7 of these
  kinks       at p = q the middle of both slopes; where log u is within 1e-6 of
              another kink of f, either slope
  parameters  the gradient by a parameter of f is right to 1e-4, as values are
  forms       all that holds of D[f + 3 (u - 1)](p || q) and D[u f(1 / u)](q || p) too
  buckets     p known at some columns, by log-probabilities, gives a lower bound, right
              to what knowing these to 1e-6 allows (where p and q leave 0.01 to others)
  bf16        with logits rounded to bf16: no further from the truth of the logits
              before than softmax, p / q and f written plainly in f32, or else right
              for the rounded logits
For `prelude` nll, log_prob, entropy and cross_entropy of categoricals are held to the
same numbers, their gradients where they are finite. What is true is computed from the
text of f, in probabilities, with 16 digits that know their error and with 77 where that
is too large.

Of objectives it says the same of the loss and of its gradient by every parameter.
Models are replaced by tables that hold what they say; each case is compiled in f32
and held against the evaluator in f64, whose gradients are held against finite
differences. More than 1e-4 and 1e-5 is allowed only where f32 forces it: up to 16
times what the truth changes by where the numbers of models, data and run, and what
each op makes of them, are wrong in the 24th bit (logits by their distance from the
largest, so that an offset of all excuses nothing). WRONG also stands where a loss or
gradient is not a number, where what does not count changes a bit of it, where the
order of rows matters, and where a step in pieces has another loss or gradient.

The exit code is 1 if anything is WRONG.
  frit check --objective my.frit            f and objectives of one's own
  frit check --objective my.frit --train mine --every-case
  frit check --objective prelude            all that come with frit)";

} // namespace

void addCheckCommand(CLI::App &app, int &exitCode) {
  struct Options {
    Request request;
    bool gradients = false;
    uint64_t seed = 1;
    double tolerance = 1e-6;
    bool objective = false, everyCase = false;
    std::string only;
    std::vector<int> columns;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("check", "check a program; with --gradients, its gradients too");
  addCompilerOptions(*command, options->request);
  command->add_flag(
      "--gradients", options->gradients,
      "compare the gradient of every parameter: compiled code, the f64 evaluator and finite "
      "differences, at the sizes of `check { }`");
  command->add_option("--seed", options->seed, "for weights, inputs and directions")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--tolerance", options->tolerance, "relative error allowed")
      ->type_name("X")
      ->capture_default_str();
  command->add_flag(
      "--objective", options->objective,
      "hold every divergence and every objective of FILE (or of the prelude: FILE is `prelude`) "
      "against its exact value and gradients, on the inputs where such code goes wrong: p near q, "
      "far apart, -inf, disjoint, sure, offset, tied, one column or many; rows that are absent, "
      "garbage in records, a step in pieces");
  command->add_flag("--every-case", options->everyCase,
                    "with --objective: a line for each case, too");
  command
      ->add_option("--columns", options->columns,
                   "with --objective: sizes of the support; default: 1,2,7,128,1000 (objectives: "
                   "1,2,7,128)")
      ->check(CLI::Range(1, 1 << 20))
      ->delimiter(',')
      ->type_name("N,...");
  command
      ->add_option("--only", options->only,
                   "with --objective: `divergences` or `objectives`; default: both")
      ->check(CLI::IsMember({"divergences", "objectives"}))
      ->type_name("WHICH");
  command->footer(objectiveHelp);
  command->callback([options, &exitCode] {
    Request &request = options->request;
    if (options->objective) {
      if (!checkObjectives(
              {request, options->seed, options->columns, options->everyCase, options->only}))
        exitCode = 1;
      return;
    }
    if (!options->gradients) {
      request.onlyCheck = true;
      Driver driver(request);
      driver.check();
      driver.runPasses("grad"); // what has no derivative is an error of the program
      std::string obstacle = driver.obstacle();
      std::cout << request.file << ": ok\n";
      if (!obstacle.empty())
        std::cout << "  but it is not compiled: " << obstacle << "\n";
      return;
    }
    auto begin = std::chrono::steady_clock::now();
    request.small = request.f64 = request.gradients = true;
    // The compiled side goes through every pass; the other two see the program as written.
    Driver compiledDriver(request);
    compiledDriver.check();
    compiledDriver.runPasses();
    std::unique_ptr<Loaded> loaded = compiledDriver.load(2);

    Driver driver(request);
    driver.check();
    GradientCheck check;
    check.seed = options->seed;
    check.tolerance = options->tolerance;
    check.compiled = [&](const NamedArrays &states, const NamedArrays &inputs) {
      NamedArrays copy = states;
      return loaded->run(check.entry, copy, inputs);
    };
    std::vector<GradientRow> rows;
    bool ok = true;
    try {
      for (const std::string &entry : entriesOf(driver.module(), check.entry)) {
        check.entry = entry;
        std::vector<GradientRow> more = checkGradients(driver.module(), check);
        ok = printTable(more) && ok;
        rows.insert(rows.end(), more.begin(), more.end());
      }
      driver.runPasses("grad"); // the evaluator needs the backward program
      for (const std::string &entry : entriesOf(driver.module(), "train"))
        ok = checkSteps(driver.module(), entry, *loaded, options->seed, 1e-9) && ok;
    } catch (const EvaluationError &error) {
      std::cerr << "frit: " << error.what() << "\n";
      throw UserError();
    }
    std::cout << fmt::format(
        "{}: {} of {} gradients right, {:.1f} s\n", request.file,
        std::count_if(rows.begin(), rows.end(), [](auto &row) { return row.ok; }), rows.size(),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    if (!ok)
      exitCode = 1;
  });
}

} // namespace frit
