// The arguments of a builtin.
#pragma once
#include "dialect/syntax/check/Checker.h"
#include <algorithm>

namespace frit::checking {

/// Positions, then names; what is not asked for is an error.
struct Taken {
  Checker &checker;
  const ast::Call &call;
  std::string name;
  std::vector<const ast::Expr *> positional;
  std::map<std::string, const ast::Call::Argument *> named;

  Taken(Checker &checker, const ast::Call &call, const std::string &name, size_t least, size_t most,
        const std::vector<std::string> &known)
      : checker(checker), call(call), name(name) {
    for (const ast::Call::Argument &argument : call.arguments) {
      if (!argument.name) {
        positional.push_back(argument.value.get());
        continue;
      }
      const std::string &key = argument.name->text;
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        auto report =
            checker.error(argument.name->at, fmt::format("{} has no argument '{}'", name, key));
        report.suggest(key, known);
        report.fail();
      }
      named[key] = &argument;
    }
    if (positional.size() < least || positional.size() > most)
      checker.fail(call.at, fmt::format("{} takes {}{} argument{} by position, not {}", name, least,
                                        most > least ? fmt::format(" to {}", most) : "",
                                        most == 1 ? "" : "s", positional.size()));
  }
  const ast::Expr *get(const std::string &key) const {
    auto found = named.find(key);
    return found == named.end() ? nullptr : found->second->value.get();
  }
};

inline std::vector<std::string> namesOf(const Axes &axes) {
  std::vector<std::string> out;
  for (const Axis &axis : axes)
    out.push_back(axis.name);
  return out;
}

} // namespace frit::checking
