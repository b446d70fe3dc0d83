// Plans the memory of one entry. Internal to PlanMemory (PlanMemory.cpp, PlanEntry.cpp,
// PlanScan.cpp).
#pragma once
#include "passes/PlanMemory.h"

namespace frit::plan {

using mlir::ArrayRef;
using mlir::Block;
using mlir::DenseMap;
using mlir::Operation;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;

/// Sizes in the arena are multiples of 64 bytes.
inline int64_t align(int64_t bytes) { return (bytes + 63) / 64 * 64; }
inline std::vector<Axis> axesOf(Value value) { return typeOf(value).axes; }
/// Do the elements lie alike? Axes of size 1 do not matter.
bool sameOrder(const std::vector<Axis> &x, const std::vector<Axis> &y);
/// Elements between neighbours along an axis; 0 where the value lacks it.
int64_t strideIn(const ValueType &type, const std::string &axis);

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
               mlir::func::FuncOp entry, const KernelFacts &facts)
      : plan(plan), storages(storages), states(states), entry(entry), facts(facts) {}

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
  bool readsBeforeWriting(Operation *op, unsigned result, int memory);
  bool mayBecomeState(mlir::OpResult result);
  void copy(Operation *anchor, When when, View from, Type fromType, View to, Type toType);
  void visit(Block &block);
  void visitKernel(Operation *op);
  void visitScan(ScanOp scan);
  void visitCarry(ScanOp scan, unsigned index, ArrayRef<int> stacks);
  void visitSlice(ScanOp scan, unsigned index);
  void visitRead(ReadOp read);
  void visitReturn(mlir::func::ReturnOp ret);
  Place resolve(const View &view, int64_t bytes) const;

  Plan &plan;
  std::vector<Storage> &storages;
  std::map<std::string, int> &states;
  mlir::func::FuncOp entry;
  const KernelFacts &facts;
  DenseMap<Operation *, int> begins, ends;
  DenseMap<int, Operation *> opAt;
  int count = 0;
  DenseMap<Value, View> viewsOf;
  std::vector<WantedCopy> wanted;
  std::vector<std::pair<Operation *, int>> workspaces;
};

} // namespace frit::plan
