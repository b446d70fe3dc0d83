// The one allocation of a program.
#pragma once
#include <cstddef>
#include <cstdint>

namespace frit {

/// `bytes` zeroed bytes from the system, aligned for huge pages, with a page behind it that nobody
/// may touch. Pages become real when first written.
class Arena {
public:
  explicit Arena(int64_t bytes);
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  uint8_t *data() const { return base; }
  int64_t size() const { return bytes; }
  /// Bytes of the arena that are in memory now, in whole pages.
  int64_t resident() const;

private:
  int64_t bytes;
  uint8_t *base;
  size_t mapped; // usable length, whole pages
};

} // namespace frit
