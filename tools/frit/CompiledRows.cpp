#include "tools/frit/CompiledRows.h"
#include "passes/GradientCheck.h"
#include "tools/frit/Driver.h"
#include <algorithm>

namespace frit {

LogitRow floatRow(const DivergenceCase &one, int columns, std::mt19937_64 &random) {
  LogitRow row{Logits(columns), Logits(columns), {}, {}};
  one.fill(random, row.p, row.q);
  for (Logits *x : {&row.p, &row.q})
    for (double &y : *x)
      y = float(y);
  return row;
}

int rowsAtATime(int columns, size_t most) {
  constexpr int mostNumbers = 1 << 19;
  return std::clamp(mostNumbers / columns, 1, int(most));
}

CompiledRows::CompiledRows(const Request &given, const std::string &text) {
  Request request = given;
  request.text = text;
  request.train = "";
  request.gradients = true;
  Driver driver(request);
  driver.check();
  for (auto other : llvm::make_early_inc_range(driver.module().getOps<mlir::func::FuncOp>()))
    if (other.getName() != "gradients")
      other.erase();
  for (auto &[name, array] : drawInputs(driver.module(), "gradients", 1))
    inputs[name] = Array(array.type);
  driver.runPasses();
  loaded = driver.load(1);
  for (StateOp state : driver.module().getOps<StateOp>()) {
    ValueType type = toValueType(llvm::cast<mlir::RankedTensorType>(state.getType()));
    states[state.getSymName().str()] =
        Array(type, state.getInitial() ? state.getInitial()->convertToDouble() : 1);
  }
}

std::vector<float> CompiledRows::row(const std::string &parameter, size_t row) const {
  const Array &array = gradients.at(parameter);
  size_t columns = array.type.axes.back().size;
  auto from = array.data.begin() + row * columns;
  return std::vector<float>(from, from + columns);
}

} // namespace frit
