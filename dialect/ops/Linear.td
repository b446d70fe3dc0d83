#ifndef FRIT_OPS_LINEAR
#define FRIT_OPS_LINEAR
include "dialect/ops/Base.td"

def Frit_ContractOp : Frit_PureOp<"contract", "contract", ["x", "y"]> {
  let summary = "the sum over `over` of x * y; shared other axes are batch";
  let description = [{ `dot(x, y, over = g)` and `outer(x, y)` of the language.
    dx = contract(g, y) over the axes that only y brought, and the mirror for dy. }];
  let arguments = (ins Frit_Value:$x, Frit_Value:$y, Frit_AxesAttr:$over);
  let results = (outs Frit_Value:$result);
  let compileTime = ["over"];
  let callable = 0;
  let gradient = [{ return contractGradient(*this, build, g); }];
}
def Frit_GatherOp : Frit_PureOp<"gather", "gather", ["x"]> {
  let summary = "x[a = i, b = j else v]: axes replaced by the axes of their indices";
  let arguments = (ins Frit_Value:$x, Variadic<Frit_Value>:$rest, Frit_AxesAttr:$axes,
                       UnitAttr:$fill, UnitAttr:$checked);
  let results = (outs Frit_Value:$result);
  let description = [{ `rest` holds one index per axis of `axes`, then with `fill` the scalar that
    stands for positions outside. The axes of the indices take the place of the first of `axes`;
    those that x has beside `axes` are aligned: x[b,t,v][v = i[b,t]] -> [b,t].
    Without `fill` a position outside is an error. `checked`: the positions could not be proved
    inside, so compiled code looks (passes/Watch.h). dx = scatter of g, adding. }];
  let compileTime = ["axes", "fill", "checked"];
  let callable = 0;
  let gradient = [{ return gatherGradient(*this, build, g); }];
}
def Frit_ScatterOp : Frit_PureOp<"scatter", "scatter", ["x"]> {
  let summary = "values put at indices of new axes: the transpose of gather";
  let arguments = (ins Frit_Value:$x, Variadic<Frit_Value>:$rest, Frit_AxesAttr:$into,
                       OptionalAttr<Frit_AxesAttr>:$aligned, UnitAttr:$masked, UnitAttr:$onto,
                       UnitAttr:$checked, StrAttr:$mode);
  let results = (outs Frit_Value:$result);
  let description = [{ `rest` holds one index per axis of `into`, then with `masked` an i1 that says
    which values count, then with `onto` what is there before (else zeros). The positions run over
    the axes of the indices and the mask; all of them go, except those in `aligned`, where a value
    stays at its own position:
      scatter(g[b,t,d], ids[b,t]) into [vocab]               -> [vocab,d]   (an embedding's gradient)
      scatter(g[b,t], target[b,t]) into [v], aligned [b,t]   -> [b,t,v]     (of x[v = target])
    Values may lack axes of the positions: they are repeated. mode "add" sums values that meet, in
    row-major order of the positions (index axes in order of appearance); "set" keeps the last.
    Values put outside are dropped; with `checked` they are an error (passes/Watch.h). }];
  let makesAxes = "into";
  let compileTime = ["into", "aligned", "masked", "onto", "checked", "mode"];
  let callable = 0;
  let gradient = [{ return scatterGradient(*this, build, g); }];
}
#endif
