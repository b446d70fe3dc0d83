// From a train block to entries. The order of work: fields of the block, states of the models, then
// the entries one after the other, each from the objective's text anew.
#pragma once
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

/// A number, flag or function given in train, or a schedule: a call that gives a number each step.
struct Setting {
  Value value;
  const ast::Call *schedule = nullptr;
  const ast::Expr *expr = nullptr;          // made of schedules
  std::string name;                         // of the scalars made for it
  std::map<std::string, size_t> scalars;    // argument of the schedule -> state
  std::optional<size_t> scalar;             // a plain number
  std::vector<std::optional<size_t>> items; // a tuple of numbers
  Location at;
  std::vector<Value> itemValues;
};
using Settings = std::map<std::string, Setting>;

/// An optimiser with its arguments.
struct OptimizerChoice {
  Declared declared;
  Settings settings;
  Location at;
};

/// One `for` of train, for one pattern list.
struct Rule {
  const ast::For *item = nullptr;
  std::vector<bool> matched;
  Settings settings;
  std::optional<OptimizerChoice> optimizer;
  std::optional<bool> frozen;
};

/// Where the slope from a loss to a parameter ends.
struct Cut {
  std::string op;
  Location at, lossAt;
};

/// Layers of one state that one body of an optimiser updates; a state outside of repeats has one
/// layer.
struct LayerGroup {
  std::vector<size_t> layers; // indices into StateDecl::tensors
};

/// Where a file holds a tensor that does not go by its own name there.
struct TensorPlace {
  std::string name;
  bool isWhole = false; // all of the name; else the model's name in the file goes before
  bool isFresh = false; // it is not loaded
};

/// An objective or rollout elaborated in some entry.
struct Outcome {
  ScopePtr scope;
  std::optional<Tensor> loss;
  Location lossAt;
  std::vector<std::pair<std::string, Tensor>> reports;
  std::vector<std::pair<std::string, Value>> yields;
};

/// One objective with what train gives it. Where train has several they take turns.
struct Run {
  const ast::Objective *objective = nullptr;
  File *file = nullptr;
  int64_t times = 1; // steps in its turn
  Location at;
  std::map<std::string, const ast::Field *> fields; // shared ones and its own
  std::string name;                                 // empty where train has one run

  // What stands in its own braces comes before what train gives all of them.
  std::set<const ast::Field *> own;
  std::vector<std::pair<std::string, Value>> models;
  std::map<std::string, int64_t> sizes;
  Settings hyper;
  std::optional<OptimizerChoice> optimizer;
  std::optional<Setting> clip;

  std::set<size_t> trained;                   // states that its steps change
  std::map<std::string, std::string> records; // data -> its record

  const ast::Field *field(const std::string &name) const {
    auto found = fields.find(name);
    return found == fields.end() ? nullptr : found->second;
  }
  /// "train", or "train.masked" where there are several.
  std::string entry(const std::string &what) const {
    return name.empty() ? what : what + "." + name;
  }
  /// Of the numbers that are its own: "masked.rate", --masked-rate.
  std::string prefix() const { return name.empty() ? "" : name + "."; }
};

/// ema(m, decay): a model that follows another.
struct Follower {
  std::shared_ptr<Instance> instance; // the copy, at its root
  Setting decay;
  std::vector<std::pair<size_t, size_t>> states; // its parameter, the one that it follows
};

class Training {
public:
  Training(Checker &checker, const ast::Train &train, File &file)
      : c(checker), train(train), file(file) {}
  void run();

  Checker &c;
  const ast::Train &train;
  File &file;
  ScopePtr scope; // of the train block
  std::vector<Run> runs;
  std::vector<std::pair<std::string, Value>> models;
  std::map<std::string, int64_t> sizes;
  std::map<std::string, Location> sizePlaces;
  std::map<std::string, const ast::Field *> fields;
  Settings hyper;
  std::optional<OptimizerChoice> optimizer;
  std::vector<Rule> rules;
  std::optional<Setting> clip;
  std::optional<Setting> ema;

  Run *current = nullptr; // the run whose entry is being written
  std::string batch;      // the first axis of its data; data without it is given whole

  std::vector<std::pair<size_t, size_t>> copies; // state -> state it starts as
  std::vector<Follower> followers;
  std::map<std::string, const ast::Field *> loads; // model -> its field, with `from`
  std::map<std::string, std::map<std::string, TensorPlace>> places; // model -> tensor -> its place
  std::map<std::string, size_t> slots;                              // by name
  std::map<size_t, double> slotInitial;
  std::set<std::string> deadSlots; // the program has no such states
  std::set<size_t> reached;        // parameters in which some run's loss has a slope
  std::map<size_t, Cut> cuts;      // others that are used by a loss
  std::set<size_t> constants;      // others that some objective takes as frozen

  //===-- TrainFields.cpp
  Declared objectiveNamed(const ast::Ident &name);
  void readRuns();
  void readFields();
  /// The field's expression, or what `--set` puts in its place.
  const ast::Expr &exprOf(const ast::Field &field);

  //===-- TrainModels.cpp
  void readModel(const ast::Field &field, const ast::Expr &expr, Run *owner);
  Value copyModel(const ast::Call &call, const std::string &what);
  Value followingModel(const ast::Call &call, const std::string &name);
  void readFrom(const ast::Field &field);
  void wrap(const ast::For &item, const ast::Field &field);
  void readModels();

  //===-- Settings.cpp
  Setting readSetting(const std::string &name, const ast::Expr &expr, bool runTime,
                      const std::string &prefix);
  Value settingValue(Setting &setting, Scope &scope);
  OptimizerChoice readOptimizer(const ast::Expr &expr, bool runTime, const std::string &prefix);

  //===-- Rules.cpp
  void readRules();
  /// The last rule that matches a tensor of the state and says what is asked for.
  Rule *ruleFor(size_t state, size_t tensor, const std::function<bool(const Rule &)> &has);
  void judgePattern(const ast::PathPattern &pattern);

  //===-- Layers.cpp: settings of single layers of a repeat
  /// Which of its tensors stay as they are.
  std::vector<bool> frozenLayers(size_t state);
  bool isFrozen(size_t state); // all of them
  Tensor layerMask(size_t state, const std::vector<bool> &layers, Location at);
  /// `other` in the layers that are frozen.
  Tensor whereFrozen(size_t state, const Tensor &other, const Tensor &x, Location at);
  std::vector<LayerGroup> layerGroups(size_t state);
  /// What a parameter of the optimiser is in these layers.
  Value layeredSetting(size_t state, const LayerGroup &group, OptimizerChoice &choice,
                       const ast::Parameter &parameter, Scope &scope);

  //===-- Loading.cpp: under which names a file holds the tensors of a model
  void placeTensors(const std::string &model, const ast::Field &field);
  void judgeMapping(const ast::Field::Mapping &mapping);

  //===-- Objective.cpp, ObjectiveBody.cpp, Inputs.cpp, Rollout.cpp
  void begin(EntryState &entry, const std::string &name, bool training);
  void finish(EntryState &entry);
  Outcome objective(Run &run);
  Outcome rollout(const ast::Field &field);
  const ast::Rollout *isRollout(const ast::Field &field);
  Outcome body(const std::string &what, const std::vector<ast::Parameter> &parameters,
               const ast::Block &block, File &file, Location at);
  Value input(const std::string &name, const ast::Type &type, Scope &scope, Location at);
  void draw(Scope &scope, const ast::Draw &draw);
  void judgeCausality(const Value &distribution, const RecordValue &drawn, const Axis &time,
                      Scope &scope, Location at);

  //===-- Slopes.cpp: which parameters learn
  std::vector<size_t> trainable(const Tensor &loss, Location at);
  /// Parameters that train means to train, but no loss depends on them.
  std::vector<std::string> unused();
  /// Refuses parameters whose gradient would be zero whatever happens, in every run.
  void judgeCuts();

  //===-- Entries.cpp, Evaluation.cpp, Prediction.cpp, InitialValues.cpp
  /// A node without results that writes a state.
  void write(size_t state, ValueId value, Location at);
  void trainEntry(Run &run);
  void evalEntries(Run &run);
  bool predictEntry(const Run &run); // whether the run has a model for it
  void predictEntry(const Run &run, const View &view, const ast::Method &forward, const Axis &rows,
                    const Axis &time, Location at);
  void gradientsEntry(Run &run);
  void initEntry();
  void follow(const std::vector<size_t> &wrt, Location at);
  std::vector<Tensor> gradients(const Tensor &loss, const std::vector<size_t> &wrt, Location at);

  //===-- Pieces.cpp
  /// How many pieces the run's batch is taken in.
  int64_t piecesOf(const Run &run);
  /// The gradients of the loss, made piece by piece; loss, reports and states that are written come
  /// out as sums over the pieces.
  std::vector<Tensor> inPieces(Outcome &outcome, const std::vector<size_t> &wrt, int64_t pieces,
                               const ast::Field &field);

  //===-- Optimizer.cpp
  OptimizerChoice &choiceFor(size_t state, size_t layer, bool &isOwn);
  void update(size_t state, const Tensor &gradient);
  void updateLayers(size_t state, const Tensor &gradient, const LayerGroup &group, bool isOnly);
  size_t slotFor(size_t state, const ast::StateDecl::Item &item, Scope &scope, bool isOwn);
  void dropDeadSlots(size_t state, size_t first, const std::vector<size_t> &mine);
  Tensor updatesOf(size_t state, size_t layer, bool isOwn, Location at);

  //===-- Metadata.cpp, DataSource.cpp
  std::string metadata();
  void judgeSource(const Run &run, const std::string &name, const ast::Field &field);
};

/// `*` stands for any text, `{0..3}` for a number from 0 to 3.
bool matches(const std::string &pattern, const std::string &text);

} // namespace frit::checking
