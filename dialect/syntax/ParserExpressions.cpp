// Expressions, from loosest to tightest:
//
//   implies (right)   or   and   not   < > <= >= == != (one only)   + -   * / %   - (prefix)
//   ^ (right)   .name .0 f(…) x[…]   atoms
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace frit {

using namespace ast;

//===-- Operators ---------------------------------------------------------------------------===//

namespace {
enum Level { impliesLevel = 1, orLevel, andLevel, notLevel, compareLevel, addLevel, mulLevel };

struct OperatorRule {
  std::string_view text;
  BinaryOp op;
  Level level;
};
} // namespace

static const OperatorRule operatorRules[] = {
    {"implies", BinaryOp::Implies, impliesLevel},
    {"or", BinaryOp::Or, orLevel},
    {"and", BinaryOp::And, andLevel},
    {"<", BinaryOp::Less, compareLevel},
    {">", BinaryOp::Greater, compareLevel},
    {"<=", BinaryOp::LessEqual, compareLevel},
    {">=", BinaryOp::GreaterEqual, compareLevel},
    {"==", BinaryOp::Equal, compareLevel},
    {"!=", BinaryOp::NotEqual, compareLevel},
    {"+", BinaryOp::Add, addLevel},
    {"-", BinaryOp::Sub, addLevel},
    {"*", BinaryOp::Mul, mulLevel},
    {"/", BinaryOp::Div, mulLevel},
    {"%", BinaryOp::Mod, mulLevel},
};

static const OperatorRule *operatorAt(const Token &token) {
  if (token.newLine || (token.kind != TokenKind::Symbol && token.kind != TokenKind::Name))
    return nullptr;
  for (const OperatorRule &rule : operatorRules)
    if (rule.text == token.text)
      return &rule;
  return nullptr;
}

ExprPtr Parser::expression() { return binary(impliesLevel); }

ExprPtr Parser::loneExpression() {
  tokens[0].newLine = false;
  try {
    ExprPtr expr = expression();
    if (peek().kind != TokenKind::End)
      expected("the end of the expression");
    return expr;
  } catch (Failure) {
    return nullptr;
  }
}

ExprPtr Parser::binary(int level) {
  Nest nest(*this);
  Location begin = peek().at;
  ExprPtr left;
  if (atWord("not")) {
    if (level > notLevel)
      failHere("'not' needs parentheses here", "write (not …)");
    Location opAt = next().at;
    ExprPtr operand = binary(notLevel);
    auto node = make<Unary>(begin, {operand->height});
    node->op = UnaryOp::Not;
    node->opAt = opAt;
    node->operand = std::move(operand);
    left = std::move(node);
  } else {
    left = unary();
  }
  while (const OperatorRule *rule = operatorAt(peek())) {
    if (rule->level < level)
      break;
    Location opAt = next().at;
    hintExpression();
    ExprPtr right = binary(rule->level == impliesLevel ? impliesLevel : rule->level + 1);
    auto node = make<Binary>(begin, {left->height, right->height});
    node->op = rule->op;
    node->opAt = opAt;
    node->left = std::move(left);
    node->right = std::move(right);
    if (rule->level == compareLevel)
      if (const OperatorRule *again = operatorAt(peek()); again && again->level == compareLevel)
        chained(*node, peek());
    left = std::move(node);
  }
  return left;
}

/// `a < b < c`: says how to write it, with the user's own words.
void Parser::chained(const Binary &first, const Token &second) {
  std::string help = "join two comparisons with 'and'";
  Location at = second.at;
  std::string_view a = first.left->at.text(), b = first.right->at.text();
  std::string op1 = spelling(first.op), op2(second.text);
  next();
  size_t errors = diagnostics.all().size();
  ExprPtr third = binary(addLevel);
  if (diagnostics.all().size() == errors && a.size() + 2 * b.size() + third->at.length < 80)
    help = fmt::format("write {} {} {} and {} {} {}", a, op1, b, b, op2, third->at.text());
  diagnostics.error(at, "comparisons do not chain").help(help).fail();
}

ExprPtr Parser::unary() {
  Nest nest(*this);
  Location begin = peek().at;
  if (at("-")) {
    Location opAt = next().at;
    ExprPtr operand = unary();
    auto node = make<Unary>(begin, {operand->height});
    node->op = UnaryOp::Negate;
    node->opAt = opAt;
    node->operand = std::move(operand);
    return node;
  }
  ExprPtr base = postfix();
  if (!at("^"))
    return base;
  Location opAt = next().at;
  ExprPtr exponent = unary();
  auto node = make<Binary>(begin, {base->height, exponent->height});
  node->op = BinaryOp::Pow;
  node->opAt = opAt;
  node->left = std::move(base);
  node->right = std::move(exponent);
  return node;
}

//===-- What follows a value ----------------------------------------------------------------===//

ExprPtr Parser::postfix() {
  ExprPtr value = primary();
  while (true) {
    if (at("."))
      value = attribute(std::move(value));
    else if (at("("))
      value = call(std::move(value));
    else if (at("["))
      value = indexOrBracket(std::move(value));
    else
      return value;
  }
}

ExprPtr Parser::attribute(ExprPtr base) {
  Location begin = base->at;
  if (base->kind == ExprKind::Number && !base->parenthesised)
    failHere("a number has no parts");
  next();
  const Token &token = peek();
  if (token.newLine || (token.kind != TokenKind::Name && token.kind != TokenKind::Number))
    expected("a name or a position after '.'");
  Token part = next();
  auto node = make<Attribute>(begin, {base->height});
  node->base = std::move(base);
  node->name = {std::string(part.text), part.at};
  if (part.kind == TokenKind::Number) {
    uint32_t index = 0;
    auto [end, code] =
        std::from_chars(part.text.data(), part.text.data() + part.text.size(), index);
    if (code != std::errc() || end != part.text.data() + part.text.size())
      diagnostics.error(part.at, fmt::format("'{}' is not a position in a tuple", part.text))
          .help("positions are 0, 1, 2, …")
          .fail();
    node->index = index;
    node->name.text = std::to_string(index);
  }
  return node;
}

ExprPtr Parser::call(ExprPtr callee) {
  Location begin = callee->at, open = next().at;
  std::vector<Call::Argument> arguments;
  uint32_t height = callee->height;
  while (!at(")")) {
    Call::Argument argument;
    Location start = peek().at;
    if (peek().kind == TokenKind::Name && peek(1).is("=") && !peek(1).newLine) {
      argument.name = identifier("a name");
      next();
      for (const Call::Argument &other : arguments)
        if (other.name && other.name->text == argument.name->text)
          diagnostics.error(argument.name->at, fmt::format("'{}' is given twice", other.name->text))
              .note(other.name->at, "first here");
    } else if (!arguments.empty() && arguments.back().name) {
      diagnostics.error(start, "positional arguments come before named ones")
          .note(arguments.back().name->at, "this one is named")
          .fail();
    }
    argument.value = expression();
    if (!argument.name && (at("->") || at("||"))) {
      bool isArrow = next().text == "->";
      ExprPtr left = std::move(argument.value), right = expression();
      if (isArrow) {
        auto node = make<Arrow>(start, {left->height, right->height});
        node->from = std::move(left);
        node->to = std::move(right);
        argument.value = std::move(node);
      } else {
        auto node = make<Pair>(start, {left->height, right->height});
        node->left = std::move(left);
        node->right = std::move(right);
        argument.value = std::move(node);
      }
    }
    height = std::max(height, argument.value->height);
    arguments.push_back(std::move(argument));
    if (!accept(","))
      break;
  }
  if (!at(")"))
    hintExpression();
  close(")", open, "or ',' after the argument");
  auto node = make<Call>(begin, {height});
  node->callee = std::move(callee);
  node->arguments = std::move(arguments);
  return node;
}

ExprPtr Parser::indexOrBracket(ExprPtr base) {
  Location begin = base->at, open = next().at;
  if (peek().kind == TokenKind::Name && peek(1).is("=")) {
    std::vector<Index::Entry> list;
    uint32_t height = base->height;
    do {
      Index::Entry entry;
      entry.axis = identifier("an axis");
      expect("=", "after the axis");
      entry.value = expression();
      height = std::max(height, entry.value->height);
      if (acceptWord("else")) {
        entry.otherwise = expression();
        height = std::max(height, entry.otherwise->height);
      }
      list.push_back(std::move(entry));
    } while (accept(",") && !at("]"));
    close("]", open, "after the index");
    auto node = make<Index>(begin, {height});
    node->base = std::move(base);
    node->entries = std::move(list);
    return node;
  }
  const char *help = "write x[t = 0]: axes go by name";
  if (at("]") || at(":") || at(".."))
    failHere("an index names its axis", help);
  ExprPtr parameter = expression();
  bool isFunction = parameter->kind == ExprKind::Name || parameter->kind == ExprKind::Call ||
                    parameter->kind == ExprKind::Attribute;
  if (!isFunction || at(",") || at(":"))
    diagnostics.error(parameter->at, "an index names its axis").help(help).fail();
  close("]", open, "after the function");
  auto node = make<Bracket>(begin, {base->height, parameter->height});
  node->base = std::move(base);
  node->parameter = std::move(parameter);
  return node;
}

//===-- Atoms -------------------------------------------------------------------------------===//

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
