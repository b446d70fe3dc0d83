// Philox4x32-10: counter-based random numbers (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). A draw is a pure function of (key, counter), so any step,
// row or element can be drawn again, in any order, on any thread. Generated code inlines the same
// function; both are held against the published vectors.
#pragma once
#include <array>
#include <cstdint>

namespace frit {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

inline PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t low = uint64_t(0xD2511F53u) * counter[0];
    uint64_t high = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(high >> 32) ^ counter[1] ^ key[0], uint32_t(high),
               uint32_t(low >> 32) ^ counter[3] ^ key[1], uint32_t(low)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// What the runtime draws for; part of the key, so that no two uses share numbers.
enum class Stream : uint32_t { Window = 1, Shuffle = 2, HoldOut = 3, Sample = 4, Bench = 5 };

/// 64 random bits for (seed, stream, major, minor): key = (seed, stream),
/// counter = (major low, major high, minor low, minor high); the first two words, low word first.
inline uint64_t draw(int64_t seed, Stream stream, uint64_t major, uint64_t minor) {
  PhiloxCounter words =
      philox({uint32_t(major), uint32_t(major >> 32), uint32_t(minor), uint32_t(minor >> 32)},
             {uint32_t(seed), uint32_t(stream)});
  return words[0] | uint64_t(words[1]) << 32;
}

/// A number in [0, bound): the high word of bits * bound (bias below bound / 2^64).
inline uint64_t below(uint64_t bits, uint64_t bound) {
  return uint64_t((unsigned __int128)bits * bound >> 64);
}

/// A number in [0, 1) with 53 random bits.
inline double unit(uint64_t bits) { return double(bits >> 11) * 0x1p-53; }

} // namespace frit
