// Building ops from C++, and the scalar bodies against the exact meaning.
#include "dialect/ops/Builtins.h"
#include "dialect/reference/Evaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace frit;

namespace {
/// An empty function to build in, with arguments of given types.
struct Function {
  mlir::MLIRContext context;
  mlir::ImplicitLocOpBuilder b;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;

  explicit Function(const std::vector<ValueType> &arguments)
      : b((context.loadDialect<FritDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                               mlir::math::MathDialect>(),
           mlir::UnknownLoc::get(&context)),
          &context) {
    std::vector<mlir::Type> types;
    for (const ValueType &type : arguments)
      types.push_back(toTensorType(&context, type));
    module = mlir::ModuleOp::create(b);
    b.setInsertionPointToEnd(module->getBody());
    function = mlir::func::FuncOp::create(b, "f", b.getFunctionType(types, {}));
    b.setInsertionPointToEnd(function.addEntryBlock());
  }
};

std::string nameOf(Term term) { return term.value.getDefiningOp()->getName().getStringRef().str(); }
} // namespace

TEST_CASE("operators and shorthands make ops of the lawful types") {
  const Axis rows{"b", 2}, columns{"t", 3};
  Function f({{Element::F64, {rows}}, {Element::F64, {rows, columns}}, {Element::I32, {}}});
  Build build(f.b);
  Term x = build.term(f.function.getArgument(0)), y = build.term(f.function.getArgument(1)),
       i = build.term(f.function.getArgument(2));
  CHECK(typeOf(x + y).axes == std::vector<Axis>{rows, columns});
  CHECK(nameOf(-x) == "frit.neg");
  CHECK(nameOf(x - y) == "frit.sub");
  CHECK(nameOf(2.0 / x) == "frit.div");
  CHECK(typeOf(1.0 - x).element == Element::F64);
  CHECK(typeOf(i * 3.0).element == Element::I32);
  CHECK(typeOf(x > 0.0).element == Element::I1);
  CHECK(nameOf(x >= x) == "frit.ge");
  CHECK(typeOf(build.constantLike(0, y)) == typeOf(y));
  CHECK(typeOf(build.reduceTo(y, typeOf(x))) == typeOf(x));
  CHECK(build.reduceTo(x, typeOf(x)).value == x.value);
  CHECK(typeOf(build.expandTo(x, typeOf(y))) == typeOf(y));
  CHECK(build.expandTo(x, typeOf(x)).value == x.value);
  CHECK(typeOf(build.contract(x, y, {"b"})).axes == std::vector<Axis>{columns});
  CHECK(build.op("sort", {y}, {{"over", std::vector<std::string>{"t"}}}).size() == 2);
  mlir::func::ReturnOp::create(f.b);
  CHECK(succeeded(mlir::verify(*f.module)));
}

TEST_CASE("attributes come back as the laws see them") {
  Function f({{Element::F64, {{"t", 6}}}});
  Build build(f.b);
  Term x = build.term(f.function.getArgument(0));
  const std::vector<Axis> parts{{"p", 2}, {"q", 3}};
  auto attributesOfMade = [&](const std::string &op, const Terms &operands,
                              const Attributes &attributes) {
    return attributesOf(build.make(op, operands, attributes).value.getDefiningOp());
  };
  Attributes split{{"axis", std::string("t")}, {"into", parts}};
  CHECK(attributesOfMade("split", {x}, split) == split);
  Attributes cumsum{{"over", std::vector<std::string>{"t"}}, {"reverse", true}};
  CHECK(attributesOfMade("cumsum", {x}, cumsum) == cumsum);
  // A mark that is false is not there.
  Attributes forwards = cumsum;
  forwards["reverse"] = false;
  CHECK(attributesOfMade("cumsum", {x}, forwards) ==
        Attributes{{"over", std::vector<std::string>{"t"}}});
  Attributes constant{{"value", 1.5}, {"element", std::string("f32")}, {"axes", parts}};
  CHECK(attributesOfMade("constant", {}, constant) == constant);
  // The axes of a gather are those of its operand: names.
  Term index = build.make("index", {}, {{"axes", std::vector<Axis>{{"t", 4}}}});
  Attributes gather{{"axes", std::vector<std::string>{"t"}}};
  CHECK(attributesOfMade("gather", {x, index}, gather) == gather);
}

namespace {
struct OneCall {
  std::string op;
  std::vector<ValueType> types;
  Attributes attributes;
};
} // namespace

/// The number that a folded constant holds, in every lane.
static double numberOf(mlir::Attribute folded) {
  if (auto splat = mlir::dyn_cast<mlir::DenseElementsAttr>(folded))
    folded = splat.getSplatValue<mlir::Attribute>();
  if (auto real = mlir::dyn_cast<mlir::FloatAttr>(folded))
    return real.getValueAsDouble();
  auto whole = mlir::cast<mlir::IntegerAttr>(folded);
  bool isBool = whole.getType().isInteger(1);
  return isBool ? double(whole.getValue().getZExtValue()) : double(whole.getInt());
}

/// Folds what upstream folds, and by libm the unary math ops that it leaves; gives the value.
static mlir::Attribute foldAll(Function &f) {
  static const std::map<std::string, double (*)(double)> libm = {
      {"math.sin", std::sin},     {"math.cos", std::cos},     {"math.tanh", std::tanh},
      {"math.log1p", std::log1p}, {"math.expm1", std::expm1}, {"math.erf", std::erf},
      {"math.exp", std::exp},     {"math.log", std::log},     {"math.sqrt", std::sqrt},
      {"math.floor", std::floor}, {"math.ceil", std::ceil},   {"math.roundeven", std::nearbyint}};
  while (true) {
    (void)mlir::applyPatternsGreedily(f.function, {});
    mlir::Attribute operand;
    mlir::Value result = f.function.getBody().front().getTerminator()->getOperand(0);
    if (mlir::matchPattern(result, mlir::m_Constant(&operand)))
      return operand;
    mlir::Operation *left = nullptr;
    for (mlir::Operation &op : f.function.getBody().front())
      if (libm.count(op.getName().getStringRef().str()) &&
          mlir::matchPattern(op.getOperand(0), mlir::m_Constant(&operand))) {
        left = &op;
        break;
      }
    if (!left) {
      std::string text;
      llvm::raw_string_ostream(text) << f.function;
      FAIL("does not fold: " << text);
    }
    f.b.setInsertionPoint(left);
    double number = libm.at(left->getName().getStringRef().str())(numberOf(operand));
    left->getResult(0).replaceAllUsesWith(
        ScalarBuilder(f.b).constant(number, left->getResultTypes()[0]));
    left->erase();
  }
}

/// The scalar body of an op on constants of `lanes` (0: no vector), returned from the function.
static void buildScalar(Function &f, const OneCall &call, const std::vector<double> &numbers,
                        int64_t lanes) {
  Build build(f.b);
  Terms arguments;
  for (mlir::Value argument : f.function.getArguments())
    arguments.push_back(build.term(argument));
  auto made = mlir::cast<Elementwise>(
      build.make(call.op, arguments, call.attributes).value.getDefiningOp());
  ScalarBuilder scalar(f.b);
  std::vector<mlir::Value> constants;
  for (size_t i = 0; i < numbers.size(); ++i) {
    mlir::Type type = toTensorType(&f.context, call.types[i]).getElementType();
    if (lanes)
      type = mlir::VectorType::get({lanes}, type);
    constants.push_back(scalar.constant(numbers[i], type));
  }
  mlir::func::ReturnOp::create(f.b, made.scalar(scalar, constants));
  made->erase();
}

static double foldScalar(const OneCall &call, const std::vector<double> &numbers) {
  Function f(call.types);
  buildScalar(f, call, numbers, 0);
  return numberOf(foldAll(f));
}

/// The body must be as good on vectors: all ops verify, and as many lanes come out.
static void checkVector(const OneCall &call) {
  Function f(call.types);
  buildScalar(f, call, std::vector<double>(call.types.size(), 1), 4);
  mlir::Operation &last = f.function.getBody().front().back();
  auto type = mlir::dyn_cast<mlir::VectorType>(last.getOperand(0).getType());
  REQUIRE(type);
  CHECK(type.getDimSize(0) == 4);
  for (mlir::Operation &op : f.function.getBody().front().without_terminator())
    CHECK(succeeded(mlir::verify(&op)));
}

TEST_CASE("the scalar body that is lowered agrees with the exact meaning, on scalars and vectors") {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> reals{0.75, -1.5, 0, 2.5, 30, -inf, inf}, wholes{3, -2, 7, 1},
      bools{0, 1};
  for (const auto &[name, builtin] : builtins())
    for (Element element : {Element::F64, Element::I32, Element::I1})
      for (const char *to : {"f64", "i32", "i1"}) {
        Attributes attributes;
        if (!builtin.attributes.empty())
          attributes = {{"to", std::string(to)}}; // cast alone has an attribute
        else if (std::string(to) != "f64")
          continue;
        std::vector<ValueType> types(builtin.operands.size(), ValueType{element, {}});
        if (types.size() == 3)
          types[0].element = Element::I1; // select alone has three operands
        Function f(types);
        auto registered = mlir::RegisteredOperationName::lookup("frit." + name, &f.context);
        if (!registered->hasInterface<Elementwise>() || !builtin.law(types, attributes))
          continue;
        checkVector({name, types, attributes});
        const auto &choices = element == Element::F64   ? reals
                              : element == Element::I32 ? wholes
                                                        : bools;
        for (size_t i = 0; i < choices.size(); ++i)
          for (size_t j = 0; j < (types.size() > 1 ? choices.size() : 1); ++j) {
            std::vector<double> numbers{choices[i], choices[j], choices[i]};
            if (types.size() == 3)
              numbers = {double(i % 2), choices[i], choices[j]};
            numbers.resize(types.size());
            // What hardware does with these is not said.
            bool toWhole = name == "cast" && std::string(to) == "i32" && std::isinf(numbers[0]);
            if (toWhole)
              continue;
            Build build(f.b);
            Terms arguments;
            for (mlir::Value argument : f.function.getArguments())
              arguments.push_back(build.term(argument));
            auto op = mlir::cast<Elementwise>(
                build.make(name, arguments, attributes).value.getDefiningOp());
            double exact = op.exact(numbers);
            double got = foldScalar({name, types, attributes}, numbers);
            INFO(name << " of " << numbers[0]
                      << (numbers.size() > 1 ? ", " + std::to_string(numbers[1]) : "") << " in "
                      << toString(types.back()) << ": " << got << ", exactly " << exact);
            CHECK(((std::isnan(exact) && std::isnan(got)) || got == exact ||
                   std::fabs(got - exact) <= 1e-13 * std::fabs(exact)));
          }
      }
}
