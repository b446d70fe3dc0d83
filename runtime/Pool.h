// The threads that run an entry together: one fork per entry, barriers inside.
#pragma once
#include "runtime/Abi.h"
#include <atomic>
#include <thread>
#include <vector>

namespace frit {

/// A meeting point for a fixed number of threads. Those who wait spin for about 50 µs (most kernels
/// end together) and then sleep, so that a busy machine or a long wait costs no processor.
class Barrier {
public:
  /// `spin` false: sleep at once (more threads than processors).
  Barrier(int32_t threads, bool spin) : threads(threads), spin(spin) {}
  void arrive();

private:
  const int32_t threads;
  const bool spin;
  alignas(64) std::atomic<int32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> generation{0};
  alignas(64) std::atomic<int32_t> sleepers{0};
};

/// `threads` threads, the caller being number 0. Nothing is pinned.
class Pool {
public:
  explicit Pool(int32_t threads);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  /// Calls run(context, thread) on every thread and returns when all have. Sets the context's
  /// `threads` and `pool`.
  void run(FritRun run, FritContext *context);
  int32_t size() const { return threads; }
  Barrier barrier;

private:
  void work(int32_t thread);

  const int32_t threads;
  Barrier start, finish;
  FritRun task = nullptr; // null: the workers leave
  FritContext *context = nullptr;
  std::vector<std::thread> workers;
};

/// Physical cores this process may use: its affinity mask without second hardware threads, and no
/// more than its control group's quota.
int32_t availableCores();

} // namespace frit
