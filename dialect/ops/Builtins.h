// The ops as the checker sees them: name, arguments and law of each, collected from the op records.
// It resolves a call by looking here and computes the types of all ops from their laws; it holds no
// list of its own.
#pragma once
#include "dialect/ops/Laws.h"

namespace frit {

struct Builtin {
  std::string name;                    // the op's mnemonic, and the name in the language
  std::vector<std::string> operands;   // positional value arguments, in order
  std::vector<std::string> attributes; // compile-time arguments: "over", "to", ...
  Law law;
  std::string summary;
  bool callable; // the language has a function of this name
};

/// The op of that name, or null.
const Builtin *findBuiltin(const std::string &name);
/// All of them, by name.
const std::map<std::string, Builtin> &builtins();

} // namespace frit
