// Values and gradients of random programs: what all passes, the memory plan and the kernels make of
// them, on one and two threads, against the evaluator on the program as it is differentiated. (The
// same generator's gradients are held against finite differences in test/passes/random.cpp.)
#include "codegen/Load.h"
#include "test/passes/RandomProgram.h"

using namespace frit;

namespace {

NamedArrays evaluate(mlir::ModuleOp module, NamedArrays states, const NamedArrays &inputs) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  mlir::PassManager passes(module.getContext());
  passes.addPass(createDifferentiate());
  REQUIRE(mlir::succeeded(passes.run(*copy)));
  return Evaluator(*copy).run("gradients", states, inputs);
}

/// The largest difference, relative to the largest number of its array: sums go in another order.
double distance(const NamedArrays &given, const NamedArrays &wanted) {
  double worst = 0;
  for (auto &[name, array] : wanted) {
    Array other = inOrder(given.at(name), array.type);
    double largest = 1;
    for (double x : array.data)
      if (std::isfinite(x))
        largest = std::max(largest, std::fabs(x));
    for (size_t i = 0; i < array.data.size(); ++i) {
      double x = other.data[i], y = array.data[i];
      if (std::isnan(x) != std::isnan(y))
        return std::numeric_limits<double>::infinity();
      if (!std::isnan(y) && x != y)
        worst = std::max(worst, std::fabs(x - y) / largest);
    }
  }
  return worst;
}

constexpr double tolerance = 1e-9;

/// Whether numbers that differ in their last digits give another result: two values that are equal
/// are sorted or compared. There the compiled program may fall to the other side.
bool isAtKink(mlir::ModuleOp module, const NamedArrays &states, const NamedArrays &inputs,
              const NamedArrays &wanted) {
  std::mt19937 random(1);
  for (int attempt = 0; attempt < 8; ++attempt) {
    NamedArrays near = states, nearInputs = inputs;
    for (NamedArrays *arrays : {&near, &nearInputs})
      for (auto &[name, array] : *arrays)
        if (isReal(array.type.element))
          for (double &x : array.data)
            x += 1e-13 * (double(random() % 2001) / 1000 - 1);
    if (distance(evaluate(module, near, nearInputs), wanted) > tolerance / 10)
      return true;
  }
  return false;
}

/// False if the point proves nothing.
bool isRight(uint64_t seed) {
  // Below, at and above the widths of registers.
  static const int64_t sizes[][2] = {{2, 3}, {3, 8}, {9, 2}, {4, 17}};
  auto [first, second] = sizes[seed % 4];
  RandomProgram generator(seed, first, second);
  mlir::DialectRegistry registry;
  registerCodegenDialects(registry);
  generator.p.context.appendDialectRegistry(registry);
  generator.p.context.loadAllAvailableDialects();
  generator.make();
  mlir::ModuleOp module = *generator.p.module;
  INFO("seed " << seed << "\n" << generator.p.text());
  NamedArrays states = drawStates(module, "init", seed);
  NamedArrays inputs = drawInputs(module, "gradients", seed + 1);
  NamedArrays wanted = evaluate(module, states, inputs);
  mlir::OwningOpRef<mlir::ModuleOp> asWritten = module.clone();

  mlir::PassManager passes(module.getContext());
  buildPipeline(passes, {});
  REQUIRE(mlir::succeeded(passes.run(module)));
  CompileOptions options;
  options.worthSharing = seed % 3 == 0 ? 0 : 30; // all kernels are shared, or those not tiny
  auto level = compileLevel(module, Target::host(), options);
  if (!level)
    FAIL(llvm::toString(level.takeError()));
  REQUIRE(checkPlan(module, level->plan) == "");
  NamedArrays alone;
  for (int threads : {1, 2}) {
    INFO(threads << " threads, after all passes:\n" << generator.p.text());
    auto loaded = Loaded::load(*level, threads);
    if (!loaded)
      FAIL(llvm::toString(loaded.takeError()));
    NamedArrays after = states;
    NamedArrays outputs = (*loaded)->run("gradients", after, inputs);
    double error = distance(outputs, wanted);
    if (error > tolerance && isAtKink(*asWritten, states, inputs, wanted))
      return false;
    REQUIRE(error <= tolerance);
    if (threads == 1)
      alone = outputs;
    for (auto &[name, array] : outputs)
      REQUIRE(std::memcmp(array.data.data(), alone.at(name).data.data(), 8 * array.data.size()) ==
              0);
  }
  return true;
}

void requireSeeds(uint64_t last) {
  uint64_t kinks = 0;
  for (uint64_t seed = 1; seed <= last; ++seed)
    kinks += !isRight(seed);
  INFO(kinks << " of " << last << " programs stand at a kink");
  CHECK(kinks * 20 < last);
}

} // namespace

TEST_CASE("random programs of seeds 1 to 40, compiled", "[some]") { requireSeeds(40); }
TEST_CASE("random programs of seeds 1 to 500, compiled", "[all]") { requireSeeds(500); }
