// The divergences of a file, compiled, on the inputs where such code goes wrong, held against the
// truth.
#pragma once
#include "tools/frit/ObjectiveCheck.h"

namespace frit {

/// Prints the table; whether all is right.
bool checkDivergences(const ObjectiveCheck &check);

} // namespace frit
