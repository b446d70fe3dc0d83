// A program loaded: its level, its arena, its threads. Everything above works on this.
#pragma once
#include "runtime/Arena.h"
#include "runtime/Description.h"
#include "runtime/Pool.h"

namespace frit {

class Machine {
public:
  /// `threads` 0: one per available core.
  Machine(const FritLevel &level, int32_t threads);

  const Description description;
  const std::string isa;

  /// Runs an entry on all threads. Throws ProgramError if a position lay outside its axis: then the
  /// arena holds no result.
  void run(const Entry &entry);
  /// The entry of that name; fails with `why it is needed` when the program has none.
  const Entry &entry(const std::string &name, const char *need) const;

  uint8_t *at(const Field &field) const { return arena.data() + field.offset; }
  uint8_t *data() const { return arena.data(); }
  int32_t threads() const { return pool.size(); }
  /// Arena and the threads' workspaces.
  int64_t bytes() const { return arena.size(); }
  int64_t residentBytes() const { return arena.resident(); }

  /// Writes a scalar if the program has it.
  void set(const std::string &name, double value);
  /// All scalars to their defaults.
  void setDefaults();

  /// Whether the program was compiled to look for numbers that are not finite.
  bool looksForNotFinite() const;
  /// Of an output that is not finite, after its entry ran: the first op behind it that made such a
  /// number from finite ones, else the first that has one; null if there is none.
  const Watch *originOfNotFinite(const Field &output) const;

private:
  int64_t &word(const Watch &watch) const;

  Arena arena;
  Pool pool;
};

/// A single-element output and its value after a run.
struct Report {
  std::string name;
  double value;
  Element element;
};
/// The scalar outputs of an entry, in its order.
std::vector<Report> readReports(const Machine &machine, const Entry &entry);

} // namespace frit
