// The program's reports over held-out data: eval_begin, eval for each batch, report.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Metrics.h"
#include "runtime/Progress.h"
#include "runtime/Signals.h"

using namespace frit;

std::vector<Report> frit::evaluateHeldOut(Machine &machine, const Turn &turn, Feed &feed,
                                          Progress *progress) {
  const Entry &entry = machine.entry(turn.entry("eval"), "it was built without evaluation");
  int64_t batches = feed.heldOutBatches(entry);
  int64_t examples = feed.from().examples(Part::HeldOut), rows = batchRows(entry);
  if (batches == 0)
    fail("{} held-out examples do not fill a batch of {}", examples, rows);
  if (int64_t left = examples - batches * rows; left > 0)
    warn("the last {} of {} held-out examples do not fill a batch of {} and are left out", left,
         examples, rows);
  if (const Entry *begin = machine.description.find(turn.entry("eval_begin")))
    machine.run(*begin);
  for (int64_t batch = 0; batch < batches; ++batch) {
    if (signalCaught())
      return {};
    feed.heldOut(batch, entry, machine.data());
    machine.run(entry);
    if (progress)
      progress->evaluating(batch + 1, batches);
  }
  const Entry &report = machine.entry(turn.entry("report"), "evaluating needs it");
  machine.run(report);
  return readReports(machine, report);
}

std::string frit::requireCheckpoint(const std::string &from) {
  std::string checkpoint = findCheckpoint(from);
  if (checkpoint.empty())
    fail("'{}' holds no checkpoint; train one with --out {}", from, from);
  return checkpoint;
}

int frit::evaluate(const FritLevel &level, const EvaluateOptions &options) {
  std::string checkpoint = requireCheckpoint(options.from);
  Meta meta = readMeta(checkpoint);
  Machine machine(level, options.threads);
  const std::vector<Turn> &turns = machine.description.turns;
  std::vector<OpenedData> data;
  for (const Turn &turn : turns) {
    machine.entry(turn.entry("eval"), "it was built without evaluation");
    data.push_back(openData(machine, turn, options.data.of(turn), savedData(meta, turn), meta.seed,
                            /*isEvaluation=*/true));
  }
  if (!machine.description.takesData())
    fail("program '{}' takes no data: there is nothing to evaluate on",
         machine.description.program);
  initialise(machine, meta.seed, meta.steps, meta.scalars);
  loadCheckpoint(machine, checkpoint, meta, /*everything=*/false);
  setStep(machine, Turns(turns), meta.step);

  Progress progress(0, 0, 0, 0, options.json);
  for (size_t i = 0; i < turns.size(); ++i) {
    if (!data[i].feed)
      continue;
    std::vector<Report> reports = evaluateHeldOut(machine, turns[i], *data[i].feed, &progress);
    if (int number = signalCaught())
      return 128 + number;
    if (options.json)
      progress.line(validationLine(meta.step, turns[i].name, reports));
    else
      progress.line(fmt::format("{}{}  (step {}, {})", labelled(turns[i].name), readable(reports),
                                meta.step, data[i].heldOutName));
  }
  return 0;
}
