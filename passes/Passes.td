#ifndef FRIT_PASSES
#define FRIT_PASSES
include "mlir/Pass/PassBase.td"

// The passes, in alphabetical order; their order in time is in Pipeline.cpp. Each record says:
// In, Out, Refuses, Why here.

def Differentiate : Pass<"frit-differentiate", "::mlir::ModuleOp"> {
  let summary = "replaces frit.gradient by the backward program";
  let description = [{
    In: entries with `frit.gradient %objective by %wrt...`.
    Out: no frit.gradient; per op on a real path from wrt to the objective the ops of its derivative
    rule, in reverse order, at the place of the frit.gradient. A frit.scan becomes a forward scan
    that also stacks what its backward needs (the tape: results named in `frit.tape`) and a backward
    scan with `reverse` flipped. Backward ops keep the place in the source, and the layer path with
    "d/" in front.
    Refuses: a path through an op without a rule ("differentiation cannot pass through ..."), a
    value that the objective does not depend on. Never a silent zero.
    Why here: before anything fuses or reorders, while every op still is one of the language.

    ```
    %g = frit.gradient %loss by %w : (tensor<f32>, tensor<4xf32, #frit.axes<a>>) -> ...
    ```
  }];
}

def Hoist : Pass<"frit-hoist", "::mlir::ModuleOp"> {
  let summary = "moves work out of loops";
  let description = [{
    In: entries with scans.
    Out: in every scan, ops that do not depend on the iteration stand before it. In scans of kind
    "time" also: a contraction of a slice with an invariant value is done for all steps before the
    loop; a contraction with an invariant value that is only stacked is done after it; an
    accumulator `acc += contract(a_t, b_t)` becomes one contraction over the stacked axis.
    Refuses (with a remark): an accumulator or contraction whose invariant side already has the
    axis of the scan (`axis-clash`).
    Why here: after Differentiate, which makes the accumulators, and before fusion, which would
    hide them.
  }];
}

def Simplify : Pass<"frit-simplify", "::mlir::ModuleOp"> {
  let summary = "removes what is unused, computed twice, or arithmetic that does nothing";
  let description = [{
    In, Out: any graph. Unused ops, states read for nothing, unused results, carried values and
    slices of scans go; equal ops merge; arithmetic on constants is done; identities of algebra that
    keep the numbers (to a rounding) are used: see the tables at the end of Simplify.cpp.
    Refuses: what changes numbers for special values (x * 0, x - x).
    Why here: once before Differentiate, so that less is differentiated, and after each pass that
    leaves debris. `stop_gradient` goes only when nothing is left to differentiate.
  }];
}
#endif
