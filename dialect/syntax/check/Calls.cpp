// What can be called: functions, methods, models, divergences.
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

Value Checker::callFn(Scope &scope, const Declared &declared, Arguments arguments, Location at) {
  auto *fn = ast::as<ast::Fn>(declared.decl);
  auto callee = std::make_shared<Scope>();
  callee->file = declared.file;
  callee->config = scope.root().config;
  callee->path = scope.root().path;
  return callBody(scope, callee, fn->parameters, fn->result.get(), fn->body, std::move(arguments),
                  fn->name.text, at);
}

Value Checker::callView(Scope &scope, const View &view, Arguments arguments, Location at) {
  if (view.repeated)
    return callRepeated(scope, view, std::move(arguments), at);
  Instance &instance = *view.instance;
  std::string name = view.method.empty() ? "forward" : view.method;
  const ast::Method *method = nullptr;
  for (const ast::StmtPtr &member : instance.decl->members)
    if (auto *m = ast::as<ast::Method>(member); m && m->name.text == name)
      method = m;
  if (!method)
    fail(at, fmt::format("model {} has no {}", instance.decl->name.text, name));
  if (!emitting())
    later(at);
  auto callee = std::make_shared<Scope>();
  callee->file = instance.file;
  callee->config = instance.config;
  callee->self = view.instance;
  callee->substitution = view.substitution;
  callee->frozen = view.frozen;
  callee->apart = view.apart;
  Keep<std::string> keepPath(currentPath);
  currentPath = instance.path();
  callee->path = currentPath;
  std::string what = instance.decl->name.text + (name == "forward" ? "" : "." + name);
  return callBody(scope, callee, method->parameters, method->result.get(), method->body,
                  std::move(arguments), what, at);
}

Value Checker::callValue(Scope &scope, const Value &callee, Arguments arguments, Location at,
                         const std::string &what) {
  if (auto *view = callee.get<View>())
    return callView(scope, *view, std::move(arguments), at);
  if (auto *declared = callee.get<Declared>()) {
    switch (declared->decl->kind) {
    case ast::DeclKind::Fn:
      return callFn(scope, *declared, std::move(arguments), at);
    case ast::DeclKind::Model:
      return instantiate(scope, *declared, std::move(arguments), at);
    default:
      break;
    }
  }
  error(at, fmt::format("{} cannot be called", describe(callee, scope))).fail();
}

Value Checker::call(Scope &scope, const ast::Call &call) {
  Value callee = eval(scope, *call.callee);
  if (auto *builtin = callee.get<BuiltinName>())
    return this->builtin(scope, builtin->name, call);
  auto pairOf = [&]() -> const ast::Pair * {
    return call.arguments.size() == 1 ? ast::as<ast::Pair>(call.arguments[0].value.get()) : nullptr;
  };
  if (auto *generator = callee.get<std::shared_ptr<Generator>>()) {
    std::string name = (*generator)->decl->name.text;
    auto *pair = pairOf();
    // With parameters only it is a divergence still, a value like its name: f = alpha(a = 0.3).
    if (!pair && !call.arguments.empty() &&
        std::all_of(call.arguments.begin(), call.arguments.end(),
                    [](const ast::Call::Argument &argument) { return argument.name.has_value(); }))
      return Value(generatorOf(scope, call));
    if (!pair)
      error(call.at, fmt::format("a divergence is between two: {}(p || q)", name))
          .help("'||' says which is which: it is the divergence of p from q")
          .fail();
    judgeGenerator(**generator, call.at);
    return divergence(scope, **generator, eval(scope, *pair->left), eval(scope, *pair->right),
                      call.at);
  }
  if (auto *bracketed = callee.get<Bracketed>()) {
    if (bracketed->name == "D") {
      auto *pair = pairOf();
      if (!pair)
        fail(call.at, "a divergence is between two: D[f](p || q)");
      return divergence(scope, *bracketed->generator, eval(scope, *pair->left),
                        eval(scope, *pair->right), call.at);
    }
    if (call.arguments.size() != 1 || call.arguments[0].name)
      fail(call.at, fmt::format("{}[f](s) takes one value, the log of a ratio", bracketed->name));
    return linkOf(scope, *bracketed->generator, bracketed->name,
                  eval(scope, *call.arguments[0].value), call.at);
  }
  // fn f(p || q; …) is given two values, and which is which is said at each call.
  auto *declared = callee.get<Declared>();
  auto *fn = declared ? ast::as<ast::Fn>(declared->decl) : nullptr;
  bool isOpposed = fn && !fn->parameters.empty() && fn->parameters[0].isLeft;
  auto *sides = isOpposed && !call.arguments.empty() && !call.arguments[0].name
                    ? ast::as<ast::Pair>(call.arguments[0].value.get())
                    : nullptr;
  if (isOpposed && !sides)
    error(call.at, fmt::format("{} is between two: {}({} || {})", fn->name.text, fn->name.text,
                               fn->parameters[0].name.text, fn->parameters[1].name.text))
        .help("'||' says which is which")
        .note(fn->name.at, fmt::format("'{}' is declared here", fn->name.text))
        .fail();
  Arguments arguments;
  if (sides)
    for (const ast::Expr *side : {sides->left.get(), sides->right.get()})
      arguments.push_back({"", side, std::nullopt, side->at});
  for (const ast::Call::Argument &argument : call.arguments) {
    if (sides && &argument == &call.arguments[0])
      continue;
    if (argument.value->kind == ast::ExprKind::Pair || argument.value->kind == ast::ExprKind::Arrow)
      eval(scope, *argument.value); // says where such a thing may stand
    arguments.push_back({argument.name ? argument.name->text : "", argument.value.get(),
                         std::nullopt, argument.value->at});
  }
  return callValue(scope, callee, std::move(arguments), call.at,
                   std::string(call.callee->at.text()));
}

} // namespace frit::checking
