#ifndef FRIT_OPS_CONTROL
#define FRIT_OPS_CONTROL
include "dialect/ops/Base.td"

def Frit_ScanOp : Op<Frit_Dialect, "scan", [AttrSizedOperandSegments,
    SingleBlockImplicitTerminator<"::frit::YieldOp">, RecursiveMemoryEffects,
    RecursivelySpeculatable]> {
  let summary = "a loop along an axis: `repeat` over layers, `scan` over time";
  let description = [{
    For i = 0 .. size-1 (size-1 .. 0 with `reverse`): the body gets i (an i32 scalar), the carried
    values and the i-th slice of every `slices` operand along `axis`; it yields the next carried
    values, then values that are stacked along `axis` at position i. A slice has the axes of its
    operand without `axis`, which may stand anywhere in it. Values of the surroundings may be used
    inside. Results: the final carried values, then the stacks (`axis` first).
    `kind`: "layers", "time", or "pieces" of a batch.
  }];
  let arguments = (ins Variadic<Frit_Value>:$inits, Variadic<Frit_Value>:$slices, StrAttr:$axis,
                       I64Attr:$size, UnitAttr:$reverse, StrAttr:$kind);
  let results = (outs Variadic<Frit_Value>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inits `)` `slices` `(` $slices `)` $body attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Value getIndex() { return getBody().front().getArgument(0); }
    ::mlir::Block::BlockArgListType carried() {
      return getBody().front().getArguments().slice(1, getInits().size());
    }
    ::mlir::Block::BlockArgListType sliced() {
      return getBody().front().getArguments().drop_front(1 + getInits().size());
    }
    ::mlir::ResultRange finals() { return getResults().take_front(getInits().size()); }
    ::mlir::ResultRange stacks() { return getResults().drop_front(getInits().size()); }
  }];
}
def Frit_YieldOp : Op<Frit_Dialect, "yield", [Pure, Terminator, ReturnLike, HasParent<"ScanOp">]> {
  let summary = "the next carried values, then the values to stack";
  let arguments = (ins Variadic<Frit_Value>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}
def Frit_GradientOp : Op<Frit_Dialect, "gradient", [Pure]> {
  let summary = "the gradient of a scalar with respect to values; replaced by Differentiate";
  let arguments = (ins Frit_Value:$objective, Variadic<Frit_Value>:$wrt);
  let results = (outs Variadic<Frit_Value>:$gradients);
  let assemblyFormat = "$objective `by` $wrt attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
#endif
