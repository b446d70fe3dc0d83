#include "runtime/Philox.h"
#include <catch2/catch.hpp>

using namespace frit;

TEST_CASE("philox4x32-10 gives the published known answers") {
  // The vectors that accompany the paper's library (Random123, kat_vectors).
  CHECK(philox({0, 0, 0, 0}, {0, 0}) ==
        PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("bounded draws stay below their bound and reach both ends") {
  CHECK(below(0, 10) == 0);
  CHECK(below(~uint64_t(0), 10) == 9);
  CHECK(below(uint64_t(1) << 63, 10) == 5);
  CHECK(unit(0) == 0);
  CHECK(unit(~uint64_t(0)) < 1);
}

TEST_CASE("uses of random numbers do not share them") {
  CHECK(draw(1, Stream::Window, 3, 4) == draw(1, Stream::Window, 3, 4));
  CHECK(draw(1, Stream::Window, 3, 4) != draw(1, Stream::Shuffle, 3, 4));
  CHECK(draw(1, Stream::Window, 3, 4) != draw(2, Stream::Window, 3, 4));
  CHECK(draw(1, Stream::Window, 3, 4) != draw(1, Stream::Window, 4, 3));
}
