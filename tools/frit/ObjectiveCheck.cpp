#include "tools/frit/ObjectiveCheck.h"
#include "tools/frit/DivergenceCheck.h"
#include "tools/frit/LossCheck.h"

namespace frit {

bool checkObjectives(const ObjectiveCheck &check) {
  bool isRight = check.only == "objectives" || checkDivergences(check);
  return (check.only == "divergences" || checkLosses(check)) && isRight;
}

} // namespace frit
