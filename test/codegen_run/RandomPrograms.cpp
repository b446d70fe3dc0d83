// Random programs with loops in loops, states, views and values whose axes stand in any order: the
// plan's judge, the plain lowering and the default one against the evaluator.
#include "Harness.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"

using namespace frit;
using namespace frit::test;

namespace {

class Generator {
public:
  explicit Generator(unsigned seed)
      : random(seed), module(mlir::ModuleOp::create(mlir::UnknownLoc::get(&context()))),
        b(module->getLoc(), &context()), build(b) {
    // Long programs blow up rounding; chains of tanh keep numbers small.
    element = Element::F64;
  }
  mlir::OwningOpRef<mlir::ModuleOp> make();

private:
  int below(int n) { return int(random() % unsigned(n)); }
  bool chance(int percent) { return below(100) < percent; }
  template <typename T> T pick(const std::vector<T> &list) { return list[below(int(list.size()))]; }

  Axis axis() { return pick(axes); }
  ValueType randomType();
  mlir::RankedTensorType tensor(const ValueType &type) { return toTensorType(&context(), type); }
  ValueType shuffled(ValueType type) {
    std::shuffle(type.axes.begin(), type.axes.end(), random);
    return type;
  }
  Term any() { return build.term(pick(values)); }
  std::vector<std::string> someOf(const ValueType &type) {
    std::vector<std::string> names;
    for (const Axis &a : type.axes)
      if (chance(50))
        names.push_back(a.name);
    return names;
  }
  void add(Term term);
  void step(int depth);
  void scan(int depth);
  mlir::Value like(const ValueType &type);

  std::mt19937 random;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::ImplicitLocOpBuilder b;
  Build build;
  Element element;
  std::vector<Axis> axes{{"a", 2}, {"b", 3}, {"c", 4}, {"d", 1}, {"e", 6}, {"f", 5}};
  std::vector<mlir::Value> values; // in sight, reals
};

} // namespace

ValueType Generator::randomType() {
  ValueType type{element, {}};
  for (const Axis &a : axes)
    if (type.axes.size() < 3 && chance(35))
      type.axes.push_back(a);
  return shuffled(type);
}

void Generator::add(Term term) {
  // The order of axes is the planner's business: any will do.
  if (chance(20) && !llvm::is_contained(values, term.value))
    term.value.setType(tensor(shuffled(typeOf(term))));
  if (typeOf(term).count() <= 2000 && typeOf(term).axes.size() <= 4)
    values.push_back(term.value);
}

/// A value of that type, up to the order of axes.
mlir::Value Generator::like(const ValueType &type) {
  std::vector<mlir::Value> fit;
  for (mlir::Value value : values)
    if (sameUpToOrder(typeOf(value), type))
      fit.push_back(value);
  if (!fit.empty() && chance(70))
    return pick(fit);
  Term x = any();
  std::vector<std::string> over;
  for (const Axis &a : typeOf(x).axes)
    if (!type.find(a.name))
      over.push_back(a.name);
  if (!over.empty())
    x = build.sum(x, over);
  x = build.make("tanh", {build.expandTo(x, type)});
  return x.value;
}

void Generator::step(int depth) {
  switch (below(depth < 2 ? 15 : 13)) {
  case 0:
  case 1:
    return add(
        build.make(pick<std::string>({"tanh", "sin", "sigmoid", "neg", "stop_gradient"}), {any()}));
  case 2:
  case 3: {
    Term x = any(), y = any();
    if (typeOf(x).axes.size() + typeOf(y).axes.size() > 5)
      return;
    return add(build.make(pick<std::string>({"add", "sub", "mul", "maximum"}), {x, y}));
  }
  case 4: {
    Term x = any();
    return add(build.make(pick<std::string>({"sum", "max", "logsumexp"}), {x},
                          {{"over", someOf(typeOf(x))}}));
  }
  case 5: {
    Term x = any();
    return add(build.make("softmax", {x}, {{"over", someOf(typeOf(x))}}));
  }
  case 6: { // contract
    Term x = any(), y = any();
    std::vector<std::string> over;
    for (const Axis &a : typeOf(x).axes)
      if (typeOf(y).find(a.name) && chance(70))
        over.push_back(a.name);
    if (typeOf(x).axes.size() + typeOf(y).axes.size() - 2 * over.size() > 4)
      return;
    return add(build.make("tanh", {build.contract(x, y, over)}));
  }
  case 7: { // rename, to an axis of a name that keeps its size everywhere
    Term x = any();
    for (const Axis &a : typeOf(x).axes)
      if (a.name == "e" && !typeOf(x).find("E"))
        return add(
            build.make("rename", {x}, {{"from", std::string("e")}, {"to", std::string("E")}}));
    return;
  }
  case 8: { // split and merge
    Term x = any();
    ValueType type = typeOf(x);
    if (type.find("e") && !type.find("a") && !type.find("b"))
      return add(build.make(
          "split", {x},
          {{"axis", std::string("e")}, {"into", std::vector<Axis>{{"a", 2}, {"b", 3}}}}));
    if (type.find("a") && type.find("b") && !type.find("e"))
      return add(
          build.make("merge", {x},
                     {{"axes", std::vector<std::string>{"a", "b"}}, {"into", std::string("e")}}));
    return;
  }
  case 9: { // stack and slice
    Term x = any();
    ValueType type = typeOf(x);
    if (!type.axes.empty() && chance(50)) {
      Axis a = pick(type.axes);
      return add(build.make("slice", {x}, {{"axis", a.name}, {"at", int64_t(below(a.size))}}));
    }
    if (!type.find("a"))
      return add(build.make("stack", {x, build.term(like(type))}, {{"axis", std::string("a")}}));
    return;
  }
  case 10: {
    Term x = any();
    return add(build.expandTo(x, randomType()));
  }
  case 11: {
    Term x = any();
    if (typeOf(x).axes.empty())
      return;
    return add(
        build.make("cumsum", {x}, {{"over", std::vector<std::string>{pick(typeOf(x).axes).name}}}));
  }
  case 12:
    return add(build.constant(double(below(7)) / 4, element));
  default:
    return scan(depth);
  }
}

void Generator::scan(int depth) {
  Axis over = axis();
  std::vector<mlir::Value> inits, slices;
  for (int i = below(3); i > 0; --i)
    if (Term x = any(); !typeOf(x).find(over.name))
      inits.push_back(x.value);
  for (int i = below(3); i > 0; --i)
    if (Term x = any(); typeOf(x).find(over.name))
      slices.push_back(x.value);
  std::vector<mlir::Value> outside = values;

  auto body = std::make_unique<mlir::Region>();
  mlir::Block *block = new mlir::Block;
  body->push_back(block);
  mlir::Location loc = b.getLoc();
  block->addArgument(tensor({Element::I32, {}}), loc);
  std::vector<mlir::Value> carried;
  for (mlir::Value init : inits)
    carried.push_back(
        block->addArgument(tensor(chance(20) ? shuffled(typeOf(init)) : typeOf(init)), loc));
  for (mlir::Value slice : slices) {
    ValueType type = typeOf(slice);
    std::erase_if(type.axes, [&](const Axis &a) { return a.name == over.name; });
    block->addArgument(tensor(chance(20) ? shuffled(type) : type), loc);
  }
  std::vector<mlir::Value> yields;
  std::vector<mlir::Type> types;
  {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    for (mlir::Value argument : block->getArguments().drop_front())
      values.push_back(argument), values.push_back(argument);
    // The position as a real, which makes iterations differ.
    if (chance(50))
      add(build.make("cast", {build.term(block->getArgument(0))},
                     {{"to", std::string(name(element))}}));
    for (int i = 1 + below(6); i > 0; --i)
      step(depth + 1);
    for (size_t i = 0; i < inits.size(); ++i) {
      ValueType type = typeOf(inits[i]);
      yields.push_back(chance(10) ? carried[i] : like(type));
      types.push_back(tensor(chance(20) ? shuffled(type) : type));
    }
    for (int i = below(4); i > 0; --i) {
      mlir::Value value = chance(40) && !yields.empty()    ? pick(yields)
                          : chance(30) && !carried.empty() ? pick(carried)
                                                           : any().value;
      ValueType type = typeOf(value);
      if (type.find(over.name) || type.count() * over.size > 2000)
        continue;
      yields.push_back(value);
      type.axes.insert(type.axes.begin(), over);
      types.push_back(tensor(chance(20) ? shuffled(type) : type));
    }
    YieldOp::create(b, yields);
  }
  values = outside;
  mlir::OperationState state(loc, "frit.scan");
  state.addOperands(inits);
  state.addOperands(slices);
  state.addTypes(types);
  state.addAttribute("axis", b.getStringAttr(over.name));
  state.addAttribute("size", b.getI64IntegerAttr(over.size));
  state.addAttribute("kind", b.getStringAttr("time"));
  if (chance(40))
    state.addAttribute("reverse", b.getUnitAttr());
  state.addAttribute("operandSegmentSizes",
                     b.getDenseI32ArrayAttr({int32_t(inits.size()), int32_t(slices.size())}));
  state.addRegion(std::move(body));
  for (mlir::Value result : b.create(state)->getResults())
    if (typeOf(result).axes.size() <= 4)
      values.push_back(result);
}

mlir::OwningOpRef<mlir::ModuleOp> Generator::make() {
  b.setInsertionPointToEnd(module->getBody());
  std::vector<StateOp> states;
  for (int i = 0; i < 3; ++i) {
    mlir::OperationState state(b.getLoc(), "frit.state");
    state.addAttribute("sym_name", b.getStringAttr("s" + std::to_string(i)));
    state.addAttribute("type", mlir::TypeAttr::get(tensor(randomType())));
    state.addAttribute("role", b.getStringAttr("state"));
    states.push_back(mlir::cast<StateOp>(b.create(state)));
  }
  std::vector<mlir::Type> inputs;
  for (int i = 0; i < 3; ++i)
    inputs.push_back(tensor(randomType()));
  auto entry = mlir::func::FuncOp::create(b, "main", b.getFunctionType(inputs, {}));
  entry->setAttr("frit.entry", b.getUnitAttr());
  mlir::Block *body = entry.addEntryBlock();
  b.setInsertionPointToEnd(body);
  for (mlir::Value argument : body->getArguments())
    values.push_back(argument);
  for (StateOp state : states) {
    ValueType type = valueType(state.getType());
    values.push_back(
        ReadOp::create(b, tensor(chance(20) ? shuffled(type) : type), state.getSymName()));
  }
  for (int i = 8 + below(12); i > 0; --i)
    step(0);
  for (StateOp state : states)
    if (chance(70))
      WriteOp::create(b, like(valueType(state.getType())), state.getSymName());
  std::vector<mlir::Value> outputs;
  std::vector<mlir::Type> types;
  for (int i = 0; i < 3; ++i) {
    outputs.push_back(any().value);
    types.push_back(outputs.back().getType());
  }
  mlir::func::ReturnOp::create(b, outputs);
  entry.setFunctionType(b.getFunctionType(inputs, types));
  for (unsigned i = 0; i < 3; ++i) {
    entry.setArgAttr(i, "frit.name", b.getStringAttr("x" + std::to_string(i)));
    entry.setResultAttr(i, "frit.name", b.getStringAttr("y" + std::to_string(i)));
  }
  return std::move(module);
}

TEST_CASE("plans of random programs", "[plan]") {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    auto module = Generator(seed).make();
    std::string text;
    llvm::raw_string_ostream out(text);
    module->print(out);
    INFO("seed " << seed << "\n" << text);
    REQUIRE(mlir::succeeded(mlir::verify(*module)));
    std::string error = checkPlan(*module, planMemory(*module));
    REQUIRE(error == "");
  }
}

TEST_CASE("random programs, compiled", "[random]") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    auto module = Generator(seed).make();
    std::string text;
    llvm::raw_string_ostream out(text);
    module->print(out);
    INFO("seed " << seed << "\n" << text);
    check(*module, "main", 1e-9, int(seed));
  }
}

TEST_CASE("random programs, laid out, fused and compiled", "[fused]") {
  for (unsigned seed = 1000; seed < 1080; ++seed) {
    auto module = Generator(seed).make();
    std::string text;
    llvm::raw_string_ostream out(text);
    module->print(out);
    std::mt19937 random(seed);
    NamedArrays states = randomStates(*module, random), inputs;
    inputs = randomInputs(module->lookupSymbol<mlir::func::FuncOp>("main"), random);
    NamedArrays wantedStates = states, afterStates = states;
    NamedArrays wanted = Evaluator(*module).run("main", wantedStates, inputs);
    mlir::PassManager passes(&context());
    passes.addPass(createLayout());
    passes.addPass(createFuse());
    REQUIRE(mlir::succeeded(passes.run(*module)));
    out << "becomes\n";
    module->print(out);
    INFO("seed " << seed << "\n" << text);
    compare(Evaluator(*module).run("main", afterStates, inputs), wanted, 1e-12);
    compare(afterStates, wantedStates, 1e-12);
    check(*module, "main", 1e-9, int(seed));
  }
}
