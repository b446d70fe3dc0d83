// The parser's inside: a cursor over tokens, and one function per rule of the grammar. The rules
// live in ParserExpressions, ParserStatements and ParserDeclarations; the cursor, nesting and
// recovery in Parser.cpp; what people from other languages write in ParserHints.cpp.
//
// A rule that cannot go on reports and throws Failure; statements(), members() and the other lists
// catch it and resume at the next entry. No Failure leaves parse().
#pragma once
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/Token.h"
#include <functional>
#include <initializer_list>

namespace frit {

class Parser {
public:
  Parser(const Source &source, Diagnostics &diagnostics);

  // Declarations.
  ast::Module module();
  // Expressions.
  ast::ExprPtr expression();
  /// An expression and nothing after it.
  ast::ExprPtr loneExpression();

private:
  //===-- Cursor (Parser.cpp) ---------------------------------------------------------------===//

  const Token &peek(size_t ahead = 0) const;
  const Token &previous() const { return tokens[position ? position - 1 : 0]; }
  Token next();
  /// The symbol is next, on this line (`}` may start a line).
  bool at(std::string_view symbol) const;
  /// The word is next, on this line.
  bool atWord(std::string_view word) const;
  bool accept(std::string_view symbol);
  bool acceptWord(std::string_view word);
  /// `where` says what for: "after the condition".
  Location expect(std::string_view symbol, std::string_view where);
  void expectWord(std::string_view word, std::string_view where);
  /// Closes what was opened at `open`.
  void close(std::string_view symbol, Location open, std::string_view inside);
  ast::Ident identifier(std::string_view what);

  /// "expected X, found Y" at the next token, or after the last one when a line ends.
  [[noreturn]] void expected(std::string_view what);
  Diagnostics::Report errorHere(std::string message);
  [[noreturn]] void failHere(std::string message, std::string help = "");
  std::string found() const;
  bool atEndOfLine() const;
  Location from(Location begin) const; // up to the last token read

  //===-- Nesting and recovery (Parser.cpp) -------------------------------------------------===//

  /// Counts how deep the rules stand in each other; throws beyond maxHeight.
  struct Nest {
    Nest(Parser &parser);
    ~Nest() { --parser.depth; }
    Parser &parser;
  };
  /// Sets place and height of a node made of `parts`.
  template <class Node>
  Node &grow(Node &node, Location begin, std::initializer_list<uint32_t> parts);
  template <class Node>
  std::unique_ptr<Node> make(Location begin, std::initializer_list<uint32_t> parts = {});
  [[noreturn]] void tooDeep(Location at);

  /// Reads entries up to `}` or the end of what can be read, resuming after errors. With `commas`,
  /// a comma separates like a newline.
  void entries(Location open, bool commas, std::string_view what,
               const std::function<void()> &entry);
  void recover(size_t start);
  void recoverToDeclaration(size_t start);
  void endOfEntry(bool commas);

  //===-- Expressions -----------------------------------------------------------------------===//

  ast::ExprPtr binary(int level);
  ast::ExprPtr unary();
  ast::ExprPtr postfix();
  ast::ExprPtr primary();
  ast::ExprPtr number();
  ast::ExprPtr string();
  ast::ExprPtr tupleOrParenthesised();
  ast::ExprPtr group();
  ast::ExprPtr choice();
  ast::ExprPtr scan();
  ast::ExprPtr repeat();
  ast::ExprPtr attribute(ast::ExprPtr base);
  ast::ExprPtr call(ast::ExprPtr callee);
  ast::ExprPtr indexOrBracket(ast::ExprPtr base);
  [[noreturn]] void chained(const ast::Binary &first, const Token &second);

  //===-- Types, parameters, statements -----------------------------------------------------===//

  ast::TypePtr type();
  std::vector<ast::TypeAxis> axes();
  ast::TypeAxis typeAxis();
  std::vector<ast::Parameter> parameters(std::vector<ast::Divergence::Limit> *limits = nullptr,
                                         bool mayOppose = false);
  ast::Parameter parameter(bool isNamed, bool mayHaveRange);
  ast::Divergence::Limit limit();

  ast::Block block(std::string_view after);
  void statement(std::vector<ast::StmtPtr> &into);
  ast::StmtPtr member();
  ast::StmtPtr axisDecl();
  ast::StmtPtr method();
  ast::StmtPtr paramDecl();
  ast::StmtPtr stateDecl();
  ast::StmtPtr minimize();
  void reports(std::vector<ast::StmtPtr> &into);
  ast::StmtPtr report(Location begin);
  ast::StmtPtr yield();
  ast::StmtPtr draw();
  ast::StmtPtr let();
  bool atLet() const;

  //===-- Declarations ----------------------------------------------------------------------===//

  ast::DeclPtr declaration();
  ast::DeclPtr use();
  ast::DeclPtr record();
  ast::DeclPtr model();
  ast::DeclPtr fn();
  ast::DeclPtr divergence();
  ast::DeclPtr train();
  template <class Node> ast::DeclPtr withSettings();
  template <class Node> ast::DeclPtr withBody();
  /// What stands in train { }, in run { } (no further run) and in for { } (fields only).
  enum class Within { Train, Run, For };
  ast::TrainItemPtr trainItem(Within within);
  std::vector<ast::TrainItemPtr> trainItems(Within within, std::string_view after);
  ast::TrainItemPtr trainField();
  ast::TrainItemPtr trainFor();
  ast::TrainItemPtr trainRun();
  void loadFrom(ast::Field &field);
  ast::PathPattern path();
  std::string pathSegment();

  //===-- What other languages write (ParserHints.cpp) --------------------------------------===//

  /// Each looks at the next token and reports with the way to write it here, or returns.
  [[noreturn]] void notADeclaration();
  void hintStatement();
  void hintEndOfEntry();
  void hintExpression();

  const Source &source;
  Diagnostics &diagnostics;
  std::vector<ast::Comment> comments;
  std::vector<Token> tokens;
  size_t position = 0;
  size_t entryStart = 0; // where the innermost entry begins: a line that starts there is no end
  uint32_t depth = 0;
  uint32_t tallest = 0; // expression made since the innermost block began
  /// The first `{` of this declaration whose `}` stands at another indentation: where a forgotten
  /// brace probably is.
  Location crooked;
  bool forgotBrace = false; // and an error has said so
};

template <class Node>
Node &Parser::grow(Node &node, Location begin, std::initializer_list<uint32_t> parts) {
  node.at = from(begin);
  for (uint32_t part : parts)
    node.height = std::max(node.height, part + 1);
  if (node.height > maxHeight)
    tooDeep(begin);
  tallest = std::max(tallest, node.height);
  return node;
}

template <class Node>
std::unique_ptr<Node> Parser::make(Location begin, std::initializer_list<uint32_t> parts) {
  auto node = std::make_unique<Node>();
  if constexpr (requires { node->height; })
    grow(*node, begin, parts);
  else
    node->at = from(begin);
  return node;
}

} // namespace frit
