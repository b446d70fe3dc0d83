#ifndef FRIT_OPS_FUSED
#define FRIT_OPS_FUSED
include "dialect/ops/Base.td"

def Frit_GroupOp : Op<Frit_Dialect, "group", [IsolatedFromAbove, Pure,
    SingleBlockImplicitTerminator<"::frit::LeaveOp">, DeclareOpInterfaceMethods<Frit_Evaluable>]> {
  let summary = "ops that become one kernel; made by Fuse";
  let description = [{
    Means exactly what its body means when run op by op. The block arguments are the operands. `kind`:
    "elementwise": no reduction. "row": reductions that include the innermost axis, and what feeds and
    follows them. "column": reductions along outer axes.
    The body holds elementwise ops, broadcasts, positions, constants, gathers and slices of operands,
    sum, max, min, any, all, softmax, log_softmax and logsumexp, all reductions over the same axes. A
    value that leaves has all axes that the group walks over, or those that are not reduced.
  }];
  let arguments = (ins Variadic<Frit_Value>:$inputs, StrAttr:$kind);
  let results = (outs Variadic<Frit_Value>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $inputs `)` $body attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}
def Frit_LeaveOp : Op<Frit_Dialect, "leave", [Pure, Terminator, ReturnLike, HasParent<"GroupOp">]> {
  let summary = "the values that leave a group";
  let arguments = (ins Variadic<Frit_Value>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}
#endif
