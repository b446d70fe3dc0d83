// Calls of ops. An op whose record says it is callable needs nothing here: its operands are given
// by position, `over =` becomes its attribute, the law judges. Calls with a shape of their own
// (rename with arrows, scatter, stack, masks) stand in a table.
#include "dialect/syntax/check/BuiltinCall.h"

namespace frit::checking {

static BuiltinTable makeSpecials() {
  BuiltinTable out = {
      {"rename", [](const BuiltinCall &b) { return b.c.rename(b.scope, b.call); }},
      {"scatter", [](const BuiltinCall &b) { return b.c.scatter(b.scope, b.call); }},
      {"weight_gap", [](const BuiltinCall &b) { return b.c.weightGap(b.scope, b.call); }},
  };
  out.insert(tensorCalls.begin(), tensorCalls.end());
  out.insert(distributionCalls.begin(), distributionCalls.end());
  for (const char *name : {"min", "max", "sum", "mean", "std", "any", "all", "logsumexp", "softmax",
                           "log_softmax", "argmax", "cumsum", "sort"})
    out[name] = [](const BuiltinCall &b) { return b.c.reduction(b.scope, b.name, b.call); };
  for (const char *name : {"copy", "ema"})
    out[name] = [](const BuiltinCall &b) -> Value {
      b.c.fail(b.at, fmt::format("{} makes a model and stands in train: reference = {}(policy)",
                                 b.name, b.name));
    };
  for (const char *name : {"beam", "D", "slope", "score"})
    out[name] = [](const BuiltinCall &b) -> Value {
      b.c.fail(b.at, fmt::format("'{}' cannot be called like this", b.name));
    };
  return out;
}

static const BuiltinTable &specials() {
  static const BuiltinTable table = makeSpecials();
  return table;
}

bool Checker::isSpecial(const std::string &name) { return specials().count(name) > 0; }

Value Checker::builtin(Scope &scope, const std::string &name, const ast::Call &call) {
  Location at = call.at;
  if (auto special = specials().find(name); special != specials().end())
    return special->second({*this, scope, name, call, at});

  const Builtin *record = findBuiltin(name);
  if (!record || !record->callable)
    fail(at, fmt::format("'{}' cannot be called", name));
  Taken taken(*this, call, name, record->operands.size(), record->operands.size(),
              record->attributes);
  std::vector<Tensor> operands;
  for (const ast::Expr *expr : taken.positional) {
    Value value = eval(scope, *expr);
    if (auto number = numberOf(value); number && record->operands.size() == 1)
      if (auto folded = foldFunction(name, *number))
        return *folded;
    operands.push_back(toTensor(scope, value, expr->at));
  }
  if (record->law == laws::elementwise || record->law == laws::arithmetic ||
      record->law == laws::logical)
    return elementwise(scope, name, operands, at);
  Attributes attributes;
  if (taken.get("over"))
    attributes["over"] = namesOf(over(scope, call, operands[0], name).axes);
  std::vector<Tensor> outs = emitAll(name, operands, attributes, at);
  if (outs.size() == 1)
    return outs[0];
  auto tuple = std::make_shared<Tuple>();
  for (Tensor &out : outs)
    tuple->items.push_back(out);
  return Value(tuple);
}

} // namespace frit::checking
