// frit check --objective: each divergence of a file on the inputs where such code goes wrong,
// compiled, held against the truth; each objective against the evaluator.
#pragma once
#include "tools/frit/Request.h"
#include <cstdint>

namespace frit {

struct ObjectiveCheck {
  Request request; // `file` may be "prelude"
  uint64_t seed = 1;
  std::vector<int> columns; // sizes of the support; empty: the usual ones
  bool everyCase = false;   // a line per case, also where there are many divergences
  std::string only;         // "divergences" or "objectives"; empty: both
};

/// Prints the tables; whether all is right.
bool checkObjectives(const ObjectiveCheck &check);

} // namespace frit
