// Verifiers of the ops with bodies: loops, groups, and the gradient request.
#include "dialect/Frit.h"

using namespace mlir;

namespace frit {

static bool fits(Type given, const ValueType &expected) {
  return isValueType(given) && sameUpToOrder(toValueType(cast<RankedTensorType>(given)), expected);
}

static std::string print(Type type) {
  return isValueType(type) ? toString(toValueType(cast<RankedTensorType>(type))) : "no value";
}

//===-- scan --------------------------------------------------------------------------------===//

static LogicalResult verifyArguments(ScanOp op) {
  Block &body = op.getBody().front();
  size_t carried = op.getInits().size(), expected = 1 + carried + op.getSlices().size();
  if (body.getNumArguments() != expected)
    return op.emitOpError() << "body has " << body.getNumArguments() << " arguments, but needs "
                            << expected << ": index, carried values, slices";
  if (!fits(op.getIndex().getType(), {Element::I32, {}}))
    return op.emitOpError() << "index is " << print(op.getIndex().getType()) << ", but must be i32";
  for (auto [i, init, argument] : llvm::enumerate(op.getInits(), op.carried()))
    if (!fits(argument.getType(), typeOf(init)))
      return op.emitOpError() << "carried value " << i << " is " << print(argument.getType())
                              << " in the body, but starts as " << toString(typeOf(init));
  for (auto [i, operand, argument] : llvm::enumerate(op.getSlices(), op.sliced())) {
    ValueType slice = typeOf(operand);
    const Axis *axis = slice.find(op.getAxis().str());
    if (!axis || axis->size != int64_t(op.getSize()))
      return op.emitOpError() << "slices operand " << i << " is " << toString(slice)
                              << ", but needs axis '" << op.getAxis() << "' of " << op.getSize();
    std::erase_if(slice.axes, [&](const Axis &a) { return a.name == op.getAxis(); });
    if (!fits(argument.getType(), slice))
      return op.emitOpError() << "slice " << i << " is " << print(argument.getType())
                              << " in the body, but must be " << toString(slice);
  }
  return success();
}

static LogicalResult verifyResults(ScanOp op) {
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  size_t carried = op.getInits().size();
  if (yield.getValues().size() != op.getNumResults() || op.getNumResults() < carried)
    return op.emitOpError() << "yields " << yield.getValues().size() << " values for "
                            << op.getNumResults() << " results and " << carried
                            << " carried values";
  for (auto [i, yielded, result] : llvm::enumerate(yield.getValues(), op.getResults())) {
    ValueType next = typeOf(yielded);
    if (i < carried) {
      if (!sameUpToOrder(next, typeOf(op.getInits()[i])))
        return op.emitOpError() << "carried value " << i << " starts as "
                                << toString(typeOf(op.getInits()[i])) << " and goes on as "
                                << toString(next);
    } else {
      if (next.find(op.getAxis().str()))
        return op.emitOpError() << "stacks a value that has axis '" << op.getAxis() << "' already";
      next.axes.insert(next.axes.begin(), {op.getAxis().str(), int64_t(op.getSize())});
    }
    if (!fits(result.getType(), next))
      return op.emitOpError() << "result " << i << " is " << print(result.getType())
                              << ", but must be " << toString(next);
  }
  return success();
}

LogicalResult ScanOp::verify() {
  if (getKind() != "layers" && getKind() != "time" && getKind() != "pieces")
    return emitOpError() << "kind is '" << getKind()
                         << "', but must be 'layers', 'time' or 'pieces'";
  if (int64_t(getSize()) < 1)
    return emitOpError() << "runs " << int64_t(getSize()) << " times, but must run at least once";
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  return failure(failed(verifyArguments(*this)) || failed(verifyResults(*this)));
}

//===-- group -------------------------------------------------------------------------------===//

LogicalResult GroupOp::verify() {
  if (getKind() != "elementwise" && getKind() != "row" && getKind() != "column")
    return emitOpError() << "kind is '" << getKind()
                         << "', but must be 'elementwise', 'row' or 'column'";
  return success();
}

LogicalResult GroupOp::verifyRegions() {
  Block &body = getBody().front();
  if (!llvm::equal(body.getArgumentTypes(), getInputs().getTypes()))
    return emitOpError() << "arguments of the body are not of the types of the operands";
  if (!llvm::equal(body.getTerminator()->getOperandTypes(), getResultTypes()))
    return emitOpError() << "the values that leave are not of the types of the results";
  return success();
}

//===-- gradient ----------------------------------------------------------------------------===//

LogicalResult GradientOp::verify() {
  ValueType objective = typeOf(getObjective());
  if (!isReal(objective.element) || !objective.axes.empty())
    return emitOpError() << "objective is " << toString(objective) << ", but must be a real scalar";
  if (getWrt().size() != getNumResults())
    return emitOpError() << "has " << getNumResults() << " results for " << getWrt().size()
                         << " values";
  for (auto [i, value, result] : llvm::enumerate(getWrt(), getResults())) {
    if (!isReal(typeOf(value).element))
      return emitOpError() << "by value " << i << ", which is " << toString(typeOf(value))
                           << ", but must be real";
    if (!sameUpToOrder(typeOf(value), typeOf(result)))
      return emitOpError() << "result " << i << " is " << toString(typeOf(result))
                           << ", but must be " << toString(typeOf(value));
  }
  return success();
}

} // namespace frit
