// Running an entry: values by SSA name, loops as loops, states at the end.
#include "dialect/reference/Evaluator.h"
#include "dialect/reference/Walk.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace frit {

void failEvaluation(Operation *op, const std::string &message) {
  std::string text;
  llvm::raw_string_ostream out(text);
  op->getLoc().print(out);
  out << ": " << op->getName() << ": " << message;
  throw EvaluationError(text);
}

Array inOrder(const Array &array, const ValueType &type) {
  if (array.type == type)
    return array;
  Array out(type);
  Walk walk(type.axes);
  const int64_t &from = walk.in(array.type), &to = walk.in(type);
  walk.each([&] { out.data[to] = array.data[from]; });
  return out;
}

Arrays evaluateElementwise(Elementwise op, const Arrays &operands) {
  Array out(typeOf(op->getResult(0)));
  Walk walk(out.type.axes);
  const int64_t &to = walk.in(out.type);
  std::vector<const int64_t *> from;
  for (const Array &operand : operands)
    from.push_back(&walk.in(operand.type));
  std::vector<double> numbers(operands.size());
  walk.each([&] {
    for (size_t i = 0; i < operands.size(); ++i)
      numbers[i] = operands[i].data[*from[i]];
    out.data[to] = op.exact(numbers);
  });
  return {out};
}

/// The array that someone gave under a name, checked against the type that it must have.
static Array take(Operation *op, const NamedArrays &arrays, const std::string &name,
                  const ValueType &type, const char *kind) {
  auto at = arrays.find(name);
  if (at == arrays.end())
    failEvaluation(op, std::string("no ") + kind + " '" + name + "' is given");
  if (!sameUpToOrder(at->second.type, type))
    failEvaluation(op, std::string(kind) + " '" + name + "' is " + toString(at->second.type) +
                           ", but must be " + toString(type));
  return inOrder(at->second, type);
}

NamedArrays Evaluator::run(const std::string &entry, NamedArrays &given,
                           const NamedArrays &inputs) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function || !function->hasAttr("frit.entry"))
    failEvaluation(module, "no entry is called '" + entry + "'");
  values.clear();
  writes.clear();
  states = &given;
  Arrays arguments;
  for (BlockArgument argument : function.getArguments()) {
    StringRef name = cast<StringAttr>(function.getArgAttr(argument.getArgNumber(), "frit.name"));
    arguments.push_back(take(function, inputs, name.str(), typeOf(argument), "input"));
  }
  Arrays results = run(function.getBody().front(), arguments);
  NamedArrays outputs;
  for (auto [i, result] : llvm::enumerate(results)) {
    StringRef name = cast<StringAttr>(function.getResultAttr(i, "frit.name"));
    auto type = cast<RankedTensorType>(function.getFunctionType().getResult(i));
    outputs[name.str()] = inOrder(result, toValueType(type));
  }
  for (auto &[name, array] : writes)
    given[name] = std::move(array);
  states = nullptr;
  return outputs;
}

Arrays Evaluator::run(Block &block, const Arrays &arguments) {
  for (auto [argument, array] : llvm::zip_equal(block.getArguments(), arguments))
    values[argument] = array;
  auto operandsOf = [&](Operation &op) {
    Arrays operands;
    for (Value operand : op.getOperands())
      operands.push_back(lookup(operand));
    return operands;
  };
  for (Operation &op : block.without_terminator()) {
    Arrays operands = operandsOf(op), results = evaluate(op, operands);
    if (observe)
      observe(&op, operands, results);
    for (auto [result, array] : llvm::zip_equal(op.getResults(), results))
      values[result] = std::move(array);
  }
  return operandsOf(*block.getTerminator());
}

Arrays Evaluator::evaluate(Operation &op, const Arrays &operands) {
  if (auto evaluable = dyn_cast<Evaluable>(op))
    return evaluable.evaluate(operands, *this);
  if (auto scan = dyn_cast<ScanOp>(op))
    return evaluateScan(scan, operands);
  if (auto read = dyn_cast<ReadOp>(op))
    return {take(read, *states, read.getState().str(), typeOf(read.getResult()), "state")};
  if (auto write = dyn_cast<WriteOp>(op)) {
    auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(write, write.getStateAttr());
    ValueType type = toValueType(cast<RankedTensorType>(state.getType()));
    writes[write.getState().str()] = inOrder(operands[0], type);
    return {};
  }
  failEvaluation(&op, "this op has no meaning of its own; a pass replaces it");
}

/// Position i of an axis, which goes.
static Array sliceOf(const Array &array, const std::string &axis, int64_t i) {
  ValueType type = array.type;
  std::erase_if(type.axes, [&](const Axis &a) { return a.name == axis; });
  Array out(type);
  Walk walk(type.axes);
  int64_t start = i * strideOf(array.type, axis);
  const int64_t &from = walk.in(array.type), &to = walk.in(type);
  walk.each([&] { out.data[to] = array.data[start + from]; });
  return out;
}

/// Puts a value at position i of an axis.
static void stackInto(Array &stack, const Array &value, const std::string &axis, int64_t i) {
  Walk walk(value.type.axes);
  int64_t start = i * strideOf(stack.type, axis);
  const int64_t &from = walk.in(value.type), &to = walk.in(stack.type);
  walk.each([&] { stack.data[start + to] = value.data[from]; });
}

Arrays Evaluator::evaluateScan(ScanOp scan, const Arrays &operands) {
  std::string axis = scan.getAxis().str();
  size_t carried = scan.getInits().size();
  int64_t size = scan.getSize();
  Arrays carries(operands.begin(), operands.begin() + carried), results;
  for (Value stack : scan.stacks())
    results.push_back(Array(typeOf(stack)));
  for (int64_t step = 0; step < size; ++step) {
    int64_t i = scan.getReverse() ? size - 1 - step : step;
    Arrays arguments{Array({Element::I32, {}}, double(i))};
    arguments.insert(arguments.end(), carries.begin(), carries.end());
    for (size_t s = carried; s < operands.size(); ++s)
      arguments.push_back(sliceOf(operands[s], axis, i));
    Arrays yielded = run(scan.getBody().front(), arguments);
    carries.assign(yielded.begin(), yielded.begin() + carried);
    for (size_t s = 0; s < results.size(); ++s)
      stackInto(results[s], yielded[carried + s], axis, i);
  }
  results.insert(results.begin(), carries.begin(), carries.end());
  return results;
}

Arrays GroupOp::evaluate(const Arrays &operands, Evaluator &evaluator) {
  return evaluator.run(getBody().front(), operands);
}

} // namespace frit
