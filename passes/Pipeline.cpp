// The order of the passes, one line each, with the reason for the position.
#include "passes/Pipeline.h"
#include "passes/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include <fmt/format.h>

namespace frit {

namespace {
struct Step {
  const char *name; // of the record in Passes.td
  std::unique_ptr<mlir::Pass> (*create)();
  bool isNeeded;     // without it there is no program
  const char *stage; // what `--emit` calls the graph after this step, if it has a name
};
} // namespace

// clang-format off
static const Step steps[] = {
    // What is simplified now need not be differentiated.
    {"Simplify", createSimplify, false, nullptr},
    // Every op still is one of the language, with its rule.
    {"Differentiate", createDifferentiate, true, nullptr},
    // Rules leave products with one, unused cotangents, the same forward values twice.
    {"Simplify", createSimplify, false, nullptr},
    // The backward loops have their accumulators, and nothing is fused yet.
    {"Hoist", createHoist, false, nullptr},
    // Work that left two loops may be the same work; slices and stacks may have lost their readers.
    {"Simplify", createSimplify, false, "grad"},
    // Every contraction is where it stays; groups walk along axes in memory order.
    {"Layout", createLayout, false, nullptr},
    {"Fuse", createFuse, false, "fused"},
};
// clang-format on

static std::string quoted(const std::vector<std::string> &names) {
  return fmt::format("'{}'", fmt::join(names, "', '"));
}

static std::vector<std::string> passNames() {
  std::vector<std::string> names;
  for (const Step &step : steps)
    if (!llvm::is_contained(names, step.name))
      names.push_back(step.name);
  return names;
}

std::vector<std::string> stages() {
  std::vector<std::string> names{"ops"};
  for (const Step &step : steps)
    if (step.stage)
      names.push_back(step.stage);
  return names;
}

std::string mistakeIn(const PipelineOptions &options) {
  std::vector<std::string> passes = passNames(), known = stages();
  known.insert(known.end(), passes.begin(), passes.end());
  if (!options.stopAfter.empty() && !llvm::is_contained(known, options.stopAfter))
    return fmt::format("there is no pass or stage '{}'; there are {}", options.stopAfter,
                       quoted(known));
  for (const std::string &name : options.disabled) {
    if (!llvm::is_contained(passes, name))
      return fmt::format("there is no pass '{}'; there are {}", name, quoted(passes));
    for (const Step &step : steps)
      if (step.name == name && step.isNeeded)
        return fmt::format("pass '{}' cannot be left out: there is no program without it", name);
  }
  return {};
}

void buildPipeline(mlir::OpPassManager &manager, const PipelineOptions &options) {
  if (options.stopAfter == "ops")
    return;
  // A pass that runs more than once stops after its last run.
  const Step *last = nullptr;
  for (const Step &step : steps)
    if (options.stopAfter == step.name || (step.stage && options.stopAfter == step.stage))
      last = &step;
  for (const Step &step : steps) {
    if (step.isNeeded || (!options.naive && !options.disabled.contains(step.name)))
      manager.addPass(step.create());
    if (&step == last)
      return;
  }
}

} // namespace frit
