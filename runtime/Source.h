// Where examples come from. A source knows its examples by number and writes any of them into any
// row of a batch; Feed decides which, so that order, resuming and held-out data are settled once.
#pragma once
#include "runtime/Description.h"
#include <array>
#include <memory>

namespace frit {

enum class Part { Training = 0, HeldOut = 1 };

/// What a source is asked for.
struct SourceRequest {
  DataInfo info;
  std::vector<std::string> files;      // at least one, unless info.files has them
  std::vector<std::string> validation; // separate held-out files, or none
  double fraction = 0;                 // held out of `files` when `validation` is empty
  bool allHeldOut = false;             // another file is evaluated: nothing of it is for training
  /// The entries whose inputs it must provide: by Part; null when there is none.
  std::array<const Entry *, 2> entries{};
  int64_t vocabulary = 0;
  nlohmann::json saved; // what the source remembered in the checkpoint, or null
};

class Source {
public:
  virtual ~Source() = default;
  virtual int64_t examples(Part part) const = 0;
  /// True: examples are drawn with replacement (windows of a long text). False: in epochs, each
  /// once, shuffled.
  virtual bool isWindowed() const { return false; }
  /// How many training examples see all of the data once.
  virtual int64_t examplesPerEpoch() const { return examples(Part::Training); }
  /// Writes example number `example` of `part` into row `row` of the batch in `arena`. The row is
  /// zero before.
  virtual void provide(Part part, int64_t example, int64_t row, uint8_t *arena) const = 0;
  /// Writes the inputs that are given whole. Sources of rows have none.
  virtual void provideWhole(Part, uint8_t *) const {}
  /// What a checkpoint must hold to read other files alike (tokenizer, categories), or null.
  virtual nlohmann::json remember() const { return nullptr; }
};

/// Opens the source that the program names; fails when files are missing, malformed, too short, or
/// do not provide an input of the entries.
std::unique_ptr<Source> openSource(const SourceRequest &request);

/// Every source is a line in Sources.def and a function of this type.
#define FRIT_SOURCE(name, factory, record, files, arguments)                                       \
  std::unique_ptr<Source> factory(const SourceRequest &request);
#include "runtime/Sources.def"
#undef FRIT_SOURCE

// ---- helpers of sources ----

/// Fails unless every input of the entries is one of `provided` or one that Feed writes.
void checkProvided(const SourceRequest &request, const std::vector<std::string> &provided,
                   const std::string &help);

/// Rows of a batch: the first size of an input.
int64_t rowsOf(const Field &field);
/// The bytes of one row of an input.
inline uint8_t *rowOf(const Field &field, int64_t row, uint8_t *arena) {
  return arena + field.offset + row * (field.bytes() / field.shape[0]);
}

/// The fields of one sequence record (right-padded): ids, next (the token after), real (not
/// padding), mask (next is there and counts), row (the example's number).
struct SequenceFields {
  const Field *ids = nullptr, *next = nullptr, *real = nullptr, *mask = nullptr, *row = nullptr;
  int64_t length = 0; // t

  /// Finds "name.ids" etc. among an entry's inputs and checks that their shapes agree.
  SequenceFields(const Entry &entry, const std::string &name);
  SequenceFields() = default;
  /// Writes `tokens` (up to t + 1 of them are used: the last one only as a target). Returns the
  /// index of the first token that is not below `vocabulary` (0: any), or -1.
  int64_t write(const int32_t *tokens, int64_t count, int64_t example, int64_t row,
                int64_t vocabulary, uint8_t *arena) const;
};
extern const std::array<const char *, 5> sequenceFieldNames;

/// The single record parameter of type "sequence"; fails if there is not exactly one.
std::string sequenceParameter(const SourceRequest &request);

/// Which examples of `count` are held out, for data without an order of their own: a fixed random
/// subset of floor(count * fraction), the same for every seed. Returns the two parts in file order.
std::array<std::vector<uint32_t>, 2> splitExamples(int64_t count, double fraction);

} // namespace frit
