// Expressions, types and parameters.
#include "dialect/syntax/Formatter.h"

namespace frit::formatting {

//===-- Expressions -------------------------------------------------------------------------===//

std::string quoted(const std::string &value) {
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
    parts.push_back({item.at, [&] { return parameter(item); }, item.isLeft ? " ||" : ","});
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

} // namespace frit::formatting
