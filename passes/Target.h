// The machine a program is compiled for: what Schedule and the kernel emitters ask about a
// processor.
//
// One Target per instruction-set level. The processor is never asked for its name: virtual machines
// mask it, and the name would choose wrong tunings. Levels are chosen from feature bits, and the
// LLVM processor name that goes with a level is ours.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace frit {

struct Target {
  std::string isa;       // "baseline", "avx2", "avx512": the level, as in FritLevel
  std::string cpu;       // LLVM's processor name: features and scheduling model
  std::string features;  // LLVM feature string on top of it
  int vectorBits = 128;  // width of the registers kernels should use
  int registers = 16;    // how many of them
  bool fma = false;      // fused multiply-add in hardware (without it kernels multiply, then add)
  int64_t l1 = 32 << 10; // bytes of data cache per core
  int64_t l2 = 256 << 10;

  /// Elements of `bits` bits in one vector register.
  int lanes(int bits) const { return vectorBits / bits; }

  /// The level of that name, with cache sizes that hold for most machines of the level.
  /// Nothing when there is no such level.
  static std::optional<Target> named(std::string_view isa);

  /// The best level this machine can run, with its own cache sizes.
  static Target host();
};

inline std::optional<Target> Target::named(std::string_view isa) {
  if (isa == "baseline")
    return Target{"baseline", "x86-64", "", 128, 16, false, 32 << 10, 256 << 10};
  if (isa == "avx2")
    return Target{"avx2", "x86-64-v3", "", 256, 16, true, 32 << 10, 512 << 10};
  // LLVM prefers 256-bit registers on every processor of this level unless told otherwise.
  if (isa == "avx512")
    return Target{"avx512", "x86-64-v4", "-prefer-256-bit", 512, 32, true, 32 << 10, 1 << 20};
  return std::nullopt;
}

inline Target Target::host() {
  std::string_view best = "baseline";
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    best = "avx2";
  if (best == "avx2" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd"))
    best = "avx512";
#endif
  Target target = *named(best);
  if (long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE); l1 > 0)
    target.l1 = l1;
  if (long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE); l2 > 0)
    target.l2 = l2;
  return target;
}

} // namespace frit
