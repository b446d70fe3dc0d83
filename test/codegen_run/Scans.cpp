// Loops: every way in which carried values, slices and stacks can lie in memory.
#include "Harness.h"

using namespace frit;
using namespace frit::test;

/// How many copies the plan needs, of all kinds.
static size_t copiesIn(const Plan &plan) {
  size_t count = 0;
  for (auto &[key, copies] : plan.copyTable)
    count += copies.size();
  return count;
}

/// Checks the program in both precisions and counts the copies of its plan.
static size_t scan(const std::string &text) {
  checkText(text);
  auto module = parse(replaceAll(text, "REAL", "f32"));
  return copiesIn(planMemory(*module));
}

TEST_CASE("a carried sum is added to in place", "[plan]") {
  CHECK(scan(R"(
func.func @main(%xs: tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "xs"}) -> (tensor<3xREAL, #frit.axes<d>> {frit.name = "sum"}) attributes {frit.entry} {
  %zero = frit.constant {value = 0.0 : f64, element = "REAL", axes = #frit.axes<d>} : () -> tensor<3xREAL, #frit.axes<d>>
  %sum = frit.scan (%zero) slices (%xs) {
  ^bb0(%i: tensor<i32>, %acc: tensor<3xREAL, #frit.axes<d>>, %x: tensor<3xREAL, #frit.axes<d>>):
    %next = frit.add %acc, %x : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
    frit.yield %next : tensor<3xREAL, #frit.axes<d>>
  } {axis = "t", size = 4 : i64, kind = "time"} : (tensor<3xREAL, #frit.axes<d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<3xREAL, #frit.axes<d>>
  return %sum : tensor<3xREAL, #frit.axes<d>>
})") == 0);
}

TEST_CASE("a recurrence writes its stack directly, in both directions", "[plan]") {
  for (const char *reverse : {"", "reverse, "})
    CHECK(scan(replaceAll(R"(
func.func @main(%h0: tensor<3xREAL, #frit.axes<d>> {frit.name = "h0"}, %xs: tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "xs"}) -> (tensor<3xREAL, #frit.axes<d>> {frit.name = "h"}, tensor<3xREAL, #frit.axes<d>> {frit.name = "s"}) attributes {frit.entry} {
  %h, %hs, %before = frit.scan (%h0) slices (%xs) {
  ^bb0(%i: tensor<i32>, %h1: tensor<3xREAL, #frit.axes<d>>, %x: tensor<3xREAL, #frit.axes<d>>):
    %a = frit.mul %h1, %x : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
    %b = frit.tanh %a : (tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
    %c = frit.add %b, %h1 : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
    frit.yield %c, %c, %h1 : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
  } {axis = "t", size = 4 : i64, REVERSE kind = "time"} : (tensor<3xREAL, #frit.axes<d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> (tensor<3xREAL, #frit.axes<d>>, tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>)
  %p = frit.mul %hs, %before : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  %s = frit.sum %p {over = #frit.axes<t>} : (tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<3xREAL, #frit.axes<d>>
  return %h, %s : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
})",
                          "REVERSE ", reverse)) ==
          2); // the input enters the tape, the last state leaves it
}

TEST_CASE("carried values that swap", "[plan]") {
  scan(R"(
func.func @main(%x: tensor<3xREAL, #frit.axes<d>> {frit.name = "x"}, %y: tensor<3xREAL, #frit.axes<d>> {frit.name = "y"}) -> (tensor<3xREAL, #frit.axes<d>> {frit.name = "a"}, tensor<3xREAL, #frit.axes<d>> {frit.name = "b"}) attributes {frit.entry} {
  %a, %b = frit.scan (%x, %y) slices () {
  ^bb0(%i: tensor<i32>, %p: tensor<3xREAL, #frit.axes<d>>, %q: tensor<3xREAL, #frit.axes<d>>):
    %s = frit.add %p, %q : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
    frit.yield %q, %s : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
  } {axis = "t", size = 5 : i64, kind = "time"} : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>)
  return %a, %b : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
})");
}

TEST_CASE("slices and stacks along an inner axis are copied", "[plan]") {
  CHECK(scan(R"(
func.func @main(%xs: tensor<3x4xREAL, #frit.axes<d, t>> {frit.name = "xs"}) -> (tensor<3x4xREAL, #frit.axes<d, t>> {frit.name = "ys"}, tensor<4xREAL, #frit.axes<t>> {frit.name = "n"}) attributes {frit.entry} {
  %ys, %n = frit.scan () slices (%xs) {
  ^bb0(%i: tensor<i32>, %x: tensor<3xREAL, #frit.axes<d>>):
    %r = frit.cast %i {to = "REAL"} : (tensor<i32>) -> tensor<REAL>
    %y = frit.mul %x, %r : (tensor<3xREAL, #frit.axes<d>>, tensor<REAL>) -> tensor<3xREAL, #frit.axes<d>>
    frit.yield %y, %r : tensor<3xREAL, #frit.axes<d>>, tensor<REAL>
  } {axis = "t", size = 4 : i64, kind = "time"} : (tensor<3x4xREAL, #frit.axes<d, t>>) -> (tensor<3x4xREAL, #frit.axes<d, t>>, tensor<4xREAL, #frit.axes<t>>)
  return %ys, %n : tensor<3x4xREAL, #frit.axes<d, t>>, tensor<4xREAL, #frit.axes<t>>
})") == 2);
}

TEST_CASE("a loop in a loop", "[plan]") {
  CHECK(scan(R"(
frit.state @w : tensor<2x3xREAL, #frit.axes<l, d>> {role = "parameter", stacked = 1 : i64}
func.func @main(%xs: tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "xs"}) -> (tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "ys"}) attributes {frit.entry} {
  %w = frit.read @w : tensor<2x3xREAL, #frit.axes<l, d>>
  %twice = frit.add %xs, %xs : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  %ys = frit.scan (%twice) slices (%w) {
  ^bb0(%l: tensor<i32>, %x: tensor<4x3xREAL, #frit.axes<t, d>>, %v: tensor<3xREAL, #frit.axes<d>>):
    %zero = frit.constant {value = 0.0 : f64, element = "REAL", axes = #frit.axes<d>} : () -> tensor<3xREAL, #frit.axes<d>>
    %last, %all = frit.scan (%zero) slices (%x) {
    ^bb0(%t: tensor<i32>, %h: tensor<3xREAL, #frit.axes<d>>, %e: tensor<3xREAL, #frit.axes<d>>):
      %a = frit.mul %h, %v : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
      %b = frit.add %a, %e : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
      %c = frit.tanh %b : (tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
      frit.yield %c, %c : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
    } {axis = "t", size = 4 : i64, kind = "time"} : (tensor<3xREAL, #frit.axes<d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> (tensor<3xREAL, #frit.axes<d>>, tensor<4x3xREAL, #frit.axes<t, d>>)
    %y = frit.add %all, %last : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
    frit.yield %y : tensor<4x3xREAL, #frit.axes<t, d>>
  } {axis = "l", size = 2 : i64, kind = "layers"} : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<2x3xREAL, #frit.axes<l, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  return %ys : tensor<4x3xREAL, #frit.axes<t, d>>
})") == 0); // the inner loop is done with the layer's input when its output is made
}

TEST_CASE("an optimiser updates its states in place", "[plan]") {
  CHECK(scan(R"(
frit.state @w : tensor<4x3xREAL, #frit.axes<t, d>> {role = "parameter"}
frit.state @m : tensor<4x3xREAL, #frit.axes<t, d>> {role = "slot"}
func.func @main(%g: tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "g"}) attributes {frit.entry} {
  %w = frit.read @w : tensor<4x3xREAL, #frit.axes<t, d>>
  %m = frit.read @m : tensor<4x3xREAL, #frit.axes<t, d>>
  %a = frit.add %m, %g : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  %b = frit.sub %w, %a : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  frit.write %a, @m : tensor<4x3xREAL, #frit.axes<t, d>>
  frit.write %b, @w : tensor<4x3xREAL, #frit.axes<t, d>>
  return
})") == 0);
}

TEST_CASE("a slot lies over its state, not over the gradient that dies", "[plan]") {
  CHECK(scan(R"(
frit.state @w : tensor<4x3xREAL, #frit.axes<t, d>> {role = "parameter"}
frit.state @m : tensor<4x3xREAL, #frit.axes<t, d>> {role = "slot"}
func.func @main(%x: tensor<4x3xREAL, #frit.axes<t, d>> {frit.name = "x"}) attributes {frit.entry} {
  %w = frit.read @w : tensor<4x3xREAL, #frit.axes<t, d>>
  %m = frit.read @m : tensor<4x3xREAL, #frit.axes<t, d>>
  %g = frit.mul %w, %x : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  %a = frit.add %g, %m : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  %b = frit.sub %w, %a : (tensor<4x3xREAL, #frit.axes<t, d>>, tensor<4x3xREAL, #frit.axes<t, d>>) -> tensor<4x3xREAL, #frit.axes<t, d>>
  frit.write %a, @m : tensor<4x3xREAL, #frit.axes<t, d>>
  frit.write %b, @w : tensor<4x3xREAL, #frit.axes<t, d>>
  return
})") == 0);
}

TEST_CASE("writes take effect at the end", "[plan]") {
  // States that change places, and one that is read after its new value is made.
  CHECK(scan(R"(
frit.state @a : tensor<3xREAL, #frit.axes<d>> {role = "state"}
frit.state @b : tensor<3xREAL, #frit.axes<d>> {role = "state"}
frit.state @c : tensor<3xREAL, #frit.axes<d>> {role = "state"}
func.func @main() -> (tensor<3xREAL, #frit.axes<d>> {frit.name = "old"}, tensor<3xREAL, #frit.axes<d>> {frit.name = "same"}) attributes {frit.entry} {
  %a = frit.read @a : tensor<3xREAL, #frit.axes<d>>
  %b = frit.read @b : tensor<3xREAL, #frit.axes<d>>
  %c = frit.read @c : tensor<3xREAL, #frit.axes<d>>
  %d = frit.add %c, %a : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
  frit.write %b, @a : tensor<3xREAL, #frit.axes<d>>
  frit.write %a, @b : tensor<3xREAL, #frit.axes<d>>
  frit.write %d, @c : tensor<3xREAL, #frit.axes<d>>
  %e = frit.mul %c, %d : (tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>) -> tensor<3xREAL, #frit.axes<d>>
  return %c, %e : tensor<3xREAL, #frit.axes<d>>, tensor<3xREAL, #frit.axes<d>>
})") == 7);
}

TEST_CASE("the judge sees a plan that is wrong", "[plan]") {
  auto module = parse(R"(
func.func @main(%x: tensor<3xf32, #frit.axes<d>> {frit.name = "x"}) -> (tensor<3xf32, #frit.axes<d>> {frit.name = "y"}) attributes {frit.entry} {
  %a = frit.exp %x : (tensor<3xf32, #frit.axes<d>>) -> tensor<3xf32, #frit.axes<d>>
  %b = frit.sin %x : (tensor<3xf32, #frit.axes<d>>) -> tensor<3xf32, #frit.axes<d>>
  %c = frit.add %a, %b : (tensor<3xf32, #frit.axes<d>>, tensor<3xf32, #frit.axes<d>>) -> tensor<3xf32, #frit.axes<d>>
  return %c : tensor<3xf32, #frit.axes<d>>
})");
  Plan plan = planMemory(*module);
  REQUIRE(checkPlan(*module, plan) == "");
  auto &body = module->lookupSymbol<mlir::func::FuncOp>("main").getBody().front();
  mlir::Value a = body.front().getResult(0), b = body.front().getNextNode()->getResult(0);
  plan.places[b] = plan.places[a];
  CHECK(checkPlan(*module, plan).find("something else lies at byte") != std::string::npos);
}

TEST_CASE("activations share memory", "[plan]") {
  // A chain needs one buffer (each op works in place), whatever its length.
  std::string text = R"(
func.func @main(%x: tensor<1024xf32, #frit.axes<d>> {frit.name = "x"}) -> (tensor<f32> {frit.name = "y"}) attributes {frit.entry} {
)",
              previous = "%x";
  for (int i = 0; i < 20; ++i) {
    std::string name = "%v" + std::to_string(i);
    text += "  " + name + " = frit.tanh " + previous +
            " : (tensor<1024xf32, #frit.axes<d>>) -> tensor<1024xf32, #frit.axes<d>>\n";
    previous = name;
  }
  text += "  %y = frit.sum " + previous +
          " {over = #frit.axes<d>} : (tensor<1024xf32, #frit.axes<d>>) -> tensor<f32>\n"
          "  return %y : tensor<f32>\n}\n";
  auto module = parse(text);
  Plan plan = planMemory(*module);
  CHECK(plan.arena == 4096 + 64 + 4096); // input, output, one buffer
  CHECK(plan.peak(2) == plan.arena);
}

TEST_CASE("the planned stage parses back", "[plan]") {
  auto module = parse(R"(
frit.state @w : tensor<f32> {role = "parameter"}
func.func @main() -> (tensor<f32> {frit.name = "y"}) attributes {frit.entry} {
  %w = frit.read @w : tensor<f32>
  %y = frit.exp %w : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
})");
  annotatePlan(*module, planMemory(*module));
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out);
  CHECK(text.find("frit.arena = 128") != std::string::npos);
  CHECK(text.find("frit.at = [\"64\"]") != std::string::npos);
  parse(text);
}

TEST_CASE("kernels and memory say where they come from", "[plan]") {
  auto module = parse(R"(
func.func @main(%x: tensor<f32> {frit.name = "x"}) -> (tensor<f32> {frit.name = "z"}) attributes {frit.entry} {
  %y = frit.exp %x : (tensor<f32>) -> tensor<f32> loc("lm.blocks"("gpt.frit":7:3))
  %z = frit.mul %y, %x : (tensor<f32>, tensor<f32>) -> tensor<f32> loc(fused["lm.a"("gpt.frit":7:3), "lm.b"("gpt.frit":9:3)])
  return %z : tensor<f32>
})");
  CompileOptions options;
  options.naive = true;
  auto level = compileLevel(*module, Target::host(), options);
  REQUIRE(bool(level));
  REQUIRE(level->calls.size() == 2);
  CHECK(level->calls[0].path == "lm.blocks");
  CHECK(level->calls[0].location == "gpt.frit:7");
  CHECK(level->calls[1].path == "lm.a, lm.b");
  CHECK(level->calls[1].location == "gpt.frit:7, gpt.frit:9");
  CHECK(level->plan.map[0].name == "main.x");
  CHECK(level->calls[1].bytes == 12);
}
