// Verifiers of states, and the folding of constants.
#include "dialect/Frit.h"

using namespace mlir;

namespace frit {

LogicalResult StateOp::verify() {
  static constexpr StringLiteral roles[] = {"parameter", "slot",        "state",
                                            "counter",   "accumulator", "scalar"};
  if (!llvm::is_contained(roles, getRole()))
    return emitOpError()
           << "role is '" << getRole()
           << "', but must be one of parameter, slot, state, counter, accumulator, scalar";
  ValueType type = toValueType(cast<RankedTensorType>(getType()));
  int64_t stacked = getStacked(), positions = 1;
  if (stacked < 0 || stacked > int64_t(type.axes.size()))
    return emitOpError() << "has " << stacked << " stacking axes, but is " << toString(type);
  for (int64_t i = 0; i < stacked; ++i)
    positions *= type.axes[i].size;
  if (ArrayAttr tensors = getTensorsAttr()) {
    if (int64_t(tensors.size()) != positions)
      return emitOpError() << "names " << tensors.size() << " tensors for " << positions
                           << " positions of its stacking axes";
    if (!llvm::all_of(tensors, [](mlir::Attribute a) { return isa<StringAttr>(a); }))
      return emitOpError() << "names of tensors must be texts";
  }
  bool isScalar = getRole() == "scalar";
  if (isScalar && (!type.axes.empty() || !getInitialAttr()))
    return emitOpError() << "of role scalar needs a type without axes and an initial value";
  if (!isScalar && (getInitialAttr() || getFlagAttr() || getHelpAttr()))
    return emitOpError() << "has a default, a flag or a help line, which only role scalar has";
  return success();
}

/// Finds the state that an op names and holds its type against the op's.
static LogicalResult verifyUse(Operation *op, FlatSymbolRefAttr name, Value value,
                               SymbolTableCollection &symbols) {
  auto state = symbols.lookupNearestSymbolFrom<StateOp>(op, name);
  if (!state)
    return op->emitOpError() << "names no state: " << name;
  ValueType type = toValueType(cast<RankedTensorType>(state.getType()));
  if (!sameUpToOrder(type, typeOf(value)))
    return op->emitOpError() << "has " << toString(typeOf(value)) << ", but state " << name
                             << " is " << toString(type);
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyUse(*this, getStateAttr(), getResult(), symbols);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyUse(*this, getStateAttr(), getValue(), symbols);
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

} // namespace frit
