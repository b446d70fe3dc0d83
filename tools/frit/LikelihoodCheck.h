// nll, entropy and cross_entropy of categoricals, compiled, against the truth, as divergences are.
#pragma once
#include "tools/frit/DivergenceLaws.h"

namespace frit {

struct LikelihoodReport {
  std::string name;
  std::map<std::string, DivergenceFinding> findings; // by case
};
std::vector<LikelihoodReport> checkLikelihoods(const Request &request, uint64_t seed,
                                               const std::vector<int> &columns);

} // namespace frit
