// Where every value lies in the arena: the result of PlanMemory, a table beside the ops.
#pragma once
#include "passes/Watch.h"
#include <functional>

namespace frit {

/// A part of an address that depends on where a loop is: stride bytes times ...
struct LoopTerm {
  enum Kind {
    Position,  // ... i, the position along the axis
    Parity,    // ... n mod 2, n counting iterations
    NextParity // ... (n + 1) mod 2
  };
  mlir::Operation *loop;
  Kind kind;
  int64_t stride;
  bool operator==(const LoopTerm &) const = default;
};

/// Where a value lies: `offset` bytes from the arena's start, plus the terms of the loops around.
struct Place {
  int64_t offset = 0;
  int64_t bytes = 0;
  llvm::SmallVector<LoopTerm, 2> terms;
};

/// Do the bytes of two places meet, seen at one moment of all loops around?
bool overlap(const Place &a, const Place &b);

/// One dimension of a copy; strides in elements.
struct CopyDim {
  int64_t size, from, to;
};

/// A copy that no op stands for. A place's bytes span first to last element.
struct PlannedCopy {
  Place from, to;
  llvm::SmallVector<CopyDim> dims; // outermost first, merged where that changes nothing
  mlir::Type element;
  int64_t count() const {
    int64_t n = 1;
    for (const CopyDim &dim : dims)
      n *= dim.size;
    return n;
  }
};

/// When a copy happens, relative to a scan or to the entry's return.
enum class When {
  BeforeLoop,     // initial carried values
  IterationStart, // slices that are not dense in their operand
  IterationEnd,   // yielded values that were not produced in their place
  AfterLoop,      // final values whose axes stand in another order
  AtRead,         // states whose axes stand in another order
  BeforeWrites,   // values of states that other writes overwrite
  EntryEnd        // states and outputs that were not produced in their place
};

/// What a kernel needs besides its operands and results. Only one of the two.
struct WorkspaceNeed {
  int64_t perThread = 0; // bytes for each thread alone
  int64_t shared = 0;    // bytes for all threads together
};

enum class MemoryClass {
  Parameter,
  Slot,
  State,
  Scalar,
  Input,
  Output,
  Tape,
  Activation,
  Workspace,
  Watch
};
const char *nameOf(MemoryClass memory);

/// One line of the memory map. Positions count the ops of the entry, loop bodies once.
struct MemoryRow {
  std::string name, entry, location; // entry is empty for what all entries share
  MemoryClass memory;
  int64_t offset, bytes;
  int first, last;
};

class Plan {
public:
  int64_t arena = 0;           // bytes, without the threads' workspaces
  int64_t threadWorkspace = 0; // bytes per thread, at arena + thread * threadWorkspace
  std::vector<MemoryRow> map;

  /// Bytes of memory that a run with that many threads uses, and no more.
  int64_t peak(int64_t threads) const { return arena + threads * threadWorkspace; }

  Place placeOf(mlir::Value value) const;
  const Place &placeOfState(llvm::StringRef state) const { return states.at(state.str()); }
  const Place &placeOfOutput(mlir::func::FuncOp entry, int64_t index) const {
    return outputs.at(entry)[index];
  }
  /// True for ops that produce nothing: their results lie inside their operand.
  bool isView(mlir::Operation *op) const { return views.contains(op); }
  llvm::ArrayRef<PlannedCopy> copies(mlir::Operation *loopOrEntry, When when) const;
  std::optional<Place> sharedWorkspaceOf(mlir::Operation *op) const;
  /// Where the words of the op's watches begin; nothing if it has none.
  std::optional<Place> watchesAt(mlir::Operation *op) const;
  std::vector<PlacedWatch> watches; // of all entries, in the order of the program
  /// Of each output of an entry the numbers of the Finite watches that it comes from.
  llvm::DenseMap<mlir::Operation *, std::vector<std::vector<int>>> watchesOfOutputs;

  /// The answer that was planned with: see KernelFacts.
  std::function<bool(mlir::Operation *op, unsigned operand, unsigned result)> runsInPlace;

  /// Keeps what needs no ops: sizes, states and the map. For when the module goes.
  void forgetOps();

  // Filled in by planMemory.
  llvm::DenseMap<mlir::Value, Place> places;
  std::map<std::string, Place> states;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Place>> outputs;
  llvm::DenseSet<mlir::Operation *> views;
  std::map<std::pair<mlir::Operation *, When>, std::vector<PlannedCopy>> copyTable;
  llvm::DenseMap<mlir::Operation *, Place> sharedWorkspaces, watchWords;
};

/// Notes each value's place in attributes (`frit.at`), for --emit=planned.
void annotatePlan(mlir::ModuleOp module, const Plan &plan);

/// The layers that a location names, "lm.blocks.attn, lm.blocks.mlp"; ops of fused kernels have
/// several.
std::string layerOf(mlir::Location location);
/// The first piece of it with a line, "gpt.frit:11:9"; empty if there is none.
std::string positionOf(mlir::Location location);
/// The lines it came from, "gpt.frit:11, gpt.frit:12".
std::string sourceOf(mlir::Location location);

/// Runs every entry on a shadow of the arena that remembers which value wrote each byte, loops
/// unrolled, and says what is wrong with the plan; empty if every op finds what it expects. For
/// tests: takes time and memory in proportion to bytes times iterations.
std::string checkPlan(mlir::ModuleOp module, const Plan &plan);

/// Bytes of a dense value; an i1 takes one.
int64_t bytesOf(mlir::Type type);
int64_t bytesOfElement(mlir::Type element);

} // namespace frit
