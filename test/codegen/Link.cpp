// Programs and libraries are linked without a compiler, and what goes wrong is said clearly.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "test/codegen/Compiled.h"
#include <cstdlib>
#include <sys/wait.h>

using namespace mlir;
using namespace frit;
using namespace frit::test;

namespace {

/// int main() { return <status>; } and, on request, a call of a function that does not exist.
std::string programObject(int status, bool broken) {
  OpBuilder builder(&context());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  ImplicitLocOpBuilder b(module->getLoc(), module->getContext());
  b.setInsertionPointToEnd(module->getBody());
  Type i32 = b.getI32Type();
  auto callee = func::FuncOp::create(b, "frit_no_such_function", b.getFunctionType({}, {i32}));
  callee.setPrivate();
  auto main = func::FuncOp::create(b, "main", b.getFunctionType({}, {i32}));
  main.addEntryBlock();
  b.setInsertionPointToStart(&main.getBody().front());
  Value result = arith::ConstantOp::create(b, b.getI32IntegerAttr(status));
  if (broken)
    result = func::CallOp::create(b, callee, ValueRange{}).getResult(0);
  func::ReturnOp::create(b, result);
  auto bytes = compileModule(*module, *Target::named("baseline"));
  REQUIRE(bool(bytes));
  return *bytes;
}

/// Sets PATH to nothing as long as it lives.
struct EmptyPath {
  std::string before = getenv("PATH");
  EmptyPath() { setenv("PATH", "", 1); }
  ~EmptyPath() { setenv("PATH", before.c_str(), 1); }
};

} // namespace

TEST_CASE("link: a program is linked and runs with nothing on PATH") {
  TemporaryFile object("o"), program("exe");
  std::ofstream(object.path.c_str(), std::ios::binary) << programObject(42, false);
  EmptyPath path;
  if (auto error = linkProgram({std::string(object.path)}, program.path))
    FAIL(message(std::move(error)));
  int status = system(program.path.c_str());
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 42);
}

TEST_CASE("link: an undefined symbol is named, and no program appears") {
  TemporaryFile object("o");
  llvm::SmallString<128> program(object.path);
  program += ".exe";
  std::ofstream(object.path.c_str(), std::ios::binary) << programObject(0, true);
  std::string text = message(linkProgram({std::string(object.path)}, program));
  CHECK(text.find("undefined symbol: frit_no_such_function") != std::string::npos);
  CHECK(text.find("linking") == 0);
  CHECK_FALSE(llvm::sys::fs::exists(program));
}

TEST_CASE("link: a folder that cannot be written is named") {
  TemporaryFile object("o");
  std::ofstream(object.path.c_str(), std::ios::binary) << programObject(0, false);
  std::string text = message(linkProgram({std::string(object.path)}, "/no/such/folder/program"));
  CHECK(text.find("cannot write /no/such/folder/program: No such file or directory") == 0);
}
