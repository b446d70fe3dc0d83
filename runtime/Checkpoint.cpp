#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Load.h"
#include "runtime/Safetensors.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

using namespace frit;
namespace fs = std::filesystem;
using Json = nlohmann::json;

static constexpr const char *aside = "checkpoint.tmp";
static constexpr int formatVersion = 1;

/// The step of "checkpoint-000500", or -1.
static int64_t stepOf(const std::string &name) {
  const std::string prefix = "checkpoint-";
  if (name.rfind(prefix, 0) != 0 || name.size() == prefix.size() ||
      name.find_first_not_of("0123456789", prefix.size()) != std::string::npos)
    return -1;
  return std::strtoll(name.c_str() + prefix.size(), nullptr, 10);
}

/// Steps of the checkpoints in a run directory, oldest first.
static std::vector<std::pair<int64_t, fs::path>> checkpointsIn(const fs::path &run) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(run, error))
    if (int64_t step = stepOf(entry.path().filename()); step >= 0)
      found.emplace_back(step, entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

RunDirectory::RunDirectory(const std::string &path) : path(path) {
  std::error_code error;
  fs::create_directories(path, error);
  lock = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    fail("cannot use '{}' as the run's directory: {}", path,
         error ? error.message() : std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    fail("another process is training into '{}'; choose another --out", path);
  }
  removeLeftovers();
}

RunDirectory::~RunDirectory() { close(lock); }

void RunDirectory::removeLeftovers() {
  std::error_code ignored;
  fs::remove_all(fs::path(path) / aside, ignored);
  fs::remove_all(fs::path(path) / "checkpoint.old", ignored);
  fs::remove(fs::path(path) / "latest.tmp", ignored);
}

void RunDirectory::clear() {
  fs::remove(fs::path(path) / "latest");
  for (auto &[step, checkpoint] : checkpointsIn(path))
    fs::remove_all(checkpoint);
  fs::remove(fs::path(path) / "metrics.jsonl");
}

static Json metaJson(const Machine &machine, const Meta &meta) {
  const Description &description = machine.description;
  return {{"format", formatVersion},
          {"program", description.program},
          {"run", description.objective},
          {"hash", description.hash},
          {"config", description.config},
          {"isa", machine.isa},
          {"step", meta.step},
          {"steps", meta.steps},
          {"seed", meta.seed},
          {"scalars", meta.scalars},
          {"data", meta.data}};
}

static void writeFiles(const Machine &machine, const Meta &meta, const std::string &directory) {
  std::vector<TensorData> parameters, others;
  for (const State &state : machine.description.state) {
    auto &list = state.role == State::Role::Parameter ? parameters : others;
    for (const Field &tensor : state.tensors)
      list.push_back({tensor.name, tensor.element, tensor.shape, machine.at(tensor)});
  }
  std::map<std::string, std::string> metadata = {{"format", "pt"},
                                                 {"program", machine.description.program},
                                                 {"step", std::to_string(meta.step)}};
  writeSafetensors(directory + "/model.safetensors", std::move(parameters), metadata);
  writeSafetensors(directory + "/state.safetensors", std::move(others), metadata);
  OutputFile file(directory + "/meta.json");
  file.write(metaJson(machine, meta).dump(1) + "\n");
  file.finish();
}

void RunDirectory::save(const Machine &machine, Meta meta) {
  fs::path run = path, temporary = run / aside;
  std::string name = fmt::format("checkpoint-{:06}", meta.step);
  try {
    fs::create_directory(temporary);
    writeFiles(machine, meta, temporary);
    syncDirectory(temporary);
    // A crash may have left a checkpoint of this step that `latest` never named.
    if (fs::exists(run / name))
      fs::rename(run / name, run / "checkpoint.old");
    fs::rename(temporary, run / name);
    syncDirectory(path);
    fs::create_symlink(name, run / "latest.tmp");
    fs::rename(run / "latest.tmp", run / "latest");
    syncDirectory(path);
  } catch (const std::exception &error) {
    removeLeftovers();
    std::string kept = findCheckpoint(path);
    fail("the checkpoint of step {} was not saved: {}; {}", meta.step, error.what(),
         kept.empty() ? "there is no earlier one" : fmt::format("'{}' is intact", kept));
  }
  std::error_code ignored;
  fs::remove_all(run / "checkpoint.old", ignored);
  // Steps above this one belong to a run that was restarted from here.
  auto found = checkpointsIn(run);
  int kept = 0;
  for (auto item = found.rbegin(); item != found.rend(); ++item) {
    if (item->first <= meta.step && ++kept <= 2)
      continue;
    fs::remove_all(item->second, ignored);
  }
}

std::string frit::findCheckpoint(const std::string &path) {
  fs::path run = path;
  std::error_code ignored;
  if (fs::exists(run / "meta.json", ignored))
    return path;
  if (fs::exists(run / "latest" / "meta.json", ignored))
    return run / fs::read_symlink(run / "latest", ignored);
  auto found = checkpointsIn(run);
  return found.empty() ? "" : found.back().second.string();
}

Meta frit::readMeta(const std::string &checkpoint) {
  std::string path = checkpoint + "/meta.json";
  MappedFile file(path);
  Json json = Json::parse(file.text(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    fail("'{}' is truncated or not a checkpoint's: it is not a JSON object", path);
  try {
    if (json.at("format") != formatVersion)
      fail("'{}' has format {}; this program reads format {}", path, json["format"].dump(),
           formatVersion);
    Meta meta;
    meta.program = json.at("program");
    meta.hash = json.at("hash");
    meta.isa = json.at("isa");
    meta.step = json.at("step");
    meta.steps = json.at("steps");
    meta.seed = json.at("seed");
    meta.scalars = json.at("scalars").get<std::map<std::string, double>>();
    meta.data = json.at("data");
    return meta;
  } catch (const Json::exception &error) {
    fail("'{}' is malformed: {}", path, error.what());
  }
}

static void loadTensor(Machine &machine, const Field &tensor, const Safetensors &file, bool widen) {
  const TensorData *found = file.find(tensor.name);
  if (!found)
    fail("'{}' has no tensor '{}', which this program needs with shape {}: it belongs to another "
         "model",
         file.path(), tensor.name, text(tensor.shape));
  if (found->shape != tensor.shape)
    fail("'{}' belongs to another model: '{}' has shape {} there, {} in this program", file.path(),
         tensor.name, text(found->shape), text(tensor.shape));
  if (found->element == tensor.element) {
    std::memcpy(machine.at(tensor), found->data, size_t(tensor.bytes()));
    return;
  }
  if (!widen ||
      !convert(found->element, found->data, tensor.element, machine.at(tensor), tensor.count()))
    fail("'{}': '{}' is {} there, {} in this program", file.path(), tensor.name,
         safetensorsName(found->element), safetensorsName(tensor.element));
}

/// What to do with tensors that the program does not know.
enum class Extra { Refuse, Ignore };

/// Loads all tensors of the states that `wanted` picks, in the program's order.
template <typename Wanted>
static void loadStates(Machine &machine, const Safetensors &file, Extra extra, Wanted wanted) {
  const bool strict = extra == Extra::Refuse;
  size_t count = 0;
  std::map<std::string, bool> known;
  for (const State &state : machine.description.state) {
    if (!wanted(state))
      continue;
    for (const Field &tensor : state.tensors) {
      loadTensor(machine, tensor, file, /*widen=*/!strict);
      known[tensor.name] = true;
      ++count;
    }
  }
  if (!strict || count == file.tensors().size())
    return;
  for (auto &[name, tensor] : file.tensors())
    if (!known.count(name))
      fail("'{}' belongs to another model: it has '{}' of shape {}, this program does not",
           file.path(), name, text(tensor.shape));
}

void frit::loadCheckpoint(Machine &machine, const std::string &checkpoint, const Meta &meta,
                          bool everything) {
  auto isParameter = [](const State &state) { return state.role == State::Role::Parameter; };
  auto isOther = [](const State &state) {
    return state.role != State::Role::Parameter && state.isSaved();
  };
  auto isDeclared = [](const State &state) { return state.role == State::Role::State; };
  loadStates(machine, Safetensors(checkpoint + "/model.safetensors"), Extra::Refuse, isParameter);
  Safetensors others(checkpoint + "/state.safetensors");
  if (everything)
    loadStates(machine, others, Extra::Refuse, isOther);
  else
    loadStates(machine, others, Extra::Ignore, isDeclared);
  const Description &description = machine.description;
  if (meta.hash != description.hash)
    warn("'{}' was saved by another version of the program ('{}', hash {}; this one has {})",
         checkpoint, meta.program, meta.hash, description.hash);
}

void frit::loadWeights(Machine &machine, const std::string &file) {
  std::set<std::string> loaded;
  loadStates(machine, Safetensors(file), Extra::Ignore, [&](const State &state) {
    bool isParameter = state.role == State::Role::Parameter;
    if (isParameter)
      loaded.insert(state.name);
    return isParameter;
  });
  followCopies(machine, loaded);
}
