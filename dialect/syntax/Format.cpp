// The formatter: builds a Doc from the tree, in the order of the text, handing each comment to the
// list item or line that it stands beside.
//
// 1. A list in brackets becomes a filled list; the comments in it stay with their items.
// 2. A list of statements becomes lines. Entries that shared a line still do, if they fit.
// 3. Comments that stood elsewhere (in the middle of a statement) follow that statement.
// 4. What is printed depends on what shared a line before, so the result is formatted again until
//    nothing changes; mostly the second time changes nothing.
#include "dialect/syntax/Format.h"
#include "dialect/syntax/FormatDoc.h"
#include "dialect/syntax/Parser.h"
#include <algorithm>
#include <functional>
#include <set>

namespace frit {

using namespace ast;
using doc::Doc;
using doc::Item;
using doc::Line;

static uint32_t begin(Location at) { return at.offset(); }
static uint32_t end(Location at) { return at.offset() + at.length; }

namespace {
/// Something in a list, not yet built: comments must be taken in the order of the text.
struct Part {
  Location at;
  std::function<Doc()> build;
  std::string separator; // in brackets: after it
  bool breaksAfter = false;
};

class Formatter {
public:
  explicit Formatter(const Module &module) : module(module), source(*module.source) {}
  std::string run();

private:
  //===-- Comments and places ---------------------------------------------------------------===//
  const Comment *nextComment(uint32_t before);
  std::string commentText(const Comment &comment) { return std::string(comment.at.text()); }
  uint32_t lastLine(Location at) { return source.locate(end(at), 0).line; }
  uint32_t find(char brace, uint32_t from);
  size_t padding(Location name, char symbol, uint32_t limit);

  //===-- Lists -----------------------------------------------------------------------------===//
  std::vector<Item> items(const std::vector<Part> &parts, uint32_t close,
                          std::vector<std::string> *endComments);
  Doc brackets(std::string open, const std::vector<Part> &parts, std::string closing,
               uint32_t close);
  Doc braces(const std::vector<Part> &parts, uint32_t open, uint32_t close);
  std::vector<Line> lines(const std::vector<Part> &parts, uint32_t open, uint32_t close,
                          std::string *openComment);
  void flushRun(std::vector<Line> &lines, std::vector<std::pair<Doc, char>> &run, bool whole);

  //===-- The tree --------------------------------------------------------------------------===//
  Doc expr(const Expr &expr);
  Doc bare(const Expr &expr);
  Doc binary(const Binary &expr);
  Doc choice(const If &expr);
  Doc scan(const Scan &expr);
  Doc named(const std::string &head, const Expr &value);
  Doc type(const Type &type);
  Doc axes(const std::vector<TypeAxis> &axes, const std::vector<TypeAxis> &event, bool hasEvent,
           uint32_t close);
  Doc axis(const TypeAxis &axis);
  Doc parameter(const Parameter &parameter);
  Doc parameters(const std::vector<Parameter> &list, uint32_t close,
                 const std::vector<Divergence::Limit> &limits = {});
  Doc signature(std::string head, const std::vector<Parameter> &list, const Type *result,
                uint32_t close);
  Doc block(const Block &block);
  Doc assignment(const std::vector<Ident> &names, const Expr &value);
  Doc statement(const Stmt &stmt);
  Doc reports(const std::vector<const ast::Report *> &list);
  std::vector<Part> statements(const std::vector<StmtPtr> &list);
  std::vector<Part> settings(const std::vector<Setting> &list);
  std::vector<Part> trainItems(const std::vector<TrainItemPtr> &list);
  Doc trainItem(const TrainItem &item);
  Doc field(const Field &field);
  Doc decl(const Decl &decl);

  const Module &module;
  const Source &source;
  size_t comment = 0; // the first not yet taken
  size_t depth = 0;   // of braces
  /// Where `=` signs and parameter types stand: (column, line).
  std::set<std::pair<uint32_t, uint32_t>> columns;
};
} // namespace

//===-- Comments and places -----------------------------------------------------------------===//

/// The next comment if it stands before `before`, taken.
const Comment *Formatter::nextComment(uint32_t before) {
  if (comment == module.comments.size() || begin(module.comments[comment].at) >= before)
    return nullptr;
  return &module.comments[comment++];
}

/// The first such brace from `from` on, outside comments. Only used where no string can stand.
uint32_t Formatter::find(char brace, uint32_t from) {
  while (source.text[from] != brace)
    from = source.text[from] == '#' ? source.text.find('\n', from) : from + 1;
  return from;
}

/// Spaces between `name` and the symbol after it: as the author wrote them if that aligns it with a
/// line nearby, else `usual`.
size_t Formatter::padding(Location name, char symbol, uint32_t usual) {
  uint32_t at = end(name);
  while (source.text[at] == ' ')
    ++at;
  if (symbol && source.text[at] != symbol)
    return usual;
  constexpr uint32_t near = 2, most = 24;
  Location there = source.locate(at, 0);
  for (uint32_t line = there.line > near ? there.line - near : 1; line <= there.line + near; ++line)
    if (line != there.line && columns.count({there.column, line}) && at - end(name) <= most)
      return std::max(at - end(name), usual);
  return usual;
}

//===-- Lists -------------------------------------------------------------------------------===//

std::vector<Item> Formatter::items(const std::vector<Part> &parts, uint32_t close,
                                   std::vector<std::string> *endComments) {
  std::vector<Item> items;
  uint32_t line = 0; // where the item before ended
  for (const Part &part : parts) {
    Item item;
    // Outside brackets a line must not end before the first item; the second takes its comments.
    bool mayTake = endComments || !items.empty();
    while (const Comment *comment = mayTake ? nextComment(begin(part.at)) : nullptr) {
      if (!items.empty() && comment->at.line == line && items.back().comment.empty())
        items.back().comment = commentText(*comment);
      else
        item.lead.push_back(commentText(*comment));
    }
    item.doc = part.build();
    item.separator = part.separator;
    item.breaksAfter = part.breaksAfter;
    line = lastLine(part.at);
    items.push_back(std::move(item));
  }
  if (endComments)
    while (const Comment *comment = nextComment(close)) {
      if (!items.empty() && comment->at.line == line && items.back().comment.empty())
        items.back().comment = commentText(*comment);
      else
        endComments->push_back(commentText(*comment));
    }
  return items;
}

Doc Formatter::brackets(std::string open, const std::vector<Part> &parts, std::string closing,
                        uint32_t close) {
  std::vector<std::string> endComments;
  std::vector<Item> list = items(parts, close, &endComments);
  return doc::bracket(std::move(open), std::move(list), std::move(closing), endComments);
}

/// A list in braces; on one line if it was and fits.
Doc Formatter::braces(const std::vector<Part> &parts, uint32_t open, uint32_t close) {
  bool oneLine = source.locate(open, 1).line == source.locate(close, 1).line;
  std::string openComment;
  ++depth;
  std::vector<Line> list = lines(parts, open, close, &openComment);
  --depth;
  if (list.empty() && openComment.empty())
    return doc::text("{}");
  Doc broken = doc::body(list, openComment);
  if (!oneLine)
    return broken;
  // On one line the author's separators remain; lines() kept them within each line.
  std::vector<Doc> flat = {doc::text("{ ")};
  for (const Line &line : list) {
    if (!line.doc || !line.comment.empty())
      return broken;
    if (flat.size() > 1)
      flat.push_back(doc::text(";  "));
    flat.push_back(line.doc);
  }
  flat.push_back(doc::text(" }"));
  Doc whole = doc::concat(std::move(flat));
  return doc::width(whole) < doc::never ? doc::either(whole, broken) : broken;
}

std::vector<Line> Formatter::lines(const std::vector<Part> &parts, uint32_t open, uint32_t close,
                                   std::string *openComment) {
  bool oneLine = openComment && source.locate(open, 1).line == source.locate(close, 1).line;
  std::vector<Line> lines;
  std::vector<std::pair<Doc, char>> run; // entries that share a line, each with what separates it
  uint32_t line = source.locate(open, 0).line;
  bool isFirst = true, afterEntry = false;

  auto takeComment = [&](const Comment &comment) {
    flushRun(lines, run, !oneLine);
    if (isFirst && openComment && comment.at.line == line && openComment->empty()) {
      *openComment = commentText(comment);
    } else if (afterEntry && comment.at.line == line) {
      lines.back().comment = commentText(comment);
    } else {
      if (!isFirst && comment.at.line > line + 1)
        lines.push_back({nullptr, ""});
      lines.push_back({doc::comment(commentText(comment)), ""});
      isFirst = false;
    }
    afterEntry = false;
    line = comment.at.line;
  };

  uint32_t lastEnd = open;
  for (const Part &part : parts) {
    while (const Comment *comment = nextComment(begin(part.at)))
      takeComment(*comment);
    std::string_view between(source.text.data() + lastEnd, begin(part.at) - lastEnd);
    bool joins = !run.empty() && part.at.line == line;
    if (!joins) {
      flushRun(lines, run, !oneLine);
      if (!isFirst && part.at.line > line + 1)
        lines.push_back({nullptr, ""});
    } else {
      run.back().second = between.find(',') != between.npos ? ',' : ';';
    }
    run.push_back({part.build(), 0});
    isFirst = false;
    afterEntry = true;
    lastEnd = end(part.at);
    line = lastLine(part.at);
    // What stood inside and found no place.
    while (const Comment *comment = nextComment(lastEnd)) {
      flushRun(lines, run, !oneLine);
      lines.push_back({doc::comment(commentText(*comment)), ""});
      afterEntry = false;
    }
  }
  while (const Comment *comment = nextComment(close))
    takeComment(*comment);
  flushRun(lines, run, !oneLine);
  return lines;
}

/// Puts a run of entries on one line if it fits (and `whole`), else breaks it at each `;`, and
/// between commas only where even that is too long.
void Formatter::flushRun(std::vector<Line> &lines, std::vector<std::pair<Doc, char>> &run,
                         bool whole) {
  size_t room = doc::limit - std::min<size_t>(2 * depth, doc::limit);
  auto join = [&](size_t from, size_t to) {
    std::vector<Doc> parts;
    for (size_t i = from; i < to; ++i) {
      parts.push_back(run[i].first);
      if (i + 1 < to)
        parts.push_back(doc::text(run[i].second == ',' ? ", " : ";  "));
    }
    return parts.size() == 1 ? parts[0] : doc::concat(std::move(parts));
  };
  auto add = [&](Doc line) { lines.push_back({std::move(line), ""}); };

  if (!run.empty()) {
    Doc all = join(0, run.size());
    if (run.size() == 1 || (whole && doc::width(all) <= room)) {
      add(all);
      run.clear();
      return;
    }
  }
  for (size_t from = 0; from < run.size();) {
    size_t to = from + 1;
    while (to < run.size() && run[to - 1].second == ',')
      ++to;
    Doc segment = join(from, to);
    if (doc::width(segment) <= room)
      add(segment);
    else
      for (size_t i = from; i < to; ++i)
        add(run[i].first);
    from = to;
  }
  run.clear();
}

//===-- Expressions -------------------------------------------------------------------------===//

static std::string quoted(const std::string &value) {
  std::string out = "\"";
  for (char c : value) {
    if (c == '\n' || c == '\t' || c == '"' || c == '\\')
      out += '\\';
    out += c == '\n' ? 'n' : c == '\t' ? 't' : c;
  }
  return out + '"';
}

Doc Formatter::expr(const Expr &expr) {
  if (!expr.parenthesised)
    return bare(expr);
  return brackets("(", {{expr.at, [&] { return bare(expr); }, ""}}, ")", end(expr.at));
}

Doc Formatter::named(const std::string &head, const Expr &value) {
  return doc::concat({doc::text(head), expr(value)});
}

Doc Formatter::bare(const Expr &node) {
  uint32_t close = end(node.at);
  std::vector<Part> parts;
  switch (node.kind) {
  case ExprKind::Number:
    return doc::text(as<Number>(&node)->text);
  case ExprKind::String:
    return doc::text(quoted(as<String>(&node)->value));
  case ExprKind::Name:
    return doc::text(as<Name>(&node)->text);
  case ExprKind::Tuple:
    for (const ExprPtr &item : as<Tuple>(&node)->items)
      parts.push_back({item->at, [&] { return expr(*item); }, ","});
    parts.back().separator = "";
    return brackets("(", parts, ")", close);
  case ExprKind::Group:
    for (const Group::Item &item : as<Group>(&node)->items)
      parts.push_back({item.fresh ? item.fresh->at.to(item.expr->at) : item.expr->at,
                       [&] {
                         return item.fresh ? named(item.fresh->text + ": ", *item.expr)
                                           : expr(*item.expr);
                       },
                       ","});
    if (!parts.empty())
      parts.back().separator = "";
    return brackets("[", parts, "]", close);
  case ExprKind::Binary:
    return binary(*as<Binary>(&node));
  case ExprKind::Unary: {
    auto *unary = as<Unary>(&node);
    return named(unary->op == UnaryOp::Not ? "not " : "-", *unary->operand);
  }
  case ExprKind::If:
    return choice(*as<If>(&node));
  case ExprKind::Attribute: {
    auto *attribute = as<Attribute>(&node);
    return doc::concat({expr(*attribute->base), doc::text("." + attribute->name.text)});
  }
  case ExprKind::Call: {
    auto *call = as<Call>(&node);
    Doc callee = expr(*call->callee);
    for (const Call::Argument &argument : call->arguments)
      parts.push_back(
          {argument.name ? argument.name->at.to(argument.value->at) : argument.value->at,
           [&] {
             return argument.name ? named(argument.name->text + " = ", *argument.value)
                                  : expr(*argument.value);
           },
           ","});
    if (!parts.empty())
      parts.back().separator = "";
    return doc::concat({callee, brackets("(", parts, ")", close)});
  }
  case ExprKind::Index: {
    auto *index = as<Index>(&node);
    Doc base = expr(*index->base);
    for (const Index::Entry &entry : index->entries)
      parts.push_back({entry.axis.at.to(entry.otherwise ? entry.otherwise->at : entry.value->at),
                       [&] {
                         Doc value = named(entry.axis.text + " = ", *entry.value);
                         return entry.otherwise
                                    ? doc::concat({value, named(" else ", *entry.otherwise)})
                                    : value;
                       },
                       ","});
    parts.back().separator = "";
    return doc::concat({base, brackets("[", parts, "]", close)});
  }
  case ExprKind::Bracket: {
    auto *bracket = as<Bracket>(&node);
    Doc base = expr(*bracket->base);
    parts.push_back({bracket->parameter->at, [&] { return expr(*bracket->parameter); }, ""});
    return doc::concat({base, brackets("[", parts, "]", close)});
  }
  case ExprKind::Arrow: {
    auto *arrow = as<Arrow>(&node);
    Doc from = expr(*arrow->from);
    return doc::concat({from, named(" -> ", *arrow->to)});
  }
  case ExprKind::Pair: {
    auto *pair = as<Pair>(&node);
    Doc left = expr(*pair->left);
    return doc::concat({left, named(" || ", *pair->right)});
  }
  case ExprKind::Scan:
    return scan(*as<Scan>(&node));
  case ExprKind::Repeat: {
    auto *repeat = as<Repeat>(&node);
    std::string head = repeat->axis ? repeat->axis->text + ": " : "";
    parts.push_back({repeat->count->at, [&] { return named(head, *repeat->count); }, ""});
    Doc count = brackets("repeat(", parts, ") ", end(repeat->count->at));
    return doc::concat({count, expr(*repeat->body)});
  }
  }
  return doc::text("");
}

/// Operators that chain (a + b - c) make one list; a power with a short exponent is written tight.
Doc Formatter::binary(const Binary &node) {
  if (node.op == BinaryOp::Pow) {
    Doc base = expr(*node.left);
    ExprKind kind = node.right->kind;
    bool isShort =
        !node.right->parenthesised &&
        (kind == ExprKind::Name || kind == ExprKind::Number || kind == ExprKind::Attribute);
    return doc::concat({base, named(isShort ? "^" : " ^ ", *node.right)});
  }
  auto family = [](BinaryOp op) {
    return op == BinaryOp::Sub                          ? BinaryOp::Add
           : op == BinaryOp::Div || op == BinaryOp::Mod ? BinaryOp::Mul
                                                        : op;
  };
  bool chains = family(node.op) == BinaryOp::Add || family(node.op) == BinaryOp::Mul ||
                node.op == BinaryOp::And || node.op == BinaryOp::Or;
  // Operands from the last to the first, each with the operator after it.
  std::vector<std::pair<const Expr *, std::string>> links = {{node.right.get(), ""}};
  for (const Binary *link = &node; link;) {
    std::string op = std::string(" ") + spelling(link->op);
    const Binary *next = as<Binary>(link->left);
    if (!chains || !next || next->parenthesised || family(next->op) != family(node.op))
      next = nullptr;
    links.push_back({next ? next->right.get() : link->left.get(), op});
    link = next;
  }
  std::vector<Part> parts;
  for (size_t i = links.size(); i-- > 0;)
    parts.push_back({links[i].first->at, [this, &link = links[i]] { return expr(*link.first); },
                     links[i].second});
  return doc::fill(items(parts, 0, nullptr));
}

Doc Formatter::choice(const If &node) {
  Doc condition = named("if ", *node.condition);
  Doc then = block(node.then);
  Doc head = doc::concat({condition, doc::text(" "), then});
  Doc otherwise = node.elseIf ? expr(*as<Expression>(node.otherwise.statements[0])->value)
                              : block(node.otherwise);
  Doc tail = doc::concat({doc::text("else "), otherwise});
  return doc::fill({{head, "", false, {}, ""}, {tail, "", false, {}, ""}});
}

Doc Formatter::scan(const Scan &node) {
  Doc head = named("scan " + node.index.text + " over ", *node.over);
  std::vector<Part> parts;
  for (const Scan::Carry &carry : node.carries)
    parts.push_back({carry.name.at.to(carry.initial->at),
                     [&] {
                       if (!carry.type)
                         return named(carry.name.text + " = ", *carry.initial);
                       Doc of = type(*carry.type);
                       return doc::concat(
                           {doc::text(carry.name.text + ": "), of, named(" = ", *carry.initial)});
                     },
                     ","});
  if (!parts.empty())
    parts.back().separator = node.reverse ? ";" : "";
  std::string reverse = parts.empty() ? "; reverse = " : "reverse = ";
  if (node.reverse)
    parts.push_back({node.reverse->at, [&] { return named(reverse, *node.reverse); }, ""});
  Doc carries = brackets(" (", parts, ") ", begin(node.body.at));
  return doc::concat({head, carries, block(node.body)});
}

//===-- Types and parameters ----------------------------------------------------------------===//

Doc Formatter::type(const Type &node) {
  if (node.isTuple()) {
    std::vector<Part> parts;
    for (const TypePtr &item : node.tuple)
      parts.push_back({item->at, [&] { return type(*item); }, ","});
    parts.back().separator = "";
    return brackets("(", parts, ")", end(node.at));
  }
  Doc element = doc::text(node.element ? node.element->text : "");
  if (!node.hasAxes)
    return element;
  return doc::concat({element, axes(node.axes, node.event, node.hasEvent, end(node.at))});
}

Doc Formatter::axes(const std::vector<TypeAxis> &list, const std::vector<TypeAxis> &event,
                    bool hasEvent, uint32_t close) {
  std::vector<Part> parts;
  for (const TypeAxis &item : list)
    parts.push_back({item.at, [&] { return axis(item); }, ","});
  if (!parts.empty())
    parts.back().separator = hasEvent ? ";" : "";
  for (const TypeAxis &item : event)
    parts.push_back({item.at, [&] { return axis(item); }, ","});
  if (!event.empty())
    parts.back().separator = "";
  const char *open = hasEvent && list.empty() ? event.empty() ? "[;" : "[; " : "[";
  return brackets(open, parts, "]", close);
}

Doc Formatter::axis(const TypeAxis &axis) {
  std::string head = axis.name ? axis.name->text : "";
  if (axis.isRest)
    head += "..";
  if (axis.attribute)
    head += "." + axis.attribute->text;
  return axis.size ? named(head + ": ", *axis.size) : doc::text(head);
}

Doc Formatter::parameter(const Parameter &parameter) {
  std::vector<Doc> parts = {doc::text((parameter.isFrozen ? "frozen " : "") + parameter.name.text)};
  if (parameter.type) {
    parts.push_back(doc::text(": "));
    parts.push_back(type(*parameter.type));
  }
  if (parameter.initial)
    parts.push_back(named(" = ", *parameter.initial));
  if (parameter.low) {
    parts.push_back(named(" in ", *parameter.low));
    parts.push_back(named("..", *parameter.high));
  }
  return doc::concat(std::move(parts));
}

Doc Formatter::parameters(const std::vector<Parameter> &list, uint32_t close,
                          const std::vector<Divergence::Limit> &limits) {
  std::vector<Part> parts;
  bool isNamed = false;
  std::string open = "(";
  auto section = [&] {
    if (parts.empty())
      open = "(; ";
    else
      parts.back().separator = ";", parts.back().breaksAfter = true;
  };
  for (const Parameter &item : list) {
    if (item.isNamed && !isNamed)
      section();
    isNamed = item.isNamed;
    parts.push_back({item.at, [&] { return parameter(item); }, ","});
  }
  for (const Divergence::Limit &limit : limits) {
    if (&limit == &limits[0])
      section();
    parts.push_back({limit.at,
                     [&] {
                       Doc where = named("limit ", *limit.where);
                       return doc::concat({where, named(": ", *limit.then)});
                     },
                     ","});
  }
  if (!parts.empty())
    parts.back().separator = "";
  return brackets(open, parts, ")", close);
}

Doc Formatter::signature(std::string head, const std::vector<Parameter> &list, const Type *result,
                         uint32_t close) {
  std::vector<Doc> parts = {doc::text(std::move(head))};
  parts.push_back(parameters(list, result ? begin(result->at) : close));
  if (result) {
    Doc of = type(*result);
    parts.push_back(doc::text(" -> "));
    parts.push_back(doc::width(of) <= doc::limit / 2 ? doc::unbroken(of) : of);
  }
  return doc::concat(std::move(parts));
}

//===-- Statements --------------------------------------------------------------------------===//

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

//===-- Declarations ------------------------------------------------------------------------===//

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

std::optional<std::string> format(const Source &source, Diagnostics &diagnostics) {
  Module module = parse(source, diagnostics);
  if (diagnostics.hasErrors())
    return std::nullopt;
  std::string text = Formatter(module).run();
  constexpr int rounds = 8; // mostly two; see point 4
  for (int round = 0; round < rounds; ++round) {
    Source again(source.name, text);
    Diagnostics none;
    Module reparsed = parse(again, none);
    if (none.hasErrors())
      break; // our mistake; the fuzzer looks for it
    std::string next = Formatter(reparsed).run();
    if (next == text)
      break;
    text = std::move(next);
  }
  return text;
}

} // namespace frit
