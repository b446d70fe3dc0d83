// A scan taken apart, changed, and put together again. An op cannot gain or lose results, so a pass
// that adds a tape, drops a dead carried value or moves work out of the body goes through this.
#pragma once
#include "dialect/Frit.h"

namespace frit {

/// The type of `v` stacked along an axis: that axis first.
mlir::RankedTensorType stackedType(mlir::Value v, const Axis &axis);
/// Whether a user insists on the order of the axes: the ends of functions, and groups. The others
/// work by name until Layout.
bool needsOrder(mlir::Value v);
/// The value with its axes in the order of `type`, which has the same axes.
mlir::Value inOrder(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v, mlir::Type type);
/// Whether `v` is defined outside the body of the scan.
bool isOutside(ScanOp scan, mlir::Value v);
/// The yielded values of a scan.
inline mlir::OperandRange yielded(ScanOp scan) {
  return scan.getBody().front().getTerminator()->getOperands();
}

/// The lists of a scan. The body stays in the old op until `finish`; arguments are added to it at
/// once, everything else happens in `finish`.
class ScanEdit {
public:
  struct Carry {
    mlir::Value init;
    mlir::BlockArgument argument;
    mlir::Value next;  // in the body
    mlir::Value final; // the result of the old op
    bool dropped = false;
  };
  struct Slice {
    mlir::Value whole;
    mlir::BlockArgument argument;
    bool dropped = false;
  };
  struct Stack {
    mlir::Value value; // in the body
    mlir::Value whole; // the result of the old op; null for a new stack
    bool tape = false;
    bool dropped = false;
  };

  explicit ScanEdit(ScanOp scan);
  ScanOp scan;
  Axis axis;
  std::vector<Carry> carries;
  std::vector<Slice> slices;
  std::vector<Stack> stacks;

  /// A new slice of `whole` along the axis of the scan.
  mlir::BlockArgument addSlice(mlir::Value whole);
  /// The stack of a value of the body, an existing one where there is one; its place in `stacks`.
  size_t addStack(mlir::Value value, bool tape = false);

  /// Another value for one of the body, in the body and in these lists.
  void replaceInBody(mlir::RewriterBase &rewriter, mlir::Value from, mlir::Value to);

  /// The new op, in the place of the old one, which is left without uses and without a body. A
  /// dropped argument must have no uses left.
  ScanOp finish(mlir::RewriterBase &rewriter);
  bool isFinished() const { return newFinals.size() + newStacks.size() > 0; }
  /// After `finish`: the result of the new op for an entry of `carries` or `stacks`.
  mlir::Value finalOf(size_t carry) const { return newFinals[carry]; }
  mlir::Value stackOf(size_t stack) const { return newStacks[stack]; }

private:
  std::vector<mlir::Value> newFinals, newStacks; // null where dropped
};

/// The attribute on a scan that lists the results which are tape: saved for the backward pass only,
/// free to be recomputed instead.
inline constexpr llvm::StringLiteral tapeAttribute = "frit.tape";

} // namespace frit
