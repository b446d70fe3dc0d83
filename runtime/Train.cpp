// The training loop: batch, step, metrics, evaluation, checkpoint, until done or asked to stop.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Load.h"
#include "runtime/Metrics.h"
#include "runtime/Progress.h"
#include "runtime/Signals.h"
#include <chrono>
#include <cmath>
#include <filesystem>

using namespace frit;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void frit::setStep(Machine &machine, const Turns &turns, int64_t steps) {
  machine.set("step", double(steps));
  const std::vector<Turn> &list = machine.description.turns;
  for (size_t i = 0; i < list.size(); ++i)
    if (!list[i].name.empty())
      machine.set("step." + list[i].name, double(turns.before(i, steps)));
}

void frit::initialise(Machine &machine, int64_t seed, int64_t steps,
                      const std::map<std::string, double> &scalars) {
  machine.setDefaults();
  for (auto &[name, value] : scalars)
    machine.set(name, value);
  machine.set("seed", double(seed));
  machine.set("steps", double(steps));
  setStep(machine, Turns(machine.description.turns), 0);
  if (const Entry *init = machine.description.find("init"))
    machine.run(*init);
}

namespace {

class Trainer {
public:
  Trainer(const FritLevel &level, const TrainOptions &options)
      : options(options), machine(level, options.threads), runs(machine.description.turns),
        turns(runs) {
    for (const Turn &run : runs)
      entries.push_back(&machine.entry(run.entry("train"), "it cannot be trained"));
  }

  int run();

private:
  void prepare();
  void loadFiles();
  void findStart();
  int64_t chooseSteps() const;
  bool oneStep(int64_t step);
  void checkFinite(int64_t step, const Entry &entry, const std::vector<Report> &reports);
  std::string originOfNotFinite(const Entry &entry, const std::string &output) const;
  void evaluate(int64_t step);
  bool hasMissed(int64_t step) const;
  void save(int64_t step);
  int stop(int64_t step, int signal);
  void finish(int64_t begin);

  const TrainOptions &options;
  Machine machine;
  std::unique_ptr<RunDirectory> directory;
  const std::vector<Turn> &runs;
  const Turns turns;
  std::vector<const Entry *> entries; // of each run
  std::vector<OpenedData> data;       // of each run
  std::string checkpoint;             // to resume from
  Meta meta;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<Progress> progress;
  int64_t saveEvery = 0, evaluateEvery = 0;
  int64_t savedStep = -1, evaluatedStep = -1;
  std::vector<Report> lastReports;
  std::string validation; // the last one, readable
  bool hasWarned = false;
  double trainingSeconds = 0;
  Clock::time_point started = Clock::now();
};

} // namespace

/// A new run, the checkpoint to go on from, or an error rather than a run overwritten.
void Trainer::findStart() {
  if (options.overwrite)
    return;
  checkpoint = findCheckpoint(options.out);
  if (!checkpoint.empty() && !options.resume)
    fail("'{}' already holds a run; --resume goes on with it, --overwrite begins again, --out DIR "
         "puts the new one elsewhere",
         options.out);
  if (!options.resume)
    return;
  if (checkpoint.empty()) {
    warn("'{}' has no checkpoint yet: training begins at step 0", options.out);
    return;
  }
  meta = readMeta(checkpoint);
  if (meta.isa != machine.isa)
    warn(
        "the run so far used {} code, this is {}: results may differ in the last bits (FRIT_ISA={} "
        "keeps them)",
        meta.isa, machine.isa, meta.isa);
}

int64_t Trainer::chooseSteps() const {
  if (options.steps)
    return *options.steps;
  if (meta.steps > 0)
    return meta.steps;
  const Training &training = machine.description.training;
  if (training.steps)
    return *training.steps;
  if (training.epochs && data[0].feed)
    return data[0].feed->stepsFor(*training.epochs, *entries[0]);
  fail("the program says neither steps nor epochs: give --steps N");
}

/// Weights of other runs. --weights has them all, unless an option names a model's own.
void Trainer::loadFiles() {
  if (!options.weights.empty())
    loadWeights(machine, options.weights);
  for (const ModelFile &load : machine.description.load) {
    const ModelOption &option = options.models.at(load.model);
    if (option.file || options.weights.empty())
      loadModel(machine, load, option.file.value_or(load.file), option.flag);
  }
}

void Trainer::prepare() {
  findStart();
  const Description &description = machine.description;
  if (options.seed)
    meta.seed = *options.seed;
  else if (checkpoint.empty())
    meta.seed = description.training.seed.value_or(1);
  for (auto &[name, value] : options.scalars)
    meta.scalars[name] = value;
  for (size_t i = 0; i < runs.size(); ++i) {
    data.push_back(openData(machine, runs[i], options.data.of(runs[i]), savedData(meta, runs[i]),
                            meta.seed, /*isEvaluation=*/false));
    if (!data[i].feed && !entries[i]->inputs.empty())
      bug("entry {} has inputs, but the program names no data", entries[i]->name);
  }
  meta.data = dataToSave(runs, data);
  meta.steps = chooseSteps();
  if (meta.steps < 0 || meta.steps > INT32_MAX)
    fail("--steps {}: between 0 and {}", meta.steps, INT32_MAX);
  saveEvery = options.saveEvery.value_or(
      description.training.saveEvery.value_or(std::max<int64_t>(1, meta.steps / 10)));
  evaluateEvery = options.evaluateEvery.value_or(description.training.evaluateEvery.value_or(0));

  initialise(machine, meta.seed, meta.steps, meta.scalars);
  if (checkpoint.empty())
    loadFiles();
  if (const std::vector<std::string> &unused = description.training.unused; !unused.empty())
    warn("not trained, because the loss does not depend on {}: {}",
         unused.size() == 1 ? "it" : "them", fmt::join(unused, ", "));

  // Only now: a mistake in the command line should leave nothing behind.
  directory = std::make_unique<RunDirectory>(options.out);
  if (options.overwrite)
    directory->clear();
  if (!checkpoint.empty())
    loadCheckpoint(machine, checkpoint, meta, /*everything=*/true);
  savedStep = checkpoint.empty() ? -1 : meta.step;
  metrics = std::make_unique<Metrics>(directory->path + "/metrics.jsonl", meta.step);
  progress = std::make_unique<Progress>(meta.steps, meta.step, description.training.tokensPerStep,
                                        options.logEvery, options.quiet);
}

/// Lines about where the numbers of an output that are not finite began.
std::string Trainer::originOfNotFinite(const Entry &entry, const std::string &output) const {
  for (const Field &input : entry.inputs)
    for (int64_t i = 0; i < input.count(); ++i)
      if (!std::isfinite(numberAt(input.element, machine.at(input), i)))
        return fmt::format("\nnote: the data has such a number: input '{}'{}", input.name,
                           input.isWhole ? ""
                                         : fmt::format(", row {} of the batch",
                                                       i * input.shape[0] / input.count()));
  if (!machine.looksForNotFinite())
    return fmt::format("\nhelp: `frit train {}.frit --check-finite`, or a program made by `frit "
                       "build --check-finite`, names the line",
                       machine.description.program);
  const Watch *first = machine.originOfNotFinite(*entry.output(output));
  if (!first)
    return "\nnote: no op made it from finite numbers: a parameter or state was not finite before";
  std::string layer = first->layer;
  bool isBackward = layer.rfind("d/", 0) == 0;
  if (isBackward)
    layer.erase(0, 2);
  return fmt::format("\n{}: note: {}{}{}{} gave the first number that is not finite", first->at,
                     first->op, isBackward ? ", going backward" : "", layer.empty() ? "" : " in ",
                     layer);
}

void Trainer::checkFinite(int64_t step, const Entry &entry, const std::vector<Report> &reports) {
  for (const Report &report : reports) {
    if ((report.name != "loss" && report.name != "grad_norm") || std::isfinite(report.value))
      continue;
    // The sign of a nan says nothing.
    double value = std::isnan(report.value) ? std::nan("") : report.value;
    std::string text = fmt::format("{} is {} at step {}", report.name, value, step);
    if (options.checkFinite)
      throw NotFinite(text + "; stopped by --check-finite, nothing was saved after it" +
                      originOfNotFinite(entry, report.name));
    if (!hasWarned)
      warn("{}; training goes on (--check-finite stops at the first one)", text);
    hasWarned = true;
    return;
  }
}

/// `step` counts from 0. False: a signal came.
bool Trainer::oneStep(int64_t step) {
  auto begin = Clock::now();
  size_t run = turns.at(step);
  const Entry &entry = *entries[run];
  if (data[run].feed)
    data[run].feed->training(turns.before(run, step), entry, machine.data());
  setStep(machine, turns, step);
  machine.run(entry);
  double seconds = secondsSince(begin);
  trainingSeconds += seconds;
  lastReports = readReports(machine, entry);
  metrics->step(step + 1, runs[run].name, lastReports, seconds * 1e3,
                seconds > 0 ? double(runs[run].tokensPerStep) / seconds : 0);
  progress->step(step + 1, runs[run].name, lastReports, seconds * 1e3);
  checkFinite(step + 1, entry, lastReports);
  return signalCaught() == 0;
}

void Trainer::evaluate(int64_t step) {
  if (evaluatedStep == step)
    return;
  std::string all;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!data[i].hasHeldOut)
      continue;
    std::vector<Report> reports = evaluateHeldOut(machine, runs[i], *data[i].feed, progress.get());
    if (signalCaught())
      return;
    metrics->validation(step, runs[i].name, reports);
    all += (all.empty() ? "" : "  ") + labelled(runs[i].name) + readable(reports);
  }
  evaluatedStep = step;
  if (all.empty())
    return;
  validation = all;
  progress->note(fmt::format("validation at step {}: {}", step, validation));
}

/// A signal may have come between a step and its evaluation.
bool Trainer::hasMissed(int64_t step) const {
  for (size_t i = 0; i < runs.size(); ++i)
    if (data[i].hasHeldOut && !metrics->hasValidation(step, runs[i].name))
      return true;
  return false;
}

void Trainer::save(int64_t step) {
  if (savedStep == step)
    return;
  meta.step = step;
  directory->save(machine, meta);
  savedStep = step;
}

int Trainer::stop(int64_t step, int signal) {
  save(step);
  progress.reset();
  fmt::print(stderr,
             "stopped by {} after step {} of {}; '{}' is saved. To go on, run the same command "
             "with --resume\n",
             signalName(signal), step, meta.steps, findCheckpoint(options.out));
  return 128 + signal;
}

void Trainer::finish(int64_t begin) {
  std::string reports = validation;
  if (reports.empty() && !lastReports.empty())
    reports = labelled(runs[turns.at(meta.step - 1)].name) + readable(lastReports);
  std::string text = fmt::format("done: {} steps", meta.step);
  if (!reports.empty())
    text += "  " + reports;
  text += "  " + duration(secondsSince(started));
  double tokens = double(meta.step - begin) * machine.description.training.tokensPerStep;
  if (tokens > 0 && trainingSeconds > 0)
    text += fmt::format("  {} tokens/s", amount(tokens / trainingSeconds));
  progress->line(text);
}

int Trainer::run() {
  prepare();
  int64_t begin = meta.step, step = begin;
  if (begin > 0)
    progress->note(fmt::format("resumed from '{}'", checkpoint));
  if (begin >= meta.steps)
    progress->note(fmt::format("all {} steps are done; --steps N trains up to step N", meta.steps));
  if (begin > 0 && evaluateEvery > 0 && step % evaluateEvery == 0 && hasMissed(step))
    evaluate(step);
  while (step < meta.steps) {
    bool goOn = oneStep(step++);
    if (goOn && evaluateEvery > 0 && step % evaluateEvery == 0)
      evaluate(step);
    if (int signal = signalCaught())
      return stop(step, signal);
    if (saveEvery > 0 && step % saveEvery == 0)
      save(step);
  }
  save(step);
  evaluate(step);
  if (int signal = signalCaught())
    return stop(step, signal);
  finish(begin);
  return 0;
}

int frit::train(const FritLevel &level, const TrainOptions &options) {
  return Trainer(level, options).run();
}
