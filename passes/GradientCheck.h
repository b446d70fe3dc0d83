// Gradients against finite differences, tensor by tensor: the differentiated graph run by the
// reference evaluator, the loss of the undifferentiated graph at nearby points, and (if given) what
// compiled code says.
#pragma once
#include "dialect/reference/Evaluator.h"
#include <functional>

namespace frit {

struct GradientCheck {
  /// An entry that returns the objective and the results of its one frit.gradient.
  std::string entry = "gradients";
  /// The entry that makes the states; if there is none, states are drawn.
  std::string init = "init";
  uint64_t seed = 1;
  int directions = 4, coordinates = 16; // per tensor
  double tolerance = 1e-6;              // relative
  /// Makes the backward program, in place; false after an error. Differentiate alone by default.
  std::function<bool(mlir::ModuleOp)> differentiate;
  /// Inputs that must not be drawn.
  NamedArrays inputs;
  /// Outputs of the compiled entry, by name, for the states and inputs that were drawn.
  std::function<NamedArrays(const NamedArrays &states, const NamedArrays &inputs)> compiled;
};

/// One tensor. Errors are relative to the larger of the two numbers, the root mean square of the
/// gradient, and 1e-5 of the loss (what is below drowns in the rounding of the loss).
struct GradientRow {
  std::string tensor;
  double evaluatorError = 0;                // evaluator against finite differences, the largest
  std::optional<double> compiledError = {}; // compiled against evaluator, the largest
  int points = 0;                           // compared
  int kinks = 0;                            // points given up because the loss bends there
  bool ok = false;
};

/// Rows in the order of frit.gradient's values. Throws an EvaluationError if the module has no such
/// entry or cannot be run.
std::vector<GradientRow> checkGradients(mlir::ModuleOp module, const GradientCheck &check);

/// Random inputs of an entry, by type: reals normal, i1 fair, i32 below the axis that they index.
NamedArrays drawInputs(mlir::ModuleOp module, const std::string &entry, uint64_t seed);
/// States as `init` makes them (or drawn), with a little noise on the parameters, so that no
/// gradient is zero only because a weight starts there.
NamedArrays drawStates(mlir::ModuleOp module, const std::string &init, uint64_t seed);

} // namespace frit
