// How one matmul is cut up. Internal to the emitter (Matmul*.cpp).
//
//   panel   MR rows of A, or NR columns of B, over KC values of k, stored [k][MR] or [k][NR]:
//           what the micro-kernel reads from front to back
//   tile    the MR x NR piece of C that one micro-kernel call holds in registers
//   block   the panels of one operand that stay in the second-level cache ("resident") while the
//           panels of the other stream past, each packed just before its use
#pragma once
#include "codegen/cpu/Matmul.h"

namespace frit::matmul {

/// The dimensions of one axis, outermost first, with size-1 dimensions dropped and neighbours that
/// are contiguous with each other merged.
struct Axis {
  llvm::SmallVector<Dim> dims;

  Axis() = default;
  explicit Axis(llvm::ArrayRef<Dim> given);
  int64_t size() const;
  bool single() const { return dims.size() <= 1; }
  /// The stride when there is one dimension at most.
  int64_t stride() const { return dims.empty() ? 1 : dims.back().stride; }
  /// `lanes` elements from any multiple of `lanes` on are adjacent in memory.
  bool contiguous(int64_t lanes) const;
  std::string name() const;
};

struct Operand {
  Axis across; // rows of A, columns of B
  Axis along;  // k
  Axis batch;
};

struct Plan {
  Operand a, b;
  Axis cRows, cCols, batch;
  mlir::FloatType element;
  int bytes; // of one element
  int lanes;
  bool accumulate;
  bool swapped; // a is the caller's B transposed, and so on

  int64_t m, n, k, batches;
  int mr, nv;                 // tile: mr rows, nv vectors of columns
  int64_t rowPanels, rowBase; // the first rowExtra panels have rowBase + 1 rows, the others rowBase
  int64_t rowExtra;
  int64_t colPanels;
  int64_t lastCols; // columns of the last panel: 1 .. nr()
  int64_t kc, kBlocks;
  bool aResident;
  int64_t blockPanels; // of the resident operand
  bool splitRows;      // threads share row panels, else column panels
  bool directB;        // B is read in place: there is only one row panel to use it
  bool scratchC;       // C cannot be stored by vectors: tiles pass through a scratch tile
  bool rowTable;       // rows of C lie at offsets from a table instead of a stride

  int nr() const { return nv * lanes; }
  int64_t mrMax() const { return rowBase + (rowExtra ? 1 : 0); }
  int lastVectors() const { return (lastCols + lanes - 1) / lanes; }

  // Workspace, in bytes: packed A, packed B, scratch tile, row table.
  int64_t aPanelBytes() const;
  int64_t bPanelBytes() const;
  int64_t aBytes() const, bBytes() const, scratchBytes() const, tableBytes() const;
};

Plan makePlan(const MatmulSpec &spec, const Target &target);

} // namespace frit::matmul
