#ifndef FRIT_INTERFACES
#define FRIT_INTERFACES
include "mlir/IR/OpBase.td"

def Frit_Lawful : OpInterface<"Lawful"> {
  let cppNamespace = "::frit";
  let description = [{ The op's shape law and how the language calls it. }];
  let methods = [
    StaticInterfaceMethod<"The law (dialect/ops/Laws.h).", "::frit::Law", "law">,
    StaticInterfaceMethod<"The attribute whose axes the op makes, so that the law gets them with "
                          "sizes; empty if it makes none.", "::llvm::StringRef", "makesAxes">,
  ];
}

def Frit_Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::frit";
  let description = [{
    The derivative rule of the op's record. `gradient` gives one cotangent per operand, or an empty
    Term where the operand needs none (integers, bools). A cotangent may have more axes than its
    operand: Differentiate sums them away.
    An op without a rule says why in `noGradient`; differentiating through it is an error at the
    user's line, never a silent zero.
  }];
  let methods = [
    InterfaceMethod<"Cotangents of the operands from those of the results.",
      "::frit::Terms", "gradient", (ins "::frit::Build &":$build, "const ::frit::Terms &":$cotangents)>,
    InterfaceMethod<"Why there is no rule; empty if there is one.", "::llvm::StringRef", "noGradient">,
  ];
}

def Frit_Elementwise : OpInterface<"Elementwise"> {
  let cppNamespace = "::frit";
  let description = [{ One result element from one element of each operand. }];
  let methods = [
    InterfaceMethod<"The scalar body that is lowered: arith and math ops on scalars or vectors.",
      "::mlir::Value", "scalar", (ins "::frit::ScalarBuilder &":$b, "::mlir::ValueRange":$operands)>,
    InterfaceMethod<"The same in f64, for the reference evaluator only: an oracle generated from "
                    "the code that it judges would be none. i1 is 0 or 1.",
      "double", "exact", (ins "::llvm::ArrayRef<double>":$operands)>,
  ];
}

def Frit_Evaluable : OpInterface<"Evaluable"> {
  let cppNamespace = "::frit";
  let description = [{ What the op means, in f64 and plain loops (dialect/reference). }];
  let methods = [
    InterfaceMethod<"Result arrays from operand arrays.", "::frit::Arrays", "evaluate",
      (ins "const ::frit::Arrays &":$operands, "::frit::Evaluator &":$evaluator)>,
  ];
}
#endif
