// The formatter's inside: builds a Doc from the tree, in the order of the text, handing each
// comment to the list item or line that it stands beside.
//
// 1. A list in brackets becomes a filled list; the comments in it stay with their items.
// 2. A list of statements becomes lines. Entries that shared a line still do, if they fit.
// 3. Comments that stood elsewhere (in the middle of a statement) follow that statement.
//
// Comments and lists are in FormatLists.cpp, expressions and types in FormatExpressions.cpp,
// statements in FormatStatements.cpp, declarations and the file in Format.cpp.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/FormatDoc.h"
#include <functional>
#include <set>

namespace frit::formatting {

using namespace ast;
using doc::Doc;
using doc::Item;
using doc::Line;

inline uint32_t begin(Location at) { return at.offset(); }
inline uint32_t end(Location at) { return at.offset() + at.length; }

/// A text as a literal of the language.
std::string quoted(const std::string &value);

/// Something in a list, not yet built: comments must be taken in the order of the text.
struct Part {
  Location at;
  std::function<Doc()> build;
  std::string separator; // in brackets: after it
  bool breaksAfter = false;
};

class Formatter {
public:
  explicit Formatter(const Module &module) : module(module), source(*module.source) {}
  std::string run();

private:
  //===-- Comments and places ---------------------------------------------------------------===//
  const Comment *nextComment(uint32_t before);
  std::string commentText(const Comment &comment) { return std::string(comment.at.text()); }
  uint32_t lastLine(Location at) { return source.locate(end(at), 0).line; }
  uint32_t find(char brace, uint32_t from);
  size_t padding(Location name, char symbol, uint32_t limit);

  //===-- Lists -----------------------------------------------------------------------------===//
  std::vector<Item> items(const std::vector<Part> &parts, uint32_t close,
                          std::vector<std::string> *endComments);
  Doc brackets(std::string open, const std::vector<Part> &parts, std::string closing,
               uint32_t close);
  Doc braces(const std::vector<Part> &parts, uint32_t open, uint32_t close);
  std::vector<Line> lines(const std::vector<Part> &parts, uint32_t open, uint32_t close,
                          std::string *openComment);
  void flushRun(std::vector<Line> &lines, std::vector<std::pair<Doc, char>> &run, bool whole);

  //===-- The tree --------------------------------------------------------------------------===//
  Doc expr(const Expr &expr);
  Doc bare(const Expr &expr);
  Doc binary(const Binary &expr);
  Doc choice(const If &expr);
  Doc scan(const Scan &expr);
  Doc named(const std::string &head, const Expr &value);
  Doc type(const Type &type);
  Doc axes(const std::vector<TypeAxis> &axes, const std::vector<TypeAxis> &event, bool hasEvent,
           uint32_t close);
  Doc axis(const TypeAxis &axis);
  Doc parameter(const Parameter &parameter);
  Doc parameters(const std::vector<Parameter> &list, uint32_t close,
                 const std::vector<Divergence::Limit> &limits = {});
  Doc signature(std::string head, const std::vector<Parameter> &list, const Type *result,
                uint32_t close);
  Doc block(const Block &block);
  Doc assignment(const std::vector<Ident> &names, const Expr &value);
  Doc statement(const Stmt &stmt);
  Doc reports(const std::vector<const ast::Report *> &list);
  std::vector<Part> statements(const std::vector<StmtPtr> &list);
  std::vector<Part> settings(const std::vector<Setting> &list);
  std::vector<Part> trainItems(const std::vector<TrainItemPtr> &list);
  Doc trainItem(const TrainItem &item);
  Doc field(const Field &field);
  Doc decl(const Decl &decl);

  const Module &module;
  const Source &source;
  size_t comment = 0; // the first not yet taken
  size_t depth = 0;   // of braces
  /// Where `=` signs and parameter types stand: (column, line).
  std::set<std::pair<uint32_t, uint32_t>> columns;
};

} // namespace frit::formatting
