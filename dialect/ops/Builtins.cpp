// Collects the table of ops from the records.
#include "dialect/ops/Builtins.h"
#include "dialect/Frit.h"

namespace frit {

static std::vector<std::string> split(llvm::StringRef names) {
  std::vector<std::string> out;
  for (llvm::StringRef part : llvm::split(names, ','))
    if (!part.empty())
      out.push_back(part.str());
  return out;
}

template <typename Op> static void add(std::map<std::string, Builtin> &table) {
  // Loops, states and groups have no law: their types are what their bodies say.
  if constexpr (requires { Op::law(); }) {
    std::string name = Op::getOperationName().drop_front(strlen("frit.")).str();
    table[name] = {name,      split(Op::operandNames()), split(Op::attributeNames()),
                   Op::law(), Op::summary().str(),       Op::isCallable()};
  }
}

template <typename... Ops> static std::map<std::string, Builtin> collect() {
  std::map<std::string, Builtin> table;
  (add<Ops>(table), ...);
  return table;
}

const std::map<std::string, Builtin> &builtins() {
  static const std::map<std::string, Builtin> table = collect<
#define GET_OP_LIST
#include "dialect/Ops.cpp.inc"
      >();
  return table;
}

const Builtin *findBuiltin(const std::string &name) {
  auto at = builtins().find(name);
  return at == builtins().end() ? nullptr : &at->second;
}

} // namespace frit
