#ifndef FRIT_TYPES
#define FRIT_TYPES
include "dialect/Dialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"

def Frit_AxesAttr : AttrDef<Frit_Dialect, "Axes",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "axes";
  let summary = "The names of a tensor's axes, outermost first";
  let description = [{ `#frit.axes<b, t, width>`; names that are no identifiers are quoted. }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static AxesAttr get(::mlir::MLIRContext *context, ::llvm::ArrayRef<std::string> names);
    std::vector<std::string> strings() const;
  }];
}
#endif
