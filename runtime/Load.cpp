#include "runtime/Load.h"
#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Safetensors.h"
#include <cstring>
#include <filesystem>

using namespace frit;
namespace fs = std::filesystem;

namespace {

/// The tensors of one model in a file or a checkpoint's files.
class ModelLoader {
public:
  ModelLoader(Machine &machine, const std::string &model, const std::string &path,
              const std::string &flag);
  void load();

private:
  void open(const std::string &path, const std::string &flag);
  void chooseNames();
  bool isOurs(const Field &tensor) const { return tensor.name.rfind(model + ".", 0) == 0; }
  std::string nameInFile(const Field &tensor) const {
    return prefix + tensor.name.substr(model.size() + 1);
  }
  const TensorData *find(const std::string &name) const;
  void loadTensor(const Field &tensor, bool isNeeded);

  Machine &machine;
  const std::string model;
  std::vector<Safetensors> files; // the parameters; in a checkpoint also the other state
  std::string prefix;             // of the file's names, in place of "teacher."
  size_t used = 0;                // tensors of the first file
};

} // namespace

ModelLoader::ModelLoader(Machine &machine, const std::string &model, const std::string &path,
                         const std::string &flag)
    : machine(machine), model(model) {
  open(path, flag);
  chooseNames();
}

void ModelLoader::open(const std::string &path, const std::string &flag) {
  std::error_code error;
  if (!fs::exists(path, error))
    fail("'{}', where the weights of model '{}' should be, does not exist; {} FILE names a "
         ".safetensors file or a run",
         path, model, flag);
  if (!fs::is_directory(path, error)) {
    files.emplace_back(path);
    return;
  }
  std::string checkpoint = findCheckpoint(path);
  if (checkpoint.empty())
    fail("'{}', where the weights of model '{}' should be, holds no checkpoint; {} FILE names a "
         ".safetensors file or a run",
         path, model, flag);
  files.emplace_back(checkpoint + "/model.safetensors");
  files.emplace_back(checkpoint + "/state.safetensors");
}

/// Of the ways to name a model's tensors the one that finds most; the program's own when none does.
void ModelLoader::chooseNames() {
  std::vector<std::string> prefixes = {model + "."};
  std::set<std::string> first;
  for (auto &[name, tensor] : files[0].tensors())
    first.insert(name.substr(0, name.find('.')));
  if (first.size() == 1)
    prefixes.push_back(*first.begin() + ".");
  prefixes.push_back("");
  size_t best = 0;
  std::string chosen = prefixes[0];
  for (const std::string &candidate : prefixes) {
    prefix = candidate;
    size_t found = 0;
    for (const State &state : machine.description.state)
      for (const Field &tensor : state.tensors)
        found += isOurs(tensor) && files[0].find(nameInFile(tensor));
    if (found > best) {
      best = found;
      chosen = candidate;
    }
  }
  prefix = chosen;
}

const TensorData *ModelLoader::find(const std::string &name) const {
  for (const Safetensors &file : files)
    if (const TensorData *found = file.find(name))
      return found;
  return nullptr;
}

void ModelLoader::loadTensor(const Field &tensor, bool isNeeded) {
  std::string name = nameInFile(tensor);
  const TensorData *found = find(name);
  if (!found && !isNeeded)
    return;
  if (!found)
    fail("'{}' has no tensor '{}' for parameter '{}' of shape {}: it belongs to another model",
         files[0].path(), name, tensor.name, text(tensor.shape));
  if (found->shape != tensor.shape)
    fail("'{}' belongs to another model: parameter '{}' has shape {} in this program, '{}' has {} "
         "there",
         files[0].path(), tensor.name, text(tensor.shape), name, text(found->shape));
  if (!convert(found->element, found->data, tensor.element, machine.at(tensor), tensor.count()))
    fail("'{}': '{}' is {} there, '{}' is {} in this program", files[0].path(), name,
         safetensorsName(found->element), tensor.name, safetensorsName(tensor.element));
  used += files[0].find(name) != nullptr;
}

void ModelLoader::load() {
  std::set<std::string> loaded;
  for (const State &state : machine.description.state) {
    bool isParameter = state.role == State::Role::Parameter;
    if (!isParameter && state.role != State::Role::State)
      continue;
    for (const Field &tensor : state.tensors) {
      if (!isOurs(tensor))
        continue;
      loadTensor(tensor, isParameter || files.size() > 1);
      loaded.insert(state.name);
    }
  }
  followCopies(machine, loaded);
  if (size_t rest = files[0].tensors().size() - used)
    warn("'{}' has {} tensor{} that model '{}' has no use for", files[0].path(), rest,
         rest == 1 ? "" : "s", model);
}

void frit::loadModel(Machine &machine, const std::string &model, const std::string &path,
                     const std::string &flag) {
  ModelLoader(machine, model, path, flag).load();
}

void frit::followCopies(Machine &machine, std::set<std::string> changed) {
  auto stateNamed = [&](const std::string &name) -> const Field & {
    for (const State &state : machine.description.state)
      if (state.name == name)
        return state.field;
    bug("there is no state '{}' to copy", name);
  };
  const std::set<std::string> own = changed;
  for (const Copy &copy : machine.description.copies) {
    if (!changed.count(copy.of) || own.count(copy.state))
      continue;
    const Field &from = stateNamed(copy.of), &to = stateNamed(copy.state);
    if (from.shape != to.shape || from.element != to.element)
      bug("'{}' cannot be a copy of '{}'", copy.state, copy.of);
    std::memcpy(machine.at(to), machine.at(from), size_t(to.bytes()));
    changed.insert(copy.state); // a copy of a copy comes later in the list
  }
}
