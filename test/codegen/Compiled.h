// Compiles a module for a target, links it as a shared library and loads it: how these tests run
// what they emit.
#pragma once
#include "codegen/Link.h"
#include "codegen/Object.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <fstream>

namespace frit::test {

inline mlir::MLIRContext &context() {
  static mlir::DialectRegistry registry = [] {
    mlir::DialectRegistry registry;
    registerCodegenDialects(registry);
    return registry;
  }();
  static mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  return context;
}

/// A file name that is removed at the end.
struct TemporaryFile {
  llvm::SmallString<128> path;
  explicit TemporaryFile(const char *suffix) {
    REQUIRE(!llvm::sys::fs::createTemporaryFile("frit-test", suffix, path));
  }
  ~TemporaryFile() { llvm::sys::fs::remove(path); }
};

inline std::string message(llvm::Error error) { return llvm::toString(std::move(error)); }

/// A loaded library.
class Compiled {
public:
  Compiled(mlir::ModuleOp module, const Target &target) : library("so") {
    auto bytes = compileModule(module, target);
    if (!bytes)
      FAIL(message(bytes.takeError()));
    TemporaryFile object("o");
    std::ofstream(object.path.c_str(), std::ios::binary) << *bytes;
    if (auto error = linkShared({std::string(object.path)}, library.path))
      FAIL(message(std::move(error)));
    handle = dlopen(library.path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      FAIL(dlerror());
  }
  ~Compiled() { dlclose(handle); }
  Compiled(const Compiled &) = delete;

  template <typename Function> Function *get(const char *name) {
    void *symbol = dlsym(handle, name);
    REQUIRE(symbol != nullptr);
    return reinterpret_cast<Function *>(symbol);
  }

private:
  TemporaryFile library;
  void *handle = nullptr;
};

/// Every level that this machine can run.
inline std::vector<Target> runnableTargets() {
  std::vector<Target> targets;
  Target host = Target::host();
  for (const char *isa : {"baseline", "avx2", "avx512"}) {
    targets.push_back(*Target::named(isa));
    if (host.isa == isa)
      break;
  }
  return targets;
}

} // namespace frit::test
