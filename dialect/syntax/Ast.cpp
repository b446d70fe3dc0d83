// Spellings, and the dump: one line per statement, expressions as nested lists.
#include "dialect/syntax/Ast.h"
#include <fmt/format.h>

namespace frit::ast {

const char *spelling(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "+";
  case BinaryOp::Sub:
    return "-";
  case BinaryOp::Mul:
    return "*";
  case BinaryOp::Div:
    return "/";
  case BinaryOp::Mod:
    return "%";
  case BinaryOp::Pow:
    return "^";
  case BinaryOp::Less:
    return "<";
  case BinaryOp::Greater:
    return ">";
  case BinaryOp::LessEqual:
    return "<=";
  case BinaryOp::GreaterEqual:
    return ">=";
  case BinaryOp::Equal:
    return "==";
  case BinaryOp::NotEqual:
    return "!=";
  case BinaryOp::And:
    return "and";
  case BinaryOp::Or:
    return "or";
  case BinaryOp::Implies:
    return "implies";
  }
  return "";
}

const char *spelling(UnaryOp op) { return op == UnaryOp::Negate ? "-" : "not"; }

const char *spelling(DeclKind kind) {
  switch (kind) {
  case DeclKind::Use:
    return "use";
  case DeclKind::Config:
    return "config";
  case DeclKind::Check:
    return "check";
  case DeclKind::Record:
    return "record";
  case DeclKind::Model:
    return "model";
  case DeclKind::Fn:
    return "fn";
  case DeclKind::Divergence:
    return "divergence";
  case DeclKind::Objective:
    return "objective";
  case DeclKind::Rollout:
    return "rollout";
  case DeclKind::Optimizer:
    return "optimizer";
  case DeclKind::Train:
    return "train";
  }
  return "";
}

std::string PathPattern::text() const {
  std::string joined;
  for (const std::string &segment : segments)
    joined += (joined.empty() ? "" : ".") + segment;
  return joined;
}

//===-- Dump --------------------------------------------------------------------------------===//

namespace {
class Dumper {
public:
  std::string out;

  void module(const Module &module);
  std::string expr(const Expr *expr);

private:
  void line(const std::string &text) { out += std::string(2 * indent, ' ') + text + "\n"; }
  std::string type(const Type *type);
  std::string axes(const std::vector<TypeAxis> &axes);
  std::string inlineBlock(const Block &block);
  std::string statement(const Stmt &stmt); // all but Method on one line
  void statements(const std::vector<StmtPtr> &list);
  void parameters(const std::vector<Parameter> &list);
  void settings(const std::vector<Setting> &list);
  void trainItems(const std::vector<TrainItemPtr> &list);
  void decl(const Decl &decl);

  size_t indent = 0;
};

std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char c : text)
    out += c == '\n'               ? "\\n"
           : c == '\t'             ? "\\t"
           : c == '"' || c == '\\' ? std::string("\\") + c
                                   : std::string(1, c);
  return out + '"';
}

std::string Dumper::expr(const Expr *expr) {
  if (!expr)
    return "none";
  switch (expr->kind) {
  case ExprKind::Number:
    return as<Number>(expr)->text;
  case ExprKind::String:
    return quoted(as<String>(expr)->value);
  case ExprKind::Name:
    return as<Name>(expr)->text;
  case ExprKind::Tuple: {
    std::string text = "(tuple";
    for (const ExprPtr &item : as<Tuple>(expr)->items)
      text += " " + this->expr(item.get());
    return text + ")";
  }
  case ExprKind::Group: {
    std::string text = "(group";
    for (const Group::Item &item : as<Group>(expr)->items)
      text += (item.fresh ? " " + item.fresh->text + ":" : " ") + this->expr(item.expr.get());
    return text + ")";
  }
  case ExprKind::Binary: {
    auto *node = as<Binary>(expr);
    return fmt::format("({} {} {})", spelling(node->op), this->expr(node->left.get()),
                       this->expr(node->right.get()));
  }
  case ExprKind::Unary: {
    auto *node = as<Unary>(expr);
    return fmt::format("({} {})", spelling(node->op), this->expr(node->operand.get()));
  }
  case ExprKind::If: {
    auto *node = as<If>(expr);
    return fmt::format("(if {} {} {})", this->expr(node->condition.get()), inlineBlock(node->then),
                       inlineBlock(node->otherwise));
  }
  case ExprKind::Attribute: {
    auto *node = as<Attribute>(expr);
    return fmt::format("(. {} {})", this->expr(node->base.get()), node->name.text);
  }
  case ExprKind::Call: {
    auto *node = as<Call>(expr);
    std::string text = "(call " + this->expr(node->callee.get());
    for (const Call::Argument &argument : node->arguments)
      text += (argument.name ? " " + argument.name->text + "=" : " ") +
              this->expr(argument.value.get());
    return text + ")";
  }
  case ExprKind::Index: {
    auto *node = as<Index>(expr);
    std::string text = "(index " + this->expr(node->base.get());
    for (const Index::Entry &entry : node->entries) {
      text += fmt::format(" {}={}", entry.axis.text, this->expr(entry.value.get()));
      if (entry.otherwise)
        text += " else " + this->expr(entry.otherwise.get());
    }
    return text + ")";
  }
  case ExprKind::Bracket: {
    auto *node = as<Bracket>(expr);
    return fmt::format("(bracket {} {})", this->expr(node->base.get()),
                       this->expr(node->parameter.get()));
  }
  case ExprKind::Arrow: {
    auto *node = as<Arrow>(expr);
    return fmt::format("(-> {} {})", this->expr(node->from.get()), this->expr(node->to.get()));
  }
  case ExprKind::Pair: {
    auto *node = as<Pair>(expr);
    return fmt::format("(|| {} {})", this->expr(node->left.get()), this->expr(node->right.get()));
  }
  case ExprKind::Scan: {
    auto *node = as<Scan>(expr);
    std::string text =
        fmt::format("(scan {} over {} (", node->index.text, this->expr(node->over.get()));
    for (const Scan::Carry &carry : node->carries)
      text +=
          fmt::format("{}{}={} ", carry.name.text, carry.type ? ": " + type(carry.type.get()) : "",
                      this->expr(carry.initial.get()));
    if (node->reverse)
      text += "; reverse=" + this->expr(node->reverse.get());
    return text + ") " + inlineBlock(node->body) + ")";
  }
  case ExprKind::Repeat: {
    auto *node = as<Repeat>(expr);
    return fmt::format("(repeat {}{} {})", node->axis ? node->axis->text + ":" : "",
                       this->expr(node->count.get()), this->expr(node->body.get()));
  }
  }
  return "";
}

std::string Dumper::axes(const std::vector<TypeAxis> &axes) {
  std::string text;
  for (const TypeAxis &axis : axes) {
    text += text.empty() ? "" : ", ";
    text += axis.name ? axis.name->text : "";
    text += axis.isRest ? ".." : "";
    text += axis.attribute ? "." + axis.attribute->text : "";
    text += axis.size ? ": " + expr(axis.size.get()) : "";
  }
  return text;
}

std::string Dumper::type(const Type *type) {
  if (!type)
    return "none";
  std::string text;
  if (type->isTuple()) {
    for (const TypePtr &part : type->tuple)
      text += (text.empty() ? "(" : ", ") + this->type(part.get());
    return text + ")";
  }
  text = type->element ? type->element->text : "";
  if (type->hasAxes)
    text += "[" + axes(type->axes) + (type->hasEvent ? "; " + axes(type->event) : "") + "]";
  return text;
}

std::string Dumper::inlineBlock(const Block &block) {
  std::string text = "{";
  for (const StmtPtr &stmt : block.statements)
    text += " " + statement(*stmt) + ";";
  return text + " }";
}

std::string Dumper::statement(const Stmt &stmt) {
  switch (stmt.kind) {
  case StmtKind::Let: {
    std::string names;
    for (const Ident &name : as<Let>(&stmt)->names)
      names += (names.empty() ? "" : ", ") + name.text;
    return fmt::format("let {} = {}", names, expr(as<Let>(&stmt)->value.get()));
  }
  case StmtKind::AxisDecl:
    return fmt::format("axis {}: {}", as<AxisDecl>(&stmt)->name.text,
                       expr(as<AxisDecl>(&stmt)->size.get()));
  case StmtKind::ParamDecl: {
    auto *node = as<ParamDecl>(&stmt);
    return fmt::format("param {}: {} {} {} if {}", node->name.text, type(node->type.get()),
                       node->isDrawn ? "~" : "=", expr(node->initial.get()),
                       expr(node->condition.get()));
  }
  case StmtKind::StateDecl: {
    std::string text = "state";
    for (const StateDecl::Item &item : as<StateDecl>(&stmt)->items)
      text += fmt::format(" {}: {} = {},", item.name.text, type(item.type.get()),
                          expr(item.initial.get()));
    return text;
  }
  case StmtKind::Minimize:
    return "minimize " + expr(as<Minimize>(&stmt)->value.get());
  case StmtKind::Report:
    return fmt::format("report {} = {}", as<Report>(&stmt)->name.text,
                       expr(as<Report>(&stmt)->value.get()));
  case StmtKind::Yield: {
    std::string text = "yield";
    for (const Yield::Item &item : as<Yield>(&stmt)->items)
      text +=
          fmt::format(" {}{},", item.name ? item.name->text + " = " : "", expr(item.value.get()));
    return text;
  }
  case StmtKind::Draw: {
    auto *node = as<Draw>(&stmt);
    return fmt::format("draw {}: {} ~ {} after {} until {} by {}", node->name.text,
                       type(node->type.get()), expr(node->from.get()), expr(node->after.get()),
                       expr(node->until.get()), expr(node->by.get()));
  }
  case StmtKind::Expression:
    return "value " + expr(as<Expression>(&stmt)->value.get());
  case StmtKind::Method:
    return "method " + as<Method>(&stmt)->name.text;
  }
  return "";
}

void Dumper::statements(const std::vector<StmtPtr> &list) {
  ++indent;
  for (const StmtPtr &stmt : list) {
    line(statement(*stmt));
    if (auto *method = as<Method>(stmt)) {
      parameters(method->parameters);
      ++indent;
      line("result " + type(method->result.get()));
      --indent;
      statements(method->body.statements);
    }
  }
  --indent;
}

void Dumper::parameters(const std::vector<Parameter> &list) {
  ++indent;
  for (const Parameter &parameter : list)
    line(fmt::format("{}{} {}: {} = {} in {}..{}", parameter.isFrozen ? "frozen " : "",
                     parameter.isNamed ? "named" : "parameter", parameter.name.text,
                     type(parameter.type.get()), expr(parameter.initial.get()),
                     expr(parameter.low.get()), expr(parameter.high.get())));
  --indent;
}

void Dumper::settings(const std::vector<Setting> &list) {
  ++indent;
  for (const Setting &setting : list)
    line(fmt::format("{} = {}", setting.name.text, expr(setting.value.get())));
  --indent;
}

void Dumper::trainItems(const std::vector<TrainItemPtr> &list) {
  ++indent;
  for (const TrainItemPtr &item : list) {
    if (auto *field = as<Field>(item)) {
      line(fmt::format("{} = {} every {}", field->name.text, expr(field->value.get()),
                       expr(field->every.get())));
      ++indent;
      if (field->from)
        line(fmt::format("from {}{}", quoted(*field->from), field->hasMap ? " map" : ""));
      for (const Field::Mapping &mapping : field->map)
        line(fmt::format("{} ->{} {}", quoted(mapping.name), mapping.isFresh ? " fresh" : "",
                         mapping.path.text()));
      --indent;
    } else if (auto *group = as<For>(item)) {
      std::string patterns;
      for (const PathPattern &pattern : group->patterns)
        patterns += " " + pattern.text();
      line("for" + patterns);
      trainItems(group->items);
    } else if (auto *run = as<Run>(item)) {
      line(fmt::format("run {} {}{}", run->objective.text, expr(run->times.get()),
                       run->hasBody ? " with" : ""));
      trainItems(run->items);
    }
  }
  --indent;
}

void Dumper::decl(const Decl &decl) {
  line(fmt::format("{} {}", spelling(decl.kind), decl.name.text));
  switch (decl.kind) {
  case DeclKind::Use:
    ++indent;
    line(quoted(as<Use>(&decl)->path));
    --indent;
    break;
  case DeclKind::Config:
    settings(as<Config>(&decl)->settings);
    break;
  case DeclKind::Check:
    settings(as<Check>(&decl)->settings);
    break;
  case DeclKind::Record: {
    auto *node = as<Record>(&decl);
    ++indent;
    line("[" + axes(node->axes) + (node->hasEvent ? "; " + axes(node->event) : "") + "]");
    for (const Record::Field &field : node->fields)
      line(fmt::format("{}: {}", field.name.text, type(field.type.get())));
    --indent;
    break;
  }
  case DeclKind::Model:
    parameters(as<Model>(&decl)->parameters);
    statements(as<Model>(&decl)->members);
    break;
  case DeclKind::Fn: {
    auto *node = as<Fn>(&decl);
    parameters(node->parameters);
    ++indent;
    line("result " + type(node->result.get()));
    --indent;
    statements(node->body.statements);
    break;
  }
  case DeclKind::Divergence: {
    auto *node = as<Divergence>(&decl);
    parameters(node->parameters);
    ++indent;
    for (const Divergence::Limit &limit : node->limits)
      line(fmt::format("limit {}: {}", expr(limit.where.get()), expr(limit.then.get())));
    line(expr(node->generator.get()));
    --indent;
    break;
  }
  case DeclKind::Objective:
    parameters(as<Objective>(&decl)->parameters);
    statements(as<Objective>(&decl)->body.statements);
    break;
  case DeclKind::Rollout:
    parameters(as<Rollout>(&decl)->parameters);
    statements(as<Rollout>(&decl)->body.statements);
    break;
  case DeclKind::Optimizer:
    parameters(as<Optimizer>(&decl)->parameters);
    statements(as<Optimizer>(&decl)->body.statements);
    break;
  case DeclKind::Train:
    trainItems(as<Train>(&decl)->items);
    break;
  }
}

void Dumper::module(const Module &module) {
  for (const DeclPtr &node : module.decls)
    decl(*node);
}
} // namespace

std::string dump(const Module &module) {
  Dumper dumper;
  dumper.module(module);
  return std::move(dumper.out);
}

std::string dump(const Expr &expr) { return Dumper().expr(&expr); }

} // namespace frit::ast
