// One compilation, from the file to wherever the user wants to stop.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Diagnostics.h"
#include "dialect/syntax/Graph.h"
#include "dialect/syntax/Source.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Target.h"
#include "tools/frit/Request.h"
#include <memory>

namespace frit {

class Loaded;

/// The user's mistake has been reported; the command ends with exit code 1.
struct UserError {};

/// Our mistake: reported as a bug of frit with the stage, exit code 70.
struct FritBug {
  std::string message;
};

class Driver {
public:
  explicit Driver(const Request &request);
  ~Driver();

  /// Text to ops, and the stages that --save-stages wants. Throws UserError after printing what is
  /// wrong.
  void check();
  /// After a check under `onlyCheck`: what keeps the program from being compiled; empty if nothing.
  std::string obstacle();
  /// Ops to ops, up to `stage` ("grad", "fused") or --stop-after, which goes first.
  void runPasses(const std::string &stage);
  /// Ops to ops, all passes, so that the program can be compiled.
  void runPasses();
  /// After all passes: compiled for this machine, in this process.
  std::unique_ptr<Loaded> load(int threads);
  /// Object files and the program at `output`.
  void build(const std::string &output);
  /// The stage as text: ast, ops, grad, fused, planned, llvm, asm; objects and programs go to a
  /// file.
  std::string emit(const std::string &stage);

  mlir::ModuleOp module() { return *ir; }
  mlir::MLIRContext &mlirContext() { return *context; }
  /// What to compile for, best first.
  std::vector<Target> targets() const;
  /// Every text that went into the program, for the cache key.
  std::vector<std::string> sourceTexts() const;

private:
  /// Throws UserError if an option names what there is not.
  void refuseUnknown() const;
  const Source &load();
  void saveStages();
  std::optional<Graph> graphOf(const ast::Module &tree, bool onlyCheck, Diagnostics &diagnostics);
  void save(const std::string &stage, const std::string &text);
  /// A message of a pass, at the user's line.
  std::string render(mlir::Diagnostic &diagnostic);

  Request request;
  Sources sources;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> ir;
};

} // namespace frit
