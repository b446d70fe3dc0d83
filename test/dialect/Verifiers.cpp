// Every complaint of the verifiers, triggered once.
#include "test/dialect/Text.h"
#include <catch2/catch.hpp>

using namespace frit::test;

static std::string errors(const std::string &text) { return Parsed(text).errors; }

/// What is said about ops in a function of x: f32[b: 2], y: f32[b: 2, t: 3], i: i32, with states w
/// and n.
static std::string errorsIn(const std::string &body) {
  return errors(R"(
    frit.state @w : !f32[b: 2] {role = "parameter"}
    func.func @f(%x: !f32[b: 2], %y: !f32[b: 2, t: 3], %i: !i32, %s: !f32) {
      )" + body +
                R"(
      return
    })");
}

#define SAYS(text, expected) CHECK_THAT(text, Catch::Contains(expected))

TEST_CASE("axes and values") {
  SAYS(errors("func.func private @f(tensor<2x2xf32, #frit.axes<b, b>>)"),
       "axis 'b' is there twice");
  SAYS(errors("func.func private @f(tensor<2xf32, #frit.axes<\"\">>)"), "an axis needs a name");
  SAYS(errors("func.func private @f(tensor<2xf32, #frit.axes<b, t>>)"), "2 names for 1 axes");
  SAYS(errors("func.func private @f(tensor<0xf32, #frit.axes<b>>)"),
       "axis 'b' must have a size of at least 1");
  SAYS(errors("func.func private @f(tensor<?xf32, #frit.axes<b>>)"),
       "axis 'b' must have a size of at least 1");
  SAYS(errors("func.func private @f(tensor<2xf32, #frit.axes<b>) "), "expected '>'");
  SAYS(errors("func.func @f(%x: tensor<2xf32>) {\n %y = frit.exp %x : (tensor<2xf32>) -> "
              "tensor<2xf32>\n return }"),
       "must be a static tensor of f32, f64, bf16, i32 or i1 whose encoding names its axes");
  SAYS(errors("func.func @f(%x: tensor<i64>) {\n %y = frit.neg %x : (tensor<i64>) -> tensor<i64>\n "
              "return }"),
       "must be a static tensor of f32");
}

TEST_CASE("lawful ops") {
  SAYS(errorsIn("%r = frit.exp %i : (!i32) -> !i32"),
       "'frit.exp' op the first operand is i32, but must be real");
  SAYS(errorsIn("%r = frit.exp %x : (!f32[b: 2]) -> !f32[b: 3]"),
       "'frit.exp' op gives f32[b: 3], but its operands make f32[b: 2]");
  SAYS(errorsIn("%r = frit.index {axes = #frit.axes<b>} : () -> !i32"), "that its result");
  SAYS(errorsIn("%r = frit.sum %y : (!f32[b: 2, t: 3]) -> !f32[b: 2]"),
       "requires attribute 'over'");
}

TEST_CASE("the order of axes is free") {
  CHECK(errorsIn("%r = frit.add %y, %x : (!f32[b: 2, t: 3], !f32[b: 2]) -> !f32[t: 3, b: 2]") ==
        "");
}

static std::string scan(const std::string &arguments, const std::string &yields,
                        const std::string &attributes, const std::string &results) {
  return errorsIn("%h:2 = frit.scan (%x) slices (%y) {\n^bb0(" + arguments + "):\n" + yields +
                  "\n} {" + attributes + "} : (!f32[b: 2], !f32[b: 2, t: 3]) -> (" + results + ")");
}

TEST_CASE("scan") {
  const std::string in = "%j: !i32, %c: !f32[b: 2], %e: !f32[b: 2]";
  const std::string yield = "frit.yield %c, %e : !f32[b: 2], !f32[b: 2]";
  const std::string how = "axis = \"t\", size = 3 : i64, kind = \"time\"";
  const std::string out = "!f32[b: 2], !f32[t: 3, b: 2]";
  CHECK(scan(in, yield, how, out) == "");
  CHECK(scan(in, yield, how + ", reverse", out) == "");
  SAYS(scan(in, yield, "axis = \"t\", size = 3 : i64, kind = \"space\"", out),
       "kind is 'space', but must be 'layers', 'time' or 'pieces'");
  SAYS(scan(in, yield, "axis = \"t\", size = 0 : i64, kind = \"time\"", out),
       "runs 0 times, but must run at least once");
  SAYS(scan("%j: !i32, %c: !f32[b: 2]", "frit.yield %c, %c : !f32[b: 2], !f32[b: 2]", how, out),
       "body has 2 arguments, but needs 3: index, carried values, slices");
  SAYS(scan("%j: !f32, %c: !f32[b: 2], %e: !f32[b: 2]", yield, how, out),
       "index is f32, but must be i32");
  SAYS(scan("%j: !i32, %c: !f32[b: 3], %e: !f32[b: 2]",
            "frit.yield %e, %e : !f32[b: 2], !f32[b: 2]", how, out),
       "carried value 0 is f32[b: 3] in the body, but starts as f32[b: 2]");
  SAYS(scan(in, yield, "axis = \"t\", size = 4 : i64, kind = \"time\"", out),
       "slices operand 0 is f32[b: 2, t: 3], but needs axis 't' of 4");
  SAYS(scan("%j: !i32, %c: !f32[b: 2], %e: !f32", "frit.yield %c, %c : !f32[b: 2], !f32[b: 2]", how,
            out),
       "slice 0 is f32 in the body, but must be f32[b: 2]");
  SAYS(scan("%j: !i32, %c: !f32[b: 2], %e: i32", "frit.yield %c, %c : !f32[b: 2], !f32[b: 2]", how,
            out),
       "slice 0 is no value in the body, but must be f32[b: 2]");
  SAYS(scan(in, "frit.yield %c : !f32[b: 2]", how, out),
       "yields 1 values for 2 results and 1 carried values");
  SAYS(scan(in, "frit.yield %j, %e : !i32, !f32[b: 2]", how, out),
       "carried value 0 starts as f32[b: 2] and goes on as i32");
  SAYS(scan(in, "frit.yield %c, %y : !f32[b: 2], !f32[b: 2, t: 3]", how, out),
       "stacks a value that has axis 't' already");
  SAYS(scan(in, yield, how, "!f32[b: 2], !f32[b: 2]"),
       "result 1 is f32[b: 2], but must be f32[t: 3, b: 2]");
}

TEST_CASE("group") {
  auto group = [](const std::string &kind, const std::string &argument, const std::string &result) {
    return errorsIn("%g = frit.group (%x) {\n^bb0(%a: " + argument + "):\nfrit.leave %a : " +
                    argument + "\n} {kind = \"" + kind + "\"} : (!f32[b: 2]) -> " + result);
  };
  CHECK(group("elementwise", "!f32[b: 2]", "!f32[b: 2]") == "");
  SAYS(group("best", "!f32[b: 2]", "!f32[b: 2]"), "kind is 'best', but must be");
  SAYS(group("row", "!f32", "!f32"), "arguments of the body are not of the types of the operands");
  SAYS(group("row", "!f32[b: 2]", "!f32"),
       "the values that leave are not of the types of the results");
}

TEST_CASE("gradient") {
  SAYS(errorsIn("%g = frit.gradient %x by %y : (!f32[b: 2], !f32[b: 2, t: 3]) -> !f32[b: 2, t: 3]"),
       "objective is f32[b: 2], but must be a real scalar");
  SAYS(errorsIn(
           "%g = frit.gradient %s by %x, %y : (!f32, !f32[b: 2], !f32[b: 2, t: 3]) -> !f32[b: 2]"),
       "has 1 results for 2 values");
  SAYS(errorsIn("%g = frit.gradient %s by %i : (!f32, !i32) -> !i32"),
       "by value 0, which is i32, but must be real");
  SAYS(errorsIn("%g = frit.gradient %s by %x : (!f32, !f32[b: 2]) -> !f32"),
       "result 0 is f32, but must be f32[b: 2]");
}

TEST_CASE("states") {
  auto state = [](const std::string &rest) { return errors("frit.state @w : " + rest); };
  CHECK(state(R"(!f32[layer: 2, b: 2] {role = "parameter", stacked = 1, tensors = ["a", "b"]})") ==
        "");
  CHECK(state(R"(!f32 {role = "scalar", initial = 0.5, flag = "lr", help = "how fast"})") == "");
  SAYS(state(R"(!f32 {role = "weight"})"), "role is 'weight', but must be one of parameter");
  SAYS(state(R"(!f32[b: 2] {role = "parameter", stacked = 2})"),
       "has 2 stacking axes, but is f32[b: 2]");
  SAYS(state(R"(!f32[layer: 2] {role = "parameter", stacked = 1, tensors = ["a"]})"),
       "names 1 tensors for 2 positions of its stacking axes");
  SAYS(state(R"(!f32 {role = "parameter", tensors = [1]})"), "names of tensors must be texts");
  SAYS(state(R"(!f32[b: 2] {role = "scalar", initial = 0.5})"),
       "of role scalar needs a type without axes");
  SAYS(state(R"(!f32 {role = "scalar"})"), "and an initial value");
  SAYS(state(R"(!f32 {role = "slot", flag = "lr"})"),
       "a default, a flag or a help line, which only role scalar has");
  SAYS(errorsIn("%r = frit.read @v : !f32"), "names no state: @v");
  SAYS(errorsIn("%r = frit.read @w : !f32"), "has f32, but state @w is f32[b: 2]");
  SAYS(errorsIn("frit.write %y, @w : !f32[b: 2, t: 3]"),
       "has f32[b: 2, t: 3], but state @w is f32[b: 2]");
}

TEST_CASE("entries") {
  auto entry = [](const std::string &rest) {
    return errors("frit.state @w : !f32 {role = \"state\"}\nfunc.func @train" + rest);
  };
  CHECK(entry("(%x: !f32 {frit.name = \"x\"}) attributes {frit.entry} {\n frit.write %x, @w : "
              "!f32\n return }") == "");
  SAYS(entry("(%x: !f32) attributes {frit.entry} { return }"),
       "is an entry, but argument 0 has no 'frit.name'");
  SAYS(entry("(%x: !f32 {frit.name = \"x\"}) -> !f32 attributes {frit.entry} { return %x : !f32 }"),
       "is an entry, but result 0 has no 'frit.name'");
  SAYS(entry("(%x: !f32 {frit.name = \"x\"}) attributes {frit.entry} {\n frit.write %x, @w : !f32\n"
             "frit.write %x, @w : !f32\n return }"),
       "is the second to @w in this entry");
  SAYS(entry(R"((%x: !f32 {frit.name = "x"}) attributes {frit.entry} {
         frit.scan () slices () {
         ^bb0(%i: !i32):
           frit.write %x, @w : !f32
           frit.yield
         } {axis = "t", size = 2 : i64, kind = "time"} : () -> ()
         return })"),
       "stands in a loop");
  SAYS(entry("() attributes {frit.entry = 1} { return }"),
       "cannot carry \"frit.entry\", a mark of functions");
  SAYS(errors("module attributes {frit.metadata = 1} {}"),
       "cannot carry \"frit.metadata\", a text of the module");
}
