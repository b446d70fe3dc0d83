// Random programs (RandomProgram.h). Each gradient is held against finite differences, with
// Differentiate alone and with all passes around it. A failure names its seed.
#include "test/passes/RandomProgram.h"

using namespace frit;

namespace {

void requireSeeds(uint64_t from, uint64_t to) {
  GradientCheck check;
  check.directions = 2;
  check.coordinates = 3;
  int points = 0, kinks = 0;
  for (uint64_t seed = from; seed < to; ++seed) {
    INFO("seed " << seed);
    RandomProgram generator(seed);
    generator.make();
    check.seed = seed;
    for (const GradientRow &row : requireGradients(generator.p, check)) {
      points += row.points;
      kinks += row.kinks;
    }
  }
  INFO(points << " points compared, " << kinks << " given up");
  CHECK(kinks * 20 < points);
}

} // namespace

TEST_CASE("random programs of seeds 1 to 200") { requireSeeds(1, 201); }
TEST_CASE("random programs of seeds 201 to 600") { requireSeeds(201, 601); }
