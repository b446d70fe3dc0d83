// A categorical's rows of logits, as everything that is said of its softmax needs them: less the
// largest of the row before anything is rounded, so that an offset that all have in common costs no
// digits; and with the sum of exponentials as 1 and the rest, so that a row that is sure of a
// column keeps the digits of what it gives to the others.
#pragma once
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

/// Without gradients: whoever uses them says the slopes by `logits`.
struct LogitRows {
  Tensor logits;  // what the slopes are by
  Tensor given;   // the logits before a temperature
  Tensor x, none; // the same, the largest where they are -inf; where that is
  Tensor top;     // the largest of each row, 0 where there is none
  Tensor isEmpty;
  std::optional<Tensor> temperature;
  Tensor above;  // (x - top) / temperature, at most 0; -inf where there is nothing
  Tensor isLess; // above < 0
  Tensor part;   // exp(above)
  Tensor rest;   // the sum of the parts, less 1
  Tensor logSum; // log(1 + rest)
  Tensor logP;
};
LogitRows logitRows(Checker &checker, const Distribution &d, Location at);

/// log p at the tokens y.
Tensor logProbOf(Checker &checker, const LogitRows &rows, const Tensor &y, const Axes &event,
                 Location at);
Tensor entropyOf(Checker &checker, const LogitRows &rows, const Axes &event, Location at);

} // namespace frit::checking
