// Simplify: less work, the same numbers.
//
//   1. Rules, until none applies: arithmetic, shapes and reductions, loops (one file each). Unused
//      ops go on the way.
//   2. Equal ops merge; reads of one state merge; states read for nothing are not read.
//   3. Again, as long as merging has made new matches.
//
// It leaves alone what would change results by more than a rounding, or for infinities: x * 0, x -
// x.
#include "passes/Simplify.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;

namespace frit {
#define GEN_PASS_DEF_SIMPLIFY
#include "passes/Passes.h.inc"

void replaceBy(PatternRewriter &rewriter, Operation *op, Value simpler) {
  Type type = op->getResult(0).getType();
  if (simpler.getType() != type && (needsOrder(op->getResult(0)) || simpler.use_empty()))
    simpler = inOrder(rewriter, op->getLoc(), simpler, type);
  rewriter.replaceOp(op, simpler);
}

/// One read per state and function.
static bool mergeReads(ModuleOp module, RewriterBase &rewriter) {
  bool changed = false;
  module.walk([&](func::FuncOp entry) {
    llvm::StringMap<ReadOp> first;
    for (ReadOp read : llvm::make_early_inc_range(entry.getOps<ReadOp>())) {
      ReadOp &known = first[read.getState()];
      if (read.use_empty() || known) {
        if (!read.use_empty())
          rewriter.replaceAllUsesWith(read.getResult(), known.getResult());
        rewriter.eraseOp(read);
        changed = true;
      } else {
        known = read;
      }
    }
  });
  return changed;
}

namespace {
struct Simplify : impl::SimplifyBase<Simplify> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool isFinal =
        !module.walk([](GradientOp) { return WalkResult::interrupt(); }).wasInterrupted();
    RewritePatternSet set(&getContext());
    addArithmeticRules(set, isFinal);
    addShapeRules(set);
    addScanRules(set);
    FrozenRewritePatternSet rules(std::move(set));
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    IRRewriter rewriter(&getContext());
    for (bool changed = true; changed;) {
      if (failed(applyPatternsGreedily(module, rules, config)))
        return signalPassFailure();
      changed = mergeReads(module, rewriter);
      bool merged = false;
      DominanceInfo dominance(module);
      eliminateCommonSubExpressions(rewriter, dominance, module, &merged);
      changed |= merged;
    }
  }
};
} // namespace
} // namespace frit
