// What a level says about itself: where everything lies in the arena, which entries exist, what
// data they take. The JSON behind it is specified in docs/abi.md.
#pragma once
#include "runtime/Abi.h"
#include "runtime/Element.h"
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace frit {

/// An input or output of an entry, or a tensor of a checkpoint: a dense row-major piece of the
/// arena.
struct Field {
  std::string name;
  Element element = Element::F32;
  Shape shape;
  int64_t offset = 0;               // bytes from the arena's start
  int64_t limit = 0;                // integers are below this; 0: no limit
  bool isWhole = false;             // an input that is no rows of a batch: the same at every step
  std::vector<size_t> watches = {}; // of an output: numbers of the Finite watches it comes from

  int64_t count() const { return countOf(shape); }
  int64_t bytes() const { return count() * sizeOf(element); }
};

struct State {
  enum class Role { Parameter, Slot, State, Counter, Accumulator };
  std::string name;
  Role role;
  Field field;                // as it lies in the arena
  std::vector<Field> tensors; // as checkpoints name it: slices of the field

  bool isSaved() const { return role != Role::Accumulator; }
};
const char *nameOf(State::Role role);

/// A number that a running program may change: --lr, and the runtime's own seed, step, steps.
struct Scalar {
  std::string name, flag, help;
  Element element;
  int64_t offset;
  double value; // the default
};

struct Entry {
  std::string name;
  std::vector<Field> inputs, outputs;
  FritRun run = nullptr;

  const Field *input(const std::string &name) const;
  const Field *output(const std::string &name) const;
};

/// What `train { data = SOURCE(arguments) }` said.
struct DataInfo {
  std::string source;
  nlohmann::json arguments = nlohmann::json::object();
  std::vector<std::string> files;            // named in the program; --data goes first
  std::map<std::string, std::string> record; // parameter of the objective -> record type
};

/// Where a file holds a tensor that does not go by its own name there.
struct TensorPlace {
  std::string name;     // in the file; empty if only `isFresh` is known of it
  bool isWhole = false; // `name` is all of it; else the model's name in the file goes before
  bool isFresh = false; // it is not loaded
};

/// One `run` of the program: an objective with its data. Where a program has several they take
/// turns, `times` steps each; see Turns.h.
struct Turn {
  std::string name; // empty in a program with one
  int64_t times = 1;
  std::optional<DataInfo> data;
  double validation = 0; // fraction held out
  int64_t tokensPerStep = 0;
  int64_t vocabulary = 0; // 0: not about tokens

  /// "train", or "train.masked" where there are several.
  std::string entry(const std::string &what) const {
    return name.empty() ? what : what + "." + name;
  }
};

/// A model whose parameters begin with those of another run: `teacher = GPT() from "run"`.
struct ModelFile {
  std::string model, file; // the file as the program names it
  std::map<std::string, TensorPlace> tensors;
};

/// A state that begins with the value of another one.
struct Copy {
  std::string state, of;
};

struct Training {
  std::optional<int64_t> steps, seed, saveEvery, evaluateEvery;
  std::optional<double> epochs;
  double tokensPerStep = 0;        // on average over the turns
  std::vector<std::string> unused; // parameters on which no loss depends
};

/// A word of the arena in which kernels note that something is wrong; 0 if nothing was.
/// Inside: 2^32 minus the least position outside an axis. Finite: the op's result has a number that
/// is not finite (1), which it made from finite ones (2).
struct Watch {
  enum class Kind { Inside, Finite } kind;
  int64_t offset;
  std::string at; // file:line:column
  std::string op, layer;
  std::string axis;
  int64_t size;
  std::vector<size_t> from; // numbers of the watches of the op's operands
};

struct Description {
  std::string program, objective, hash;
  nlohmann::json config;
  int64_t arena = 0;
  int64_t workspace = 0; // bytes for each thread, behind the arena
  std::vector<State> state;
  std::vector<Scalar> scalars;
  std::vector<Entry> entries;
  std::vector<Turn> turns;    // at least one
  std::vector<Watch> watches; // in the order of the program
  Training training;
  std::vector<ModelFile> load;
  std::vector<Copy> copies; // a copy of a copy stands behind it
  int64_t vocabulary = 0;   // 0: not a program about tokens

  const Entry *find(const std::string &name) const;
  const Scalar *scalar(const std::string &name) const;
  /// Does any run read data?
  bool takesData() const;
};

/// Reads a level's description and finds each entry's code. Everything is checked to lie inside the
/// arena; throws Bug otherwise: a description is written by the compiler.
Description readDescription(const FritLevel &level);

} // namespace frit
