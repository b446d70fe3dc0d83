// What compileModule emits: LLVM IR, assembly or an object; which symbols; and the errors.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "test/codegen/Compiled.h"

using namespace mlir;
using namespace frit;
using namespace frit::test;

static std::string compile(const char *text, Emission emission, const char *isa = "avx512",
                           std::vector<std::string> exports = {}) {
  auto module = parseSourceString<ModuleOp>(text, &context());
  REQUIRE(module);
  ObjectOptions options;
  options.emission = emission;
  options.exports = exports;
  auto result = compileModule(*module, *Target::named(isa), options);
  if (!result)
    FAIL(message(result.takeError()));
  return *result;
}

static const char *const saxpy = R"(
  func.func @saxpy(%x: memref<64xf32>, %y: memref<64xf32>, %a: f32) {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c64 = arith.constant 64 : index
    %av = vector.broadcast %a : f32 to vector<16xf32>
    scf.for %i = %c0 to %c64 step %c16 {
      %xv = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
      %yv = vector.load %y[%i] : memref<64xf32>, vector<16xf32>
      %s = vector.fma %av, %xv, %yv : vector<16xf32>
      vector.store %s, %y[%i] : memref<64xf32>, vector<16xf32>
    }
    return
  }
  func.func private @unused(%a: f32) -> f32 { return %a : f32 }
  func.func @visible(%a: f32) -> f32 { return %a : f32 }
)";

TEST_CASE("object: 512-bit vectors stay whole on avx512, become halves on avx2") {
  std::string wide = compile(saxpy, Emission::Assembly);
  CHECK(wide.find("vfmadd") != std::string::npos);
  CHECK(wide.find("zmm") != std::string::npos);
  std::string half = compile(saxpy, Emission::Assembly, "avx2");
  CHECK(half.find("vfmadd") != std::string::npos);
  CHECK(half.find("zmm") == std::string::npos);
  std::string baseline = compile(saxpy, Emission::Assembly, "baseline");
  CHECK(baseline.find("mulps") != std::string::npos);
  CHECK(baseline.find("call") == std::string::npos);
}

TEST_CASE("object: a product and a sum are not fused unless the source says so") {
  std::string assembly = compile(R"(
    func.func @f(%a: f32, %b: f32, %c: f32) -> f32 {
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %p, %c : f32
      return %s : f32
    })",
                                 Emission::Assembly);
  CHECK(assembly.find("vmulss") != std::string::npos);
  CHECK(assembly.find("vaddss") != std::string::npos);
}

TEST_CASE("object: only exports are visible, the unused is gone") {
  std::string ir = compile(saxpy, Emission::LLVM, "avx512", {"saxpy"});
  CHECK(ir.find("define void @saxpy") != std::string::npos);
  CHECK(ir.find("@visible") == std::string::npos);
  CHECK(ir.find("@unused") == std::string::npos);
  ir = compile(saxpy, Emission::LLVM);
  CHECK(ir.find("@visible") != std::string::npos);
  CHECK(ir.find("@unused") == std::string::npos);
}

TEST_CASE("object: an op without a lowering is an error, not a crash") {
  context().allowUnregisteredDialects(true);
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @f() { "mystery.op"() : () -> () return })",
                                            &context());
  REQUIRE(module);
  std::string diagnostics;
  ScopedDiagnosticHandler handler(&context(), [&](Diagnostic &d) { diagnostics += d.str(); });
  auto result = compileModule(*module, *Target::named("avx2"));
  context().allowUnregisteredDialects(false);
  REQUIRE_FALSE(bool(result));
  CHECK(message(result.takeError()) == "could not lower the module to the LLVM dialect");
  CHECK(diagnostics.find("mystery.op") != std::string::npos);
}

TEST_CASE("object: a malformed module is an error, not a crash") {
  OpBuilder builder(&context());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  ImplicitLocOpBuilder b(module->getLoc(), module->getContext());
  b.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(b, "f", b.getFunctionType({}, {}));
  function.addEntryBlock(); // without a return
  ScopedDiagnosticHandler quiet(&context(), [](Diagnostic &) {});
  auto result = compileModule(*module, *Target::named("avx2"));
  REQUIRE_FALSE(bool(result));
  CHECK(message(result.takeError()) == "the module to compile is malformed");
}

TEST_CASE("target: levels have names, and the host has one of them") {
  CHECK(Target::named("avx512")->lanes(32) == 16);
  CHECK(Target::named("avx2")->lanes(64) == 4);
  CHECK_FALSE(Target::named("pentium").has_value());
  CHECK(Target::named(Target::host().isa).has_value());
}
