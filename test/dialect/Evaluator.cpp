// Programs under the evaluator: loops, groups, states, and its complaints.
#include "dialect/reference/Evaluator.h"
#include "test/dialect/Text.h"
#include <catch2/catch.hpp>

using namespace frit;
using namespace frit::test;

static Array array(std::vector<Axis> axes, std::vector<double> data,
                   Element element = Element::F64) {
  Array out(ValueType{element, axes});
  out.data = data;
  return out;
}

static NamedArrays run(const std::string &text, NamedArrays &states, const NamedArrays &inputs) {
  Parsed parsed(text);
  REQUIRE(parsed.errors == "");
  return Evaluator(*parsed.module).run("f", states, inputs);
}

/// h <- 2 h + x[t] along t; every h is stacked.
static std::string recurrence(const char *reverse) {
  return std::string(R"(
    func.func @f(%x: !f64[b: 2, t: 3] {frit.name = "x"}) -> (!f64[b: 2] {frit.name = "last"}, !f64[t: 3, b: 2] {frit.name = "all"}, !i32[t: 3] {frit.name = "at"}) attributes {frit.entry} {
      %zero = frit.constant {value = 0.0, element = "f64", axes = #frit.axes<b>} : () -> !f64[b: 2]
      %two = frit.constant {value = 2.0, element = "f64", axes = #frit.axes<>} : () -> !f64
      %r:3 = frit.scan (%zero) slices (%x) {
      ^bb0(%i: !i32, %h: !f64[b: 2], %e: !f64[b: 2]):
        %d = frit.mul %h, %two : (!f64[b: 2], !f64) -> !f64[b: 2]
        %n = frit.add %d, %e : (!f64[b: 2], !f64[b: 2]) -> !f64[b: 2]
        frit.yield %n, %n, %i : !f64[b: 2], !f64[b: 2], !i32
      } {axis = "t", size = 3, kind = "time")") +
         reverse +
         R"(} : (!f64[b: 2], !f64[b: 2, t: 3]) -> (!f64[b: 2], !f64[t: 3, b: 2], !i32[t: 3])
      return %r#0, %r#1, %r#2 : !f64[b: 2], !f64[t: 3, b: 2], !i32[t: 3]
    })";
}

TEST_CASE("scan runs forwards and backwards, slicing an axis wherever it stands") {
  NamedArrays states, inputs{{"x", array({{"b", 2}, {"t", 3}}, {1, 2, 3, 4, 5, 6})}};
  NamedArrays out = run(recurrence(""), states, inputs);
  CHECK(out["last"].data == std::vector<double>{1 * 4 + 2 * 2 + 3, 4 * 4 + 5 * 2 + 6});
  CHECK(out["all"].data == std::vector<double>{1, 4, 4, 13, 11, 32});
  CHECK(out["at"].data == std::vector<double>{0, 1, 2});
  out = run(recurrence(", reverse"), states, inputs);
  CHECK(out["last"].data == std::vector<double>{3 * 4 + 2 * 2 + 1, 6 * 4 + 5 * 2 + 4});
  CHECK(out["all"].data == std::vector<double>{17, 38, 8, 17, 3, 6});
  CHECK(out["at"].data == std::vector<double>{0, 1, 2});
}

TEST_CASE("inputs may have their axes in any order") {
  NamedArrays states, inputs{{"x", array({{"t", 3}, {"b", 2}}, {1, 4, 2, 5, 3, 6})}};
  CHECK(run(recurrence(""), states, inputs)["last"].data == std::vector<double>{11, 32});
}

static const char *counter = R"(
  frit.state @n : !i32 {role = "counter"}
  frit.state @w : !f64[b: 2] {role = "state"}
  func.func @f(%x: !f64[b: 2] {frit.name = "x"}) -> (!i32 {frit.name = "n"}) attributes {frit.entry} {
    %n = frit.read @n : !i32
    %one = frit.constant {value = 1.0, element = "i32", axes = #frit.axes<>} : () -> !i32
    %next = frit.add %n, %one : (!i32, !i32) -> !i32
    frit.write %next, @n : !i32
    frit.write %x, @w : !f64[b: 2]
    %again = frit.read @n : !i32
    return %again : !i32
  })";

TEST_CASE("writes take effect at the end of the entry") {
  NamedArrays states{{"n", array({}, {5}, Element::I32)}}, inputs{{"x", array({{"b", 2}}, {1, 2})}};
  CHECK(run(counter, states, inputs)["n"].data == std::vector<double>{5});
  CHECK(states["n"].data == std::vector<double>{6});
  CHECK(states["w"].data == std::vector<double>{1, 2});
}

TEST_CASE("a group means what its ops mean") {
  NamedArrays states, inputs{{"x", array({{"b", 2}}, {1, 2})}};
  CHECK(run(R"(
    func.func @f(%x: !f64[b: 2] {frit.name = "x"}) -> (!f64 {frit.name = "y"}) attributes {frit.entry} {
      %y = frit.group (%x) {
      ^bb0(%a: !f64[b: 2]):
        %s = frit.mul %a, %a : (!f64[b: 2], !f64[b: 2]) -> !f64[b: 2]
        %t = frit.sum %s {over = #frit.axes<b>} : (!f64[b: 2]) -> !f64
        frit.leave %t : !f64
      } {kind = "row"} : (!f64[b: 2]) -> !f64
      return %y : !f64
    })",
            states, inputs)["y"]
            .data == std::vector<double>{5});
}

TEST_CASE("observe sees every op, those in bodies once per turn") {
  Parsed parsed(recurrence(""));
  Evaluator evaluator(*parsed.module);
  std::map<std::string, int> seen;
  evaluator.observe = [&](mlir::Operation *op, const Arrays &operands, const Arrays &results) {
    CHECK(operands.size() == op->getNumOperands());
    CHECK(results.size() == op->getNumResults());
    ++seen[op->getName().getStringRef().str()];
  };
  NamedArrays states, inputs{{"x", Array(ValueType{Element::F64, {{"b", 2}, {"t", 3}}})}};
  evaluator.run("f", states, inputs);
  CHECK(seen == std::map<std::string, int>{
                    {"frit.constant", 2}, {"frit.mul", 3}, {"frit.add", 3}, {"frit.scan", 1}});
}

TEST_CASE("complaints of the evaluator") {
  NamedArrays states{{"n", array({}, {5}, Element::I32)}}, none;
  CHECK_THROWS_WITH(run(counter, states, none), Catch::Contains("no input 'x' is given"));
  NamedArrays wrong{{"x", array({{"b", 3}}, {1, 2, 3})}}, right{{"x", array({{"b", 2}}, {1, 2})}};
  CHECK_THROWS_WITH(run(counter, states, wrong),
                    Catch::Contains("input 'x' is f64[b: 3], but must be f64[b: 2]"));
  NamedArrays empty;
  CHECK_THROWS_WITH(run(counter, empty, right),
                    Catch::Contains("frit.read: no state 'n' is given"));
  Parsed parsed(counter);
  CHECK_THROWS_WITH(Evaluator(*parsed.module).run("g", states, right),
                    Catch::Contains("no entry is called 'g'"));
  CHECK_THROWS_WITH(
      run(R"(
    func.func @f(%x: !f64 {frit.name = "x"}) attributes {frit.entry} {
      %g = frit.gradient %x by %x : (!f64, !f64) -> !f64
      return
    })",
          states, none = {{"x", array({}, {1})}}),
      Catch::Contains("frit.gradient: this op has no meaning of its own; a pass replaces it"));
}
