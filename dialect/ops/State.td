#ifndef FRIT_OPS_STATE
#define FRIT_OPS_STATE
include "dialect/ops/Base.td"

def Frit_StateOp : Op<Frit_Dialect, "state", [Symbol]> {
  let summary = "memory that lives from step to step";
  let description = [{
    `role`: parameter, slot (of an optimiser), state (declared by the user), counter, accumulator (of
    an evaluation), scalar (a run-time number with a default, a command-line flag and a help line).
    The first `stacked` axes come from repeats. `tensors` names the canonical tensors that a
    checkpoint holds: one per position of the stacking axes.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Frit_Value>:$type, StrAttr:$role,
                       DefaultValuedAttr<I64Attr, "0">:$stacked, OptionalAttr<ArrayAttr>:$tensors,
                       OptionalAttr<F64Attr>:$initial, OptionalAttr<StrAttr>:$flag,
                       OptionalAttr<StrAttr>:$help);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}
def Frit_ReadOp : Op<Frit_Dialect, "read", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a state when the entry began";
  let description = [{ Writes of the same entry take effect at its end, so a read is pure. }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs Frit_Value:$result);
  let assemblyFormat = "$state attr-dict `:` type($result)";
}
def Frit_WriteOp : Op<Frit_Dialect, "write", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value that a state has after the entry; at most one per state";
  let arguments = (ins Frit_Value:$value, FlatSymbolRefAttr:$state);
  let assemblyFormat = "$value `,` $state attr-dict `:` type($value)";
}
#endif
