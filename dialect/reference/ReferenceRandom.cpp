// Random numbers as dialect/ops/Random.td states them. Philox4x32-10: Salmon, Moraes, Dror, Shaw,
// "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#include "dialect/reference/Evaluator.h"
#include "dialect/reference/Walk.h"
#include <array>
#include <cmath>
#include <numbers>

namespace frit {

using Words = std::array<uint32_t, 4>;

static Words philox(Words counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53) * counter[0], b = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key0, uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ key1, uint32_t(a)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

Arrays RandomOp::evaluate(const Arrays &keys, Evaluator &) {
  auto word = [&](size_t i) { return uint32_t(int64_t(keys[i].data[0])); };
  uint32_t mix = 0;
  for (size_t i = 2; i < keys.size(); ++i)
    mix = mix * 0x9E3779B1u + word(i) + 1;
  Array out(typeOf(getResult()));
  ValueType asWritten{out.type.element, {}};
  for (const std::string &axis : getAxes().strings())
    asWritten.axes.push_back(*out.type.find(axis));
  bool normal = getDistribution() == "normal";
  Walk walk(out.type.axes);
  const int64_t &element = walk.in(asWritten), &to = walk.in(out.type);
  walk.each([&] {
    uint64_t block = uint64_t(element) / 4;
    Words words = philox({uint32_t(block), word(1), mix, uint32_t(block >> 32)}, word(0),
                         uint32_t(getSite()));
    size_t lane = element % 4;
    auto uniform = [&](size_t i) { return double(words[i] >> 8) * 0x1p-24; };
    if (!normal) {
      out.data[to] = uniform(lane);
      return;
    }
    size_t pair = lane & ~size_t(1);
    double radius = std::sqrt(-2 * std::log(uniform(pair) + 0x1p-24));
    double angle = 2 * std::numbers::pi * uniform(pair + 1);
    out.data[to] = radius * (lane == pair ? std::cos(angle) : std::sin(angle));
  });
  return {out};
}

} // namespace frit
