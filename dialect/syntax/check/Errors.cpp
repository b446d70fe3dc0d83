// Errors stand where the user wrote: a mistake found inside the prelude is reported at the call
// that led there, with the prelude's line as a note.
#include "dialect/syntax/check/Checker.h"

namespace frit::checking {

const char *name(Distribution::Kind kind) {
  switch (kind) {
  case Distribution::Kind::Categorical:
    return "categorical";
  case Distribution::Kind::Partial:
    return "partial categorical";
  case Distribution::Kind::Bernoulli:
    return "bernoulli";
  case Distribution::Kind::Normal:
    return "normal";
  }
  return "";
}

Diagnostics::Report Checker::error(Location at, std::string message) {
  if (!at.inPrelude() && at.valid()) {
    auto report = diagnostics.error(at, std::move(message));
    // Inside a function of the user the call that led there tells half of the story.
    if (!activations.empty() && activations.back().at.valid() && !activations.back().at.inPrelude())
      report.note(activations.back().at, "called from here");
    return report;
  }
  std::string inside;
  for (auto it = activations.rbegin(); it != activations.rend(); ++it) {
    if (inside.empty())
      inside = it->what;
    if (it->at.valid() && !it->at.inPrelude()) {
      auto report = diagnostics.error(it->at, std::move(message));
      report.note(at, fmt::format("found here, inside {}", inside));
      return report;
    }
  }
  return diagnostics.error(at, std::move(message));
}

void Checker::fail(Location at, std::string message) { error(at, std::move(message)).fail(); }

void Checker::later(Location at) { throw Deferred{userPlace(at)}; }

Location Checker::userPlace(Location at) {
  if (at.valid() && !at.inPrelude())
    return at;
  for (auto it = activations.rbegin(); it != activations.rend(); ++it)
    if (it->at.valid() && !it->at.inPrelude())
      return it->at;
  return at;
}

void Checker::unsupported(Location at, const std::string &what) {
  if (!options.onlyCheck)
    error(at, fmt::format("{} cannot be compiled yet", what))
        .help("frit check judges the program without compiling it")
        .fail();
}

std::string Checker::display(const std::string &graphName, Scope &scope) {
  std::string shown = displayOf(scope, graphName);
  return shown.empty() ? graphName : shown;
}

std::string Checker::displayAxes(const Axes &axes, Scope &scope) {
  std::string out;
  for (const Axis &axis : axes)
    out += (out.empty() ? "" : ", ") + display(axis.name, scope);
  return out;
}

std::string Checker::describe(const ValueType &type, Scope &scope) {
  std::string out = isReal(type.element) ? "real" : type.element == Element::I1 ? "bool" : "i32";
  out += "[";
  for (size_t i = 0; i < type.axes.size(); ++i)
    out += fmt::format("{}{}: {}", i ? ", " : "", display(type.axes[i].name, scope),
                       type.axes[i].size);
  return out + "]";
}

std::string Checker::describe(const Value &value, Scope &scope) {
  if (value.nothing())
    return "nothing";
  if (auto *number = value.get<Number>())
    return fmt::format("the number {}", toString(*number));
  if (auto *flag = value.get<bool>())
    return *flag ? "true" : "false";
  if (auto *text = value.get<Text>())
    return fmt::format("the text \"{}\"", text->text);
  if (auto *group = value.get<Group>())
    return fmt::format("the {} [{}]", group->axes.size() == 1 ? "axis" : "group",
                       displayAxes(group->axes, scope));
  if (auto *tensor = value.get<Tensor>()) {
    std::string out = describe(tensor->type, scope);
    if (tensor->isToken())
      out = fmt::format("token{}; {}]", out.substr(3, out.size() - 4),
                        display(tensor->vocabulary->name, scope));
    return out;
  }
  if (auto *d = value.distribution()) {
    Axes batch = *shapeOf(value);
    return fmt::format("{}[{}; {}]", name(d->kind), displayAxes(batch, scope),
                       displayAxes(d->event, scope));
  }
  if (auto *record = value.record())
    return fmt::format("a {}", record->decl->name.text);
  if (auto *tuple = value.tuple())
    return fmt::format("a tuple of {}", tuple->items.size());
  if (auto *view = value.get<View>())
    return view->instance ? fmt::format("the model {}", view->instance->decl->name.text)
                          : std::string("repeated layers");
  if (auto *declared = value.get<Declared>())
    return fmt::format("the {} '{}'", ast::spelling(declared->decl->kind),
                       declared->decl->name.text);
  if (auto *builtin = value.get<BuiltinName>())
    return fmt::format("the function '{}'", builtin->name);
  if (value.get<std::shared_ptr<Generator>>())
    return "a divergence";
  return "a value known only at run time";
}

} // namespace frit::checking
