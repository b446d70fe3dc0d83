// What a program or a checkpoint is, in words.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Level.h"
#include "runtime/Progress.h"
#include "runtime/Safetensors.h"

using namespace frit;

static void printFields(const char *what, const std::vector<Field> &fields) {
  for (const Field &field : fields)
    fmt::print("    {} {} {}{}{}\n", what, field.name, nameOf(field.element), text(field.shape),
               field.isWhole ? " whole" : "");
}

static void printMemory(const Description &description) {
  std::map<std::string, int64_t> bytes;
  int64_t sum = 0;
  for (const State &state : description.state) {
    bytes[std::string(nameOf(state.role)) + "s"] += state.field.bytes();
    sum += state.field.bytes();
  }
  fmt::print("arena: {} bytes\n", description.arena);
  if (description.workspace)
    fmt::print("each thread: {} bytes more\n", description.workspace);
  for (auto &[role, count] : bytes)
    fmt::print("  {:<13} {:>14}\n", role == "states" ? "state" : role, count);
  fmt::print("  {:<13} {:>14}  (inputs, outputs, activations, workspaces)\n", "the rest",
             description.arena - sum);
}

static void printCheckpoint(const std::string &from) {
  std::string checkpoint = requireCheckpoint(from);
  Meta meta = readMeta(checkpoint);
  fmt::print("checkpoint: {}\n  program {} (hash {}), {} code\n  step {} of {}, seed {}\n",
             checkpoint, meta.program, meta.hash, meta.isa, meta.step, meta.steps, meta.seed);
  for (auto &[name, value] : meta.scalars)
    fmt::print("  {} = {}\n", name, value);
  std::vector<nlohmann::json> sources;
  if (meta.data.is_object() && meta.data.contains("runs"))
    for (auto &[run, data] : meta.data["runs"].items())
      sources.push_back(data);
  else
    sources.push_back(meta.data);
  for (const nlohmann::json &data : sources)
    if (data.is_object())
      for (auto &file : data.at("files"))
        fmt::print("  data {}\n", file.get<std::string>());
  Safetensors model(checkpoint + "/model.safetensors");
  int64_t count = 0;
  for (auto &[name, tensor] : model.tensors())
    count += countOf(tensor.shape);
  fmt::print("parameters: {} in {} tensors\n", count, model.tensors().size());
  for (auto &[name, tensor] : model.tensors())
    fmt::print("  {} {}{}\n", name, safetensorsName(tensor.element), text(tensor.shape));
}

int frit::info(const FritLevel *const *levels, const FritLevel &level, const InfoOptions &options) {
  if (!options.from.empty()) {
    printCheckpoint(options.from);
    return 0;
  }
  Description description = readDescription(level);
  fmt::print("program: {}{}\nhash: {}\n", description.program,
             description.objective.empty() ? "" : fmt::format(", run {}", description.objective),
             description.hash);
  std::string config;
  for (auto &[name, value] : description.config.items())
    config += fmt::format("{}{} = {}", config.empty() ? "" : ", ", name, value.dump());
  if (!config.empty())
    fmt::print("config: {}\n", config);
  fmt::print("code:");
  for (auto item = levels; *item; ++item)
    fmt::print(" {}{}", (*item)->isa, *item == &level ? " (runs here)" : "");
  fmt::print("\n");
  printMemory(description);

  int64_t count = 0, tensors = 0;
  for (const State &state : description.state)
    if (state.role == State::Role::Parameter)
      for (const Field &tensor : state.tensors) {
        count += tensor.count();
        ++tensors;
      }
  fmt::print("parameters: {} in {} tensors\n", count, tensors);
  for (const State &state : description.state)
    if (state.role == State::Role::Parameter)
      for (const Field &tensor : state.tensors)
        fmt::print("  {} {}{}\n", tensor.name, nameOf(tensor.element), text(tensor.shape));

  fmt::print("entries:\n");
  for (const Entry &entry : description.entries) {
    fmt::print("  {}\n", entry.name);
    printFields("in ", entry.inputs);
    printFields("out", entry.outputs);
  }
  if (!description.scalars.empty())
    fmt::print("scalars:\n");
  for (const Scalar &scalar : description.scalars)
    fmt::print("  {} {} = {}{}\n", scalar.name, nameOf(scalar.element), scalar.value,
               scalar.help.empty() ? "" : "  " + scalar.help);
  for (const ModelFile &load : description.load)
    fmt::print("weights of {}: from '{}'\n", load.model, load.file);
  for (const Turn &turn : description.turns)
    if (turn.name.empty() && turn.data)
      fmt::print("data: {}\n", turn.data->source);
    else if (!turn.name.empty())
      fmt::print("run {}: {} in turn{}\n", turn.name,
                 turn.times == 1 ? "1 step" : fmt::format("{} steps", turn.times),
                 turn.data ? ", data: " + turn.data->source : "");
  return 0;
}
