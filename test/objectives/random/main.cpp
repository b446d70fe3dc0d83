// objectives-random FROM TO: random objective programs, a seed each, through the whole compiler.
// The loss and the gradient of every parameter are held against the f64 evaluator: odd files
// compiled in f64 to nine digits, even ones in f32, as users run them. SEED=n runs one seed and
// prints its program.
#include "codegen/Load.h"
#include "mlir/Pass/PassManager.h"
#include "passes/GradientCheck.h"
#include "passes/Pipeline.h"
#include "test/objectives/random/Generator.h"
#include "tools/frit/Driver.h"
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <iostream>

using namespace frit;
using namespace frit::test;

namespace {

struct World {
  NamedArrays states, inputs;
};

struct Totals {
  int programs = 0, files = 0, failures = 0, notFinite = 0;
  size_t gradients = 0;
};

Request requestFor(const RandomFile &file, bool isDouble) {
  Request request;
  request.file = "random.frit";
  request.text = file.text;
  request.gradients = true;
  request.f64 = isDouble;
  return request;
}

/// Parameters and records of about 1, answers of all lengths, some absent.
World draw(mlir::ModuleOp program, const std::string &entry, uint64_t seed, bool isDouble) {
  std::mt19937_64 random(seed);
  auto normal = [&] { return std::normal_distribution<double>()(random); };
  World world{drawStates(program, "init", seed), drawInputs(program, entry, seed)};
  for (StateOp state : program.getOps<StateOp>())
    if (state.getRole() == "parameter")
      for (double &x : world.states.at(state.getSymName().str()).data)
        x += 0.5 * normal();
  for (const char *s : {"s", "w"}) {
    auto real = world.inputs.find(std::string(s) + ".real"),
         mask = world.inputs.find(std::string(s) + ".mask");
    auto &like = mask != world.inputs.end() ? mask : real;
    if (like == world.inputs.end())
      continue;
    int64_t length = like->second.type.axes.back().size;
    for (size_t i = 0; i < like->second.data.size(); i += length) {
      int64_t here = random() % 8 == 0 ? 0 : 1 + int64_t(random() % uint64_t(length));
      int64_t prompt = here > 1 ? int64_t(random() % 2) : 0;
      for (int64_t k = 0; k < length; ++k) {
        if (real != world.inputs.end())
          real->second.data[i + k] = k < here;
        if (mask != world.inputs.end())
          mask->second.data[i + k] = k >= prompt && k < here;
      }
    }
  }
  if (!isDouble)
    for (NamedArrays *arrays : {&world.states, &world.inputs})
      for (auto &[name, array] : *arrays)
        for (double &x : array.data)
          x = isReal(array.type.element) ? float(x) : x;
  return world;
}

/// The same with all numbers wrong in the last bit of what is compiled.
World nudged(const World &from, uint64_t seed, bool isDouble) {
  World world = from;
  std::mt19937_64 random(seed);
  for (NamedArrays *arrays : {&world.states, &world.inputs})
    for (auto &[name, array] : *arrays)
      for (double &x : array.data)
        if (isReal(array.type.element))
          x *= 1 + std::ldexp(random() & 1 ? 1.0 : -1.0, isDouble ? -53 : -24);
  return world;
}

NamedArrays evaluate(mlir::ModuleOp program, const std::string &entry, const World &world) {
  NamedArrays states = world.states;
  return Evaluator(program).run(entry, states, world.inputs);
}

/// What is wrong; empty if nothing.
std::string compare(const NamedArrays &got, const NamedArrays &truth,
                    const std::vector<NamedArrays> &moved, bool isDouble) {
  // Rounding of a program of some hundred ops, and of what it cancels.
  const double relative = isDouble ? 1e-9 : 2e-5, floor = isDouble ? 1e-12 : 2e-6;
  double all = 1e-3;
  for (auto &[name, array] : truth)
    for (double x : array.data)
      all = std::max(all, std::fabs(x));
  for (auto &[name, array] : truth) {
    Array mine = inOrder(got.at(name), array.type);
    double size = 0, change = 0;
    for (size_t i = 0; i < array.data.size(); ++i) {
      size = std::max(size, std::fabs(array.data[i]));
      for (const NamedArrays &other : moved)
        change = std::max(change,
                          std::fabs(inOrder(other.at(name), array.type).data[i] - array.data[i]));
    }
    double allowed = relative * size + floor * all + 32 * change;
    for (size_t i = 0; i < array.data.size(); ++i)
      if (!(std::fabs(mine.data[i] - array.data[i]) <= allowed))
        return fmt::format(
            "{}[{}]: compiled {:.9g}, evaluator {:.9g}, {:.1e} apart, allowed {:.1e}", name, i,
            mine.data[i], array.data[i], std::fabs(mine.data[i] - array.data[i]), allowed);
  }
  return "";
}

bool isFinite(const NamedArrays &arrays) {
  for (auto &[name, array] : arrays)
    for (double x : array.data)
      if (!std::isfinite(x))
        return false;
  return true;
}

/// The evaluator's and the compiled program of one file.
struct Sides {
  Driver driver;
  mlir::OwningOpRef<mlir::ModuleOp> exact; // with the backward program as ops, as written
  std::unique_ptr<Loaded> code;

  Sides(const RandomFile &file, bool isDouble) : driver(requestFor(file, isDouble)) {
    driver.check();
    for (auto entry : llvm::make_early_inc_range(driver.module().getOps<mlir::func::FuncOp>()))
      if (!entry.getName().starts_with("gradients") && entry.getName() != "init")
        entry.erase();
    exact = driver.module().clone();
    mlir::PassManager manager(&driver.mlirContext());
    PipelineOptions untilGradients;
    untilGradients.stopAfter = "grad";
    buildPipeline(manager, untilGradients);
    if (mlir::failed(manager.run(*exact)))
      throw FritBug{"differentiation failed"};
    driver.module().lookupSymbol<mlir::func::FuncOp>("init").erase();
    driver.runPasses();
    CompileOptions options;
    options.optLevel = 0; // two thirds of the time; Frit's own passes are the same
    auto level = compileLevel(driver.module(), Target::host(), options);
    if (!level)
      throw FritBug{llvm::toString(level.takeError())};
    auto loaded = Loaded::load(*level, 1);
    if (!loaded)
      throw FritBug{llvm::toString(loaded.takeError())};
    code = std::move(*loaded);
  }
};

void runFile(const RandomFile &file, Totals &totals) {
  bool isDouble = file.seeds[0] / seedsPerFile % 2 == 1;
  auto fail = [&](uint64_t seed, const std::string &what) {
    ++totals.failures;
    std::cout << fmt::format("seed {}: {}\n{}\nSEED={} reproduces it\n", seed, what,
                             randomFile({seed}).text, seed)
              << std::flush;
  };
  std::unique_ptr<Sides> sides;
  try {
    sides = std::make_unique<Sides>(file, isDouble);
  } catch (const UserError &) {
    return fail(file.seeds[0], "or another of its file is refused");
  } catch (const FritBug &bug) {
    return fail(file.seeds[0], "or another of its file: " + bug.message);
  }
  ++totals.files;
  for (uint64_t seed : file.seeds) {
    ++totals.programs;
    std::string entry =
        file.seeds.size() > 1 ? fmt::format("gradients.o{}", seed) : std::string("gradients");
    if (!sides->exact->lookupSymbol<mlir::func::FuncOp>(entry))
      entry = fmt::format("gradients.o{}", seed);
    try {
      for (uint64_t k = 0; k < 2; ++k) {
        World world = draw(*sides->exact, entry, seed * 31 + k, isDouble);
        NamedArrays truth = evaluate(*sides->exact, entry, world);
        if (!isFinite(truth)) {
          ++totals.notFinite;
          continue;
        }
        std::vector<NamedArrays> moved;
        for (uint64_t i = 0; i < 2; ++i)
          moved.push_back(evaluate(*sides->exact, entry, nudged(world, seed + i, isDouble)));
        NamedArrays states = world.states;
        NamedArrays got = sides->code->run(entry, states, world.inputs);
        totals.gradients += truth.size() - 1;
        if (std::string wrong = compare(got, truth, moved, isDouble); !wrong.empty()) {
          fail(seed, wrong);
          break;
        }
      }
    } catch (const std::exception &error) {
      fail(seed, error.what());
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  const char *one = std::getenv("SEED");
  if (!one && argc != 3) {
    std::cerr << "objectives-random FROM TO, or SEED=n objectives-random\n";
    return 1;
  }
  uint64_t from = std::strtoull(one ? one : argv[1], nullptr, 10),
           to = one ? from + 1 : std::strtoull(argv[2], nullptr, 10);
  Totals totals;
  auto begin = std::chrono::steady_clock::now();
  if (one)
    std::cout << randomFile({from}).text << std::flush;
  for (uint64_t seed = from; seed < to;) {
    std::vector<uint64_t> seeds{seed++};
    while (seed < to && seed % seedsPerFile != 0)
      seeds.push_back(seed++);
    runFile(randomFile(seeds), totals);
    if (totals.failures > 20)
      break;
    if (totals.programs / 500 != (totals.programs - int(seeds.size())) / 500)
      std::cerr << fmt::format("{} programs of {}\n", totals.programs, to - from);
  }
  std::cout << fmt::format(
      "{} programs of seeds {} to {} in {} files, {} gradients compared, {} draws not finite, {} "
      "failures, {:.0f} s\n",
      totals.programs, from, to - 1, totals.files, totals.gradients, totals.notFinite,
      totals.failures,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return totals.failures || totals.notFinite * 50 > totals.programs ? 1 : 0;
}
