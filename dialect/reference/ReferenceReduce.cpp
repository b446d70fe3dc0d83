// What the reductions mean: each is a function of one row, the elements along `over` in flat order.
#include "dialect/reference/Evaluator.h"
#include "dialect/reference/Walk.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace frit {

using Row = std::vector<double>;
static const double inf = std::numeric_limits<double>::infinity();

static std::vector<Axis> axesNamed(const ValueType &type, const std::vector<std::string> &names) {
  std::vector<Axis> out;
  for (const std::string &axis : names)
    out.push_back(*type.find(axis));
  return out;
}

static std::vector<Axis> axesWithout(const ValueType &type, const std::vector<std::string> &names) {
  std::vector<Axis> out = type.axes;
  std::erase_if(out, [&](const Axis &axis) { return llvm::is_contained(names, axis.name); });
  return out;
}

/// Calls body(row, rest) for every row; rest.in(...) gives offsets at the row's position.
template <typename Body>
static void eachRow(const Array &x, const std::vector<std::string> &over, Walk &rest, Body body) {
  std::vector<Axis> group = axesNamed(x.type, over);
  const int64_t &start = rest.in(x.type);
  rest.each([&] {
    Row row;
    Walk along(group);
    const int64_t &from = along.in(x.type);
    along.each([&] { row.push_back(x.data[start + from]); });
    body(row);
  });
}

/// One number per row.
template <typename Body>
static Arrays reduceRows(const Array &x, AxesAttr over, mlir::Value result, Body body) {
  Array y(typeOf(result));
  Walk rest(axesWithout(x.type, over.strings()));
  const int64_t &to = rest.in(y.type);
  eachRow(x, over.strings(), rest, [&](Row &row) { y.data[to] = body(row); });
  return {y};
}

/// A row for each row, of the same length.
template <typename Body>
static Arrays mapRows(const Array &x, AxesAttr over, mlir::Value result, Body body) {
  Array y(typeOf(result));
  std::vector<Axis> group = axesNamed(x.type, over.strings());
  Walk rest(axesWithout(x.type, over.strings()));
  const int64_t &start = rest.in(y.type);
  eachRow(x, over.strings(), rest, [&](Row &row) {
    body(row);
    Walk along(group);
    const int64_t &to = along.in(y.type);
    size_t i = 0;
    along.each([&] { y.data[start + to] = row[i++]; });
  });
  return {y};
}

static double largest(const Row &row) {
  double out = -inf;
  for (double x : row)
    if (x > out || std::isnan(x))
      out = x;
  return out;
}

static double logSumExp(const Row &row) {
  double high = largest(row), sum = 0;
  if (std::isinf(high))
    return high;
  for (double x : row)
    sum += std::exp(x - high);
  return high + std::log(sum);
}

Arrays SumOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(),
                    [](Row &row) { return std::accumulate(row.begin(), row.end(), 0.0); });
}

/// i32 has no -inf: of nothing is no question there, since axes are not empty.
Arrays MaxOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), largest);
}

Arrays MinOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), [](Row &row) {
    double out = inf;
    for (double e : row)
      if (e < out || std::isnan(e))
        out = e;
    return out;
  });
}

Arrays AnyOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), [](Row &row) {
    return double(std::any_of(row.begin(), row.end(), [](double e) { return e != 0; }));
  });
}

Arrays AllOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), [](Row &row) {
    return double(std::all_of(row.begin(), row.end(), [](double e) { return e != 0; }));
  });
}

Arrays LogSumExpOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), logSumExp);
}

Arrays SoftmaxOp::evaluate(const Arrays &x, Evaluator &) {
  return mapRows(x[0], getOver(), getResult(), [](Row &row) {
    double total = logSumExp(row);
    for (double &e : row)
      e = total == -inf ? 0 : std::exp(e - total);
  });
}

Arrays LogSoftmaxOp::evaluate(const Arrays &x, Evaluator &) {
  return mapRows(x[0], getOver(), getResult(), [](Row &row) {
    double total = logSumExp(row);
    for (double &e : row)
      e = total == -inf ? -inf : e - total;
  });
}

Arrays ArgMaxOp::evaluate(const Arrays &x, Evaluator &) {
  return reduceRows(x[0], getOver(), getResult(), [](Row &row) {
    return double(std::max_element(row.begin(), row.end()) - row.begin());
  });
}

Arrays CumSumOp::evaluate(const Arrays &x, Evaluator &) {
  bool reverse = getReverse();
  return mapRows(x[0], getOver(), getResult(), [reverse](Row &row) {
    if (reverse)
      std::partial_sum(row.rbegin(), row.rend(), row.rbegin());
    else
      std::partial_sum(row.begin(), row.end(), row.begin());
  });
}

/// The first elements of every row and their positions, sorted by `before`, ties by position, along
/// the axis `along` of the results.
template <typename Before>
static Arrays orderRows(const Array &x, AxesAttr over, const std::string &along,
                        mlir::ResultRange results, Before before) {
  Array values(typeOf(results[0])), indices(typeOf(results[1]));
  Walk rest(axesWithout(x.type, over.strings()));
  const int64_t &valuesAt = rest.in(values.type), &indicesAt = rest.in(indices.type);
  int64_t count = values.type.find(along)->size;
  int64_t valueStride = strideOf(values.type, along), indexStride = strideOf(indices.type, along);
  eachRow(x, over.strings(), rest, [&](Row &row) {
    std::vector<int64_t> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
      return before(row[i], row[j]) || (!before(row[j], row[i]) && i < j);
    });
    for (int64_t i = 0; i < count; ++i) {
      values.data[valuesAt + i * valueStride] = row[order[i]];
      indices.data[indicesAt + i * indexStride] = double(order[i]);
    }
  });
  return {values, indices};
}

Arrays TopKOp::evaluate(const Arrays &x, Evaluator &) {
  return orderRows(x[0], getOver(), getAs().str(), getOperation()->getResults(),
                   [](double a, double b) { return a > b; });
}

Arrays SortOp::evaluate(const Arrays &x, Evaluator &) {
  return orderRows(x[0], getOver(), getOver().strings().front(), getOperation()->getResults(),
                   [](double a, double b) { return a < b; });
}

} // namespace frit
