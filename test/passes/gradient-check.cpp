// The gradient check itself: it must find a wrong gradient, step over kinks, and compare what
// compiled code says.
#include "test/passes/Program.h"

using namespace frit;

namespace {
/// sum(tanh(x W) ^ 2)
void makeLayer(Program &p) {
  Axis a{"a", 3}, k{"k", 4};
  Term x = p.input(Program::real({a, k})), w = p.parameter({k, {"m", 2}});
  Term y = p.build.make("tanh", {p.build.contract(x, w, {"k"})});
  p.finish(p.sumAll(y * y));
}
} // namespace

TEST_CASE("a right gradient is right to far less than the tolerance") {
  Program p;
  makeLayer(p);
  std::vector<GradientRow> rows = checkGradients(*p.module, {});
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].tensor == "p0");
  CHECK(rows[0].points == 8 + 4); // every coordinate, four directions
  CHECK(rows[0].evaluatorError < 1e-8);
  CHECK(rows[0].ok);
}

TEST_CASE("a wrong rule is found") {
  Program p;
  makeLayer(p);
  GradientCheck check;
  check.differentiate = [](mlir::ModuleOp module) {
    if (!simplifyToo(module))
      return false;
    // One part in ten thousand, in the backward pass alone.
    mlir::func::ReturnOp end;
    module.walk([&](mlir::func::ReturnOp op) { end = op; });
    mlir::ImplicitLocOpBuilder b(end.getLoc(), end);
    Build build(b);
    end.setOperand(1, (build.term(end.getOperand(1)) * 1.0001).value);
    return true;
  };
  std::vector<GradientRow> rows = checkGradients(*p.module, check);
  CHECK(!rows[0].ok);
  CHECK(rows[0].evaluatorError == Approx(1e-4).epsilon(0.1));
}

TEST_CASE("points near a kink are given up, the others decide") {
  Program p;
  Term w = p.parameter({{"n", 64}});
  // The kinks of |sin(400 w)| are 0.008 apart: most steps of the first size meet one.
  p.finish(p.sumAll(p.build.make("abs", {p.build.make("sin", {w * 400.0})})));
  std::vector<GradientRow> rows = checkGradients(*p.module, {});
  CHECK(rows[0].ok);
  CHECK(rows[0].points > 0);
}

TEST_CASE("what stop_gradient gives stays where it is") {
  Program p;
  Term w = p.parameter({{"n", 4}});
  Term stopped = p.build.make("stop_gradient", {w});
  // d sum(w * stop(w)) = stop(w); differences that move both would say 2 w.
  p.finish(p.sumAll(w * stopped));
  std::vector<GradientRow> rows = checkGradients(*p.module, {});
  CHECK(rows[0].evaluatorError < 1e-8);
  CHECK(rows[0].ok);
}

TEST_CASE("compiled gradients are compared with the evaluator's") {
  Program p;
  makeLayer(p);
  GradientCheck check;
  double factor = 1;
  check.compiled = [&](const NamedArrays &states, const NamedArrays &inputs) {
    mlir::OwningOpRef<mlir::ModuleOp> module = p.module->clone();
    REQUIRE(simplifyToo(*module));
    NamedArrays after = states;
    NamedArrays out = Evaluator(*module).run("gradients", after, inputs);
    out.at("d.p0").data[3] *= factor;
    return out;
  };
  CHECK(checkGradients(*p.module, check)[0].ok);
  factor = 1 + 1e-4;
  GradientRow row = checkGradients(*p.module, check)[0];
  CHECK(!row.ok);
  CHECK(row.compiledError.value() > 1e-6);
  CHECK(row.evaluatorError < 1e-6);
}

TEST_CASE("whole numbers are drawn inside the axis that they index") {
  Program p;
  Term table = p.parameter({{"v", 3}, {"k", 4}}), ids = p.input({Element::I32, {{"n", 50}}});
  p.finish(
      p.sumAll(p.build.make("gather", {table, ids}, {{"axes", std::vector<std::string>{"v"}}})));
  NamedArrays inputs = drawInputs(*p.module, "gradients", 7);
  for (double id : inputs.at("x0").data)
    CHECK((id >= 0 && id < 3));
}

TEST_CASE("an entry that cannot be checked is refused") {
  Program p;
  makeLayer(p);
  GradientCheck check;
  check.entry = "train";
  CHECK_THROWS_WITH(checkGradients(*p.module, check),
                    Catch::Contains("no entry is called 'train'"));
}
