// The commands of a built program. Each returns the exit code or throws.
#pragma once
#include "runtime/Checkpoint.h"
#include "runtime/Feed.h"
#include "runtime/Turns.h"
#include <map>
#include <optional>

namespace frit {

class Progress;

/// Which data, as the command line says it.
struct DataOptions {
  std::vector<std::string> files;
  std::vector<std::string> validation; // files, or one fraction
  /// Of single runs, by name: --masked-data.
  std::map<std::string, DataOptions> runs;

  /// Those of a run: its own, where there are none those of all.
  DataOptions of(const Turn &turn) const;
};

/// The file that a model's parameters begin with, and the option that names it.
struct ModelOption {
  std::string flag;
  std::optional<std::string> file; // as given on the command line
};

struct TrainOptions {
  DataOptions data;
  std::optional<int64_t> steps, seed, evaluateEvery, saveEvery;
  std::string out = "run", weights;
  int64_t logEvery = 0;
  int32_t threads = 0;
  bool resume = false, overwrite = false, checkFinite = false, quiet = false;
  std::map<std::string, double> scalars;
  std::map<std::string, ModelOption> models; // those that the program takes `from` a file
};
int train(const FritLevel &level, const TrainOptions &options);

struct EvaluateOptions {
  DataOptions data;
  std::string from = "run";
  int32_t threads = 0;
  bool json = false;
};
int evaluate(const FritLevel &level, const EvaluateOptions &options);

struct SampleOptions {
  std::string from = "run", prompt;
  int64_t tokens = 200, topK = 0, seed = 1;
  double temperature = 1, topP = 1;
  int32_t threads = 0;
};
int sample(const FritLevel &level, const SampleOptions &options);

struct InfoOptions {
  std::string from;
};
int info(const FritLevel *const *levels, const FritLevel &level, const InfoOptions &options);

struct BenchOptions {
  DataOptions data;
  int64_t steps = 20;
  int32_t threads = 0;
  bool json = false;
};
int bench(const FritLevel &level, const BenchOptions &options);

// ---- shared by the commands ----

/// The opened data of a program, and what a checkpoint should say about it.
struct OpenedData {
  std::unique_ptr<Feed> feed; // null: the program takes no data
  nlohmann::json meta;
  bool hasHeldOut = false;
  std::string heldOutName; // "the held-out part of 'corpus.txt'"
};
/// Opens the data that the options name for a run, or else the one `saved` (see savedData) names.
/// `isEvaluation`: a file other than the one trained on is taken whole.
OpenedData openData(const Machine &machine, const Turn &turn, const DataOptions &options,
                    const nlohmann::json &saved, int64_t seed, bool isEvaluation);

/// What a checkpoint says about a run's data; null: nothing.
nlohmann::json savedData(const Meta &meta, const Turn &turn);
/// The other way round: one entry for each run.
nlohmann::json dataToSave(const std::vector<Turn> &turns, const std::vector<OpenedData> &data);

/// Writes the scalars that count steps: `steps` of the program are done, of each run its part.
void setStep(Machine &machine, const Turns &turns, int64_t steps);

/// A run's reports over its held-out part. Empty when a signal came meanwhile.
std::vector<Report> evaluateHeldOut(Machine &machine, const Turn &turn, Feed &feed,
                                    Progress *progress);

/// Runs init with the seed and all scalars set.
void initialise(Machine &machine, int64_t seed, int64_t steps,
                const std::map<std::string, double> &scalars);

/// The checkpoint `--from` names; fails when there is none.
std::string requireCheckpoint(const std::string &from);

} // namespace frit
