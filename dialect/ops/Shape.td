#ifndef FRIT_OPS_SHAPE
#define FRIT_OPS_SHAPE
include "dialect/ops/Base.td"

class Frit_ShapeOp<string mnemonic> : Frit_PureOp<mnemonic, mnemonic, ["x"]> {
  let results = (outs Frit_Value:$result);
  let callable = 0;
}
def Frit_RenameOp : Frit_ShapeOp<"rename"> {
  let summary = "one axis under another name: rename(x, t -> s)";
  let arguments = (ins Frit_Value:$x, StrAttr:$from, StrAttr:$to);
  let compileTime = ["from", "to"];
  let gradient = [{ return {build.make("rename", {g}, {{"from", getTo().str()}, {"to", getFrom().str()}})}; }];
}
def Frit_SplitOp : Frit_ShapeOp<"split"> {
  let summary = "one axis becomes several, row-major in the order written";
  let arguments = (ins Frit_Value:$x, StrAttr:$axis, Frit_AxesAttr:$into);
  let compileTime = ["axis", "into"];
  let makesAxes = "into";
  let gradient = [{ return {build.make("merge", {g}, {{"axes", getInto().strings()}, {"into", getAxis().str()}})}; }];
}
def Frit_MergeOp : Frit_ShapeOp<"merge"> {
  let summary = "a group of axes becomes one, row-major in the order written";
  let arguments = (ins Frit_Value:$x, Frit_AxesAttr:$axes, StrAttr:$into);
  let compileTime = ["axes", "into"];
  let gradient = [{
    std::vector<Axis> group;
    for (const std::string &axis : getAxes().strings())
      group.push_back(*typeOf(x).find(axis));
    return {build.make("split", {g}, {{"axis", getInto().str()}, {"into", group}})};
  }];
}
def Frit_StackOp : Frit_PureOp<"stack", "stack", []> {
  let summary = "values of one type side by side along a new axis";
  let arguments = (ins Variadic<Frit_Value>:$values, StrAttr:$axis);
  let results = (outs Frit_Value:$result);
  let compileTime = ["axis"];
  let callable = 0;
  let gradient = [{
    Terms out;
    for (int64_t i = 0; i < int64_t(getValues().size()); ++i)
      out.push_back(build.make("slice", {g}, {{"axis", getAxis().str()}, {"at", i}}));
    return out;
  }];
}
def Frit_SliceOp : Frit_ShapeOp<"slice"> {
  let summary = "one element of an axis, which goes";
  let arguments = (ins Frit_Value:$x, StrAttr:$axis, I64Attr:$at);
  let compileTime = ["axis", "at"];
  let gradient = [{
    ValueType type = typeOf(x);
    Axis axis = *type.find(getAxis().str());
    Term here = build.make("eq", {build.make("index", {}, {{"axes", std::vector<Axis>{axis}}}),
                                  build.constant(double(getAt()), Element::I32)});
    return {build.select(here, g, build.constant(0, type.element))};
  }];
}
def Frit_BroadcastOp : Frit_ShapeOp<"broadcast"> {
  let skipDefaultBuilders = 0; // passes make it
  let summary = "the same value along further axes: along(x, axis)";
  let arguments = (ins Frit_Value:$x, Frit_AxesAttr:$axes);
  let compileTime = ["axes"];
  let makesAxes = "axes";
  let gradient = [{ return {g}; }];
}
def Frit_IndexOp : Frit_PureOp<"index", "index", []> {
  let summary = "0, 1, 2, ... along an axis or a group";
  let arguments = (ins Frit_AxesAttr:$axes);
  let results = (outs Frit_Value:$result);
  let compileTime = ["axes"];
  let makesAxes = "axes";
  let callable = 0;
  let noGradient = "a position has no slope";
}
def Frit_ConstantOp : Frit_PureOp<"constant", "constant", [], [ConstantLike]> {
  let summary = "one number, everywhere";
  let arguments = (ins F64Attr:$value, StrAttr:$element, Frit_AxesAttr:$axes);
  let results = (outs Frit_Value:$result);
  let compileTime = ["value", "element", "axes"];
  let makesAxes = "axes";
  let callable = 0;
  let noGradient = "a constant has no slope";
  let hasFolder = 1;
}
#endif
