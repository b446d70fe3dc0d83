// A program whose parameters are rows of logits and whose "gradients" entry tells values and slopes
// of divergences between them: sum of weight * D[f](p || q), of which the gradient by the weights
// is the value of every row.
#pragma once
#include "tools/frit/CompiledRows.h"
#include "tools/frit/GeneratorText.h"

namespace frit {

/// Ways to write one number.
enum class DivergenceForm {
  Plain,   // D[f](p || q)
  Dual,    // D[u f(1 / u)](q || p)
  Shifted, // D[f + 3 (u - 1)](p || q)
  Partial, // a lower bound: p known at some columns only
};

struct DivergenceResult {
  double value = 0, byParameter = 0;
  std::vector<float> byP, byQ;
};

class DivergenceProgram {
public:
  struct Shape {
    int rows, columns, known; // `known`: columns of a Partial; 0: there is none
  };
  /// `prologue` declares the divergences.
  DivergenceProgram(const Request &request, const std::string &prologue,
                    const DivergenceScope &scope, const std::vector<DivergenceSubject> &subjects,
                    Shape shape);

  /// As many rows as the shape has, or fewer; each subject gets the same.
  void run(const std::vector<LogitRow> &rows);
  bool has(size_t subject, DivergenceForm form) const;
  DivergenceResult result(size_t subject, DivergenceForm form, size_t row) const;

private:
  struct Slot {
    size_t subject;
    DivergenceForm form;
  };
  const std::vector<DivergenceSubject> &subjects;
  Shape shape;
  std::vector<Slot> slots;
  std::unique_ptr<CompiledRows> program;

  std::string text(const std::string &prologue, const DivergenceScope &scope) const;
  size_t slotOf(size_t subject, DivergenceForm form) const;
};

} // namespace frit
