// Statements, and what stands in config and train.
#include "dialect/syntax/Formatter.h"
#include <algorithm>

namespace frit::formatting {

Doc Formatter::block(const Block &block) {
  return braces(statements(block.statements), begin(block.at), end(block.at) - 1);
}

Doc Formatter::assignment(const std::vector<Ident> &names, const Expr &value) {
  std::string head;
  for (const Ident &name : names)
    head += (head.empty() ? "" : ", ") + name.text;
  return named(head + std::string(padding(names.back().at, '=', 1), ' ') + "= ", value);
}

Doc Formatter::reports(const std::vector<const ast::Report *> &list) {
  std::vector<Part> parts;
  for (const ast::Report *report : list)
    parts.push_back({report->isJoined ? report->at : report->name.at,
                     [this, report] {
                       return report->value ? named(report->name.text + " = ", *report->value)
                                            : doc::text(report->name.text);
                     },
                     ","});
  parts.back().separator = "";
  return doc::concat({doc::text("report "), doc::fill(items(parts, 0, nullptr))});
}

Doc Formatter::statement(const Stmt &node) {
  std::vector<Part> parts;
  switch (node.kind) {
  case StmtKind::Let:
    return assignment(as<Let>(&node)->names, *as<Let>(&node)->value);
  case StmtKind::AxisDecl:
    return named(as<AxisDecl>(&node)->name.text + ": ", *as<AxisDecl>(&node)->size);
  case StmtKind::ParamDecl: {
    auto *param = as<ParamDecl>(&node);
    Location colon = source.locate(end(param->name.at), 1); // mostly
    size_t space = colon.text() == ":" ? padding(colon, 0, 1) : 1;
    Doc of = type(*param->type);
    std::vector<Doc> docs = {doc::text("param " + param->name.text + ":" + std::string(space, ' ')),
                             of, named(param->isDrawn ? " ~ " : " = ", *param->initial)};
    if (param->condition)
      docs.push_back(named(" if ", *param->condition));
    return doc::concat(std::move(docs));
  }
  case StmtKind::StateDecl:
    for (const StateDecl::Item &item : as<StateDecl>(&node)->items)
      parts.push_back({item.name.at.to(item.initial->at),
                       [&] {
                         if (!item.type)
                           return named(item.name.text + " = ", *item.initial);
                         Doc of = type(*item.type);
                         return doc::concat(
                             {doc::text(item.name.text + ": "), of, named(" = ", *item.initial)});
                       },
                       ","});
    parts.back().separator = "";
    return doc::concat({doc::text("state "), doc::fill(items(parts, 0, nullptr))});
  case StmtKind::Minimize:
    return named("minimize ", *as<Minimize>(&node)->value);
  case StmtKind::Report:
    return reports({as<ast::Report>(&node)});
  case StmtKind::Yield:
    for (const Yield::Item &item : as<Yield>(&node)->items)
      parts.push_back({item.name ? item.name->at.to(item.value->at) : item.value->at,
                       [&] {
                         return item.name ? named(item.name->text + " = ", *item.value)
                                          : expr(*item.value);
                       },
                       ","});
    parts.back().separator = "";
    return doc::concat({doc::text("yield "), doc::fill(items(parts, 0, nullptr))});
  case StmtKind::Draw: {
    auto *draw = as<Draw>(&node);
    std::vector<Doc> docs = {doc::text("draw " + draw->name.text + ": ")};
    docs.push_back(type(*draw->type));
    docs.push_back(named(" ~ ", *draw->from));
    // The three may come in any order; ours is this one, and comments only stand inside brackets.
    if (draw->after)
      docs.push_back(named(" after ", *draw->after));
    if (draw->until)
      docs.push_back(named(" until ", *draw->until));
    if (draw->by)
      docs.push_back(named(" by ", *draw->by));
    return doc::concat(std::move(docs));
  }
  case StmtKind::Expression:
    return expr(*as<Expression>(&node)->value);
  case StmtKind::Method: {
    auto *method = as<Method>(&node);
    Doc head = signature(method->name.text, method->parameters, method->result.get(),
                         begin(method->body.at));
    return doc::concat({head, doc::text(" "), block(method->body)});
  }
  }
  return doc::text("");
}

std::vector<Part> Formatter::statements(const std::vector<StmtPtr> &list) {
  std::vector<Part> parts;
  for (size_t i = 0; i < list.size(); ++i) {
    const Stmt *node = list[i].get();
    std::vector<const ast::Report *> together = {as<ast::Report>(node)};
    while (i + 1 < list.size() && as<ast::Report>(list[i + 1]) &&
           as<ast::Report>(list[i + 1])->isJoined)
      together.push_back(as<ast::Report>(list[++i]));
    if (together.size() > 1)
      parts.push_back(
          {node->at.to(together.back()->at), [this, together] { return reports(together); }, ""});
    else
      parts.push_back({node->at, [this, node] { return statement(*node); }, ""});
  }
  return parts;
}

//===-- Fields of config and train ----------------------------------------------------------===//

std::vector<Part> Formatter::settings(const std::vector<Setting> &list) {
  std::vector<Part> parts;
  for (const Setting &setting : list)
    parts.push_back({setting.at,
                     [&] {
                       return named(setting.name.text +
                                        std::string(padding(setting.name.at, '=', 1), ' ') + "= ",
                                    *setting.value);
                     },
                     ""});
  return parts;
}

std::vector<Part> Formatter::trainItems(const std::vector<TrainItemPtr> &list) {
  std::vector<Part> parts;
  for (const TrainItemPtr &item : list)
    parts.push_back({item->at, [&] { return trainItem(*item); }, ""});
  return parts;
}

Doc Formatter::trainItem(const TrainItem &node) {
  uint32_t close = end(node.at) - 1;
  switch (node.kind) {
  case TrainItemKind::Field:
    return field(*as<Field>(&node));
  case TrainItemKind::For: {
    auto *group = as<For>(&node);
    std::vector<Part> parts;
    for (const PathPattern &pattern : group->patterns)
      parts.push_back({pattern.at, [&] { return doc::text(pattern.text()); }, ","});
    parts.back().separator = "";
    Doc patterns = doc::fill(items(parts, 0, nullptr));
    Doc body = braces(trainItems(group->items), find('{', end(group->patterns.back().at)), close);
    return doc::concat({doc::text("for "), patterns, doc::text(" "), body});
  }
  case TrainItemKind::Run: {
    auto *run = as<Run>(&node);
    Doc head = doc::text("run " + run->objective.text);
    if (run->times)
      head = doc::concat({head, named(" ", *run->times)});
    if (!run->hasBody)
      return head;
    Location last = run->times ? run->times->at : run->objective.at;
    Doc body = braces(trainItems(run->items), find('{', end(last)), close);
    return doc::concat({head, doc::text(" "), body});
  }
  }
  return doc::text("");
}

Doc Formatter::field(const Field &node) {
  std::vector<Doc> docs = {assignment({node.name}, *node.value)};
  if (node.from)
    docs.push_back(doc::text(" from " + quoted(*node.from)));
  if (node.hasMap) {
    uint32_t open = find('{', end(node.fromAt));
    uint32_t close = find('}', node.map.empty() ? open : end(node.map.back().at));
    bool oneLine = source.locate(open, 1).line == source.locate(close, 1).line;
    size_t widest = 0;
    constexpr size_t most = 60; // longer names stand out
    for (const Field::Mapping &mapping : node.map)
      if (size_t width = quoted(mapping.name).size(); width <= most && !oneLine)
        widest = std::max(widest, width);
    std::vector<Part> parts;
    for (const Field::Mapping &mapping : node.map)
      parts.push_back({mapping.at,
                       [&, widest] {
                         std::string name = quoted(mapping.name);
                         name.resize(std::max(widest, name.size()), ' ');
                         return doc::text(name + " -> " + (mapping.isFresh ? "fresh " : "") +
                                          mapping.path.text());
                       },
                       ""});
    docs.push_back(doc::text(" "));
    docs.push_back(braces(parts, open, close));
  }
  if (node.every)
    docs.push_back(named(" every ", *node.every));
  return doc::concat(std::move(docs));
}

} // namespace frit::formatting
