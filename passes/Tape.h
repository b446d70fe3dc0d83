// What the backward body of one scan needs of the forward body, brought over on demand: saved by
// the forward scan (on the tape), or computed again.
//
// Free to compute again are constants, positions, and elementwise work on those, on slices and on
// the surroundings. Beyond that, elementwise values are computed again where this saves fewer
// bytes: of gelu(u) W the value u is enough, of a norm the centred input.
#pragma once
#include "passes/ScanEdit.h"

namespace frit {

class Tape {
public:
  /// `backward` is the body of the backward scan, which is not in an op yet.
  Tape(ScanOp scan, mlir::Block *backward);

  ScanEdit edit;
  /// Slices of the backward scan: argument, and what it slices: a value, or a stack of the forward
  /// scan once that has been made.
  struct Need {
    mlir::BlockArgument argument;
    mlir::Value whole;
    size_t stack = 0;
  };
  std::vector<Need> needs;

  /// Rewrites every use of a forward value in the backward body.
  void bringOver();
  /// A slice argument of the backward scan, the same for the same value.
  mlir::Value slice(mlir::Value whole);
  /// After the forward scan has its tape.
  mlir::Value wholeOf(const Need &need) const;

private:
  using Place = std::pair<int, unsigned>; // of a value in the body: op, result; arguments first
  using Prices = llvm::DenseMap<mlir::Value, double>;

  mlir::Block *body, *backward;
  mlir::Block::iterator cursor; // recomputed ops go here, before everything else
  llvm::DenseMap<mlir::Value, mlir::Value> brought;
  llvm::DenseMap<mlir::Value, bool> given;
  llvm::DenseMap<mlir::Operation *, int> position;
  std::map<Place, mlir::Value> saved;

  bool isGiven(mlir::Value v);
  bool isSaved(mlir::Value v);
  Place placeOf(mlir::Value v);
  double priceOfOperands(mlir::Operation *op, Prices &prices);
  double price(mlir::Value v, Prices &prices);
  void require(mlir::Value v, Prices &prices);
  void choose(llvm::ArrayRef<mlir::OpOperand *> uses);

  mlir::Value fetch(mlir::Value v);
  mlir::Value bring(mlir::Value v);
  mlir::Value save(mlir::Value v);
  mlir::Value saveAs(mlir::Value v);
};

} // namespace frit
