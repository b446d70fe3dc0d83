// Which positions are proved inside, and are not looked at when the program runs: a proof that is
// wrong reads memory that is not the value's.
#include "test/language/Meaning.h"

using namespace frit;
using Catch::Contains;

/// Whether a gather of the program is one that looks at its positions.
static bool looks(const std::string &statements, const std::string &before = "") {
  Checked checked(reporting("  " + statements + "\n  report r = sum(z)", before));
  INFO(statements << "\n" << checked.messages);
  REQUIRE(checked.graph);
  bool found = false;
  std::function<void(const Block &)> visit = [&](const Block &block) {
    for (const Node &node : block.nodes) {
      found |= node.op == "gather" && node.attributes.count("checked");
      if (node.body)
        visit(*node.body);
    }
  };
  for (const EntryDecl &entry : checked.graph->entries)
    visit(entry.body);
  return found;
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
  bool looks = false;
  for (const EntryDecl &entry : meaning.checked.graph->entries)
    for (const Node &node : entry.body.nodes)
      looks |= node.op == "gather" && node.attributes.count("checked");
  CHECK(looks);
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
