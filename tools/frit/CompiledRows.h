// A program whose parameters are rows of numbers, compiled and run in this process: its "gradients"
// entry. The gradient by a weight that a row's value is multiplied by is that value.
#pragma once
#include "codegen/Load.h"
#include "tools/frit/DivergenceCases.h"
#include "tools/frit/Request.h"
#include <memory>

namespace frit {

/// Two rows of logits, rounded to floats.
struct LogitRow {
  Logits p, q;
  // Of a p that is known at some columns only:
  std::vector<int> columns;
  std::vector<double> logP;
};
LogitRow floatRow(const DivergenceCase &one, int columns, std::mt19937_64 &random);
/// How many rows of so many columns a program takes, at most `most`.
int rowsAtATime(int columns, size_t most);

class CompiledRows {
public:
  CompiledRows(const Request &request, const std::string &text);

  template <typename Numbers>
  void set(const std::string &parameter, size_t row, const Numbers &numbers) {
    std::copy(numbers.begin(), numbers.end(),
              states.at(parameter).data.begin() + row * numbers.size());
  }
  template <typename Numbers>
  void setInput(const std::string &input, size_t row, const Numbers &numbers) {
    std::copy(numbers.begin(), numbers.end(), inputs.at(input).data.begin() + row * numbers.size());
  }
  void setInput(const std::string &input, size_t row, int number) {
    inputs.at(input).data[row] = number;
  }
  void run() { gradients = loaded->run("gradients", states, inputs); }

  bool has(const std::string &parameter) const { return gradients.count(parameter); }
  double number(const std::string &parameter, size_t row) const {
    return gradients.at(parameter).data[row];
  }
  std::vector<float> row(const std::string &parameter, size_t row) const;

private:
  std::unique_ptr<Loaded> loaded;
  NamedArrays states, inputs, gradients;
};

} // namespace frit
