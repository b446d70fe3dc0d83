// The memory map as a picture, for those who look rather than read.
#pragma once
#include "passes/Plan.h"

namespace frit {

/// Writes an SVG to `file`: every value of `entry` is a rectangle, from its first op to its last
/// (to the right) and from its first byte to its last (upwards), in the colour of its class. What
/// all entries share lies across the whole width. Throws UserError if the file cannot be written.
void writeMemoryPicture(const std::string &file, const Plan &plan, const std::string &entry,
                        const std::string &title);

} // namespace frit
