// Runs compiled entries inside this process: for gradient checks and tests.
#pragma once
#include "codegen/Compile.h"
#include "dialect/reference/Evaluator.h"

namespace frit {

/// A compiled level with an arena of its own.
class Loaded {
public:
  /// `threads` run each entry together.
  static llvm::Expected<std::unique_ptr<Loaded>> load(const Level &level, int threads = 1);
  ~Loaded();

  /// The same contract as Evaluator::run: states are read from and written back to `states`. All
  /// memory but states, scalars and inputs holds garbage when the entry begins. Throws
  /// EvaluationError where the evaluator does: at a position outside its axis.
  NamedArrays run(const std::string &entry, NamedArrays &states, const NamedArrays &inputs);
  /// Runs an entry on what the arena holds; returns seconds.
  double run(const std::string &entry);

private:
  struct State;
  std::unique_ptr<State> state;
  explicit Loaded(std::unique_ptr<State> state);
};

} // namespace frit
