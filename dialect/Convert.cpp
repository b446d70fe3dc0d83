// Between values as the laws see them and MLIR's types and attributes, and the verifier that all
// lawful ops share.
#include "dialect/Frit.h"

using namespace mlir;

namespace frit {

static std::optional<Element> elementOf(Type type) {
  if (type.isF32())
    return Element::F32;
  if (type.isF64())
    return Element::F64;
  if (type.isBF16())
    return Element::BF16;
  if (type.isSignlessInteger(32))
    return Element::I32;
  if (type.isSignlessInteger(1))
    return Element::I1;
  return std::nullopt;
}

static Type toMlir(MLIRContext *context, Element element) {
  switch (element) {
  case Element::F32:
    return Float32Type::get(context);
  case Element::F64:
    return Float64Type::get(context);
  case Element::BF16:
    return BFloat16Type::get(context);
  case Element::I32:
    return IntegerType::get(context, 32);
  case Element::I1:
    return IntegerType::get(context, 1);
  }
  llvm_unreachable("an element type without a case");
}

bool isValueType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  // A rank above zero needs names; how many, the encoding itself verifies.
  return tensor && tensor.hasStaticShape() && elementOf(tensor.getElementType()) &&
         (isa_and_nonnull<AxesAttr>(tensor.getEncoding()) ||
          (tensor.getRank() == 0 && !tensor.getEncoding()));
}

RankedTensorType toTensorType(MLIRContext *context, const ValueType &type) {
  SmallVector<int64_t> shape;
  std::vector<std::string> names;
  for (const Axis &axis : type.axes) {
    shape.push_back(axis.size);
    names.push_back(axis.name);
  }
  Type element = toMlir(context, type.element);
  if (shape.empty())
    return RankedTensorType::get({}, element);
  return RankedTensorType::get(shape, element, AxesAttr::get(context, names));
}

ValueType toValueType(RankedTensorType type) {
  ValueType out;
  out.element = *elementOf(type.getElementType());
  if (auto axes = dyn_cast_or_null<AxesAttr>(type.getEncoding()))
    for (auto [axis, size] : llvm::zip(axes.getNames(), type.getShape()))
      out.axes.push_back({axis.str(), size});
  return out;
}

ValueType typeOf(Value value) { return toValueType(cast<RankedTensorType>(value.getType())); }

mlir::Attribute toMlir(MLIRContext *context, const Attribute &attribute) {
  OpBuilder b(context);
  struct {
    OpBuilder &b;
    mlir::Attribute operator()(bool x) {
      return x ? mlir::Attribute(b.getUnitAttr()) : mlir::Attribute();
    }
    mlir::Attribute operator()(int64_t x) { return b.getI64IntegerAttr(x); }
    mlir::Attribute operator()(double x) { return b.getF64FloatAttr(x); }
    mlir::Attribute operator()(const std::string &x) { return b.getStringAttr(x); }
    mlir::Attribute operator()(const std::vector<std::string> &x) {
      return AxesAttr::get(b.getContext(), x);
    }
    mlir::Attribute operator()(const std::vector<Axis> &x) {
      std::vector<std::string> names;
      for (const Axis &axis : x)
        names.push_back(axis.name);
      return AxesAttr::get(b.getContext(), names);
    }
  } convert{b};
  return std::visit(convert, attribute);
}

/// The axes an op makes, with the sizes its result gives them; empty if the result lacks one.
static std::optional<std::vector<Axis>> withSizes(AxesAttr axes, Operation *op) {
  std::vector<Axis> out;
  ValueType type = typeOf(op->getResult(0));
  for (const std::string &axis : axes.strings()) {
    const Axis *found = type.find(axis);
    if (!found)
      return std::nullopt;
    out.push_back(*found);
  }
  return out;
}

Attributes attributesOf(Operation *op) {
  Attributes out;
  auto lawful = dyn_cast<Lawful>(op);
  for (StringAttr key : op->getName().getAttributeNames()) {
    mlir::Attribute value = op->getInherentAttr(key).value_or(mlir::Attribute());
    if (!value)
      continue;
    Attribute &slot = out[key.str()];
    if (isa<UnitAttr>(value))
      slot = true;
    else if (auto number = dyn_cast<IntegerAttr>(value))
      slot = number.getInt();
    else if (auto real = dyn_cast<FloatAttr>(value))
      slot = real.getValueAsDouble();
    else if (auto text = dyn_cast<StringAttr>(value))
      slot = text.str();
    else if (auto symbol = dyn_cast<FlatSymbolRefAttr>(value))
      slot = symbol.getValue().str();
    else if (auto axes = dyn_cast<AxesAttr>(value)) {
      slot = axes.strings();
      if (lawful && lawful.makesAxes() == key.strref())
        if (auto sized = withSizes(axes, op))
          slot = *sized;
    } else
      out.erase(key.str());
  }
  return out;
}

LogicalResult verifyLaw(Operation *op, Law law) {
  std::vector<ValueType> operands;
  for (Value operand : op->getOperands())
    operands.push_back(typeOf(operand));
  auto lawful = cast<Lawful>(op);
  if (auto made = op->getInherentAttr(lawful.makesAxes()))
    if (auto axes = dyn_cast_or_null<AxesAttr>(*made); axes && !withSizes(axes, op))
      return op->emitOpError() << "makes axes " << axes << " that its result "
                               << op->getResult(0).getType() << " lacks";
  LawResult result = law(operands, attributesOf(op));
  if (!result)
    return op->emitOpError() << result.error;
  for (auto [given, expected] : llvm::zip(op->getResults(), result.types))
    if (!sameUpToOrder(typeOf(given), expected))
      return op->emitOpError() << "gives " << toString(typeOf(given)) << ", but its operands make "
                               << toString(expected);
  return success();
}

} // namespace frit
