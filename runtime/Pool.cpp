// A spinning barrier, and a pool made of three of them: start, inside (frit_barrier), finish.
#include "runtime/Pool.h"
#include "runtime/Error.h"
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <immintrin.h>
#include <linux/futex.h>
#include <sched.h>
#include <set>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

using namespace frit;

static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);

static void sleepWhile(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

static void wakeAll(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

void Barrier::arrive() {
  if (threads == 1)
    return;
  uint32_t now = generation.load(std::memory_order_acquire);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
    arrived.store(0, std::memory_order_relaxed);
    // Sequentially consistent with `sleepers`: either we see the sleeper, or it sees the new
    // generation and does not sleep.
    generation.store(now + 1, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) != 0)
      wakeAll(generation);
    return;
  }
  if (spin) {
    auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    do {
      // Reading the clock costs as much as a pause or two; look at it once in a while.
      for (int i = 0; i < 32; ++i) {
        if (generation.load(std::memory_order_acquire) != now)
          return;
        _mm_pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (generation.load(std::memory_order_seq_cst) == now)
    sleepWhile(generation, now);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

static int processorsInMask() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
}

Pool::Pool(int32_t threads)
    : barrier(threads, threads <= processorsInMask()), threads(threads),
      start(threads, threads <= processorsInMask()),
      finish(threads, threads <= processorsInMask()) {
  try {
    for (int32_t thread = 1; thread < threads; ++thread)
      workers.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error &error) {
    // The threads already made wait for a start that cannot come; leaving them is all we can do.
    for (std::thread &worker : workers)
      worker.detach();
    fail("cannot start {} threads: {}", threads, error.what());
  }
}

Pool::~Pool() {
  task = nullptr;
  start.arrive();
  for (std::thread &worker : workers)
    worker.join();
}

void Pool::work(int32_t thread) {
  while (true) {
    start.arrive();
    if (!task)
      return;
    task(context, thread);
    finish.arrive();
  }
}

void Pool::run(FritRun run, FritContext *shared) {
  shared->threads = threads;
  shared->pool = this;
  task = run;
  context = shared;
  start.arrive();
  run(shared, 0);
  finish.arrive();
}

extern "C" void frit_barrier(FritContext *context) {
  static_cast<Pool *>(context->pool)->barrier.arrive();
}

/// Whole processors granted by the control group, or a large number.
static int groupQuota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0)
    return INT32_MAX;
  return std::max(1, int(std::strtod(quota.c_str(), nullptr) / period + 0.5));
}

int32_t frit::availableCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0)
    return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask))
      continue;
    std::ifstream file(
        fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    std::string siblings;
    cores.insert(std::getline(file, siblings) ? siblings : fmt::format("cpu{}", cpu));
  }
  return std::max(1, std::min(int(cores.size()), groupQuota()));
}
