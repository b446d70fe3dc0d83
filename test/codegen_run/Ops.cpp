// Every op, compiled, against the evaluator.
#include "Harness.h"

using namespace frit;
using namespace frit::test;

/// An entry with one op: inputs x, y, ... of the operand types, outputs of the result types.
static std::string entryOf(const std::string &op, const std::vector<std::string> &operands,
                           const std::vector<std::string> &results) {
  std::string arguments, names, types, outs, outNames, outTypes, resultAttributes;
  auto join = [](std::string &list, const std::string &item) {
    list += (list.empty() ? "" : ", ") + item;
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    std::string name(1, char("xyzuvw"[i]));
    join(arguments, "%" + name + ": " + operands[i] + " {frit.name = \"" + name + "\"}");
    join(names, "%" + name);
    join(types, operands[i]);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    join(outNames, "%r" + std::to_string(i));
    join(outTypes, results[i]);
    join(resultAttributes, results[i] + " {frit.name = \"r" + std::to_string(i) + "\"}");
  }
  size_t space = op.find(' ');
  std::string mnemonic = op.substr(0, space);
  std::string attributes = space == std::string::npos ? "" : op.substr(space);
  std::string lhs = outNames;
  return "func.func @main(" + arguments + ") -> (" + resultAttributes +
         ") attributes {frit.entry} {\n  " + lhs + " = \"frit." + mnemonic + "\"(" + names + ")" +
         attributes + " : (" + types + ") -> (" + outTypes + ")\n  return " + outNames + " : " +
         outTypes + "\n}\n";
}

static std::string tensor(const std::string &shape, const std::string &axes,
                          const std::string &element = "REAL") {
  if (axes.empty())
    return "tensor<" + element + ">";
  return "tensor<" + shape + "x" + element + ", #frit.axes<" + axes + ">>";
}

static void op(const std::string &text, const std::vector<std::string> &operands,
               const std::vector<std::string> &results, const NamedArrays &given = {}) {
  INFO(text);
  checkText(entryOf(text, operands, results), given);
}

TEST_CASE("unary elementwise ops", "[ops]") {
  std::string x = tensor("3x37", "a, b");
  for (const char *name : {"neg", "abs", "sign", "exp", "expm1", "sin", "cos", "tanh", "sigmoid",
                           "softplus", "erf", "floor", "ceil", "round", "stop_gradient"})
    op(name, {x}, {x});
}

TEST_CASE("unary ops of positive numbers", "[ops]") {
  std::mt19937 random(3);
  for (const char *name : {"log", "log1p", "sqrt", "rsqrt"}) {
    Array x = randomArray({Element::F64, {{"a", 40}}}, random);
    for (double &e : x.data)
      e = double(float(std::fabs(e) + 0.125));
    for (const char *element : {"f32", "f64"}) {
      INFO(name);
      std::string type = tensor("40", "a", element);
      auto module = parse(entryOf(name, {type}, {type}));
      check(*module, "main", element[1] == '6' ? 1e-12 : 1e-5, 1, {{"x", x}});
    }
  }
}

TEST_CASE("binary ops align operands by axis name", "[ops]") {
  for (const char *name : {"add", "sub", "mul", "maximum", "minimum", "logaddexp"}) {
    op(name, {tensor("3x5", "a, b"), tensor("5x3", "b, a")}, {tensor("3x5", "a, b")});
    op(name, {tensor("3", "a"), tensor("5x2", "b, c")}, {tensor("3x5x2", "a, b, c")});
    op(name, {tensor("", ""), tensor("5x2", "b, c")}, {tensor("5x2", "b, c")});
  }
  op("add", {tensor("3x5", "a, b", "i32"), tensor("5", "b", "i32")},
     {tensor("3x5", "a, b", "i32")});
  op("and", {tensor("3x5", "a, b", "i1"), tensor("5", "b", "i1")}, {tensor("3x5", "a, b", "i1")});
  op("or", {tensor("3x5", "a, b", "i1"), tensor("5", "b", "i1")}, {tensor("3x5", "a, b", "i1")});
  op("not", {tensor("3x5", "a, b", "i1")}, {tensor("3x5", "a, b", "i1")});
}

TEST_CASE("division, powers, remainders", "[ops]") {
  std::mt19937 random(4);
  Array y = randomArray({Element::F64, {{"b", 7}}}, random);
  for (double &e : y.data)
    e = double(float(std::fabs(e) + 0.25));
  for (const char *name : {"div", "mod"})
    op(name, {tensor("3x7", "a, b"), tensor("7", "b")}, {tensor("3x7", "a, b")}, {{"y", y}});
  // Of integers also where products overflow and where the machine would trap.
  Array n({Element::I32, {{"b", 9}}}), m = n;
  n.data = {-40000, 40000, -1, 7, -7, 2147483647, -2147483648.0, -2147483648.0, 5};
  m.data = {100000, -100000, 100000, -3, 3, -2147483647, -1, 2147483647, 0};
  op("mod", {tensor("9", "b", "i32"), tensor("9", "b", "i32")}, {tensor("9", "b", "i32")},
     {{"x", n}, {"y", m}});
  Array x = y;
  op("pow", {tensor("7", "b"), tensor("7", "b")}, {tensor("7", "b")}, {{"x", x}, {"y", y}});
}

TEST_CASE("comparisons, select, casts", "[ops]") {
  for (const char *name : {"eq", "ne", "lt", "le", "gt", "ge"}) {
    op(name, {tensor("3x5", "a, b"), tensor("5", "b")}, {tensor("3x5", "a, b", "i1")});
    op(name, {tensor("3x5", "a, b", "i32"), tensor("5", "b", "i32")},
       {tensor("3x5", "a, b", "i1")});
  }
  op("select", {tensor("3", "a", "i1"), tensor("3x5", "a, b"), tensor("5", "b")},
     {tensor("3x5", "a, b")});
  op("cast {to = \"REAL\"}", {tensor("5", "a", "i1")}, {tensor("5", "a")});
  op("cast {to = \"REAL\"}", {tensor("5", "a", "i32")}, {tensor("5", "a")});
  op("cast {to = \"i32\"}", {tensor("5", "a")}, {tensor("5", "a", "i32")});
  op("cast {to = \"i1\"}", {tensor("5", "a", "i32")}, {tensor("5", "a", "i1")});
}

TEST_CASE("reductions", "[ops]") {
  for (const char *name : {"sum", "max", "min", "logsumexp"}) {
    std::string mnemonic = name;
    op(mnemonic + " {over = #frit.axes<b>}", {tensor("3x37", "a, b")}, {tensor("3", "a")});
    op(mnemonic + " {over = #frit.axes<a>}", {tensor("3x37", "a, b")}, {tensor("37", "b")});
    op(mnemonic + " {over = #frit.axes<c, a>}", {tensor("3x5x2", "a, b, c")}, {tensor("5", "b")});
    op(mnemonic + " {over = #frit.axes<a, b>}", {tensor("3x5", "a, b")}, {tensor("", "")});
  }
  op("sum {over = #frit.axes<b>}", {tensor("3x5", "a, b", "i32")}, {tensor("3", "a", "i32")});
  op("max {over = #frit.axes<b>}", {tensor("3x5", "a, b", "i32")}, {tensor("3", "a", "i32")});
  op("min {over = #frit.axes<b>}", {tensor("3x5", "a, b", "i32")}, {tensor("3", "a", "i32")});
  for (const char *name : {"any", "all"})
    op(std::string(name) + " {over = #frit.axes<b>}", {tensor("9x2", "a, b", "i1")},
       {tensor("9", "a", "i1")});
  for (const char *name : {"softmax", "log_softmax"}) {
    op(std::string(name) + " {over = #frit.axes<b>}", {tensor("3x37", "a, b")},
       {tensor("3x37", "a, b")});
    op(std::string(name) + " {over = #frit.axes<c, a>}", {tensor("3x5x2", "a, b, c")},
       {tensor("3x5x2", "a, b, c")});
  }
}

TEST_CASE("rows of minus infinity", "[ops]") {
  double inf = std::numeric_limits<double>::infinity();
  Array x({Element::F64, {{"a", 2}, {"b", 3}}});
  x.data = {-inf, -inf, -inf, 1, -inf, 2};
  std::string type = tensor("2x3", "a, b");
  op("softmax {over = #frit.axes<b>}", {type}, {type}, {{"x", x}});
  op("log_softmax {over = #frit.axes<b>}", {type}, {type}, {{"x", x}});
  op("logsumexp {over = #frit.axes<b>}", {type}, {tensor("2", "a")}, {{"x", x}});
  op("max {over = #frit.axes<b>}", {type}, {tensor("2", "a")}, {{"x", x}});
}

TEST_CASE("order within a row, with ties", "[ops]") {
  std::mt19937 random(5);
  Array x({Element::F64, {{"a", 3}, {"b", 9}}});
  for (double &e : x.data)
    e = double(int(random() % 4)) - 2;
  std::string type = tensor("3x9", "a, b");
  op("argmax {over = #frit.axes<b>}", {type}, {tensor("3", "a", "i32")}, {{"x", x}});
  op("argmax {over = #frit.axes<b, a>}", {type}, {tensor("", "", "i32")}, {{"x", x}});
  op("sort {over = #frit.axes<b>}", {type}, {type, tensor("3x9", "a, b", "i32")}, {{"x", x}});
  op("sort {over = #frit.axes<a>}", {type}, {type, tensor("3x9", "a, b", "i32")}, {{"x", x}});
  op("top_k {over = #frit.axes<b>, k = 4 : i64, as = \"k\"}", {type},
     {tensor("3x4", "a, k"), tensor("3x4", "a, k", "i32")}, {{"x", x}});
  // Long rows: a merge sort, here of one pass more and one less than two to some power.
  for (int64_t n : {17, 64, 65, 300}) {
    Array y({Element::F64, {{"a", 3}, {"b", n}}});
    for (double &e : y.data)
      e = double(int(random() % 40)) / 8 - 2;
    std::string size = std::to_string(n), wide = tensor("3x" + size, "a, b"),
                turned = tensor(size + "x3", "b, a");
    op("sort {over = #frit.axes<b>}", {wide}, {wide, tensor("3x" + size, "a, b", "i32")},
       {{"x", y}});
    y.type.axes = {{"b", n}, {"a", 3}};
    op("sort {over = #frit.axes<b>}", {turned}, {turned, tensor(size + "x3", "b, a", "i32")},
       {{"x", y}});
    for (int64_t k : {int64_t(1), int64_t(5), n})
      op("top_k {over = #frit.axes<b>, k = " + std::to_string(k) + " : i64, as = \"k\"}", {turned},
         {tensor("3x" + std::to_string(k), "a, k"),
          tensor("3x" + std::to_string(k), "a, k", "i32")},
         {{"x", y}});
  }
  for (const char *how : {"", ", reverse"}) {
    op("cumsum {over = #frit.axes<b>" + std::string(how) + "}", {type}, {type}, {{"x", x}});
    op("cumsum {over = #frit.axes<b, a>" + std::string(how) + "}", {type}, {type}, {{"x", x}});
  }
  op("cumsum {over = #frit.axes<a>}", {tensor("7x2", "a, b", "i1")},
     {tensor("7x2", "a, b", "i32")});
}

TEST_CASE("contractions of any shape", "[ops]") {
  std::string over = "contract {over = #frit.axes<k>}";
  op(over, {tensor("5x7", "m, k"), tensor("7x3", "k, n")}, {tensor("5x3", "m, n")});
  op(over, {tensor("7x5", "k, m"), tensor("3x7", "n, k")}, {tensor("3x5", "n, m")});
  op(over, {tensor("2x5x7", "b, m, k"), tensor("2x3x7", "b, n, k")}, {tensor("2x5x3", "b, m, n")});
  op(over, {tensor("5x2x70", "m, b, k"), tensor("70x2x30", "k, b, n")},
     {tensor("5x2x30", "m, b, n")});
  op(over, {tensor("64x48", "m, k"), tensor("48x40", "k, n")}, {tensor("64x40", "m, n")});
  op(over, {tensor("7", "k"), tensor("7", "k")}, {tensor("", "")});
  op(over, {tensor("700", "k"), tensor("700x3", "k, n")}, {tensor("3", "n")});
  op("contract {over = #frit.axes<j, k>}", {tensor("4x6x5", "j, m, k"), tensor("5x4x9", "k, j, n")},
     {tensor("6x9", "m, n")});
  op("contract {over = #frit.axes<>}", {tensor("4", "m"), tensor("9", "n")},
     {tensor("4x9", "m, n")});
}

TEST_CASE("gather", "[ops]") {
  op("gather {axes = #frit.axes<v>}", {tensor("3x6", "v, d"), tensor("2x5", "b, t", "i32")},
     {tensor("2x5x6", "b, t, d")});
  // Aligned: x[b, t, v][v = i[b, t]].
  op("gather {axes = #frit.axes<v>}", {tensor("2x5x3", "b, t, v"), tensor("2x5", "b, t", "i32")},
     {tensor("2x5", "b, t")});
  op("gather {axes = #frit.axes<u, v>}",
     {tensor("3x4x3", "u, d, v"), tensor("7", "n", "i32"), tensor("7", "n", "i32")},
     {tensor("7x4", "n, d")});
  // The index brings the axis that it replaces.
  op("gather {axes = #frit.axes<t>}", {tensor("2x5", "b, t"), tensor("5", "t", "i32")},
     {tensor("2x5", "b, t")});
  Array i({Element::I32, {{"n", 5}}});
  i.data = {-1, 0, 2, 3, 100};
  op("gather {axes = #frit.axes<v>, fill}",
     {tensor("3x2", "v, d"), tensor("5", "n", "i32"), tensor("", "")}, {tensor("5x2", "n, d")},
     {{"y", i}});
}

TEST_CASE("a checked gather that fails reads nothing outside", "[ops]") {
  std::string x = tensor("3", "v", "f32"), n = tensor("5", "n", "i32");
  auto module =
      parse(entryOf("gather {axes = #frit.axes<v>, checked}", {x, n}, {tensor("5", "n", "f32")}));
  auto level = compileLevel(*module, Target::host());
  REQUIRE(bool(level));
  auto loaded = Loaded::load(*level);
  REQUIRE(bool(loaded));
  Array values({Element::F32, {{"v", 3}}}), index({Element::I32, {{"n", 5}}});
  values.data = {10, 20, 30};
  index.data = {-7, 0, 1, 3, 1e9};
  NamedArrays states;
  CHECK_THROWS_WITH((*loaded)->run("main", states, {{"x", values}, {"y", index}}),
                    Catch::Contains("index -7 of axis 'v' is outside 0..2"));
}

TEST_CASE("scatter", "[ops]") {
  for (const char *mode : {"add", "set"}) {
    std::string with = std::string(", mode = \"") + mode + "\"}";
    op("scatter {into = #frit.axes<v>" + with,
       {tensor("4x5x6", "b, t, d"), tensor("4x5", "b, t", "i32")}, {tensor("3x6", "v, d")});
    op("scatter {into = #frit.axes<v>, aligned = #frit.axes<b, t>" + with,
       {tensor("4x5", "b, t"), tensor("4x5", "b, t", "i32")}, {tensor("4x5x3", "b, t, v")});
    op("scatter {into = #frit.axes<v>, masked" + with,
       {tensor("4x5x6", "b, t, d"), tensor("4x5", "b, t", "i32"), tensor("4x5", "b, t", "i1")},
       {tensor("3x6", "v, d")});
    op("scatter {into = #frit.axes<v>, onto" + with,
       {tensor("9", "n"), tensor("9", "n", "i32"), tensor("4", "v")}, {tensor("4", "v")});
    op("scatter {into = #frit.axes<u, v>" + with,
       {tensor("9x2", "n, d"), tensor("9", "n", "i32"), tensor("9", "n", "i32")},
       {tensor("3x4x2", "u, v, d")});
  }
  Array outside({Element::I32, {{"n", 6}}});
  outside.data = {-1, 0, 3, 1, 1, 100};
  op("scatter {into = #frit.axes<v>, mode = \"add\"}", {tensor("6", "n"), tensor("6", "n", "i32")},
     {tensor("3", "v")}, {{"y", outside}});
}

TEST_CASE("shape ops, as views and as copies", "[ops]") {
  op("rename {from = \"a\", to = \"c\"}", {tensor("3x5", "a, b")}, {tensor("3x5", "c, b")});
  op("rename {from = \"a\", to = \"c\"}", {tensor("3x5", "a, b")}, {tensor("5x3", "b, c")});
  op("split {axis = \"a\", into = #frit.axes<c, d>}", {tensor("6x5", "a, b")},
     {tensor("2x3x5", "c, d, b")});
  op("split {axis = \"a\", into = #frit.axes<c, d>}", {tensor("6x5", "a, b")},
     {tensor("2x5x3", "c, b, d")});
  op("merge {axes = #frit.axes<a, b>, into = \"c\"}", {tensor("3x5x2", "a, b, d")},
     {tensor("15x2", "c, d")});
  op("merge {axes = #frit.axes<b, a>, into = \"c\"}", {tensor("3x5x2", "a, b, d")},
     {tensor("15x2", "c, d")});
  op("merge {axes = #frit.axes<a, d>, into = \"c\"}", {tensor("3x5x2", "a, b, d")},
     {tensor("6x5", "c, b")});
  op("merge {axes = #frit.axes<>, into = \"c\"}", {tensor("3", "a")}, {tensor("3x1", "a, c")});
  op("stack {axis = \"n\"}", {tensor("3x5", "a, b"), tensor("3x5", "a, b"), tensor("5x3", "b, a")},
     {tensor("3x3x5", "n, a, b")});
  op("slice {axis = \"a\", at = 1 : i64}", {tensor("3x5", "a, b")}, {tensor("5", "b")});
  op("slice {axis = \"b\", at = 4 : i64}", {tensor("3x5", "a, b")}, {tensor("3", "a")});
  op("broadcast {axes = #frit.axes<a, b>}", {tensor("5", "b")}, {tensor("3x5", "a, b")});
  op("index {axes = #frit.axes<a, b>}", {}, {tensor("3x5", "a, b", "i32")});
  op("index {axes = #frit.axes<b, a>}", {}, {tensor("3x5", "a, b", "i32")});
  op("constant {value = 2.5 : f64, element = \"REAL\", axes = #frit.axes<a>}", {},
     {tensor("9", "a")});
  op("constant {value = 1.0 : f64, element = \"i1\", axes = #frit.axes<>}", {},
     {tensor("", "", "i1")});
}

TEST_CASE("random numbers are those of the evaluator", "[ops]") {
  std::string i32 = tensor("", "", "i32");
  for (const char *distribution : {"uniform", "normal"}) {
    std::string rest = std::string(", element = \"REAL\", distribution = \"") + distribution +
                       "\", site = 77 : i64}";
    op("random {axes = #frit.axes<a, b>" + rest, {i32, i32}, {tensor("3x7", "a, b")});
    op("random {axes = #frit.axes<a, b>" + rest, {i32, i32, i32, i32}, {tensor("7x3", "b, a")});
  }
  Array negative({Element::I32, {}}, -5);
  op("random {axes = #frit.axes<a>, element = \"REAL\", distribution = \"uniform\", site = -3 : "
     "i64}",
     {i32, i32}, {tensor("9", "a")}, {{"x", negative}});
}

TEST_CASE("an op without a lowering is refused", "[ops]") {
  auto module = parse(R"(
func.func @main(%x: tensor<f32> {frit.name = "x"}) -> (tensor<f32> {frit.name = "g"}) attributes {frit.entry} {
  %g = frit.gradient %x by %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
})");
  std::string seen;
  mlir::ScopedDiagnosticHandler handler(&context(), [&](mlir::Diagnostic &diagnostic) {
    seen += diagnostic.str();
    return mlir::success();
  });
  auto level = compileLevel(*module, Target::host());
  REQUIRE(!level);
  CHECK(llvm::toString(level.takeError()) == "could not make kernels of the program");
  CHECK(seen.find("'frit.gradient' op has no lowering") != std::string::npos);
}
