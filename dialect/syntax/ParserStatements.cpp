// Types, parameters, blocks and statements.
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace frit {

using namespace ast;

//===-- Types -------------------------------------------------------------------------------===//

TypePtr Parser::type() {
  Nest nest(*this);
  Location begin = peek().at;
  auto node = std::make_unique<Type>();
  uint32_t height = 0;
  if (at("(")) {
    Location open = next().at;
    do {
      node->tuple.push_back(type());
      height = std::max(height, node->tuple.back()->height);
    } while (accept(",") && !at(")"));
    close(")", open, "after the tuple type");
    if (node->tuple.size() < 2)
      diagnostics.error(from(open), "a tuple type has two parts or more").fail();
    grow(*node, begin, {height});
    return node;
  }
  if (!at("["))
    node->element = identifier("a type");
  if (at("[")) {
    Location open = next().at;
    node->hasAxes = true;
    node->axes = axes();
    if (accept(";")) {
      node->hasEvent = true;
      node->event = axes();
    }
    close("]", open, "after the axes");
    for (auto *list : {&node->axes, &node->event})
      for (const TypeAxis &axis : *list)
        height = std::max(height, axis.size ? axis.size->height : 0);
  }
  grow(*node, begin, {height});
  return node;
}

std::vector<TypeAxis> Parser::axes() {
  std::vector<TypeAxis> list;
  while (!at("]") && !at(";")) {
    list.push_back(typeAxis());
    if (!accept(","))
      break;
  }
  return list;
}

TypeAxis Parser::typeAxis() {
  TypeAxis axis;
  Location begin = peek().at;
  if (accept("..")) {
    axis.isRest = true;
    axis.at = begin;
    return axis;
  }
  if (peek().kind == TokenKind::Number)
    failHere("an axis has a name", fmt::format("write a name and the size: n: {}", peek().text));
  axis.name = identifier("an axis");
  if (accept("..")) {
    axis.isRest = true;
  } else if (accept(":")) {
    axis.size = expression();
  } else if (accept(".")) {
    if (peek().kind != TokenKind::Name || peek().newLine)
      expected("the name of an axis after '.'");
    Token part = next();
    axis.attribute = Ident{std::string(part.text), part.at};
  }
  axis.at = from(begin);
  return axis;
}

//===-- Parameters --------------------------------------------------------------------------===//

std::vector<Parameter> Parser::parameters(std::vector<Divergence::Limit> *limits, bool mayOppose) {
  Location open = expect("(", "with the parameters");
  std::vector<Parameter> list;
  int sections = 1;
  while (!at(")")) {
    if (accept(";")) {
      if (++sections > (limits ? 3 : 2))
        diagnostics.error(previous().at, "one ';' too many between the parameters")
            .help("what stands after the first ';' is given by name")
            .fail();
      continue;
    }
    const Token &after = peek(1);
    if (limits && peek().isWord("limit") && !after.is("=") && !after.is(":") && !after.is(",") &&
        !after.is(";") && !after.is(")"))
      limits->push_back(limit());
    else
      list.push_back(parameter(sections > 1, limits != nullptr));
    if (mayOppose && list.size() == 1 && sections == 1 && accept("||")) {
      list.back().isLeft = true;
      list.push_back(parameter(false, false));
    }
    if (!accept(",") && !at(")") && !at(";")) {
      hintExpression();
      close(")", open, "or ',' after the parameter");
    }
  }
  close(")", open, "after the parameters");
  return list;
}

Parameter Parser::parameter(bool isNamed, bool mayHaveRange) {
  Parameter parameter;
  Location begin = peek().at;
  parameter.isNamed = isNamed;
  if (peek().isWord("frozen") && peek(1).kind == TokenKind::Name) {
    next();
    parameter.isFrozen = true;
  }
  parameter.name = identifier("a parameter");
  if (accept(":"))
    parameter.type = type();
  if (accept("="))
    parameter.initial = expression();
  if (atWord("in")) {
    if (!mayHaveRange)
      failHere("only a parameter of a divergence has a range");
    next();
    parameter.low = expression();
    expect("..", "between the ends of the range");
    parameter.high = expression();
  }
  parameter.at = from(begin);
  return parameter;
}

Divergence::Limit Parser::limit() {
  Divergence::Limit limit;
  Location begin = next().at;
  limit.where = expression();
  expect(":", "after the value of the parameter");
  limit.then = expression();
  limit.at = from(begin);
  return limit;
}

//===-- Blocks ------------------------------------------------------------------------------===//

Block Parser::block(std::string_view after) {
  Nest nest(*this);
  if (at(":"))
    failHere(fmt::format("expected '{{' {}, found ':'", after), "a block is written { … }");
  Block block;
  Location open = expect("{", after);
  uint32_t outside = std::exchange(tallest, 0);
  entries(open, false, "block", [&] { statement(block.statements); });
  block.height = tallest + 1;
  tallest = std::max(tallest, outside);
  block.at = from(open);
  return block;
}

void Parser::statement(std::vector<StmtPtr> &into) {
  const Token &token = peek();
  hintStatement();
  if (token.isWord("report"))
    return reports(into);
  if (token.isWord("param"))
    into.push_back(paramDecl());
  else if (token.isWord("state"))
    into.push_back(stateDecl());
  else if (token.isWord("minimize"))
    into.push_back(minimize());
  else if (token.isWord("yield"))
    into.push_back(yield());
  else if (token.isWord("draw"))
    into.push_back(draw());
  else if (token.kind == TokenKind::Name && peek(1).is(":") && !peek(1).newLine)
    into.push_back(axisDecl());
  else if (atLet())
    into.push_back(let());
  else {
    Location begin = token.at;
    ExprPtr value = expression();
    auto node = make<Expression>(begin);
    node->value = std::move(value);
    into.push_back(std::move(node));
  }
}

/// What stands in a model: no values, but methods.
StmtPtr Parser::member() {
  const Token &token = peek();
  hintStatement();
  if (token.isWord("param"))
    return paramDecl();
  if (token.isWord("state"))
    return stateDecl();
  if (token.kind == TokenKind::Name && !isReservedWord(token.text)) {
    if (peek(1).is(":"))
      return axisDecl();
    if (peek(1).is("("))
      return method();
    if (atLet())
      return let();
  }
  failHere(fmt::format("expected a field, an axis, a parameter or a method, found {}", found()),
           "a model holds  name = Layer(…)  dh: size  param p: real[n] = 0  forward(x) { … }");
}

bool Parser::atLet() const {
  size_t i = 0;
  while (peek(i).kind == TokenKind::Name && !isReservedWord(peek(i).text) && peek(i + 1).is(",") &&
         !peek(i + 1).newLine)
    i += 2;
  return peek(i).kind == TokenKind::Name && !isReservedWord(peek(i).text) && peek(i + 1).is("=") &&
         !peek(i + 1).newLine;
}

StmtPtr Parser::let() {
  Location begin = peek().at;
  std::vector<Ident> names;
  do
    names.push_back(identifier("a name"));
  while (accept(","));
  expect("=", "after the name");
  hintExpression();
  ExprPtr value = expression();
  auto node = make<Let>(begin);
  node->names = std::move(names);
  node->value = std::move(value);
  return node;
}

StmtPtr Parser::axisDecl() {
  Location begin = peek().at;
  Ident name = identifier("an axis");
  next();
  ExprPtr size = expression();
  auto node = make<AxisDecl>(begin);
  node->name = std::move(name);
  node->size = std::move(size);
  return node;
}

StmtPtr Parser::method() {
  Location begin = peek().at;
  auto node = std::make_unique<Method>();
  node->name = identifier("a method");
  node->parameters = parameters();
  if (accept("->"))
    node->result = type();
  node->body = block("with the method's body");
  node->at = from(begin);
  return node;
}

StmtPtr Parser::paramDecl() {
  Location begin = next().at;
  auto node = std::make_unique<ParamDecl>();
  node->name = identifier("a name after 'param'");
  expect(":", "and the type of the parameter");
  node->type = type();
  if (!at("=") && !at("~"))
    failHere(fmt::format("expected '=' or '~' and how the parameter begins, found {}", found()),
             "param w: real[n] = 0  begins at a value,  param w: real[n] ~ init  is drawn");
  node->isDrawn = next().text == "~";
  node->initial = expression();
  if (acceptWord("if"))
    node->condition = expression();
  node->at = from(begin);
  return node;
}

StmtPtr Parser::stateDecl() {
  Location begin = next().at;
  auto node = std::make_unique<StateDecl>();
  do {
    StateDecl::Item item;
    item.name = identifier("a name after 'state'");
    if (accept(":"))
      item.type = type();
    expect("=", fmt::format("with the first value of '{}'", item.name.text));
    item.initial = expression();
    node->items.push_back(std::move(item));
  } while (accept(","));
  node->at = from(begin);
  return node;
}

StmtPtr Parser::minimize() {
  Location begin = next().at;
  if (at("="))
    failHere("'minimize' takes a value, not '='", "write minimize loss");
  ExprPtr value = expression();
  auto node = make<Minimize>(begin);
  node->value = std::move(value);
  return node;
}

void Parser::reports(std::vector<StmtPtr> &into) {
  Location begin = next().at;
  into.push_back(report(begin));
  while (accept(",")) {
    auto joined = report(peek().at);
    static_cast<ast::Report &>(*joined).isJoined = true;
    into.push_back(std::move(joined));
  }
}

StmtPtr Parser::report(Location begin) {
  auto node = std::make_unique<ast::Report>();
  node->name = identifier("a name after 'report'");
  if (accept("="))
    node->value = expression();
  else if (at("(") || at(".") || at("["))
    failHere("what is reported needs a name", "write report name = …");
  node->at = from(begin);
  return node;
}

StmtPtr Parser::yield() {
  Location begin = next().at;
  auto node = std::make_unique<Yield>();
  do {
    Yield::Item item;
    if (peek().kind == TokenKind::Name && peek(1).is("=") && !peek(1).newLine) {
      item.name = identifier("a name");
      next();
    }
    item.value = expression();
    node->items.push_back(std::move(item));
  } while (accept(","));
  node->at = from(begin);
  return node;
}

StmtPtr Parser::draw() {
  Location begin = next().at;
  auto node = std::make_unique<Draw>();
  node->name = identifier("a name after 'draw'");
  expect(":", "and the type of what is drawn");
  node->type = type();
  expect("~", "and the distribution");
  node->from = expression();
  while (true) {
    ExprPtr *part = atWord("after")   ? &node->after
                    : atWord("until") ? &node->until
                    : atWord("by")    ? &node->by
                                      : nullptr;
    if (!part)
      break;
    if (*part)
      failHere(fmt::format("'{}' is given twice", peek().text));
    next();
    *part = expression();
  }
  node->at = from(begin);
  return node;
}

} // namespace frit
