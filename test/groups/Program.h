// Programs built in C++, run by the evaluator as they are, laid out and fused, and with every group
// replaced by its compiled kernel.
#pragma once
#include "codegen/cpu/Group.h"
#include "dialect/Build.h"
#include "dialect/Frit.h"
#include "dialect/reference/Evaluator.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Watch.h"
#include "test/codegen/Compiled.h"
#include <cstring>
#include <random>

namespace frit::test {

inline mlir::MLIRContext &fritContext() {
  static bool loaded = (context().getOrLoadDialect<FritDialect>(), true);
  (void)loaded;
  return context();
}

/// An entry "main" with inputs x0, x1, ... and outputs y0, y1, ...
class Program {
public:
  using Body = std::function<Terms(Build &, Terms)>;

  Program(const std::vector<ValueType> &inputs, const Body &body) {
    mlir::MLIRContext &ctx = fritContext();
    mlir::ImplicitLocOpBuilder b(mlir::UnknownLoc::get(&ctx), &ctx);
    module = mlir::ModuleOp::create(b.getLoc());
    b.setInsertionPointToEnd(module->getBody());
    llvm::SmallVector<mlir::Type> types;
    for (const ValueType &type : inputs)
      types.push_back(toTensorType(&ctx, type));
    auto function = mlir::func::FuncOp::create(b, "main", b.getFunctionType(types, {}));
    function->setAttr("frit.entry", b.getUnitAttr());
    b.setInsertionPointToStart(function.addEntryBlock());
    Build build(b);
    Terms arguments;
    for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
      function.setArgAttr(i, "frit.name", b.getStringAttr("x" + std::to_string(i)));
      arguments.push_back(build.term(argument));
    }
    llvm::SmallVector<mlir::Value> results;
    for (Term term : body(build, arguments))
      results.push_back(term.value);
    mlir::func::ReturnOp::create(b, results);
    function.setFunctionType(
        b.getFunctionType(types, llvm::to_vector(mlir::ValueRange(results).getTypes())));
    for (size_t i = 0; i < results.size(); ++i)
      function.setResultAttr(i, "frit.name", b.getStringAttr("y" + std::to_string(i)));
    REQUIRE(succeeded(mlir::verify(*module)));
    inputTypes = inputs;
  }

  /// Random inputs: reals in [-2, 2], positions below `limit`, bools.
  NamedArrays inputs(int limit, unsigned seed = 1) const {
    std::mt19937 random(seed);
    NamedArrays out;
    for (auto [i, type] : llvm::enumerate(inputTypes)) {
      Array array(type);
      for (double &x : array.data)
        if (type.element == Element::I32)
          x = int(random() % limit);
        else if (type.element == Element::I1)
          x = int(random() % 2);
        else
          x = std::uniform_real_distribution<float>(-2, 2)(random);
      out["x" + std::to_string(i)] = array;
    }
    return out;
  }

  NamedArrays evaluate(
      const NamedArrays &inputs,
      std::function<void(mlir::Operation *, const Arrays &, const Arrays &)> observe = nullptr) {
    Evaluator evaluator(*module);
    evaluator.observe = observe;
    NamedArrays states;
    return evaluator.run("main", states, inputs);
  }

  void fuse() {
    mlir::PassManager passes(&fritContext());
    passes.addPass(createLayout());
    passes.addPass(createFuse());
    REQUIRE(succeeded(passes.run(*module)));
  }

  std::string text() {
    std::string out;
    llvm::raw_string_ostream stream(out);
    module->print(stream);
    return out;
  }

  std::vector<std::string> kinds() {
    std::vector<std::string> out;
    module->walk([&](GroupOp group) { out.push_back(group.getKind().str()); });
    return out;
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<ValueType> inputTypes;
};

inline bool close(double x, double y, double tolerance) {
  if (std::isnan(x) || std::isnan(y))
    return std::isnan(x) && std::isnan(y);
  if (std::isinf(x) || std::isinf(y))
    return x == y;
  return std::abs(x - y) <= tolerance * std::max(1.0, std::max(std::abs(x), std::abs(y)));
}

inline void requireClose(const Array &x, const Array &y, double tolerance) {
  Array z = inOrder(y, x.type);
  for (size_t i = 0; i < x.data.size(); ++i)
    if (!close(x.data[i], z.data[i], tolerance)) {
      INFO("element " << i << " of " << toString(x.type) << ": " << x.data[i] << " and "
                      << z.data[i]);
      FAIL();
    }
}

/// An array as it lies in memory, with a guard behind it.
class Memory {
public:
  Memory(const ValueType &type) : type(type) {
    size_t size = type.element == Element::I1 ? 1 : type.element == Element::F64 ? 8 : 4;
    used = type.count() * size;
    bytes.assign(used + 64, 0xa5);
  }
  Memory(const Array &given, mlir::Type as) : Memory(typeOfMemory(as)) {
    Array array = inOrder(given, type);
    for (int64_t i = 0; i < type.count(); ++i)
      switch (type.element) {
      case Element::F32:
        put(i, float(array.data[i]));
        break;
      case Element::F64:
        put(i, array.data[i]);
        break;
      case Element::I32:
        put(i, int32_t(array.data[i]));
        break;
      default:
        put(i, uint8_t(array.data[i] != 0));
      }
  }
  static ValueType typeOfMemory(mlir::Type as) {
    return toValueType(mlir::cast<mlir::RankedTensorType>(as));
  }
  Array array() const {
    Array out(type);
    for (int64_t i = 0; i < type.count(); ++i)
      out.data[i] = type.element == Element::F32   ? at<float>(i)
                    : type.element == Element::F64 ? at<double>(i)
                    : type.element == Element::I32 ? at<int32_t>(i)
                                                   : at<uint8_t>(i);
    return out;
  }
  bool guarded() const {
    return std::all_of(bytes.begin() + used, bytes.end(), [](uint8_t b) { return b == 0xa5; });
  }
  template <typename T> T at(int64_t i) const {
    T value;
    memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T> void put(int64_t i, T value) {
    memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  ValueType type;
  size_t used;
  std::vector<uint8_t> bytes;
};

/// Adds a public function that takes the kernel's pointers as an array.
inline void addCaller(mlir::func::FuncOp kernel, const std::string &name) {
  using namespace mlir;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel);
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), index = b.getIndexType();
  auto caller =
      func::FuncOp::create(b, name, b.getFunctionType({pointer, pointer, index, index}, {}));
  b.setInsertionPointToStart(caller.addEntryBlock());
  SmallVector<Value> arguments;
  for (unsigned i = 0; i + 3 < kernel.getNumArguments(); ++i) // watches among them
    arguments.push_back(
        LLVM::LoadOp::create(b, pointer,
                             LLVM::GEPOp::create(b, pointer, pointer, caller.getArgument(0),
                                                 ArrayRef<LLVM::GEPArg>{int32_t(i)})));
  llvm::append_range(arguments, caller.getArguments().drop_front());
  func::CallOp::create(b, kernel, arguments);
  func::ReturnOp::create(b);
}
using Kernel = void(void **pointers, void *workspace, int64_t thread, int64_t threads);

/// One run of a kernel on `threads` threads. Result i lies over operand `over[i]`, or apart if that
/// is negative.
inline std::vector<Memory> run(Kernel *kernel, mlir::Operation *op, const Target &target,
                               const Arrays &operands, int threads, const std::vector<int> &over) {
  std::vector<Memory> in, out;
  std::vector<void *> pointers;
  for (auto [array, value] : llvm::zip(operands, op->getOperands()))
    in.emplace_back(array, value.getType());
  for (mlir::Value value : op->getResults())
    out.emplace_back(Memory::typeOfMemory(value.getType()));
  for (Memory &memory : in)
    pointers.push_back(memory.bytes.data());
  for (size_t i = 0; i < out.size(); ++i)
    pointers.push_back(over[i] < 0 ? out[i].bytes.data() : in[over[i]].bytes.data());
  std::vector<int64_t> watches(watchesOf(op).size());
  pointers.push_back(watches.data());
  int64_t size = 0;
  if (auto group = mlir::dyn_cast<GroupOp>(op))
    size = groupWorkspaceBytes(group, target);
  std::vector<uint8_t> workspace(size + 128);
  for (int thread = threads; thread-- > 0;) {
    std::fill(workspace.begin(), workspace.end(), 0xff);
    void *start = workspace.data() + (64 - uintptr_t(workspace.data()) % 64) % 64;
    kernel(pointers.data(), start, thread, threads);
  }
  for (size_t i = 0; i < out.size(); ++i)
    if (over[i] >= 0)
      out[i] = in[over[i]];
  return out;
}

/// Ways to put results over operands, as the planner may: each pair alone, and some of all at once.
inline std::vector<std::vector<int>> placements(mlir::Operation *op, std::mt19937 &random) {
  auto may = [&](unsigned operand, unsigned result) {
    if (auto group = mlir::dyn_cast<GroupOp>(op))
      return mayShareMemory(group, operand, result);
    auto scatter = mlir::cast<ScatterOp>(op);
    return scatter.getOnto() && operand + 1 == op->getNumOperands() &&
           op->getOperand(operand).getType() == op->getResult(0).getType();
  };
  const std::vector<int> apart(op->getNumResults(), -1);
  std::vector<std::vector<int>> out;
  std::vector<std::pair<int, int>> pairs;
  for (unsigned result = 0; result < op->getNumResults(); ++result)
    for (unsigned operand = 0; operand < op->getNumOperands(); ++operand)
      if (may(operand, result)) {
        pairs.push_back({operand, result});
        out.push_back(apart);
        out.back()[result] = int(operand);
      }
  for (int i = 0; i < 3 && pairs.size() > 1; ++i) {
    std::shuffle(pairs.begin(), pairs.end(), random);
    out.push_back(apart);
    for (auto [operand, result] : pairs)
      if (out.back()[result] < 0 && !llvm::is_contained(out.back(), operand))
        out.back()[result] = operand;
  }
  return out;
}

/// What a check looked at.
struct Checked {
  int kernels = 0, placements = 0;
};

/// Fuses the program, checks that its meaning stays, compiles every group and scatter for `target`
/// and holds it against the evaluator, element by element, on 1, 2 and 5 threads with the same
/// bits, which it also gives with results placed over operands.
inline Checked check(Program &program, const Target &target, int limit = 4, double tolerance = 2e-5,
                     double wideTolerance = 1e-12) {
  NamedArrays inputs = program.inputs(limit);
  NamedArrays expected = program.evaluate(inputs);
  program.fuse();
  INFO(program.text());
  for (auto &[name, array] : program.evaluate(inputs))
    requireClose(expected[name], array, 1e-9);

  mlir::OwningOpRef<mlir::ModuleOp> kernels = mlir::ModuleOp::create(program.module->getLoc());
  std::map<mlir::Operation *, std::string> names;
  program.module->walk([&](mlir::Operation *op) {
    std::string name = "kernel" + std::to_string(names.size());
    mlir::func::FuncOp kernel;
    if (auto group = mlir::dyn_cast<GroupOp>(op)) {
      auto emitted = emitGroup(*kernels, name, group, target);
      REQUIRE(succeeded(emitted));
      kernel = *emitted;
    } else if (auto scatter = mlir::dyn_cast<ScatterOp>(op)) {
      kernel = emitScatter(*kernels, name, scatter, target);
    } else {
      return;
    }
    names[op] = name + "_call";
    addCaller(kernel, names[op]);
  });
  {
    std::string text;
    llvm::raw_string_ostream stream(text);
    kernels->print(stream);
    INFO(text);
    REQUIRE(succeeded(mlir::verify(*kernels)));
  }
  Compiled compiled(*kernels, target);
  Checked checked;
  std::mt19937 random(7);
  program.evaluate(inputs, [&](mlir::Operation *op, const Arrays &operands, const Arrays &results) {
    auto at = names.find(op);
    if (at == names.end())
      return;
    INFO(at->second);
    auto kernel = compiled.get<Kernel>(at->second.c_str());
    const std::vector<int> apart(op->getNumResults(), -1);
    std::vector<Memory> first = run(kernel, op, target, operands, 1, apart);
    ++checked.kernels;
    for (auto [memory, array] : llvm::zip(first, results)) {
      REQUIRE(memory.guarded());
      requireClose(array, memory.array(),
                   memory.type.element == Element::F64 ? wideTolerance : tolerance);
    }
    std::vector<std::vector<int>> ways = placements(op, random);
    checked.placements += int(ways.size());
    ways.push_back(apart);
    for (const std::vector<int> &over : ways)
      for (int threads : {1, 2, 5}) {
        INFO(threads << " threads; results over operands "
                     << Catch::StringMaker<std::vector<int>>::convert(over));
        std::vector<Memory> again = run(kernel, op, target, operands, threads, over);
        for (auto [memory, same] : llvm::zip(again, first))
          REQUIRE(memory.bytes == same.bytes);
      }
  });
  return checked;
}

} // namespace frit::test
