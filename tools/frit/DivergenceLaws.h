// What is promised of compiled divergences, row by row, and whether it holds.
#pragma once
#include "tools/frit/DivergenceProgram.h"
#include "tools/frit/DivergenceTruth.h"

namespace frit {

/// The worst of a case over the sizes and forms.
struct DivergenceFinding {
  double value = 0, truth = 0;              // where the worst error is
  double valueError = 0, gradientError = 0; // relative
  double worst = 0;                         // 1: just allowed
  std::string where;                        // of the worst: size and form
  std::string broken;                       // which law does not hold, and where
  bool isWrong() const { return !(worst <= 1) || !broken.empty(); }
};

/// Of a value, relative, down to values of `smallestValue`; of a gradient, relative to its largest
/// entry. An entry is p (f' - sum of p f'): where all f' that weigh anything are nearly equal, as
/// far out, where f' tends to a limit, it is small beside the two numbers it is a difference of,
/// and these are right to their own last digits, `allowedParts` of them.
constexpr double allowedValue = 1e-4, smallestValue = 1e-7, allowedGradient = 1e-5,
                 allowedParts =
                     8 * 0x1p-24; // roundings: of log p, its exp, f', their product, sums

/// Value and slopes against the truth, and the laws that hold of any f.
void judge(DivergenceFinding &finding, const std::string &where, const DivergenceResult &result,
           const DivergenceTruth &truth, bool isSame);

/// A lower bound of a divergence against its own truth and the whole's. `isSharp`: what lies beside
/// the known columns is no matter of rounding.
void judgePartial(DivergenceFinding &finding, const std::string &where, double value,
                  const DivergenceTruth &truth, const DivergenceTruth &whole, bool isSharp);

/// Logits were rounded to bf16: `rounded` is to be no further from the truth of the logits before
/// than `naive` is, plus what is allowed of f32 anyway; or, as the errors of a naive result may
/// happen to make good those of the logits, right to that for the logits as they now are
/// (`truthAfter`, asked for where it matters).
void judgeRounded(DivergenceFinding &finding, const std::string &where,
                  const DivergenceResult &rounded, const DivergenceResult &naive,
                  const DivergenceTruth &truth,
                  const std::function<const DivergenceTruth &()> &truthAfter);

} // namespace frit
