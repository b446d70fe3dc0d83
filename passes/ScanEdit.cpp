// A scan taken apart and put together again. See ScanEdit.h.
#include "passes/ScanEdit.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace frit {

RankedTensorType stackedType(Value v, const Axis &axis) {
  ValueType type = typeOf(v);
  type.axes.insert(type.axes.begin(), axis);
  return toTensorType(v.getContext(), type);
}

bool needsOrder(Value v) {
  return llvm::any_of(v.getUsers(),
                      [](Operation *user) { return isa<func::ReturnOp, LeaveOp, GroupOp>(user); });
}

Value inOrder(OpBuilder &b, Location loc, Value v, Type type) {
  if (v.getType() == type)
    return v;
  // What makes its elements one by one may as well make them in this order.
  if (!needsOrder(v) &&
      isa_and_nonnull<Elementwise, ConstantOp, BroadcastOp, ContractOp, SumOp>(v.getDefiningOp())) {
    v.setType(cast<RankedTensorType>(type));
    return v;
  }
  return BroadcastOp::create(b, loc, type, v,
                             cast<AxesAttr>(cast<RankedTensorType>(type).getEncoding()));
}

bool isOutside(ScanOp scan, Value v) { return !scan.getBody().isAncestor(v.getParentRegion()); }

ScanEdit::ScanEdit(ScanOp scan)
    : scan(scan), axis{scan.getAxis().str(), static_cast<int64_t>(scan.getSize())} {
  OperandRange next = yielded(scan);
  for (auto [i, init] : llvm::enumerate(scan.getInits()))
    carries.push_back({init, scan.carried()[i], next[i], scan.finals()[i]});
  for (auto [i, whole] : llvm::enumerate(scan.getSlices()))
    slices.push_back({whole, scan.sliced()[i]});
  for (auto [i, whole] : llvm::enumerate(scan.stacks()))
    stacks.push_back({next[carries.size() + i], whole});
  if (auto tape = scan->getAttrOfType<DenseI64ArrayAttr>(tapeAttribute))
    for (int64_t result : tape.asArrayRef())
      stacks[result - carries.size()].tape = true;
}

BlockArgument ScanEdit::addSlice(Value whole) {
  for (const Slice &slice : slices)
    if (slice.whole == whole && !slice.dropped)
      return slice.argument;
  ValueType type = typeOf(whole);
  llvm::erase_if(type.axes, [&](const Axis &a) { return a.name == axis.name; });
  BlockArgument argument =
      scan.getBody().front().addArgument(toTensorType(scan.getContext(), type), whole.getLoc());
  slices.push_back({whole, argument});
  return argument;
}

size_t ScanEdit::addStack(Value value, bool tape) {
  for (auto [i, stack] : llvm::enumerate(stacks))
    if (stack.value == value && !stack.dropped)
      return i;
  stacks.push_back({value, {}, tape});
  return stacks.size() - 1;
}

void ScanEdit::replaceInBody(RewriterBase &rewriter, Value from, Value to) {
  rewriter.replaceAllUsesWith(from, to);
  for (Carry &carry : carries)
    if (carry.next == from)
      carry.next = to;
  for (Stack &stack : stacks)
    if (stack.value == from)
      stack.value = to;
}

ScanOp ScanEdit::finish(RewriterBase &rewriter) {
  SmallVector<Value> inits, wholes, next;
  SmallVector<Type> types;
  SmallVector<int64_t> tape;
  for (const Carry &carry : carries)
    if (!carry.dropped) {
      inits.push_back(carry.init);
      next.push_back(carry.next);
      types.push_back(carry.argument.getType());
    }
  for (const Slice &slice : slices)
    if (!slice.dropped)
      wholes.push_back(slice.whole);
  for (const Stack &stack : stacks)
    if (!stack.dropped) {
      if (stack.tape)
        tape.push_back(types.size());
      next.push_back(stack.value);
      types.push_back(stack.whole ? stack.whole.getType() : stackedType(stack.value, axis));
    }

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(scan);
  auto made = ScanOp::create(rewriter, scan.getLoc(), types, inits, wholes, scan.getAxis(),
                             scan.getSize(), scan.getReverse(), scan.getKind());
  made->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  if (tape.empty())
    made->removeAttr(tapeAttribute);
  else
    made->setAttr(tapeAttribute, rewriter.getDenseI64ArrayAttr(tape));

  Operation *terminator = scan.getBody().front().getTerminator();
  rewriter.modifyOpInPlace(terminator, [&] { terminator->setOperands(next); });
  made.getBody().takeBody(scan.getBody());
  Block &body = made.getBody().front();
  for (const Carry &carry : carries)
    if (carry.dropped)
      body.eraseArgument(carry.argument.getArgNumber());
  for (const Slice &slice : slices)
    if (slice.dropped)
      body.eraseArgument(slice.argument.getArgNumber());

  size_t result = 0;
  for (Carry &carry : carries) {
    newFinals.push_back(carry.dropped ? Value() : made.getResult(result++));
    if (carry.final && !carry.dropped)
      rewriter.replaceAllUsesWith(carry.final, newFinals.back());
  }
  for (Stack &stack : stacks) {
    newStacks.push_back(stack.dropped ? Value() : made.getResult(result++));
    if (stack.whole && !stack.dropped)
      rewriter.replaceAllUsesWith(stack.whole, newStacks.back());
  }
  return made;
}

} // namespace frit
