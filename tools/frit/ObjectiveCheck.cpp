#include "tools/frit/ObjectiveCheck.h"
#include "tools/frit/DivergenceCheck.h"

namespace frit {

bool checkObjectives(const ObjectiveCheck &check) { return checkDivergences(check); }

} // namespace frit
