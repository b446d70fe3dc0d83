#include "runtime/Pool.h"
#include "runtime/Arena.h"
#include <catch2/catch.hpp>
#include <cstring>

using namespace frit;

// The arena holds one counter per thread and phase. In every phase each thread checks that all
// others finished the phase before, and then leaves its own mark.
static constexpr int phases = 200;

static void phaseWork(FritContext *context, int32_t thread) {
  int32_t *marks = reinterpret_cast<int32_t *>(context->arena);
  for (int phase = 0; phase < phases; ++phase) {
    for (int other = 0; phase > 0 && other < context->threads; ++other)
      if (marks[(phase - 1) * context->threads + other] != phase)
        marks[phases * context->threads] = 1; // seen too early
    marks[phase * context->threads + thread] = phase + 1;
    frit_barrier(context);
  }
}

TEST_CASE("no thread passes a barrier before all have arrived") {
  for (int32_t threads : {1, 2, 3, 8}) { // more than the machine has cores, too
    Arena arena((phases * threads + 1) * 4);
    Pool pool(threads);
    FritContext context{arena.data(), 0, nullptr};
    for (int run = 0; run < 20; ++run) {
      std::memset(arena.data(), 0, size_t(arena.size()));
      pool.run(phaseWork, &context);
      const int32_t *marks = reinterpret_cast<const int32_t *>(arena.data());
      REQUIRE(context.threads == threads);
      REQUIRE(marks[phases * threads] == 0);
      for (int i = 0; i < threads; ++i)
        REQUIRE(marks[(phases - 1) * threads + i] == phases);
    }
  }
}

TEST_CASE("threads that slept between two runs wake up") {
  Arena arena((phases * 2 + 1) * 4);
  Pool pool(2);
  FritContext context{arena.data(), 0, nullptr};
  for (int run = 0; run < 3; ++run) {
    std::memset(arena.data(), 0, size_t(arena.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5)); // well past the spinning
    pool.run(phaseWork, &context);
    CHECK(reinterpret_cast<const int32_t *>(arena.data())[phases * 2 - 1] == phases);
  }
}

TEST_CASE("an arena is zero, aligned, and real only where it was written") {
  Arena arena(int64_t(64) << 20);
  CHECK(reinterpret_cast<uintptr_t>(arena.data()) % 64 == 0);
  CHECK(arena.data()[arena.size() - 1] == 0);
  CHECK(arena.resident() <= int64_t(4) << 20);
  std::memset(arena.data(), 1, size_t(arena.size()));
  CHECK(arena.resident() == arena.size());
}

TEST_CASE("there is at least one core") { CHECK(availableCores() >= 1); }
