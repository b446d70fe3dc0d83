// Modules from text, for tests. `<f32[b: 2, t: 3]>`-like short types keep the text readable.
#pragma once
#include "dialect/Frit.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include <regex>

namespace frit::test {

/// Replaces every `!f32[b: 2, t: 3]` or `!i32` by its tensor type.
inline std::string expand(const std::string &text) {
  static const std::regex type(R"(!(f32|f64|bf16|i32|i1)(\[([^\]]*)\])?)");
  static const std::regex axis(R"((\w+): (\d+))");
  std::string out;
  auto rest = text.cbegin();
  for (std::sregex_iterator i(text.begin(), text.end(), type), end; i != end; ++i) {
    out.append(rest, (*i)[0].first);
    rest = (*i)[0].second;
    std::string axes = (*i)[3], shape, names;
    for (std::sregex_iterator a(axes.begin(), axes.end(), axis); a != end; ++a) {
      shape += (*a)[2].str() + "x";
      names += (names.empty() ? "" : ", ") + (*a)[1].str();
    }
    out += "tensor<" + shape + (*i)[1].str() +
           (names.empty() ? "" : ", #frit.axes<" + names + ">") + ">";
  }
  return out.append(rest, text.cend());
}

/// A parsed and verified module, or what was said against it.
struct Parsed {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors;

  explicit Parsed(const std::string &text) {
    context.loadDialect<FritDialect, mlir::func::FuncDialect>();
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return mlir::success();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(expand(text), &context);
  }
};

} // namespace frit::test
