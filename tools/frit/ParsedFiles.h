// Files as trees, before anything is checked: those of the prelude, and the user's.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Source.h"
#include <list>
#include <string>
#include <vector>

namespace frit {

/// What cannot be read or parsed is said on the standard error, and UserError thrown.
class ParsedFiles {
public:
  ParsedFiles(); // the prelude's
  const std::vector<const ast::Module *> &prelude() const { return ofPrelude; }
  const ast::Module &load(const std::string &path);
  bool has(const std::string &path) const;

  /// Whether a command that is given `file` is about the prelude.
  static bool isPrelude(const std::string &file);
  /// What such a command is about.
  std::vector<const ast::Module *> about(const std::string &file);

private:
  Sources sources;
  std::list<ast::Module> modules; // never move
  std::vector<const ast::Module *> ofPrelude;
  const ast::Module &parsed(const Source &source);
};

} // namespace frit
