// Text -> tree: every construct of docs/language.md's grammar, by its dump.
#include "dialect/syntax/Parser.h"
#include "test/syntax/Programs.h"
#include <catch2/catch.hpp>

using namespace frit;

static std::string expr(const std::string &text) {
  Sources sources;
  Diagnostics diagnostics;
  ast::ExprPtr tree = parseExpression(sources.add("test", text), diagnostics);
  return tree ? ast::dump(*tree) : diagnostics.render();
}

static std::string module(const std::string &text) {
  Sources sources;
  Diagnostics diagnostics;
  ast::Module tree = parse(sources.add("test", text), diagnostics);
  return diagnostics.hasErrors() ? diagnostics.render() : ast::dump(tree);
}

/// The dump of the statements of an objective with this body, without the objective's line.
static std::string body(const std::string &text) {
  std::string dump = module("objective o() {\n" + text + "\n}");
  std::string head = "objective o\n";
  return dump.substr(0, head.size()) == head ? dump.substr(head.size()) : dump;
}

TEST_CASE("every program parses") {
  auto programs = allPrograms();
  REQUIRE(programs.size() >= 16);
  for (const Program &program : programs) {
    Sources sources;
    Diagnostics diagnostics;
    ast::Module tree = parse(sources.add(program.name, program.text), diagnostics);
    INFO(diagnostics.render());
    CHECK(!diagnostics.hasErrors());
    CHECK(!tree.decls.empty());
  }
}

TEST_CASE("operators bind as the grammar says") {
  CHECK(expr("a + b * c") == "(+ a (* b c))");
  CHECK(expr("a - b - c") == "(- (- a b) c)");
  CHECK(expr("a / b / c % d") == "(% (/ (/ a b) c) d)");
  CHECK(expr("-x^2") == "(- (^ x 2))");
  CHECK(expr("x^-y") == "(^ x (- y))");
  CHECK(expr("x^y^z") == "(^ x (^ y z))");
  CHECK(expr("-a * b") == "(* (- a) b)");
  CHECK(expr("not a < b and c or d implies e implies f") ==
        "(implies (or (and (not (< a b)) c) d) (implies e f))");
  CHECK(expr("a - b == -c") == "(== (- a b) (- c))");
  CHECK(expr("(a + b) * c") == "(* (+ a b) c)");
}

TEST_CASE("what follows a value") {
  CHECK(expr("f(x, t = 3).0.in[t = i - 1 else 0, j = k]") ==
        "(index (. (. (call f x t=3) 0) in) t=(- i 1) else 0 j=k)");
  CHECK(expr("betas.0.1") == "(. (. betas 0) 1)");
  CHECK(expr("D[alpha(a = 1)](p || temper(q, T))") ==
        "(call (bracket D (call alpha a=1)) (|| p (call temper q T)))");
  CHECK(expr("rename(x, [p, sample] -> b)") == "(call rename x (-> (group p sample) b))");
  CHECK(expr("f(a, b,)") == "(call f a b)");
  CHECK(expr("f()") == "(call f)");
}

TEST_CASE("atoms, and the escapes of strings (G5)") {
  CHECK(expr("[gate: 4, n, [a, b]]") == "(group gate:4 n (group a b))");
  CHECK(expr("[]") == "(group)");
  CHECK(expr("(a, b)") == "(tuple a b)");
  CHECK(expr("(a)") == "a");
  CHECK(expr(R"("a\n\t\"\\b")") == R"("a\n\t\"\\b")");
  CHECK(expr("repeat(layer: layers) Block(layer)") == "(repeat layer:layers (call Block layer))");
  CHECK(expr("repeat(2) Block()") == "(repeat 2 (call Block))");
  CHECK(expr("if a { x = 1; x } else if b { 2 } else { 3 }") ==
        "(if a { let x = 1; value x; } { value (if b { value 2; } { value 3; }); })");
  CHECK(expr("scan i over t (h = h0, c: real[b] = 0; reverse = true) { yield h, c }") ==
        "(scan i over t (h=h0 c: real[b]=0 ; reverse=true) { yield h, c,; })");
  CHECK(expr("scan i over [a, b] () { yield 1 }") == "(scan i over (group a b) () { yield 1,; })");
}

TEST_CASE("G4: numbers are exact where 64 bits hold them") {
  auto number = [](const std::string &text) {
    Sources sources;
    Diagnostics diagnostics;
    ast::ExprPtr tree = parseExpression(sources.add("test", text), diagnostics);
    REQUIRE(ast::as<ast::Number>(tree));
    auto *node = ast::as<ast::Number>(tree);
    return std::make_tuple(node->value, node->isInteger,
                           node->exact.value_or(ast::Rational{-1, -1}));
  };
  using ast::Rational;
  CHECK(number("12") == std::make_tuple(12.0, true, Rational{12, 1}));
  CHECK(number("007") == std::make_tuple(7.0, true, Rational{7, 1}));
  CHECK(number("0.5") == std::make_tuple(0.5, false, Rational{1, 2}));
  CHECK(number("0.95") == std::make_tuple(0.95, false, Rational{19, 20}));
  CHECK(number("1e-3") == std::make_tuple(1e-3, false, Rational{1, 1000}));
  CHECK(number("1.50E+3") == std::make_tuple(1500.0, false, Rational{1500, 1}));
  CHECK(number("0.0e99") == std::make_tuple(0.0, false, Rational{0, 1}));
  CHECK(number("9223372036854775807") ==
        std::make_tuple(9223372036854775807.0, true, Rational{9223372036854775807, 1}));
  CHECK(number("1e-30") == std::make_tuple(1e-30, false, Rational{-1, -1}));
  CHECK(number("1e19") == std::make_tuple(1e19, false, Rational{-1, -1}));
  CHECK(number("100000000000000000000.0e-20") == std::make_tuple(1.0, false, Rational{1, 1}));
  CHECK(number("1e-18") == std::make_tuple(1e-18, false, Rational{1, 1000000000000000000}));
  CHECK(number("0.0000152587890625") == std::make_tuple(0x1p-16, false, Rational{1, 65536}));
}

TEST_CASE("statements") {
  CHECK(body("q, v = f(x)") == "  let q, v = (call f x)\n");
  CHECK(body("dh: width / heads") == "  axis dh: (/ width heads)\n");
  CHECK(body("param w: real[out; in, k] ~ init") == "  param w: real[out; in, k] ~ init if none\n");
  CHECK(body("param o: real[out] = 0 if bias") == "  param o: real[out] = 0 if bias\n");
  CHECK(body("state m = 0, v: real[n] = 1") == "  state m: none = 0, v: real[n] = 1,\n");
  CHECK(body("minimize a; report b; report c = d, e") ==
        "  minimize a\n  report b = none\n  report c = d\n  report e = none\n");
  CHECK(body("yield s, old = f(x)") == "  yield s, old = (call f x),\n");
  CHECK(body("draw y: sequence[b, t: 12; vocab] ~ m(y.ids) after p until 3 by beam(4)") ==
        "  draw y: sequence[b, t: 12; vocab] ~ (call m (. y ids)) after p until 3 by "
        "(call beam 4)\n");
}

TEST_CASE("G6: where a line ends") {
  CHECK(body("a = b\n-c") == "  let a = b\n  value (- c)\n");
  CHECK(body("a = b -\nc") == "  let a = (- b c)\n");
  CHECK(body("a = (b\n- c)") == "  let a = (- b c)\n");
  CHECK(body("a = f(b,\nc)\n(d)") == "  let a = (call f b c)\n  value d\n");
  CHECK(body("f\n(a)") == "  value f\n  value a\n");
  CHECK(body("a =\n  b and\n c") == "  let a = (and b c)\n");
  CHECK(body("a = if c { 1 }\nelse\n{ 2 }") == "  let a = (if c { value 1; } { value 2; })\n");
  CHECK(body("a; ; b;") == "  value a\n  value b\n");
  CHECK(body("f(x, if c {\n a = 1\n a } else { 2 })") ==
        "  value (call f x (if c { let a = 1; value a; } { value 2; }))\n");
  CHECK(body("a = b\r\nc # comment\r\n") == "  let a = b\n  value c\n");
}

TEST_CASE("types") {
  CHECK(module("fn f(a: real[.., n], b: [rows.., t; v], c: (real[], i32), d: real[dir: 2, base.in])"
               " -> [b] = a") == "fn f\n"
                                 "  parameter a: real[.., n] = none in none..none\n"
                                 "  parameter b: [rows.., t; v] = none in none..none\n"
                                 "  parameter c: (real[], i32) = none in none..none\n"
                                 "  parameter d: real[dir: 2, base.in] = none in none..none\n"
                                 "  result [b]\n"
                                 "  value a\n");
}

TEST_CASE("declarations, with named parameters (G8), ranges and limits (G9)") {
  CHECK(module("use \"a.frit\"\nconfig { a = 1, b = 2; c = 3\n d = 4 }\ncheck { a = 2 }") ==
        "use use\n  \"a.frit\"\n"
        "config config\n  a = 1\n  b = 2\n  c = 3\n  d = 4\n"
        "check check\n  a = 2\n");
  CHECK(module("record sequence[rows.., t; vocab] {\n ids: token[rows.., t; vocab]\n"
               " real: bool[rows.., t]; row: i32[rows..]\n}") ==
        "record sequence\n  [rows.., t; vocab]\n  ids: token[rows.., t; vocab]\n"
        "  real: bool[rows.., t]\n  row: i32[rows..]\n");
  CHECK(module("divergence alpha(u; a = 0.5 in 0..1; limit 1: kl, limit 0: reverse_kl) = u ^ a") ==
        "divergence alpha\n"
        "  parameter u: none = none in none..none\n"
        "  named a: none = 0.5 in 0..1\n"
        "  limit 1: kl\n  limit 0: reverse_kl\n"
        "  (^ u a)\n");
  CHECK(module("model M(in, base: model; bias = true) { d: in\n f(x) -> real[] { x } }") ==
        "model M\n"
        "  parameter in: none = none in none..none\n"
        "  parameter base: model = none in none..none\n"
        "  named bias: none = true in none..none\n"
        "  axis d: in\n"
        "  method f\n"
        "    parameter x: none = none in none..none\n"
        "    result real[]\n"
        "    value x\n");
  CHECK(module("objective o(m: model, frozen r: model; beta = 1) { minimize m }") ==
        "objective o\n"
        "  parameter m: model = none in none..none\n"
        "  frozen parameter r: model = none in none..none\n"
        "  named beta: none = 1 in none..none\n"
        "  minimize m\n");
}

TEST_CASE("train") {
  CHECK(module("train t {\n"
               "  lm = GPT() from \"a\" { \"x.{i}.w\" -> blocks.{i}.w, \"h\" -> fresh head.w }\n"
               "  b = 4, t = 10; eval = decode(beams = 4) every 100\n"
               "  for *.scale, lm.3.* { frozen = true }\n"
               "  run one 3 { b = 2 }\n"
               "  run two\n"
               "}") == "train t\n"
                       "  lm = (call GPT) every none\n"
                       "    from \"a\" map\n"
                       "    \"x.{i}.w\" -> blocks.{i}.w\n"
                       "    \"h\" -> fresh head.w\n"
                       "  b = 4 every none\n"
                       "  t = 10 every none\n"
                       "  eval = (call decode beams=4) every 100\n"
                       "  for *.scale lm.3.*\n"
                       "    frozen = true every none\n"
                       "  run one 3 with\n"
                       "    b = 2 every none\n"
                       "  run two none\n");
}

TEST_CASE("G3: words of declarations are names elsewhere") {
  CHECK(body("model = train + optimizer.use") == "  let model = (+ train (. optimizer use))\n");
  CHECK(expr("x.state") == "(. x state)");
}

TEST_CASE("G3: words of declarations are names even where a line starts") {
  CHECK(body("limit: (0)( # c\ntrain implies x)") == "  axis limit: (call 0 (implies train x))\n");
  CHECK(module("fn f() = if 0.5+\n\n  # own\n\nuse {} else {}") ==
        "fn f\n  result none\n  value (if (+ 0.5 use) { } { })\n");
  CHECK(module("divergence d(u) = 1e-3+\nmodel\nuse \"a\"") ==
        "divergence d\n  parameter u: none = none in none..none\n  (+ 1e-3 model)\n"
        "use use\n  \"a\"\n");
}

TEST_CASE("places: every node covers its text") {
  Sources sources;
  Diagnostics diagnostics;
  const Source &source = sources.add("test", "  f(a, (b + c))[t = d]  ");
  ast::ExprPtr tree = parseExpression(source, diagnostics);
  auto *index = ast::as<ast::Index>(tree);
  REQUIRE(index);
  CHECK(index->at.text() == "f(a, (b + c))[t = d]");
  CHECK(index->at.column == 3);
  CHECK(index->entries[0].axis.at.text() == "t");
  auto *call = ast::as<ast::Call>(index->base);
  REQUIRE(call);
  CHECK(call->at.text() == "f(a, (b + c))");
  CHECK(call->arguments[1].value->at.text() == "(b + c)");
  CHECK(call->arguments[1].value->parenthesised);
}

TEST_CASE("G2: comments are kept with their place") {
  Sources sources;
  Diagnostics diagnostics;
  ast::Module tree = parse(sources.add("t", "# one\nuse \"a\" # two \r\n  # three"), diagnostics);
  REQUIRE(tree.comments.size() == 3);
  CHECK(tree.comments[0].ownLine);
  CHECK(tree.comments[1].at.text() == "# two");
  CHECK(!tree.comments[1].ownLine);
  CHECK(tree.comments[2].at.line == 3);
}

TEST_CASE("G7: the height of a tree is bounded, whatever makes it high") {
  auto repeated = [](std::string unit, size_t n) {
    std::string text;
    for (size_t i = 0; i < n; ++i)
      text += unit;
    return text;
  };
  constexpr size_t many = 100'000;
  std::string deep[] = {
      repeated("(", many),
      repeated("[", many),
      repeated("f(", many),
      repeated("-", many) + "x",
      repeated("not ", many) + "x",
      "x" + repeated("+x", many),
      "x" + repeated("^x", many),
      "x" + repeated(".x", many),
      "x" + repeated("(x)", many),
      "x" + repeated(" implies x", many),
      repeated("if a { ", many),
      "if a { 1 }" + repeated(" else if a { 1 }", many),
      repeated("repeat(", many),
      repeated("repeat(2) ", many),
      repeated("scan i over t (a: real[b: ", many),
  };
  for (const std::string &text : deep) {
    INFO(text.substr(0, 40));
    CHECK(expr(text).find("levels of nesting") != std::string::npos);
  }
  CHECK(module("fn f(a: " + repeated("(", many)).find("levels of nesting") != std::string::npos);
  CHECK(expr(repeated("(", 50) + "x" + repeated(")", 50)) == "x");
  CHECK(expr("x" + repeated(" + x", 150)).find("error") == std::string::npos);
}
