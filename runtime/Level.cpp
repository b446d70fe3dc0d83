// Asks the processor itself (CPUID, XGETBV): no table of processor names, and no support library
// that a linked program would have to bring.
#include "runtime/Level.h"
#include "runtime/Error.h"
#include <cpuid.h>
#include <cstdlib>

using namespace frit;

namespace {
struct Processor {
  bool avx2 = false, avx512 = false;

  Processor() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
      return;
    bool fma = c >> 12 & 1, osxsave = c >> 27 & 1, avx = c >> 28 & 1;
    if (!osxsave || !avx)
      return;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    bool savesYmm = (low & 0x06) == 0x06, savesZmm = (low & 0xe6) == 0xe6;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
      return;
    avx2 = savesYmm && fma && (b >> 5 & 1);
    bool foundation = b >> 16 & 1, dq = b >> 17 & 1, bw = b >> 30 & 1, vl = b >> 31 & 1;
    avx512 = savesZmm && avx2 && foundation && dq && bw && vl;
  }
};
} // namespace

bool frit::processorHas(const std::string &isa) {
  static const Processor processor;
  if (isa == "baseline")
    return true;
  if (isa == "avx2")
    return processor.avx2;
  if (isa == "avx512")
    return processor.avx512;
  return false;
}

const FritLevel &frit::chooseLevel(const FritLevel *const *levels) {
  std::string has = "baseline", present;
  for (const char *isa : {"avx2", "avx512"})
    if (processorHas(isa))
      has += std::string(", ") + isa;
  for (auto level = levels; *level; ++level)
    present += (present.empty() ? "" : ", ") + std::string((*level)->isa);
  if (present.empty())
    bug("the program has no instruction-set level");

  if (const char *forced = std::getenv("FRIT_ISA"); forced && *forced) {
    for (auto level = levels; *level; ++level) {
      if (std::string((*level)->isa) != forced)
        continue;
      if (!processorHas(forced))
        fail("FRIT_ISA asks for '{}', but this processor has only {}", forced, has);
      return **level;
    }
    fail("FRIT_ISA asks for '{}', but this program was built for {}", forced, present);
  }
  for (auto level = levels; *level; ++level)
    if (processorHas((*level)->isa))
      return **level;
  fail("this program was built for {}, but this processor has only {}; build it again with "
       "--target baseline",
       present, has);
}
