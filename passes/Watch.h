// Watches: what a kernel looks out for while it computes, and where it notes it.
//
// A watch is a 64-bit word of the arena, zero as long as all is well. The kernel of an op with a
// watch gets a pointer to its words and writes one only when something is wrong, so a program that
// runs well pays a comparison. The runtime looks at the words when the entry is over, before
// anything is saved.
//
//   inside   a position that could not be proved inside its axis: 2^32 - position of the least one
//            outside, whatever the number of threads. The kernel goes on with the nearest end.
#pragma once
#include "dialect/Frit.h"

namespace frit {

struct Watch {
  mlir::Operation *op; // the gather or scatter
  std::string axis;
  int64_t size;
};

/// The watches of the kernel that an op becomes, in the order of its body.
llvm::SmallVector<Watch> watchesOf(mlir::Operation *op);

/// Where one lies, in words that need no ops.
struct PlacedWatch {
  int64_t offset;
  std::string at, axis; // file:line:column, if it is known
  int64_t size;
};

} // namespace frit
