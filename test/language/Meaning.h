// Runs a checked program with the reference evaluator: an objective's reports on given data.
#pragma once
#include "dialect/reference/Evaluator.h"
#include "dialect/syntax/Emit.h"
#include "mlir/IR/MLIRContext.h"
#include "test/language/Checked.h"

namespace frit {

struct Meaning {
  Checked checked;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  NamedArrays states;

  explicit Meaning(const std::string &text) : checked(text, options()) {
    INFO(checked.messages);
    REQUIRE(checked.graph.has_value());
    module = emit(*checked.graph, context);
    REQUIRE(bool(module));
    for (const StateDecl &state : checked.graph->states)
      states[state.name] = Array(state.type, state.role == "scalar" ? state.initial : 0);
    run("init", {});
  }
  NamedArrays run(const std::string &entry, const NamedArrays &inputs) {
    Evaluator evaluator(*module);
    return evaluator.run(entry, states, inputs);
  }
  /// The reports, had `batches` been the whole evaluation.
  std::map<std::string, double> reports(const std::vector<NamedArrays> &batches) {
    run("eval_begin", {});
    for (const NamedArrays &batch : batches)
      run("eval", batch);
    std::map<std::string, double> out;
    for (auto &[name, array] : run("report", {}))
      out[name] = array.data.at(0);
    return out;
  }

private:
  static CheckOptions options() {
    CheckOptions out;
    out.element = Element::F64;
    return out;
  }
};

/// A real array with named axes, row-major.
inline Array reals(std::vector<Axis> axes, std::vector<double> data) {
  Array out(ValueType{Element::F64, std::move(axes)});
  REQUIRE(out.data.size() == data.size());
  out.data = std::move(data);
  return out;
}
inline Array ints(std::vector<Axis> axes, std::vector<double> data) {
  Array out = reals(std::move(axes), std::move(data));
  out.type.element = Element::I32;
  return out;
}
inline Array bools(std::vector<Axis> axes, std::vector<double> data) {
  Array out = reals(std::move(axes), std::move(data));
  out.type.element = Element::I1;
  return out;
}

/// An objective over x: real[b, t] and m: bool[b, t] (b = 2, t = 3) that reports `expressions`.
inline std::string reporting(const std::string &statements, const std::string &before = "") {
  return before + R"(
model Nothing() { param w: real[] = 1;  forward(x: real[b, t]) -> real[b, t] { x * w } }
objective o(m_: model, x: real[b, t], m: bool[b, t], k: i32[b], ids: token[b, t; v]) {
  minimize mean(m_(x))
)" + statements +
         R"(
}
train o { m_ = Nothing();  b = 2, t = 3, v = 4;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)";
}
inline NamedArrays sampleData() {
  std::vector<Axis> bt = {{"b", 2}, {"t", 3}};
  return {{"x", reals(bt, {1, 2, 3, -1, 0.5, 4})},
          {"m", bools(bt, {1, 1, 0, 0, 0, 1})},
          {"k", ints({{"b", 2}}, {2, 0})},
          {"ids", ints(bt, {0, 1, 2, 3, 2, 1})}};
}

/// The value of an expression on sampleData: x = [1 2 3; -1 0.5 4], m = [1 1 0; 0 0 1], k = [2 0],
/// ids = [0 1 2; 3 2 1].
inline double valueOf(const std::string &expression, const std::string &statements = "",
                      const std::string &before = "") {
  Meaning meaning(reporting(statements + "\n  report r = " + expression, before));
  return meaning.reports({sampleData()}).at("r");
}

} // namespace frit
