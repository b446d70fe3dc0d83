#include "test/ops/OneOp.h"
#include "dialect/ops/Builtins.h"
#include "mlir/IR/Verifier.h"
#include <catch2/catch.hpp>
#include <random>

namespace frit::test {

Array array(const std::string &text, std::vector<double> data) {
  Array out(type(text));
  REQUIRE(out.data.size() == data.size());
  out.data = std::move(data);
  return out;
}

/// A module with one entry `run` whose inputs are x0, x1, ... and whose body `make` writes.
struct Module {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  Module(const std::vector<ValueType> &inputs,
         const std::function<Terms(Build &, const Terms &)> &make) {
    context.loadDialect<FritDialect, mlir::func::FuncDialect>();
    mlir::ImplicitLocOpBuilder b(mlir::UnknownLoc::get(&context), &context);
    module = mlir::ModuleOp::create(b);
    b.setInsertionPointToEnd(module->getBody());
    std::vector<mlir::Type> types;
    for (const ValueType &input : inputs)
      types.push_back(toTensorType(&context, input));
    auto function = mlir::func::FuncOp::create(b, "run", b.getFunctionType(types, {}));
    function->setAttr("frit.entry", b.getUnitAttr());
    for (size_t i = 0; i < inputs.size(); ++i)
      function.setArgAttr(i, "frit.name", b.getStringAttr("x" + std::to_string(i)));
    b.setInsertionPointToEnd(function.addEntryBlock());
    Build build(b);
    Terms arguments;
    for (mlir::Value argument : function.getArguments())
      arguments.push_back(build.term(argument));
    std::vector<mlir::Value> results;
    for (Term result : make(build, arguments))
      results.push_back(result.value);
    mlir::func::ReturnOp::create(b, results);
    function.setType(b.getFunctionType(types, mlir::TypeRange(mlir::ValueRange(results))));
    for (size_t i = 0; i < results.size(); ++i)
      function.setResultAttr(i, "frit.name", b.getStringAttr("y" + std::to_string(i)));
    REQUIRE(succeeded(mlir::verify(*module)));
  }

  Arrays run(const Arrays &inputs) {
    NamedArrays states, named;
    for (size_t i = 0; i < inputs.size(); ++i)
      named["x" + std::to_string(i)] = inputs[i];
    NamedArrays outputs = Evaluator(*module).run("run", states, named);
    Arrays out;
    for (size_t i = 0; i < outputs.size(); ++i)
      out.push_back(outputs["y" + std::to_string(i)]);
    return out;
  }
};

static std::vector<ValueType> typesOf(const Arrays &arrays) {
  std::vector<ValueType> out;
  for (const Array &array : arrays)
    out.push_back(array.type);
  return out;
}

Arrays evaluate(const OneOp &call) {
  Module module(typesOf(call.operands), [&](Build &build, const Terms &operands) {
    return build.op(call.op, operands, call.attributes);
  });
  return module.run(call.operands);
}

struct Derivative::Program {
  std::unique_ptr<Module> value;    // operands -> first result
  std::unique_ptr<Module> gradient; // operands, cotangent -> cotangents of `wrt`
  std::vector<size_t> wrt;          // the real operands
  std::vector<bool> given;          // which of them the rule gives a cotangent
  ValueType result;
};

Derivative::~Derivative() = default;

Derivative::Derivative(const OneOp &call) : program(std::make_unique<Program>()) {
  std::vector<ValueType> types = typesOf(call.operands);
  program->result = findBuiltin(call.op)->law(types, call.attributes).types.front();
  program->value = std::make_unique<Module>(types, [&](Build &build, const Terms &operands) {
    return Terms{build.make(call.op, operands, call.attributes)};
  });
  for (size_t i = 0; i < types.size(); ++i)
    if (isReal(types[i].element))
      program->wrt.push_back(i);
  if (program->wrt.empty() || !isReal(program->result.element))
    return;
  types.push_back(program->result);
  program->gradient = std::make_unique<Module>(types, [&](Build &build, const Terms &inputs) {
    Terms operands(inputs.begin(), inputs.end() - 1);
    mlir::Operation *op = build.make(call.op, operands, call.attributes).value.getDefiningOp();
    auto rule = mlir::cast<Differentiable>(op);
    hasRule = rule.noGradient().empty();
    Terms cotangents(op->getNumResults());
    cotangents[0] = inputs.back();
    Terms all = rule.gradient(build, cotangents), out;
    REQUIRE(all.size() == operands.size());
    for (size_t i = 0; i < operands.size(); ++i)
      if (!isReal(typeOf(operands[i]).element))
        CHECK_FALSE(all[i]);
    for (size_t i : program->wrt) {
      program->given.push_back(bool(all[i]));
      if (!all[i])
        continue;
      for (const Axis &axis : typeOf(operands[i]).axes)
        CHECK(typeOf(all[i]).find(axis.name));
      CHECK(typeOf(all[i]).element == typeOf(operands[i]).element);
      out.push_back(build.reduceTo(all[i], typeOf(operands[i])));
    }
    return out;
  });
}

std::string Derivative::compare(const Arrays &operands, uint32_t seed, bool &kink) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> draw(0.5, 1.5);
  Array cotangent(program->result);
  for (double &g : cotangent.data)
    g = draw(random);
  kink = false;
  auto objective = [&](const Arrays &at) {
    Array y = program->value->run(at).front();
    double sum = 0;
    for (size_t i = 0; i < y.data.size(); ++i)
      sum += y.data[i] * cotangent.data[i];
    return sum;
  };
  Arrays inputs = operands;
  inputs.push_back(cotangent);
  Arrays rules = program->gradient->run(inputs);
  auto rule = rules.begin();
  for (size_t k = 0; k < program->wrt.size(); ++k) {
    size_t i = program->wrt[k];
    Array given(operands[i].type);
    if (program->given[k])
      given = inOrder(*rule++, operands[i].type);
    for (size_t e = 0; e < given.data.size(); ++e) {
      auto slope = [&](double h) {
        Arrays up = operands, down = operands;
        up[i].data[e] += h;
        down[i].data[e] -= h;
        return (objective(up) - objective(down)) / (2 * h);
      };
      double fine = slope(1e-5), coarse = slope(2e-5);
      double tolerance = 1e-7 * (1 + std::fabs(fine));
      if (!(std::fabs(fine - coarse) < tolerance)) {
        kink = true;
        return "";
      }
      if (!(std::fabs(fine - given.data[e]) < tolerance))
        return "operand " + std::to_string(i) + " element " + std::to_string(e) + ": rule " +
               std::to_string(given.data[e]) + ", differences " + std::to_string(fine);
    }
  }
  return "";
}

} // namespace frit::test
