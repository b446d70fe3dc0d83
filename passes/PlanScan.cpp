// Loops: slices are parts of their operands, stacks are written in place, carried values share one
// memory (the three ways are in PlanMemory.h).
#include "passes/PlanEntry.h"

using namespace mlir;
using namespace frit;
using namespace frit::plan;

/// The body's argument is a part of the operand; or, if it does not lie there in one piece, a copy.
void EntryPlanner::visitSlice(ScanOp scan, unsigned index) {
  Value operand = scan.getSlices()[index], argument = scan.sliced()[index];
  Block *body = &scan.getBody().front();
  View view = viewsOf[operand];
  int64_t bytes = bytesOf(argument.getType());
  std::vector<Axis> slots = axesOf(argument);
  slots.insert(slots.begin(), *typeOf(operand).find(scan.getAxis().str()));
  if (sameOrder(axesOf(operand), slots)) {
    view.terms.push_back({scan, LoopTerm::Position, bytes});
    assign(argument, view);
    return;
  }
  int id = create(scan, body, bytes, begins[&body->front()]);
  assign(argument, {id, 0, {}});
  view.terms.push_back({scan, LoopTerm::Position,
                        strideIn(typeOf(operand), scan.getAxis().str()) *
                            bytesOfElement(getElementTypeOrSelf(operand.getType()))});
  copy(scan, When::IterationStart, view, operand.getType(), {id, 0, {}}, argument.getType());
}

/// Binds a carried value: initial, argument, next and final are four names of one memory. `stacks`
/// are the stacked yields that are this argument or its next value.
void EntryPlanner::visitCarry(ScanOp scan, unsigned index, ArrayRef<int> stacks) {
  Block *body = &scan.getBody().front();
  Value init = scan.getInits()[index], argument = scan.carried()[index];
  Operation *yield = body->getTerminator();
  Value next = yield->getOperand(index), result = scan.finals()[index];
  std::vector<Axis> order = axesOf(argument);
  int64_t size = scan.getSize(), bytes = bytesOf(argument.getType());
  int carry = create(scan, scan->getBlock(), bytes, begins[scan]);
  int current = viewsOf[argument].storage;
  Storage &memory = storages[carry];
  memory.last = ends[scan];

  // Where each of the four lies in the carry's memory.
  int64_t initOffset = 0, resultOffset = 0;
  View now{carry, 0, {}}, then{carry, 0, {}};
  bool unchanged = next == argument;
  bool movable = !unchanged && canMove(next, body, order);
  if (!stacks.empty() && !unchanged) {
    // Slot i is read and slot i + 1 written; from the other end if the loop runs in reverse.
    LoopTerm term{scan, LoopTerm::Position, bytes};
    now = {carry, scan.getReverse() ? bytes : 0, {term}};
    then = {carry, scan.getReverse() ? 0 : bytes, {term}};
    initOffset = scan.getReverse() ? size * bytes : 0;
    resultOffset = scan.getReverse() ? 0 : size * bytes;
    memory.bytes = (size + 1) * bytes;
    memory.memory = MemoryClass::Tape;
  } else if (!unchanged && !(movable && canOverwrite(current, viewsOf[next].storage))) {
    int64_t slot = align(bytes);
    now.terms = {{scan, LoopTerm::Parity, slot}};
    then.terms = {{scan, LoopTerm::NextParity, slot}};
    resultOffset = size % 2 * slot;
    memory.bytes = slot + bytes;
  }
  bind(current, carry, now.offset, now.terms);
  if (movable)
    bind(viewsOf[next].storage, carry, then.offset, then.terms);
  else if (!unchanged)
    copy(scan, When::IterationEnd, viewsOf[next], next.getType(), then, argument.getType());

  // The initial value is made in the carry's memory if nobody needs it any more.
  const View &initial = viewsOf[init];
  if (canMove(init, scan->getBlock(), order) && storages[initial.storage].last <= begins[scan])
    bind(initial.storage, carry, initOffset);
  else
    copy(scan, When::BeforeLoop, initial, init.getType(), {carry, initOffset, {}},
         argument.getType());

  if (sameOrder(axesOf(result), order)) {
    assign(result, {carry, resultOffset, {}});
  } else {
    int id = create(scan, scan->getBlock(), bytes, ends[scan]);
    assign(result, {id, 0, {}});
    copy(scan, When::AfterLoop, {carry, resultOffset, {}}, argument.getType(), {id, 0, {}},
         result.getType());
  }
  for (int stack : stacks) {
    const View &slots = yield->getOperand(stack) == argument ? now : then;
    assign(scan->getResult(stack), {carry, slots.offset, {}});
  }
}

void EntryPlanner::visitScan(ScanOp scan) {
  Block *block = scan->getBlock(), *body = &scan.getBody().front();
  Operation *yield = body->getTerminator();
  unsigned carries = scan.getInits().size();
  struct Stacked {
    unsigned index;
    int storage;
    LoopTerm term;
    bool isDense;
  };
  SmallVector<Stacked> stacked;

  // The position is a scalar that the loop itself stores.
  assign(scan.getIndex(), {create(scan, body, 4, begins[scan] + 1), 0, {}});
  storages[viewsOf[scan.getIndex()].storage].pinned = true;
  storages[viewsOf[scan.getIndex()].storage].name += ".index";
  for (unsigned i = 0; i < scan.getSlices().size(); ++i)
    visitSlice(scan, i);
  for (unsigned i = 0; i < carries; ++i) {
    int id = create(scan, body, bytesOf(scan.carried()[i].getType()), begins[scan] + 1);
    storages[id].pinned = true;
    assign(scan.carried()[i], {id, 0, {}});
  }
  visit(*body);

  // A stack of a carried value shares the carry's memory: which carry has which stacks?
  SmallVector<SmallVector<int>> shared(carries);
  for (unsigned i = carries; i < yield->getNumOperands(); ++i) {
    Value value = yield->getOperand(i), stack = scan->getResult(i);
    std::vector<Axis> slots = axesOf(value);
    slots.insert(slots.begin(), *typeOf(stack).find(scan.getAxis().str()));
    bool isDense = sameOrder(axesOf(stack), slots);
    unsigned owner = 0;
    while (owner < carries &&
           (yield->getOperand(owner) == scan.carried()[owner] ||
            (value != scan.carried()[owner] && value != yield->getOperand(owner)) ||
            !sameOrder(axesOf(value), axesOf(scan.carried()[owner]))))
      ++owner;
    if (isDense && owner < carries) {
      shared[owner].push_back(i);
      continue;
    }
    // The map names what is stacked, not the loop that stacks it.
    Operation *maker = value.getDefiningOp();
    int id = create(maker ? maker : scan, block, bytesOf(stack.getType()), begins[scan]);
    storages[id].last = ends[scan];
    assign(stack, {id, 0, {}});
    LoopTerm term{scan, LoopTerm::Position,
                  strideIn(typeOf(stack), scan.getAxis().str()) *
                      bytesOfElement(getElementTypeOrSelf(stack.getType()))};
    stacked.push_back({i, id, term, isDense});
  }
  for (unsigned i = 0; i < carries; ++i)
    visitCarry(scan, i, shared[i]);
  for (const Stacked &stack : stacked) {
    Value value = yield->getOperand(stack.index);
    if (stack.isDense && canMove(value, body, axesOf(value)))
      bind(viewsOf[value].storage, stack.storage, 0, {stack.term});
    else
      copy(scan, When::IterationEnd, viewsOf[value], value.getType(),
           {stack.storage, 0, {stack.term}}, scan->getResult(stack.index).getType());
  }
  // What a later loop takes slices of is a tape.
  for (Value stack : scan.stacks())
    for (OpOperand &use : stack.getUses())
      if (isa<ScanOp>(use.getOwner()) && storages[viewsOf[stack].storage].parent < 0)
        storages[viewsOf[stack].storage].memory = MemoryClass::Tape;
}
