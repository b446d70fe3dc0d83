// From logits and a random number to a token.
#pragma once
#include <cstdint>

namespace frit {

struct Sampler {
  double temperature = 1; // 0: the most likely token
  int64_t topK = 0;       // only the k most likely; 0: all
  double topP = 1;        // only the most likely ones that together have probability p

  /// `random` in [0, 1). Ties go to the smaller token, so that a choice depends on nothing else.
  int32_t choose(const float *logits, int64_t vocabulary, double random) const;
};

} // namespace frit
