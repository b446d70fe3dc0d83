// A graph by hand becomes ops, one per node, with places and layer paths.
#include "dialect/syntax/Emit.h"
#include "dialect/reference/Evaluator.h"
#include "mlir/IR/Diagnostics.h"
#include <catch2/catch.hpp>

using namespace frit;

/// w[layer: 2, b: 2]; train(x[b]): h = x, for each layer h = h * w[layer]; loss = sum h; w <- w *
/// lr.
static Graph smallGraph(const Source &source) {
  Graph graph;
  auto value = [&](ValueType type) {
    graph.types.push_back(type);
    return ValueId(graph.types.size() - 1);
  };
  const Axis b{"b", 2}, layer{"layer", 2};
  ValueType row{Element::F64, {b}}, stack{Element::F64, {layer, b}}, scalar{Element::F64, {}};
  Location at = source.locate(4, 3);
  ValueId x = value(row), w = value(stack), h = value(row), loss = value(scalar),
          lr = value(scalar), next = value(stack);
  ValueId i = value({Element::I32, {}}), carried = value(row), slice = value(row),
          product = value(row);
  auto body = std::make_shared<frit::Block>();
  body->arguments = {i, carried, slice};
  body->nodes.push_back({"mul", {carried, slice}, {}, {product}, at, "lm.blocks", nullptr});
  body->nodes.push_back({"yield", {product}, {}, {}, at, "lm", nullptr});
  EntryDecl train{"train", {{"x", x}}, {{"loss", loss}}, {}};
  const std::string layers = "layers", axis = "layer";
  train.body.nodes = {
      {"read", {}, {{"state", std::string("lm.w")}}, {w}, at, "lm", nullptr},
      {"scan",
       {x, w},
       {{"axis", axis},
        {"size", int64_t(2)},
        {"reverse", false},
        {"kind", layers},
        {"carried", int64_t(1)}},
       {h},
       at,
       "lm",
       body},
      {"sum", {h}, {{"over", std::vector<std::string>{"b"}}}, {loss}, at, "", nullptr},
      {"read", {}, {{"state", std::string("lr")}}, {lr}, {}, "", nullptr},
      {"mul", {w, lr}, {}, {next}, at, "", nullptr},
      {"write", {next}, {{"state", std::string("lm.w")}}, {}, at, "", nullptr},
  };
  graph.entries.push_back(train);
  graph.states.push_back(
      {"lm.w", stack, "parameter", 1, {{"lm.1.w", 1}, {"lm.0.w", 0}}, 0, "", "", at});
  graph.states.push_back({"lr", scalar, "scalar", 0, {}, 0.5, "lr", "how fast", at});
  graph.metadata = "{\"program\": \"small\"}";
  return graph;
}

TEST_CASE("a graph becomes ops that mean the same") {
  Sources sources;
  const Source &source = sources.add("small.frit", "one\ntwo three\n");
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(smallGraph(source), context);
  REQUIRE(module);
  auto metadata = (*module)->getAttrOfType<mlir::StringAttr>("frit.metadata");
  CHECK(metadata.str() == "{\"program\": \"small\"}");
  auto state = module->lookupSymbol<StateOp>("lm.w");
  REQUIRE(state);
  CHECK(mlir::cast<mlir::StringAttr>((*state.getTensors())[0]).str() == "lm.0.w");
  auto rate = module->lookupSymbol<StateOp>("lr");
  CHECK(rate.getInitial()->convertToDouble() == 0.5);
  CHECK(rate.getHelp()->str() == "how fast");

  auto array = [](std::vector<Axis> axes, std::vector<double> data) {
    Array out(ValueType{Element::F64, axes});
    out.data = data;
    return out;
  };
  NamedArrays states{{"lm.w", array({{"layer", 2}, {"b", 2}}, {2, 3, 5, 7})},
                     {"lr", array({}, {0.5})}};
  NamedArrays out = Evaluator(*module).run("train", states, {{"x", array({{"b", 2}}, {1, 1})}});
  CHECK(out["loss"].data == std::vector<double>{10 + 21});
  CHECK(states["lm.w"].data == std::vector<double>{1, 1.5, 2.5, 3.5});
}

TEST_CASE("ops know their line and their layer") {
  Sources sources;
  const Source &source = sources.add("small.frit", "one\ntwo three\n");
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(smallGraph(source), context);
  std::vector<std::string> places;
  module->walk([&](MulOp op) {
    std::string text;
    llvm::raw_string_ostream out(text);
    op.getLoc().print(out);
    places.push_back(text);
  });
  CHECK(places == std::vector<std::string>{"loc(\"lm.blocks\"(\"small.frit\":2:1))",
                                           "loc(\"small.frit\":2:1)"});
}

TEST_CASE("a graph that breaks a law is refused in words") {
  Sources sources;
  Graph graph = smallGraph(sources.add("small.frit", "one\ntwo three\n"));
  graph.types[3] = {Element::F32, {}}; // the loss
  mlir::MLIRContext context;
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    said += diagnostic.str();
    return mlir::success();
  });
  CHECK_FALSE(emit(graph, context));
  CHECK_THAT(said, Catch::Contains("gives f32, but its operands make f64"));
}
