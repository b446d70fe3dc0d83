// Runs one program three ways: the evaluator, the plain lowering, the default lowering; on one and
// two threads. Same numbers up to rounding, and for any number of threads the same bits.
#pragma once
#include "codegen/Load.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <catch2/catch.hpp>
#include <random>

namespace frit::test {

inline mlir::MLIRContext &context() {
  static mlir::MLIRContext &made = []() -> mlir::MLIRContext & {
    mlir::DialectRegistry registry;
    registry.insert<FritDialect>();
    registerCodegenDialects(registry);
    static mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects();
    return context;
  }();
  return made;
}

inline std::string replaceAll(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

inline mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
  INFO(text);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context());
  REQUIRE(module);
  REQUIRE(mlir::succeeded(mlir::verify(*module)));
  return module;
}

/// Random numbers for everything a program reads; integers stay inside 0 .. below-1.
inline Array randomArray(const ValueType &type, std::mt19937 &random, int below = 3) {
  Array array(type);
  for (double &x : array.data)
    x = type.element == Element::I1    ? double(random() % 2)
        : type.element == Element::I32 ? double(random() % below)
                                       : double(int(random() % 4001) - 2000) / 1000;
  return array;
}

inline ValueType valueType(mlir::Type type) {
  return toValueType(mlir::cast<mlir::RankedTensorType>(type));
}

inline NamedArrays randomStates(mlir::ModuleOp module, std::mt19937 &random) {
  NamedArrays states;
  for (StateOp state : module.getOps<StateOp>())
    states[state.getSymName().str()] = randomArray(valueType(state.getType()), random);
  return states;
}

inline NamedArrays randomInputs(mlir::func::FuncOp entry, std::mt19937 &random) {
  NamedArrays inputs;
  for (mlir::BlockArgument argument : entry.getArguments())
    inputs[entry.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(), "frit.name").str()] =
        randomArray(typeOf(argument), random);
  return inputs;
}

inline bool near(double x, double wanted, double tolerance) {
  if (std::isnan(wanted) || std::isinf(wanted))
    return std::isnan(wanted) ? std::isnan(x) : x == wanted;
  return std::fabs(x - wanted) <= tolerance * std::max(1.0, std::fabs(wanted));
}

inline void compare(const NamedArrays &given, const NamedArrays &wanted, double tolerance) {
  for (auto &[name, array] : wanted) {
    INFO(name);
    REQUIRE(given.count(name));
    const Array &other = given.at(name);
    REQUIRE(other.type == array.type);
    for (size_t i = 0; i < array.data.size(); ++i)
      if (!near(other.data[i], array.data[i], tolerance)) {
        INFO("element " << i << ": " << other.data[i] << ", but should be " << array.data[i]);
        REQUIRE(false);
      }
  }
}

inline bool sameBits(const NamedArrays &x, const NamedArrays &y) {
  for (auto &[name, array] : x)
    for (size_t i = 0; i < array.data.size(); ++i)
      if (std::memcmp(&array.data[i], &y.at(name).data[i], sizeof(double)))
        return false;
  return true;
}

/// Runs `entry` on random numbers all the ways there are.
inline void check(mlir::ModuleOp module, const std::string &entry, double tolerance, int seed = 1,
                  const NamedArrays &given = {}) {
  std::mt19937 random(seed);
  NamedArrays states = randomStates(module, random);
  NamedArrays inputs = randomInputs(module.lookupSymbol<mlir::func::FuncOp>(entry), random);
  for (auto &[name, array] : given) {
    Array &slot = (states.count(name) ? states : inputs)[name];
    slot.data = array.data;
  }
  NamedArrays wantedStates = states;
  NamedArrays wanted = Evaluator(module).run(entry, wantedStates, inputs);
  for (bool naive : {true, false}) {
    INFO((naive ? "naive" : "default"));
    mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
    CompileOptions options;
    options.naive = naive;
    options.worthSharing = naive ? 0 : 30; // small as they are, all or many kernels are shared
    auto level = compileLevel(*copy, Target::host(), options);
    if (!level)
      FAIL(llvm::toString(level.takeError()));
    REQUIRE(checkPlan(*copy, level->plan) == "");
    NamedArrays first, firstStates;
    for (int threads : {1, 2, 3}) {
      INFO(threads << " threads");
      auto loaded = Loaded::load(*level, threads);
      if (!loaded)
        FAIL(llvm::toString(loaded.takeError()));
      NamedArrays after = states;
      NamedArrays outputs = (*loaded)->run(entry, after, inputs);
      compare(outputs, wanted, tolerance);
      compare(after, wantedStates, tolerance);
      if (threads == 1) {
        first = outputs;
        firstStates = after;
      } else {
        CHECK(sameBits(outputs, first));
        CHECK(sameBits(after, firstStates));
      }
    }
  }
}

/// A program text in which REAL stands for the element type, in both precisions.
inline void checkText(const std::string &text, const NamedArrays &given = {}) {
  for (bool wide : {true, false}) {
    auto module = parse(replaceAll(text, "REAL", wide ? "f64" : "f32"));
    check(*module, "main", wide ? 1e-12 : 1e-5, 1, given);
  }
}

} // namespace frit::test
