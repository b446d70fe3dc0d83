// The entries of an evaluation: eval_begin, eval for each batch, report. A report is its value had
// the whole evaluation been one batch: every mean in it keeps its sum and its count. What is not
// made of means is averaged over the batches.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

namespace {
class Evaluation {
public:
  Evaluation(Training &training, Run &run) : t(training), c(training.c), run(run) {}
  void writeEntries();

private:
  struct Report {
    std::string name;
    ValueId root;
    bool isAveraged = false;
  };
  void readObjective();
  void sortReports();
  bool dependsOnInput(ValueId id);
  void findMeans(ValueId root);
  size_t accumulator(const std::string &name);
  void accumulate();
  void writeBegin();
  void writeReport();
  ValueId mean(size_t sum, size_t count);
  ValueId copy(ValueId id);

  Training &t;
  Checker &c;
  Run &run;
  Location at;
  EntryState entry;
  std::vector<Report> reports;

  // The objective as eval has it.
  std::vector<Node> nodes;
  std::map<ValueId, const Node *> maker;
  std::set<ValueId> inputs;
  std::map<ValueId, size_t> cuts;     // value -> which of the entry's means it is
  std::map<ValueId, bool> dependence; // known answers of dependsOnInput

  // What is summed up over the batches.
  std::map<size_t, std::pair<size_t, size_t>> means; // mean -> its states, sum and count
  std::map<ValueId, size_t> averaged;                // value -> the state of its sum
  size_t batches = 0;                                // the state that counts them
  std::vector<size_t> accumulators;                  // all of these states

  std::map<ValueId, ValueId> copies; // value of eval -> the same in report
};
} // namespace

void Evaluation::readObjective() {
  entry.cutMeans = true;
  t.begin(entry, run.entry("eval"), false);
  Outcome outcome = t.objective(run);
  at = outcome.lossAt;
  reports.push_back({"loss", c.materialize(*outcome.loss, at)});
  for (auto &[name, value] : outcome.reports)
    if (name != "loss")
      reports.push_back({name, c.materialize(value, at)});
  // The sums to come are no part of it.
  nodes = entry.reads;
  nodes.insert(nodes.end(), entry.decl.body.nodes.begin(), entry.decl.body.nodes.end());
  for (const Node &node : nodes)
    for (ValueId id : node.results)
      maker[id] = &node;
  for (const EntryValue &input : entry.decl.inputs)
    inputs.insert(input.value);
  for (size_t i = 0; i < entry.means.size(); ++i)
    cuts[entry.means[i].result] = i;
}

/// Whether a batch goes into a value by another way than through a mean.
bool Evaluation::dependsOnInput(ValueId id) {
  if (cuts.count(id))
    return false;
  auto [known, isNew] = dependence.try_emplace(id, false);
  if (!isNew)
    return known->second;
  bool out = inputs.count(id) > 0;
  if (auto made = maker.find(id); made != maker.end()) {
    for (ValueId operand : made->second->operands)
      out |= dependsOnInput(operand);
    // A loop or a draw is not made again after the last batch.
    out |= made->second->body != nullptr || made->second->op == "random";
  }
  return dependence[id] = out;
}

/// The means that a report is made of.
void Evaluation::findMeans(ValueId root) {
  std::vector<ValueId> open = {root};
  std::set<ValueId> seen;
  while (!open.empty()) {
    ValueId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second)
      continue;
    if (auto cut = cuts.find(id); cut != cuts.end())
      means.insert({cut->second, {}});
    else if (auto made = maker.find(id); made != maker.end())
      open.insert(open.end(), made->second->operands.begin(), made->second->operands.end());
  }
}

void Evaluation::sortReports() {
  for (Report &report : reports) {
    report.isAveraged = dependsOnInput(report.root);
    if (report.isAveraged)
      averaged.insert({report.root, 0});
    else
      findMeans(report.root);
  }
}

size_t Evaluation::accumulator(const std::string &name) {
  StateDecl decl;
  decl.name = run.prefix() + name;
  decl.type = {c.real(), {}};
  decl.role = "accumulator";
  decl.location = at;
  return c.addState({}, std::move(decl));
}

/// Sum and count of each mean; sums of the averaged and the count of batches. States that the
/// objective assigns stay as training left them.
void Evaluation::accumulate() {
  std::vector<std::pair<size_t, ValueId>> adds;
  for (auto &[i, states] : means) {
    states = {accumulator(fmt::format("mean.{}.sum", i)),
              accumulator(fmt::format("mean.{}.count", i))};
    adds.push_back({states.first, entry.means[i].sum});
    adds.push_back({states.second, entry.means[i].count});
  }
  if (!averaged.empty()) {
    batches = accumulator("batches");
    size_t number = 0;
    for (auto &[root, state] : averaged) {
      state = accumulator(fmt::format("batch.{}.sum", number++));
      adds.push_back({state, root});
    }
    adds.push_back({batches, c.materialize(c.literal(1), at)});
  }
  for (auto &[state, value] : adds) {
    Tensor sum = c.op2("add", c.readScalar(state), c.tensorOf(value), at);
    t.write(state, *sum.id, at);
    accumulators.push_back(state);
  }
}

void Evaluation::writeBegin() {
  EntryState begin;
  t.begin(begin, run.entry("eval_begin"), false);
  for (size_t state : accumulators)
    t.write(state, c.materialize(c.literal(0), at), at);
  t.finish(begin);
}

ValueId Evaluation::mean(size_t sum, size_t count) {
  Tensor n = c.op2("maximum", c.readScalar(count), c.literal(1), at);
  return *c.op2("div", c.readScalar(sum), n, at).id;
}

/// A value of eval once more in report, from the means' sums.
ValueId Evaluation::copy(ValueId id) {
  if (auto found = copies.find(id); found != copies.end())
    return found->second;
  if (auto cut = cuts.find(id); cut != cuts.end()) {
    auto [sum, count] = means.at(cut->second);
    return copies[id] = mean(sum, count);
  }
  const Node &node = *maker.at(id);
  if (node.op == "read") {
    size_t state = c.stateNamed.at(std::get<std::string>(node.attributes.at("state")));
    return copies[id] = c.readState(state);
  }
  Node fresh = node;
  for (ValueId &operand : fresh.operands)
    operand = copy(operand);
  std::vector<ValueType> types;
  for (ValueId result : node.results)
    types.push_back(c.graph.types[result]);
  fresh.results.clear();
  std::vector<ValueId> results = c.append(std::move(fresh), types);
  for (size_t i = 0; i < results.size(); ++i)
    copies[node.results[i]] = results[i];
  return copies.at(id);
}

void Evaluation::writeReport() {
  EntryState end;
  t.begin(end, run.entry("report"), false);
  for (const Report &report : reports)
    end.decl.outputs.push_back({report.name, report.isAveraged
                                                 ? mean(averaged.at(report.root), batches)
                                                 : copy(report.root)});
  t.finish(end);
}

void Evaluation::writeEntries() {
  readObjective();
  sortReports();
  accumulate();
  t.finish(entry);
  writeBegin();
  writeReport();
}

void Training::evalEntries(Run &run) { Evaluation(*this, run).writeEntries(); }

} // namespace frit::checking
