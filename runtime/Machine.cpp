#include "runtime/Machine.h"
#include "runtime/Error.h"
#include <cmath>
#include <cstring>
#include <set>

using namespace frit;

static constexpr int32_t maxThreads = 1024;

static int32_t checkedThreads(int32_t threads) {
  if (threads < 0 || threads > maxThreads)
    fail("--threads must be between 1 and {}, not {}", maxThreads, threads);
  return threads ? threads : availableCores();
}

Machine::Machine(const FritLevel &level, int32_t threads)
    : description(readDescription(level)), isa(level.isa),
      arena(description.arena + checkedThreads(threads) * description.workspace),
      pool(checkedThreads(threads)) {
  setDefaults();
}

int64_t &Machine::word(const Watch &watch) const {
  return *reinterpret_cast<int64_t *>(arena.data() + watch.offset);
}

void Machine::run(const Entry &entry) {
  for (const Watch &watch : description.watches)
    word(watch) = 0;
  FritContext context{arena.data(), 0, nullptr};
  pool.run(entry.run, &context);
  for (const Watch &watch : description.watches)
    if (watch.kind == Watch::Kind::Inside && word(watch) != 0)
      throw ProgramError(fmt::format("{}{}error: index {} of axis '{}' is outside 0..{}", watch.at,
                                     watch.at.empty() ? "" : ": ", (int64_t(1) << 32) - word(watch),
                                     watch.axis, watch.size - 1));
}

bool Machine::looksForNotFinite() const {
  for (const Watch &watch : description.watches)
    if (watch.kind != Watch::Kind::Inside)
      return true;
  return false;
}

const Watch *Machine::originOfNotFinite(const Field &output) const {
  // The ops behind the output whose results have such numbers.
  std::set<size_t> reached;
  std::vector<size_t> next = output.watches;
  while (!next.empty()) {
    size_t number = next.back();
    next.pop_back();
    const Watch &watch = description.watches[number];
    if (word(watch) != 0 && reached.insert(number).second)
      next.insert(next.end(), watch.from.begin(), watch.from.end());
  }
  for (size_t number : reached)
    if (word(description.watches[number]) == 2)
      return &description.watches[number];
  return reached.empty() ? nullptr : &description.watches[*reached.begin()];
}

const Entry &Machine::entry(const std::string &name, const char *need) const {
  if (const Entry *entry = description.find(name))
    return *entry;
  fail("program '{}' has no {} entry: {}", description.program, name, need);
}

void Machine::set(const std::string &name, double value) {
  const Scalar *scalar = description.scalar(name);
  if (!scalar)
    return;
  if (scalar->element == Element::F32) {
    float number = float(value);
    std::memcpy(arena.data() + scalar->offset, &number, 4);
    return;
  }
  if (value != std::floor(value) || std::abs(value) > 2147483647.0)
    fail("{} must be a whole number of 32 bits, not {}", name, value);
  int32_t number = int32_t(value);
  std::memcpy(arena.data() + scalar->offset, &number, 4);
}

void Machine::setDefaults() {
  for (const Scalar &scalar : description.scalars)
    set(scalar.name, scalar.value);
}

std::vector<Report> frit::readReports(const Machine &machine, const Entry &entry) {
  std::vector<Report> reports;
  for (const Field &output : entry.outputs)
    if (output.count() == 1)
      reports.push_back(
          {output.name, numberAt(output.element, machine.at(output), 0), output.element});
  return reports;
}
