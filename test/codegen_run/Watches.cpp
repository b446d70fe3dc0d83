// Positions outside an axis: compiled code says so, whichever way the op was lowered, and says the
// same for any number of threads. Language rule A9.
#include "Harness.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"

using namespace frit;
using namespace frit::test;

namespace {

/// What a run of `main` complains of; empty if it does not.
std::string complaint(Loaded &loaded, mlir::ModuleOp module, const NamedArrays &inputs) {
  NamedArrays states;
  try {
    loaded.run("main", states, inputs);
  } catch (const EvaluationError &error) {
    return error.what();
  }
  return "";
}

/// Runs `main` with these positions as its i32 input `i`, all the ways there are.
void expect(const std::string &text, const std::vector<double> &positions,
            const std::string &wanted, const std::vector<double> &mask = {}) {
  for (bool fused : {false, true}) {
    auto module = parse(text);
    std::mt19937 random(1);
    NamedArrays inputs = randomInputs(module->lookupSymbol<mlir::func::FuncOp>("main"), random);
    inputs.at("i").data = positions;
    if (!mask.empty())
      inputs.at("m").data = mask;
    NamedArrays states;
    if (wanted.empty())
      CHECK_NOTHROW(Evaluator(*module).run("main", states, inputs));
    else
      CHECK_THROWS_AS(Evaluator(*module).run("main", states, inputs), EvaluationError);
    if (fused) {
      mlir::PassManager passes(&context());
      passes.addPass(createLayout());
      passes.addPass(createFuse());
      REQUIRE(mlir::succeeded(passes.run(*module)));
    }
    for (bool naive : {true, false}) {
      mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
      CompileOptions options;
      options.naive = naive;
      options.worthSharing = 0;
      auto level = compileLevel(*copy, Target::host(), options);
      REQUIRE(bool(level));
      for (int threads : {1, 2, 3}) {
        INFO((fused ? "fused " : "") << (naive ? "naive " : "") << threads << " threads");
        auto loaded = Loaded::load(*level, threads);
        REQUIRE(bool(loaded));
        CHECK(complaint(**loaded, *copy, inputs) == wanted);
        // The words are clean again.
        NamedArrays fine = inputs;
        for (double &position : fine.at("i").data)
          position = 1;
        CHECK(complaint(**loaded, *copy, fine) == "");
      }
    }
  }
}

std::vector<double> ones(size_t count) { return std::vector<double>(count, 1); }
std::vector<double> with(std::vector<double> list, size_t at, double value) {
  list[at] = value;
  return list;
}

const char *const lines = R"(
  func.func @main(%x: tensor<5xf32, #frit.axes<v>> {frit.name = "x"}, %i: tensor<37xi32, #frit.axes<t>> {frit.name = "i"}) -> (tensor<37xf32, #frit.axes<t>> {frit.name = "y"}) attributes {frit.entry} {
    %0 = frit.gather %x, %i {axes = #frit.axes<v>, checked} : (tensor<5xf32, #frit.axes<v>>, tensor<37xi32, #frit.axes<t>>) -> tensor<37xf32, #frit.axes<t>> loc("a.frit":7:9)
    %1 = frit.mul %0, %0 : (tensor<37xf32, #frit.axes<t>>, tensor<37xf32, #frit.axes<t>>) -> tensor<37xf32, #frit.axes<t>>
    return %1 : tensor<37xf32, #frit.axes<t>>
  }
)";

} // namespace

TEST_CASE("a checked gather: each lane, above and below", "[watch]") {
  expect(lines, ones(37), "");
  expect(lines, with(ones(37), 36, 4), "");
  for (size_t at : {0, 5, 17, 36}) {
    expect(lines, with(ones(37), at, 5), "a.frit:7:9: index 5 of axis 'v' is outside 0..4");
    expect(lines, with(ones(37), at, -1), "a.frit:7:9: index -1 of axis 'v' is outside 0..4");
    expect(lines, with(ones(37), at, 2147483647),
           "a.frit:7:9: index 2147483647 of axis 'v' is outside 0..4");
    expect(lines, with(ones(37), at, -2147483648.0),
           "a.frit:7:9: index -2147483648 of axis 'v' is outside 0..4");
  }
  // Of several the least.
  expect(lines, with(with(ones(37), 3, 9), 30, 7),
         "a.frit:7:9: index 7 of axis 'v' is outside 0..4");
}

TEST_CASE("rows at a position, two axes at once, a position that was computed", "[watch]") {
  const char *text = R"(
  func.func @main(%x: tensor<5x3x4xf32, #frit.axes<v, u, d>> {frit.name = "x"}, %i: tensor<6xi32, #frit.axes<t>> {frit.name = "i"}) -> (tensor<6x4xf32, #frit.axes<t, d>> {frit.name = "y"}) attributes {frit.entry} {
    %two = frit.constant {value = 2.0 : f64, element = "i32", axes = #frit.axes<>} : () -> tensor<i32>
    %j = frit.mul %i, %two : (tensor<6xi32, #frit.axes<t>>, tensor<i32>) -> tensor<6xi32, #frit.axes<t>>
    %0 = frit.gather %x, %j, %i {axes = #frit.axes<v, u>, checked} : (tensor<5x3x4xf32, #frit.axes<v, u, d>>, tensor<6xi32, #frit.axes<t>>, tensor<6xi32, #frit.axes<t>>) -> tensor<6x4xf32, #frit.axes<t, d>> loc("a.frit":3:1)
    return %0 : tensor<6x4xf32, #frit.axes<t, d>>
  }
)";
  expect(text, {0, 1, 2, 2, 1, 0}, "");
  expect(text, {0, 1, 2, 3, 1, 0}, "a.frit:3:1: index 6 of axis 'v' is outside 0..4");
  expect(text, {0, 1, 2, -1, 1, 0}, "a.frit:3:1: index -2 of axis 'v' is outside 0..4");
}

TEST_CASE("a checked gather in a loop, one with `else` beside it", "[watch]") {
  const char *text = R"(
  func.func @main(%x: tensor<5xf32, #frit.axes<v>> {frit.name = "x"}, %i: tensor<4x3xi32, #frit.axes<l, b>> {frit.name = "i"}, %h: tensor<3xf32, #frit.axes<b>> {frit.name = "h"}, %e: tensor<f32> {frit.name = "e"}) -> (tensor<3xf32, #frit.axes<b>> {frit.name = "y"}) attributes {frit.entry} {
    %three = frit.constant {value = 3.0 : f64, element = "i32", axes = #frit.axes<>} : () -> tensor<i32>
    %r = frit.scan (%h) slices (%i) {
    ^bb0(%n: tensor<i32>, %c: tensor<3xf32, #frit.axes<b>>, %k: tensor<3xi32, #frit.axes<b>>):
      %far = frit.mul %k, %three : (tensor<3xi32, #frit.axes<b>>, tensor<i32>) -> tensor<3xi32, #frit.axes<b>>
      %0 = frit.gather %x, %k {axes = #frit.axes<v>, checked} : (tensor<5xf32, #frit.axes<v>>, tensor<3xi32, #frit.axes<b>>) -> tensor<3xf32, #frit.axes<b>> loc("a.frit":3:1)
      %1 = frit.gather %x, %far, %e {axes = #frit.axes<v>, fill} : (tensor<5xf32, #frit.axes<v>>, tensor<3xi32, #frit.axes<b>>, tensor<f32>) -> tensor<3xf32, #frit.axes<b>> loc("a.frit":4:1)
      %2 = frit.mul %0, %1 : (tensor<3xf32, #frit.axes<b>>, tensor<3xf32, #frit.axes<b>>) -> tensor<3xf32, #frit.axes<b>>
      %3 = frit.add %2, %c : (tensor<3xf32, #frit.axes<b>>, tensor<3xf32, #frit.axes<b>>) -> tensor<3xf32, #frit.axes<b>>
      frit.yield %3 : tensor<3xf32, #frit.axes<b>>
    } {axis = "l", size = 4 : i64, kind = "layers"} : (tensor<3xf32, #frit.axes<b>>, tensor<4x3xi32, #frit.axes<l, b>>) -> tensor<3xf32, #frit.axes<b>>
    return %r : tensor<3xf32, #frit.axes<b>>
  }
)";
  std::vector<double> inside{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1};
  expect(text, inside, "");
  expect(text, with(inside, 10, 5), "a.frit:3:1: index 5 of axis 'v' is outside 0..4");
  expect(text, with(with(inside, 0, 8), 10, -3),
         "a.frit:3:1: index -3 of axis 'v' is outside 0..4");
}

TEST_CASE("a checked scatter; what is masked is not there", "[watch]") {
  for (const char *aligned : {"", "aligned = #frit.axes<t>, "}) {
    bool isAligned = *aligned;
    std::string type =
        isAligned ? "tensor<4x5xf32, #frit.axes<t, v>>" : "tensor<5xf32, #frit.axes<v>>";
    std::string text = R"(
  func.func @main(%x: tensor<4xf32, #frit.axes<t>> {frit.name = "x"}, %i: tensor<4xi32, #frit.axes<t>> {frit.name = "i"}, %m: tensor<4xi1, #frit.axes<t>> {frit.name = "m"}) -> (TYPE {frit.name = "y"}) attributes {frit.entry} {
    %0 = frit.scatter %x, %i, %m {into = #frit.axes<v>, ALIGNED masked, checked, mode = "add"} : (tensor<4xf32, #frit.axes<t>>, tensor<4xi32, #frit.axes<t>>, tensor<4xi1, #frit.axes<t>>) -> TYPE loc("a.frit":3:1)
    return %0 : TYPE
  }
)";
    text = replaceAll(replaceAll(text, "TYPE", type), "ALIGNED ", aligned);
    expect(text, {0, 1, 4, 2}, "", ones(4));
    expect(text, {0, 1, 5, 2}, "a.frit:3:1: index 5 of axis 'v' is outside 0..4", ones(4));
    expect(text, {0, 1, 5, 2}, "", {1, 1, 0, 1});
  }
}
