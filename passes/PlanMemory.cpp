// 1. States, scalars, inputs, outputs and the words of watches get fixed places.
// 2. Each entry is planned on its own (PlanEntry.cpp): which values share memory, and how long.
// 3. The storages that are bound to nothing are sorted by size; each goes to the lowest offset that
//    is free during its whole life.
#include "passes/PlanEntry.h"

using namespace mlir;
using namespace frit;
using namespace frit::plan;

bool frit::isElementwiseInPlace(Operation *op, unsigned operand, unsigned result) {
  Value from = op->getOperand(operand), to = op->getResult(result);
  return isa<Elementwise>(op) && axesOf(from) == axesOf(to) &&
         bytesOf(from.getType()) == bytesOf(to.getType());
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

/// The words of all watches, one after another.
static void
placeWatches(ModuleOp module, Plan &plan,
             function_ref<int64_t(std::string, Location, MemoryClass, int64_t bytes)> fix) {
  SmallVector<std::pair<Operation *, SmallVector<Watch>>> kernels;
  int64_t bytes = 0;
  for (func::FuncOp entry : module.getOps<func::FuncOp>())
    if (entry->hasAttr("frit.entry"))
      entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (auto watches = watchesOf(op); !watches.empty())
          kernels.push_back({op, watches}), bytes += 8 * int64_t(watches.size());
        return isa<GroupOp>(op) ? WalkResult::skip() : WalkResult::advance();
      });
  if (bytes == 0)
    return;
  int64_t offset = fix("watches", module.getLoc(), MemoryClass::Watch, bytes);
  WatchNumbers numbers;
  for (auto &[op, watches] : kernels) {
    plan.watchWords[op] = {offset, 8 * int64_t(watches.size()), {}};
    for (const Watch &watch : watches) {
      if (watch.kind == Watch::Finite)
        numbers[watch.op] = int(plan.watches.size());
      plan.watches.push_back({watch.kind,
                              offset,
                              positionOf(watch.op->getLoc()),
                              watch.axis,
                              watch.size,
                              watch.op->getName().stripDialect().str(),
                              layerOf(watch.op->getLoc()),
                              {}});
      offset += 8;
    }
  }
  for (auto [op, number] : numbers)
    plan.watches[number].from = watchesBehind(op->getOperands(), numbers);
  for (func::FuncOp entry : module.getOps<func::FuncOp>())
    if (entry->hasAttr("frit.entry"))
      for (Value output : entry.getBody().front().getTerminator()->getOperands())
        plan.watchesOfOutputs[entry].push_back(watchesBehind(output, numbers));
}

Plan frit::planMemory(ModuleOp module, const KernelFacts &facts) {
  Plan plan;
  plan.runsInPlace = facts.runsInPlace ? facts.runsInPlace : isElementwiseInPlace;
  std::vector<Storage> storages;
  std::map<std::string, int> states;
  int64_t end = 0;
  auto fix = [&](std::string name, Location location, MemoryClass memory, int64_t bytes) {
    Storage storage;
    storage.name = std::move(name);
    storage.location = sourceOf(location);
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
    auto planner = std::make_unique<EntryPlanner>(plan, storages, states, entry, facts);
    for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes()))
      planner->inputs.push_back(fix(entry.getName().str() + "." + nameAt(entry, index, true),
                                    entry.getLoc(), MemoryClass::Input, bytesOf(type)));
    for (auto [index, type] : llvm::enumerate(entry.getResultTypes()))
      planner->outputs.push_back(fix(entry.getName().str() + "." + nameAt(entry, index, false),
                                     entry.getLoc(), MemoryClass::Output, bytesOf(type)));
    planners.push_back(std::move(planner));
  }
  placeWatches(module, plan,
               [&](std::string name, Location location, MemoryClass memory, int64_t bytes) {
                 return storages[fix(std::move(name), location, memory, bytes)].offset;
               });
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
