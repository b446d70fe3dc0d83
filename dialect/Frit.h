// The frit dialect: types, interfaces and ops, as generated from the records.
#pragma once
#include "dialect/Build.h"
#include "dialect/Types.h"
#include "dialect/ops/Laws.h"
#include "dialect/reference/Array.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/Dialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/Attributes.h.inc"

namespace frit {
/// Whether a type is that of a value: what Frit_Value of the records accepts.
bool isValueType(mlir::Type type);
/// Calls the law on an op's operands and attributes and compares with its results, whose axes may
/// stand in any order.
llvm::LogicalResult verifyLaw(mlir::Operation *op, Law law);
} // namespace frit

#include "dialect/Interfaces.h.inc"
#define GET_OP_CLASSES
#include "dialect/Ops.h.inc"
