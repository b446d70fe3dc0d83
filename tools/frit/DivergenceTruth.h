// What D[f](p || q) and its slopes are, to more digits than anybody computes with: f straight from
// its text, in probabilities, no log space, no series, no cases. Arithmetic is of 16 digits that
// know their error (RoughNumber.h), and of 77 (FineNumber.h) wherever that error is more than a
// twentieth of what compiled code may have. Shares nothing with the compiler but the parser, so
// that the two can be held against each other.
#pragma once
#include "tools/frit/Generator.h"
#include <functional>
#include <memory>
#include <optional>

namespace frit {

/// Two distributions over the same columns.
class TruthRows {
public:
  /// Of logits; -inf where there is nothing.
  TruthRows(const std::vector<double> &logitsP, const std::vector<double> &logitsQ);
  /// p is known at some columns, by its logarithms; one more column is all the others.
  static TruthRows partial(const std::vector<double> &logP, const std::vector<int> &columns,
                           const std::vector<double> &logitsQ);

  template <typename Real> struct Column {
    Real p, q, ratio;
  };
  size_t size() const { return roughP.size(); }
  bool isAbsent() const { return absent; } // one of them has no column at all
  bool isSame() const { return same; }
  bool hasP(size_t i) const { return !roughP[i].isZero(); }
  bool hasQ(size_t i) const { return !roughQ[i].isZero(); }
  const Rough &p(size_t i) const { return roughP[i]; }
  const Rough &q(size_t i) const { return roughQ[i]; }
  Column<Rough> rough(size_t i) const;
  Column<Fine> fine(size_t i) const;

private:
  bool absent = false, same = false;
  std::vector<Rough> roughP, roughQ;
  std::function<std::pair<Fine, Fine>(size_t)> fineColumn;
  TruthRows() = default;
};

struct DivergenceTruth {
  double value = 0;
  std::vector<double> byP, byQ; // by the logits of p and of q
  double byParameter = 0;
  /// What an entry of the gradient is a difference of: by - p * sum of by, and each of p f',
  /// q (f - u f') and q f is that of the others. The largest, and the sum over the entries.
  struct Parts {
    double largest = 0, all = 0;
  } ofP, ofQ;
  double slopes = 0;       // by log p and by log q, the sum of their sizes
  bool isInfinite = false; // by a column that only one of them has; the gradients are of the rest
  /// Of all columns, p times what f' changes by within `nearKink` of log u more than a smooth slope
  /// does: where f bends sharply, that is where its slope is a matter of the last digit.
  double kinks = 0;
  static constexpr double nearKink = 1e-6;
};

/// A column of a sum over the support, and its slopes by log p and log q.
template <typename Real> struct ColumnTerm {
  Real value = 0, byP = 0, byQ = 0, byParameter = 0, kink = 0;
};
/// Of a row: the terms, with the more digits where asked; none for one that is inf.
DivergenceTruth
truthOf(const TruthRows &rows,
        const std::function<std::optional<ColumnTerm<Rough>>(size_t column, bool isFine)> &term);
/// - sum of p log q.
DivergenceTruth trueCrossEntropy(const TruthRows &rows);
/// - sum of p log p; p and q of the rows are the same.
DivergenceTruth trueEntropy(const TruthRows &rows);

/// A divergence, ready for many rows.
class TrueDivergence {
public:
  TrueDivergence(const DivergenceScope &scope, const DivergenceSubject &subject);
  /// Different divergences may work at the same time, one may not.
  DivergenceTruth of(const TruthRows &rows) const;
  /// The same f in f32.
  const Generator<float> &naive() const;

private:
  struct State;
  std::shared_ptr<const State> state;
};

} // namespace frit
