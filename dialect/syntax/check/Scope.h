// Where names live while a body is checked.
//
// A body (of a function, a method, an objective) has a root scope; blocks inside (if, scan) have
// children. The root knows the graph names already in use, so that axes made inside get others.
#pragma once
#include "dialect/syntax/check/Value.h"

namespace frit::checking {

/// One file: what it declares, and what it sees of others.
struct File {
  const ast::Module *module = nullptr;
  bool isPrelude = false;
  std::map<std::string, Declared> names; // everything callable it can see
  std::map<std::string, const ast::Train *> trains;
  std::map<std::string, Value> config; // evaluated, with --set applied
};

struct Scope : std::enable_shared_from_this<Scope> {
  File *file = nullptr;
  std::shared_ptr<Scope> parent; // null: the root of a body
  std::map<std::string, Value> names;
  std::map<std::string, Location> places; // where a name was bound

  // The rest holds for roots; children look it up.
  std::shared_ptr<std::map<std::string, Value>> config;
  std::shared_ptr<Instance> self;
  Substitution substitution;   // static names of self -> names in this call
  std::set<std::string> apart; // axes of self given twice that the caller tells apart
  bool isStatic = false;       // the body of a model or of train: makes instances
  bool frozen = false;
  Axes rest; // what `..` stands for
  bool hasRest = false;
  std::set<std::string> taken;             // graph names in use
  std::map<std::string, std::string> made; // graph name -> display name of axes made here
  std::set<std::string> hidden;            // graph axes that reductions over everything leave alone
  std::string path;                        // layer path
  std::string site;                        // names the call chain, for random sites
  std::map<std::string, int> sites;

  /// Params and states of an objective, rollout or optimiser, written when their names are
  /// assigned.
  std::map<std::string, size_t> states;

  // A scan body: what it carries.
  std::set<std::string> carried;

  Scope &root() {
    Scope *s = this;
    while (s->parent)
      s = s->parent.get();
    return *s;
  }
};
using ScopePtr = std::shared_ptr<Scope>;

} // namespace frit::checking
