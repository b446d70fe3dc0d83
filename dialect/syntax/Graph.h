// The checked program: what Check makes of the text and Emit copies into the frit dialect, node by
// node. Models, calls, distributions and records are gone; what is left are ops on named axes,
// states, and entries. Plain C++.
#pragma once
#include "dialect/Types.h"
#include "dialect/syntax/Source.h"
#include <memory>
#include <optional>

namespace frit {

using ValueId = uint32_t; // an index into Graph::types

struct Block;

/// One op. `op` is a mnemonic of the dialect ("add", "contract", "scan", "read", ...); attributes
/// are those of its record. A state is named by the string `state` ("read", "write"). A "scan" has
/// besides axis, size, reverse and kind the number `carried`: how many operands are carried values,
/// the others are slices.
struct Node {
  std::string op;
  std::vector<ValueId> operands;
  Attributes attributes;
  std::vector<ValueId> results;
  Location location;           // where in the text
  std::string path;            // layer path of the code that made it: "lm.blocks.attn"
  std::shared_ptr<Block> body; // scan only
};

/// Straight-line code. A scan's body has the arguments index, carries.., slices.. and ends in a
/// "yield" node (carries.., stacked..).
struct Block {
  std::vector<ValueId> arguments;
  std::vector<Node> nodes;
};

/// One canonical tensor of a state, as checkpoints know it.
struct StateTensor {
  std::string name;  // "lm.blocks.3.attn.q.weight"
  int64_t index = 0; // which slice of the stacking axes, row-major
};

/// Memory that lives from step to step.
struct StateDecl {
  std::string name;                 // "lm.blocks.attn.q.weight"
  ValueType type;                   // stacking axes of repeats first, then the axes as declared
  std::string role;                 // parameter, slot, state, counter, accumulator, scalar
  int64_t stacked = 0;              // how many leading axes come from repeats
  std::vector<StateTensor> tensors; // empty for role scalar and accumulator
  double initial = 0;               // role scalar: the default; others are written by `init`
  std::string flag, help;           // role scalar: how the command line calls it
  Location location;
};

struct EntryValue {
  std::string name;
  ValueId value;
  int64_t limit = 0;    // an input of tokens: each is below it; 0: no limit
  bool isWhole = false; // an input without the batch axis: the same at every step
};

/// A function over the states: init, train, eval_begin, eval, report, predict, gradients.
struct EntryDecl {
  std::string name;
  std::vector<EntryValue> inputs;
  std::vector<EntryValue> outputs;
  Block body;
};

struct Graph {
  std::vector<ValueType> types; // of every value
  std::vector<StateDecl> states;
  std::vector<EntryDecl> entries;
  /// What the runtime needs to know beyond shapes, as JSON text (keys: program, run, config, data,
  /// training, vocabulary, ... ; see docs/abi.md).
  std::string metadata;
};

} // namespace frit
