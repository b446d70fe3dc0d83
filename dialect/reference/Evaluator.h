// Says what a program means: runs an entry in f64 with plain loops, op by op, as written. It knows
// neither passes nor lowerings; compiled code, gradients and fuzzers are held against it.
//
// i32 and i1 are whole numbers in f64; f32 and bf16 are not rounded.
#pragma once
#include "dialect/Frit.h"
#include <functional>
#include <stdexcept>

namespace frit {

/// Arrays by name: states ("lm.blocks.attn.q.weight"), inputs ("s.ids"), outputs ("loss").
using NamedArrays = std::map<std::string, Array>;

/// The program has no meaning at this point: a position outside, a missing input, an op that no
/// pass has replaced yet. `what()` begins with the op's location.
struct EvaluationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Evaluator {
public:
  explicit Evaluator(mlir::ModuleOp module) : module(module) {}

  /// Runs an entry: reads `states`, then replaces those that the entry writes; gives the outputs.
  /// Arrays may have their axes in any order; those that come out have the declared one.
  NamedArrays run(const std::string &entry, NamedArrays &states, const NamedArrays &inputs);

  /// Runs the ops of a block on its arguments; gives the operands of its terminator.
  Arrays run(mlir::Block &block, const Arrays &arguments);

  /// If set, sees every op with its operands and results as it runs, and may put other results in
  /// their place. Whoever takes finite differences keeps what `stop_gradient` gives at one value.
  std::function<void(mlir::Operation *, const Arrays &operands, Arrays &results)> observe;

private:
  Arrays evaluate(mlir::Operation &op, const Arrays &operands);
  Arrays evaluateScan(ScanOp scan, const Arrays &operands);
  const Array &lookup(mlir::Value value) const { return values.at(value); }

  mlir::ModuleOp module;
  llvm::DenseMap<mlir::Value, Array> values;
  NamedArrays *states = nullptr; // of the entry that runs
  NamedArrays writes;            // take effect at its end
};

/// One element at a time, operands aligned by axis name: the meaning of all elementwise ops.
Arrays evaluateElementwise(Elementwise op, const Arrays &operands);

/// The same array with its axes in the order of `type`.
Array inOrder(const Array &array, const ValueType &type);

/// Throws an EvaluationError at the op.
[[noreturn]] void failEvaluation(mlir::Operation *op, const std::string &message);

} // namespace frit
