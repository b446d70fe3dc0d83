#include "tools/frit/Driver.h"
#include "codegen/Compile.h"
#include "codegen/Link.h"
#include "codegen/Load.h"
#include "codegen/Object.h"
#include "dialect/Frit.h"
#include "dialect/syntax/Check.h"
#include "dialect/syntax/Emit.h"
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Parser.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/PlanMemory.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

namespace frit {

Driver::Driver(const Request &request) : request(request) {
  mlir::DialectRegistry registry;
  registry.insert<FritDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                  mlir::math::MathDialect>();
  registerCodegenDialects(registry);
  context = std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
}
Driver::~Driver() = default;

std::vector<std::string> Driver::sourceTexts() const {
  std::vector<std::string> texts;
  for (const auto &source : sources.all())
    texts.push_back(source->name + "\n" + source->text);
  return texts;
}

/// A mistake of the user that is none of the program's text.
template <typename... Parts>
[[noreturn]] static void mistake(fmt::format_string<Parts...> text, Parts &&...parts) {
  std::cerr << "frit: " << fmt::format(text, std::forward<Parts>(parts)...) << "\n";
  throw UserError();
}

/// What --save-stages calls the stages, in order.
static const char *const stageFiles[] = {"0-ast.frit",   "1-ops.mlir",     "2-grad.mlir",
                                         "3-fused.mlir", "4-planned.mlir", "5-llvm.ll",
                                         "6-asm.s"};

void Driver::save(const std::string &stage, const std::string &text) {
  if (request.saveStages.empty())
    return;
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(request.saveStages, error);
  for (const char *name : stageFiles) {
    if (fs::path(name).stem().string().substr(2) != stage)
      continue;
    fs::path path = fs::path(request.saveStages) / name;
    std::ofstream file(path, std::ios::binary);
    file << text << std::flush;
    if (!file)
      mistake("cannot write {}", path.string());
  }
}

void Driver::saveStages() {
  // Each from the start: the passes work in place.
  Request again = request;
  again.saveStages.clear();
  for (const char *stage : {"grad", "fused", "planned", "llvm", "asm"}) {
    save(stage, Driver(again).emit(stage));
    bool isLast = request.onlyCheck || !request.stopAfter.empty();
    if (isLast && std::string(stage) == "fused")
      return;
  }
}

namespace {

std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags; // verified by whoever made it
  module.print(stream, flags.elideLargeElementsAttrs().assumeVerified());
  return text + "\n";
}

} // namespace

/// What a program may read: the runtime's table.
static std::vector<DataSource> dataSources() {
  return {
#define FRIT_SOURCE(name, factory, record, files, arguments) {#name, record, arguments},
#include "runtime/Sources.def"
#undef FRIT_SOURCE
  };
}

std::optional<Graph> Driver::graphOf(const ast::Module &tree, bool onlyCheck,
                                     Diagnostics &diagnostics) {
  CheckOptions options;
  options.train = request.train;
  options.small = request.small;
  options.gradients = request.gradients;
  options.element = request.f64 ? Element::F64 : Element::F32;
  for (const std::string &setting : request.settings) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      mistake("--set wants NAME=VALUE, not '{}'", setting);
    options.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  options.onlyCheck = onlyCheck;
  options.sources = dataSources();
  return frit::check(tree, sources, options, diagnostics);
}

std::string Driver::obstacle() {
  std::string reason;
  Diagnostics diagnostics;
  const Source *source = sources.load(request.file, reason);
  graphOf(parse(*source, diagnostics), /*onlyCheck=*/false, diagnostics);
  if (!diagnostics.hasErrors())
    return "";
  const Diagnostic &first = diagnostics.all().front();
  return toString(first.at) + ": " + first.message;
}

const Source &Driver::load() {
  if (!request.text.empty())
    return sources.add("check of " + request.file, request.text);
  std::string reason;
  const Source *source = sources.load(request.file, reason);
  if (!source)
    mistake("cannot read {}: {}", request.file, reason);
  return *source;
}

void Driver::refuseUnknown() const {
  PipelineOptions options;
  options.stopAfter = request.stopAfter;
  options.disabled = {request.disabled.begin(), request.disabled.end()};
  if (std::string wrong = mistakeIn(options); !wrong.empty())
    mistake("{}", wrong);
  for (const std::string &isa : request.targets)
    if (!Target::named(isa))
      mistake("there is no target '{}'; there are avx512, avx2, baseline", isa);
}

/// The run time compares it with a checkpoint's: the same ops learn the same.
static void setHash(mlir::ModuleOp module, const std::string &ops) {
  auto metadata = module->getAttrOfType<mlir::StringAttr>("frit.metadata");
  auto json = metadata ? nlohmann::ordered_json::parse(metadata.getValue().str())
                       : nlohmann::ordered_json::object();
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(ops));
  json["hash"] = llvm::toHex(llvm::ArrayRef(digest).take_front(8), /*LowerCase=*/true);
  module->setAttr("frit.metadata", mlir::StringAttr::get(module.getContext(), json.dump()));
}

void Driver::check() {
  refuseUnknown();
  const Source &source = load();
  Diagnostics diagnostics;
  ast::Module tree = parse(source, diagnostics);
  std::optional<Graph> graph;
  if (!diagnostics.hasErrors()) {
    save("ast", format(source, diagnostics).value_or(""));
    bool isProgram = !trainBlocks(tree).empty();
    graph = graphOf(tree, request.onlyCheck && isProgram, diagnostics);
  }
  if (diagnostics.hasErrors()) {
    std::cerr << diagnostics.render();
    throw UserError();
  }
  if (!graph)
    throw FritBug{"the check gave neither a program nor an error"};
  ir = frit::emit(*graph, *context);
  if (!ir || mlir::failed(ir->verify()))
    throw FritBug{"stage ops: the checked program is not valid; please report " + request.file};
  std::string ops = print(*ir);
  setHash(*ir, ops);
  save("ops", ops);
  if (!request.saveStages.empty())
    saveStages();
}

void Driver::runPasses() {
  runPasses("");
  if (request.checkFinite)
    (*ir)->setAttr(checkFiniteAttribute, mlir::UnitAttr::get(context.get()));
  bool isWhole = true;
  ir->walk([&](GradientOp) { isWhole = false; });
  if (!isWhole)
    mistake("after '{}' the program still asks for gradients: print it, but it cannot be compiled",
            request.stopAfter);
}

void Driver::runPasses(const std::string &stage) {
  PipelineOptions options;
  options.stopAfter = request.stopAfter.empty() ? stage : request.stopAfter;
  options.disabled = {request.disabled.begin(), request.disabled.end()};
  options.naive = request.naive;
  // What passes refused comes out as diagnostics.
  mlir::remark::RemarkCategories everything;
  everything.missed = everything.failed = ".*";
  if (request.remarks && !context->getRemarkEngine() &&
      mlir::failed(mlir::remark::enableOptimizationRemarks(
          *context, nullptr, std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), everything,
          /*printAsEmitRemarks=*/true)))
    llvm::report_fatal_error("remarks cannot be turned on");
  mlir::PassManager manager(context.get());
  buildPipeline(manager, options);
  // Errors of passes are the user's (differentiation through something without a slope): they stand
  // at his line.
  std::string said;
  mlir::ScopedDiagnosticHandler handler(context.get(), [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark && !request.remarks)
      return mlir::success();
    // Many parameters may come from one line.
    if (std::string text = render(diagnostic); said.find(text) == std::string::npos)
      said += text;
    return mlir::success();
  });
  bool failed = mlir::failed(manager.run(*ir));
  std::cerr << said;
  if (failed)
    throw UserError();
}

std::vector<Target> Driver::targets() const {
  if (request.targets.empty())
    return {Target::host()};
  std::vector<Target> targets;
  for (const char *isa : {"avx512", "avx2", "baseline"}) // best first, as the runtime looks
    if (std::find(request.targets.begin(), request.targets.end(), isa) != request.targets.end())
      targets.push_back(*Target::named(isa));
  return targets;
}

std::string Driver::emit(const std::string &stage) {
  if (stage == "ast") {
    const Source &source = load();
    Diagnostics diagnostics;
    std::optional<std::string> text = format(source, diagnostics);
    if (!text) {
      std::cerr << diagnostics.render();
      throw UserError();
    }
    return *text;
  }
  check();
  if (stage == "ops")
    return print(*ir);
  if (stage == "grad" || stage == "fused") {
    runPasses(stage);
    return print(*ir);
  }
  runPasses();
  CompileOptions options;
  options.naive = request.naive;
  if (stage == "planned") {
    Plan plan;
    auto entries = lowerLevel(*ir, targets().front(), options, plan, "");
    if (!entries)
      throw FritBug{"stage planned: " + llvm::toString(entries.takeError())};
    annotatePlan(*ir, plan);
    return print(*ir);
  }
  Emission emission = stage == "llvm"  ? Emission::LLVM
                      : stage == "asm" ? Emission::Assembly
                                       : Emission::Object;
  auto text = emitText(*ir, targets().front(), emission, options);
  if (!text)
    throw FritBug{"stage " + stage + ": " + llvm::toString(text.takeError())};
  return *text;
}

std::unique_ptr<Loaded> Driver::load(int threads) {
  CompileOptions options;
  options.naive = request.naive;
  auto level = compileLevel(module(), targets().front(), options);
  if (!level)
    throw FritBug{"stage obj: " + llvm::toString(level.takeError())};
  auto loaded = Loaded::load(*level, threads);
  if (!loaded)
    throw FritBug{"loading the compiled program: " + llvm::toString(loaded.takeError())};
  return std::move(*loaded);
}

void Driver::build(const std::string &output) {
  runPasses();
  CompileOptions options;
  options.naive = request.naive;
  auto compiled = frit::compile(*ir, targets(), options);
  if (!compiled)
    throw FritBug{"stage obj: " + llvm::toString(compiled.takeError())};
  // The linker reads files.
  std::vector<std::string> files;
  llvm::scope_exit cleanUp([&] {
    for (const std::string &file : files)
      std::remove(file.c_str());
  });
  for (const std::string &object : compiled->objects()) {
    files.push_back(fmt::format("{}.{}.o", output, files.size()));
    std::ofstream file(files.back(), std::ios::binary);
    file << object << std::flush;
    if (!file)
      mistake("cannot write {}: {}", output, std::strerror(errno));
  }
  if (llvm::Error error = linkProgram(files, output))
    mistake("{}", llvm::toString(std::move(error)));
}

std::string Driver::render(mlir::Diagnostic &diagnostic) {
  mlir::FileLineColLoc place;
  diagnostic.getLocation()->walk([&](mlir::Location at) {
    if (auto line = llvm::dyn_cast<mlir::FileLineColLoc>(at)) {
      place = line;
      return mlir::WalkResult::interrupt();
    }
    return mlir::WalkResult::advance();
  });
  const char *kind = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error     ? "error"
                     : diagnostic.getSeverity() == mlir::DiagnosticSeverity::Warning ? "warning"
                     : diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark  ? "remark"
                                                                                     : "note";
  std::string text;
  Location at;
  if (place)
    for (const auto &source : sources.all())
      if (source->name == place.getFilename().getValue() && place.getLine() > 0 &&
          place.getLine() <= source->lineStarts.size()) {
        at.file = source.get();
        at.line = place.getLine();
        at.column = place.getColumn();
        at.length = 1;
      }
  if (at.valid())
    text += toString(at) + ": ";
  std::string message = diagnostic.str();
  // `[Missed] cycle | Category:Fuse | Remark="..."`: the sentence.
  if (size_t quote = message.find("Remark=\""); quote != std::string::npos)
    message = message.substr(quote + 8, message.rfind('"') - quote - 8);
  text += fmt::format("{}: {}\n", kind, message);
  if (at.valid() && diagnostic.getSeverity() != mlir::DiagnosticSeverity::Remark)
    text += excerpt(at);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    text += render(note);
  return text;
}

} // namespace frit
