// The numbers on which code for objectives goes wrong: models that are equal, sure, far from each
// other or from zero, columns that cannot be, answers that are absent, records of anything.
#pragma once
#include "dialect/reference/Evaluator.h"
#include <functional>
#include <random>

namespace frit {

/// What an objective sees, and how its parts may be changed.
struct ObjectiveWorld {
  NamedArrays states, inputs;
  std::string batch; // the axis of rows
  int64_t columns = 0;
  std::vector<std::string> tables;    // states: logits of the next token, by token
  std::vector<std::string> frozen;    // of those, what gets no gradient
  std::vector<std::string> weights;   // the other parameters
  std::vector<std::string> numbers;   // run-time numbers of the objective
  std::vector<std::string> sequences; // inputs NAME.ids, NAME.next, NAME.real, NAME.mask
  std::vector<std::string> records;   // inputs of reals
  std::mt19937_64 random;

  double normal() { return std::normal_distribution<double>()(random); }
  int64_t below(int64_t n) { return int64_t(random() % uint64_t(n)); }
  Array *input(const std::string &name);
  int64_t rows() const;

  /// f of each row of logits.
  void eachRow(const std::function<void(double *row, int64_t token)> &f);
  /// No token of these rows counts.
  void maskRows(const std::function<bool(int64_t)> &isMasked);
  /// Puts a number where no token counts it.
  void fillMasked(double value);
  /// Other tokens where none counts.
  void changeMaskedTokens();
  void permute();
};

/// What must hold besides agreement with the evaluator.
enum class ObjectiveLaw {
  None,
  Zero,        // nothing counts: the loss and all gradients are 0
  SameBits,    // as before the change, to a bit
  SameNumbers, // as before the change, but for rounding
};

struct ObjectiveCase {
  std::string name;
  ObjectiveLaw law = ObjectiveLaw::None;
  /// Changes benign numbers; false where the case has no meaning for this objective.
  std::function<bool(ObjectiveWorld &)> prepare;
  /// For a law: the change that must not matter.
  std::function<bool(ObjectiveWorld &)> change = {};
  bool isForPieces = false; // also run in pieces
};

const std::vector<ObjectiveCase> &objectiveCases();

/// Benign numbers: models and records normal, answers of all lengths. `program` declares states and
/// the inputs of the entry "gradients".
ObjectiveWorld drawWorld(mlir::ModuleOp program, const std::vector<std::string> &numbers,
                         int64_t columns, uint64_t seed);

/// From -1 to -1/2 or from 1/2 to 1: never small, and two hardly cancel.
double anyRounding(std::mt19937_64 &random);

/// The same world with numbers wrong in the 24th bit: what an f32 may be taken for. Logits move by
/// their distance from the largest of their row, as softmax sees no more of them.
ObjectiveWorld nudged(const ObjectiveWorld &world, uint64_t seed);

} // namespace frit
