// The formatter: declarations, and the file as a whole.
//
// What is printed depends on what shared a line before, so the result is formatted again until
// nothing changes; mostly the second time changes nothing.
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Formatter.h"
#include "dialect/syntax/Parser.h"

namespace frit::formatting {

Doc Formatter::decl(const Decl &node) {
  uint32_t close = end(node.at) - 1;
  std::string head = std::string(spelling(node.kind)) + " ";
  if (node.kind != DeclKind::Use && node.kind != DeclKind::Config && node.kind != DeclKind::Check)
    head += node.name.text;
  auto withBody = [&](const std::vector<Parameter> &list, const Block &body) {
    Doc front = signature(head, list, nullptr, begin(body.at));
    return doc::concat({front, doc::text(" "), block(body)});
  };
  switch (node.kind) {
  case DeclKind::Use:
    return doc::text(head + quoted(as<Use>(&node)->path));
  case DeclKind::Config:
    return doc::concat({doc::text(head), braces(settings(as<Config>(&node)->settings),
                                                find('{', end(node.name.at)), close)});
  case DeclKind::Check:
    return doc::concat({doc::text(head), braces(settings(as<Check>(&node)->settings),
                                                find('{', end(node.name.at)), close)});
  case DeclKind::Record: {
    auto *record = as<Record>(&node);
    Location last = !record->event.empty()  ? record->event.back().at
                    : !record->axes.empty() ? record->axes.back().at
                                            : record->name.at;
    uint32_t open = find('{', end(last));
    Doc front = doc::text(head);
    if (!record->axes.empty() || record->hasEvent)
      front = doc::concat({front, axes(record->axes, record->event, record->hasEvent, open)});
    std::vector<Part> parts;
    for (const Record::Field &field : record->fields)
      parts.push_back(
          {field.name.at.to(field.type->at),
           [&] { return doc::concat({doc::text(field.name.text + ": "), type(*field.type)}); },
           ""});
    return doc::concat({front, doc::text(" "), braces(parts, open, close)});
  }
  case DeclKind::Model: {
    auto *model = as<Model>(&node);
    Location last = model->parameters.empty() ? model->name.at : model->parameters.back().at;
    uint32_t open = find('{', end(last));
    Doc front = signature(head, model->parameters, nullptr, open);
    return doc::concat({front, doc::text(" "), braces(statements(model->members), open, close)});
  }
  case DeclKind::Fn: {
    auto *fn = as<Fn>(&node);
    Doc front = signature(head, fn->parameters, fn->result.get(), begin(fn->body.at));
    if (!fn->isShort)
      return doc::concat({front, doc::text(" "), block(fn->body)});
    Doc value = statement(*fn->body.statements[0]);
    return doc::hang(doc::concat({front, doc::text(" =")}), value);
  }
  case DeclKind::Divergence: {
    auto *divergence = as<Divergence>(&node);
    Doc front = doc::concat(
        {doc::text(head),
         parameters(divergence->parameters, begin(divergence->generator->at), divergence->limits),
         doc::text(" =")});
    Doc value = expr(*divergence->generator);
    return doc::hang(front, value);
  }
  case DeclKind::Objective:
    return withBody(as<Objective>(&node)->parameters, as<Objective>(&node)->body);
  case DeclKind::Rollout:
    return withBody(as<Rollout>(&node)->parameters, as<Rollout>(&node)->body);
  case DeclKind::Optimizer:
    return withBody(as<Optimizer>(&node)->parameters, as<Optimizer>(&node)->body);
  case DeclKind::Train: {
    uint32_t open = find('{', end(node.name.at));
    return doc::concat(
        {doc::text(head + " "), braces(trainItems(as<Train>(&node)->items), open, close)});
  }
  }
  return doc::text("");
}

//===-- The file ----------------------------------------------------------------------------===//

std::string Formatter::run() {
  // A `=` that is not part of an operator, or the type of a param.
  for (uint32_t line = 1; line <= source.lineStarts.size(); ++line) {
    std::string_view text = source.lineText(line);
    for (size_t i = 1; i + 1 < text.size(); ++i) {
      bool isEqual = text[i] == '=' && text[i - 1] == ' ' && text[i + 1] != '=';
      bool isType = text[i] != ' ' && text[i - 1] == ' ' &&
                    text.substr(0, i).find_last_not_of(' ') != text.npos &&
                    text[text.substr(0, i).find_last_not_of(' ')] == ':';
      if (isEqual || isType)
        columns.insert({uint32_t(i) + 1, line});
    }
  }
  std::vector<Part> parts;
  for (const DeclPtr &node : module.decls)
    parts.push_back({node->at, [this, &node] { return decl(*node); }, ""});
  return doc::print(lines(parts, 0, source.text.size() + 1, nullptr));
}

} // namespace frit::formatting

namespace frit {

std::optional<std::string> format(const Source &source, Diagnostics &diagnostics) {
  ast::Module module = parse(source, diagnostics);
  if (diagnostics.hasErrors())
    return std::nullopt;
  std::string text = formatting::Formatter(module).run();
  constexpr int rounds = 8; // mostly two; see point 4
  for (int round = 0; round < rounds; ++round) {
    Source again(source.name, text);
    Diagnostics none;
    ast::Module reparsed = parse(again, none);
    if (none.hasErrors())
      break; // our mistake; the fuzzer looks for it
    std::string next = formatting::Formatter(reparsed).run();
    if (next == text)
      break;
    text = std::move(next);
  }
  return text;
}

} // namespace frit
