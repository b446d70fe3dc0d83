// Checked graph -> frit dialect, one op per node.
#pragma once
#include "dialect/syntax/Graph.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace frit {

/// Copies a graph into a module: states, then entries. Every op gets the location
/// `NameLoc(layer path, file:line:column)`. It cannot fail on a checked graph: null, with the
/// verifier's words sent to the context's diagnostics, is a bug in frit.
mlir::OwningOpRef<mlir::ModuleOp> emit(const Graph &graph, mlir::MLIRContext &context);

} // namespace frit
