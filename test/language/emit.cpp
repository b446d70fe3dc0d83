// Whatever checks also emits: every node of a graph passes the verifier of its op.
#include "dialect/syntax/Emit.h"
#include "dialect/Frit.h"
#include "mlir/IR/MLIRContext.h"
#include "test/language/Checked.h"
#include <filesystem>

using namespace frit;

static void emits(const std::string &path, CheckOptions options) {
  Checked checked(options, path);
  INFO(path << " train " << options.train << "\n" << checked.messages);
  REQUIRE(checked.graph.has_value());
  mlir::MLIRContext context;
  std::string said;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    said += diagnostic.str() + "\n";
    return mlir::success();
  });
  bool emitted = bool(emit(*checked.graph, context));
  INFO(said);
  CHECK(emitted);
}

TEST_CASE("the graphs of the programs and examples verify") {
  for (const char *folder : {"test/programs", "examples"})
    for (auto &file :
         std::filesystem::directory_iterator(std::string(FRIT_SOURCE_DIR) + "/" + folder)) {
      std::string path = file.path().string();
      if (file.path().extension() != ".frit" || path.find("15_neg") != std::string::npos)
        continue;
      Sources sources;
      Diagnostics diagnostics;
      std::string reason;
      ast::Module module = parse(*sources.load(path, reason), diagnostics);
      for (const std::string &train : trainBlocks(module)) {
        CheckOptions options;
        options.train = train;
        options.onlyCheck = true;
        options.gradients = true;
        options.element = Element::F64;
        emits(path, options);
      }
    }
}

TEST_CASE("what is given to a layer belongs to the layer that gives it") {
  Checked checked(R"(
model Double() { param w: real[] = 2;  forward(x: real[b]) -> real[b] { x * w } }
model M() {
  one = Double()
  two = Double()
  forward(x: real[b]) -> real[b] { two(tanh(one(x) + 1)) }
}
objective o(m: model, x: real[b]) { minimize mean(m(x)) }
train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph.has_value());
  std::vector<std::string> paths;
  for (const Node &node : checked.entry("train")->body.nodes)
    if (node.op == "tanh" || node.op == "mul")
      paths.push_back(node.op + " " + node.path);
  paths.resize(3);
  CHECK(paths == std::vector<std::string>{"mul m.one", "tanh m", "mul m.two"});
}
