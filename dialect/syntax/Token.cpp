// The lexer: one function per kind of token, each leaving `position` after what it read.
#include "dialect/syntax/Token.h"
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace frit {

//===-- Words -------------------------------------------------------------------------------===//

const std::vector<std::string> &declarationWords() {
  static const std::vector<std::string> words = {"use",     "config",    "check",      "record",
                                                 "model",   "fn",        "divergence", "objective",
                                                 "rollout", "optimizer", "train"};
  return words;
}

bool isDeclarationWord(std::string_view word) {
  const std::vector<std::string> &words = declarationWords();
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool isReservedWord(std::string_view word) {
  static constexpr std::array words = {"and",   "or",       "not",    "implies", "if",
                                       "else",  "for",      "scan",   "repeat",  "param",
                                       "state", "minimize", "report", "yield",   "draw"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

//===-- Characters --------------------------------------------------------------------------===//

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool isNameChar(char c) { return isNameStart(c) || isDigit(c); }
static bool isForeign(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// Longest first among those with a common start. `&&`, `!` and `|` are no operators of the
/// language; they are tokens so that the parser can say what to write instead.
static constexpr std::array symbols = {
    "->", "||", "<=", ">=", "==", "!=", "..", "&&", "+", "-", "*", "/", "^", "%", "<", ">",
    "=",  ":",  ";",  ",",  "(",  ")",  "{",  "}",  "[", "]", "~", ".", "!", "|", "&",
};

/// Characters that word processors and mathematics like, and what to write instead.
struct Lookalike {
  std::string_view character, instead;
};
static constexpr std::array<Lookalike, 19> lookalikes = {{
    {"\u201c", "\""}, {"\u201d", "\""}, {"\u2018", "\""}, {"\u2019", "\""}, {"\u2212", "-"},
    {"\u2013", "-"},  {"\u2014", "-"},  {"\u00d7", "*"},  {"\u00b7", "*"},  {"\u00f7", "/"},
    {"\u2264", "<="}, {"\u2265", ">="}, {"\u2260", "!="}, {"\u2192", "->"}, {"\u2016", "||"},
    {"\u2225", "||"}, {"\u223c", "~"},  {"\u00a0", " "},  {"\u2026", ".."},
}};

//===-- The lexer ---------------------------------------------------------------------------===//

namespace {
class Lexer {
public:
  Lexer(const Source &source, Diagnostics &diagnostics, std::vector<ast::Comment> &comments)
      : source(source), text(source.text), diagnostics(diagnostics), comments(comments) {}

  std::vector<Token> run();

private:
  char at(size_t i) const { return i < text.size() ? text[i] : '\0'; }
  std::string_view rest() const { return text.substr(position); }
  Location here(size_t begin) const { return source.locate(begin, position - begin); }
  void push(TokenKind kind, size_t begin);
  Diagnostics::Report broken(size_t begin, std::string message);

  bool wrongEncoding();
  void space();
  void comment();
  void name();
  void number();
  void string();
  void quoted();
  void foreign();
  void typographic(size_t begin);
  bool symbol();
  void stray();

  const Source &source;
  std::string_view text;
  Diagnostics &diagnostics;
  std::vector<ast::Comment> &comments;
  std::vector<Token> tokens;
  size_t position = 0;
  size_t lastEnd = 0; // of the last token
  bool freshLine = true;
  bool saidZero = false, saidReturn = false;
};
} // namespace

void Lexer::push(TokenKind kind, size_t begin) {
  Token token;
  token.kind = kind;
  token.text = text.substr(begin, position - begin);
  token.at = here(begin);
  token.firstOnLine = freshLine;
  token.isAdjacent = !tokens.empty() && lastEnd == begin;
  tokens.push_back(token);
  freshLine = false;
  lastEnd = position;
}

Diagnostics::Report Lexer::broken(size_t begin, std::string message) {
  push(TokenKind::Broken, begin);
  return diagnostics.error(tokens.back().at, std::move(message));
}

std::vector<Token> Lexer::run() {
  if (!wrongEncoding())
    while (position < text.size()) {
      char c = text[position];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0')
        space();
      else if (c == '#')
        comment();
      else if (isNameStart(c))
        name();
      else if (isDigit(c))
        number();
      else if (c == '"')
        string();
      else if (c == '\'')
        quoted();
      else if (isForeign(c))
        foreign();
      else if (!symbol())
        stray();
    }
  position = text.size();
  push(TokenKind::End, position);
  markLines(tokens, 0);
  return std::move(tokens);
}

/// Skips a UTF-8 mark; refuses UTF-16, where every second byte would be an error.
bool Lexer::wrongEncoding() {
  if (rest().substr(0, 3) == "\xef\xbb\xbf")
    position = 3;
  if (rest().substr(0, 2) != "\xff\xfe" && rest().substr(0, 2) != "\xfe\xff")
    return false;
  diagnostics.error(source.locate(0, 0), "the file is UTF-16 text").help("save it as UTF-8");
  return true;
}

void Lexer::space() {
  size_t begin = position++;
  char c = text[begin];
  if (c == '\n' || (c == '\r' && at(position) != '\n'))
    freshLine = true;
  if (c == '\0' && !std::exchange(saidZero, true))
    diagnostics.error(here(begin), "a zero byte: this file is not text");
  if (c == '\r' && at(position) != '\n' && !std::exchange(saidReturn, true))
    diagnostics.error(here(begin), "a carriage return without a line feed")
        .help("save the file with Unix line ends");
}

void Lexer::comment() {
  size_t begin = position;
  position = std::min(text.find('\n', begin), text.size());
  size_t end = position;
  while (end > begin && (text[end - 1] == '\r' || text[end - 1] == ' ' || text[end - 1] == '\t'))
    --end;
  comments.push_back({source.locate(begin, end - begin), freshLine});
}

void Lexer::name() {
  size_t begin = position;
  while (isNameChar(at(position)))
    ++position;
  if (isForeign(at(position))) {
    while (position < text.size() && (isNameChar(text[position]) || isForeign(text[position])))
      ++position;
    broken(begin, "names are made of the letters a-z and A-Z, digits and '_'");
    return;
  }
  push(TokenKind::Name, begin);
}

void Lexer::number() {
  size_t begin = position;
  auto digits = [&] {
    while (isDigit(at(position)))
      ++position;
  };
  digits();
  // In `betas.0.1` each dot selects: no fractions there.
  if (!tokens.empty() && lastEnd == begin && tokens.back().is(".")) {
    push(TokenKind::Number, begin);
    return;
  }
  if (at(position) == '.' && isDigit(at(position + 1))) {
    ++position;
    digits();
  }
  if (at(position) == 'e' || at(position) == 'E') {
    size_t sign = at(position + 1) == '+' || at(position + 1) == '-';
    if (isDigit(at(position + 1 + sign))) {
      position += 1 + sign;
      digits();
    }
  }
  std::string_view good = text.substr(begin, position - begin);
  bool endsInPoint = at(position) == '.' && at(position + 1) != '.';
  if (!isNameChar(at(position)) && !isForeign(at(position)) && !endsInPoint) {
    push(TokenKind::Number, begin);
    return;
  }

  // What follows directly belongs to the same mistake.
  while (isNameChar(at(position)) || isForeign(at(position)) ||
         (at(position) == '.' && at(position + 1) != '.'))
    ++position;
  std::string_view whole = text.substr(begin, position - begin), tail = whole.substr(good.size());
  auto report = broken(begin, fmt::format("'{}' is not a number", whole));
  if (tail == ".")
    report.help(fmt::format("write {}.0", good));
  else if (tail[0] == '_')
    report.help("digits are written without '_' between them");
  else if (good == "0" && (tail[0] == 'x' || tail[0] == 'b'))
    report.help("numbers are decimal");
  else if (tail[0] == 'e' || tail[0] == 'E')
    report.help("an exponent needs digits: 1e-3");
  else if (isNameStart(tail[0]))
    report.help(
        fmt::format("a name starts with a letter; a product is written {} * {}", good, tail));
}

void Lexer::string() {
  size_t begin = position++;
  if (rest().substr(0, 2) == "\"\"") {
    position = std::min(text.find("\"\"\"", position + 2), text.size() - 3) + 3;
    broken(begin, "a string stands on one line, between single '\"'")
        .help("comments start with '#'");
    return;
  }
  size_t badEscape = 0;
  while (position < text.size() && text[position] != '"' && text[position] != '\n') {
    if (text[position] == '\\') {
      char escaped = at(position + 1);
      if (escaped != 'n' && escaped != 't' && escaped != '"' && escaped != '\\')
        badEscape = badEscape ? badEscape : position;
      if (escaped == '"' || escaped == '\\')
        ++position;
    }
    if (at(position) == '\0' && position < text.size() && !std::exchange(saidZero, true))
      diagnostics.error(source.locate(position, 1), "a zero byte: this file is not text");
    ++position;
  }
  position = std::min(position, text.size());
  if (at(position) != '"' || position >= text.size()) {
    while (position > begin + 1 && (text[position - 1] == '\r' || text[position - 1] == ' '))
      --position;
    broken(begin, "this string does not end on its line").help("close it with '\"'");
    return;
  }
  ++position;
  if (!badEscape) {
    push(TokenKind::String, begin);
    return;
  }
  push(TokenKind::Broken, begin);
  diagnostics.error(source.locate(badEscape, 2), "unknown escape in a string")
      .help("the escapes are \\n \\t \\\" \\\\; a lone backslash is written \\\\");
}

/// 'text', as other languages write strings.
void Lexer::quoted() {
  size_t begin = position++;
  size_t end = text.find_first_of("'\n", position);
  bool closed = end != text.npos && text[end] == '\'';
  if (closed)
    position = end + 1;
  auto report = broken(begin, "strings are written with double quotes");
  if (closed)
    report.help(fmt::format("write \"{}\"", text.substr(begin + 1, end - begin - 1)));
}

/// A string in the quotes of a word processor.
void Lexer::typographic(size_t begin) {
  for (size_t i = position; i < text.size() && text[i] != '\n'; ++i)
    for (const Lookalike &lookalike : lookalikes)
      if (lookalike.instead == "\"" &&
          text.substr(i, lookalike.character.size()) == lookalike.character) {
        std::string_view inside = text.substr(position, i - position);
        position = i + lookalike.character.size();
        broken(begin, "strings are written with plain double quotes")
            .help(fmt::format("write \"{}\"", inside));
        return;
      }
  broken(begin, "strings are written with plain double quotes");
}

void Lexer::foreign() {
  size_t begin = position;
  for (const Lookalike &lookalike : lookalikes)
    if (rest().substr(0, lookalike.character.size()) == lookalike.character) {
      position += lookalike.character.size();
      if (lookalike.instead == "\"") {
        typographic(begin);
        return;
      }
      broken(begin, fmt::format("'{}' is not a character of the language", lookalike.character))
          .help(lookalike.instead == " " ? "this is not a plain space; write one"
                                         : fmt::format("write {}", lookalike.instead));
      return;
    }
  while (position < text.size() && (isForeign(text[position]) || isNameChar(text[position])))
    ++position;
  broken(begin, "only strings and comments may hold characters beyond ASCII");
}

bool Lexer::symbol() {
  for (std::string_view symbol : symbols)
    if (rest().substr(0, symbol.size()) == symbol) {
      size_t begin = position;
      position += symbol.size();
      push(TokenKind::Symbol, begin);
      return true;
    }
  return false;
}

void Lexer::stray() {
  size_t begin = position++;
  char c = text[begin];
  while (at(position) == c)
    ++position;
  bool printable = c > ' ' && c < 0x7f;
  auto report = broken(begin, printable ? fmt::format("'{}' is not a character of the language", c)
                                        : fmt::format("control character {:#04x}", c));
  if (c == '?')
    report.help("a choice is written if c { a } else { b }, or where(c, a, b) element by element");
  else if (c == '@')
    report.help("a contraction is written dot(a, b, over = axis)");
  else if (c == '\\')
    report.help("a line goes on inside brackets and after an operator or comma");
}

std::vector<Token> tokenize(const Source &source, Diagnostics &diagnostics,
                            std::vector<ast::Comment> &comments) {
  return Lexer(source, diagnostics, comments).run();
}

//===-- Lines -------------------------------------------------------------------------------===//

/// A line that ends in one of these goes on.
static bool continues(const Token &token) {
  static constexpr std::array open = {"+",  "-",  "*", "/", "^",  "%",  "<", ">", "<=", ">=",
                                      "==", "!=", "=", ",", "->", "||", "~", "{", ":",  "&&"};
  if (token.kind == TokenKind::Symbol)
    return std::find(open.begin(), open.end(), token.text) != open.end();
  return token.isWord("and") || token.isWord("or") || token.isWord("not") ||
         token.isWord("implies");
}

/// Words that stand after a name within one statement: `model implies x`, `m after prompt`.
static bool mayFollowName(std::string_view word) {
  static constexpr std::array words = {"after", "until", "by", "from", "every", "in", "over"};
  return isReservedWord(word) || std::find(words.begin(), words.end(), word) != words.end();
}

void markLines(std::vector<Token> &tokens, size_t from) {
  std::vector<char> open;
  for (size_t i = from; i < tokens.size(); ++i) {
    Token &token = tokens[i];
    if (token.kind == TokenKind::Name && token.at.column == 1 && isDeclarationWord(token.text)) {
      const Token &after = tokens[i + 1]; // there is an End
      bool isSettings = token.text == "config" || token.text == "check";
      bool goesOn = isSettings ? after.is("{")
                    : token.text == "use"
                        ? after.kind == TokenKind::String
                        : after.kind == TokenKind::Name && !mayFollowName(after.text);
      token.startsDeclaration = goesOn && !after.firstOnLine;
      if (token.startsDeclaration)
        open.clear();
    }
    token.isNested = !open.empty() && open.back() != '{';
    token.newLine = token.firstOnLine && !token.isNested && !token.is("{") &&
                    !token.isWord("else") && (i == 0 || !continues(tokens[i - 1]));
    if (token.kind != TokenKind::Symbol)
      continue;
    char c = token.text[0];
    if (c == '(' || c == '[' || c == '{')
      open.push_back(c);
    if (c == ')' || c == ']') {
      if (!open.empty() && open.back() == (c == ')' ? '(' : '['))
        open.pop_back();
    }
    if (c == '}') {
      // A `}` closes what was forgotten inside it.
      while (!open.empty() && open.back() != '{')
        open.pop_back();
      if (!open.empty())
        open.pop_back();
    }
  }
}

} // namespace frit
