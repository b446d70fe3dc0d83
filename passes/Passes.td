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

def Fuse : Pass<"frit-fuse", "::mlir::ModuleOp"> {
  let summary = "collects ops that walk over the same elements into groups";
  let description = [{
    In: entries after Layout.
    Out: every elementwise op, gather, reduction and softmax stands in a `frit.group`, alone or with
    others. Kind "elementwise": no reduction. Kind "row": reductions that include the innermost axis,
    with what feeds and follows them (LayerNorm, softmax, cross-entropy, forward and backward).
    Kind "column": reductions along outer axes (gradients of biases and scales). An aligned scatter
    becomes a comparison, a sum with a scatter a scatter onto it, a reduction to few values two.
    Refuses (remarks of category Fuse, one per producer and consumer left apart):
    `different-reduced-axes`, `different-spaces`, `smaller-space` (a producer that would be computed
    again per row, and is used elsewhere or not cheap), `gathered-value`, `cycle`, `too-large`.
    Why here: groups follow the order of axes, which Layout fixes.

    ```
    %0 = frit.mul %x, %y
    %1 = frit.add %0, %z
    ->
    %1 = frit.group(%x, %y, %z) { ... frit.leave %1 } {kind = "elementwise"}
    ```
  }];
  let dependentDialects = ["::frit::FritDialect"];
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

def Layout : Pass<"frit-layout", "::mlir::ModuleOp"> {
  let summary = "gives every value an order of axes";
  let description = [{
    In: entries whose axis orders mean nothing.
    Out: the order of axes in each type is how the value lies in memory. Entry arguments, results and
    states keep theirs. `rename`, `split`, `merge` and the slices of loops are views; where an order
    was required that the value does not have, a `broadcast` to its own axes copies it.
    Refuses: nothing.
    Why here: after everything that makes or removes contractions, before Fuse, whose groups walk
    along the innermost axis.
  }];
  let dependentDialects = ["::frit::FritDialect"];
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
