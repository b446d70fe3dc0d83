#include "tools/frit/Driver.h"
#include "codegen/Compile.h"
#include "codegen/Link.h"
#include "codegen/Object.h"
#include "dialect/Frit.h"
#include "dialect/syntax/Check.h"
#include "dialect/syntax/Emit.h"
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/PlanMemory.h"
#include <filesystem>
#include <fstream>
#include <iostream>

namespace frit {

Driver::Driver(const Request &request) : request(request) {
  mlir::DialectRegistry registry;
  registry.insert<FritDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                  mlir::math::MathDialect>();
  registerCodegenDialects(registry);
  context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
}
Driver::~Driver() = default;

std::vector<std::string> Driver::sourceTexts() const {
  std::vector<std::string> texts;
  for (const Source *source : sources.all())
    texts.push_back(source->name + "\n" + source->text);
  return texts;
}

void Driver::save(const std::string &stage, const std::string &text) {
  if (request.saveStages.empty())
    return;
  static const char *order[] = {"ast", "ops", "grad", "fused", "planned", "llvm", "asm"};
  size_t number = std::find(std::begin(order), std::end(order), stage) - std::begin(order);
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(request.saveStages, error);
  fs::path path = fs::path(request.saveStages) / fmt::format("{:02}-{}.txt", number, stage);
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) {
    std::cerr << "frit: cannot write " << path.string() << "\n";
    throw UserError();
  }
}

namespace {

std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  module.print(stream, flags.elideLargeElementsAttrs());
  return text + "\n";
}

} // namespace

void Driver::check() {
  std::string reason;
  const Source *source = sources.load(request.file, reason);
  if (!source) {
    std::cerr << "frit: cannot read " << request.file << ": " << reason << "\n";
    throw UserError();
  }
  Diagnostics diagnostics;
  ast::Module tree = parse(*source, diagnostics);
  std::optional<Graph> graph;
  if (!diagnostics.hasErrors()) {
    save("ast", format(tree));
    CheckOptions options;
    options.train = request.train;
    options.small = request.small;
    options.gradients = request.gradients;
    options.element = request.f64 ? Element::F64 : Element::F32;
    for (const std::string &setting : request.settings) {
      size_t equals = setting.find('=');
      if (equals == std::string::npos || equals == 0) {
        std::cerr << "frit: --set wants NAME=VALUE, not '" << setting << "'\n";
        throw UserError();
      }
      options.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    }
    graph = frit::check(tree, sources, options, diagnostics);
  }
  if (diagnostics.hasErrors()) {
    std::cerr << diagnostics.render();
    throw UserError();
  }
  if (!graph)
    throw FritBug{"the check gave neither a program nor an error"};
  ir = frit::emit(*graph, *context);
  if (!ir || mlir::failed(mlir::verify(*ir)))
    throw FritBug{"stage ops: the checked program is not valid; please report " + request.file};
  save("ops", print(*ir));
}

void Driver::runPasses(const std::string &stage) {
  PipelineOptions options;
  options.stopAfter = !stage.empty() ? stage : request.stopAfter;
  options.disabled = {request.disabled.begin(), request.disabled.end()};
  options.naive = request.naive;
  if (std::string mistake = mistakeIn(options); !mistake.empty()) {
    std::cerr << "frit: " << mistake << "\n";
    throw UserError();
  }
  mlir::PassManager manager(context.get());
  buildPipeline(manager, options);
  // Errors of passes are the user's (differentiation through something without a slope): they stand
  // at his line.
  std::string said;
  mlir::ScopedDiagnosticHandler handler(context.get(), [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark && !request.remarks)
      return mlir::success();
    said += render(diagnostic);
    return mlir::success();
  });
  bool failed = mlir::failed(manager.run(*ir));
  std::cerr << said;
  if (failed)
    throw UserError();
}
