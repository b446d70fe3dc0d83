#ifndef FRIT_OPS_RANDOM
#define FRIT_OPS_RANDOM
include "dialect/ops/Base.td"

def Frit_RandomOp : Frit_PureOp<"random", "random", []> {
  let summary = "counter-based random numbers (Philox4x32-10)";
  let description = [{
    The same bits in the evaluator, in compiled code and in the runtime, so that recomputation draws
    the same numbers and an f64 program the same as an f32 one. All words are 32 bits, all sums and
    products of words wrap.
    `keys` are i32 scalars: seed, step, then loop indices outermost first.
      mix = 0; for each loop index i: mix = mix * 0x9E3779B1 + i + 1
      e = the element's row-major position within `axes` as written (whatever the result's order)
      w[0..3] = Philox4x32-10 of counter (low word of e / 4, step, mix, high word of e / 4)
                and key (seed, low word of site)
      lane = e % 4, u[i] = (w[i] >> 8) * 2^-24
    "uniform": u[lane], in [0, 1).
    "normal" (Box-Muller), p = lane - lane % 2:  r = sqrt(-2 log(u[p] + 2^-24)), a = 2 pi u[p + 1];
      r cos a for an even lane, r sin a for an odd one, in the arithmetic of the element type.
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
