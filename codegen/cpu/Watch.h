// What kernels write into the words of their watches (passes/Watch.h).
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace frit {

/// Where `outside` holds (i1, or a vector of them), notes in word `number` behind `words` the least
/// of the positions (i32, or a vector).
void noteOutside(mlir::ImplicitLocOpBuilder &b, mlir::Value words, int number, mlir::Value outside,
                 mlir::Value position);

/// Notes in word `number` behind `words` if the real `result` (or a lane of it) is not finite: 2 if
/// all real `operands` of a lane are, and `canMake` says that the op may do that, else 1. `lanes`,
/// if given, says which lanes count.
void noteNotFinite(mlir::ImplicitLocOpBuilder &b, mlir::Value words, int number, mlir::Value result,
                   mlir::ValueRange operands, bool canMake, mlir::Value lanes = {});

} // namespace frit
