// The syntax tree: what a file says, nothing computed.
//
// Three families (Expr, Stmt, Decl), each a base with a kind and one small struct per kind. Switch
// over `kind` and take the node with `as<T>(node)`, which is null for another kind:
//
//   if (auto *call = ast::as<ast::Call>(expr)) …
//
// Every node has its Location, start and extent. A Name is an identifier with its own place. Child
// pointers are never null unless the comment says "or null". The parser bounds the height of every
// tree (see Parser.h), so recursion over a tree is safe.
#pragma once
#include "dialect/syntax/Source.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace frit::ast {

/// An identifier where it stands. `_` is the name that is thrown away.
struct Ident {
  std::string text;
  Location at;
};

//===-- Expressions -------------------------------------------------------------------------===//

enum class ExprKind {
  Number,
  String,
  Name,
  Tuple,
  Group,
  Binary,
  Unary,
  If,
  Attribute,
  Call,
  Index,
  Bracket,
  Arrow,
  Pair,
  Scan,
  Repeat,
};

struct Expr {
  const ExprKind kind;
  Location at;                // with its parentheses, if any
  bool parenthesised = false; // the author wrote ( ) around it; only the formatter cares
  uint32_t height = 1;        // of the tree below, bounded by the parser
  virtual ~Expr() = default;

protected:
  explicit Expr(ExprKind kind) : kind(kind) {}
};
using ExprPtr = std::unique_ptr<Expr>;

template <ExprKind K> struct ExprOf : Expr {
  static constexpr ExprKind Kind = K;
  ExprOf() : Expr(K) {}
};

struct Stmt;
using StmtPtr = std::unique_ptr<Stmt>;
struct Type;
using TypePtr = std::unique_ptr<Type>;

/// `{ statements }`. The value of a block is that of its last statement, if an expression.
struct Block {
  Location at;         // with the braces
  uint32_t height = 1; // of the tallest expression in it, plus one
  std::vector<StmtPtr> statements;
};

/// An exact fraction in lowest terms, denominator > 0.
struct Rational {
  int64_t numerator = 0;
  int64_t denominator = 1;
  friend bool operator==(const Rational &, const Rational &) = default;
};

/// `12`, `0.5`, `1e-3`; never negative (that is a Unary).
struct Number : ExprOf<ExprKind::Number> {
  std::string text;              // as written
  double value = 0;              // nearest double
  std::optional<Rational> exact; // unless it needs more than 64 bits (1e-30)
  bool isInteger = false;        // only digits; then `exact` is there
};

/// `"text"` with the escapes \n \t \" \\ resolved.
struct String : ExprOf<ExprKind::String> {
  std::string value;
};

/// A value, an axis, a model, a function, `true`, `training`, …: the checker knows which.
struct Name : ExprOf<ExprKind::Name> {
  std::string text;
};

/// `(a, b)`, two items or more.
struct Tuple : ExprOf<ExprKind::Tuple> {
  std::vector<ExprPtr> items;
};

/// `[heads, dh]`, `[gate: 4, n]`, `[]`.
struct Group : ExprOf<ExprKind::Group> {
  struct Item {
    std::optional<Ident> fresh; // `gate: 4`: an axis made here, `expr` is its size
    ExprPtr expr;
  };
  std::vector<Item> items;
};

enum class BinaryOp {
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Pow,
  Less,
  Greater,
  LessEqual,
  GreaterEqual,
  Equal,
  NotEqual,
  And,
  Or,
  Implies
};

struct Binary : ExprOf<ExprKind::Binary> {
  BinaryOp op;
  Location opAt;
  ExprPtr left, right;
};

enum class UnaryOp { Negate, Not };

struct Unary : ExprOf<ExprKind::Unary> {
  UnaryOp op;
  Location opAt;
  ExprPtr operand;
};

/// `if c { a } else { b }`. `else if` is an otherwise-block that holds the second If alone.
struct If : ExprOf<ExprKind::If> {
  ExprPtr condition;
  Block then, otherwise;
  bool elseIf = false; // the author wrote `else if`
};

/// `x.name` or `x.0`.
struct Attribute : ExprOf<ExprKind::Attribute> {
  ExprPtr base;
  Ident name;                    // "0" for `.0`
  std::optional<uint32_t> index; // for `.0`
};

/// `f(a, b, name = c)`. Positional arguments come first.
struct Call : ExprOf<ExprKind::Call> {
  struct Argument {
    std::optional<Ident> name;
    ExprPtr value; // only here may it be an Arrow or a Pair (and only positional)
  };
  ExprPtr callee;
  std::vector<Argument> arguments;
};

/// `x[t = e]`, `x[i = a else 0, j = b]`.
struct Index : ExprOf<ExprKind::Index> {
  struct Entry {
    Ident axis;
    ExprPtr value;
    ExprPtr otherwise; // or null
  };
  ExprPtr base;
  std::vector<Entry> entries;
};

/// `D[alpha(a = 1)]`, `slope[f]`: a function chosen at compile time.
struct Bracket : ExprOf<ExprKind::Bracket> {
  ExprPtr base;
  ExprPtr parameter;
};

/// `t -> s` as an argument: `rename(x, t -> s)`.
struct Arrow : ExprOf<ExprKind::Arrow> {
  ExprPtr from, to;
};

/// `p || q` as an argument: `kl(p || q)`.
struct Pair : ExprOf<ExprKind::Pair> {
  ExprPtr left, right;
};

/// `scan i over t (h = h0, c: real[b] = 0; reverse = false) { … yield h, c }`.
struct Scan : ExprOf<ExprKind::Scan> {
  struct Carry {
    Ident name;
    TypePtr type; // or null
    ExprPtr initial;
  };
  Ident index;
  ExprPtr over; // a Name, an Attribute or a Group
  std::vector<Carry> carries;
  ExprPtr reverse; // or null: forwards
  Block body;
};

/// `repeat(layer: layers) Block(layer)`.
struct Repeat : ExprOf<ExprKind::Repeat> {
  std::optional<Ident> axis;
  ExprPtr count;
  ExprPtr body;
};

//===-- Types -------------------------------------------------------------------------------===//

/// One entry of `real[.., rows.., b, dir: 2, base.in]`.
struct TypeAxis {
  Location at;
  bool isRest = false;            // `..` or `rows..`
  std::optional<Ident> name;      // of a plain, fresh or named rest axis; the base of a path
  std::optional<Ident> attribute; // `in` of `base.in`
  ExprPtr size;                   // `name: size`, or null
};

/// `real[b, t]`, `categorical[b; vocab]`, `[b, t]`, `model`, `(real[b], i32)`.
struct Type {
  Location at;
  uint32_t height = 1;
  std::vector<TypePtr> tuple;   // two or more for a tuple type; then all below is empty
  std::optional<Ident> element; // absent in `[b, t]`: any element
  bool hasAxes = false;         // brackets were written (`real[]` is a scalar)
  std::vector<TypeAxis> axes;   // before `;`
  bool hasEvent = false;        // a `;` was written
  std::vector<TypeAxis> event;  // after `;`

  bool isTuple() const { return !tuple.empty(); }
};

//===-- Statements --------------------------------------------------------------------------===//

/// One parameter of a model, fn, objective, …
struct Parameter {
  Location at;
  bool isFrozen = false;
  Ident name;
  TypePtr type;         // or null
  ExprPtr initial;      // default, or null
  bool isNamed = false; // after `;`: given by name only
  bool isLeft = false;  // `p || q`: it and the next are given so, with their direction
  ExprPtr low, high;    // `in low..high` of a divergence's parameter; both or null
};

enum class StmtKind {
  Let,
  AxisDecl,
  ParamDecl,
  StateDecl,
  Minimize,
  Report,
  Yield,
  Draw,
  Expression,
  Method,
};

struct Stmt {
  const StmtKind kind;
  Location at;
  virtual ~Stmt() = default;

protected:
  explicit Stmt(StmtKind kind) : kind(kind) {}
};

template <StmtKind K> struct StmtOf : Stmt {
  static constexpr StmtKind Kind = K;
  StmtOf() : Stmt(K) {}
};

/// `x = e`, `q, v = e`. In a model body: a field.
struct Let : StmtOf<StmtKind::Let> {
  std::vector<Ident> names;
  ExprPtr value;
};

/// `dh: width / heads`.
struct AxisDecl : StmtOf<StmtKind::AxisDecl> {
  Ident name;
  ExprPtr size;
};

/// `param weight: real[out; in] ~ init`, `param offset: real[out] = 0 if bias`.
struct ParamDecl : StmtOf<StmtKind::ParamDecl> {
  Ident name;
  TypePtr type;
  bool isDrawn = false; // `~`: initial is a distribution; `=`: a value
  ExprPtr initial;
  ExprPtr condition; // or null
};

/// `state m = 0, v: real[n] = 1`.
struct StateDecl : StmtOf<StmtKind::StateDecl> {
  struct Item {
    Ident name;
    TypePtr type; // or null
    ExprPtr initial;
  };
  std::vector<Item> items;
};

struct Minimize : StmtOf<StmtKind::Minimize> {
  ExprPtr value;
};

/// `report accuracy = e`, or `report uneven` for a name in scope. `report a, b = e` is two of them.
struct Report : StmtOf<StmtKind::Report> {
  bool isJoined = false; // stands after a comma; only the formatter cares
  Ident name;
  ExprPtr value; // or null: the value of that name
};

/// `yield h, c`, `yield s, old = e`.
struct Yield : StmtOf<StmtKind::Yield> {
  struct Item {
    std::optional<Ident> name; // written with `=`; a bare Name names itself
    ExprPtr value;
  };
  std::vector<Item> items;
};

/// `draw s: sequence[b, t; vocab] ~ m(s.ids) after prompt until 3 by beam(4)`.
struct Draw : StmtOf<StmtKind::Draw> {
  Ident name;
  TypePtr type;
  ExprPtr from;
  ExprPtr after, until, by; // each or null
};

struct Expression : StmtOf<StmtKind::Expression> {
  ExprPtr value;
};

/// `forward(x: real[b]) -> real[b] { … }`; only in a model body.
struct Method : StmtOf<StmtKind::Method> {
  Ident name;
  std::vector<Parameter> parameters;
  TypePtr result; // or null
  Block body;
};

//===-- Declarations ------------------------------------------------------------------------===//

enum class DeclKind {
  Use,
  Config,
  Check,
  Record,
  Model,
  Fn,
  Divergence,
  Objective,
  Rollout,
  Optimizer,
  Train,
};

struct Decl {
  const DeclKind kind;
  Location at;
  Ident name; // its own name; the keyword for use, config and check
  virtual ~Decl() = default;

protected:
  explicit Decl(DeclKind kind) : kind(kind) {}
};
using DeclPtr = std::unique_ptr<Decl>;

template <DeclKind K> struct DeclOf : Decl {
  static constexpr DeclKind Kind = K;
  DeclOf() : Decl(K) {}
};

/// `use "prelude.frit"`.
struct Use : DeclOf<DeclKind::Use> {
  std::string path;
  Location pathAt;
};

/// `name = value` in config and check.
struct Setting {
  Location at;
  Ident name;
  ExprPtr value;
};

/// `config { width = 64, heads = 4 }`.
struct Config : DeclOf<DeclKind::Config> {
  std::vector<Setting> settings;
};

/// `check { width = 8, layers = 2 }`: the small sizes of the file's gradient checks.
struct Check : DeclOf<DeclKind::Check> {
  std::vector<Setting> settings;
};

/// `record sequence[rows.., t; vocab] { ids: token[rows.., t; vocab] }`.
struct Record : DeclOf<DeclKind::Record> {
  struct Field {
    Ident name;
    TypePtr type;
  };
  std::vector<TypeAxis> axes, event;
  bool hasEvent = false;
  std::vector<Field> fields;
};

struct Model : DeclOf<DeclKind::Model> {
  std::vector<Parameter> parameters;
  std::vector<StmtPtr> members; // Let (fields), AxisDecl, ParamDecl, StateDecl, Method
};

/// `fn f(x) -> t = e` or `fn f(x) -> t { … }`.
struct Fn : DeclOf<DeclKind::Fn> {
  std::vector<Parameter> parameters;
  TypePtr result; // or null
  Block body;     // one Expression if written with `=`
  bool isShort = false;
};

/// `divergence alpha(u; a = 0.5 in 0..1; limit 1: kl, limit 0: reverse_kl) = f(u)`.
struct Divergence : DeclOf<DeclKind::Divergence> {
  struct Limit {
    Location at;
    ExprPtr where; // the parameter's value
    ExprPtr then;  // the divergence there
  };
  std::vector<Parameter> parameters;
  std::vector<Limit> limits;
  ExprPtr generator;
};

struct Objective : DeclOf<DeclKind::Objective> {
  std::vector<Parameter> parameters;
  Block body;
};

struct Rollout : DeclOf<DeclKind::Rollout> {
  std::vector<Parameter> parameters;
  Block body;
};

struct Optimizer : DeclOf<DeclKind::Optimizer> {
  std::vector<Parameter> parameters;
  Block body;
};

/// A path of a checkpoint entry with holes: `*.scale`, `lm.head.*`, `blocks.{i}.attn.weight`.
struct PathPattern {
  Location at;
  std::vector<std::string> segments; // each without its dots; `*` matches anything, `{i}` is a hole
  std::string text() const;          // joined with dots
};

enum class TrainItemKind { Field, For, Run };

struct TrainItem {
  const TrainItemKind kind;
  Location at;
  virtual ~TrainItem() = default;

protected:
  explicit TrainItem(TrainItemKind kind) : kind(kind) {}
};
using TrainItemPtr = std::unique_ptr<TrainItem>;

template <TrainItemKind K> struct TrainItemOf : TrainItem {
  static constexpr TrainItemKind Kind = K;
  TrainItemOf() : TrainItem(K) {}
};

/// `lm = GPT() from "file" { "name.{i}" -> blocks.{i} }`, `eval = decode() every 100`.
struct Field : TrainItemOf<TrainItemKind::Field> {
  struct Mapping {
    Location at;
    std::string name; // in the file, with holes `{i}`
    Location nameAt;
    bool isFresh = false; // `-> fresh path`: not loaded, initialised anew
    PathPattern path;
  };
  Ident name;
  ExprPtr value;
  std::optional<std::string> from; // file
  Location fromAt;
  bool hasMap = false;
  std::vector<Mapping> map;
  ExprPtr every; // or null
};

/// `for *.scale, lm.tok.* { weight_decay = 0 }`.
struct For : TrainItemOf<TrainItemKind::For> {
  std::vector<PathPattern> patterns;
  std::vector<TrainItemPtr> items; // Fields
};

/// `run masked 3 { data = …, b = 4 }`.
struct Run : TrainItemOf<TrainItemKind::Run> {
  Ident objective;
  ExprPtr times; // a Number, or null: 1
  bool hasBody = false;
  std::vector<TrainItemPtr> items; // Fields and Fors
};

struct Train : DeclOf<DeclKind::Train> {
  std::vector<TrainItemPtr> items;
};

/// A comment from `#` to the end of its line, for the formatter.
struct Comment {
  Location at;
  bool ownLine = false; // nothing but space before it
};

/// One file.
struct Module {
  const Source *source = nullptr;
  std::vector<DeclPtr> decls;
  std::vector<Comment> comments; // in the order of the text
};

//===-- Reading a tree ----------------------------------------------------------------------===//

/// The node as a T, or null if it is of another kind (or null itself).
template <class T, class Base> const T *as(const Base *node) {
  return node && node->kind == T::Kind ? static_cast<const T *>(node) : nullptr;
}
template <class T, class Base> const T *as(const std::unique_ptr<Base> &node) {
  return as<T>(node.get());
}

/// `+`, `<=`, `and`, …
const char *spelling(BinaryOp op);
const char *spelling(UnaryOp op);
/// `model`, `objective`, …: the word that starts the declaration.
const char *spelling(DeclKind kind);

/// The tree as indented text without places: `--emit=ast`, and how tests compare two trees.
std::string dump(const Module &module);
std::string dump(const Expr &expr);

} // namespace frit::ast
