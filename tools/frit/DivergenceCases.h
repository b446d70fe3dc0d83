// The inputs on which implementations of divergences go wrong: pairs of rows of logits.
#pragma once
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace frit {

using Logits = std::vector<double>; // rounded to floats by whoever runs them

struct DivergenceCase {
  std::string name;
  std::function<void(std::mt19937_64 &, Logits &p, Logits &q)> fill;
};

const std::vector<DivergenceCase> &divergenceCases();

} // namespace frit
