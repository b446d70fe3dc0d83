#ifndef FRIT_DIALECT
#define FRIT_DIALECT
include "mlir/IR/OpBase.td"

def Frit_Dialect : Dialect {
  let name = "frit";
  let cppNamespace = "::frit";
  let summary = "Training graphs: values with named axes, states, and entries over them";
  let description = [{
    A value is a statically shaped tensor whose encoding names its axes:
    `tensor<16x256xf32, #frit.axes<b, t>>`. Ops work by name: elementwise ops take the union of the
    axes, reductions and contractions name theirs, so there are no transpose or broadcast ops in
    arithmetic, and the order of axes means nothing until Layout.

    A module holds `frit.state` ops and entries: functions with the attribute `frit.entry`, whose
    arguments and results carry their names as `frit.name`. `frit.metadata` on the module is what
    the runtime needs to know beyond shapes, as JSON text.
  }];
  let hasOperationAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
}
#endif
