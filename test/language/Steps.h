// Whole training steps of a program given as text, by the reference evaluator.
#pragma once
#include "mlir/Pass/PassManager.h"
#include "passes/GradientCheck.h"
#include "passes/Pipeline.h"
#include "test/language/Meaning.h"

namespace frit {

class Steps {
public:
  explicit Steps(const std::string &text,
                 const std::vector<std::pair<std::string, std::string>> &settings = {},
                 bool naive = false)
      : checked(text, optionsWith(settings)) {
    INFO(checked.messages);
    REQUIRE(checked.graph.has_value());
    module = emit(*checked.graph, context);
    REQUIRE(bool(module));
    mlir::PassManager passes(&context);
    PipelineOptions options;
    options.stopAfter = "grad";
    options.naive = naive;
    buildPipeline(passes, options);
    REQUIRE(succeeded(passes.run(*module)));
    for (const StateDecl &state : checked.graph->states)
      states[state.name] = Array(state.type, state.role == "scalar" ? state.initial : 0);
    run("init", {});
  }

  NamedArrays run(const std::string &entry, const NamedArrays &inputs) {
    Evaluator evaluator(*module);
    return evaluator.run(entry, states, inputs);
  }
  /// Step number `step` on random data; what the entry gives.
  NamedArrays step(int step, const std::string &entry = "train") {
    states.at("step").data[0] = step;
    return run(entry, drawInputs(*module, entry, 100 + step));
  }
  double number(const std::string &state) const { return states.at(state).data.at(0); }

  Checked checked;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  NamedArrays states;

private:
  static CheckOptions
  optionsWith(const std::vector<std::pair<std::string, std::string>> &settings) {
    CheckOptions out;
    out.element = Element::F64;
    out.settings = settings;
    return out;
  }
};

} // namespace frit
