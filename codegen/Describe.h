// What a compiled level says about itself to the runtime: the JSON of docs/abi.md.
#pragma once
#include "passes/PlanMemory.h"

namespace frit {

/// States, scalars and entries with their places in the arena, merged into the module's
/// `frit.metadata` (program, config, data, training, ...).
std::string describe(mlir::ModuleOp program, const Plan &plan);

} // namespace frit
