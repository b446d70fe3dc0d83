// What kernels write into the words of their watches (passes/Watch.h).
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace frit {

/// Where `outside` holds (i1, or a vector of them), notes in word `number` behind `words` the least
/// of the positions (i32, or a vector).
void noteOutside(mlir::ImplicitLocOpBuilder &b, mlir::Value words, int number, mlir::Value outside,
                 mlir::Value position);

} // namespace frit
