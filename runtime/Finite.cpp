// What generated code asks of a result under --check-finite.
#include "runtime/Abi.h"
#include <algorithm>
#include <cmath>

extern "C" int32_t frit_finite(const void *values, int64_t count, int32_t bytes) {
  auto all = [&](auto *x) {
    return std::all_of(x, x + count, [](auto number) { return std::isfinite(number); });
  };
  return bytes == 8 ? all(static_cast<const double *>(values))
                    : all(static_cast<const float *>(values));
}
