// Ops from mnemonic, operands and attributes; result types from the laws.
#include "dialect/Build.h"
#include "dialect/Frit.h"
#include "dialect/ops/Builtins.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

namespace frit {

Terms Build::op(const std::string &mnemonic, const Terms &operands, const Attributes &attributes) {
  const Builtin *builtin = findBuiltin(mnemonic);
  if (!builtin)
    llvm::report_fatal_error(Twine("no op is called '") + mnemonic + "'");
  OperationState state(b.getLoc(), "frit." + mnemonic);
  std::vector<ValueType> types;
  for (const Term &term : operands) {
    state.operands.push_back(term.value);
    types.push_back(typeOf(term));
  }
  LawResult result = builtin->law(types, attributes);
  if (!result)
    llvm::report_fatal_error(Twine("building '") + mnemonic + "': " + result.error);
  for (const ValueType &type : result.types)
    state.types.push_back(toTensorType(b.getContext(), type));
  for (const auto &[key, value] : attributes)
    if (mlir::Attribute attribute = toMlir(b.getContext(), value))
      state.addAttribute(key, attribute);
  Terms out;
  for (Value value : b.create(state)->getResults())
    out.push_back(term(value));
  return out;
}

static Term makeConstant(Build &build, double value, Element element, std::vector<Axis> axes) {
  return build.make("constant", {},
                    {{"value", value}, {"element", std::string(name(element))}, {"axes", axes}});
}

Term Build::constant(double value, Element element) {
  return makeConstant(*this, value, element, {});
}

Term Build::constantLike(double value, Term like) {
  ValueType type = typeOf(like);
  return makeConstant(*this, value, type.element, type.axes);
}

Term Build::reduceTo(Term x, const ValueType &type) {
  std::vector<std::string> over;
  for (const Axis &axis : typeOf(x).axes)
    if (!type.find(axis.name))
      over.push_back(axis.name);
  return over.empty() ? x : sum(x, over);
}

Term Build::expandTo(Term x, const ValueType &type) {
  for (const Axis &axis : type.axes)
    if (!typeOf(x).find(axis.name))
      return broadcast(x, type.axes);
  return x;
}

//===-- Operators ---------------------------------------------------------------------------===//

static Term number(double value, Term like) {
  return like.build->constant(value, typeOf(like).element);
}

Term operator+(Term x, Term y) { return x.build->make("add", {x, y}); }
Term operator-(Term x, Term y) { return x.build->make("sub", {x, y}); }
Term operator*(Term x, Term y) { return x.build->make("mul", {x, y}); }
Term operator/(Term x, Term y) { return x.build->make("div", {x, y}); }
Term operator-(Term x) { return x.build->make("neg", {x}); }
Term operator+(Term x, double y) { return x + number(y, x); }
Term operator+(double x, Term y) { return number(x, y) + y; }
Term operator-(Term x, double y) { return x - number(y, x); }
Term operator-(double x, Term y) { return number(x, y) - y; }
Term operator*(Term x, double y) { return x * number(y, x); }
Term operator*(double x, Term y) { return number(x, y) * y; }
Term operator/(Term x, double y) { return x / number(y, x); }
Term operator/(double x, Term y) { return number(x, y) / y; }
Term operator>(Term x, Term y) { return x.build->make("gt", {x, y}); }
Term operator>=(Term x, Term y) { return x.build->make("ge", {x, y}); }
Term operator<(Term x, Term y) { return x.build->make("lt", {x, y}); }
Term operator>(Term x, double y) { return x > number(y, x); }
Term operator<(Term x, double y) { return x < number(y, x); }

} // namespace frit
