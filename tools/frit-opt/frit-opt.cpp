// Runs passes on .mlir text: what the tests of the dialect and of the passes call.
#include "dialect/Frit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<frit::FritDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                  mlir::math::MathDialect>();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  frit::registerFritPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "frit passes\n", registry));
}
