// Checks a program given as text and keeps what came of it.
#pragma once
#include "dialect/syntax/Check.h"
#include "dialect/syntax/Parser.h"
#include <catch2/catch.hpp>

namespace frit {

struct Checked {
  Sources sources;
  Diagnostics diagnostics;
  std::optional<Graph> graph;
  std::string messages; // as the user reads them

  explicit Checked(const std::string &text, CheckOptions options = {},
                   const std::string &name = "p.frit") {
    const Source &source = sources.add(name, text);
    run(source, options);
  }
  Checked(CheckOptions options, const std::string &path) {
    std::string reason;
    const Source *source = sources.load(path, reason);
    REQUIRE(source);
    run(*source, options);
  }

  const EntryDecl *entry(const std::string &name) const {
    for (const EntryDecl &entry : graph->entries)
      if (entry.name == name)
        return &entry;
    return nullptr;
  }
  const StateDecl *state(const std::string &name) const {
    for (const StateDecl &state : graph->states)
      if (state.name == name)
        return &state;
    return nullptr;
  }
  /// How often an op stands in a block, loops included.
  static int count(const Block &block, const std::string &op) {
    int n = 0;
    for (const Node &node : block.nodes)
      n += (node.op == op) + (node.body ? count(*node.body, op) : 0);
    return n;
  }
  int count(const std::string &entryName, const std::string &op) const {
    return count(entry(entryName)->body, op);
  }

private:
  void run(const Source &source, const CheckOptions &options) {
    static std::vector<std::unique_ptr<ast::Module>> modules;
    modules.push_back(std::make_unique<ast::Module>(parse(source, diagnostics)));
    graph = check(*modules.back(), sources, options, diagnostics);
    messages = diagnostics.render();
  }
};

} // namespace frit
