// Every sentence of the laws, triggered once; and what they allow beyond the obvious.
#include "dialect/ops/Builtins.h"
#include "test/dialect/TypeText.h"
#include <catch2/catch.hpp>

using namespace frit;
using test::type;

namespace {

using Names = std::vector<std::string>;
using Axes = std::vector<Axis>;

std::string refusal(const std::string &op, const std::vector<std::string> &operands,
                    const Attributes &attributes = {}) {
  INFO(op);
  REQUIRE(findBuiltin(op));
  std::vector<ValueType> types;
  for (const std::string &operand : operands)
    types.push_back(type(operand));
  return findBuiltin(op)->law(types, attributes).error;
}

Attributes over(Names names) { return {{"over", names}}; }

Attributes scatter(Axes into, Attributes more = {}) {
  more["into"] = into;
  more.insert({"mode", std::string("add")});
  return more;
}

} // namespace

TEST_CASE("refusals: elementwise") {
  CHECK(refusal("add", {"f32[b: 2, t: 512]", "f32[t: 480]"}) ==
        "axis 't' is 512 in the first operand and 480 in the second");
  CHECK(refusal("add", {"f32", "f64"}) == "the first operand is f32 and the second is f64");
  CHECK(refusal("add", {"f32", "i1"}) == "the second operand is i1, but must be a number");
  CHECK(refusal("exp", {"i32"}) == "the first operand is i32, but must be real");
  CHECK(refusal("exp", {}) == "takes 1 operands, not 0");
  CHECK(refusal("eq", {"f32"}) == "takes 2 operands, not 1");
  CHECK(refusal("and", {"i1", "i32"}) == "the second operand is i32, but must be i1");
  CHECK(refusal("select", {"f32", "f32", "f32"}) == "the first operand is f32, but must be i1");
  CHECK(refusal("select", {"i1", "f32", "i32"}) ==
        "the second operand is f32 and the third is i32");
  CHECK(refusal("cast", {"f32"}) == "needs the attribute 'to'");
  CHECK(refusal("cast", {"f32"}, {{"to", std::string("f8")}}) == "'to' is no element type: 'f8'");
}

TEST_CASE("refusals: reductions") {
  CHECK(refusal("sum", {"f32[b: 2, t: 3]"}, over({"u"})) ==
        "the first operand has no axis 'u', only [b, t]");
  CHECK(refusal("sum", {"f32[b: 2]"}, over({"b", "b"})) == "'over' names axis 'b' twice");
  CHECK(refusal("sum", {"i1[b: 2]"}, over({"b"})) ==
        "the first operand is i1, but must be a number");
  CHECK(refusal("any", {"f32[b: 2]"}, over({"b"})) == "the first operand is f32, but must be i1");
  CHECK(refusal("logsumexp", {"i32[b: 2]"}, over({"b"})) ==
        "the first operand is i32, but must be real");
  CHECK(refusal("softmax", {"f32[b: 2]", "f32"}, over({"b"})) == "takes 1 operand, not 2");
  CHECK(refusal("argmax", {"f32[b: 65536, t: 65536]"}, over({"b", "t"})) ==
        "positions along [b, t] do not fit an i32: there are 4294967296");
  CHECK(refusal("top_k", {"f32[b: 2, t: 3]"},
                {{"k", int64_t(4)}, {"over", Names{"t"}}, {"as", std::string("best")}}) ==
        "k is 4, but axis 't' has 3 elements");
  CHECK(refusal("top_k", {"f32[b: 2, t: 3]"},
                {{"k", int64_t(1)}, {"over", Names{"t"}}, {"as", std::string("b")}}) ==
        "the result would have axis 'b' twice");
  CHECK(refusal("sort", {"f32[b: 2, t: 3]"}, over({"b", "t"})) ==
        "'over' names 2 axes, but must name one");
}

TEST_CASE("refusals: contract, gather, scatter") {
  CHECK(refusal("contract", {"f32[b: 2, d: 3]", "f32[d: 4]"}, over({"d"})) ==
        "axis 'd' is 3 in the first operand and 4 in the second");
  CHECK(refusal("contract", {"f32[b: 2, d: 3]", "f32[e: 4]"}, over({"d"})) ==
        "the second operand has no axis 'd', only [e]");
  Attributes v{{"axes", Names{"v"}}};
  CHECK(refusal("gather", {"f32[v: 3]", "f32[t: 2]"}, v) ==
        "the second operand is f32, but must be i32");
  CHECK(refusal("gather", {"f32[v: 3]"}, v) == "takes 2 operands, not 1");
  CHECK(refusal("gather", {"f32[v: 3]"}, {{"axes", Names{}}}) == "names no axis to index");
  CHECK(refusal("gather", {"f32[b: 4, v: 3]", "i32[b: 2]"}, v) ==
        "axis 'b' is 4 in the first operand and 2 in the second");
  CHECK(refusal("gather", {"f32[v: 3]", "i32", "f32[v: 3]"},
                {{"axes", Names{"v"}}, {"fill", true}}) ==
        "what stands for positions outside is f32[v: 3], but must be a scalar of f32");
  Axes into{{"v", 3}};
  CHECK(refusal("scatter", {"f32[t: 2]", "i32[t: 2]"}, scatter({})) ==
        "names no axis to put values into");
  CHECK(refusal("scatter", {"f32[t: 2]", "i32[t: 2]"}, scatter({{"v", 0}})) ==
        "axis 'v' has size 0, but must have at least 1");
  CHECK(refusal("scatter", {"f32[t: 2]", "i32[t: 2]"},
                scatter(into, {{"mode", std::string("max")}})) ==
        "mode is 'max', but must be 'add' or 'set'");
  CHECK(refusal("scatter", {"f32[t: 2]", "i32[t: 2]"}, scatter(into, {{"aligned", Names{"b"}}})) ==
        "'aligned' names axis 'b', which no index has");
  CHECK(refusal("scatter", {"f32[v: 2]", "i32[t: 2]"}, scatter(into)) ==
        "the result would have axis 'v' twice");
  CHECK(refusal("scatter", {"f32[t: 2]", "i32[t: 2]", "f32[v: 4]"},
                scatter(into, {{"onto", true}})) ==
        "the value to put into is f32[v: 4], but must be f32[v: 3]");
}

TEST_CASE("refusals: shape") {
  Attributes rename{{"from", std::string("t")}, {"to", std::string("b")}};
  CHECK(refusal("rename", {"f32[b: 2]"}, rename) == "the first operand has no axis 't', only [b]");
  CHECK(refusal("rename", {"f32[b: 2, t: 3]"}, rename) == "the result would have axis 'b' twice");
  auto split = [](Axes into) { return Attributes{{"axis", std::string("t")}, {"into", into}}; };
  CHECK(refusal("split", {"f32[b: 2]"}, split({{"p", 2}})) ==
        "the first operand has no axis 't', only [b]");
  CHECK(refusal("split", {"f32[t: 6]"}, split({{"p", 2}, {"q", 2}})) ==
        "axis 't' is 6, but [p, q] has 4 elements");
  CHECK(refusal("split", {"f32[b: 2, t: 2]"}, split({{"b", 2}})) ==
        "the result would have axis 'b' twice");
  CHECK(refusal("split", {"f32[t: 4]"}, split({{"p", 2}, {"p", 2}})) ==
        "'into' names axis 'p' twice");
  CHECK(refusal("merge", {"f32[b: 2, t: 3]"}, {{"axes", Names{"t"}}, {"into", std::string("b")}}) ==
        "the result would have axis 'b' twice");
  Attributes stack{{"axis", std::string("t")}};
  CHECK(refusal("stack", {"f32[b: 2]", "f32[b: 3]"}, stack) ==
        "the first operand is f32[b: 2] and the second is f32[b: 3]");
  CHECK(refusal("stack", {"f32[t: 2]"}, stack) == "the result would have axis 't' twice");
  Attributes slice{{"axis", std::string("t")}, {"at", int64_t(3)}};
  CHECK(refusal("slice", {"f32[t: 3]"}, slice) == "element 3 of axis 't', which has 3");
  CHECK(refusal("slice", {"f32"}, slice) == "the first operand has no axis 't', only []");
  CHECK(refusal("broadcast", {"f32[t: 3]"}, {{"axes", Axes{{"t", 4}}}}) ==
        "axis 't' is 3 in the first operand and 4 in 'axes'");
}

TEST_CASE("refusals: values from nothing") {
  auto constant = [](double value, const char *element) {
    return Attributes{{"value", value}, {"element", std::string(element)}, {"axes", Axes{}}};
  };
  CHECK(refusal("index", {}, {{"axes", Axes{{"t", 1ll << 31}}}}) ==
        "positions along [t] do not fit an i32: there are 2147483648");
  CHECK(refusal("constant", {"f32"}, constant(1, "f32")) == "takes 0 operands, not 1");
  CHECK(refusal("constant", {}, constant(2, "i1")) == "2 is no i1");
  CHECK(refusal("constant", {}, constant(1.5, "i32")) == "1.5 is no i32");
  CHECK(refusal("constant", {}, constant(2147483648.0, "i32")) == "2147483648 is no i32");
  CHECK(refusal("constant", {}, constant(-2147483648.0, "i32")) == "");
  Attributes random{{"axes", Axes{}},
                    {"element", std::string("f32")},
                    {"distribution", std::string("cauchy")},
                    {"site", int64_t(0)}};
  CHECK(refusal("random", {"i32"}, random) == "takes 2 operands, not 1");
  CHECK(refusal("random", {"i32", "f32"}, random) ==
        "the second key is f32, but must be an i32 scalar");
  CHECK(refusal("random", {"i32", "i32"}, random) ==
        "distribution is 'cauchy', but must be 'uniform' or 'normal'");
  random["element"] = std::string("i32");
  CHECK(refusal("random", {"i32", "i32"}, random) == "'element' is i32, but must be real");
}

TEST_CASE("types print and compare by name") {
  CHECK(toString(type("f32[b: 4, t: 8]")) == "f32[b: 4, t: 8]");
  CHECK(toString(type("i1")) == "i1");
  CHECK(sameUpToOrder(type("f32[b: 4, t: 8]"), type("f32[t: 8, b: 4]")));
  CHECK_FALSE(sameUpToOrder(type("f32[b: 4]"), type("f32[b: 5]")));
  CHECK_FALSE(sameUpToOrder(type("f32[b: 4]"), type("f64[b: 4]")));
  CHECK_FALSE(sameUpToOrder(type("f32[b: 4]"), type("f32[b: 4, t: 1]")));
  CHECK_FALSE(elementOf("f16"));
}

TEST_CASE("the table of ops knows arguments") {
  REQUIRE(findBuiltin("top_k"));
  CHECK(findBuiltin("top_k")->attributes == Names{"k", "over", "as"});
  CHECK(findBuiltin("select")->operands == Names{"condition", "x", "y"});
  CHECK(findBuiltin("tanh")->callable);
  CHECK_FALSE(findBuiltin("select")->callable);
  CHECK(findBuiltin("tanh")->summary == "the hyperbolic tangent");
  CHECK_FALSE(findBuiltin("scan"));
  CHECK_FALSE(findBuiltin("nonsense"));
}
