// Small programs for gradient tests, written with Build: parameters, inputs, loops, one loss.
#pragma once
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/GradientCheck.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include <catch2/catch.hpp>

namespace frit {

struct Program {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp entry;
  mlir::ImplicitLocOpBuilder b;
  Build build;
  Terms parameters;
  std::vector<std::string> names;

  Program() : b(mlir::UnknownLoc::get(&context), &context), build(b) {
    context.loadDialect<FritDialect, mlir::func::FuncDialect>();
    context.disableMultithreading();
    module = mlir::ModuleOp::create(b.getLoc());
    b.setInsertionPointToEnd(module->getBody());
    entry = mlir::func::FuncOp::create(b, "gradients", b.getFunctionType({}, {}));
    b.setInsertionPointToEnd(entry.addEntryBlock());
  }

  static ValueType real(std::vector<Axis> axes) { return {Element::F64, std::move(axes)}; }
  mlir::RankedTensorType tensor(const ValueType &type) { return toTensorType(&context, type); }

  /// A state with a gradient.
  Term parameter(std::vector<Axis> axes) {
    std::string name = "p" + std::to_string(parameters.size());
    mlir::RankedTensorType type = tensor(real(std::move(axes)));
    mlir::OpBuilder top(entry);
    mlir::OperationState state(b.getLoc(), "frit.state");
    state.addAttribute("sym_name", b.getStringAttr(name));
    state.addAttribute("type", mlir::TypeAttr::get(type));
    state.addAttribute("role", b.getStringAttr("parameter"));
    top.create(state);
    mlir::OpBuilder start(&entry.getBody().front(), entry.getBody().front().begin());
    auto read = ReadOp::create(start, b.getLoc(), type, name);
    parameters.push_back(build.term(read.getResult()));
    names.push_back(name);
    return parameters.back();
  }
  /// An argument of the entry.
  Term input(const ValueType &type) {
    mlir::Block &block = entry.getBody().front();
    return build.term(block.addArgument(tensor(type), b.getLoc()));
  }
  Term number(double value) { return build.constant(value, Element::F64); }
  Term sumAll(Term x) {
    std::vector<std::string> over;
    for (const Axis &axis : typeOf(x).axes)
      over.push_back(axis.name);
    return over.empty() ? x : build.sum(x, over);
  }

  struct Yield {
    Terms next, stacks;
  };
  using Body = std::function<Yield(Term index, Terms carried, Terms sliced)>;
  /// A loop: final carried values, then stacks.
  Terms scan(const std::string &kind, const Axis &axis, const Terms &inits, const Terms &slices,
             const Body &body, bool reverse = false) {
    auto *block = new mlir::Block;
    mlir::OpBuilder::InsertPoint here = b.saveInsertionPoint();
    auto argument = [&](const ValueType &type) {
      return build.term(block->addArgument(tensor(type), b.getLoc()));
    };
    Term index = argument({Element::I32, {}});
    Terms carried, sliced;
    llvm::SmallVector<mlir::Value> initial, wholes, yielded;
    llvm::SmallVector<mlir::Type> types;
    for (Term init : inits) {
      carried.push_back(argument(typeOf(init)));
      initial.push_back(init.value);
      types.push_back(init.value.getType());
    }
    for (Term slice : slices) {
      ValueType type = typeOf(slice);
      std::erase_if(type.axes, [&](const Axis &a) { return a.name == axis.name; });
      sliced.push_back(argument(type));
      wholes.push_back(slice.value);
    }
    b.setInsertionPointToEnd(block);
    Yield yield = body(index, carried, sliced);
    for (size_t i = 0; i < inits.size(); ++i) {
      Term next = build.reduceTo(yield.next[i], typeOf(inits[i]));
      yielded.push_back(build.expandTo(next, typeOf(inits[i])).value);
    }
    for (Term stack : yield.stacks) {
      ValueType type = typeOf(stack);
      type.axes.insert(type.axes.begin(), axis);
      types.push_back(tensor(type));
      yielded.push_back(stack.value);
    }
    YieldOp::create(b, yielded);
    b.restoreInsertionPoint(here);
    auto scan = ScanOp::create(b, types, initial, wholes, axis.name, axis.size, reverse, kind);
    scan.getBody().push_back(block);
    Terms results;
    for (mlir::Value result : scan.getResults())
      results.push_back(build.term(result));
    return results;
  }

  /// Ends the entry: the loss and its gradients by all parameters.
  void finish(Term loss) {
    mlir::Block &block = entry.getBody().front();
    llvm::SmallVector<mlir::Value> wrt, results{loss.value};
    llvm::SmallVector<mlir::Type> types;
    for (Term p : parameters) {
      wrt.push_back(p.value);
      types.push_back(p.value.getType());
    }
    auto gradient = GradientOp::create(b, types, loss.value, wrt);
    results.append(gradient.result_begin(), gradient.result_end());
    mlir::func::ReturnOp::create(b, results);
    entry.setFunctionType(
        b.getFunctionType(block.getArgumentTypes(), mlir::ValueRange(results).getTypes()));
    entry->setAttr("frit.entry", b.getUnitAttr());
    for (unsigned i = 0; i < block.getNumArguments(); ++i)
      entry.setArgAttr(i, "frit.name", b.getStringAttr("x" + std::to_string(i)));
    for (unsigned i = 0; i < results.size(); ++i)
      entry.setResultAttr(i, "frit.name", b.getStringAttr(i == 0 ? "loss" : "d." + names[i - 1]));
    REQUIRE(succeeded(mlir::verify(*module)));
  }

  std::string text() {
    std::string out;
    llvm::raw_string_ostream stream(out);
    module->print(stream);
    return out;
  }
};

/// Runs the passes up to the stage "grad".
inline bool simplifyToo(mlir::ModuleOp module) {
  mlir::PassManager manager(module.getContext());
  PipelineOptions options;
  options.stopAfter = "grad";
  buildPipeline(manager, options);
  return succeeded(manager.run(module));
}

/// Checks the gradients of a finished program, differentiated alone and with all passes around it.
inline std::vector<GradientRow> requireGradients(Program &program, GradientCheck check = {}) {
  std::vector<GradientRow> rows;
  for (bool all : {false, true}) {
    if (all)
      check.differentiate = simplifyToo;
    for (const GradientRow &row : checkGradients(*program.module, check)) {
      INFO(program.text() << (all ? "all passes, " : "Differentiate alone, ") << row.tensor
                          << ": error " << row.evaluatorError << " at " << row.points << " points, "
                          << row.kinks << " kinks");
      REQUIRE(row.ok);
      rows.push_back(row);
    }
  }
  return rows;
}

} // namespace frit
