// The dialect itself: what it registers, how axes are written, and what an entry must look like.
#include "dialect/Frit.h"
#include "dialect/ops/Gradients.h"
#include "dialect/reference/Evaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;

#include "dialect/Dialect.cpp.inc"
#include "dialect/Interfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/Attributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/Ops.cpp.inc"

namespace frit {

void FritDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/Attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/Ops.cpp.inc"
      >();
}

//===-- #frit.axes<b, t, "2nd"> -------------------------------------------------------------===//

AxesAttr AxesAttr::get(MLIRContext *context, ArrayRef<std::string> names) {
  SmallVector<StringAttr> attributes;
  for (const std::string &axis : names)
    attributes.push_back(StringAttr::get(context, axis));
  return get(context, ArrayRef<StringAttr>(attributes));
}

std::vector<std::string> AxesAttr::strings() const {
  std::vector<std::string> out;
  for (StringAttr axis : getNames())
    out.push_back(axis.str());
  return out;
}

mlir::Attribute AxesAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringAttr> names;
  SMLoc at = parser.getCurrentLocation();
  auto one = [&] {
    std::string text;
    if (parser.parseKeywordOrString(&text))
      return failure();
    names.push_back(StringAttr::get(parser.getContext(), text));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, one))
    return {};
  return parser.getChecked<AxesAttr>(at, parser.getContext(), ArrayRef<StringAttr>(names));
}

void AxesAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getNames(), printer,
                        [&](StringAttr axis) { printer.printKeywordOrString(axis); });
  printer << ">";
}

LogicalResult AxesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<StringAttr> names) {
  llvm::SmallDenseSet<StringAttr> seen;
  for (StringAttr axis : names) {
    if (axis.empty())
      return emitError() << "an axis needs a name";
    if (!seen.insert(axis).second)
      return emitError() << "axis '" << axis.strref() << "' is there twice";
  }
  return success();
}

LogicalResult AxesAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != getNames().size())
    return emitError() << getNames().size() << " names for " << shape.size() << " axes";
  for (auto [axis, size] : llvm::zip(getNames(), shape))
    if (size < 1)
      return emitError() << "axis '" << axis.strref() << "' must have a size of at least 1";
  return success();
}

//===-- Entries -----------------------------------------------------------------------------===//

static LogicalResult verifyEntry(func::FuncOp entry) {
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (!entry.getArgAttrOfType<StringAttr>(i, "frit.name"))
      return entry.emitOpError() << "is an entry, but argument " << i << " has no 'frit.name'";
  for (unsigned i = 0; i < entry.getNumResults(); ++i)
    if (!entry.getResultAttrOfType<StringAttr>(i, "frit.name"))
      return entry.emitOpError() << "is an entry, but result " << i << " has no 'frit.name'";
  llvm::SmallDenseSet<StringAttr> written;
  WalkResult walk = entry.walk([&](WriteOp write) {
    if (write->getParentOp() != entry)
      return write.emitOpError("stands in a loop: a state is written once, at the entry's end"),
             WalkResult::interrupt();
    if (!written.insert(write.getStateAttr().getAttr()).second)
      return write.emitOpError() << "is the second to @" << write.getState() << " in this entry",
             WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult FritDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == "frit.entry") {
    auto entry = dyn_cast<func::FuncOp>(op);
    if (!entry || !isa<UnitAttr>(attribute.getValue()))
      return op->emitOpError() << "cannot carry " << attribute.getName() << ", a mark of functions";
    return verifyEntry(entry);
  }
  if (attribute.getName() == "frit.metadata" &&
      (!isa<ModuleOp>(op) || !isa<StringAttr>(attribute.getValue())))
    return op->emitOpError() << "cannot carry " << attribute.getName() << ", a text of the module";
  return success();
}

} // namespace frit
