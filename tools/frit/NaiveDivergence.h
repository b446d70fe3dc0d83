// What people write: softmax, p / q, f of it, all in f32. Compiled code is to be no worse than this
// where the logits have been rounded to bf16 before.
#pragma once
#include "tools/frit/DivergenceProgram.h"
#include "tools/frit/Generator.h"

namespace frit {

/// To the nearest bf16, ties to even.
double roundedToBf16(double x);

/// sum of q f(p / q); its slopes q (phi - sum of q phi) and p (f' - sum of p f'), phi = f - u f'.
DivergenceResult naiveDivergence(const Generator<float> &f, const LogitRow &row);

} // namespace frit
