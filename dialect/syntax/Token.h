// Text -> tokens. Comments are kept aside for the formatter.
//
// A newline or `;` ends a statement, but a line goes on inside ( ) and [ ], after an operator or a
// comma, and when the next line starts with `{` or `else`. So whether a token starts a new line in
// the grammar's sense (`newLine`) depends on the brackets around it; markLines computes it, and the
// parser calls it again when it gave up on a bracket.
//
// What cannot be a token is reported here and becomes a Broken token; the parser, finding one where
// it does not fit, stays silent.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Diagnostics.h"
#include <string_view>
#include <vector>

namespace frit {

enum class TokenKind { Name, Number, String, Symbol, Broken, End };

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text; // of the source; a string with its quotes
  Location at;
  bool firstOnLine = false; // nothing but space before it on its line
  bool isAdjacent = false;  // nothing at all between it and the token before
  bool newLine = false;     // a statement may end before it
  bool isNested = false;    // inside ( ) or [ ]
  /// A declaration surely starts here: its keyword in column 1, then a name, `{` or a string. Where
  /// a bracket is still open, it was forgotten.
  bool startsDeclaration = false;

  bool is(std::string_view symbol) const { return kind == TokenKind::Symbol && text == symbol; }
  bool isWord(std::string_view word) const { return kind == TokenKind::Name && text == word; }
};

/// All tokens, an End token last.
std::vector<Token> tokenize(const Source &source, Diagnostics &diagnostics,
                            std::vector<ast::Comment> &comments);

/// Sets newLine and isNested from token `from` on, as if no ( or [ were open there.
void markLines(std::vector<Token> &tokens, size_t from);

/// `model`, `fn`, `train`, …
bool isDeclarationWord(std::string_view word);
const std::vector<std::string> &declarationWords();
/// `and`, `state`, `yield`, …: cannot be names.
bool isReservedWord(std::string_view word);

} // namespace frit
