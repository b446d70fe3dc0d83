#include "runtime/Sampler.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace frit;

int32_t Sampler::choose(const float *logits, int64_t vocabulary, double random) const {
  for (int64_t i = 0; i < vocabulary; ++i)
    if (std::isnan(logits[i]))
      fail("the model predicts nan: this checkpoint cannot be sampled");
  std::vector<int32_t> order(static_cast<size_t>(vocabulary));
  std::iota(order.begin(), order.end(), 0);
  auto isLikelier = [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  if (temperature == 0)
    return *std::min_element(order.begin(), order.end(), isLikelier);
  std::sort(order.begin(), order.end(), isLikelier);
  if (topK > 0 && topK < vocabulary)
    order.resize(size_t(topK));

  std::vector<double> weights;
  for (int32_t token : order)
    weights.push_back(std::exp((double(logits[token]) - double(logits[order[0]])) / temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (topP < 1) {
    double mass = 0;
    size_t kept = 0;
    while (kept < weights.size() && mass < topP * total)
      mass += weights[kept++];
    weights.resize(kept);
    total = mass;
  }
  double target = random * total;
  for (size_t i = 0; i < weights.size(); ++i) {
    target -= weights[i];
    if (target < 0)
      return order[i];
  }
  return order[weights.size() - 1];
}
