#include "tools/frit/LikelihoodCheck.h"
#include "tools/frit/CompiledRows.h"
#include <fmt/format.h>

namespace frit {

static std::string programOf(int rows, int columns) {
  std::string params;
  for (const char *name : {"z0", "z1", "p2", "q3", "p3"})
    params += fmt::format("  param {}: real[row_, column_] = 0\n", name);
  for (int i = 0; i < 4; ++i)
    params += fmt::format("  param w{}: real[row_] = 1\n", i);
  auto of = [](const char *logits) {
    return fmt::format("categorical(logits = {}, over = column_)", logits);
  };
  return fmt::format(
      "config {{ row_ = {}, column_ = {} }}\n"
      "objective check_(x_: real[b_], best_: token[row_; column_], "
      "other_: token[row_; column_]) {{\n{}"
      "  minimize sum(x_) + sum(w0 * nll({}, best_)) - sum(w1 * log_prob({}, other_))"
      " + sum(w2 * entropy({})) + sum(w3 * cross_entropy({}, {}))\n}}\n"
      "train check_ {{ b_ = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  "
      "steps = 1 }}\n",
      rows, columns, params, of("z0"), of("z1"), of("p2"), of("p3"), of("q3"));
}

/// All of p at one column.
static Logits pointAt(int column, size_t columns) {
  Logits out(columns, -INFINITY);
  out[column] = 0;
  return out;
}

std::vector<LikelihoodReport> checkLikelihoods(const Request &request, uint64_t seed,
                                               const std::vector<int> &sizes) {
  std::vector<LikelihoodReport> out = {{"nll of the likeliest token", {}},
                                       {"log_prob of any token", {}},
                                       {"entropy", {}},
                                       {"cross_entropy", {}}};
  const std::vector<DivergenceCase> &cases = divergenceCases();
  for (int columns : sizes) {
    std::mt19937_64 random(seed * 1000003 + columns);
    int atATime = rowsAtATime(columns, cases.size());
    CompiledRows program(request, programOf(atATime, columns));
    for (size_t first = 0; first < cases.size(); first += atATime) {
      std::vector<LogitRow> rows;
      std::vector<int> best, other;
      for (size_t i = first; i < std::min(first + atATime, cases.size()); ++i) {
        rows.push_back(floatRow(cases[i], columns, random));
        const Logits &z = rows.back().q;
        best.push_back(int(std::max_element(z.begin(), z.end()) - z.begin()));
        other.push_back(int(random() % columns));
      }
      for (size_t r = 0; r < rows.size(); ++r) {
        for (const char *name : {"z0", "z1", "q3"})
          program.set(name, r, rows[r].q);
        for (const char *name : {"p2", "p3"})
          program.set(name, r, rows[r].p);
        program.setInput("best_", r, best[r]);
        program.setInput("other_", r, other[r]);
      }
      program.run();
      for (size_t r = 0; r < rows.size(); ++r) {
        const Logits &p = rows[r].p, &q = rows[r].q;
        std::string where = fmt::format("of {}", columns);
        auto judgeOne = [&](size_t i, const TruthRows &pair, const DivergenceTruth &truth,
                            const char *byP, const char *byQ) {
          if (pair.isAbsent()) // inf, or no number at all that anybody wants
            return;
          DivergenceResult result;
          result.value = program.number(fmt::format("w{}", i), r);
          // A token that cannot be costs inf, and no slope would be the right one.
          if (byP && !truth.isInfinite)
            result.byP = program.row(byP, r);
          if (byQ && !truth.isInfinite)
            result.byQ = program.row(byQ, r);
          judge(out[i].findings[cases[first + r].name], where, result, truth, false);
        };
        TruthRows likeliest(pointAt(best[r], columns), q), any(pointAt(other[r], columns), q);
        TruthRows alone(p, p), pair(p, q);
        judgeOne(0, likeliest, trueCrossEntropy(likeliest), nullptr, "z0");
        judgeOne(1, any, trueCrossEntropy(any), nullptr, "z1");
        judgeOne(2, alone, trueEntropy(alone), "p2", nullptr);
        judgeOne(3, pair, trueCrossEntropy(pair), "p3", "q3");
      }
    }
  }
  return out;
}

} // namespace frit
