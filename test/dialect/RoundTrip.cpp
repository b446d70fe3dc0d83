// What is printed parses back to the same, in both forms, and survives cleaning up.
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "test/dialect/Text.h"
#include <catch2/catch.hpp>

using namespace frit::test;

static const char *program = R"(
  module attributes {frit.metadata = "{}"} {
    frit.state @w : tensor<3x2xf32, #frit.axes<layer, "2nd half">> {role = "parameter", stacked = 1, tensors = ["a.0", "a.1", "a.2"]}
    frit.state @lr : !f32 {role = "scalar", initial = 1.000000e-03, flag = "lr", help = "how fast"}
    func.func @train(%x: tensor<4x2xf32, #frit.axes<b, "2nd half">> {frit.name = "x"}) -> (!f32 {frit.name = "loss"}) attributes {frit.entry} {
      %w = frit.read @w : tensor<3x2xf32, #frit.axes<layer, "2nd half">>
      %h:2 = frit.scan (%x) slices (%w) {
      ^bb0(%i: !i32, %c: tensor<4x2xf32, #frit.axes<b, "2nd half">>, %wi: tensor<2xf32, #frit.axes<"2nd half">>):
        %m = frit.mul %c, %wi : (tensor<4x2xf32, #frit.axes<b, "2nd half">>, tensor<2xf32, #frit.axes<"2nd half">>) -> tensor<4x2xf32, #frit.axes<b, "2nd half">>
        %n = frit.sum %m {over = #frit.axes<b, "2nd half">} : (tensor<4x2xf32, #frit.axes<b, "2nd half">>) -> !f32
        frit.yield %m, %n : tensor<4x2xf32, #frit.axes<b, "2nd half">>, !f32
      } {axis = "layer", size = 3, kind = "layers", reverse} : (tensor<4x2xf32, #frit.axes<b, "2nd half">>, tensor<3x2xf32, #frit.axes<layer, "2nd half">>) -> (tensor<4x2xf32, #frit.axes<b, "2nd half">>, !f32[layer: 3])
      %l = frit.sum %h#1 {over = #frit.axes<layer>} : (!f32[layer: 3]) -> !f32
      %two = frit.constant {value = 2.0, element = "f32", axes = #frit.axes<>} : () -> !f32
      %e = frit.group (%l, %two) {
      ^bb0(%a: !f32, %b: !f32):
        %p = frit.mul %a, %b : (!f32, !f32) -> !f32
        frit.leave %p : !f32
      } {kind = "elementwise"} : (!f32, !f32) -> !f32
      %g = frit.gradient %e by %w : (!f32, tensor<3x2xf32, #frit.axes<layer, "2nd half">>) -> tensor<3x2xf32, #frit.axes<layer, "2nd half">>
      frit.write %g, @w : tensor<3x2xf32, #frit.axes<layer, "2nd half">>
      return %e : !f32
    }
  })";

static std::string print(mlir::ModuleOp module, mlir::OpPrintingFlags flags = {}) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, flags);
  return text;
}

TEST_CASE("printed text parses back to the same module") {
  Parsed first(program);
  REQUIRE(first.errors == "");
  std::string pretty = print(*first.module);
  CHECK(print(*Parsed(pretty).module) == pretty);
  std::string generic = print(*first.module, mlir::OpPrintingFlags().printGenericOpForm());
  CHECK(print(*Parsed(generic).module) == pretty);
  CHECK_THAT(pretty, Catch::Contains("#frit.axes<b, \"2nd half\">"));
}

TEST_CASE("canonicalize and cse keep axes, loops and writes") {
  Parsed first(program);
  std::string before = print(*first.module);
  mlir::PassManager passes(&first.context);
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  REQUIRE(succeeded(passes.run(*first.module)));
  std::string after = print(*first.module);
  for (const char *kept :
       {"\"2nd half\"", "frit.scan", "frit.write", "frit.gradient", "frit.group"})
    CHECK_THAT(after, Catch::Contains(kept));
}

TEST_CASE("equal constants merge, constants of different axes do not") {
  Parsed parsed(R"(
    func.func @f() -> (!f32, !f32, !f32[b: 2]) {
      %a = frit.constant {value = 2.0, element = "f32", axes = #frit.axes<>} : () -> !f32
      %b = frit.constant {value = 2.0, element = "f32", axes = #frit.axes<>} : () -> !f32
      %c = frit.constant {value = 2.0, element = "f32", axes = #frit.axes<b>} : () -> !f32[b: 2]
      return %a, %b, %c : !f32, !f32, !f32[b: 2]
    })");
  mlir::PassManager passes(&parsed.context);
  passes.addPass(mlir::createCanonicalizerPass());
  REQUIRE(succeeded(passes.run(*parsed.module)));
  int count = 0;
  parsed.module->walk([&](frit::ConstantOp) { ++count; });
  CHECK(count == 2);
}
