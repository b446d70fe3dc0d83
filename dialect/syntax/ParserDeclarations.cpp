// Declarations: what stands at the top of a file.
#include "dialect/syntax/ParserState.h"
#include <algorithm>
#include <fmt/format.h>

namespace frit {

using namespace ast;

Module Parser::module() {
  Module module;
  module.source = &source;
  while (!diagnostics.isFull()) {
    while (peek().is(";"))
      next();
    if (peek().kind == TokenKind::End)
      break;
    size_t start = entryStart = position;
    tokens[position].newLine = false;
    depth = 0;
    crooked = Location();
    forgotBrace = false;
    try {
      module.decls.push_back(declaration());
      if (peek().kind != TokenKind::End && !peek().newLine && !peek().is(";")) {
        hintEndOfEntry();
        failHere(fmt::format("expected a new line after the declaration, found {}", found()));
      }
    } catch (Failure) {
      recoverToDeclaration(start);
    }
  }
  module.comments = std::move(comments);
  return module;
}

DeclPtr Parser::declaration() {
  const Token &token = peek();
  Location begin = token.at;
  if (token.kind != TokenKind::Name || !isDeclarationWord(token.text))
    notADeclaration();
  std::string_view word = token.text;
  if (peek(1).is("="))
    notADeclaration();
  DeclPtr decl = word == "use"          ? use()
                 : word == "config"     ? withSettings<Config>()
                 : word == "check"      ? withSettings<Check>()
                 : word == "record"     ? record()
                 : word == "model"      ? model()
                 : word == "fn"         ? fn()
                 : word == "divergence" ? divergence()
                 : word == "objective"  ? withBody<Objective>()
                 : word == "rollout"    ? withBody<Rollout>()
                 : word == "optimizer"  ? withBody<Optimizer>()
                                        : train();
  decl->at = from(begin);
  return decl;
}

DeclPtr Parser::use() {
  auto node = std::make_unique<Use>();
  Token word = next();
  node->name = {std::string(word.text), word.at};
  if (peek().kind != TokenKind::String || peek().newLine)
    failHere(fmt::format("expected the path of a file, found {}", found()),
             "write use \"layers.frit\"");
  node->pathAt = peek().at;
  ExprPtr path = string();
  node->path = as<String>(path)->value;
  return node;
}

template <class Node> DeclPtr Parser::withSettings() {
  auto node = std::make_unique<Node>();
  Token word = next();
  node->name = {std::string(word.text), word.at};
  Location open = expect("{", fmt::format("after '{}'", word.text));
  entries(open, true, word.text, [&] {
    Setting setting;
    Location begin = peek().at;
    setting.name = identifier("a name");
    if (at(":"))
      failHere("expected '=' after the name, found ':'",
               fmt::format("write {} = …", setting.name.text));
    expect("=", "after the name");
    setting.value = expression();
    setting.at = from(begin);
    node->settings.push_back(std::move(setting));
  });
  return node;
}

DeclPtr Parser::record() {
  auto node = std::make_unique<Record>();
  next();
  node->name = identifier("a name after 'record'");
  if (at("[")) {
    Location open = next().at;
    node->axes = axes();
    if (accept(";")) {
      node->hasEvent = true;
      node->event = axes();
    }
    close("]", open, "after the axes");
  }
  Location open = expect("{", "with the fields of the record");
  entries(open, true, "record", [&] {
    Record::Field field;
    field.name = identifier("a field");
    expect(":", "and the type of the field");
    field.type = type();
    node->fields.push_back(std::move(field));
  });
  return node;
}

DeclPtr Parser::model() {
  auto node = std::make_unique<Model>();
  next();
  node->name = identifier("a name after 'model'");
  node->parameters = parameters();
  if (at(":"))
    failHere("expected '{' after the parameters, found ':'", "a block is written { … }");
  Location open = expect("{", "with the model's body");
  entries(open, false, "model", [&] { node->members.push_back(member()); });
  return node;
}

DeclPtr Parser::fn() {
  auto node = std::make_unique<Fn>();
  next();
  node->name = identifier("a name after 'fn'");
  node->parameters = parameters(nullptr, true);
  if (accept("->"))
    node->result = type();
  if (!accept("=")) {
    node->body = block("or '=' with the function's body");
    return node;
  }
  node->isShort = true;
  auto statement = std::make_unique<Expression>();
  statement->value = expression();
  statement->at = node->body.at = statement->value->at;
  node->body.height = statement->value->height + 1;
  node->body.statements.push_back(std::move(statement));
  return node;
}

DeclPtr Parser::divergence() {
  auto node = std::make_unique<Divergence>();
  next();
  node->name = identifier("a name after 'divergence'");
  node->parameters = parameters(&node->limits);
  expect("=", "and the generator f(u)");
  node->generator = expression();
  return node;
}

template <class Node> DeclPtr Parser::withBody() {
  auto node = std::make_unique<Node>();
  std::string word(next().text);
  node->name = identifier(fmt::format("a name after '{}'", word));
  node->parameters = parameters();
  node->body = block(fmt::format("with the body of the {}", word));
  return node;
}

//===-- train -------------------------------------------------------------------------------===//

DeclPtr Parser::train() {
  auto node = std::make_unique<Train>();
  next();
  node->name = identifier("a name after 'train'");
  node->items = trainItems(Within::Train, "with what to train");
  return node;
}

std::vector<TrainItemPtr> Parser::trainItems(Within within, std::string_view after) {
  std::vector<TrainItemPtr> items;
  if (at(":"))
    failHere(fmt::format("expected '{{' {}, found ':'", after), "a block is written { … }");
  Location open = expect("{", after);
  const char *what = within == Within::Train ? "train" : within == Within::Run ? "run" : "for";
  entries(open, true, what, [&] { items.push_back(trainItem(within)); });
  return items;
}

TrainItemPtr Parser::trainItem(Within within) {
  bool isFor = peek().isWord("for");
  bool isRun = peek().isWord("run") && peek(1).kind == TokenKind::Name;
  if (isFor && within == Within::For)
    failHere("a 'for' cannot stand in another", "the last pattern that matches wins");
  if (isRun && within != Within::Train)
    failHere("'run' stands directly in train { }");
  return isFor ? trainFor() : isRun ? trainRun() : trainField();
}

TrainItemPtr Parser::trainField() {
  Location begin = peek().at;
  auto node = std::make_unique<Field>();
  node->name = identifier("a field");
  if (at(":"))
    failHere("expected '=' after the name, found ':'",
             fmt::format("write {} = …", node->name.text));
  expect("=", "after the name");
  hintExpression();
  node->value = expression();
  if (acceptWord("from"))
    loadFrom(*node);
  if (acceptWord("every"))
    node->every = expression();
  node->at = from(begin);
  return node;
}

void Parser::loadFrom(Field &field) {
  if (peek().kind != TokenKind::String || peek().newLine)
    expected("the path of a checkpoint after 'from'");
  field.fromAt = peek().at;
  ExprPtr file = string();
  field.from = as<String>(file)->value;
  if (!at("{"))
    return;
  field.hasMap = true;
  Location open = next().at;
  entries(open, true, "map", [&] {
    Field::Mapping mapping;
    Location begin = peek().at;
    if (peek().kind != TokenKind::String)
      failHere(fmt::format("expected a name in the file, found {}", found()),
               "write \"layers.{i}.weight\" -> blocks.{i}.weight");
    mapping.nameAt = begin;
    ExprPtr name = string();
    mapping.name = as<String>(name)->value;
    expect("->", "and the path it goes to");
    mapping.isFresh = peek().isWord("fresh") && !peek(1).is(".");
    if (mapping.isFresh)
      next();
    mapping.path = path();
    mapping.at = from(begin);
    field.map.push_back(std::move(mapping));
  });
}

TrainItemPtr Parser::trainFor() {
  Location begin = next().at;
  auto node = std::make_unique<For>();
  do
    node->patterns.push_back(path());
  while (accept(","));
  node->items = trainItems(Within::For, "after the patterns");
  node->at = from(begin);
  return node;
}

TrainItemPtr Parser::trainRun() {
  Location begin = next().at;
  auto node = std::make_unique<Run>();
  node->objective = identifier("an objective");
  if (peek().kind == TokenKind::Number && !peek().newLine)
    node->times = number();
  if (at("{")) {
    node->hasBody = true;
    node->items = trainItems(Within::Run, "");
  }
  node->at = from(begin);
  return node;
}

PathPattern Parser::path() {
  PathPattern pattern;
  Location begin = peek().at;
  if (peek().newLine)
    expected("a path such as blocks.*.scale");
  pattern.segments.push_back(pathSegment());
  while (peek().is(".") && peek().isAdjacent && peek(1).isAdjacent) {
    next();
    pattern.segments.push_back(pathSegment());
  }
  pattern.at = from(begin);
  return pattern;
}

/// Pieces without space between them: `weight`, `3`, `*`, `{i}`, `{0..3}`, `head*`.
std::string Parser::pathSegment() {
  std::string segment;
  while (segment.empty() || peek().isAdjacent) {
    const Token &token = peek();
    auto isDigits = [](const Token &token) {
      return token.kind == TokenKind::Number &&
             token.text.find_first_not_of("0123456789") == token.text.npos;
    };
    if (token.kind == TokenKind::Name || isDigits(token) || token.is("*")) {
      segment += next().text;
      continue;
    }
    bool hole = token.is("{") && peek(1).kind == TokenKind::Name && peek(1).isAdjacent &&
                peek(2).is("}") && peek(2).isAdjacent;
    bool range = token.is("{") && isDigits(peek(1)) && peek(2).is("..") && isDigits(peek(3)) &&
                 peek(4).is("}");
    for (size_t i = 1; i < 5; ++i)
      range &= peek(i).isAdjacent;
    if (!hole && !range)
      break;
    for (int parts = hole ? 3 : 5; parts > 0; --parts)
      segment += next().text;
  }
  if (segment.empty())
    expected("a path such as blocks.*.scale");
  return segment;
}

} // namespace frit
