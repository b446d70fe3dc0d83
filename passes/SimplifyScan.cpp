// Rules of Simplify for loops: what a scan carries, slices or stacks for nothing goes.
#include "passes/Simplify.h"

using namespace mlir;

namespace frit {

/// The values of a scan's body that a used result needs, carried values followed round the loop.
static DenseSet<Value> liveValues(ScanEdit &edit) {
  Block *body = &edit.scan.getBody().front();
  DenseSet<Value> live;
  SmallVector<Value> open;
  auto need = [&](Value v) {
    if (v.getParentBlock() == body && live.insert(v).second)
      open.push_back(v);
  };
  for (const ScanEdit::Carry &carry : edit.carries)
    if (!carry.final.use_empty())
      need(carry.next);
  for (const ScanEdit::Stack &stack : edit.stacks)
    if (!stack.whole.use_empty())
      need(stack.value);
  while (!open.empty()) {
    Value v = open.pop_back_val();
    if (Operation *op = v.getDefiningOp())
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          need(operand);
      });
    else
      for (const ScanEdit::Carry &carry : edit.carries)
        if (carry.argument == v)
          need(carry.next);
  }
  return live;
}

static Value broadcastAlong(PatternRewriter &rewriter, ScanOp scan, Value v, const Axis &axis) {
  return BroadcastOp::create(
      rewriter, scan.getLoc(), stackedType(v, axis), v,
      AxesAttr::get(rewriter.getContext(), ArrayRef<std::string>(axis.name)));
}

/// Carried values that nobody needs, or that are the same in every iteration.
static bool dropCarries(ScanEdit &edit, PatternRewriter &rewriter) {
  bool changed = false;
  DenseSet<Value> live = liveValues(edit);
  for (ScanEdit::Carry &carry : edit.carries) {
    bool isDead = carry.final.use_empty() && !live.contains(carry.argument);
    std::optional<double> start = uniform(carry.init);
    bool isSame = carry.next == carry.argument || carry.next == carry.init ||
                  (start && start == uniform(carry.next));
    if (!isDead && !isSame)
      continue;
    edit.replaceInBody(rewriter, carry.argument, carry.init);
    rewriter.replaceAllUsesWith(carry.final, carry.init);
    carry.dropped = changed = true;
  }
  return changed;
}

/// Stacks that nobody reads, that are there twice, or that are known without the loop.
static bool dropStacks(ScanEdit &edit, PatternRewriter &rewriter) {
  bool changed = false;
  llvm::SmallDenseMap<Value, Value> known;
  for (ScanEdit::Stack &stack : edit.stacks) {
    Value simpler;
    rewriter.setInsertionPoint(edit.scan);
    if (stack.whole.use_empty())
      simpler = stack.whole;
    else if (Value first = known.lookup(stack.value))
      simpler = first;
    else if (isOutside(edit.scan, stack.value))
      simpler = broadcastAlong(rewriter, edit.scan, stack.value, edit.axis);
    else if (auto constant = stack.value.getDefiningOp<ConstantOp>())
      simpler = broadcastAlong(rewriter, edit.scan,
                               rewriter.clone(*constant.getOperation())->getResult(0), edit.axis);
    else
      for (const ScanEdit::Slice &slice : edit.slices)
        if (slice.argument == stack.value)
          simpler = slice.whole;
    if (!simpler) {
      known[stack.value] = stack.whole;
      continue;
    }
    if (simpler != stack.whole) {
      if (needsOrder(stack.whole)) {
        rewriter.setInsertionPointAfter(edit.scan);
        simpler = inOrder(rewriter, edit.scan.getLoc(), simpler, stack.whole.getType());
      }
      rewriter.replaceAllUsesWith(stack.whole, simpler);
    }
    stack.dropped = changed = true;
  }
  return changed;
}

/// Slices that nobody reads, that are there twice, or of a value that is the same all along.
static bool dropSlices(ScanEdit &edit, PatternRewriter &rewriter) {
  bool changed = false;
  llvm::SmallDenseMap<Value, Value> known;
  rewriter.setInsertionPoint(edit.scan);
  for (ScanEdit::Slice &slice : edit.slices) {
    bool isRead = !slice.argument.use_empty();
    ImplicitLocOpBuilder b(edit.scan.getLoc(), rewriter);
    Build build(b);
    ValueType type = typeOf(slice.argument);
    Value simpler;
    if (std::optional<double> number = uniform(slice.whole))
      simpler = build.constantLike(*number, build.term(slice.argument)).value;
    else if (auto broadcast = slice.whole.getDefiningOp<BroadcastOp>();
             broadcast && !typeOf(broadcast.getX()).find(edit.axis.name))
      simpler = build.expandTo(build.term(broadcast.getX()), type).value;
    else
      simpler = known.lookup(slice.whole);
    if (isRead && !simpler) {
      known[slice.whole] = slice.argument;
      continue;
    }
    if (isRead)
      edit.replaceInBody(rewriter, slice.argument, simpler);
    slice.dropped = changed = true;
  }
  return changed;
}

static LogicalResult simplifyScan(ScanOp scan, PatternRewriter &rewriter) {
  ScanEdit edit(scan);
  bool changed = dropCarries(edit, rewriter);
  changed |= dropStacks(edit, rewriter);
  if (!changed) // a slice may become unused only once the body has lost its dead ops
    changed = dropSlices(edit, rewriter);
  if (!changed)
    return failure();
  edit.finish(rewriter);
  rewriter.eraseOp(scan);
  return success();
}

void addScanRules(RewritePatternSet &set) { set.add(simplifyScan); }

} // namespace frit
