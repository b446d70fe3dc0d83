// Columns where p or q is 0 take the limits f(0) and f'(inf), found by going very far; an infinite
// limit gives the value inf, and no slope. A row without any logit is 0.
#include "tools/frit/DivergenceTruth.h"
#include "tools/frit/Driver.h"
#include <fmt/format.h>
#include <iostream>
#include <mutex>

namespace frit {

//===-- Rows --------------------------------------------------------------------------------===//

namespace {
/// Halves are added up: the error grows with the logarithm of the length.
template <typename Real> Real sumOf(const std::vector<Real> &x, size_t from, size_t to) {
  if (to - from <= 8) {
    Real out = 0;
    for (size_t i = from; i < to; ++i)
      out = out + x[i];
    return out;
  }
  size_t middle = (from + to) / 2;
  return sumOf(x, from, middle) + sumOf(x, middle, to);
}

template <typename Real> struct Softmax {
  std::vector<double> logits;
  double top;
  Real sum;
  explicit Softmax(std::vector<double> given) : logits(std::move(given)) {
    top = *std::max_element(logits.begin(), logits.end());
    if (top == -INFINITY)
      return;
    std::vector<Real> parts;
    parts.reserve(logits.size());
    for (size_t i = 0; i < logits.size(); ++i)
      parts.push_back(part(i));
    sum = sumOf(parts, 0, parts.size());
  }
  Real part(size_t i) const {
    return logits[i] == -INFINITY ? Real(0) : exp(Real(logits[i]) - Real(top));
  }
  Real at(size_t i) const { return part(i) / sum; }
};

/// The two rows with more digits, made when first asked for.
struct FinePair {
  std::vector<double> logitsP, logitsQ;
  std::optional<Softmax<Fine>> p, q;
  std::once_flag isMade;
  FinePair(std::vector<double> p, std::vector<double> q)
      : logitsP(std::move(p)), logitsQ(std::move(q)) {}
  void make() {
    std::call_once(isMade, [this] {
      p.emplace(logitsP);
      q.emplace(logitsQ);
    });
  }
};
} // namespace

TruthRows::TruthRows(const std::vector<double> &logitsP, const std::vector<double> &logitsQ) {
  Softmax<Rough> p(logitsP), q(logitsQ);
  size_t n = logitsP.size();
  absent = p.top == -INFINITY || q.top == -INFINITY;
  if (absent) {
    roughP.resize(n);
    roughQ.resize(n);
    return;
  }
  same = true;
  for (size_t i = 0; i < n; ++i) {
    roughP.push_back(p.at(i));
    roughQ.push_back(q.at(i));
    same &= logitsP[i] - p.top == logitsQ[i] - q.top; // of floats: exact, or very far apart
  }
  auto pair = std::make_shared<FinePair>(logitsP, logitsQ);
  fineColumn = [pair](size_t i) {
    pair->make();
    return std::pair(pair->p->at(i), pair->q->at(i));
  };
}

TruthRows TruthRows::partial(const std::vector<double> &logP, const std::vector<int> &columns,
                             const std::vector<double> &logitsQ) {
  TruthRows out;
  Softmax<Rough> q(logitsQ);
  std::vector<Fine> finePs, fineQs; // q to 16 digits, which suffices: nobody asks for slopes
  std::vector<Rough> rest;
  Fine restP = 1;
  std::vector<bool> isKnown(logitsQ.size());
  auto add = [&](const Fine &p, const Rough &q) {
    finePs.push_back(p);
    fineQs.push_back(q.fine());
    out.roughP.push_back(Rough(p));
    out.roughQ.push_back(q);
  };
  for (size_t i = 0; i < columns.size(); ++i) {
    add(exp(Fine(logP[i])), q.at(columns[i]));
    restP = restP - finePs.back();
    isKnown[columns[i]] = true;
  }
  for (size_t i = 0; i < logitsQ.size(); ++i)
    if (!isKnown[i])
      rest.push_back(q.part(i));
  add(restP.sign() > 0 ? restP : Fine(0), sumOf(rest, 0, rest.size()) / q.sum);
  out.fineColumn = [finePs, fineQs](size_t i) { return std::pair(finePs[i], fineQs[i]); };
  return out;
}

TruthRows::Column<Rough> TruthRows::rough(size_t i) const {
  return {roughP[i], roughQ[i], same ? Rough(1) : roughP[i] / roughQ[i]};
}

TruthRows::Column<Fine> TruthRows::fine(size_t i) const {
  auto [p, q] = fineColumn(i);
  Fine ratio = p / q;
  // Two that are equal on paper differ by rounding.
  bool isTie = same || (abs(ratio - Fine(1)) - Fine(1e-60)).sign() < 0;
  return {p, q, isTie ? Fine(1) : ratio};
}

//===-- One column --------------------------------------------------------------------------===//

namespace {
ColumnTerm<Rough> rounded(const ColumnTerm<Fine> &x) {
  return {Rough(x.value), Rough(x.byP), Rough(x.byQ), Rough(x.byParameter), Rough(x.kink)};
}

/// f normalised to f(1) = f'(1) = 0.
template <typename Real> struct Normalised {
  Generator<Real> f;
  Real slopeAtOne, slopeByParameter;

  Dual<Real> at(const Real &u) const {
    Dual<Real> y = f.at(u);
    return {y.x - slopeAtOne * (u - Real(1)), y.d - slopeAtOne};
  }
  Real byParameter(const Real &u) const {
    return f.byParameter(u).d - slopeByParameter * (u - Real(1));
  }
};
} // namespace

struct TrueDivergence::State {
  bool hasParameter = false, mayBend = false;
  Normalised<Fine> fine;
  Normalised<Rough> rough;
  Generator<float> naive;
  bool isInfiniteAtZero = false, isInfiniteSlope = false;
  Fine atZero, atInfinity, byParameterAtZero, byParameterAtInfinity;

  explicit State(const std::vector<GeneratorStep> &steps)
      : fine{Generator<Fine>(steps), 0, 0}, rough{Generator<Rough>(steps), 0, 0}, naive(steps) {
    for (const GeneratorStep &step : steps) {
      hasParameter |= step.kind == GeneratorStep::Parameter;
      mayBend |= step.kind == GeneratorStep::Abs || step.kind == GeneratorStep::Sign ||
                 step.kind == GeneratorStep::Larger || step.kind == GeneratorStep::Smaller;
    }
    fine.slopeAtOne = fine.f.at(1).d;
    if (hasParameter) { // right to 50 digits, as steps of 1e-25 are with 77
      Fine step(1e-25);
      fine.slopeByParameter =
          (fine.f.movedAt(1, step).d - fine.f.movedAt(1, -step).d) / (step + step);
    }
    rough.slopeAtOne = Rough(fine.slopeAtOne);
    rough.slopeByParameter = Rough(fine.slopeByParameter);
    auto grows = [&](auto f) {
      Fine a = f(2500), b = f(5000);
      return b.isNaN() || (b - a - Fine(0.01) * (Fine(1) + b)).sign() > 0;
    };
    auto low = [&](double n) { return fine.at(exp(Fine(-n))).x; };
    auto high = [&](double n) { return fine.at(exp(Fine(n))).x / exp(Fine(n)); };
    isInfiniteAtZero = grows(low);
    isInfiniteSlope = grows(high);
    atZero = low(1e6);
    atInfinity = high(1e6);
    if (hasParameter) {
      byParameterAtZero = fine.byParameter(exp(Fine(-1e6)));
      byParameterAtInfinity = fine.byParameter(exp(Fine(1e6))) / exp(Fine(1e6));
    }
  }

  template <typename Real>
  ColumnTerm<Real> term(const Normalised<Real> &f, const TruthRows::Column<Real> &column) const {
    Dual<Real> y = f.at(column.ratio);
    ColumnTerm<Real> out{column.q * y.x, column.p * y.d, column.q * (y.x - column.ratio * y.d), 0,
                         0};
    if (hasParameter)
      out.byParameter = column.q * f.byParameter(column.ratio);
    if (mayBend && !isZero(column.ratio - Real(1))) {
      constexpr double near = DivergenceTruth::nearKink;
      static const Real by[] = {exp(Real(near)), exp(Real(-near)), exp(Real(2 * near)),
                                exp(Real(-2 * near))};
      auto at = [&](int i) { return f.at(column.ratio * by[i]).d; };
      Real once = at(0) - at(1), twice = at(2) - at(3);
      out.kink = column.p * abs(once + once - twice);
    }
    return out;
  }
  std::optional<ColumnTerm<Rough>> termOf(const TruthRows &rows, size_t i, bool isFine) const {
    bool hasP = rows.hasP(i), hasQ = rows.hasQ(i);
    if (!hasP && !hasQ)
      return ColumnTerm<Rough>();
    if (!hasP || !hasQ) {
      if (hasP ? isInfiniteSlope : isInfiniteAtZero)
        return std::nullopt;
      const Rough &mine = hasP ? rows.p(i) : rows.q(i);
      Rough value = Rough(hasP ? atInfinity : atZero) * mine;
      Rough change = Rough(hasP ? byParameterAtInfinity : byParameterAtZero) * mine;
      return ColumnTerm<Rough>{value, hasP ? value : Rough(0), hasP ? Rough(0) : value, change, 0};
    }
    if (!isFine)
      try {
        return term(rough, rows.rough(i));
      } catch (TooRough) {
      }
    return rounded(term(fine, rows.fine(i)));
  }
};

TrueDivergence::TrueDivergence(const DivergenceScope &scope, const DivergenceSubject &subject)
    : state(std::make_shared<State>(stepsOf(scope, subject))) {
  // As log(1 + x) where x is all but -1: what is left has no digit.
  auto require = [&](const Fine &x, bool isInfinite, const char *where) {
    if (isInfinite || std::isfinite(x.number()))
      return;
    std::cerr << fmt::format("frit: the text of divergence '{}' has no digits left where u goes to "
                             "{}, so it cannot be checked there; log(1 + x) as log of one quotient "
                             "has them\n",
                             subject.divergence->name.text, where);
    throw UserError();
  };
  require(state->atZero, state->isInfiniteAtZero, "0");
  require(state->atInfinity, state->isInfiniteSlope, "inf");
}
const Generator<float> &TrueDivergence::naive() const { return state->naive; }

//===-- One row -----------------------------------------------------------------------------===//

namespace {
/// Slopes by log-probabilities into slopes by logits, by - p * sum of by; in a column with most of
/// the probability what the others leave. False if they are too rough.
bool project(const std::vector<Rough> &by, const std::vector<double> &sizes,
             const std::function<const Rough &(size_t)> &probability, std::vector<double> &slopes,
             DivergenceTruth::Parts &parts) {
  size_t n = by.size(), most = n;
  Rough sum = sumOf(by, 0, n);
  std::vector<Rough> all;
  double whole = 0, size = 0, error = 0;
  for (double x : sizes)
    whole += x;
  parts = {};
  auto put = [&](size_t i, const Rough &slope) {
    slopes[i] = slope.number();
    size = std::max(size, std::fabs(slopes[i]));
    error = std::max(error, slope.error());
  };
  for (size_t i = 0; i < n; ++i) {
    const Rough &mine = probability(i);
    double p = mine.number(), part = sizes[i] * (1 - p) + p * (whole - sizes[i]);
    parts.largest = std::max(parts.largest, part);
    parts.all += part;
    if (p > 0.5) {
      most = i;
      continue;
    }
    all.push_back(by[i] - mine * sum);
    put(i, all.back());
  }
  if (most < n)
    put(most, -sumOf(all, 0, all.size()));
  return error <= 5e-7 * size + 1e-38;
}
} // namespace

DivergenceTruth
truthOf(const TruthRows &rows,
        const std::function<std::optional<ColumnTerm<Rough>>(size_t, bool)> &termOf) {
  DivergenceTruth out;
  size_t n = rows.size();
  out.byP.resize(n);
  out.byQ.resize(n);
  if (rows.isAbsent())
    return out;
  for (bool isFine : {false, true}) {
    std::vector<Rough> values(n), byP(n), byQ(n), changes(n);
    std::vector<double> sizes(n);
    out.kinks = out.slopes = 0;
    for (size_t i = 0; i < n; ++i) {
      std::optional<ColumnTerm<Rough>> term = termOf(i, isFine);
      out.isInfinite |= !term;
      if (!term)
        continue;
      values[i] = term->value;
      byP[i] = term->byP;
      byQ[i] = term->byQ;
      changes[i] = term->byParameter;
      out.kinks += term->kink.number();
      double slopes = std::fabs(byP[i].number()) + std::fabs(byQ[i].number());
      out.slopes += slopes;
      sizes[i] = std::fabs(values[i].number()) + slopes;
    }
    Rough value = sumOf(values, 0, n), change = sumOf(changes, 0, n);
    out.value = out.isInfinite ? INFINITY : value.number();
    out.byParameter = change.number();
    double least = 5e-6 * std::max(std::fabs(value.number()), 1e-7);
    bool isExact = value.error() <= least && change.error() <= least;
    isExact &=
        project(byP, sizes, [&](size_t i) -> const Rough & { return rows.p(i); }, out.byP, out.ofP);
    isExact &=
        project(byQ, sizes, [&](size_t i) -> const Rough & { return rows.q(i); }, out.byQ, out.ofQ);
    if (isExact)
      break;
  }
  return out;
}

DivergenceTruth TrueDivergence::of(const TruthRows &rows) const {
  return truthOf(rows, [&](size_t i, bool isFine) { return state->termOf(rows, i, isFine); });
}

/// - p log x, and the same as its slope: the sum over all slopes takes the rest away.
template <typename Real>
static ColumnTerm<Real> surprise(const Real &p, const Real &x, bool isOther) {
  Real value = -(p * log(x));
  return {value, value, isOther ? -p : Real(0)};
}

DivergenceTruth trueCrossEntropy(const TruthRows &rows) {
  return truthOf(rows, [&](size_t i, bool isFine) -> std::optional<ColumnTerm<Rough>> {
    if (!rows.hasP(i))
      return ColumnTerm<Rough>();
    if (!rows.hasQ(i))
      return std::nullopt;
    if (isFine)
      return rounded(surprise(rows.fine(i).p, rows.fine(i).q, true));
    return surprise(rows.p(i), rows.q(i), true);
  });
}

DivergenceTruth trueEntropy(const TruthRows &rows) {
  return truthOf(rows, [&](size_t i, bool isFine) -> std::optional<ColumnTerm<Rough>> {
    if (!rows.hasP(i))
      return ColumnTerm<Rough>();
    if (isFine)
      return rounded(surprise(rows.fine(i).p, rows.fine(i).p, false));
    return surprise(rows.p(i), rows.p(i), false);
  });
}

} // namespace frit
