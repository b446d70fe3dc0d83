// What every lowering is written in: one kernel under construction, with loops over named axes and
// loads and stores at named positions.
//
//   func.func private @name(operand pointers..., result pointers..., watches: !llvm.ptr,
//                           workspace: !llvm.ptr, thread: index, threads: index)
//
// (`watches` for ops that have some: passes/Watch.h).
//
// A kernel computes the share of `thread` out of `threads`; its results do not depend on how many
// there are, because each element is computed whole by one thread, in a fixed order.
#pragma once
#include "dialect/Frit.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Target.h"
#include <functional>

namespace frit {

/// Where loops stand: axis name -> index value.
using Position = std::map<std::string, mlir::Value>;

class KernelBuilder {
public:
  /// Begins `@name` at the end of the module, with one pointer per operand and result.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef name, unsigned operands, unsigned results,
                bool hasWatches = false);

  mlir::ImplicitLocOpBuilder b;
  mlir::func::FuncOp function;
  mlir::Value thread, threads, workspace;
  mlir::Value watches; // null if there are none
  mlir::Value operand(unsigned i) { return function.getArgument(i); }
  mlir::Value result(unsigned i) { return function.getArgument(operandCount + i); }

  // Loops. Bodies see `position` with the loop's axes added.
  using Body = std::function<void(const Position &)>;
  using FoldBody =
      std::function<llvm::SmallVector<mlir::Value>(const Position &, mlir::ValueRange)>;
  /// The elements of `axes` that are this thread's: as many outer axes as it takes to keep threads
  /// busy are run through as one and split, the rest are loops.
  void split(const std::vector<Axis> &axes, const Body &body);
  /// All positions of `axes`, outermost first.
  void each(const std::vector<Axis> &axes, const Position &position, const Body &body);
  /// The same with values carried from position to position.
  llvm::SmallVector<mlir::Value> fold(const std::vector<Axis> &axes, const Position &position,
                                      mlir::ValueRange inits, const FoldBody &body);
  /// This thread's part of 0 .. count-1.
  std::pair<mlir::Value, mlir::Value> share(int64_t count);

  // Memory. A value is dense and row-major; axes that `position` has and the type lacks are
  // ignored.
  mlir::Value load(mlir::Value pointer, const ValueType &type, const Position &position);
  void store(mlir::Value value, mlir::Value pointer, const ValueType &type,
             const Position &position);
  /// The row-major number of a position among `axes`.
  mlir::Value flat(const std::vector<Axis> &axes, const Position &position);
  mlir::Value loadFlat(mlir::Value pointer, Element element, mlir::Value index);
  void storeFlat(mlir::Value value, mlir::Value pointer, Element element, mlir::Value index);

  // Arithmetic. Numbers are of the type of `like`.
  mlir::Value index(int64_t value);
  mlir::Value number(double value, mlir::Type type);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value toIndex(mlir::Value i32);
  mlir::Value toI32(mlir::Value index);
  mlir::Type typeOf(Element element);
  ScalarBuilder scalar() { return ScalarBuilder(b); }

private:
  unsigned operandCount;
};

/// The axes of `type` that are named, in the order of the names.
std::vector<Axis> pick(const ValueType &type, const std::vector<std::string> &names);
/// The axes of `type` that are not named.
std::vector<Axis> drop(const ValueType &type, const std::vector<std::string> &names);

} // namespace frit
