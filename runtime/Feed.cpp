#include "runtime/Feed.h"
#include "runtime/Error.h"
#include "runtime/Philox.h"
#include <cmath>
#include <cstring>
#include <numeric>

using namespace frit;

static const std::string rowsInput = "$rows";

Feed::Feed(std::unique_ptr<Source> source, int64_t seed) : source(std::move(source)), seed(seed) {}

int64_t frit::batchRows(const Entry &entry) {
  const Field *first = nullptr;
  for (const Field &input : entry.inputs) {
    if (input.name == rowsInput || input.isWhole)
      continue;
    if (first && rowsOf(input) != rowsOf(*first))
      fail("inputs '{}' and '{}' of entry {} have {} and {} rows", first->name, input.name,
           entry.name, rowsOf(*first), rowsOf(input));
    first = first ? first : &input;
  }
  return first ? rowsOf(*first) : 1;
}

bool frit::takesPartialBatches(const Entry &entry) {
  for (const Field &input : entry.inputs)
    if (input.name == rowsInput || (input.name.size() > 5 && input.name.ends_with(".mask")))
      return true;
  return false;
}

static void clear(const Entry &entry, int64_t rows, uint8_t *arena) {
  for (const Field &input : entry.inputs)
    std::memset(arena + input.offset, 0, size_t(input.bytes()));
  if (const Field *field = entry.input(rowsInput)) {
    int32_t count = int32_t(rows);
    std::memcpy(arena + field->offset, &count, 4);
  }
}

int64_t Feed::shuffled(int64_t position) {
  int64_t count = source->examples(Part::Training);
  if (position / count != epoch) {
    epoch = position / count;
    order.resize(size_t(count));
    std::iota(order.begin(), order.end(), 0u);
    for (int64_t i = count - 1; i > 0; --i)
      std::swap(
          order[size_t(i)],
          order[below(draw(seed, Stream::Shuffle, uint64_t(epoch), uint64_t(i)), uint64_t(i) + 1)]);
  }
  return order[size_t(position % count)];
}

void Feed::training(int64_t step, const Entry &entry, uint8_t *arena) {
  int64_t rows = batchRows(entry);
  clear(entry, rows, arena);
  source->provideWhole(Part::Training, arena);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t example = source->isWindowed()
                          ? int64_t(below(draw(seed, Stream::Window, uint64_t(step), uint64_t(row)),
                                          uint64_t(source->examples(Part::Training))))
                          : shuffled(step * rows + row);
    source->provide(Part::Training, example, row, arena);
  }
}

int64_t Feed::heldOutBatches(const Entry &entry) const {
  int64_t rows = batchRows(entry), examples = source->examples(Part::HeldOut);
  return takesPartialBatches(entry) ? (examples + rows - 1) / rows : examples / rows;
}

void Feed::heldOut(int64_t batch, const Entry &entry, uint8_t *arena) const {
  int64_t rows = batchRows(entry), begin = batch * rows;
  int64_t present = std::min(rows, source->examples(Part::HeldOut) - begin);
  clear(entry, present, arena);
  source->provideWhole(Part::HeldOut, arena);
  for (int64_t row = 0; row < present; ++row)
    source->provide(Part::HeldOut, begin + row, row, arena);
}

int64_t Feed::stepsFor(double epochs, const Entry &entry) const {
  return int64_t(std::ceil(epochs * double(source->examplesPerEpoch()) / double(batchRows(entry))));
}
