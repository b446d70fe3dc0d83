// A compiled program as a command: train, eval, sample, info, bench.
#pragma once
#include "runtime/Abi.h"

namespace frit {

/// Runs the command line `argv` (argv[0] is the name shown in help) on the first of `levels` that
/// the processor can run. Never throws. Returns the exit code: 0 done, 1 the user's mistake,
/// 3 a non-finite value under --check-finite, 70 a bug in frit, 128 + n after signal n.
int runProgram(int argc, char **argv, const FritLevel *const *levels);

} // namespace frit
