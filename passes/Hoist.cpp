// Hoist: work leaves the loop where one op over all steps says the same.
//
// For every scan, innermost first:
//   1. Ops that do not depend on the iteration move before it, except those that cost nothing where
//      they are (constants, positions, masks made of them).
//   and for kind "time":
//   2. y_t = contract(x_t, W), x_t a slice: before the loop, over all t; y_t becomes a slice.
//   3. A stack of contract(x_t, W), or of a sum of such: x_t is stacked, the rest is done after.
//   4. acc += contract(a_t, b_t): a_t and b_t are stacked; after the loop one contraction over the
//      axis of the scan too. acc += sum(a_t) and acc += a_t likewise if the stack is there anyway.
//
// In a loop over layers 2 to 4 would trade the one layer that is in cache for all of them.
#include "mlir/IR/Remarks.h"
#include "passes/Passes.h"
#include "passes/ScanEdit.h"
#include <functional>

using namespace mlir;

namespace frit {
#define GEN_PASS_DEF_HOIST
#include "passes/Passes.h.inc"

namespace {

//===-- 1. What does not depend on the iteration --------------------------------------------===//

/// Only another name for its operand.
bool isView(Operation *op) { return isa_and_nonnull<RenameOp, SplitOp, MergeOp>(op); }

/// Costs nothing inside a loop: constants, positions, other names, and elementwise ops on those.
bool isFree(Operation *op) {
  if (isa<ConstantOp, IndexOp>(op))
    return true;
  return (isView(op) || isa<BroadcastOp, Elementwise>(op)) &&
         llvm::all_of(op->getOperands(),
                      [](Value v) { return v.getDefiningOp() && isFree(v.getDefiningOp()); });
}

bool isInvariant(ScanOp scan, Operation *op) {
  if (!isMemoryEffectFree(op) || op->hasTrait<OpTrait::IsTerminator>())
    return false;
  bool isInside = false; // depends on something of the iteration
  op->walk([&](Operation *inner) {
    for (Value v : inner->getOperands())
      if (Operation *maker = v.getDefiningOp(); !isOutside(scan, v))
        isInside |= maker ? !op->isAncestor(maker) && !isFree(maker)
                          : !op->isAncestor(v.getParentBlock()->getParentOp());
  });
  return !isInside;
}

void moveBefore(ScanOp scan, Operation *op, RewriterBase &rewriter) {
  op->walk([&](Operation *inner) {
    for (Value v : inner->getOperands())
      if (Operation *maker = v.getDefiningOp();
          maker && !isOutside(scan, v) && !op->isAncestor(maker))
        moveBefore(scan, maker, rewriter);
  });
  rewriter.moveOpBefore(op, scan);
}

void moveInvariants(ScanOp scan, RewriterBase &rewriter) {
  for (Operation &op : llvm::make_early_inc_range(scan.getBody().front()))
    if (!isFree(&op) && !isa<BroadcastOp>(op) && isInvariant(scan, &op))
      moveBefore(scan, &op, rewriter);
}

//===-- 2. Contractions of slices -----------------------------------------------------------===//

/// Whether a value already has the axis of the scan under another meaning; says so.
bool clashes(const ScanEdit &edit, Operation *op, Value v) {
  if (!typeOf(v).find(edit.axis.name))
    return false;
  remark::missed(op->getLoc(), remark::RemarkOpts::name("axis-clash").category("Hoist"))
      << "stays in the loop: an operand has the loop's axis '" + edit.axis.name +
             "' already; rename that axis";
  return true;
}

Value sliceOf(const ScanEdit &edit, Value v) {
  for (const ScanEdit::Slice &slice : edit.slices)
    if (slice.argument == v && !slice.dropped)
      return slice.whole;
  return {};
}

bool contractBefore(ScanEdit &edit, RewriterBase &rewriter) {
  bool changed = false;
  for (ContractOp op :
       llvm::make_early_inc_range(edit.scan.getBody().front().getOps<ContractOp>())) {
    Value x = op.getX(), y = op.getY();
    Value slice = isOutside(edit.scan, y) ? x : y, fixed = isOutside(edit.scan, y) ? y : x;
    Value whole = sliceOf(edit, slice);
    if (!whole || !isOutside(edit.scan, fixed) || clashes(edit, op, fixed))
      continue;
    rewriter.setInsertionPoint(edit.scan);
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Build build(b);
    Term left = build.term(x == slice ? whole : x), right = build.term(y == slice ? whole : y);
    Value all = build.contract(left, right, op.getOver().strings()).value;
    edit.replaceInBody(rewriter, op.getResult(), edit.addSlice(all));
    rewriter.eraseOp(op);
    changed = true;
  }
  return changed;
}

//===-- 3, 4. Work after the loop -----------------------------------------------------------===//

/// Makes a value after the loop, once the new scan is there.
using After = std::function<Term(Build &)>;

/// All steps of a value of the body: what it is a slice of, or its stack.
After allSteps(ScanEdit &edit, Value v) {
  if (Value whole = sliceOf(edit, v))
    return [=](Build &build) { return build.term(whole); };
  size_t stack = edit.addStack(v);
  return [&edit, stack](Build &build) { return build.term(edit.stackOf(stack)); };
}
bool hasAllSteps(const ScanEdit &edit, Value v) {
  return sliceOf(edit, v) || llvm::any_of(edit.stacks, [&](const ScanEdit::Stack &stack) {
           return stack.value == v && !stack.dropped;
         });
}

/// Whether v is a sum of contractions with values from outside, and nothing else needs it.
bool isContractedAfter(ScanEdit &edit, Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || isOutside(edit.scan, v) || !v.hasOneUse())
    return false;
  if (auto add = dyn_cast<AddOp>(op))
    return isContractedAfter(edit, add.getX()) && isContractedAfter(edit, add.getY());
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract || isOutside(edit.scan, contract.getX()) == isOutside(edit.scan, contract.getY()))
    return false;
  return !clashes(edit, op, contract.getX()) && !clashes(edit, op, contract.getY());
}

After contractedAfter(ScanEdit &edit, Value v) {
  if (auto add = v.getDefiningOp<AddOp>()) {
    After x = contractedAfter(edit, add.getX()), y = contractedAfter(edit, add.getY());
    return [=](Build &build) { return x(build) + y(build); };
  }
  auto op = v.getDefiningOp<ContractOp>();
  auto side = [&](Value x) -> After {
    if (isOutside(edit.scan, x))
      return [=](Build &build) { return build.term(x); };
    return allSteps(edit, x);
  };
  After x = side(op.getX()), y = side(op.getY());
  return [=, over = op.getOver().strings()](Build &build) {
    return build.contract(x(build), y(build), over);
  };
}

/// A value of the old scan that is made after the new one.
struct Later {
  Value old;
  After make;
  Operation *maker; // whose place in the source it has
};

void stackBefore(ScanEdit &edit, std::vector<Later> &later) {
  for (size_t i = 0, size = edit.stacks.size(); i < size; ++i) {
    Value v = edit.stacks[i].value, whole = edit.stacks[i].whole;
    if (!whole || !isContractedAfter(edit, v))
      continue;
    edit.stacks[i].dropped = true;
    later.push_back({whole, contractedAfter(edit, v), v.getDefiningOp()});
  }
}

/// The addends of a sum that nothing else needs.
void addendsOf(Value v, Value next, SmallVectorImpl<Value> &addends) {
  auto add = v.getDefiningOp<AddOp>();
  if (!add || (v != next && !v.hasOneUse()))
    return addends.push_back(v);
  addendsOf(add.getX(), next, addends);
  addendsOf(add.getY(), next, addends);
}

/// The sum of an addend over all steps, if that is better made after the loop.
After summedAfter(ScanEdit &edit, Value v) {
  std::string axis = edit.axis.name;
  if (isOutside(edit.scan, v))
    return {};
  if (auto op = v.getDefiningOp<ContractOp>(); op && v.hasOneUse()) {
    Value x = op.getX(), y = op.getY();
    if (isOutside(edit.scan, x) || isOutside(edit.scan, y) || clashes(edit, op, x) ||
        clashes(edit, op, y))
      return {};
    After xs = allSteps(edit, x), ys = allSteps(edit, y);
    std::vector<std::string> over = op.getOver().strings();
    over.push_back(axis);
    return [=](Build &build) { return build.contract(xs(build), ys(build), over); };
  }
  if (isView(v.getDefiningOp())) { // the sum after the loop gets the other name
    Operation *op = v.getDefiningOp();
    After sum = v.hasOneUse() ? summedAfter(edit, op->getOperand(0)) : After();
    if (!sum)
      return {};
    std::string name = op->getName().stripDialect().str();
    return [=, attributes = attributesOf(op)](Build &build) {
      return build.make(name, {sum(build)}, attributes);
    };
  }
  std::vector<std::string> over{axis};
  if (auto op = v.getDefiningOp<SumOp>()) {
    v = op.getX();
    for (const std::string &other : op.getOver().strings())
      over.push_back(other);
  }
  if (!hasAllSteps(edit, v))
    return {};
  After all = allSteps(edit, v);
  return [=](Build &build) { return build.sum(all(build), over); };
}

/// A carried value to which every step adds.
struct Accumulator {
  size_t carry;
  AddOp add;
  SmallVector<Value> addends; // without the carried value
  std::vector<After> sums{};  // of those that are summed after the loop
};

std::vector<Accumulator> accumulatorsOf(ScanEdit &edit) {
  std::vector<Accumulator> found;
  for (auto [i, carry] : llvm::enumerate(edit.carries)) {
    auto add = carry.next.getDefiningOp<AddOp>();
    if (!add || isOutside(edit.scan, carry.next) || !carry.argument.hasOneUse() ||
        !carry.next.hasOneUse())
      continue;
    SmallVector<Value> addends;
    addendsOf(carry.next, carry.next, addends);
    auto self = llvm::find(addends, carry.argument);
    if (self == addends.end())
      continue;
    addends.erase(self);
    found.push_back({i, add, addends});
  }
  return found;
}

bool isContraction(Value v) {
  while (isView(v.getDefiningOp()))
    v = v.getDefiningOp()->getOperand(0);
  return bool(v.getDefiningOp<ContractOp>());
}

void accumulateAfter(ScanEdit &edit, RewriterBase &rewriter, std::vector<Later> &later) {
  std::vector<Accumulator> accumulators = accumulatorsOf(edit);
  // Contractions first: a plain sum may then find its stack.
  for (bool isContract : {true, false})
    for (Accumulator &accumulator : accumulators)
      llvm::erase_if(accumulator.addends, [&](Value addend) {
        if (isContraction(addend) != isContract)
          return false;
        After sum = summedAfter(edit, addend);
        if (sum)
          accumulator.sums.push_back(sum);
        return bool(sum);
      });
  for (Accumulator &accumulator : accumulators) {
    if (accumulator.sums.empty())
      continue;
    size_t i = accumulator.carry;
    ScanEdit::Carry &carry = edit.carries[i];
    After start;
    if (accumulator.addends.empty()) {
      Value init = carry.init;
      start = [=](Build &build) { return build.term(init); };
      edit.replaceInBody(rewriter, carry.argument, init);
      carry.dropped = true;
    } else {
      ImplicitLocOpBuilder b(accumulator.add.getLoc(), rewriter);
      b.setInsertionPoint(edit.scan.getBody().front().getTerminator());
      Build build(b);
      Term next = build.term(carry.argument);
      for (Value addend : accumulator.addends)
        next = next + build.term(addend);
      carry.next = next.value;
      start = [&edit, i](Build &build) { return build.term(edit.finalOf(i)); };
    }
    auto sum = [start, sums = accumulator.sums](Build &build) {
      Term sum = start(build);
      for (const After &more : sums)
        sum = sum + more(build);
      return sum;
    };
    later.push_back({carry.final, sum, accumulator.add});
  }
}

void eraseDead(Block &block, RewriterBase &rewriter) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      rewriter.eraseOp(op);
}

void hoistTime(ScanOp scan, RewriterBase &rewriter) {
  ScanEdit edit(scan);
  std::vector<Later> later;
  bool changed = contractBefore(edit, rewriter);
  stackBefore(edit, later);
  accumulateAfter(edit, rewriter, later);
  if (!changed && later.empty())
    return;
  std::vector<Location> places;
  for (const Later &value : later)
    places.push_back(value.maker->getLoc());
  // `finish` turns uses of old results into uses of new ones: what is made later takes them first.
  SmallVector<Value> holders;
  for (const Later &value : later) {
    rewriter.setInsertionPointAfter(scan);
    Value holder =
        BroadcastOp::create(rewriter, scan.getLoc(), value.old.getType(), value.old,
                            AxesAttr::get(rewriter.getContext(), ArrayRef<std::string>()));
    rewriter.replaceAllUsesExcept(value.old, holder, holder.getDefiningOp());
    holders.push_back(holder);
  }
  ScanOp made = edit.finish(rewriter);
  eraseDead(made.getBody().front(), rewriter);
  for (auto [value, place, holder] : llvm::zip(later, places, holders)) {
    rewriter.setInsertionPoint(holder.getDefiningOp());
    ImplicitLocOpBuilder b(place, rewriter);
    Build build(b);
    Value after = value.make(build).value;
    rewriter.replaceOp(holder.getDefiningOp(), inOrder(b, place, after, holder.getType()));
  }
  rewriter.eraseOp(scan);
}

struct Hoist : impl::HoistBase<Hoist> {
  void runOnOperation() override {
    SmallVector<ScanOp> scans; // innermost first
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    IRRewriter rewriter(&getContext());
    for (ScanOp scan : scans) {
      moveInvariants(scan, rewriter);
      if (scan.getKind() == "time")
        hoistTime(scan, rewriter);
    }
  }
};

} // namespace
} // namespace frit
