// Numbers given in train: plain ones become run-time scalars, schedules are calls made anew in each
// step, an optimiser is a name with such settings.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

/// A number of train becomes a state that the command line may set; elsewhere it stays a constant.
Setting Training::readSetting(const std::string &name, const ast::Expr &expr, bool runTime,
                              const std::string &prefix) {
  Setting out;
  out.name = prefix + name;
  out.at = expr.at;
  auto makeScalar = [&](const std::string &key, const Number &number, Location at) {
    std::string flag = key;
    std::replace(flag.begin(), flag.end(), '.', '-');
    return c.scalar(key, number.value, c.real(), flag, "", at);
  };
  if (auto *call = ast::as<ast::Call>(&expr)) {
    Value callee = c.eval(*scope, *call->callee);
    auto *declared = callee.get<Declared>();
    auto *fn = declared ? ast::as<ast::Fn>(declared->decl) : nullptr;
    bool isSchedule = false;
    if (fn)
      for (const ast::Parameter &p : fn->parameters)
        isSchedule |= p.name.text == "step" && p.isNamed;
    if (isSchedule) {
      out.schedule = call;
      out.value = callee;
      size_t next = 0;
      for (const ast::Call::Argument &argument : call->arguments) {
        std::string key = argument.name ? argument.name->text : "";
        if (key.empty()) {
          if (next >= fn->parameters.size() || fn->parameters[next].isNamed)
            c.fail(argument.value->at, fmt::format("{} takes fewer arguments", fn->name.text));
          key = fn->parameters[next++].name.text;
        }
        Value value = c.eval(*scope, *argument.value);
        auto number = c.numberOf(value);
        if (!number || !runTime)
          continue;
        // The schedule's first parameter is the setting itself: --lr; the others add to it.
        bool first = key == fn->parameters[0].name.text;
        std::string scalarName = first ? out.name : prefix + key;
        if (!first && c.stateNamed.count(scalarName))
          scalarName = out.name + "." + key;
        out.scalars[key] = makeScalar(scalarName, *number, argument.value->at);
      }
      return out;
    }
  }
  try {
    out.value = c.eval(*scope, expr);
  } catch (const Deferred &) { // 0.5 * cosine(..): made anew in each step
    out.expr = &expr;
    return out;
  }
  if (auto number = c.numberOf(out.value)) {
    out.value = *number;
    if (runTime)
      out.scalar = makeScalar(out.name, *number, expr.at);
  } else if (auto *tuple = out.value.tuple()) {
    for (size_t i = 0; i < tuple->items.size(); ++i) {
      auto number = c.numberOf(tuple->items[i]);
      out.items.push_back(number && runTime
                              ? std::optional<size_t>(
                                    makeScalar(fmt::format("{}.{}", out.name, i), *number, expr.at))
                              : std::nullopt);
      out.itemValues.push_back(tuple->items[i]);
    }
  }
  return out;
}

/// What the setting is in the entry being written.
Value Training::settingValue(Setting &setting, Scope &user) {
  if (setting.scalar)
    return c.readScalar(*setting.scalar);
  if (!setting.items.empty()) {
    auto tuple = std::make_shared<Tuple>();
    for (size_t i = 0; i < setting.items.size(); ++i)
      tuple->items.push_back(setting.items[i] ? Value(c.readScalar(*setting.items[i]))
                                              : setting.itemValues[i]);
    return Value(tuple);
  }
  if (setting.expr)
    return c.eval(*scope, *setting.expr);
  if (!setting.schedule)
    return setting.value;
  const Declared &declared = *setting.value.get<Declared>();
  auto *fn = ast::as<ast::Fn>(declared.decl);
  Arguments arguments;
  size_t next = 0;
  for (const ast::Call::Argument &argument : setting.schedule->arguments) {
    Argument out;
    out.at = argument.value->at;
    out.name = argument.name ? argument.name->text : fn->parameters[next++].name.text;
    if (auto found = setting.scalars.find(out.name); found != setting.scalars.end())
      out.value = c.readScalar(found->second);
    else
      out.value = c.eval(*scope, *argument.value);
    arguments.push_back(std::move(out));
  }
  Value out = c.callFn(*scope, declared, std::move(arguments), setting.at);
  Tensor tensor = c.toReal(c.toTensor(user, out, setting.at), setting.at);
  if (!tensor.type.axes.empty())
    c.fail(setting.at,
           fmt::format("a schedule gives one number, this is {}", c.describe(Value(tensor), user)));
  return tensor;
}

OptimizerChoice Training::readOptimizer(const ast::Expr &expr, bool runTime,
                                        const std::string &prefix) {
  OptimizerChoice out;
  out.at = expr.at;
  auto *call = ast::as<ast::Call>(&expr);
  Value callee = c.eval(*scope, call ? *call->callee : expr);
  auto *declared = callee.get<Declared>();
  auto *optimizer = declared ? ast::as<ast::Optimizer>(declared->decl) : nullptr;
  if (!optimizer)
    c.error(expr.at,
            fmt::format("an optimizer is wanted here, this is {}", c.describe(callee, *scope)))
        .help("optimizer = adamw(lr = 1e-3)")
        .fail();
  out.declared = *declared;
  size_t next = 0;
  std::vector<std::string> known;
  for (const ast::Parameter &p : optimizer->parameters)
    known.push_back(p.name.text);
  if (call)
    for (const ast::Call::Argument &argument : call->arguments) {
      std::string name;
      if (argument.name) {
        name = argument.name->text;
        if (std::find(known.begin(), known.end(), name) == known.end())
          c.error(argument.name->at,
                  fmt::format("optimizer {} has no parameter '{}'", optimizer->name.text, name))
              .suggest(name, known)
              .fail();
      } else {
        if (next >= known.size())
          c.fail(argument.value->at,
                 fmt::format("optimizer {} takes fewer arguments", optimizer->name.text));
        name = known[next++];
      }
      out.settings[name] = readSetting(name, *argument.value, runTime, prefix);
    }
  for (const ast::Parameter &p : optimizer->parameters)
    if (!out.settings.count(p.name.text) && !p.initial)
      c.error(expr.at, fmt::format("optimizer {} needs '{}'", optimizer->name.text, p.name.text))
          .note(p.name.at, "declared here")
          .fail();
  return out;
}

} // namespace frit::checking
