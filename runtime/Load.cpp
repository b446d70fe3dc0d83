#include "runtime/Load.h"
#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Nearest.h"
#include "runtime/Safetensors.h"
#include <cstring>
#include <filesystem>

using namespace frit;
namespace fs = std::filesystem;

namespace {

/// The tensors of one model in a file or a checkpoint's files.
class ModelLoader {
public:
  ModelLoader(Machine &machine, const ModelFile &model, const std::string &path,
              const std::string &flag);
  void load();

private:
  void open(const std::string &path, const std::string &flag);
  void chooseNames();
  bool isOurs(const Field &tensor) const { return tensor.name.rfind(model + ".", 0) == 0; }
  TensorPlace placeOf(const Field &tensor) const;
  std::string nameInFile(const TensorPlace &place) const {
    return place.isWhole ? place.name : prefix + place.name;
  }
  const TensorData *find(const std::string &name) const;
  void loadTensor(const Field &tensor, bool isNeeded);
  [[noreturn]] void refuseMissing(const Field &tensor, const std::string &name) const;
  [[noreturn]] void refuseShape(const Field &tensor, const TensorData &found) const;

  Machine &machine;
  const std::string model;
  const std::map<std::string, TensorPlace> &places;
  std::vector<Safetensors> files; // the parameters; in a checkpoint also the other state
  std::string prefix;             // of the file's names, in place of "teacher."
  std::set<std::string> used;     // tensors of the first file
};

} // namespace

ModelLoader::ModelLoader(Machine &machine, const ModelFile &load, const std::string &path,
                         const std::string &flag)
    : machine(machine), model(load.model), places(load.tensors) {
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

TensorPlace ModelLoader::placeOf(const Field &tensor) const {
  auto found = places.find(tensor.name);
  return found != places.end() ? found->second
                               : TensorPlace{tensor.name.substr(model.size() + 1), false, false};
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
        if (TensorPlace place = isOurs(tensor) ? placeOf(tensor) : TensorPlace();
            !place.name.empty() && !place.isWhole && !place.isFresh)
          found += files[0].find(nameInFile(place)) != nullptr;
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

void ModelLoader::refuseMissing(const Field &tensor, const std::string &name) const {
  std::vector<std::string> known;
  for (const Safetensors &file : files)
    for (auto &[other, data] : file.tensors())
      known.push_back(other);
  // Names are long, and whoever gave them may have named layers otherwise.
  std::string near = nearest(name, known, name.size() / 2 + 1);
  fail("'{}' has no tensor '{}' for parameter '{}' of shape {}{}", files[0].path(), name,
       tensor.name, text(tensor.shape),
       near.empty()
           ? ": it belongs to another model"
           : fmt::format("; the nearest there is '{}' of shape {}", near, text(find(near)->shape)));
}

void ModelLoader::refuseShape(const Field &tensor, const TensorData &found) const {
  Shape turned(found.shape.rbegin(), found.shape.rend());
  fail("'{}' belongs to another model: parameter '{}' has shape {} in this program, '{}' has {} "
       "there{}",
       files[0].path(), tensor.name, text(tensor.shape), found.name, text(found.shape),
       turned == tensor.shape ? ", transposed: a param's axes in the order of the file fit it"
                              : "");
}

void ModelLoader::loadTensor(const Field &tensor, bool isNeeded) {
  TensorPlace place = placeOf(tensor);
  std::string name = nameInFile(place);
  const TensorData *found = find(name);
  if (files[0].find(name))
    used.insert(name);
  if (place.isFresh || (!found && !isNeeded))
    return;
  if (!found)
    refuseMissing(tensor, name);
  if (found->shape != tensor.shape)
    refuseShape(tensor, *found);
  if (!convert(found->element, found->data, tensor.element, machine.at(tensor), tensor.count()))
    fail("'{}': '{}' is {} there, '{}' is {} in this program", files[0].path(), name,
         safetensorsName(found->element), tensor.name, safetensorsName(tensor.element));
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
  if (size_t rest = files[0].tensors().size() - used.size())
    warn("'{}' has {} tensor{} that model '{}' has no use for", files[0].path(), rest,
         rest == 1 ? "" : "s", model);
}

void frit::loadModel(Machine &machine, const ModelFile &load, const std::string &path,
                     const std::string &flag) {
  ModelLoader(machine, load, path, flag).load();
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
