// The object is linked in memory by LLVM's JIT linker; its barrier is ours, on plain threads.
#include "codegen/Load.h"
#include "runtime/Abi.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

using namespace mlir;
using Json = nlohmann::json;

namespace frit {

static void arrive(FritContext *context) {
  static_cast<std::barrier<> *>(context->pool)->arrive_and_wait();
}

/// frit_finite of the runtime.
static int32_t areFinite(const void *values, int64_t count, int32_t bytes) {
  auto all = [&](auto *x) {
    return std::all_of(x, x + count, [](auto v) { return std::isfinite(v); });
  };
  return bytes == 8 ? all(static_cast<const double *>(values))
                    : all(static_cast<const float *>(values));
}

namespace {

/// A dense value in the arena.
struct Field {
  std::string name;
  ValueType type;
  int64_t offset;
};

} // namespace

struct Loaded::State {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::map<std::string, FritRun> entries;
  std::map<std::string, std::vector<Field>> inputs, outputs;
  std::vector<Field> states;
  std::vector<PlacedWatch> watches;
  int64_t bytes = 0;
  int threads = 1;
  uint8_t *arena = nullptr;
  ~State() { std::free(arena); }
};

Loaded::Loaded(std::unique_ptr<State> state) : state(std::move(state)) {}
Loaded::~Loaded() = default;

static Element elementNamed(const std::string &text) {
  for (Element e : {Element::F32, Element::F64, Element::BF16, Element::I32, Element::I1})
    if (text == name(e))
      return e;
  llvm_unreachable("a description with an unknown element");
}

static Field readField(const Json &json) {
  Field field;
  field.name = json.at("name");
  field.offset = json.at("offset");
  field.type.element = elementNamed(json.at("element"));
  if (json.contains("shape"))
    for (size_t i = 0; i < json["shape"].size(); ++i)
      field.type.axes.push_back({json["axes"][i], json["shape"][i]});
  return field;
}

llvm::Expected<std::unique_ptr<Loaded>> Loaded::load(const Level &level, int threads) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  llvm::orc::SymbolMap symbols;
  auto provide = [&](const char *name, auto *function) {
    symbols[(*jit)->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                                              llvm::JITSymbolFlags::Exported |
                                                  llvm::JITSymbolFlags::Callable};
  };
  provide("frit_barrier", &arrive);
  provide("frit_finite", &areFinite);
  if (llvm::Error error = (*jit)->getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols)))
    return error;
  if (llvm::Error error =
          (*jit)->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(level.object, level.isa)))
    return error;
  auto state = std::make_unique<State>();
  for (auto [name, symbol] : llvm::zip(level.entries, level.symbols)) {
    auto address = (*jit)->lookup(symbol);
    if (!address)
      return address.takeError();
    state->entries[name] = address->toPtr<FritRun>();
  }
  state->jit = std::move(*jit);
  Json json = Json::parse(level.description);
  for (const char *kind : {"state", "scalars"})
    for (const Json &item : json.at(kind))
      state->states.push_back(readField(item));
  for (auto &[name, entry] : json.at("entries").items()) {
    for (const Json &item : entry.at("inputs"))
      state->inputs[name].push_back(readField(item));
    for (const Json &item : entry.at("outputs"))
      state->outputs[name].push_back(readField(item));
  }
  for (const Json &item : json.at("watches")) {
    bool isInside = item["kind"] == nameOf(Watch::Inside);
    state->watches.push_back({isInside ? Watch::Inside : Watch::Finite, item["offset"], item["at"],
                              item["axis"], item["size"], item["op"], item["layer"], item["from"]});
  }
  state->threads = threads;
  state->bytes = int64_t(json.at("arena")) + threads * int64_t(json.at("workspace"));
  int64_t whole = (state->bytes + 63) / 64 * 64;
  state->arena = static_cast<uint8_t *>(std::aligned_alloc(64, whole));
  std::memset(state->arena, 0, whole);
  return std::unique_ptr<Loaded>(new Loaded(std::move(state)));
}

static void store(uint8_t *to, Element element, double value) {
  auto put = [&](auto number) { std::memcpy(to, &number, sizeof number); };
  switch (element) {
  case Element::F32:
    return put(float(value));
  case Element::F64:
    return put(value);
  case Element::I32:
    return put(int32_t(value));
  case Element::I1:
    return put(uint8_t(value != 0));
  case Element::BF16:
    break;
  }
  llvm_unreachable("bf16 has no place in a test's arrays");
}

static double fetch(const uint8_t *from, Element element) {
  auto get = [&](auto number) {
    std::memcpy(&number, from, sizeof number);
    return double(number);
  };
  switch (element) {
  case Element::F32:
    return get(float());
  case Element::F64:
    return get(double());
  case Element::I32:
    return get(int32_t());
  case Element::I1:
    return get(uint8_t());
  case Element::BF16:
    break;
  }
  llvm_unreachable("bf16 has no place in a test's arrays");
}

static int64_t sizeOf(Element element) {
  return element == Element::F64 ? 8 : element == Element::I1 ? 1 : 4;
}

static void put(uint8_t *arena, const Field &field, const NamedArrays &arrays) {
  auto found = arrays.find(field.name);
  if (found == arrays.end())
    throw EvaluationError("no array '" + field.name + "' is given");
  Array array = inOrder(found->second, field.type);
  for (size_t i = 0; i < array.data.size(); ++i)
    store(arena + field.offset + int64_t(i) * sizeOf(field.type.element), field.type.element,
          array.data[i]);
}

static Array get(const uint8_t *arena, const Field &field) {
  Array array(field.type);
  for (size_t i = 0; i < array.data.size(); ++i)
    array.data[i] =
        fetch(arena + field.offset + int64_t(i) * sizeOf(field.type.element), field.type.element);
  return array;
}

double Loaded::run(const std::string &entry) {
  auto found = state->entries.find(entry);
  if (found == state->entries.end())
    throw EvaluationError("no entry is called '" + entry + "'");
  FritRun run = found->second;
  std::barrier<> barrier(state->threads);
  FritContext context{state->arena, state->threads, &barrier};
  auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  for (int thread = 1; thread < state->threads; ++thread)
    others.emplace_back([&context, run, thread] { run(&context, thread); });
  run(&context, 0);
  for (std::thread &other : others)
    other.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

NamedArrays Loaded::run(const std::string &entry, NamedArrays &states, const NamedArrays &inputs) {
  // Whoever reads what nobody wrote shall notice: a NaN as f32 and f64, out of range as i32.
  std::memset(state->arena, 0xFF, state->bytes);
  for (const Field &field : state->states)
    put(state->arena, field, states);
  for (const Field &field : state->inputs[entry])
    put(state->arena, field, inputs);
  for (const PlacedWatch &watch : state->watches)
    std::memset(state->arena + watch.offset, 0, 8);
  run(entry);
  for (const PlacedWatch &watch : state->watches) {
    int64_t word;
    std::memcpy(&word, state->arena + watch.offset, 8);
    if (word != 0 && watch.kind == Watch::Inside)
      throw EvaluationError(watch.at + ": index " + std::to_string((int64_t(1) << 32) - word) +
                            " of axis '" + watch.axis + "' is outside 0.." +
                            std::to_string(watch.size - 1));
  }
  for (const Field &field : state->states)
    states[field.name] = get(state->arena, field);
  NamedArrays outputs;
  for (const Field &field : state->outputs[entry])
    outputs[field.name] = get(state->arena, field);
  return outputs;
}

} // namespace frit
