// How long a training step takes, on made-up data or given data.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Philox.h"
#include "runtime/Progress.h"
#include "runtime/Signals.h"
#include <algorithm>
#include <chrono>

using namespace frit;

/// Random inputs that any program accepts: integers below their limit, floats in [-1, 1), no row
/// absent.
static void fillInputs(const Machine &machine, const Entry &entry) {
  uint64_t number = 0;
  for (const Field &input : entry.inputs) {
    int64_t limit = input.limit                      ? input.limit
                    : machine.description.vocabulary ? machine.description.vocabulary
                                                     : 2;
    for (int64_t i = 0; i < input.count(); ++i) {
      uint64_t bits = draw(1, Stream::Bench, 0, number++);
      uint8_t *target = machine.at(input) + i * sizeOf(input.element);
      switch (input.element) {
      case Element::I1:
        *target = 1;
        break;
      case Element::I32:
        *reinterpret_cast<int32_t *>(target) = input.name == "$rows"
                                                   ? int32_t(batchRows(entry))
                                                   : int32_t(below(bits, uint64_t(limit)));
        break;
      case Element::F32:
        *reinterpret_cast<float *>(target) = float(2 * unit(bits) - 1);
        break;
      case Element::F64:
        *reinterpret_cast<double *>(target) = 2 * unit(bits) - 1;
        break;
      default:
        bug("input '{}' has type {}", input.name, nameOf(input.element));
      }
    }
  }
}

int frit::bench(const FritLevel &level, const BenchOptions &options) {
  if (options.steps < 1)
    fail("--steps {}: at least 1", options.steps);
  Machine machine(level, options.threads);
  const std::vector<Turn> &runs = machine.description.turns;
  const Turns turns(runs);
  std::vector<const Entry *> entries;
  for (const Turn &run : runs)
    entries.push_back(&machine.entry(run.entry("train"), "there is nothing to time"));
  int64_t seed = machine.description.training.seed.value_or(1);
  std::vector<OpenedData> data(runs.size());
  for (size_t i = 0; i < runs.size(); ++i)
    if (DataOptions mine = options.data.of(runs[i]); !mine.files.empty())
      data[i] = openData(machine, runs[i], mine, nullptr, seed, /*isEvaluation=*/false);
  initialise(machine, seed, options.steps, {});

  // The first steps touch memory for the first time; they are not counted.
  const int64_t warmUp = std::min<int64_t>(3, options.steps);
  std::vector<double> times;
  for (int64_t step = 0; step < warmUp + options.steps && !signalCaught(); ++step) {
    size_t run = turns.at(step);
    // The runs' inputs may lie in one place: what is made up is made up again when the run changes.
    if (!data[run].feed && (step == 0 || run != turns.at(step - 1)))
      fillInputs(machine, *entries[run]);
    auto begin = std::chrono::steady_clock::now();
    if (data[run].feed)
      data[run].feed->training(turns.before(run, step), *entries[run], machine.data());
    setStep(machine, turns, step);
    machine.run(*entries[run]);
    if (step >= warmUp)
      times.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
              .count());
  }
  if (signalCaught() || times.empty())
    return 128 + signalCaught();
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2], least = times[0];
  double tokens = machine.description.training.tokensPerStep;
  if (options.json) {
    fmt::print(
        "{{\"steps\":{},\"median_ms\":{:.4f},\"min_ms\":{:.4f},\"threads\":{},\"isa\":\"{}\","
        "\"tokens_per_step\":{},\"arena_bytes\":{},\"resident_bytes\":{}}}\n",
        options.steps, median, least, machine.threads(), machine.isa, tokens, machine.bytes(),
        machine.residentBytes());
    return 0;
  }
  fmt::print("{} steps, {} threads, {}: median {:.3f} ms, least {:.3f} ms", options.steps,
             machine.threads(), machine.isa, median, least);
  if (tokens > 0)
    fmt::print(", {} tokens/s", amount(tokens * 1e3 / median));
  fmt::print("\narena {} bytes, {} of them in memory\n", machine.bytes(), machine.residentBytes());
  return 0;
}
