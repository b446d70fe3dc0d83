// What a location tells the user: which layer of the model an op belongs to, and which lines of the
// program it came from. Locations are `NameLoc(layer, file:line:column)`, and fused ones of those.
#pragma once
#include "mlir/IR/Location.h"
#include <string>

namespace frit {

/// The layers, each once: "lm.blocks.mlp.up, lm.blocks.mlp.down". Backward ops have "d/" in front.
std::string layersOf(mlir::Location location);
/// The lines, each once, those of one file together: "gpt.frit:11,12".
std::string linesOf(mlir::Location location);

} // namespace frit
