// What contraction, gather and scatter mean.
#include "dialect/reference/Evaluator.h"
#include "dialect/reference/Walk.h"

namespace frit {

Arrays ContractOp::evaluate(const Arrays &operands, Evaluator &) {
  const Array &x = operands[0], &y = operands[1];
  Array out(typeOf(getResult()));
  std::vector<Axis> axes = out.type.axes;
  for (const std::string &axis : getOver().strings())
    axes.push_back(*x.type.find(axis));
  Walk walk(axes);
  const int64_t &i = walk.in(x.type), &j = walk.in(y.type), &to = walk.in(out.type);
  walk.each([&] { out.data[to] += x.data[i] * y.data[j]; });
  return {out};
}

/// Where indices point along some axes of an array, position by position of a walk.
class Pointer {
public:
  Pointer(Walk &walk, const Arrays &operands, const std::vector<std::string> &axes,
          const ValueType &target) {
    for (size_t k = 0; k < axes.size(); ++k)
      parts.push_back({&operands[k + 1], &walk.in(operands[k + 1].type), *target.find(axes[k]),
                       strideOf(target, axes[k])});
  }
  /// Whether the current position points inside; if so, `offset` says where.
  bool inside() {
    offset = 0;
    outside.clear();
    for (const Part &part : parts) {
      double at = part.index->data[*part.from];
      if (at < 0 || at >= double(part.axis.size))
        outside = "position " + std::to_string(int64_t(at)) + " of axis '" + part.axis.name +
                  "', which has " + std::to_string(part.axis.size);
      offset += int64_t(at) * part.stride;
    }
    return outside.empty();
  }
  int64_t offset = 0;
  std::string outside;

private:
  struct Part {
    const Array *index;
    const int64_t *from;
    Axis axis;
    int64_t stride;
  };
  std::vector<Part> parts;
};

Arrays GatherOp::evaluate(const Arrays &operands, Evaluator &) {
  const Array &x = operands[0];
  Array out(typeOf(getResult()));
  std::vector<std::string> axes = getAxes().strings();
  Walk walk(out.type.axes);
  // An index may bring an axis of the name it replaces: only the index moves along it then.
  const int64_t &from = walk.in(x.type, axes), &to = walk.in(out.type);
  Pointer pointer(walk, operands, axes, x.type);
  walk.each([&] {
    if (pointer.inside())
      out.data[to] = x.data[from + pointer.offset];
    else if (getFill())
      out.data[to] = operands.back().data[0];
    else
      failEvaluation(getOperation(), pointer.outside);
  });
  return {out};
}

Arrays ScatterOp::evaluate(const Arrays &operands, Evaluator &) {
  const Array &x = operands[0];
  std::vector<std::string> into = getInto().strings();
  Array out(typeOf(getResult()));
  if (getOnto())
    out = inOrder(operands.back(), out.type);
  // Row-major over the positions, then over what stays of the values.
  ValueType space;
  auto add = [&](const ValueType &type) {
    for (const Axis &axis : type.axes)
      if (!space.find(axis.name))
        space.axes.push_back(axis);
  };
  for (size_t k = 1; k <= into.size() + getMasked(); ++k)
    add(operands[k].type);
  add(x.type);
  Walk walk(space.axes);
  const int64_t &from = walk.in(x.type), &to = walk.in(out.type, into);
  Pointer pointer(walk, operands, into, out.type);
  const Array *mask = getMasked() ? &operands[into.size() + 1] : nullptr;
  const int64_t *maskAt = mask ? &walk.in(mask->type) : nullptr;
  walk.each([&] {
    if (mask && mask->data[*maskAt] == 0)
      return;
    if (!pointer.inside()) {
      if (getChecked())
        failEvaluation(getOperation(), pointer.outside);
      return;
    }
    double &place = out.data[to + pointer.offset];
    place = getMode() == "add" ? place + x.data[from] : x.data[from];
  });
  return {out};
}

} // namespace frit
