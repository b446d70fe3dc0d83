#include "tools/frit/ObjectiveCases.h"
#include "passes/GradientCheck.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace frit {

namespace {
constexpr double inf = std::numeric_limits<double>::infinity();

bool endsWith(const std::string &text, const char *end) {
  return llvm::StringRef(text).ends_with(end);
}

std::string beforeDot(const std::string &name) { return name.substr(0, name.find('.')); }

/// Numbers that single precision holds.
void toSingle(NamedArrays &arrays) {
  for (auto &[name, array] : arrays)
    if (isReal(array.type.element))
      for (double &x : array.data)
        x = float(x);
}
} // namespace

Array *ObjectiveWorld::input(const std::string &name) {
  auto found = inputs.find(name);
  return found == inputs.end() ? nullptr : &found->second;
}

int64_t ObjectiveWorld::rows() const {
  for (auto &[name, array] : inputs)
    if (const Axis *axis = array.type.find(batch))
      return axis->size;
  return 0;
}

void ObjectiveWorld::eachRow(const std::function<void(double *, int64_t)> &f) {
  for (const std::string &name : tables) {
    Array &table = states.at(name);
    for (size_t i = 0; i < table.data.size(); i += columns)
      f(&table.data[i], int64_t(i) / columns);
  }
}

/// The row of the batch of an element; the batch is the first axis of data.
static int64_t rowOf(const Array &array, int64_t i) {
  return i / (int64_t(array.data.size()) / array.type.axes[0].size);
}

static bool hasBatch(const ObjectiveWorld &world, const Array &array) {
  return !array.type.axes.empty() && array.type.axes[0].name == world.batch;
}

void ObjectiveWorld::maskRows(const std::function<bool(int64_t)> &isMasked) {
  for (auto &[name, array] : inputs)
    if ((endsWith(name, ".mask") || endsWith(name, ".real")) && hasBatch(*this, array))
      for (int64_t i = 0; i < int64_t(array.data.size()); ++i)
        if (isMasked(rowOf(array, i)))
          array.data[i] = 0;
}

void ObjectiveWorld::fillMasked(double value) {
  // A place of a record counts if it does in any mask over the same axes; a row, or one answer of
  // a prompt, if anything in it does.
  for (const std::string &name : records) {
    Array &record = inputs.at(name);
    std::vector<bool> counts(record.data.size());
    bool isMasked = false;
    for (const std::string &s : sequences) {
      Array *mask = input(s + ".mask");
      if (!mask || record.type.axes.empty() || mask->type.axes.size() < record.type.axes.size() ||
          !std::equal(record.type.axes.begin(), record.type.axes.end(), mask->type.axes.begin()))
        continue;
      isMasked = true;
      size_t inner = mask->data.size() / record.data.size();
      for (size_t i = 0; i < mask->data.size(); ++i)
        if (mask->data[i] != 0)
          counts[i / inner] = true;
    }
    for (size_t i = 0; isMasked && i < record.data.size(); ++i)
      if (!counts[i])
        record.data[i] = value;
  }
}

void ObjectiveWorld::changeMaskedTokens() {
  for (const std::string &s : sequences) {
    Array *ids = input(s + ".ids"), *next = input(s + ".next"), *real = input(s + ".real"),
          *mask = input(s + ".mask");
    for (size_t i = 0; next && mask && i < mask->data.size(); ++i)
      if (mask->data[i] == 0)
        next->data[i] = double(int64_t(next->data[i] + 1) % columns);
    for (size_t i = 0; ids && mask && i < mask->data.size(); ++i)
      if (mask->data[i] == 0 && (!real || real->data[i] == 0))
        ids->data[i] = double(int64_t(ids->data[i] + 1) % columns);
  }
}

/// Each row moves down by one, the last becomes the first.
void ObjectiveWorld::permute() {
  for (auto &[name, array] : inputs)
    if (hasBatch(*this, array))
      std::rotate(array.data.begin(), array.data.end() - array.data.size() / rows(),
                  array.data.end());
}

ObjectiveWorld drawWorld(mlir::ModuleOp program, const std::vector<std::string> &numbers,
                         int64_t columns, uint64_t seed) {
  ObjectiveWorld world;
  world.random.seed(seed);
  world.columns = columns;
  world.states = drawStates(program, "init", seed);
  world.inputs = drawInputs(program, "gradients", seed + 1);
  auto entry = program.lookupSymbol<mlir::func::FuncOp>("gradients");
  std::vector<std::string> outputs;
  for (unsigned i = 0; i < entry.getNumResults(); ++i)
    outputs.push_back(entry.getResultAttrOfType<mlir::StringAttr>(i, "frit.name").str());
  for (StateOp state : program.getOps<StateOp>()) {
    std::string name = state.getSymName().str();
    const Array &array = world.states.at(name);
    if (state.getRole() == "scalar" && llvm::is_contained(numbers, name))
      world.numbers.push_back(name);
    if (state.getRole() != "parameter")
      continue;
    bool isTable = !array.type.axes.empty() && array.type.axes.back().name == "following_";
    (isTable ? world.tables : world.weights).push_back(name);
    if (isTable && !llvm::is_contained(outputs, name))
      world.frozen.push_back(name);
  }
  for (auto &[name, array] : world.inputs) {
    if (world.batch.empty() && !array.type.axes.empty())
      world.batch = array.type.axes[0].name;
    size_t dot = name.find('.');
    if (dot != std::string::npos && !llvm::is_contained(world.sequences, beforeDot(name)))
      world.sequences.push_back(beforeDot(name));
    if (!isReal(array.type.element))
      continue;
    world.records.push_back(name);
    // Log-probabilities of a token that another policy gave.
    if (name.find("logp") != std::string::npos)
      for (double &x : array.data)
        x = -1.9 + 0.5 * x;
  }
  for (const std::string &s : world.sequences) {
    Array *mask = world.input(s + ".mask"), *real = world.input(s + ".real"),
          *ids = world.input(s + ".ids"), *next = world.input(s + ".next");
    const Array *like = mask ? mask : real ? real : ids;
    if (!like || like->type.axes.empty())
      continue;
    int64_t length = like->type.axes.back().size;
    for (size_t i = 0; i < like->data.size(); i += length) {
      int64_t here = 1 + world.below(length); // real tokens
      int64_t prompt = here > 2 ? world.below(2) : 0;
      for (int64_t k = 0; k < length; ++k) {
        if (real)
          real->data[i + k] = k < here;
        if (mask)
          mask->data[i + k] = k >= prompt && k < std::max<int64_t>(here - 1, prompt + 1);
        if (ids && next && k + 1 < length)
          next->data[i + k] = ids->data[i + k + 1];
      }
    }
  }
  toSingle(world.states);
  toSingle(world.inputs);
  return world;
}

double anyRounding(std::mt19937_64 &random) {
  double size = 0.5 + 0.5 * std::ldexp(double(random() >> 11), -53);
  return random() & 1 ? size : -size;
}

ObjectiveWorld nudged(const ObjectiveWorld &from, uint64_t seed) {
  ObjectiveWorld world = from;
  std::mt19937_64 random(seed);
  const double eps = std::ldexp(1.0, -24);
  auto nudge = [&](double &x, double size) {
    double y = x + eps * size * anyRounding(random);
    if (std::isfinite(y))
      x = y;
  };
  world.eachRow([&](double *row, int64_t) {
    double top = *std::max_element(row, row + world.columns);
    for (int64_t i = 0; i < world.columns; ++i)
      nudge(row[i], top - row[i]);
  });
  for (const std::string &name : world.weights)
    for (double &x : world.states.at(name).data)
      nudge(x, x);
  for (const std::string &name : world.numbers)
    for (double &x : world.states.at(name).data)
      nudge(x, x);
  for (const std::string &name : world.records)
    for (double &x : world.inputs.at(name).data)
      nudge(x, x);
  return world;
}

//===-- The cases ---------------------------------------------------------------------------===//

namespace {

using World = ObjectiveWorld;

bool scale(World &w, double by) {
  w.eachRow([&](double *row, int64_t) {
    for (int64_t i = 0; i < w.columns; ++i)
      row[i] *= by;
  });
  for (const std::string &name : w.weights)
    for (double &x : w.states.at(name).data)
      x *= by;
  return !w.tables.empty() || !w.weights.empty();
}

bool offset(World &w, double by) {
  w.eachRow([&](double *row, int64_t) {
    for (int64_t i = 0; i < w.columns; ++i)
      row[i] += by;
  });
  return !w.tables.empty();
}

/// All models are the first, but for noise.
bool equal(World &w, double noise) {
  for (const std::vector<std::string> *names : {&w.tables, &w.weights})
    for (const std::string &name : *names)
      for (const std::string &first : *names)
        if (w.states.at(first).data.size() == w.states.at(name).data.size()) {
          w.states.at(name).data = w.states.at(first).data;
          break;
        }
  for (const std::string &name : w.tables)
    for (double &x : w.states.at(name).data)
      x += noise * w.normal();
  return w.tables.size() > 1;
}

/// Each token is followed by one other: the next is (id * 3 + 1) mod columns.
int64_t successor(const World &w, int64_t token) { return (token * 3 + 1) % w.columns; }
void followOn(World &w) {
  for (const std::string &s : w.sequences)
    if (Array *ids = w.input(s + ".ids"), *next = w.input(s + ".next"); ids && next)
      for (size_t i = 0; i < ids->data.size(); ++i)
        next->data[i] = double(successor(w, int64_t(ids->data[i])));
}

/// Models that know the next token: it has `top`, the others `rest`.
bool sure(World &w, double top, double rest) {
  followOn(w);
  w.eachRow([&](double *row, int64_t token) {
    for (int64_t i = 0; i < w.columns; ++i)
      row[i] = i == successor(w, token) ? top : rest;
  });
  return !w.tables.empty() && !w.sequences.empty();
}

/// The last column cannot be, and no token is it.
bool closeColumn(World &w, bool onlyFrozen) {
  if (w.columns < 3 || w.tables.empty() || (onlyFrozen && w.frozen.empty()))
    return false;
  for (const std::string &name : onlyFrozen ? w.frozen : w.tables) {
    Array &table = w.states.at(name);
    for (size_t i = w.columns - 1; i < table.data.size(); i += w.columns)
      table.data[i] = -inf;
  }
  for (auto &[name, array] : w.inputs)
    if (array.type.element == Element::I32)
      for (double &x : array.data)
        x = x == double(w.columns - 1) ? 0 : x;
  return true;
}

bool setRecords(World &w, const std::function<double(double)> &f) {
  for (const std::string &name : w.records)
    for (double &x : w.inputs.at(name).data)
      x = f(x);
  return !w.records.empty();
}

bool setNumbers(World &w, const std::function<double(double)> &f) {
  for (const std::string &name : w.numbers)
    for (double &x : w.states.at(name).data)
      x = float(f(x));
  return !w.numbers.empty();
}

bool hasMask(World &w) {
  return std::any_of(w.sequences.begin(), w.sequences.end(),
                     [&](const std::string &s) { return w.input(s + ".mask"); });
}

bool maskRow(World &w) {
  w.maskRows([](int64_t row) { return row == 0; });
  return hasMask(w);
}

/// Garbage where nothing counts, in a batch that lacks a row.
std::function<bool(World &)> garbage(double value) {
  return [value](World &w) {
    w.fillMasked(value);
    return !w.records.empty();
  };
}

bool nothingCounts(World &w) {
  w.maskRows([](int64_t) { return true; });
  return hasMask(w);
}

std::vector<ObjectiveCase> makeCases() {
  using Law = ObjectiveLaw;
  auto benign = [](World &) { return true; };
  auto permuted = [](World &w) {
    w.permute();
    return w.rows() > 1;
  };
  return {
      {"benign", Law::None, benign, {}, true},
      {"logits times 1e-3", Law::None, [](World &w) { return scale(w, 1e-3); }},
      {"logits times 10", Law::None, [](World &w) { return scale(w, 10); }},
      {"logits times 100", Law::None, [](World &w) { return scale(w, 100); }},
      {"logits times 1e4", Law::None, [](World &w) { return scale(w, 1e4); }},
      {"logits + 1e4", Law::None, [](World &w) { return offset(w, 1e4); }},
      {"logits - 1e4", Law::None, [](World &w) { return offset(w, -1e4); }},
      {"models are equal", Law::None, [](World &w) { return equal(w, 0); }},
      {"models differ by 1e-4", Law::None, [](World &w) { return equal(w, 1e-4); }},
      {"ties", Law::None, [](World &w) { return scale(w, 0); }},
      {"sure to e^12", Law::None, [](World &w) { return sure(w, 12, 0); }},
      {"sure to e^80", Law::None, [](World &w) { return sure(w, 80, 0); }},
      {"one-hot, -inf elsewhere", Law::None, [](World &w) { return sure(w, 0, -inf); }},
      {"sure of other tokens", Law::None, [](World &w) { return sure(w, -80, 0); }},
      {"a column is -inf", Law::None, [](World &w) { return closeColumn(w, false); }},
      {"a frozen column is -inf", Law::None, [](World &w) { return closeColumn(w, true); }},
      {"records are 0", Law::None,
       [](World &w) { return setRecords(w, [](double) { return 0; }); }},
      {"records times 1e4", Law::None,
       [](World &w) { return setRecords(w, [](double x) { return float(1e4 * x); }); }},
      {"one token counts in each row", Law::None,
       [](World &w) {
         for (const std::string &s : w.sequences)
           if (Array *mask = w.input(s + ".mask")) {
             int64_t length = mask->type.axes.back().size;
             for (size_t i = 0; i < mask->data.size(); ++i)
               mask->data[i] = i % length == 0;
           }
         return hasMask(w);
       }},
      {"a row is absent", Law::None, maskRow, {}, true},
      {"half of the rows are absent",
       Law::None,
       [](World &w) {
         w.maskRows([&](int64_t row) { return row < w.rows() / 2; });
         return w.rows() > 1 && hasMask(w);
       },
       {},
       true},
      {"nothing counts", Law::Zero, nothingCounts, {}, true},
      {"nothing counts, records NaN", Law::Zero,
       [](World &w) { return nothingCounts(w) && setRecords(w, [](double) { return NAN; }); }},
      {"NaN under the mask", Law::SameBits, maskRow, garbage(NAN)},
      {"inf under the mask", Law::SameBits, maskRow, garbage(inf)},
      {"-1e30 under the mask", Law::SameBits, maskRow, garbage(-1e30)},
      {"other tokens under the mask", Law::SameBits, maskRow,
       [](World &w) {
         w.changeMaskedTokens();
         return w.columns > 1;
       }},
      {"rows in another order", Law::SameNumbers, benign, permuted},
      {"numbers halved", Law::None,
       [](World &w) { return setNumbers(w, [](double x) { return x == 0 ? 0.05 : x / 2; }); }},
      // A share stays a share; what is above 1 doubles.
      {"numbers larger", Law::None,
       [](World &w) {
         return setNumbers(w, [](double x) {
           return x == 0 ? 0.25 : x < 1 ? x + (1 - x) / 4 : 2 * x;
         });
       }},
  };
}

} // namespace

const std::vector<ObjectiveCase> &objectiveCases() {
  static const std::vector<ObjectiveCase> cases = makeCases();
  return cases;
}

} // namespace frit
