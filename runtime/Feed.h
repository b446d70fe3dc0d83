// Which examples make which batch: a pure function of (seed, step), so that a resumed run sees what
// an uninterrupted one would have seen.
#pragma once
#include "runtime/Machine.h"
#include "runtime/Source.h"

namespace frit {

class Feed {
public:
  Feed(std::unique_ptr<Source> source, int64_t seed);

  /// Fills the inputs of `entry` for the run's step number `step` (from 0). Windowed sources: row r
  /// takes example below(draw(seed, Window, step, r), examples). Others: rows go through epochs,
  /// each a shuffle drawn with (seed, Shuffle, epoch, i).
  void training(int64_t step, const Entry &entry, uint8_t *arena);
  /// Batches that cover the held-out part once, the last one padded with rows that are absent.
  int64_t heldOutBatches(const Entry &entry) const;
  void heldOut(int64_t batch, const Entry &entry, uint8_t *arena) const;

  /// Steps that see the training part `epochs` times.
  int64_t stepsFor(double epochs, const Entry &entry) const;
  const Source &from() const { return *source; }

private:
  int64_t shuffled(int64_t position);

  std::unique_ptr<Source> source;
  int64_t seed;
  int64_t epoch = -1;
  std::vector<uint32_t> order; // of `epoch`
};

/// Rows of a batch of this entry; fails when its inputs disagree.
int64_t batchRows(const Entry &entry);
/// Can the entry tell rows that are absent (by a mask, or by the input "$rows")?
bool takesPartialBatches(const Entry &entry);

} // namespace frit
