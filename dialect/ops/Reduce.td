#ifndef FRIT_OPS_REDUCE
#define FRIT_OPS_REDUCE
include "dialect/ops/Base.td"

// Reductions over named axes. `where =` is gone by now: Check puts the neutral element where the mask
// is false. Of nothing, sum and logsumexp's weights are 0, max is -inf.
class Frit_ReduceOp<string mnemonic, string law> : Frit_PureOp<mnemonic, law, ["x"]> {
  let arguments = (ins Frit_Value:$x, Frit_AxesAttr:$over);
  let results = (outs Frit_Value:$result);
  let compileTime = ["over"];
}
def Frit_SumOp : Frit_ReduceOp<"sum", "reduce"> {
  let summary = "the sum over the axes `over`";
  let gradient = [{ return {build.expandTo(g, typeOf(x))}; }];
}
def Frit_MaxOp : Frit_ReduceOp<"max", "reduce"> {
  let summary = "the largest element; -inf of nothing";
  let description = [{ The cotangent is shared equally among the elements that reach the maximum. }];
  let gradient = [{
    Term hit = build.make("cast", {build.make("eq", {x, y0})}, {{"to", std::string(name(typeOf(x).element))}});
    return {g / build.sum(hit, getOver().strings()) * hit};
  }];
}
def Frit_MinOp : Frit_ReduceOp<"min", "reduce"> {
  let summary = "the smallest element; inf of nothing";
  let gradient = [{
    Term hit = build.make("cast", {build.make("eq", {x, y0})}, {{"to", std::string(name(typeOf(x).element))}});
    return {g / build.sum(hit, getOver().strings()) * hit};
  }];
}
def Frit_AnyOp : Frit_ReduceOp<"any", "quantify"> {
  let summary = "whether any element is true";
  let noGradient = "logic has no slope";
}
def Frit_AllOp : Frit_ReduceOp<"all", "quantify"> {
  let summary = "whether all elements are true";
  let noGradient = "logic has no slope";
}
def Frit_LogSumExpOp : Frit_ReduceOp<"logsumexp", "reduceReal"> {
  let summary = "log of the sum of exponentials, shifted by the maximum; -inf of all -inf";
  let gradient = [{ return {g * build.make("softmax", {x}, {{"over", getOver().strings()}})}; }];
}
def Frit_SoftmaxOp : Frit_ReduceOp<"softmax", "normalise"> {
  let summary = "exp(x) / sum of exp(x) along `over`; 0 where everything is -inf";
  let gradient = [{ return {y0 * (g - build.sum(g * y0, getOver().strings()))}; }];
}
def Frit_LogSoftmaxOp : Frit_ReduceOp<"log_softmax", "normalise"> {
  let summary = "x - logsumexp(x) along `over`; -inf where everything is -inf";
  let gradient = [{ return {g - build.exp(y0) * build.sum(g, getOver().strings())}; }];
}
def Frit_ArgMaxOp : Frit_ReduceOp<"argmax", "pick"> {
  let summary = "the position of the first largest element (flat within a group)";
  let noGradient = "a position has no slope";
}
def Frit_CumSumOp : Frit_PureOp<"cumsum", "accumulate", ["x"]> {
  let summary = "running sums along the group `over`, in its order, the element itself included";
  let description = [{ With `reverse` from the end; each direction is the other's transpose. }];
  let arguments = (ins Frit_Value:$x, Frit_AxesAttr:$over, UnitAttr:$reverse);
  let results = (outs Frit_Value:$result);
  let compileTime = ["over", "reverse"];
  let gradient = [{ return {cumsumGradient(*this, build, g)}; }];
}
def Frit_TopKOp : Frit_PureOp<"top_k", "topK", ["x"]> {
  let summary = "the k largest elements along an axis and their positions, ties by position";
  let arguments = (ins Frit_Value:$x, I64Attr:$k, Frit_AxesAttr:$over, StrAttr:$as);
  let results = (outs Frit_Value:$values, Frit_Value:$indices);
  let compileTime = ["k", "over", "as"];
  let callable = 0;
  let gradient = [{ return {topKGradient(*this, build, g)}; }];
}
def Frit_SortOp : Frit_PureOp<"sort", "sort", ["x"]> {
  let summary = "the elements along an axis in ascending order and where they came from, stable";
  let arguments = (ins Frit_Value:$x, Frit_AxesAttr:$over);
  let results = (outs Frit_Value:$values, Frit_Value:$indices);
  let compileTime = ["over"];
  let gradient = [{ return {sortGradient(*this, build, g)}; }];
}
#endif
