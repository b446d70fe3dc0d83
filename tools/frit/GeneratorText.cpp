#include "tools/frit/GeneratorText.h"
#include <fmt/format.h>

namespace frit {

namespace {
/// What names of a generator stand for.
struct GeneratorNames {
  const DivergenceScope &scope;
  const DivergenceSubject &subject;
  const ast::Divergence *divergence; // after limits
  std::map<std::string, double> numbers;

  GeneratorNames(const DivergenceScope &scope, const DivergenceSubject &subject)
      : scope(scope), subject(subject), divergence(subject.divergence) {
    const ast::Divergence &given = *subject.divergence;
    for (const ast::Divergence::Limit &limit : given.limits)
      if (auto at = subject.parameters.find(given.parameters[1].name.text);
          at != subject.parameters.end() && at->second == number(*limit.where))
        divergence = scope.divergences.at(ast::as<ast::Name>(limit.then)->text);
    for (size_t i = 1; i < divergence->parameters.size(); ++i) {
      const std::string &name = divergence->parameters[i].name.text;
      auto at = subject.parameters.find(name);
      numbers[name] =
          at != subject.parameters.end() ? at->second : number(*divergence->parameters[i].initial);
    }
  }
  const std::string &variable() const { return divergence->parameters[0].name.text; }
  double number(const ast::Expr &expr) const {
    if (auto *unary = ast::as<ast::Unary>(&expr))
      return -number(*unary->operand);
    if (auto *name = ast::as<ast::Name>(&expr))
      return scope.config.at(name->text);
    return ast::as<ast::Number>(&expr)->value;
  }
  double at(const std::string &name) const {
    if (auto found = numbers.find(name); found != numbers.end())
      return found->second;
    return scope.config.at(name);
  }
};

struct Steps {
  const GeneratorNames &names;
  std::vector<GeneratorStep> out;

  void add(GeneratorStep::Kind kind, Fine constant = 0) { out.push_back({kind, constant}); }

  void read(const ast::Expr &expr) {
    if (auto *number = ast::as<ast::Number>(&expr)) {
      add(GeneratorStep::Constant,
          number->exact ? Fine::fraction(number->exact->numerator, number->exact->denominator)
                        : Fine(number->value));
    } else if (auto *name = ast::as<ast::Name>(&expr)) {
      if (name->text == names.variable())
        add(GeneratorStep::Variable);
      else
        add(name->text == names.subject.atRunTime ? GeneratorStep::Parameter
                                                  : GeneratorStep::Constant,
            names.at(name->text));
    } else if (auto *unary = ast::as<ast::Unary>(&expr)) {
      read(*unary->operand);
      add(GeneratorStep::Negate);
    } else if (auto *binary = ast::as<ast::Binary>(&expr)) {
      read(*binary->left);
      read(*binary->right);
      add(binary->op == ast::BinaryOp::Add   ? GeneratorStep::Add
          : binary->op == ast::BinaryOp::Sub ? GeneratorStep::Subtract
          : binary->op == ast::BinaryOp::Mul ? GeneratorStep::Multiply
          : binary->op == ast::BinaryOp::Div ? GeneratorStep::Divide
                                             : GeneratorStep::Power);
    } else {
      auto *call = ast::as<ast::Call>(&expr);
      static const std::map<std::string, GeneratorStep::Kind> kinds = {
          {"log", GeneratorStep::Log},        {"log1p", GeneratorStep::Log1p},
          {"exp", GeneratorStep::Exp},        {"sqrt", GeneratorStep::Sqrt},
          {"abs", GeneratorStep::Abs},        {"sign", GeneratorStep::Sign},
          {"tanh", GeneratorStep::Tanh},      {"max", GeneratorStep::Larger},
          {"maximum", GeneratorStep::Larger}, {"min", GeneratorStep::Smaller},
          {"minimum", GeneratorStep::Smaller}};
      for (const ast::Call::Argument &argument : call->arguments)
        read(*argument.value);
      add(kinds.at(ast::as<ast::Name>(call->callee)->text));
    }
  }
};

std::string written(const GeneratorNames &names, const ast::Expr &expr, const std::string &u) {
  if (auto *number = ast::as<ast::Number>(&expr))
    return number->text;
  if (auto *name = ast::as<ast::Name>(&expr))
    return name->text == names.variable() ? u : fmt::format("({:.17g})", names.at(name->text));
  if (auto *unary = ast::as<ast::Unary>(&expr))
    return "(-" + written(names, *unary->operand, u) + ")";
  if (auto *binary = ast::as<ast::Binary>(&expr)) {
    const char *op = binary->op == ast::BinaryOp::Add   ? " + "
                     : binary->op == ast::BinaryOp::Sub ? " - "
                     : binary->op == ast::BinaryOp::Mul ? " * "
                     : binary->op == ast::BinaryOp::Div ? " / "
                                                        : " ^ ";
    return "(" + written(names, *binary->left, u) + op + written(names, *binary->right, u) + ")";
  }
  auto *call = ast::as<ast::Call>(&expr);
  std::vector<std::string> arguments;
  for (const ast::Call::Argument &argument : call->arguments)
    arguments.push_back(written(names, *argument.value, u));
  return fmt::format("{}({})", ast::as<ast::Name>(call->callee)->text, fmt::join(arguments, ", "));
}
} // namespace

std::vector<GeneratorStep> stepsOf(const DivergenceScope &scope, const DivergenceSubject &subject) {
  GeneratorNames names(scope, subject);
  Steps steps{names, {}};
  steps.read(*names.divergence->generator);
  return steps.out;
}

std::string textOf(const DivergenceScope &scope, const DivergenceSubject &subject,
                   const std::string &u) {
  GeneratorNames names(scope, subject);
  return written(names, *names.divergence->generator, u);
}

} // namespace frit
