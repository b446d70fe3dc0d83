// One call of a function or method, from its arguments to its value.
#pragma once
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

/// A call binds formal axes (rule C1) and otherwise leaves its arguments alone: inside, the formal
/// name stands for the caller's graph axes. Only where two formals would stand for one axis (C3)
/// does the second get a graph name of its own; it goes back on return.
class BodyCall {
public:
  BodyCall(Checker &c, Scope &caller, ScopePtr callee,
           const std::vector<ast::Parameter> &parameters, const std::string &what, Location at)
      : c(c), caller(caller), callee(std::move(callee)), parameters(parameters), what(what),
        at(at) {}
  Value run(Arguments &arguments, const ast::Type *result, const ast::Block &body);

private:
  static bool isAxis(const ast::Parameter &p) {
    return p.type && p.type->element && p.type->element->text == "axis";
  }
  // BodyCall.cpp
  void sortArguments(Arguments &arguments);
  void evaluateArguments();
  void nameInside();
  void passGiven(const ast::Parameter &p);
  void passDefault(const ast::Parameter &p);

  // Binding.cpp
  /// The formal axes of one parameter against the axes of what is given for it.
  struct Match {
    const ast::Parameter &p;
    const Value &value;
    Location place;
    Axes left;                             // no formal stands for these yet
    std::vector<std::string> unbound = {}; // formals that stand for nothing yet
    bool hasRest = false;                  // the parameter says `..`, which may take what is left
    std::string restName = {};
    std::optional<Axis> take(const std::string &name);
  };
  Axes axisOf(Argument &argument, const std::string &name);
  std::optional<Axes> knownAxes(const std::string &formal);
  std::string ownAxis(const std::string &formal);
  void bindAxes(const ast::Parameter &p);
  void bindKnown(Match &match, const ast::TypeAxis &axis);
  void bindEqualNames(Match &match);
  void bindRest(Match &match);
  void refuse(const Match &match);
  void bindEvent(const ast::Parameter &p, const Value &value, Location place);

  Checker &c;
  Scope &caller;
  ScopePtr callee;
  const std::vector<ast::Parameter> &parameters;
  const std::string what; // "Linear", "gae", for messages
  Location at;

  std::map<std::string, Argument *> given;     // parameter -> what stands for it
  std::map<std::string, Argument *> settled;   // formal axis -> the axis that the call names
  std::map<std::string, Value> values;         // of the arguments
  std::map<std::string, Axes> raw;             // formal -> axes of the caller
  std::map<std::string, std::string> ownGiven; // axis the model made -> the caller's
  std::optional<Axes> rest;                    // what `..` stands for
  std::string restName;
  std::map<std::string, std::string> back;                         // inside -> caller
  std::map<std::string, std::map<std::string, std::string>> entry; // formal -> caller -> inside
};

} // namespace frit::checking
