// Values of the reference evaluator: f64 numbers, row-major in the order of the type's axes.
// i32 and i1 are held as whole numbers.
#pragma once
#include "dialect/Types.h"

namespace frit {

struct Array {
  ValueType type;
  std::vector<double> data;

  Array() = default;
  explicit Array(ValueType t, double fill = 0) : type(std::move(t)), data(type.count(), fill) {}
};
using Arrays = std::vector<Array>;

class Evaluator; // dialect/reference/Evaluator.h

} // namespace frit
