// What the shape ops mean, and values made from nothing but positions.
#include "dialect/reference/Evaluator.h"
#include "dialect/reference/Walk.h"

namespace frit {

/// The type of an array in which one axis is seen as a row-major group.
static ValueType opened(const ValueType &type, const std::string &axis,
                        const std::vector<Axis> &group) {
  ValueType out{type.element, {}};
  for (const Axis &old : type.axes) {
    if (old.name == axis)
      out.axes.insert(out.axes.end(), group.begin(), group.end());
    else
      out.axes.push_back(old);
  }
  return out;
}

Arrays RenameOp::evaluate(const Arrays &operands, Evaluator &) {
  Array out = operands[0];
  for (Axis &axis : out.type.axes)
    if (axis.name == getFrom())
      axis.name = getTo().str();
  return {out};
}

Arrays SplitOp::evaluate(const Arrays &operands, Evaluator &) {
  Array out = operands[0];
  std::vector<Axis> group;
  for (const std::string &axis : getInto().strings())
    group.push_back(*typeOf(getResult()).find(axis));
  out.type = opened(out.type, getAxis().str(), group);
  return {out};
}

Arrays MergeOp::evaluate(const Arrays &operands, Evaluator &) {
  const Array &x = operands[0];
  Array out(typeOf(getResult()));
  std::vector<Axis> group;
  for (const std::string &axis : getAxes().strings())
    group.push_back(*x.type.find(axis));
  Walk walk(x.type.axes);
  const int64_t &from = walk.in(x.type);
  const int64_t &to = walk.in(opened(out.type, getInto().str(), group));
  walk.each([&] { out.data[to] = x.data[from]; });
  return {out};
}

Arrays StackOp::evaluate(const Arrays &operands, Evaluator &) {
  Array out(typeOf(getResult()));
  int64_t stride = strideOf(out.type, getAxis().str());
  for (size_t i = 0; i < operands.size(); ++i) {
    Walk walk(operands[i].type.axes);
    const int64_t &from = walk.in(operands[i].type), &to = walk.in(out.type);
    walk.each([&] { out.data[int64_t(i) * stride + to] = operands[i].data[from]; });
  }
  return {out};
}

Arrays SliceOp::evaluate(const Arrays &operands, Evaluator &) {
  const Array &x = operands[0];
  Array out(typeOf(getResult()));
  int64_t start = int64_t(getAt()) * strideOf(x.type, getAxis().str());
  Walk walk(out.type.axes);
  const int64_t &from = walk.in(x.type), &to = walk.in(out.type);
  walk.each([&] { out.data[to] = x.data[start + from]; });
  return {out};
}

Arrays BroadcastOp::evaluate(const Arrays &operands, Evaluator &) {
  return {inOrder(operands[0], typeOf(getResult()))};
}

Arrays IndexOp::evaluate(const Arrays &, Evaluator &) {
  Array out(typeOf(getResult()));
  ValueType group{Element::I32, {}};
  for (const std::string &axis : getAxes().strings())
    group.axes.push_back(*out.type.find(axis));
  Walk walk(out.type.axes);
  const int64_t &position = walk.in(group), &to = walk.in(out.type);
  walk.each([&] { out.data[to] = double(position); });
  return {out};
}

Arrays ConstantOp::evaluate(const Arrays &, Evaluator &) {
  return {Array(typeOf(getResult()), getValue().convertToDouble())};
}

} // namespace frit
