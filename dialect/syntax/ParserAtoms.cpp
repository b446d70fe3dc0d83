// Atoms: numbers, strings, names, what stands in brackets, and if, scan and repeat.
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace frit {

using namespace ast;

ExprPtr Parser::primary() {
  const Token &token = peek();
  if (token.newLine || token.startsDeclaration)
    expected("an expression");
  if (token.kind == TokenKind::Number)
    return number();
  if (token.kind == TokenKind::String)
    return string();
  if (token.is("("))
    return tupleOrParenthesised();
  if (token.is("["))
    return group();
  if (token.isWord("if"))
    return choice();
  if (token.isWord("scan"))
    return scan();
  if (token.isWord("repeat"))
    return repeat();
  if (token.kind == TokenKind::Name && !isReservedWord(token.text)) {
    Token name = next();
    auto node = make<Name>(name.at);
    node->text = name.text;
    return node;
  }
  hintExpression();
  if (token.kind == TokenKind::Name && isReservedWord(token.text) && !atEndOfLine())
    failHere(fmt::format("expected an expression, found the word '{}'", token.text));
  expected("an expression");
}

/// `mantissa · 10^exponent` in lowest terms, if it fits.
static std::optional<Rational> exactly(int64_t mantissa, int exponent) {
  Rational exact{mantissa, 1};
  if (mantissa == 0)
    return exact;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(exact.numerator, int64_t(10), &exact.numerator))
      return std::nullopt;
  for (int prime : {2, 5}) {
    int64_t power = 1;
    for (int i = exponent; i < 0; ++i) {
      if (exact.numerator % prime == 0)
        exact.numerator /= prime;
      else if (__builtin_mul_overflow(power, int64_t(prime), &power))
        return std::nullopt;
    }
    if (__builtin_mul_overflow(exact.denominator, power, &exact.denominator))
      return std::nullopt;
  }
  return exact;
}

/// The exact value of a decimal numeral.
static std::optional<Rational> exactly(std::string_view text) {
  int64_t mantissa = 0;
  int exponent = 0, zeros = 0; // zeros not yet multiplied in
  bool inFraction = false;
  size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      inFraction = true;
      continue;
    }
    exponent -= inFraction;
    if (text[i] == '0') {
      ++zeros;
      continue;
    }
    for (++zeros; zeros > 0; --zeros)
      if (mantissa != 0 && __builtin_mul_overflow(mantissa, int64_t(10), &mantissa))
        return std::nullopt;
    if (__builtin_add_overflow(mantissa, int64_t(text[i] - '0'), &mantissa))
      return std::nullopt;
  }
  exponent += zeros;
  if (i < text.size()) {
    bool negative = text[i + 1] == '-';
    int written = 0;
    for (i += 1 + (negative || text[i + 1] == '+'); i < text.size(); ++i)
      written = std::min(written * 10 + (text[i] - '0'), 1'000'000);
    exponent += negative ? -written : written;
  }
  if (mantissa == 0)
    return Rational{0, 1};
  if (exponent > 18 || exponent < -63)
    return std::nullopt;
  return exactly(mantissa, exponent);
}

ExprPtr Parser::number() {
  Token token = next();
  auto node = make<Number>(token.at);
  node->text = token.text;
  node->isInteger = node->text.find_first_not_of("0123456789") == std::string::npos;
  node->exact = exactly(token.text);
  const char *end = token.text.data() + token.text.size();
  auto result = std::from_chars(token.text.data(), end, node->value);
  if (result.ec == std::errc::result_out_of_range)
    diagnostics.error(token.at, "this number is beyond the range of a double").fail();
  if (node->isInteger && !node->exact)
    diagnostics.error(token.at, "this integer does not fit in 64 bits")
        .help("write it with an exponent if a real number is meant: 1e20")
        .fail();
  return node;
}

ExprPtr Parser::string() {
  Token token = next();
  auto node = make<String>(token.at);
  std::string_view raw = token.text.substr(1, token.text.size() - 2);
  for (size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '\\') {
      c = raw[++i]; // the lexer saw to it that there is one
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    node->value += c;
  }
  return node;
}

ExprPtr Parser::tupleOrParenthesised() {
  Location open = next().at;
  ExprPtr first = expression();
  if (!at(",")) {
    if (!at(")"))
      hintExpression();
    close(")", open, "after the expression");
    first->parenthesised = true;
    first->at = from(open);
    return first;
  }
  std::vector<ExprPtr> items;
  uint32_t height = first->height;
  items.push_back(std::move(first));
  while (accept(",") && !at(")")) {
    items.push_back(expression());
    height = std::max(height, items.back()->height);
  }
  close(")", open, "after the tuple");
  if (items.size() < 2)
    diagnostics.error(from(open), "a tuple has two parts or more")
        .help("leave out the comma")
        .fail();
  auto node = make<Tuple>(open, {height});
  node->items = std::move(items);
  return node;
}

ExprPtr Parser::group() {
  Location open = next().at;
  std::vector<Group::Item> items;
  uint32_t height = 0;
  while (!at("]")) {
    Group::Item item;
    if (peek().kind == TokenKind::Name && peek(1).is(":")) {
      item.fresh = identifier("an axis");
      next();
    }
    item.expr = expression();
    height = std::max(height, item.expr->height);
    items.push_back(std::move(item));
    if (!accept(","))
      break;
  }
  if (!at("]"))
    hintExpression();
  close("]", open, "after the group");
  auto node = make<Group>(open, {height});
  node->items = std::move(items);
  return node;
}

ExprPtr Parser::choice() {
  Nest nest(*this);
  Location begin = next().at;
  ExprPtr condition = expression();
  if (at("="))
    hintExpression();
  Block then = block("after the condition");
  if (!acceptWord("else")) {
    hintStatement(); // elif
    failHere(fmt::format("expected 'else', found {}", found()),
             "'if' chooses between two values; write if c { a } else { b }");
  }
  Block otherwise;
  bool elseIf = peek().isWord("if") && !peek().newLine;
  if (elseIf) {
    auto statement = std::make_unique<Expression>();
    statement->value = choice();
    statement->at = otherwise.at = statement->value->at;
    otherwise.height = statement->value->height + 1;
    otherwise.statements.push_back(std::move(statement));
  } else {
    otherwise = block("after 'else'");
  }
  auto node = make<If>(begin, {condition->height, then.height, otherwise.height});
  node->condition = std::move(condition);
  node->then = std::move(then);
  node->otherwise = std::move(otherwise);
  node->elseIf = elseIf;
  return node;
}

ExprPtr Parser::scan() {
  Location begin = next().at;
  Ident index = identifier("a name for the position after 'scan'");
  expectWord("over", "after the name");
  ExprPtr over;
  if (at("[")) {
    over = group();
  } else {
    Ident name = identifier("an axis after 'over'");
    auto node = make<Name>(name.at);
    node->text = name.text;
    over = std::move(node);
    while (at("."))
      over = attribute(std::move(over));
  }
  Location open = expect("(", "with what the scan carries");
  std::vector<Scan::Carry> carries;
  ExprPtr reverse;
  uint32_t height = over->height;
  while (!at(")") && !at(";")) {
    Scan::Carry carry;
    carry.name = identifier("a name to carry");
    if (accept(":")) {
      carry.type = type();
      height = std::max(height, carry.type->height);
    }
    expect("=", fmt::format("with the first value of '{}'", carry.name.text));
    carry.initial = expression();
    height = std::max(height, carry.initial->height);
    carries.push_back(std::move(carry));
    if (!accept(","))
      break;
  }
  if (accept(";")) {
    Ident option = identifier("'reverse'");
    if (option.text != "reverse")
      diagnostics.error(option.at, fmt::format("a scan has no option '{}'", option.text))
          .help("its one option is reverse = true")
          .fail();
    expect("=", "after 'reverse'");
    reverse = expression();
    height = std::max(height, reverse->height);
  }
  close(")", open, "after what the scan carries");
  Block body = block("after the scan's head");
  auto node = make<Scan>(begin, {height, body.height});
  node->index = std::move(index);
  node->over = std::move(over);
  node->carries = std::move(carries);
  node->reverse = std::move(reverse);
  node->body = std::move(body);
  return node;
}

ExprPtr Parser::repeat() {
  Nest nest(*this);
  Location begin = next().at;
  Location open = expect("(", "with a count after 'repeat'");
  std::optional<Ident> axis;
  if (peek().kind == TokenKind::Name && peek(1).is(":")) {
    axis = identifier("an axis");
    next();
  }
  ExprPtr count = expression();
  close(")", open, "after the count");
  if (atEndOfLine())
    expected("what to repeat");
  ExprPtr body = postfix();
  auto node = make<Repeat>(begin, {count->height, body->height});
  node->axis = std::move(axis);
  node->count = std::move(count);
  node->body = std::move(body);
  return node;
}

} // namespace frit
