// Choosing what a forward scan saves for its backward scan. See Tape.h.
#include "passes/Tape.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace frit {

Tape::Tape(ScanOp scan, Block *backward)
    : edit(scan), body(&scan.getBody().front()), backward(backward) {}

void Tape::bringOver() {
  cursor = backward->begin();
  SmallVector<OpOperand *> uses;
  backward->walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get().getParentBlock() == body)
        uses.push_back(&operand);
  });
  choose(uses);
  for (OpOperand *use : uses)
    use->set(fetch(use->get()));
}

Value Tape::slice(Value whole) {
  for (const Need &need : needs)
    if (need.whole == whole)
      return need.argument;
  ValueType type = typeOf(whole);
  llvm::erase_if(type.axes, [&](const Axis &a) { return a.name == edit.axis.name; });
  needs.push_back(
      {backward->addArgument(toTensorType(whole.getContext(), type), whole.getLoc()), whole});
  return needs.back().argument;
}

Value Tape::wholeOf(const Need &need) const {
  if (need.whole)
    return need.whole;
  return edit.isFinished() ? edit.stackOf(need.stack) : edit.stacks[need.stack].whole;
}

//===-- What to save ------------------------------------------------------------------------===//

/// No larger than its operand and only another name for it: the operand is saved instead.
static bool isOtherName(Operation *op) {
  return isa_and_nonnull<RenameOp, SplitOp, MergeOp, BroadcastOp, StopGradientOp>(op);
}

/// Known without running the forward body again.
bool Tape::isGiven(Value v) {
  if (v.getParentBlock() != body)
    return true;
  if (auto argument = dyn_cast<BlockArgument>(v))
    return argument.getArgNumber() == 0 || argument.getArgNumber() > edit.carries.size();
  if (auto at = given.find(v); at != given.end())
    return at->second;
  Operation *op = v.getDefiningOp();
  bool isCheap = isa<ConstantOp, IndexOp, SliceOp, Elementwise>(op) || isOtherName(op);
  bool result = isCheap && llvm::all_of(op->getOperands(), [&](Value x) { return isGiven(x); });
  return given[v] = result;
}

/// Among what is saved, or stacked by the program anyway.
bool Tape::isSaved(Value v) {
  return saved.contains(placeOf(v)) ||
         llvm::any_of(edit.stacks, [&](const ScanEdit::Stack &s) { return s.value == v; });
}

Tape::Place Tape::placeOf(Value v) {
  if (auto argument = dyn_cast<BlockArgument>(v))
    return {-1, argument.getArgNumber()};
  return {position.at(v.getDefiningOp()), cast<OpResult>(v).getResultNumber()};
}

static double bytesOf(Value v) {
  unsigned bits = cast<RankedTensorType>(v.getType()).getElementTypeBitWidth();
  return double(typeOf(v).count()) * (bits == 1 ? 1 : bits / 8); // a bool takes a byte
}

double Tape::priceOfOperands(Operation *op, Prices &prices) {
  double sum = 0;
  for (Value operand : op->getOperands())
    sum += price(operand, prices);
  return sum;
}

/// Further bytes to save, so that the value can be had in the backward body.
double Tape::price(Value v, Prices &prices) {
  if (isGiven(v) || isSaved(v))
    return 0;
  if (auto at = prices.find(v); at != prices.end())
    return at->second;
  Operation *op = v.getDefiningOp();
  double lowest = bytesOf(v);
  if (isOtherName(op))
    lowest = price(op->getOperand(0), prices);
  else if (isa_and_nonnull<Elementwise>(op))
    lowest = std::min(lowest, priceOfOperands(op, prices));
  return prices[v] = lowest;
}

/// Saves what that price is for.
void Tape::require(Value v, Prices &prices) {
  if (isGiven(v) || isSaved(v))
    return;
  Operation *op = v.getDefiningOp();
  if (isOtherName(op))
    return require(op->getOperand(0), prices);
  if (isa_and_nonnull<Elementwise>(op) && priceOfOperands(op, prices) < bytesOf(v)) {
    for (Value operand : op->getOperands())
      require(operand, prices);
    return;
  }
  saved[placeOf(v)] = v;
}

/// Fills `saved` for the values that the backward body uses.
void Tape::choose(ArrayRef<OpOperand *> uses) {
  int number = 0;
  for (Operation &op : *body)
    position[&op] = number++;
  for (OpOperand *use : uses) {
    Value v = use->get();
    while (!isGiven(v) && isOtherName(v.getDefiningOp()))
      v = v.getDefiningOp()->getOperand(0);
    if (!isGiven(v))
      saved[placeOf(v)] = v;
  }
  // Last first: what is computed again may need something earlier.
  for (auto at = saved.end(); at != saved.begin();) {
    --at;
    auto [place, v] = *at;
    auto op = v.getDefiningOp<Elementwise>();
    Prices prices;
    if (!op || priceOfOperands(op, prices) >= bytesOf(v))
      continue;
    for (Value operand : op->getOperands())
      require(operand, prices);
    at = saved.erase(saved.find(place));
  }
}

//===-- Bringing it over --------------------------------------------------------------------===//

Value Tape::fetch(Value v) {
  if (v.getParentBlock() != body)
    return v; // of the surroundings
  if (Value known = brought.lookup(v))
    return known;
  Value here = bring(v);
  brought[v] = here;
  return here;
}

Value Tape::bring(Value v) {
  if (auto argument = dyn_cast<BlockArgument>(v)) {
    if (argument == edit.scan.getIndex())
      return backward->getArgument(0);
    for (const ScanEdit::Slice &other : edit.slices)
      if (other.argument == argument)
        return slice(other.whole);
    return save(v);
  }
  if (!isGiven(v) && isSaved(v))
    return save(v);
  Operation *op = v.getDefiningOp();
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, fetch(operand));
  Operation *copy = op->clone(mapping);
  backward->getOperations().insert(cursor, copy);
  return copy->getResult(cast<OpResult>(v).getResultNumber());
}

Value Tape::save(Value v) {
  std::string axis = edit.axis.name;
  if (!typeOf(v).find(axis))
    return saveAs(v);
  // A stack cannot have the axis twice: the value is saved with another name for its own.
  ImplicitLocOpBuilder inside(v.getLoc(), body->getTerminator());
  Build forward(inside);
  std::string other = axis + ".saved";
  while (typeOf(v).find(other))
    other += ".saved";
  Term renamed = forward.make("rename", {forward.term(v)}, {{"from", axis}, {"to", other}});
  ImplicitLocOpBuilder back(v.getLoc(), v.getContext()); // the block has no parent yet
  back.setInsertionPoint(backward, cursor);
  Build build(back);
  Term here = build.term(saveAs(renamed.value));
  return build.make("rename", {here}, {{"from", other}, {"to", axis}}).value;
}

Value Tape::saveAs(Value v) {
  needs.push_back({backward->addArgument(v.getType(), v.getLoc()), {}, edit.addStack(v, true)});
  return needs.back().argument;
}

} // namespace frit
