// The parser's cursor, its bound on nesting, and how it goes on after an error.
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <fmt/format.h>

namespace frit {

Parser::Parser(const Source &source, Diagnostics &diagnostics)
    : source(source), diagnostics(diagnostics) {
  tokens = tokenize(source, diagnostics, comments);
}

//===-- Cursor ------------------------------------------------------------------------------===//

const Token &Parser::peek(size_t ahead) const {
  return tokens[std::min(position + ahead, tokens.size() - 1)];
}

Token Parser::next() {
  Token token = peek();
  if (token.kind != TokenKind::End)
    ++position;
  return token;
}

bool Parser::at(std::string_view symbol) const {
  return peek().is(symbol) && (!peek().newLine || symbol == "}");
}

bool Parser::atWord(std::string_view word) const { return peek().isWord(word) && !peek().newLine; }

bool Parser::accept(std::string_view symbol) {
  if (!at(symbol))
    return false;
  ++position;
  return true;
}

bool Parser::acceptWord(std::string_view word) {
  if (!atWord(word))
    return false;
  ++position;
  return true;
}

Location Parser::expect(std::string_view symbol, std::string_view where) {
  if (!at(symbol))
    expected(fmt::format("'{}' {}", symbol, where));
  return next().at;
}

void Parser::expectWord(std::string_view word, std::string_view where) {
  if (!acceptWord(word))
    expected(fmt::format("'{}' {}", word, where));
}

void Parser::close(std::string_view symbol, Location open, std::string_view inside) {
  if (accept(symbol))
    return;
  if (peek().kind == TokenKind::Broken)
    throw Failure();
  auto report = errorHere(fmt::format("expected '{}' {}, found {}", symbol, inside, found()));
  if (open.line != previous().at.line || atEndOfLine())
    report.note(open, "it was opened here");
  report.fail();
}

ast::Ident Parser::identifier(std::string_view what) {
  const Token &token = peek();
  if (token.kind != TokenKind::Name || token.newLine)
    expected(what);
  if (isReservedWord(token.text))
    failHere(fmt::format("'{}' is a word of the language, not a name", token.text),
             "choose another name");
  Token name = next();
  return {std::string(name.text), name.at};
}

/// Where the line ends, or the next token is on another line in brackets that should have closed.
bool Parser::atEndOfLine() const {
  const Token &token = peek();
  return token.kind == TokenKind::End || token.newLine ||
         (position > entryStart && token.firstOnLine);
}

std::string Parser::found() const {
  const Token &token = peek();
  if (token.kind == TokenKind::End)
    return "the end of the file";
  if (atEndOfLine() && !token.is("}"))
    return "the end of the line";
  if (token.kind == TokenKind::String)
    return "a string";
  return fmt::format("'{}'", token.text.substr(0, 40));
}

Location Parser::from(Location begin) const { return begin.to(previous().at); }

Diagnostics::Report Parser::errorHere(std::string message) {
  bool after = position > entryStart && atEndOfLine();
  return diagnostics.error(after ? previous().at.after() : peek().at, std::move(message));
}

void Parser::failHere(std::string message, std::string help) {
  if (peek().kind == TokenKind::Broken)
    throw Failure(); // reported already
  auto report = errorHere(std::move(message));
  if (!help.empty())
    report.help(std::move(help));
  report.fail();
}

void Parser::expected(std::string_view what) {
  failHere(fmt::format("expected {}, found {}", what, found()));
}

//===-- Nesting -----------------------------------------------------------------------------===//

Parser::Nest::Nest(Parser &parser) : parser(parser) {
  if (++parser.depth <= maxHeight)
    return;
  --parser.depth; // no destructor runs for what was not built
  parser.tooDeep(parser.peek().at);
}

void Parser::tooDeep(Location at) {
  diagnostics.error(at, fmt::format("more than {} levels of nesting", maxHeight))
      .help("give parts of it names")
      .fail();
}

//===-- Recovery ----------------------------------------------------------------------------===//

void Parser::entries(Location open, bool commas, std::string_view what,
                     const std::function<void()> &entry) {
  while (true) {
    while (peek().is(";") || (commas && peek().is(",")))
      next();
    const Token &token = peek();
    if (token.is("}")) {
      // Braces that open and close lines should line up; remember where they first do not.
      size_t indent = source.lineText(open.line).find_first_not_of(" \t");
      if (!crooked.valid() && token.firstOnLine && token.at.column != indent + 1 &&
          open.line != token.at.line)
        crooked = open;
      next();
      return;
    }
    if (token.kind == TokenKind::End || token.startsDeclaration || diagnostics.isFull()) {
      if (forgotBrace)
        return;
      auto report = errorHere(fmt::format("expected '}}' to close this {}", what));
      if (crooked.valid() && crooked != open)
        report.note(crooked, "perhaps this '{': the '}' that closes it stands at another column");
      report.note(open, "it was opened here");
      return;
    }
    size_t start = entryStart = position;
    tokens[position].newLine = false; // from here on, only a later token ends the line
    uint32_t depthBefore = depth;
    try {
      entry();
      endOfEntry(commas);
    } catch (Failure) {
      depth = depthBefore;
      recover(start);
    }
  }
}

/// Skips to where the next entry of this list may start: a new line or `;` outside brackets that
/// opened since, or a line indented no more than the broken entry (its brackets were forgotten), or
/// the `}` of the list.
void Parser::recover(size_t start) {
  const Token &first = tokens[start];
  std::string_view line = source.lineText(first.at.line);
  uint32_t indent = line.find_first_not_of(" \t") + 1;
  size_t braces = 0;
  // Brackets between the start of the entry and the error count too.
  for (size_t i = start; i < position; ++i) {
    if (tokens[i].is("{"))
      ++braces;
    if (tokens[i].is("}") && braces > 0)
      --braces;
  }
  for (;; ++position) {
    const Token &token = peek();
    if (token.kind == TokenKind::End || token.startsDeclaration)
      break;
    if (token.is("}")) {
      if (braces == 0)
        break;
      --braces;
    } else if (token.is("{")) {
      ++braces;
    } else if (braces == 0 && position > start) {
      bool dedented = token.firstOnLine && token.at.column <= indent;
      if (token.newLine || dedented || (token.is(";") && !token.isNested))
        break;
    }
  }
  if (position == start && !peek().is("}") && peek().kind != TokenKind::End &&
      !peek().startsDeclaration)
    ++position;
  markLines(tokens, position);
}

void Parser::endOfEntry(bool commas) {
  const Token &token = peek();
  if (token.newLine || token.kind == TokenKind::End || token.is(";") || token.is("}") ||
      (commas && token.is(",")))
    return;
  // A path may end in '*', after which a line of statements would go on.
  if (commas && token.firstOnLine && !token.isNested && previous().is("*"))
    return;
  if (token.kind == TokenKind::Broken)
    throw Failure();
  hintEndOfEntry();
  failHere(fmt::format("expected the end of the statement, found {}", found()));
}

/// Skips to the next declaration: one that surely starts there, or that stands outside all braces.
void Parser::recoverToDeclaration(size_t start) {
  size_t braces = 0;
  for (size_t i = start; i < position; ++i)
    braces = tokens[i].is("{") ? braces + 1 : braces - (tokens[i].is("}") && braces > 0);
  if (position == start)
    next();
  for (; peek().kind != TokenKind::End; ++position) {
    const Token &token = peek();
    bool looksRight = token.firstOnLine && braces == 0 && token.kind == TokenKind::Name &&
                      isDeclarationWord(token.text) && !token.isNested && !peek(1).is("=");
    // A line that starts with two words may be meant as one, even if the first is no such word.
    bool looksMeant = token.at.column == 1 && braces == 0 && !token.isNested &&
                      token.kind == TokenKind::Name &&
                      (peek(1).kind == TokenKind::Name || peek(1).is("=")) && !peek(1).firstOnLine;
    if (token.startsDeclaration || looksRight || looksMeant)
      break;
    braces = token.is("{") ? braces + 1 : braces - (token.is("}") && braces > 0);
  }
  markLines(tokens, position);
}

//===-- Entry points ------------------------------------------------------------------------===//

ast::Module parse(const Source &source, Diagnostics &diagnostics) {
  size_t first = diagnostics.all().size();
  ast::Module module = Parser(source, diagnostics).module();
  diagnostics.sortFrom(first);
  return module;
}

ast::ExprPtr parseExpression(const Source &source, Diagnostics &diagnostics) {
  size_t first = diagnostics.all().size();
  ast::ExprPtr expr = Parser(source, diagnostics).loneExpression();
  diagnostics.sortFrom(first);
  return diagnostics.all().size() == first ? std::move(expr) : nullptr;
}

} // namespace frit
