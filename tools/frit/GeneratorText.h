// The generator f of a divergence, as it is written: read into steps that any kind of number can
// run, and written again with something else in place of u.
#pragma once
#include "dialect/syntax/Ast.h"
#include "tools/frit/FineNumber.h"
#include <map>
#include <string>
#include <vector>

namespace frit {

/// Declarations by name, the file's before the prelude's; numbers of `config`.
struct DivergenceScope {
  std::map<std::string, const ast::Divergence *> divergences;
  std::map<std::string, double> config;
};

/// A divergence with its parameters. One of them may have its value at run time only; it is then
/// differentiated by.
struct DivergenceSubject {
  const ast::Divergence *divergence = nullptr;
  std::map<std::string, double> parameters;
  std::string atRunTime;
};

/// In postfix order.
struct GeneratorStep {
  enum Kind {
    Constant,
    Variable,
    Parameter, // the one to differentiate by
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Larger,
    Smaller,
    Negate,
    Log,
    Log1p,
    Exp,
    Sqrt,
    Abs,
    Sign,
    Tanh
  } kind;
  Fine constant; // of a Parameter its value
};

/// A limit of the parameters is taken.
std::vector<GeneratorStep> stepsOf(const DivergenceScope &scope, const DivergenceSubject &subject);

/// f with its parameters as numbers and `u` in place of the variable.
std::string textOf(const DivergenceScope &scope, const DivergenceSubject &subject,
                   const std::string &u);

} // namespace frit
