// Which positions are proved inside, and are not looked at when the program runs: a proof that is
// wrong reads memory that is not the value's.
#include "test/language/Meaning.h"
#include <functional>
#include <random>

using namespace frit;
using Catch::Contains;

/// Whether a gather of the graph is one that looks at its positions.
static bool looks(const Graph &graph) {
  bool found = false;
  std::function<void(const Block &)> visit = [&](const Block &block) {
    for (const Node &node : block.nodes) {
      found |= node.op == "gather" && node.attributes.count("checked");
      if (node.body)
        visit(*node.body);
    }
  };
  for (const EntryDecl &entry : graph.entries)
    visit(entry.body);
  return found;
}

static bool looks(const std::string &statements) {
  Checked checked(reporting("  " + statements + "\n  report r = sum(z)"));
  INFO(statements << "\n" << checked.messages);
  REQUIRE(checked.graph);
  return looks(*checked.graph);
}

static std::string said(const std::string &statements) {
  return Checked(reporting("  " + statements)).messages;
}

TEST_CASE("A9: positions of arithmetic") {
  CHECK_FALSE(looks("z = x[t = index(b) + 1]"));
  CHECK(looks("z = x[t = index(b) + 2]"));
  CHECK(looks("z = x[t = index(b) - 1]"));
  CHECK_FALSE(looks("z = x[t = mod(k, 3)]"));
  CHECK(looks("z = x[t = mod(k, 4)]"));
  CHECK(looks("z = x[t = k]"));
  // Also of a value that is the same everywhere.
  CHECK_FALSE(looks("z = along(2.0, t)[t = mod(sum(k), 3)]"));
  CHECK(looks("z = along(2.0, t)[t = sum(k)]"));
}

TEST_CASE("A9: the largest of nothing is no position") {
  CHECK_FALSE(looks("z = x[t = max(along(index(t), b), over = t)]"));
  CHECK(looks("z = x[t = max(along(index(t), b), over = t, where = m)]"));
  CHECK(looks("z = x[t = min(along(index(t), b), over = t, where = m)]"));
  CHECK_FALSE(looks("z = x[t = max(where(m, index(t), 0), over = t)]"));
}

TEST_CASE("A9: a stack lies where all that is stacked lies") {
  CHECK_FALSE(looks("z = x[t = stack((index(b), index(b) + 1), over = n)]"));
  CHECK(looks("z = x[t = stack((index(b), index(b) + 2), over = n)]"));
}

TEST_CASE("A9: integers that go through layers may grow") {
  std::string up = "model Up() { forward(x: i32[b]) -> i32[b] { x + 1 } }\n"
                   "model Tower() { layers = repeat(5) Up();  forward(x: i32[b]) -> i32[b] { "
                   "layers(x) } }\n";
  std::string text = reporting("  report r = sum(x[t = tower(index(b))])", up);
  text.replace(text.find("m_: model"), 9, "m_: model, tower: model");
  text.replace(text.find("m_ = Nothing()"), 14, "m_ = Nothing();  tower = Tower()");
  Meaning meaning(text);
  CHECK_THROWS_WITH(meaning.reports({sampleData()}), Contains("position 5 of axis 't'"));
  CHECK(looks(*meaning.checked.graph));
}

namespace {
/// Random integers: i32[b] and i32[b, t], of everything that makes integers.
struct Integers {
  std::mt19937 random;
  int left; // how many more calls may stand in the text

  unsigned pick(unsigned n) { return random() % n; }
  std::string number(int low, int high) { return std::to_string(low + int(pick(high - low + 1))); }
  std::string rows() {
    if (--left < 0)
      return std::vector<std::string>{"k", "index(b)", number(-2, 4)}[pick(3)];
    switch (pick(15)) {
    case 0:
      return "(" + rows() + " + " + rows() + ")";
    case 1:
      return "(" + rows() + " - " + rows() + ")";
    case 2:
      return "(" + rows() + " * " + rows() + ")";
    case 3:
      return "maximum(" + rows() + ", " + rows() + ")";
    case 4:
      return "minimum(" + rows() + ", " + rows() + ")";
    case 5:
      return "mod(" + rows() + ", " + rows() + ")";
    case 6:
      return "mod(" + rows() + ", " + number(1, 4) + ")";
    case 7:
      return std::string(pick(2) ? "max(" : "min(") + grid() + ", over = t" +
             (pick(2) ? ", where = m)" : ")");
    case 8:
      return "argmax(x, over = t)";
    case 9:
      return "top_k(x, 2, over = t, as = best).1[best = " + number(0, 1) + "]";
    case 10:
      return "where(any(m, over = t), " + rows() + ", " + rows() + ")";
    case 11:
      return "sum(" + grid() + ", over = t)";
    case 12:
      return "stack((" + rows() + ", " + rows() + "), over = pair)[pair = " + number(0, 1) + "]";
    case 13:
      return "(" + grid() + ")[t = " + rows() + " else " + number(-1, 3) + "]";
    default:
      return "(" + grid() + ")[t = " + number(0, 2) + "]";
    }
  }
  std::string grid() {
    --left;
    switch (pick(6)) {
    case 0:
      return "along(index(t), b)";
    case 1:
      return "along(index(b) + " + rows() + ", t)";
    case 2:
      return "where(m, " + (left > 0 ? grid() : "along(index(t), b)") + ", along(index(t), b))";
    case 3:
      return "(along(index(t), b) + " + rows() + ")";
    case 4:
      return "cumsum(m, over = t)";
    default:
      return "sort(x, over = t).1";
    }
  }
};
} // namespace

TEST_CASE("A9: a position that is not looked at is inside, whatever is written") {
  std::mt19937 random(5);
  unsigned proved = 0, open = 0, refused = 0;
  for (int i = 0; i < 160; ++i) {
    Integers integers{std::mt19937(unsigned(random())), int(random() % 7)};
    std::string statement = "z = x[t = " + integers.rows() + "]";
    std::string text = reporting("  " + statement + "\n  report r = sum(z)");
    INFO(statement);
    if (Checked checked(text); !checked.graph) {
      ++refused; // a number that is known to be outside
      CHECK_THAT(checked.messages, Contains("error: position "));
      continue;
    }
    Meaning meaning(text);
    bool isOpen = looks(*meaning.checked.graph);
    ++(isOpen ? open : proved);
    for (int draw = 0; draw < 4 && !isOpen; ++draw) {
      NamedArrays data = sampleData();
      for (double &k : data.at("k").data)
        k = double(random() % 9) - 3;
      for (double &m : data.at("m").data)
        m = double(random() % 3 == 0);
      CHECK_NOTHROW(meaning.reports({data}));
    }
  }
  CHECK(proved > 30);
  CHECK(open > 30);
  CHECK(refused < 25);
}

TEST_CASE("a value is of tokens only while all of it is") {
  std::string nll = "p = categorical(logits = along(x, v), over = v)\n  z = nll(p, y)";
  std::string no = "error: a categorical gives probabilities to tokens, this is i32[b: 2, t: 3]";
  CHECK(said("y = where(m, ids, 3)\n  " + nll) == "");
  CHECK_THAT(said("y = where(m, ids, 4)\n  " + nll), Contains(no));
  CHECK_THAT(said("y = where(m, ids, along(k, t))\n  " + nll), Contains(no));
  CHECK(said("y = ids[t = index(t) - 1 else 0]\n  " + nll) == "");
  CHECK_THAT(said("y = ids[t = index(t) - 1 else 4]\n  " + nll), Contains(no));
  CHECK(said("y = scan i over t (a = ids[t = 0]) { a = where(m[t = i], a, 3);  yield a }\n  " +
             nll) == "");
  CHECK_THAT(said("y = scan i over t (a = ids[t = 0]) { a = where(m[t = i], a, 4);  yield a }"),
             Contains("error: carried 'a' starts as token[b: 2; v] and becomes i32[b: 2]"));
}

TEST_CASE("reductions of one number") {
  CHECK(valueOf("std(3.0)") == 0);
  CHECK(valueOf("softmax(3.0)") == 1);
  CHECK(valueOf("log_softmax(3.0)") == 0);
  CHECK(valueOf("logsumexp(3.0)") == 3);
  CHECK(valueOf("argmax(3.0)") == 0);
  CHECK_THAT(said("z = any(3)"), Contains("error: any wants a bool, this is the number 3"));
}
