#include "tools/frit/NaiveDivergence.h"
#include <bit>

namespace frit {

double roundedToBf16(double x) {
  float narrow = float(x);
  if (!std::isfinite(narrow))
    return narrow;
  uint32_t bits = std::bit_cast<uint32_t>(narrow);
  bits += 0x7fff + (bits >> 16 & 1);
  return std::bit_cast<float>(bits & 0xffff0000u);
}

/// In halves, as libraries do.
static float sumOf(const std::vector<float> &x, size_t from, size_t to) {
  if (to - from <= 32) {
    float out = 0;
    for (size_t i = from; i < to; ++i)
      out += x[i];
    return out;
  }
  size_t middle = (from + to) / 2;
  return sumOf(x, from, middle) + sumOf(x, middle, to);
}
static float sumOf(const std::vector<float> &x) { return sumOf(x, 0, x.size()); }

static std::vector<float> softmax(const Logits &logits) {
  float top = float(*std::max_element(logits.begin(), logits.end()));
  std::vector<float> out;
  for (double x : logits)
    out.push_back(std::exp(float(x) - top));
  float sum = sumOf(out);
  for (float &x : out)
    x /= sum;
  return out;
}

DivergenceResult naiveDivergence(const Generator<float> &f, const LogitRow &row) {
  std::vector<float> p = softmax(row.p), q = softmax(row.q), terms;
  DivergenceResult out;
  for (size_t i = 0; i < p.size(); ++i) {
    float u = p[i] / q[i];
    Dual<float> y = f.at(u);
    terms.push_back(q[i] * y.x);
    out.byP.push_back(p[i] * y.d);
    out.byQ.push_back(q[i] * (y.x - u * y.d));
  }
  out.value = sumOf(terms);
  float sumP = sumOf(out.byP), sumQ = sumOf(out.byQ);
  for (size_t i = 0; i < p.size(); ++i) {
    out.byP[i] -= p[i] * sumP;
    out.byQ[i] -= q[i] * sumQ;
  }
  return out;
}

} // namespace frit
