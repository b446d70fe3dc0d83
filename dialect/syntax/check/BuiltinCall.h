// Calls of builtins that have a shape of their own, by family.
#pragma once
#include "dialect/syntax/check/Taken.h"

namespace frit::checking {

/// One such call.
struct BuiltinCall {
  Checker &c;
  Scope &scope;
  const std::string &name;
  const ast::Call &call;
  Location at;

  Taken take(size_t count, const std::vector<std::string> &known = {}) const {
    return Taken(c, call, name, count, count, known);
  }
  Value eval(const ast::Expr *expr) const { return c.eval(scope, *expr); }
  Tensor tensor(const ast::Expr *expr) const { return c.toTensor(scope, eval(expr), at); }
  Tensor real(const ast::Expr *expr) const { return c.toReal(tensor(expr), at); }
};
using BuiltinTable = std::map<std::string, Value (*)(const BuiltinCall &)>;

extern const BuiltinTable tensorCalls, distributionCalls;

} // namespace frit::checking
