// Whose step it is, in a program with several runs: `run masked 3` and `run tag 1` give masked,
// masked, masked, tag, masked, ... It follows from the number of the step alone, so that a resumed
// run goes on where it stopped.
#pragma once
#include "runtime/Description.h"

namespace frit {

class Turns {
public:
  explicit Turns(const std::vector<Turn> &turns);

  /// The number of the run that takes step `step` (from 0).
  size_t at(int64_t step) const;
  /// How many of the first `steps` steps are run number `turn`'s.
  int64_t before(size_t turn, int64_t steps) const;
  /// Steps until it is everyone's turn again.
  int64_t round() const { return begins.back(); }

private:
  std::vector<int64_t> begins; // of each run within a round; then the length of the round
};

} // namespace frit
