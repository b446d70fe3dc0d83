#include "runtime/Nearest.h"
#include <algorithm>
#include <fmt/format.h>

using namespace frit;

static size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t here = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = row[j];
      row[j] = here;
    }
  }
  return row[b.size()];
}

std::string frit::nearest(const std::string &name, const std::vector<std::string> &known,
                          size_t most) {
  std::string best;
  for (const std::string &candidate : known)
    if (size_t edits = editDistance(name, candidate); edits < most) {
      most = edits;
      best = candidate;
    }
  return best;
}

std::string frit::didYouMean(const std::string &name, const std::vector<std::string> &known) {
  std::string best = nearest(name, known, 3); // more than two edits is another word
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}
