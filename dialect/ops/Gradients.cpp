// Derivative rules of the linear ops and of those that move elements about.
#include "dialect/ops/Gradients.h"
#include <set>

namespace frit {

static std::vector<std::string> namesOf(const std::vector<Axis> &axes) {
  std::vector<std::string> out;
  for (const Axis &axis : axes)
    out.push_back(axis.name);
  return out;
}

/// Contracts g with one factor over the axes that only this factor brought to the product.
static Term contractSide(Build &build, Term g, Term factor, Term other) {
  std::vector<std::string> over;
  for (const Axis &axis : typeOf(factor).axes)
    if (typeOf(g).find(axis.name) && !typeOf(other).find(axis.name))
      over.push_back(axis.name);
  return over.empty() ? g * factor : build.contract(g, factor, over);
}

Terms contractGradient(ContractOp op, Build &build, Term g) {
  Term x = build.term(op.getX()), y = build.term(op.getY());
  return {contractSide(build, g, y, x), contractSide(build, g, x, y)};
}

/// Which index axes stay when a scatter undoes a gather from `x`: those that x has beside `axes`.
static std::vector<std::string>
alignedAxes(const ValueType &x, const std::vector<std::string> &axes, const Terms &indices) {
  std::vector<std::string> out;
  for (const Axis &axis : x.axes) {
    bool gathered = llvm::is_contained(axes, axis.name);
    bool inIndex = llvm::any_of(indices, [&](Term i) { return typeOf(i).find(axis.name); });
    if (!gathered && inIndex)
      out.push_back(axis.name);
  }
  return out;
}

Terms gatherGradient(GatherOp op, Build &build, Term g) {
  ValueType type = typeOf(op.getX());
  std::vector<std::string> axes = op.getAxes().strings();
  Terms indices;
  for (mlir::Value index : op.getRest().take_front(axes.size()))
    indices.push_back(build.term(index));
  std::vector<Axis> into;
  for (const std::string &axis : axes)
    into.push_back(*type.find(axis));
  Terms operands{g};
  operands.insert(operands.end(), indices.begin(), indices.end());
  Terms out(op->getNumOperands());
  out[0] = build.make("scatter", operands,
                      {{"into", into},
                       {"aligned", alignedAxes(type, axes, indices)},
                       {"mode", std::string("add")}});
  if (!op.getFill())
    return out;
  // The scalar for positions outside gets what lands outside.
  Term zero = build.constantLike(0, g), outside = g;
  for (size_t i = 0; i < axes.size(); ++i) {
    Term inside = build.make(
        "and", {indices[i] >= build.constant(0, Element::I32), indices[i] < double(into[i].size)});
    if (i == 0)
      outside = build.select(inside, zero, g);
    else
      outside = build.select(inside, outside, g);
  }
  out.back() = build.sum(outside, namesOf(typeOf(outside).axes));
  return out;
}

Terms scatterGradient(ScatterOp op, Build &build, Term g) {
  std::vector<std::string> into = op.getInto().strings();
  Terms out(op->getNumOperands());
  Terms indices;
  for (mlir::Value index : op.getRest().take_front(into.size()))
    indices.push_back(build.term(index));
  auto gather = [&](Term from, double outside) {
    Terms operands{from};
    operands.insert(operands.end(), indices.begin(), indices.end());
    operands.push_back(build.constant(outside, typeOf(from).element));
    return build.make("gather", operands, {{"axes", into}, {"fill", true}});
  };
  Term mask = op.getMasked() ? build.term(op.getRest()[into.size()]) : Term();
  // What lands outside was dropped, so its cotangent is zero.
  out[0] = gather(g, 0);
  if (mask)
    out[0] = build.select(mask, out[0], build.constant(0, typeOf(g).element));
  if (op.getMode() == "add") {
    if (op.getOnto())
      out.back() = g;
    return out;
  }
  // "set": the last value at a place won. Every position writes its own number in the same way, so
  // reading back says who won, and -1 where nobody wrote.
  std::vector<Axis> positions;
  std::set<std::string> seen;
  for (mlir::Value operand : op.getRest().take_front(into.size() + op.getMasked()))
    for (const Axis &axis : typeOf(operand).axes)
      if (seen.insert(axis.name).second)
        positions.push_back(axis);
  Attributes attributes = attributesOf(op);
  std::vector<Axis> places; // of the winners: the result without the axes that the positions lack
  for (const Axis &axis : typeOf(op.getResult()).axes)
    if (llvm::is_contained(into, axis.name) ||
        (op.getAligned() && llvm::is_contained(op.getAligned()->strings(), axis.name)))
      places.push_back(axis);
  Term number = build.make("index", {}, {{"axes", positions}});
  Terms operands{number};
  operands.insert(operands.end(), indices.begin(), indices.end());
  if (mask)
    operands.push_back(mask);
  operands.push_back(build.broadcast(build.constant(-1, Element::I32), places));
  attributes["onto"] = true;
  attributes.erase("checked");
  Term winner = build.make("scatter", operands, attributes);
  Term won = build.make("eq", {gather(winner, -1), number});
  Term zero = build.constant(0, typeOf(g).element);
  out[0] = build.select(won, out[0], zero);
  if (op.getOnto())
    out.back() = build.select(winner < 0.0, g, zero);
  return out;
}

Term cumsumGradient(CumSumOp op, Build &build, Term g) {
  return build.make("cumsum", {g},
                    {{"over", op.getOver().strings()}, {"reverse", !op.getReverse()}});
}

/// Puts the cotangents of moved elements back to where they came from along `over`.
static Term putBack(Build &build, Term g, mlir::Value indices, const ValueType &type,
                    const std::string &over) {
  std::vector<std::string> aligned;
  for (const Axis &axis : type.axes)
    if (axis.name != over)
      aligned.push_back(axis.name);
  return build.make("scatter", {g, build.term(indices)},
                    {{"into", std::vector<Axis>{*type.find(over)}},
                     {"aligned", aligned},
                     {"mode", std::string("add")}});
}

Term topKGradient(TopKOp op, Build &build, Term g) {
  return putBack(build, g, op.getIndices(), typeOf(op.getX()), op.getOver().strings().front());
}

Term sortGradient(SortOp op, Build &build, Term g) {
  return putBack(build, g, op.getIndices(), typeOf(op.getX()), op.getOver().strings().front());
}

} // namespace frit
