// `frit fmt`: the layout, and what it promises for every program and for mutated ones.
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Token.h"
#include "test/syntax/Programs.h"
#include "test/syntax/Promises.h"
#include <catch2/catch.hpp>
#include <random>

using namespace frit;

static std::string formatted(const std::string &text) {
  Sources sources;
  Diagnostics diagnostics;
  auto result = format(sources.add("test", text), diagnostics);
  CHECK(brokenPromise(text) == "");
  return result ? *result : diagnostics.render();
}

TEST_CASE("every program keeps its tree and its comments, and a second time changes nothing") {
  for (const Program &program : allPrograms()) {
    INFO(program.name);
    CHECK(brokenPromise(program.text) == "");
  }
}

TEST_CASE("lines stay within 100 columns") {
  for (const Program &program : allPrograms()) {
    std::string text = formatted(program.text);
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
      std::string line = text.substr(begin, end - begin);
      INFO(program.name << ": " << line);
      CHECK((line.size() <= 100 || line.find('#') != line.npos));
      CHECK((line.empty() || line.back() != ' '));
    }
  }
}

TEST_CASE("spaces and indentation") {
  CHECK(formatted("model  A( in,out ;bias=true ){\nparam w:real[out;in]~init\n"
                  "      f( x:real[..,in])->real[..,out]{ dot(x,w,over=in)+1 }\n}\n") ==
        "model A(in, out; bias = true) {\n"
        "  param w: real[out; in] ~ init\n"
        "  f(x: real[.., in]) -> real[.., out] { dot(x, w, over = in) + 1 }\n"
        "}\n");
  CHECK(formatted("fn f(x)=-x^2+y ^ -1*(a+b)^(c) % 3") ==
        "fn f(x) = -x^2 + y ^ -1 * (a + b) ^ (c) % 3\n");
  CHECK(formatted("fn f(p||q;a=1)=p") == "fn f(p || q; a = 1) = p\n");
  CHECK(formatted("fn f(x)= not a and b<=c implies D[ kl ](p||q)") ==
        "fn f(x) = not a and b <= c implies D[kl](p || q)\n");
}

TEST_CASE("an author's lines stay together, sloppy ones too") {
  CHECK(formatted("train t{a=1,b=2;c=3\n\n\n\nd=4 ;e=5\n}") ==
        "train t {\n  a = 1, b = 2;  c = 3\n\n  d = 4;  e = 5\n}\n");
  CHECK(formatted("config{a=1,b=2}") == "config { a = 1, b = 2 }\n");
  CHECK(formatted("config{}") == "config {}\n");
}

TEST_CASE("signs that are aligned stay so, others get one space") {
  CHECK(formatted("config {\n  a    = 1\n  long = 2\n  x  = 3\n}") ==
        "config {\n  a    = 1\n  long = 2\n  x = 3\n}\n");
  CHECK(formatted("model M() {\n      a    = 1;  b   = 2\n      long = 2;  ccc = 3\n}") ==
        "model M() {\n  a    = 1;  b   = 2\n  long = 2;  ccc = 3\n}\n");
  CHECK(formatted("model M() {\n  param a:   real[] = 1\n  param long: i32[] = 2\n}") ==
        "model M() {\n  param a: real[] = 1\n  param long: i32[] = 2\n}\n");
  CHECK(formatted("model M() {\n  param a:    real[] = 1\n  param long: i32[] = 2\n}") ==
        "model M() {\n  param a:    real[] = 1\n  param long: i32[] = 2\n}\n");
}

TEST_CASE("comments stay with what they stand beside") {
  std::string text = "# the file\n"
                     "\n"
                     "config {  # sizes\n"
                     "  # the width\n"
                     "  width = 3  # of all\n"
                     "\n"
                     "  # no more\n"
                     "}\n"
                     "objective o(m: model,  # the policy\n"
                     "            s: data,  # what it sees\n"
                     "            # and how\n"
                     "            beta: real[]  # strength\n"
                     ") {\n"
                     "  x = a +  # first\n"
                     "      b  # second\n"
                     "  y = f(x,  # argument\n"
                     "        # before z\n"
                     "        z)\n"
                     "}\n"
                     "# the end\n";
  CHECK(formatted(text) == text);
  CHECK(formatted("fn f(x)# why\n{x=# odd\n 3\n}") == "fn f(x  # why\n) {\n  x = 3\n  # odd\n}\n");
  CHECK(formatted("fn f(x) = if x {} # why\nelse { 1 }") ==
        "fn f(x) =\n  if x {} else {\n    # why\n    1\n  }\n");
  CHECK(formatted("fn f(x) = if x {} # why\nelse if a and b { 1 } else { 2 }") ==
        "fn f(x) =\n  if x {} else if a and\n                  # why\n                  b { 1 } "
        "else { 2 }\n");
}

TEST_CASE("long lines break at the outermost list") {
  std::string a(30, 'a'), b(30, 'b'), c(30, 'c');
  CHECK(formatted("fn f(x) { y = " + a + " + " + b + " * " + c + " + d }") ==
        "fn f(x) {\n  y = " + a + " +\n      " + b + " * " + c + " + d\n}\n");
  CHECK(
      formatted("objective o(" + a + ": model, " + b + ": model; " + c + " = 1) { minimize 1 }") ==
      "objective o(" + a + ": model, " + b + ": model;\n            " + c +
          " = 1) { minimize 1 }\n");
  CHECK(formatted("fn f(" + a + ", " + b + ") = " + b + " + " + c) ==
        "fn f(" + a + ", " + b + ") =\n  " + b + " + " + c + "\n");
  CHECK(formatted("fn f(x) = if " + a + " { " + b + " } else { " + c + " }") ==
        "fn f(x) =\n  if " + a + " { " + b + " }\n  else { " + c + " }\n");
}

TEST_CASE("every kind of declaration and statement has a layout") {
  std::string text =
      "use \"a\\\"b.frit\"\n"
      "check { width = 8 }\n"
      "record sequence[rows.., t; vocab] {\n"
      "  ids: token[rows.., t; vocab]\n"
      "  real: bool[rows.., t]\n"
      "}\n"
      "divergence alpha(u; a = 0.5 in 0..1; limit 1: kl, limit 0: reverse_kl) = u^a\n"
      "optimizer sgd(lr; momentum = 0) {\n"
      "  state m = 0, v: real[rows] = 0\n"
      "  weight = weight - lr * grad\n"
      "}\n"
      "rollout r(m: model, frozen p: model) {\n"
      "  draw y: token[b] ~ m(y).0 after p until 3 by beam(4)\n"
      "  h, c = scan i over [a, t] (h = 0, c: real[b] = 0; reverse = true) {\n"
      "    yield h, c\n"
      "  }\n"
      "  z = x[t = i - 1 else 0, s = j]\n"
      "  n: 3\n"
      "  report a = mean(z), b, c = 2\n"
      "  yield y, old = rename(h, [p, q] -> b)\n"
      "}\n"
      "train t {\n"
      "  lm = GPT() from \"x\" {\n"
      "    \"a.{i}\"  -> blocks.{i}.*\n"
      "    \"longer\" -> fresh head\n"
      "  }\n"
      "  eval = decode(beams = 4) every 100\n"
      "  run one 3 { b = 4 }\n"
      "  run two\n"
      "  for *.scale, lm.3.* { weight_decay = 0 }\n"
      "}\n";
  CHECK(formatted(text) == text);
}

TEST_CASE("a file with mistakes is not formatted") {
  Sources sources;
  Diagnostics diagnostics;
  CHECK(!format(sources.add("test", "model {"), diagnostics));
  CHECK(diagnostics.hasErrors());
}

TEST_CASE("empty files") {
  CHECK(formatted("") == "");
  CHECK(formatted("\n\n") == "");
  CHECK(formatted("# only this") == "# only this\n");
}

/// Programs with a few tokens deleted, doubled, swapped or taken from another program. Most do not
/// parse; parsing must say so and end, and those that do parse must keep every promise.
TEST_CASE("mutated programs keep the promises") {
  std::mt19937 random(17);
  std::vector<std::vector<std::string>> programs;
  Sources sources;
  for (const Program &program : allPrograms()) {
    Diagnostics diagnostics;
    std::vector<ast::Comment> comments;
    const Source &source = sources.add(program.name, program.text);
    std::vector<std::string> pieces; // tokens with the space and comments before them
    uint32_t end = 0;
    for (const Token &token : tokenize(source, diagnostics, comments)) {
      uint32_t stop = token.at.offset() + token.at.length;
      pieces.push_back(source.text.substr(end, stop - end));
      end = stop;
    }
    programs.push_back(std::move(pieces));
  }
  auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 1000; ++round) {
    const std::vector<std::string> &from = programs[below(programs.size())];
    size_t length = 20 + below(200), first = below(from.size());
    std::vector<std::string> pieces(from.begin() + first,
                                    from.begin() + std::min(from.size(), first + length));
    if (round % 2) // whole programs as well as cuttings
      pieces = from;
    for (size_t edit = 1 + below(3); edit-- > 0;) {
      size_t i = below(pieces.size()), j = below(pieces.size());
      const std::vector<std::string> &other = programs[below(programs.size())];
      switch (below(5)) {
      case 0:
        pieces[i] = "";
        break;
      case 1:
        pieces[i] += pieces[i];
        break;
      case 2:
        std::swap(pieces[i], pieces[j]);
        break;
      case 3:
        pieces[i] = other[below(other.size())];
        break;
      case 4:
        pieces[i] += " # a comment\n";
        break;
      }
    }
    std::string text;
    for (const std::string &piece : pieces)
      text += piece;
    std::string broken = brokenPromise(text);
    if (!broken.empty()) {
      INFO(text);
      CHECK(broken == "");
      return;
    }
  }
}
