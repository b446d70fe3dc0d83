// Random numbers to the bit.
#include "test/ops/OneOp.h"
#include <catch2/catch.hpp>

namespace frit::test {

static OneOp random(const std::string &distribution, std::vector<double> keys, int64_t site,
                    std::vector<Axis> axes) {
  OneOp out{"random",
            {},
            {{"axes", axes},
             {"element", std::string("f64")},
             {"distribution", distribution},
             {"site", site}}};
  for (double key : keys)
    out.operands.push_back(Array({Element::I32, {}}, key));
  return out;
}

Cases randomCases() {
  auto top24 = [](uint32_t word) { return double(word >> 8) * 0x1p-24; };
  return {
      // The published vector of Philox4x32-10 for counter 0 and key 0.
      {random("uniform", {0, 0}, 0, {{"t", 4}}),
       {array("f64[t: 4]",
              {top24(0x6627e8d5), top24(0xe169c58d), top24(0xbc57ac4c), top24(0x9b00dbd8)})}},
      // Seed 7, step 3, loop indices 2 and 5, site 11: an independent program of ten lines.
      {random("uniform", {7, 3, 2, 5}, 11, {{"b", 2}, {"t", 3}}),
       {array("f64[b: 2, t: 3]", {0.720507800579071, 0.5050188302993774, 0.1387273073196411,
                                  0.8280436396598816, 0.18810772895812988, 0.7722790837287903})}},
      {random("normal", {7, 3, 2, 5}, 11, {{"b", 2}, {"t", 3}}),
       {array("f64[b: 2, t: 3]", {-0.8092874597753469, -0.02552872818442129, 0.9360443080704686,
                                  -1.7533711458742334, 0.2550511899370751, -1.8100909271567305})}},
  };
}

TEST_CASE("random: every key matters, and the moments are right") {
  auto first = [](std::vector<double> keys, int64_t site) {
    return evaluate(random("uniform", keys, site, {})).front().data[0];
  };
  double base = first({1, 2, 3}, 4);
  CHECK(first({9, 2, 3}, 4) != base);
  CHECK(first({1, 9, 3}, 4) != base);
  CHECK(first({1, 2, 9}, 4) != base);
  CHECK(first({1, 2, 3}, 9) != base);
  CHECK(first({1, 2, 3, 0}, 4) != base);
  for (const char *distribution : {"uniform", "normal"}) {
    Array x = evaluate(random(distribution, {1, 2}, 3, {{"t", 40000}})).front();
    double sum = 0, squares = 0;
    for (double e : x.data)
      sum += e, squares += e * e;
    double mean = sum / 40000, variance = squares / 40000 - mean * mean;
    bool normal = distribution == std::string("normal");
    CHECK(mean == Approx(normal ? 0 : 0.5).margin(0.02));
    CHECK(variance == Approx(normal ? 1 : 1 / 12.).margin(0.02));
  }
}

} // namespace frit::test
