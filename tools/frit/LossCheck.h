// frit check --objective, the half about objectives: each compiled in f32 and held against the f64
// evaluator, loss and gradients, on the numbers where such code goes wrong. See DivergenceCheck.h
// for divergences.
#pragma once
#include "tools/frit/ObjectiveCheck.h"

namespace frit {

/// Prints the table; whether all is right. What declares and trains no objective prints nothing.
bool checkLosses(const ObjectiveCheck &check);

} // namespace frit
