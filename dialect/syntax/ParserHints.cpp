// What people bring from other languages, and how it is written here. Each rule is a line of a
// table where it can be: what stands in the text, what to say, what to write instead.
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace frit {

namespace {
struct Hint {
  std::string_view found, message, help;
};
} // namespace

template <size_t N>
static const Hint *find(const std::array<Hint, N> &hints, std::string_view text) {
  for (const Hint &hint : hints)
    if (hint.found == text)
      return &hint;
  return nullptr;
}

//===-- At the top of a file ----------------------------------------------------------------===//

static constexpr std::array<Hint, 15> declarationHints = {{
    {"def", "", "a function is declared with fn name(x) = … or fn name(x) { … }"},
    {"func", "", "a function is declared with fn name(x) = … or fn name(x) { … }"},
    {"function", "", "a function is declared with fn name(x) = … or fn name(x) { … }"},
    {"class", "", "layers and networks are declared with model name(size) { … }"},
    {"module", "", "layers and networks are declared with model name(size) { … }"},
    {"layer", "", "layers and networks are declared with model name(size) { … }"},
    {"struct", "", "named data are declared with record name[axes] { field: type }"},
    {"type", "", "named data are declared with record name[axes] { field: type }"},
    {"import", "", "another file is taken in with use \"file.frit\""},
    {"from", "", "another file is taken in with use \"file.frit\""},
    {"include", "", "another file is taken in with use \"file.frit\""},
    {"let", "", "constants stand in config { name = value }"},
    {"const", "", "constants stand in config { name = value }"},
    {"var", "", "constants stand in config { name = value }"},
    {"loss", "", "a loss is declared with objective name(model, data) { … minimize loss }"},
}};

void Parser::notADeclaration() {
  const Token &token = peek();
  if (token.kind == TokenKind::Broken)
    throw Failure();
  if (token.is("}") || token.is(")") || token.is("]"))
    failHere(fmt::format("this '{}' closes nothing", token.text));
  if (token.is("/") && (peek(1).is("/") || peek(1).is("*")))
    failHere("a comment starts with '#'");
  if (token.kind != TokenKind::Name)
    failHere(fmt::format("expected a declaration, found {}", found()),
             "a file holds use, config, model, fn, objective, train and their like");
  std::string_view word = token.text;
  if (peek(1).is("="))
    failHere("a value cannot stand at the top of a file",
             fmt::format("write config {{ {} = … }}", word));
  auto report = errorHere(fmt::format("'{}' does not start a declaration", word));
  if (const Hint *hint = find(declarationHints, word))
    report.help(std::string(hint->help)).fail();
  if (isReservedWord(word))
    report.help("it stands inside a model, an objective or a function").fail();
  if (!nearestNames(word, declarationWords()).empty())
    report.suggest(word, declarationWords()).fail();
  report.help("a file holds use, config, model, fn, objective, train and their like").fail();
}

//===-- Where a statement starts ------------------------------------------------------------===//

static constexpr std::array<Hint, 10> statementHints = {{
    {"let", "'let' is not needed", "write name = value"},
    {"var", "'var' is not needed", "write name = value"},
    {"const", "'const' is not needed", "write name = value"},
    {"def", "'def' is not a word of the language", "a method is its name alone: forward(x) { … }"},
    {"fn", "'fn' cannot stand here", "a method is its name alone: forward(x) { … }"},
    {"func", "'func' is not a word of the language",
     "a method is its name alone: forward(x) { … }"},
    {"function", "'function' is not a word of the language",
     "a method is its name alone: forward(x) { … }"},
    {"while", "there is no 'while'", "time goes by in scan i over t (h = h0) { … }"},
    {"model", "a model cannot stand in another declaration", "declare it at the top of the file"},
    {"import", "'import' cannot stand here", "write use \"file.frit\" at the top of the file"},
}};

void Parser::hintStatement() {
  const Token &token = peek(), &after = peek(1);
  if (token.kind != TokenKind::Name || token.newLine)
    return;
  bool isName = after.is("=") || after.is(",") || after.is(":") || after.is(".");
  bool wordFollows = after.kind == TokenKind::Name && !after.newLine;
  if (isReservedWord(token.text) && token.text != "minimize" && after.is("=") && !after.newLine)
    failHere(fmt::format("'{}' is a word of the language, not a name", token.text),
             "choose another name");
  if (token.text == "return" && !isName)
    failHere("there is no 'return'", "the last expression of a block is its value");
  if (token.text == "elif")
    failHere("there is no 'elif'", "write else if c { … }");
  if (token.text == "for")
    failHere(
        "there are no loops over values",
        "operations take whole axes; layers repeat(n), time goes by in scan i over t (…) { … }");
  const Hint *hint = find(statementHints, token.text);
  if (hint && wordFollows && !isReservedWord(after.text))
    failHere(std::string(hint->message), std::string(hint->help));
}

//===-- In an expression --------------------------------------------------------------------===//

static constexpr std::array<Hint, 9> operatorHints = {{
    {"&&", "'&&' is not an operator", "write 'and'"},
    {"&", "'&' is not an operator", "write 'and'"},
    {"||", "'||' joins two distributions as an argument of its own: kl(p || q)",
     "for logic, write 'or'"},
    {"|", "'|' is not an operator", "for logic, write 'or'; two distributions are joined by '||'"},
    {"!", "'!' is not an operator", "write 'not'"},
    {"=", "'=' gives a value to a name at the start of a statement", "to compare, write '=='"},
    {"->", "'->' stands only in an argument: rename(x, t -> s)", ""},
    {"~", "'~' stands only in param and draw", ""},
    {":", "a ':' cannot stand in an expression", "a block is written { … }; an index x[t = i]"},
}};

void Parser::hintExpression() {
  const Token &token = peek(), &before = previous();
  if (token.kind != TokenKind::Symbol || token.newLine)
    return;
  if (token.isAdjacent && position > 0 && before.kind == TokenKind::Symbol) {
    if (token.is("*") && before.is("*"))
      diagnostics.error(before.at.to(token.at), "'**' is not an operator")
          .help("a power is written x ^ 2")
          .fail();
    if (before.is("/") && (token.is("/") || token.is("*")))
      diagnostics.error(before.at.to(token.at), fmt::format("'/{}' is not an operator", token.text))
          .help("a comment starts with '#'; whole division is floor(a / b)")
          .fail();
    bool compound = before.is("+") || before.is("-") || before.is("*") || before.is("/");
    if (token.is("=") && compound)
      diagnostics
          .error(before.at.to(token.at), fmt::format("'{}=' is not an operator", before.text))
          .help(fmt::format("write x = x {} …", before.text))
          .fail();
  }
  if (token.is("+"))
    failHere("a value needs no '+' before it", "leave it out");
  if (token.is(".") && peek(1).kind == TokenKind::Number && peek(1).isAdjacent)
    failHere("a number starts with a digit", fmt::format("write 0.{}", peek(1).text));
  if (const Hint *hint = find(operatorHints, token.text))
    failHere(std::string(hint->message), std::string(hint->help));
}

//===-- Where a statement should end --------------------------------------------------------===//

void Parser::hintEndOfEntry() {
  const Token &token = peek();
  if (token.is("=") && previous().firstOnLine && position > entryStart + 1) {
    // The line before ended in an operator, and this one is a statement of its own.
    const Token &dangling = tokens[position - 2];
    auto report =
        diagnostics.error(dangling.at, fmt::format("'{}' needs a right side", dangling.text));
    tokens[--position].newLine = true;
    report.fail();
  }
  if (token.is("="))
    failHere("only a plain name is given a value", "to compare, write '=='");
  if (token.is("{")) {
    forgotBrace = crooked.valid();
    auto report = errorHere("a block cannot stand here");
    if (crooked.valid())
      report.note(crooked, "perhaps this '{' is not closed: its '}' stands at another column");
    report.fail();
  }
  if (token.kind == TokenKind::Name && isDeclarationWord(token.text) && depth == 0)
    failHere(fmt::format("expected a new line before '{}'", token.text));
  if (token.is(","))
    failHere("expected the end of the statement, found ','",
             "a tuple is written (a, b); statements are separated by ';' or a new line");
  if (token.is(")") || token.is("]"))
    failHere(fmt::format("this '{}' closes nothing", token.text));
  if (token.isWord("if"))
    failHere("'if' cannot follow a value", "write if c { a } else { b }");
  if (token.isWord("for"))
    failHere("'for' cannot follow a value", "operations take whole axes, without loops");
  hintExpression();
  bool value = token.kind == TokenKind::Name || token.kind == TokenKind::Number ||
               token.kind == TokenKind::String;
  if (value)
    failHere(fmt::format("expected the end of the statement, found {}", found()),
             "an operator is missing, or a ';' between two statements");
}

} // namespace frit
