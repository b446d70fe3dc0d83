// The rules of Simplify, in three families.
#pragma once
#include "mlir/IR/PatternMatch.h"
#include "passes/ScanEdit.h"

namespace frit {

/// Elementwise arithmetic (SimplifyArithmetic.cpp). `isFinal`: nothing is left to differentiate, so
/// stop_gradient has done its work.
void addArithmeticRules(mlir::RewritePatternSet &rules, bool isFinal);
/// Reductions, contractions, shape ops (SimplifyShape.cpp).
void addShapeRules(mlir::RewritePatternSet &rules);
/// Loops (SimplifyScan.cpp).
void addScanRules(mlir::RewritePatternSet &rules);

/// Replaces an op by a value of the same elements. Until Layout users take their operands with the
/// axes in any order, except the ends of functions and groups.
void replaceBy(mlir::PatternRewriter &rewriter, mlir::Operation *op, mlir::Value simpler);

/// The op that makes the value, if it is one of these.
template <typename Op> Op as(mlir::Value v) { return v.getDefiningOp<Op>(); }

/// A rule is a function that gives the simpler value of an op, or nothing. It makes ops only if it
/// applies. The value may lack axes of the op: it is broadcast.
template <typename Op, typename Base> struct Rule : Base {
  Term (*simplerOf)(Op, Build &);
  Rule(mlir::MLIRContext *context, Term (*simplerOf)(Op, Build &))
      : Base(context), simplerOf(simplerOf) {}
  mlir::LogicalResult matchAndRewrite(Op op, mlir::PatternRewriter &rewriter) const override {
    mlir::ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    Build build(b);
    Term simpler = simplerOf(op, build);
    if (!simpler)
      return mlir::failure();
    replaceBy(rewriter, op, build.expandTo(simpler, typeOf(op->getResult(0))).value);
    return mlir::success();
  }
};
/// Rules for one op.
template <typename Op, typename... Rules>
void addRules(mlir::RewritePatternSet &set, Rules... rules) {
  (set.add<Rule<Op, mlir::OpRewritePattern<Op>>>(set.getContext(), rules), ...);
}

/// The number of a constant, whatever its axes.
inline std::optional<double> uniform(mlir::Value v) {
  if (auto constant = v.getDefiningOp<ConstantOp>())
    return constant.getValue().convertToDouble();
  return std::nullopt;
}

} // namespace frit
