// Watches: what a kernel looks out for while it computes, and where it notes it.
//
// A watch is a 64-bit word of the arena, zero as long as all is well. Who looks writes it only when
// something is wrong, so a program that runs well pays a comparison. The runtime looks at the words
// when the entry is over, before anything is saved.
//
//   inside   a position that could not be proved inside its axis: 2^32 - position of the least one
//            outside, whatever the number of threads. The kernel goes on with the nearest end.
//   finite   1: the op's result has a number that is not finite. 2: it made one from finite ones.
//            From a loss that is not finite one goes back through ops that have such numbers, to
//            one that made them; what a `where` has dropped is not met on the way.
//
// Finite is there in programs that are compiled with `--check-finite` alone.
#pragma once
#include "dialect/Frit.h"

namespace frit {

/// The attribute of a module whose ops are watched for numbers that are not finite.
constexpr llvm::StringLiteral checkFiniteAttribute = "frit.check_finite";

struct Watch {
  enum Kind { Inside, Finite } kind;
  mlir::Operation *op;
  std::string axis; // of Inside
  int64_t size = 0;
};
const char *nameOf(Watch::Kind kind);

/// The watches of the kernel that an op becomes, in the order of its body.
llvm::SmallVector<Watch> watchesOf(mlir::Operation *op);

/// Whether the kernel itself looks, and so gets a pointer to its words. Else the entry looks at the
/// result, which has the last of the op's watches.
bool isWatched(mlir::Operation *op);

/// Whether an op can make a number that is not finite from finite ones.
bool canMakeNotFinite(mlir::Operation *op);

/// Where one lies, in words that need no ops.
struct PlacedWatch {
  Watch::Kind kind;
  int64_t offset;
  std::string at, axis; // file:line:column, if it is known
  int64_t size;
  std::string op, layer;
  std::vector<int> from; // of Finite: the numbers of those that the op's operands come from
};

/// Numbers of the Finite watches, by op.
using WatchNumbers = llvm::DenseMap<mlir::Operation *, int>;
/// Those that a value comes from, seen through views, loops and groups.
std::vector<int> watchesBehind(mlir::ValueRange values, const WatchNumbers &numbers);

} // namespace frit
