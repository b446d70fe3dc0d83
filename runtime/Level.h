// Which instruction-set level of a program runs here.
#pragma once
#include "runtime/Abi.h"
#include <string>

namespace frit {

/// Can this processor (and its operating system) run code of that level? False for unknown names.
bool processorHas(const std::string &isa);

/// The first level the processor can run, or the one named by the environment variable FRIT_ISA.
/// Fails with what the program has and what the processor has.
const FritLevel &chooseLevel(const FritLevel *const *levels);

} // namespace frit
