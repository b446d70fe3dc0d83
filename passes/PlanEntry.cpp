// 1. Number the ops of an entry; a scan spans the numbers of its body.
// 2. Walk the ops and give each value a storage (a piece of memory) and a view of it. A storage may
//    later be bound to a part of another: a loop's next value to its carry, a result to a state.
//
// A storage that is rewritten in every iteration lives between two numbers of the loop's body. One
// from outside that the body uses lives to the loop's end: that is `home`, the block in whose terms
// a life is counted.
#include "passes/PlanEntry.h"

using namespace mlir;
using namespace frit;
using namespace frit::plan;

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// Axes that matter for the order of elements in memory.
static std::vector<Axis> squeeze(std::vector<Axis> axes) {
  llvm::erase_if(axes, [](const Axis &axis) { return axis.size == 1; });
  return axes;
}
bool frit::plan::sameOrder(const std::vector<Axis> &x, const std::vector<Axis> &y) {
  return squeeze(x) == squeeze(y);
}
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

//===----------------------------------------------------------------------===//
// Lives
//===----------------------------------------------------------------------===//

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

int EntryPlanner::create(Operation *op, Block *home, int64_t bytes, int first) {
  Storage storage;
  std::string layer = layerOf(op->getLoc());
  storage.name = (layer.empty() ? "" : layer + ": ") + op->getName().stripDialect().str();
  storage.location = sourceOf(op->getLoc());
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
    return readsBeforeWriting(maker, result, target);
  }
  return false;
}

/// Does `op` read that memory only where, and before, it writes the result?
bool EntryPlanner::readsBeforeWriting(Operation *op, unsigned result, int memory) {
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    const View &view = viewsOf[operand.get()];
    return (root(view.storage) != memory && view.storage != memory) ||
           (isWhole(view, operand.get()) &&
            plan.runsInPlace(op, operand.getOperandNumber(), result));
  });
}

/// Will the result be produced in the memory of a state that it is written to? (In all likelihood:
/// a view of the state that is read later may still come.)
bool EntryPlanner::mayBecomeState(OpResult result) {
  Operation *op = result.getOwner();
  if (op->getBlock() != &entry.getBody().front())
    return false;
  return llvm::any_of(result.getUsers(), [&](Operation *user) {
    auto write = dyn_cast<WriteOp>(user);
    if (!write)
      return false;
    auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(write, write.getStateAttr());
    if (!sameOrder(axesOf(result), toValueType(cast<RankedTensorType>(state.getType())).axes))
      return false;
    int target = states.at(write.getState().str()), here = begins[op];
    return storages[target].last < here ||
           (storages[target].last == here &&
            readsBeforeWriting(op, result.getResultNumber(), target));
  });
}

int64_t frit::plan::strideIn(const ValueType &type, const std::string &axis) {
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
    // What a state becomes has a better place: the state's own.
    int found = -1;
    for (OpOperand &operand : op->getOpOperands()) {
      if (mayBecomeState(result))
        break;
      const View &view = viewsOf[operand.get()];
      int id = view.storage;
      if (storages[id].last > here || llvm::is_contained(taken, id) ||
          !canMove(operand.get(), op->getBlock(), axesOf(operand.get())))
        continue;
      bool all = llvm::all_of(op->getOpOperands(), [&](OpOperand &other) {
        const View &otherView = viewsOf[other.get()];
        return otherView.storage != id ||
               (isWhole(otherView, other.get()) &&
                plan.runsInPlace(op, other.getOperandNumber(), result.getResultNumber()));
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
  if (!facts.workspace)
    return;
  WorkspaceNeed need = facts.workspace(op);
  plan.threadWorkspace = std::max(plan.threadWorkspace, align(need.perThread));
  if (need.shared > 0) {
    int id = create(op, op->getBlock(), need.shared, here);
    storages[id].memory = MemoryClass::Workspace;
    workspaces.push_back({op, id});
  }
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
