// Text -> tree, by recursive descent over the grammar of docs/language.md.
//
// Promises, for any bytes at all: it returns, it does not throw, the tree is well formed (no null
// where Ast.h says none), and no tree is higher than maxHeight. After an error it goes on at the
// next statement or declaration, so independent mistakes are each reported once; what was broken is
// left out of the tree. A tree with errors is for reading (editors, more errors), not for use.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Diagnostics.h"

namespace frit {

/// The highest expression, type or nest of blocks; beyond it is an error.
constexpr uint32_t maxHeight = 200;

/// Parses one file. `source` must outlive the module.
ast::Module parse(const Source &source, Diagnostics &diagnostics);

/// Parses one expression that stands alone: `--set layers=12`, `--set init=normal(std=0.1)`.
/// Null after an error.
ast::ExprPtr parseExpression(const Source &source, Diagnostics &diagnostics);

} // namespace frit
