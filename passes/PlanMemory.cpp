// 1. Number the ops of an entry; a scan spans the numbers of its body.
// 2. Walk the ops and give each value a storage (a piece of memory) and a view of it. A storage may
//    later be bound to a part of another: a loop's next value to its carry, a result to a state.
// 3. Sort the storages that are bound to nothing by size and put each at the lowest offset that is
//    free during its whole life.
//
// A storage that is rewritten in every iteration lives between two numbers of the loop's body. One
// from outside that the body uses lives to the loop's end: that is `home`, the block in whose terms
// a life is counted.
#include "passes/PlanMemory.h"
#include <numeric>

using namespace mlir;
using namespace frit;

//===----------------------------------------------------------------------===//
// Types and views
//===----------------------------------------------------------------------===//

int64_t frit::bytesOfElement(Type element) {
  return element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
}

int64_t frit::bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * bytesOfElement(tensor.getElementType());
}

static int64_t align(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Axes that matter for the order of elements in memory.
static std::vector<Axis> squeeze(std::vector<Axis> axes) {
  llvm::erase_if(axes, [](const Axis &axis) { return axis.size == 1; });
  return axes;
}
static bool sameOrder(const std::vector<Axis> &x, const std::vector<Axis> &y) {
  return squeeze(x) == squeeze(y);
}
static std::vector<Axis> axesOf(Value value) { return typeOf(value).axes; }

/// If the elements of the op's result lie in its operand, in order: at which byte they begin.
static std::optional<int64_t> viewOffset(Operation *op) {
  if (op->getNumOperands() != 1 || op->getNumResults() != 1)
    return std::nullopt;
  std::vector<Axis> from = axesOf(op->getOperand(0)), to = axesOf(op->getResult(0));
  auto whole = [](bool is) { return is ? std::optional<int64_t>(0) : std::nullopt; };
  if (isa<StopGradientOp>(op) ||
      (isa<CastOp>(op) && op->getOperand(0).getType() == op->getResult(0).getType()))
    return whole(from == to);
  if (isa<BroadcastOp>(op))
    return whole(sameOrder(from, to));
  if (auto rename = dyn_cast<RenameOp>(op)) {
    for (Axis &axis : from)
      if (axis.name == rename.getFrom())
        axis.name = rename.getTo().str();
    return whole(sameOrder(from, to));
  }
  if (auto split = dyn_cast<SplitOp>(op)) {
    std::vector<Axis> expected;
    for (const Axis &axis : from) {
      if (axis.name != split.getAxis()) {
        expected.push_back(axis);
        continue;
      }
      for (const std::string &name : split.getInto().strings())
        expected.push_back(*typeOf(op->getResult(0)).find(name));
    }
    return whole(sameOrder(expected, to));
  }
  if (auto merge = dyn_cast<MergeOp>(op)) {
    std::vector<Axis> expected;
    for (const Axis &axis : to) {
      if (axis.name != merge.getInto()) {
        expected.push_back(axis);
        continue;
      }
      for (const std::string &name : merge.getAxes().strings())
        expected.push_back(*typeOf(op->getOperand(0)).find(name));
    }
    return whole(sameOrder(from, expected));
  }
  if (auto slice = dyn_cast<SliceOp>(op)) {
    std::vector<Axis> outer, rest;
    bool before = true;
    for (const Axis &axis : from) {
      if (axis.name == slice.getAxis())
        before = false;
      else
        (before ? outer : rest).push_back(axis);
    }
    if (!squeeze(outer).empty() || !sameOrder(rest, to))
      return std::nullopt;
    return int64_t(slice.getAt()) * bytesOf(op->getResult(0).getType());
  }
  return std::nullopt;
}

bool frit::canRunInPlace(Operation *op, unsigned operand, unsigned result) {
  Type from = op->getOperand(operand).getType(), to = op->getResult(result).getType();
  if (axesOf(op->getOperand(operand)) != axesOf(op->getResult(result)) ||
      bytesOf(from) != bytesOf(to))
    return false;
  if (isa<Elementwise>(op))
    return true;
  // Every element of the group is computed from, and written to, one place of all values.
  if (auto group = dyn_cast<GroupOp>(op))
    return group.getKind() == "elementwise" && llvm::all_of(op->getResults(), [&](Value other) {
             return axesOf(other) == axesOf(op->getResult(result));
           });
  return false;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Adds what remains of the terms to the interval of bytes: every position that a loop may take.
static std::pair<int64_t, int64_t> extent(const Place &place, ArrayRef<LoopTerm> terms) {
  int64_t begin = place.offset, end = place.offset + place.bytes;
  for (const LoopTerm &term : terms)
    end +=
        term.stride * (term.kind == LoopTerm::Position ? cast<ScanOp>(term.loop).getSize() - 1 : 1);
  return {begin, end};
}

bool frit::overlap(const Place &a, const Place &b) {
  if (a.bytes == 0 || b.bytes == 0)
    return false;
  // Terms in common move both places alike.
  SmallVector<LoopTerm, 2> left(a.terms), right;
  for (const LoopTerm &term : b.terms) {
    auto *same = llvm::find(left, term);
    if (same != left.end())
      left.erase(same);
    else
      right.push_back(term);
  }
  // Two buffers that swap roles: look at both phases of the loop.
  for (LoopTerm &term : left) {
    if (term.kind == LoopTerm::Position)
      continue;
    for (int64_t phase : {0, 1}) {
      auto fix = [&](Place place, ArrayRef<LoopTerm> terms) {
        place.terms.clear();
        for (const LoopTerm &t : terms) {
          if (t.loop != term.loop || t.kind == LoopTerm::Position)
            place.terms.push_back(t);
          else
            place.offset += t.stride * (t.kind == LoopTerm::Parity ? phase : 1 - phase);
        }
        return place;
      };
      if (overlap(fix(a, left), fix(b, right)))
        return true;
    }
    return false;
  }
  auto [beginA, endA] = extent(a, left);
  auto [beginB, endB] = extent(b, right);
  return beginA < endB && beginB < endA;
}

Place Plan::placeOf(Value value) const {
  auto found = places.find(value);
  assert(found != places.end() && "a value without a place");
  return found->second;
}

ArrayRef<PlannedCopy> Plan::copies(Operation *op, When when) const {
  auto found = copyTable.find({op, when});
  return found == copyTable.end() ? ArrayRef<PlannedCopy>() : ArrayRef(found->second);
}

void Plan::forgetOps() {
  places.clear();
  outputs.clear();
  views.clear();
  copyTable.clear();
  sharedWorkspaces.clear();
}

std::optional<Place> Plan::sharedWorkspaceOf(Operation *op) const {
  auto found = sharedWorkspaces.find(op);
  return found == sharedWorkspaces.end() ? std::nullopt : std::optional(found->second);
}

const char *frit::nameOf(MemoryClass memory) {
  static const char *const names[] = {"parameters", "slots", "state",       "scalars",  "inputs",
                                      "outputs",    "tape",  "activations", "workspace"};
  return names[int(memory)];
}

//===----------------------------------------------------------------------===//
// Storages
//===----------------------------------------------------------------------===//

namespace {

struct Storage {
  std::string name, location;
  MemoryClass memory = MemoryClass::Activation;
  Block *home = nullptr; // positions are counted in this block
  int64_t bytes = 0;
  int first = 0, last = 0;
  bool fixed = false;  // placed for good, outlives the entry
  bool pinned = false; // may be bound, but not be taken over in place
  // Bound storages lie inside another.
  int parent = -1;
  int64_t offset = -1; // in the parent, or in the arena
  SmallVector<LoopTerm, 2> terms;
};

/// A value is a part of a storage. Only views of the leading axis have an offset or terms.
struct View {
  int storage = -1;
  int64_t offset = 0;
  SmallVector<LoopTerm, 2> terms;
};

/// A copy before storages have offsets.
struct WantedCopy {
  Operation *anchor;
  When when;
  View from, to;
  SmallVector<CopyDim> dims;
  Type element;
};

/// Plans one entry. `storages` begins with the fixed ones, which all entries share.
class EntryPlanner {
public:
  EntryPlanner(Plan &plan, std::vector<Storage> &storages, std::map<std::string, int> &states,
               func::FuncOp entry, const std::function<WorkspaceNeed(Operation *)> &workspace)
      : plan(plan), storages(storages), states(states), entry(entry), workspace(workspace) {}

  std::vector<int> inputs, outputs; // storages
  /// Steps 1 and 2. Then offsets of unbound storages may be chosen, and `finish` called.
  void assign();
  void finish();

private:
  // 1. numbers
  void number(Block &block);
  int positionIn(Block *home, Operation *op);
  int lastUseIn(Block *home, Value value);

  // 2. storages
  int create(Operation *op, Block *home, int64_t bytes, int first);
  int root(int storage) const;
  bool isWhole(const View &view, Value value) const {
    return view.offset == 0 && view.terms.empty() &&
           storages[view.storage].bytes == bytesOf(value.getType());
  }
  void assign(Value value, View view);
  void bind(int child, int parent, int64_t offset, ArrayRef<LoopTerm> terms = {});
  bool canMove(Value value, Block *home, const std::vector<Axis> &order);
  bool canOverwrite(int target, int storage);
  void copy(Operation *anchor, When when, View from, Type fromType, View to, Type toType);
  void visit(Block &block);
  void visitKernel(Operation *op);
  void visitScan(ScanOp scan);
  void visitCarry(ScanOp scan, unsigned index, ArrayRef<int> stacks);
  void visitSlice(ScanOp scan, unsigned index);
  void visitRead(ReadOp read);
  void visitReturn(func::ReturnOp ret);
  Place resolve(const View &view, int64_t bytes) const;

  Plan &plan;
  std::vector<Storage> &storages;
  std::map<std::string, int> &states;
  func::FuncOp entry;
  const std::function<WorkspaceNeed(Operation *)> &workspace;
  DenseMap<Operation *, int> begins, ends;
  DenseMap<int, Operation *> opAt;
  int count = 0;
  DenseMap<Value, View> viewsOf;
  std::vector<WantedCopy> wanted;
  std::vector<std::pair<Operation *, int>> workspaces;
};

} // namespace

void EntryPlanner::number(Block &block) {
  for (Operation &op : block) {
    opAt[count] = &op;
    begins[&op] = count++;
    if (auto scan = dyn_cast<ScanOp>(op))
      number(scan.getBody().front());
    ends[&op] = isa<ScanOp>(op) ? count++ : begins[&op];
  }
}

/// When `op` is through, in the terms of a block around it.
int EntryPlanner::positionIn(Block *home, Operation *op) {
  Operation *ancestor = home->findAncestorOpInBlock(*op);
  assert(ancestor && "a value is used outside its block");
  return ends[ancestor];
}

int EntryPlanner::lastUseIn(Block *home, Value value) {
  int last = -1;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    auto scan = dyn_cast<ScanOp>(user);
    // Initial values are taken when the loop begins.
    bool isInit =
        scan && use.getOperandNumber() < scan.getInits().size() && user->getBlock() == home;
    last = std::max(last, isInit ? begins[user] : positionIn(home, user));
    if (isa<WriteOp>(user))
      last = std::max(last, begins[entry.getBody().front().getTerminator()]);
  }
  return last;
}

static std::string textOf(Location location) {
  std::string text;
  llvm::raw_string_ostream out(text);
  location->walk([&](Location part) {
    if (auto file = dyn_cast<FileLineColLoc>(part)) {
      out << file.getFilename().getValue() << ":" << file.getLine();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return text;
}

int EntryPlanner::create(Operation *op, Block *home, int64_t bytes, int first) {
  Storage storage;
  storage.name = op->getName().stripDialect().str();
  if (auto path = op->getAttrOfType<StringAttr>("frit.path"))
    storage.name = path.str() + "." + storage.name;
  storage.location = textOf(op->getLoc());
  storage.home = home;
  storage.bytes = bytes;
  storage.first = storage.last = first;
  storages.push_back(std::move(storage));
  return int(storages.size()) - 1;
}

int EntryPlanner::root(int storage) const {
  while (storages[storage].parent >= 0)
    storage = storages[storage].parent;
  return storage;
}

/// Says that a value is that view, and keeps its memory alive until its last use.
void EntryPlanner::assign(Value value, View view) {
  int id = view.storage;
  viewsOf[value] = std::move(view);
  for (; id >= 0; id = storages[id].parent)
    storages[id].last = std::max(storages[id].last, lastUseIn(storages[id].home, value));
}

/// From now on `child` lies inside `parent`.
void EntryPlanner::bind(int child, int parent, int64_t offset, ArrayRef<LoopTerm> terms) {
  Storage &inner = storages[child];
  assert(inner.parent < 0 && !inner.fixed);
  inner.parent = parent;
  inner.offset = offset;
  inner.terms.assign(terms.begin(), terms.end());
  // A child that is rewritten per iteration lives within the loop, during which the parent lives.
  for (int id = parent; id >= 0; id = storages[id].parent)
    if (storages[id].home == inner.home) {
      storages[id].first = std::min(storages[id].first, inner.first);
      storages[id].last = std::max(storages[id].last, inner.last);
    }
}

/// May the value be produced where values with axes in that order belong: is it made in this block,
/// alone in its memory?
bool EntryPlanner::canMove(Value value, Block *home, const std::vector<Axis> &order) {
  const View &view = viewsOf[value];
  const Storage &storage = storages[view.storage];
  return isWhole(view, value) && storage.parent < 0 && !storage.fixed && storage.home == home &&
         !storage.pinned && sameOrder(axesOf(value), order);
}

/// May `storage` be produced in the memory of `target`: is nothing of the old contents needed when
/// the first value of `storage` is made, or is it made from them element by element?
bool EntryPlanner::canOverwrite(int target, int storage) {
  int first = storages[storage].first;
  if (storages[target].last < first)
    return true;
  if (storages[target].last > first)
    return false;
  Operation *maker = opAt.lookup(first);
  if (!maker)
    return false; // made when a loop ends
  for (unsigned result = 0; result < maker->getNumResults(); ++result) {
    auto made = viewsOf.find(maker->getResult(result));
    if (made == viewsOf.end() || root(made->second.storage) != root(storage))
      continue;
    for (OpOperand &operand : maker->getOpOperands()) {
      const View &view = viewsOf[operand.get()];
      if (root(view.storage) == target || view.storage == target)
        if (!isWhole(view, operand.get()) ||
            !canRunInPlace(maker, operand.getOperandNumber(), result))
          return false;
    }
    return true;
  }
  return false;
}

static int64_t strideIn(const ValueType &type, const std::string &axis) {
  int64_t stride = 1;
  for (const Axis &a : llvm::reverse(type.axes)) {
    if (a.name == axis)
      return stride;
    stride *= a.size;
  }
  return 0;
}

/// Copies the elements along the axes that both types have; other axes are up to the views.
void EntryPlanner::copy(Operation *anchor, When when, View from, Type fromType, View to,
                        Type toType) {
  ValueType source = toValueType(cast<RankedTensorType>(fromType));
  ValueType target = toValueType(cast<RankedTensorType>(toType));
  WantedCopy copy{anchor, when, std::move(from), std::move(to), {}, {}};
  copy.element = cast<RankedTensorType>(toType).getElementType();
  for (const Axis &axis : target.axes) {
    if (!source.find(axis.name) || axis.size == 1)
      continue;
    CopyDim dim{axis.size, strideIn(source, axis.name), strideIn(target, axis.name)};
    if (!copy.dims.empty()) {
      CopyDim &outer = copy.dims.back();
      if (outer.from == dim.from * dim.size && outer.to == dim.to * dim.size) {
        outer = {outer.size * dim.size, dim.from, dim.to};
        continue;
      }
    }
    copy.dims.push_back(dim);
  }
  wanted.push_back(std::move(copy));
}

void EntryPlanner::visitKernel(Operation *op) {
  int here = begins[op];
  SmallVector<int> taken;
  for (OpResult result : op->getResults()) {
    // Over an operand that dies here, if all uses of its memory by this op go element by element.
    int found = -1;
    for (OpOperand &operand : op->getOpOperands()) {
      const View &view = viewsOf[operand.get()];
      int id = view.storage;
      if (storages[id].last > here || llvm::is_contained(taken, id) ||
          !canMove(operand.get(), op->getBlock(), axesOf(operand.get())))
        continue;
      bool all = llvm::all_of(op->getOpOperands(), [&](OpOperand &other) {
        const View &otherView = viewsOf[other.get()];
        return otherView.storage != id ||
               (isWhole(otherView, other.get()) &&
                canRunInPlace(op, other.getOperandNumber(), result.getResultNumber()));
      });
      if (all) {
        found = id;
        break;
      }
    }
    if (found < 0)
      found = create(op, op->getBlock(), bytesOf(result.getType()), here);
    taken.push_back(found);
    assign(result, {found, 0, {}});
  }
  if (!workspace)
    return;
  WorkspaceNeed need = workspace(op);
  plan.threadWorkspace = std::max(plan.threadWorkspace, align(need.perThread));
  if (need.shared > 0) {
    int id = create(op, op->getBlock(), need.shared, here);
    storages[id].memory = MemoryClass::Workspace;
    workspaces.push_back({op, id});
  }
}

/// The body's argument is a part of the operand; or, if it does not lie there in one piece, a copy.
void EntryPlanner::visitSlice(ScanOp scan, unsigned index) {
  Value operand = scan.getSlices()[index], argument = scan.sliced()[index];
  Block *body = &scan.getBody().front();
  std::vector<Axis> from = axesOf(operand), rest, outer;
  bool before = true;
  for (const Axis &axis : from) {
    if (axis.name == scan.getAxis())
      before = false;
    else {
      if (before)
        outer.push_back(axis);
      rest.push_back(axis);
    }
  }
  View view = viewsOf[operand];
  int64_t bytes = bytesOf(argument.getType());
  if (squeeze(outer).empty() && sameOrder(rest, axesOf(argument))) {
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
    int id = create(scan, block, bytesOf(stack.getType()), begins[scan]);
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

void EntryPlanner::visit(Block &block) {
  for (Operation &op : block) {
    if (auto scan = dyn_cast<ScanOp>(op)) {
      visitScan(scan);
    } else if (auto read = dyn_cast<ReadOp>(op)) {
      visitRead(read);
      plan.views.insert(&op);
    } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      visitReturn(ret);
    } else if (isa<WriteOp, YieldOp>(op)) {
      plan.views.insert(&op);
    } else if (auto offset = viewOffset(&op)) {
      View view = viewsOf[op.getOperand(0)];
      view.offset += *offset;
      assign(op.getResult(0), view);
      plan.views.insert(&op);
    } else {
      visitKernel(&op);
    }
  }
}

void EntryPlanner::visitRead(ReadOp read) {
  auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(read, read.getStateAttr());
  View view{states.at(read.getState().str()), 0, {}};
  Type type = read.getResult().getType();
  if (sameOrder(axesOf(read.getResult()),
                toValueType(cast<RankedTensorType>(state.getType())).axes))
    return assign(read.getResult(), view);
  int here = begins[read];
  int id = create(read, read->getBlock(), bytesOf(type), here);
  assign(read.getResult(), {id, 0, {}});
  copy(read, When::AtRead, view, state.getType(), {id, 0, {}}, type);
  Storage &memory = storages[view.storage];
  memory.last = std::max(memory.last, positionIn(memory.home, read));
}

/// States and outputs get their values: where they are made, if possible, else by copies at the
/// end.
void EntryPlanner::visitReturn(func::ReturnOp ret) {
  Block *body = ret->getBlock();
  struct Target {
    Value value;
    int storage;
    RankedTensorType type;
  };
  SmallVector<Target> targets;
  for (WriteOp write : body->getOps<WriteOp>()) {
    auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(write, write.getStateAttr());
    targets.push_back({write.getValue(), states.at(write.getState().str()),
                       cast<RankedTensorType>(state.getType())});
  }
  size_t writes = targets.size();
  for (auto [value, storage] : llvm::zip(ret.getOperands(), outputs))
    targets.push_back({value, storage, cast<RankedTensorType>(value.getType())});

  DenseSet<int> written;
  for (size_t i = 0; i < writes; ++i)
    written.insert(targets[i].storage);
  for (const Target &target : targets) {
    Value value = target.value;
    std::vector<Axis> order = toValueType(target.type).axes;
    View view = viewsOf[value];
    if (view.storage == target.storage && isWhole(view, value) && sameOrder(axesOf(value), order))
      continue; // the state's own old value
    if (canMove(value, body, order) && canOverwrite(target.storage, view.storage)) {
      bind(view.storage, target.storage, 0);
      continue;
    }
    // A view of a state that another copy overwrites is brought to safety first.
    Type type = value.getType();
    if (written.contains(view.storage)) {
      int id = create(ret, body, bytesOf(type), begins[ret]);
      copy(entry, When::BeforeWrites, view, type, {id, 0, {}}, type);
      view = {id, 0, {}};
    }
    copy(entry, When::EntryEnd, view, type, {target.storage, 0, {}}, target.type);
  }
}

void EntryPlanner::assign() {
  Block &body = entry.getBody().front();
  number(body);
  // Fixed memory is seen from this entry.
  for (Storage &storage : storages)
    if (storage.fixed) {
      storage.home = &body;
      storage.first = storage.last = -1;
    }
  for (auto [argument, storage] : llvm::zip(body.getArguments(), inputs))
    assign(argument, {storage, 0, {}});
  visit(body);
}

Place EntryPlanner::resolve(const View &view, int64_t bytes) const {
  Place place{view.offset, bytes, view.terms};
  for (int id = view.storage; id >= 0; id = storages[id].parent) {
    place.offset += storages[id].offset;
    place.terms.append(storages[id].terms.begin(), storages[id].terms.end());
  }
  return place;
}

/// With all offsets known: places, copies, workspaces.
void EntryPlanner::finish() {
  for (auto &[value, view] : viewsOf)
    plan.places[value] = resolve(view, bytesOf(value.getType()));
  for (WantedCopy &want : wanted) {
    int64_t from = 1, to = 1;
    bool isDense = want.dims.empty() ||
                   (want.dims.size() == 1 && want.dims[0].from == 1 && want.dims[0].to == 1);
    for (const CopyDim &dim : want.dims) {
      from += (dim.size - 1) * dim.from;
      to += (dim.size - 1) * dim.to;
    }
    int64_t element = bytesOfElement(want.element);
    PlannedCopy copy{resolve(want.from, from * element), resolve(want.to, to * element), want.dims,
                     want.element};
    if (isDense && copy.from.offset == copy.to.offset && copy.from.terms == copy.to.terms)
      continue; // already there
    plan.copyTable[{want.anchor, want.when}].push_back(std::move(copy));
  }
  for (auto &[op, id] : workspaces)
    plan.sharedWorkspaces[op] = resolve({id, 0, {}}, storages[id].bytes);
  auto &list = plan.outputs[entry];
  for (auto [index, id] : llvm::enumerate(outputs))
    list.push_back({storages[id].offset, storages[id].bytes, {}});
}

//===----------------------------------------------------------------------===//
// Offsets
//===----------------------------------------------------------------------===//

/// Places the unbound storages from `begin` on, large ones first, each at the lowest offset where
/// it meets none that lives at the same time. Returns where the last byte ends.
static int64_t placeByLife(std::vector<Storage> &storages, size_t from, int64_t begin) {
  std::vector<Storage *> order, placed;
  for (size_t i = from; i < storages.size(); ++i)
    if (storages[i].parent < 0 && !storages[i].fixed)
      order.push_back(&storages[i]);
  llvm::sort(order, [](Storage *x, Storage *y) {
    return std::pair(-x->bytes, x) < std::pair(-y->bytes, y);
  });
  int64_t top = begin;
  for (Storage *storage : order) {
    int64_t offset = begin, bytes = align(storage->bytes);
    for (Storage *other : placed) { // by offset
      if (other->last < storage->first || other->first > storage->last)
        continue;
      if (other->offset >= offset + bytes)
        break;
      offset = std::max(offset, other->offset + align(other->bytes));
    }
    storage->offset = offset;
    placed.insert(llvm::upper_bound(placed, storage,
                                    [](Storage *x, Storage *y) { return x->offset < y->offset; }),
                  storage);
    top = std::max(top, offset + bytes);
  }
  return top;
}

static MemoryClass classOf(StateOp state) {
  return llvm::StringSwitch<MemoryClass>(state.getRole())
      .Case("parameter", MemoryClass::Parameter)
      .Case("slot", MemoryClass::Slot)
      .Case("scalar", MemoryClass::Scalar)
      .Default(MemoryClass::State);
}

static std::string nameAt(func::FuncOp entry, unsigned index, bool isInput) {
  auto name = isInput ? entry.getArgAttrOfType<StringAttr>(index, "frit.name")
                      : entry.getResultAttrOfType<StringAttr>(index, "frit.name");
  return name ? name.str() : (isInput ? "input" : "output") + std::to_string(index);
}

Plan frit::planMemory(ModuleOp module, const std::function<WorkspaceNeed(Operation *)> &workspace) {
  Plan plan;
  std::vector<Storage> storages;
  std::map<std::string, int> states;
  int64_t end = 0;
  auto fix = [&](std::string name, Location location, MemoryClass memory, int64_t bytes) {
    Storage storage;
    storage.name = std::move(name);
    storage.location = textOf(location);
    storage.memory = memory;
    storage.bytes = bytes;
    storage.fixed = true;
    storage.offset = end;
    end += align(bytes);
    storages.push_back(std::move(storage));
    return int(storages.size()) - 1;
  };
  auto report = [&](const Storage &storage, StringRef entry) {
    plan.map.push_back({storage.name, entry.str(), storage.location, storage.memory, storage.offset,
                        storage.bytes, storage.first, storage.last});
  };

  for (StateOp state : module.getOps<StateOp>()) {
    int id =
        fix(state.getSymName().str(), state.getLoc(), classOf(state), bytesOf(state.getType()));
    states[state.getSymName().str()] = id;
    plan.states[state.getSymName().str()] = {storages[id].offset, storages[id].bytes, {}};
  }
  std::vector<std::unique_ptr<EntryPlanner>> planners;
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr("frit.entry"))
      continue;
    auto planner = std::make_unique<EntryPlanner>(plan, storages, states, entry, workspace);
    for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes()))
      planner->inputs.push_back(fix(entry.getName().str() + "." + nameAt(entry, index, true),
                                    entry.getLoc(), MemoryClass::Input, bytesOf(type)));
    for (auto [index, type] : llvm::enumerate(entry.getResultTypes()))
      planner->outputs.push_back(fix(entry.getName().str() + "." + nameAt(entry, index, false),
                                     entry.getLoc(), MemoryClass::Output, bytesOf(type)));
    planners.push_back(std::move(planner));
  }
  for (const Storage &storage : storages)
    report(storage, "");

  int64_t arena = end;
  size_t next = 0;
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr("frit.entry"))
      continue;
    size_t own = storages.size();
    planners[next]->assign();
    arena = std::max(arena, placeByLife(storages, own, end));
    planners[next]->finish();
    for (size_t i = own; i < storages.size(); ++i)
      if (storages[i].parent < 0)
        report(storages[i], entry.getName());
    ++next;
  }
  plan.arena = align(std::max<int64_t>(arena, 64));
  return plan;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string textOf(const Place &place) {
  std::string text = std::to_string(place.offset);
  for (const LoopTerm &term : place.terms) {
    auto scan = cast<ScanOp>(term.loop);
    const char *factor = term.kind == LoopTerm::Position ? ""
                         : term.kind == LoopTerm::Parity ? " parity"
                                                         : " next parity";
    text += " + " + scan.getAxis().str() + factor + " * " + std::to_string(term.stride);
  }
  return text;
}

void frit::annotatePlan(ModuleOp module, const Plan &plan) {
  Builder b(module.getContext());
  module->setAttr("frit.arena", b.getI64IntegerAttr(plan.arena));
  module->setAttr("frit.thread_workspace", b.getI64IntegerAttr(plan.threadWorkspace));
  for (StateOp state : module.getOps<StateOp>())
    state->setAttr("frit.at", b.getStringAttr(textOf(plan.placeOfState(state.getSymName()))));
  for (func::FuncOp entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr("frit.entry"))
      continue;
    for (BlockArgument argument : entry.getArguments())
      entry.setArgAttr(argument.getArgNumber(), "frit.at",
                       b.getStringAttr(textOf(plan.placeOf(argument))));
    for (unsigned i = 0; i < entry.getNumResults(); ++i)
      entry.setResultAttr(i, "frit.at", b.getStringAttr(textOf(plan.placeOfOutput(entry, i))));
    entry.walk([&](Operation *op) {
      SmallVector<mlir::Attribute> places;
      for (Value result : op->getResults())
        if (plan.places.contains(result))
          places.push_back(b.getStringAttr(textOf(plan.placeOf(result))));
      if (!places.empty())
        op->setAttr("frit.at", b.getArrayAttr(places));
    });
  }
}
