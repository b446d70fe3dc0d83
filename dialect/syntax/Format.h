// `frit fmt`: the canonical layout of a file.
//
// Decides spaces, indentation (two columns a block) and where long lines break (100 columns, where
// a break is possible). Leaves to the author: which short statements share a line, which short
// blocks stay on one line, parentheses, single blank lines, and `=` signs aligned with a
// neighbour's. Comments stay with what they stand beside. Formatting again changes nothing, and the
// tree of the result is the tree of the input.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Diagnostics.h"
#include <optional>
#include <string>

namespace frit {

/// The file in canonical layout; nothing, with errors reported, when it does not parse.
std::optional<std::string> format(const Source &source, Diagnostics &diagnostics);

} // namespace frit
