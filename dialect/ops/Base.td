#ifndef FRIT_OPS_BASE
#define FRIT_OPS_BASE
include "dialect/Dialect.td"
include "dialect/Types.td"
include "dialect/Interfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

// A value with named axes.
def Frit_Value : Type<CPred<"::frit::isValueType($_self)">,
    "a static tensor of f32, f64, bf16, i32 or i1 whose encoding names its axes",
    "::mlir::RankedTensorType">;

// Every op of the graph. `names` are the operands as the language calls them.
class Frit_Op<string mnemonic, string lawName, list<string> operandNames, list<Trait> traits = []>
    : Op<Frit_Dialect, mnemonic, !listconcat(traits, [
        DeclareOpInterfaceMethods<Frit_Lawful, ["law", "makesAxes"]>,
        DeclareOpInterfaceMethods<Frit_Differentiable, ["gradient", "noGradient"]>,
        DeclareOpInterfaceMethods<Frit_Evaluable>])> {
  list<string> names = operandNames;
  list<string> compileTime = [];        // attribute names, as keyword arguments
  string makesAxes = "";                // the attribute that names axes which the op makes
  // The derivative rule: C++ that sees `g` (cotangent of the first result), the operands by name,
  // `y0` (first result) and `build`, and returns Terms. Or the reason why there is none.
  code gradient = "";
  string noGradient = "";
  bit callable = 1;                     // may be called by this name in the language
  string more = "";                     // further declarations
  string moreDefinitions = "";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr bool isCallable() { return }] # !if(callable, "true", "false") # [{; }
    static constexpr ::llvm::StringLiteral operandNames() { return "}] # !interleave(names, ",") # [{"; }
    static constexpr ::llvm::StringLiteral attributeNames() { return "}] # !interleave(compileTime, ",") # [{"; }
    static constexpr ::llvm::StringLiteral summary() { return R"(}] # summary # [{)"; }
  }] # more;
  string bindOperands = !interleave(!foreach(i, !range(!size(names)),
      "  [[maybe_unused]] ::frit::Term " # names[i] # " = build.term(getOperation()->getOperand(" # i # "));\n"), "");
  let extraClassDefinition = [{
    ::frit::Law $cppClass::law() { return ::frit::laws::}] # lawName # [{; }
    ::llvm::StringRef $cppClass::makesAxes() { return "}] # makesAxes # [{"; }
    ::llvm::LogicalResult $cppClass::verify() { return ::frit::verifyLaw(getOperation(), law()); }
    ::llvm::StringRef $cppClass::noGradient() { return R"(}] # noGradient # [{)"; }
  }] # !if(!eq(gradient, ""), [{
    ::frit::Terms $cppClass::gradient(::frit::Build &, const ::frit::Terms &) {
      return ::frit::Terms(getOperation()->getNumOperands());
    }
  }], [{
    ::frit::Terms $cppClass::gradient(::frit::Build &build, const ::frit::Terms &cotangents) {
      [[maybe_unused]] ::frit::Term g = cotangents.front();
      [[maybe_unused]] ::frit::Term y0 = build.term(getOperation()->getResult(0));
  }] # bindOperands # gradient # [{
    }
  }]) # moreDefinitions;
}

// One result, operands and attributes listed by the record. Such ops are made by name (Build), so
// the builders that MLIR writes by itself, a fifth of the definitions, would serve nobody.
class Frit_PureOp<string mnemonic, string lawName, list<string> operandNames,
                  list<Trait> traits = []>
    : Frit_Op<mnemonic, lawName, operandNames, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::ValueRange":$operands), [{
    $_state.addTypes(result);
    $_state.addOperands(operands);
  }]>];
}
#endif
