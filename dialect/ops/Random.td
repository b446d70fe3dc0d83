#ifndef FRIT_OPS_RANDOM
#define FRIT_OPS_RANDOM
include "dialect/ops/Base.td"

def Frit_RandomOp : Frit_PureOp<"random", "random", []> {
  let summary = "counter-based random numbers (Philox4x32-10)";
  let description = [{
    `keys` are i32 scalars: seed, step, then loop indices. Key words of Philox: (seed, site);
    counter words: (element / 4, step, mix of the loop indices, 0), element = the row-major position
    in `axes` as written; lane = element % 4. "uniform": (word >> 8) * 2^-24 for f32, in [0, 1).
    "normal": Box-Muller on the lane pair. The same in the evaluator, in compiled code and in the
    runtime, so that recomputation draws the same numbers.
    Loop indices i, j, ... mix as m = 0; m = m * 0x9E3779B1 + i + 1; ...
  }];
  let arguments = (ins Variadic<Frit_Value>:$keys, Frit_AxesAttr:$axes, StrAttr:$element,
                       StrAttr:$distribution, I64Attr:$site);
  let results = (outs Frit_Value:$result);
  let compileTime = ["axes", "element", "distribution", "site"];
  let makesAxes = "axes";
  let callable = 0;
  let noGradient = "the draw does not depend on a real";
}
#endif
