// The contract between compiled programs and the runtime: the only header of the runtime that the
// compiler includes. Plain C layout, so that generated objects can emit these structures as data.
//
// A program is compiled once per instruction-set level. Each level brings its own entries and its
// own memory plan; the runtime picks the first level that the processor can run.
//
// Every byte a program touches lies in one arena: state (parameters, optimiser slots, counters),
// scalars (learning rate, steps, ...), inputs, outputs, activations, workspaces. The level's
// description (JSON, see docs/abi.md) gives the offset of each.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What an entry sees: the arena, and the pool that runs it.
struct FritContext {
  uint8_t *arena;  // 64-byte aligned; description["arena"] bytes
  int32_t threads; // number of threads that run the entry together
  void *pool;      // the runtime's own business
};

/// One entry (init, train, eval, ...). All `threads` threads call it at once with their own number;
/// inside, generated code splits each kernel by thread and separates kernels by frit_barrier.
typedef void (*FritRun)(struct FritContext *context, int32_t thread);

struct FritEntry {
  const char *name;
  FritRun run;
};

struct FritLevel {
  const char *isa;         // "avx2", "avx512" (what the processor must have), "baseline"
  const char *description; // JSON, zero terminated
  const struct FritEntry *entries;
  int64_t entryCount;
};

/// Defined by the compiled program: best level first, then a null pointer.
extern const struct FritLevel *const frit_levels[];

/// Provided by the runtime to generated code (one line each in Functions.def).
#define FRIT_FUNCTION(result, name, ...) result name(__VA_ARGS__);
#include "runtime/Functions.def"
#undef FRIT_FUNCTION

#ifdef __cplusplus
}
#endif
