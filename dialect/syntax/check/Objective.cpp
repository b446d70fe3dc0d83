// Entries of objectives: where they begin and end, and what is asked of an objective as a whole.
// Its body is ObjectiveBody.cpp's.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

void Training::begin(EntryState &entry, const std::string &name, bool training) {
  entry.decl.name = name;
  entry.training = training;
  c.entry = &entry;
  c.frame = nullptr;
  c.currentPath.clear();
}

/// Reads go first, unused nodes and inputs go.
void Training::finish(EntryState &entry) {
  Block &body = entry.decl.body;
  std::vector<Node> all = std::move(entry.reads);
  all.insert(all.end(), std::make_move_iterator(body.nodes.begin()),
             std::make_move_iterator(body.nodes.end()));
  body.nodes = std::move(all);
  std::set<ValueId> used;
  for (const EntryValue &output : entry.decl.outputs)
    used.insert(output.value);
  c.sweep(body, used);
  std::erase_if(entry.decl.inputs,
                [&](const EntryValue &input) { return !used.count(input.value); });
  c.graph.entries.push_back(std::move(entry.decl));
  c.entry = nullptr;
}

/// Where the data come from a rollout, it must yield every name that the objective takes.
static void judgeYields(Checker &c, const ast::Rollout &rollout, const Run &run, Location at) {
  std::set<std::string> yields;
  for (const ast::StmtPtr &statement : rollout.body.statements)
    if (auto *yield = ast::as<ast::Yield>(statement))
      for (const ast::Yield::Item &item : yield->items) {
        auto *bare = ast::as<ast::Name>(item.value);
        if (item.name || bare)
          yields.insert(item.name ? item.name->text : bare->text);
      }
  for (const ast::Parameter &p : run.objective->parameters)
    if (p.type && p.type->hasAxes && !p.isNamed && !yields.count(p.name.text))
      c.error(at, fmt::format("rollout {} does not yield '{}', which {} needs", rollout.name.text,
                              p.name.text, run.objective->name.text))
          .note(p.name.at, "declared here")
          .fail();
}

Outcome Training::objective(Run &run) {
  current = &run;
  if (const ast::Field *data = run.field("data"))
    if (auto *rollout = isRollout(*data))
      judgeYields(c, *rollout, run, data->value->at);
  // A run's own sizes come before the shared ones.
  Keep<std::map<std::string, int64_t>> keepSizes(sizes);
  for (auto &[name, size] : run.sizes)
    sizes[name] = size;
  Outcome out = body(run.objective->name.text, run.objective->parameters, run.objective->body,
                     *run.file, run.at);
  if (!out.loss)
    c.error(run.objective->name.at,
            fmt::format("objective {} minimizes nothing", run.objective->name.text))
        .help("minimize loss")
        .fail();
  return out;
}

} // namespace frit::checking
