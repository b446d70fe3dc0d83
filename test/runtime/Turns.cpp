// Whose step it is, and how many each run has done.
#include "runtime/Turns.h"
#include <catch2/catch.hpp>

using namespace frit;

static std::vector<Turn> runs(std::vector<int64_t> times) {
  std::vector<Turn> out;
  for (int64_t n : times) {
    Turn turn;
    turn.name = std::to_string(out.size());
    turn.times = n;
    out.push_back(turn);
  }
  return out;
}

TEST_CASE("T12: turns follow from the number of the step") {
  Turns turns(runs({3, 1, 2}));
  std::vector<size_t> order;
  for (int64_t step = 0; step < 8; ++step)
    order.push_back(turns.at(step));
  CHECK(order == std::vector<size_t>{0, 0, 0, 1, 2, 2, 0, 0});
  CHECK(turns.round() == 6);
  for (int64_t steps = 0; steps < 30; ++steps) {
    std::vector<int64_t> counts(3);
    for (int64_t step = 0; step < steps; ++step)
      ++counts[turns.at(step)];
    for (size_t run = 0; run < 3; ++run)
      CHECK(turns.before(run, steps) == counts[run]);
  }
  Turns one(runs({1}));
  CHECK(one.at(7) == 0);
  CHECK(one.before(0, 7) == 7);
}
