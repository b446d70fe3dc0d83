// Elementary functions as polynomials in arith ops, the same for scalars and for vectors.
//
// Upstream lowers math.exp and friends of a vector to one libm call per lane. These patterns
// rewrite them to straight-line arithmetic of the same type, so that a loop's vector body and its
// scalar tail agree bit for bit, and so that no bit depends on the C library of the machine.
//
// Largest errors over the whole range, in units of the last place (f32: over all floats of the
// ranges swept by the test; f64: relative error in multiples of 2^-53):
//
//   op            f32     f64       notes
//   exp           1       2         subnormal results are rounded, not flushed
//   expm1         2       2
//   log           1       2         log(0) = -inf, log(<0) = nan
//   log1p         3       3
//   tanh          3       3
//   erf           3       2
//   sin, cos      1       3         |x| <= 2^20; beyond, the error grows with |x|
//   powf          1       2         whole exponents up to 16 by multiplication: n ulp
//   sqrt          0.5     0.5       the machine's instruction
//   rsqrt         1.5     1.5       1 / sqrt
//
// Infinities, NaNs and signed zeros follow C99 Annex F. Bounds hold with fused multiply-add;
// without it (baseline) they double.
#pragma once
#include "mlir/IR/PatternMatch.h"
#include "passes/Target.h"

namespace frit {

/// Rewrites math.{exp, expm1, log, log1p, tanh, erf, sin, cos, powf, rsqrt} on f32 and f64 and
/// vectors of them (on bf16 and f16 through f32). math.fma and vector.fma stay fused, or become two
/// ops where the machine has no such instruction.
void populateVectorMathPatterns(mlir::RewritePatternSet &patterns, const Target &target);

} // namespace frit
