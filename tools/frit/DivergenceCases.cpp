#include "tools/frit/DivergenceCases.h"
#include <cmath>

namespace frit {

using Random = std::mt19937_64;

static float normal(Random &random) { return std::normal_distribution<float>()(random); }

static void spread(Random &random, Logits &x, float scale, float offset = 0) {
  for (double &y : x)
    y = float(scale * normal(random) + offset);
}
static void bothSpread(Random &random, Logits &p, Logits &q, float scale) {
  spread(random, p, scale);
  spread(random, q, scale);
}
/// p is q and a little.
static void near(Random &random, Logits &p, Logits &q, float noise, float offset = 0) {
  spread(random, q, 2);
  for (size_t i = 0; i < p.size(); ++i)
    p[i] = float(float(q[i]) + noise * normal(random)) + offset;
}

const std::vector<DivergenceCase> &divergenceCases() {
  static const float none = -INFINITY;
  auto scale = [](float by) {
    return [by](Random &r, Logits &p, Logits &q) { bothSpread(r, p, q, by); };
  };
  auto noise = [](float by, float offset = 0) {
    return [by, offset](Random &r, Logits &p, Logits &q) { near(r, p, q, by, offset); };
  };
  auto edited = [](auto edit) {
    return [edit](Random &r, Logits &p, Logits &q) {
      bothSpread(r, p, q, 1);
      edit(r, p, q);
    };
  };
  static const std::vector<DivergenceCase> cases = {
      {"logits of 1e-3", scale(1e-3f)},
      {"logits of 1", scale(1)},
      {"logits of 3", scale(3)},
      {"logits of 10", scale(10)},
      {"logits of 100", scale(100)},
      {"logits of 1e4", scale(1e4f)},
      {"both up by 1e4",
       [](Random &r, Logits &p, Logits &q) { spread(r, p, 1, 1e4f), spread(r, q, 1, 1e4f); }},
      {"both down by 1e4",
       [](Random &r, Logits &p, Logits &q) { spread(r, p, 1, -1e4f), spread(r, q, 1, -1e4f); }},
      {"p up by 1e4",
       [](Random &r, Logits &p, Logits &q) { spread(r, p, 1, 1e4f), spread(r, q, 1); }},
      {"q up by 1e4",
       [](Random &r, Logits &p, Logits &q) { spread(r, p, 1), spread(r, q, 1, 1e4f); }},
      {"p near q, 1e-1", noise(1e-1f)},
      {"p near q, 1e-2", noise(1e-2f)},
      {"p near q, 1e-3", noise(1e-3f)},
      {"p near q, 1e-4", noise(1e-4f)},
      {"p near q, 1e-3, up by 10", noise(1e-3f, 10)},
      {"p is q", [](Random &r, Logits &p, Logits &q) { spread(r, q, 3), p = q; }},
      {"both uniform",
       [](Random &, Logits &p, Logits &q) {
         for (size_t i = 0; i < p.size(); ++i)
           p[i] = 2, q[i] = -1;
       }},
      {"half of the columns tie",
       [](Random &r, Logits &p, Logits &q) {
         bothSpread(r, p, q, 1);
         for (size_t i = 0; i < p.size(); i += 2)
           p[i] = q[i];
       }},
      {"two columns change places",
       [](Random &r, Logits &p, Logits &q) {
         spread(r, q, 1);
         p = q;
         std::swap(p.front(), p.back());
       }},
      {"many columns tie",
       [](Random &r, Logits &p, Logits &q) {
         for (Logits *x : {&p, &q})
           for (double &y : *x)
             y = double(r() % 3);
       }},
      {"p has a column of -inf", edited([](Random &, Logits &p, Logits &) {
         if (p.size() > 1)
           p.back() = none;
       })},
      {"q has a column of -inf", edited([](Random &, Logits &, Logits &q) {
         if (q.size() > 1)
           q.back() = none;
       })},
      {"both have a column of -inf", edited([](Random &, Logits &p, Logits &q) {
         if (p.size() > 1)
           p[0] = q[0] = none;
       })},
      {"p is all -inf",
       edited([](Random &, Logits &p, Logits &) { std::fill(p.begin(), p.end(), none); })},
      {"q is all -inf",
       edited([](Random &, Logits &, Logits &q) { std::fill(q.begin(), q.end(), none); })},
      {"both are all -inf", edited([](Random &, Logits &p, Logits &q) {
         std::fill(p.begin(), p.end(), none);
         q = p;
       })},
      {"disjoint, by -inf", edited([](Random &, Logits &p, Logits &q) {
         if (p.size() > 1)
           for (size_t i = 0; i < p.size(); ++i)
             (i % 2 ? p : q)[i] = none;
       })},
      {"disjoint, by 1e4", edited([](Random &, Logits &p, Logits &q) {
         for (size_t i = 0; i < p.size(); ++i)
           (i % 2 ? p : q)[i] = -1e4f;
       })},
      {"p is sure, by -inf", edited([](Random &r, Logits &p, Logits &) {
         size_t one = r() % p.size();
         for (size_t i = 0; i < p.size(); ++i)
           p[i] = i == one ? 0 : none;
       })},
      {"p is sure, by 200",
       edited([](Random &r, Logits &p, Logits &) { p[r() % p.size()] = 200; })},
      {"q is sure, by 30", edited([](Random &r, Logits &, Logits &q) { q[r() % q.size()] = 30; })},
      {"both are sure of one column", edited([](Random &, Logits &p, Logits &q) {
         p[0] += 20;
         q[0] += 20;
       })},
      {"both are sure, of different columns", edited([](Random &, Logits &p, Logits &q) {
         p.front() += 20;
         q.back() += 20;
       })},
  };
  return cases;
}

} // namespace frit
