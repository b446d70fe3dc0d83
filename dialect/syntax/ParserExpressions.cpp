// Expressions, from loosest to tightest:
//
//   implies (right)   or   and   not   < > <= >= == != (one only)   + -   * / %   - (prefix)
//   ^ (right)   .name .0 f(…) x[…]   atoms (ParserAtoms.cpp)
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

} // namespace frit
