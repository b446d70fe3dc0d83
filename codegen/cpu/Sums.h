// What the reductions of a group are carried in from step to step.
//
// Rounding grows with the number of additions in a row: after 4096 in f32 the last three digits of
// a sum are gone. So at most `blockLength` are made in a row, and the sums of these blocks are
// added up with what rounding takes from each (Knuth's TwoSum) beside them. A sum is then right to
// a few units in its last place, however long the row, and in a fixed order.
#pragma once
#include "codegen/cpu/GroupPlan.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace frit {

/// The reduction of nothing.
mlir::Value neutral(mlir::ImplicitLocOpBuilder &b, Combine how, mlir::Type type);
mlir::Value combine(mlir::ImplicitLocOpBuilder &b, Combine how, mlir::Value x, mlir::Value y);

class Sums {
public:
  static constexpr int64_t blockLength = 64;

  /// `hows` and `types` of each register that is carried.
  Sums(mlir::ImplicitLocOpBuilder &b, llvm::SmallVector<Combine> hows,
       llvm::SmallVector<mlir::Type> types)
      : b(b), scalar(b), hows(std::move(hows)), types(std::move(types)) {}

  using Values = llvm::SmallVector<mlir::Value>;
  Values neutrals();
  /// Whether any of them loses digits.
  bool round() const;

  /// The same for sums of blocks: one value for each register, then what was lost from each.
  Values noBlocks();
  Values withBlock(mlir::ValueRange blocks, mlir::ValueRange sums);
  Values together(mlir::ValueRange blocks);

private:
  mlir::ImplicitLocOpBuilder &b;
  ScalarBuilder scalar;
  llvm::SmallVector<Combine> hows;
  llvm::SmallVector<mlir::Type> types;

  bool rounds(size_t i) const;
};

} // namespace frit
