#include "tools/frit/DivergenceLaws.h"
#include <fmt/format.h>

namespace frit {

static constexpr double largest = 1e38; // beyond, f32 may say inf

namespace {
struct Judge {
  DivergenceFinding &finding;
  const std::string &where;
  bool isWorst = false;

  void fail(const std::string &law) {
    if (finding.broken.empty())
      finding.broken = law + ", " + where;
  }
  /// An error and what is allowed, both relative to the same.
  void note(double error, double allowed, double usual, double &shown) {
    double share = std::isnan(error) ? INFINITY : error / allowed;
    shown = std::max(shown, share * usual);
    if (share > finding.worst || finding.where.empty()) {
      finding.worst = std::max(finding.worst, share);
      finding.where = where;
      isWorst = true;
    }
  }
  void slopes(const std::vector<float> &got, const std::vector<double> &wanted,
              const DivergenceTruth::Parts &parts, double kinks) {
    double size = 0, error = 0, sum = 0, all = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      size = std::max(size, std::fabs(wanted[i]));
      double gap = std::fabs(got[i] - wanted[i]);
      error = std::isnan(gap) || std::isnan(error) ? NAN : std::max(error, gap);
      sum += got[i];
      all += std::fabs(got[i]);
    }
    if (size > largest || parts.largest > largest)
      return;
    double least = std::max(allowedParts * parts.largest, 1e-30) + kinks;
    note(error, std::max(allowedGradient * size, least), allowedGradient, finding.gradientError);
    if (!(std::fabs(sum) <= 1e-6 * all + allowedParts * parts.all + 1e-30))
      fail(fmt::format("gradient adds up to {:.1e} of itself", sum / all));
  }
};
} // namespace

void judge(DivergenceFinding &finding, const std::string &where, const DivergenceResult &result,
           const DivergenceTruth &truth, bool isSame) {
  Judge judge{finding, where};
  if (truth.value > largest) {
    if (!(result.value > largest))
      judge.fail("must be inf");
  } else {
    judge.note(std::fabs(result.value - truth.value) / std::max(truth.value, smallestValue),
               allowedValue, allowedValue, finding.valueError);
  }
  if (result.value < 0)
    judge.fail("below 0");
  if (truth.isInfinite || truth.value < largest) {
    judge.slopes(result.byP, truth.byP, truth.ofP, truth.kinks);
    judge.slopes(result.byQ, truth.byQ, truth.ofQ, truth.kinks);
    if (!truth.isInfinite)
      judge.note(std::fabs(result.byParameter - truth.byParameter) /
                     std::max({std::fabs(truth.byParameter), truth.value, smallestValue}),
                 allowedValue, allowedGradient, finding.gradientError);
  }
  auto isZero = [](const std::vector<float> &x) {
    return std::all_of(x.begin(), x.end(), [](float y) { return y == 0; });
  };
  if (isSame && !(result.value == 0 && isZero(result.byP) && isZero(result.byQ)))
    judge.fail("p = q is not exactly 0");
  if (judge.isWorst) {
    finding.value = result.value;
    finding.truth = truth.value;
  }
}

void judgePartial(DivergenceFinding &finding, const std::string &where, double value,
                  const DivergenceTruth &truth, const DivergenceTruth &whole, bool isSharp) {
  Judge judge{finding, where};
  // Here log p and log q themselves are numbers of f32, not differences of logits: down to -16 they
  // are known to 1e-6.
  double least = allowedValue * std::max(truth.value, smallestValue) + 1e-6 * truth.slopes;
  if (isSharp && whole.value < largest && value > whole.value + least)
    judge.fail("bucket bound above the divergence");
  if (value < 0)
    judge.fail("bucket bound below 0");
  if (isSharp && truth.value < largest)
    judge.note(std::fabs(value - truth.value), least, allowedValue, finding.valueError);
  if (judge.isWorst) {
    finding.value = value;
    finding.truth = truth.value;
  }
}

void judgeRounded(DivergenceFinding &finding, const std::string &where,
                  const DivergenceResult &rounded, const DivergenceResult &naive,
                  const DivergenceTruth &truth,
                  const std::function<const DivergenceTruth &()> &truthAfter) {
  if (truth.isInfinite || truth.value > largest)
    return;
  Judge judge{finding, where};
  auto distance = [](double a, double b) {
    double gap = std::fabs(a - b);
    return std::isnan(gap) ? INFINITY : gap;
  };
  double least = allowedValue * std::max(rounded.value, smallestValue);
  double mine = distance(rounded.value, truth.value);
  if (!(mine <= distance(naive.value, truth.value) + least) &&
      !(distance(rounded.value, truthAfter().value) <= least))
    judge.fail("worse than the naive formula");
  auto slopes = [&](const std::vector<float> &mine, const std::vector<float> &naives,
                    const std::vector<double> &wanted, auto after, auto partsOf) {
    auto error = [&](const std::vector<float> &got, const std::vector<double> &wanted) {
      double out = 0;
      for (size_t i = 0; i < got.size(); ++i)
        out = std::max(out, distance(got[i], wanted[i]));
      return out;
    };
    double size = 1e-30 / allowedGradient;
    for (float x : mine)
      size = std::max(size, std::fabs(double(x)));
    double least = std::max(allowedGradient * size, allowedParts * partsOf(truth).largest);
    if (error(mine, wanted) <= error(naives, wanted) + least)
      return;
    const DivergenceTruth &now = truthAfter();
    least = std::max(least, allowedParts * partsOf(now).largest) + now.kinks;
    if (!(error(mine, after(now)) <= least))
      judge.fail("gradient worse than that of the naive formula");
  };
  slopes(
      rounded.byP, naive.byP, truth.byP, [](auto &x) -> auto & { return x.byP; },
      [](auto &x) { return x.ofP; });
  slopes(
      rounded.byQ, naive.byQ, truth.byQ, [](auto &x) -> auto & { return x.byQ; },
      [](auto &x) { return x.ofQ; });
}

} // namespace frit
