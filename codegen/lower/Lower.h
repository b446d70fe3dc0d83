// The plain lowering of every op: scalar loops in a fixed order. It is the oracle behind --naive,
// and what runs where no better emitter takes an op.
//
// Sums of f32 are kept in f64 until they are stored: plain loops over long axes would lose digits
// that the blocked kernels keep.
#pragma once
#include "codegen/lower/Kernel.h"
#include "llvm/ADT/StringMap.h"

namespace frit {

/// Writes the body of one op's kernel.
using Lowering = void (*)(mlir::Operation *op, KernelBuilder &k);
/// By op name ("frit.contract").
using LoweringTable = llvm::StringMap<Lowering>;

// One per family of dialect/ops.
void addReduceLowerings(LoweringTable &table);
void addOrderLowerings(LoweringTable &table); // argmax, cumsum, top_k, sort
void addLinearLowerings(LoweringTable &table);
void addShapeLowerings(LoweringTable &table);
void addRandomLowerings(LoweringTable &table);
void lowerElementwise(mlir::Operation *op, KernelBuilder &k);

/// The lowering of an op, or null: state, control and fused ops have none of their own.
Lowering findLowering(mlir::Operation *op);

} // namespace frit
