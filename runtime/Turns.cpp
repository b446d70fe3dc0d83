#include "runtime/Turns.h"
#include <algorithm>

using namespace frit;

Turns::Turns(const std::vector<Turn> &turns) : begins{0} {
  for (const Turn &turn : turns)
    begins.push_back(begins.back() + turn.times);
}

size_t Turns::at(int64_t step) const {
  auto next = std::upper_bound(begins.begin(), begins.end(), step % round());
  return size_t(next - begins.begin()) - 1;
}

int64_t Turns::before(size_t turn, int64_t steps) const {
  int64_t times = begins[turn + 1] - begins[turn];
  return steps / round() * times + std::clamp(steps % round() - begins[turn], int64_t(0), times);
}
