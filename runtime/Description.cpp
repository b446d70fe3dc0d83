#include "runtime/Description.h"
#include "runtime/Error.h"
#include <algorithm>

using namespace frit;
using Json = nlohmann::json;

static const char *const roleNames[] = {"parameter", "slot", "state", "counter", "accumulator"};

const char *frit::nameOf(State::Role role) { return roleNames[int(role)]; }

template <typename T> static const T *named(const std::vector<T> &list, const std::string &name) {
  for (const T &item : list)
    if (item.name == name)
      return &item;
  return nullptr;
}

const Field *Entry::input(const std::string &name) const { return named(inputs, name); }
const Field *Entry::output(const std::string &name) const { return named(outputs, name); }
const Entry *Description::find(const std::string &name) const { return named(entries, name); }
const Scalar *Description::scalar(const std::string &name) const { return named(scalars, name); }

static bool has(const Json &json, const char *key) {
  auto found = json.find(key);
  return found != json.end() && !found->is_null();
}

template <typename T> static std::optional<T> optional(const Json &json, const char *key) {
  return has(json, key) ? std::optional<T>(json.at(key).get<T>()) : std::nullopt;
}

static Field readField(const Json &json) {
  Field field;
  field.name = json.at("name");
  field.element = elementNamed(json.at("element"));
  field.shape = json.at("shape").get<Shape>();
  field.offset = json.at("offset");
  field.limit = json.value("limit", int64_t(0));
  field.isWhole = json.value("whole", false);
  field.watches = json.value("watches", std::vector<size_t>());
  return field;
}

/// `within`: bytes of what the field must lie inside.
static void checkPlace(const Field &field, int64_t begin, int64_t within, const char *what) {
  for (int64_t size : field.shape)
    if (size < 0)
      bug("'{}' has shape {}", field.name, text(field.shape));
  if (begin < 0 || begin + field.bytes() > within)
    bug("'{}' takes bytes {} to {} of {}, which has {}", field.name, begin, begin + field.bytes(),
        what, within);
  if (begin % sizeOf(field.element) != 0)
    bug("'{}' is not aligned: byte {} of {}", field.name, begin, what);
}

static State readState(const Json &json, int64_t arena) {
  State state;
  state.field = readField(json);
  state.name = state.field.name;
  checkPlace(state.field, state.field.offset, arena, "the arena");
  std::string role = json.at("role");
  int index = 0;
  while (index < 5 && role != roleNames[index])
    ++index;
  if (index == 5)
    bug("state '{}' has the unknown role '{}'", state.name, role);
  state.role = State::Role(index);
  if (!state.isSaved())
    return state;
  if (!has(json, "tensors")) {
    state.tensors = {state.field};
    return state;
  }
  for (const Json &item : json.at("tensors")) {
    Field tensor;
    tensor.name = item.at("name");
    tensor.element = state.field.element;
    tensor.shape = item.at("shape").get<Shape>();
    int64_t inside = item.at("offset");
    checkPlace(tensor, inside, state.field.bytes(), state.name.c_str());
    tensor.offset = state.field.offset + inside;
    state.tensors.push_back(std::move(tensor));
  }
  return state;
}

static Scalar readScalar(const Json &json, int64_t arena) {
  Scalar scalar;
  scalar.name = json.at("name");
  scalar.flag = has(json, "flag") ? json.at("flag").get<std::string>() : "";
  scalar.help = json.value("help", "");
  scalar.element = elementNamed(json.at("element"));
  scalar.offset = json.at("offset");
  scalar.value = has(json, "default") ? json.at("default").get<double>() : 0;
  if (scalar.element != Element::F32 && scalar.element != Element::I32)
    bug("scalar '{}' is {}; only f32 and i32 are known", scalar.name, nameOf(scalar.element));
  checkPlace({scalar.name, scalar.element, {}, scalar.offset}, scalar.offset, arena, "the arena");
  return scalar;
}

static Entry readEntry(const std::string &name, const Json &json, const FritLevel &level,
                       int64_t arena) {
  Entry entry;
  entry.name = name;
  for (int64_t i = 0; i < level.entryCount; ++i)
    if (name == level.entries[i].name)
      entry.run = level.entries[i].run;
  if (!entry.run)
    bug("entry '{}' has no code", name);
  auto read = [&](const char *key, std::vector<Field> &fields) {
    if (!has(json, key))
      return;
    for (const Json &item : json.at(key)) {
      fields.push_back(readField(item));
      checkPlace(fields.back(), fields.back().offset, arena, "the arena");
    }
  };
  read("inputs", entry.inputs);
  read("outputs", entry.outputs);
  return entry;
}

static DataInfo readData(const Json &json) {
  DataInfo data;
  data.source = json.at("source");
  if (has(json, "arguments"))
    data.arguments = json.at("arguments");
  if (has(json, "files"))
    data.files = json.at("files").get<std::vector<std::string>>();
  if (has(json, "record"))
    data.record = json.at("record").get<std::map<std::string, std::string>>();
  return data;
}

static ModelFile readLoad(const Json &json) {
  ModelFile result{json.at("model"), json.at("file"), {}};
  const Json tensors = json.value("tensors", Json::object());
  for (auto &[tensor, place] : tensors.items()) {
    bool isWhole = place.contains("name");
    result.tensors[tensor] = {place.value(isWhole ? "name" : "own", ""), isWhole,
                              place.value("fresh", false)};
  }
  return result;
}

static Training readTraining(const Json &json) {
  Training training;
  training.steps = optional<int64_t>(json, "steps");
  training.epochs = optional<double>(json, "epochs");
  training.seed = optional<int64_t>(json, "seed");
  training.unused = json.value("unused", std::vector<std::string>());
  if (has(json, "save"))
    training.saveEvery = optional<int64_t>(json.at("save"), "every");
  if (has(json, "evaluate"))
    training.evaluateEvery = optional<int64_t>(json.at("evaluate"), "every");
  return training;
}

/// `json`: one of "runs", or the description of a program with one run, whose data and numbers
/// stand at its top.
static Turn readTurn(const Json &json, const Json &data, const Json &numbers) {
  Turn turn;
  turn.name = json.value("name", "");
  turn.times = json.value("times", int64_t(1));
  if (turn.times < 1)
    bug("run '{}' takes {} steps in its turn", turn.name, turn.times);
  if (!data.is_null())
    turn.data = readData(data);
  turn.validation = optional<double>(numbers, "validation").value_or(0);
  turn.tokensPerStep = optional<int64_t>(numbers, "tokens_per_step").value_or(0);
  if (has(json, "vocabulary"))
    turn.vocabulary = json["vocabulary"].value("size", int64_t(0));
  return turn;
}

static std::vector<Turn> readTurns(const Json &json) {
  std::vector<Turn> turns;
  for (const Json &item : json.value("runs", Json::array()))
    turns.push_back(readTurn(item, item.value("data", Json()), item));
  if (turns.empty()) {
    Json data = has(json, "data") ? json["data"].value("train", Json()) : Json();
    Turn only = readTurn(json, data, json.value("training", Json::object()));
    only.name.clear();
    turns.push_back(std::move(only));
  }
  return turns;
}

bool Description::takesData() const {
  return std::any_of(turns.begin(), turns.end(), [](const Turn &turn) { return turn.data; });
}

static Watch readWatch(const Json &json, int64_t arena) {
  std::string kind = json.at("kind");
  if (kind != "inside" && kind != "finite")
    bug("a watch of the unknown kind '{}'", kind);
  Watch watch{kind == "inside" ? Watch::Kind::Inside : Watch::Kind::Finite,
              json.at("offset"),
              json.at("at"),
              json.value("op", ""),
              json.value("layer", ""),
              json.value("axis", ""),
              json.value("size", int64_t(0)),
              json.value("from", std::vector<size_t>())};
  if (watch.offset < 0 || watch.offset % 8 != 0 || watch.offset + 8 > arena)
    bug("a watch lies at byte {} of an arena of {}", watch.offset, arena);
  return watch;
}

/// Watches name each other by number.
static void checkWatchNumbers(const Description &description) {
  auto check = [&](const std::vector<size_t> &numbers) {
    for (size_t number : numbers)
      if (number >= description.watches.size())
        bug("there is no watch {}", number);
  };
  for (const Watch &watch : description.watches)
    check(watch.from);
  for (const Entry &entry : description.entries)
    for (const Field &output : entry.outputs)
      check(output.watches);
}

Description frit::readDescription(const FritLevel &level) {
  try {
    Json json = Json::parse(level.description);
    if (json.at("format") != 1)
      bug("the program's description has format {}; this runtime reads 1", json["format"].dump());
    Description result;
    result.program = json.at("program");
    result.objective = json.value("run", "");
    result.hash = json.value("hash", "");
    result.config = json.value("config", Json::object());
    result.arena = json.at("arena");
    result.workspace = json.value("workspace", int64_t(0));
    if (result.workspace < 0)
      bug("a thread's workspace has {} bytes", result.workspace);
    for (const Json &item : json.value("state", Json::array()))
      result.state.push_back(readState(item, result.arena));
    for (const Json &item : json.value("scalars", Json::array()))
      result.scalars.push_back(readScalar(item, result.arena));
    for (auto &[name, entry] : json.at("entries").items())
      result.entries.push_back(readEntry(name, entry, level, result.arena));
    for (const Json &item : json.value("watches", Json::array()))
      result.watches.push_back(readWatch(item, result.arena));
    result.turns = readTurns(json);
    if (has(json, "training"))
      result.training = readTraining(json["training"]);
    int64_t steps = 0, tokens = 0;
    for (const Turn &turn : result.turns) {
      steps += turn.times;
      tokens += turn.times * turn.tokensPerStep;
    }
    result.training.tokensPerStep = double(tokens) / double(steps);
    for (const Json &item : json.value("load", Json::array()))
      result.load.push_back(readLoad(item));
    for (const Json &item : json.value("copies", Json::array()))
      result.copies.push_back({item.at("state"), item.at("of")});
    if (has(json, "vocabulary"))
      result.vocabulary = json["vocabulary"].value("size", int64_t(0));
    checkWatchNumbers(result);
    return result;
  } catch (const Json::exception &error) {
    bug("the description of level '{}' is malformed: {}", level.isa, error.what());
  }
}
