// The order of the passes, and what a caller may ask of it.
#pragma once
#include "mlir/Pass/PassManager.h"
#include <set>
#include <string>
#include <vector>

namespace frit {

struct PipelineOptions {
  /// A pass record ("Hoist") or a stage ("grad", see stages()) after which to stop;
  /// empty: run all.
  std::string stopAfter;
  /// Pass records to leave out, for bisection.
  std::set<std::string> disabled;
  /// The second oracle: only the passes without which there is no program.
  bool naive = false;
};

/// The stages that `--emit` and `--stop-after` know, in order.
std::vector<std::string> stages();
/// What is wrong with the options, as a sentence; empty if nothing is.
std::string mistakeIn(const PipelineOptions &options);
/// Adds the passes. The options must be without mistake.
void buildPipeline(mlir::OpPassManager &manager, const PipelineOptions &options);

} // namespace frit
