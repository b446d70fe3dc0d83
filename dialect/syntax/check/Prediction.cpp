// The entry predict: the next-token logits of a model that can continue a text. One whose forward
// maps token[b, t; v] to categorical[b, t; v] can, if the objective has a sequence to learn it
// from.
#include "dialect/syntax/check/Training.h"
#include <algorithm>
#include <utility>

namespace frit::checking {

static bool isNamed(const ast::Type &type, const char *element) {
  return type.element && type.element->text == element;
}

/// element[b, t; v].
static bool isText(const ast::Type &type, const char *element) {
  auto hasName = [](const ast::TypeAxis &axis) { return axis.name.has_value(); };
  return isNamed(type, element) && type.axes.size() == 2 && type.event.size() == 1 &&
         std::all_of(type.axes.begin(), type.axes.end(), hasName) && hasName(type.event[0]);
}

static const std::string &vocabularyOf(const ast::Type &text) { return text.event[0].name->text; }

/// The model's forward, if it maps tokens to a categorical over the same vocabulary.
static const ast::Method *continuation(const View &view) {
  const ast::Method *forward = nullptr;
  for (const ast::StmtPtr &member : view.instance->decl->members)
    if (auto *method = ast::as<ast::Method>(member); method && method->name.text == "forward")
      forward = method;
  if (!forward || !forward->result || forward->parameters.empty())
    return nullptr;
  for (size_t i = 1; i < forward->parameters.size(); ++i)
    if (!forward->parameters[i].initial)
      return nullptr;
  const ast::Type *from = forward->parameters[0].type.get(), *to = forward->result.get();
  bool fits = from && isText(*from, "token") && isText(*to, "categorical") &&
              vocabularyOf(*from) == vocabularyOf(*to);
  return fits ? forward : nullptr;
}

/// The sequence of the objective's data: it gives the window and the vocabulary.
static const ast::Parameter *sequenceOf(const ast::Objective &objective) {
  for (const ast::Parameter &p : objective.parameters)
    if (p.type && isText(*p.type, "sequence"))
      return &p;
  return nullptr;
}

bool Training::predictEntry(const Run &run) {
  const ast::Parameter *data = sequenceOf(*run.objective);
  if (!data)
    return false;
  std::string rows = data->type->axes[0].name->text, time = data->type->axes[1].name->text;
  std::map<std::string, int64_t> known = run.sizes;
  known.insert(sizes.begin(), sizes.end());
  auto window = known.find(time);
  if (window == known.end())
    return false;
  for (const ast::Parameter &p : run.objective->parameters) {
    if (p.isFrozen || !p.type || !isNamed(*p.type, "model"))
      continue;
    const View *view = nullptr;
    for (auto *list : {&std::as_const(models), &run.models})
      for (auto &[name, value] : *list)
        if (name == p.name.text)
          view = value.get<View>();
    const ast::Method *forward = view && view->instance ? continuation(*view) : nullptr;
    if (!forward || vocabularyOf(*forward->result) != vocabularyOf(*data->type))
      continue;
    predictEntry(run, *view, *forward, {rows, 1}, {time, window->second}, p.name.at);
    return true;
  }
  return false;
}

void Training::predictEntry(const Run &run, const View &view, const ast::Method &forward,
                            const Axis &rows, const Axis &time, Location at) {
  EntryState entry;
  begin(entry, "predict", false);
  auto scope = std::make_shared<Scope>();
  scope->file = run.file;
  scope->site = "predict";
  scope->names[rows.name] = Group{{rows}};
  scope->names[time.name] = Group{{time}};
  scope->taken = {rows.name, time.name};
  const ast::Type &type = *forward.parameters[0].type;
  auto inner = std::make_shared<Scope>(*scope);
  inner->file = view.instance->file; // whose names the signature speaks in
  inner->config = view.instance->config;
  inner->names[type.axes[0].name->text] = Group{{rows}};
  inner->names[type.axes[1].name->text] = Group{{time}};
  Argument ids;
  ids.value = input("ids", type, *inner, at);
  ids.at = at;
  Value out = c.callView(*scope, view, {ids}, at);
  const Distribution &d = *out.distribution();
  Tensor logits = d.fields.count("logits") ? field(d, "logits") : c.logProbs(d, at);
  // The runtime reads it row by row.
  Axes order = {*logits.type.find(rows.name), *logits.type.find(time.name), d.event[0]};
  if (logits.type.axes != order)
    logits = c.emit("broadcast", {logits}, {{"axes", order}}, at);
  entry.decl.outputs.push_back({"logits", *logits.id});
  finish(entry);
}

} // namespace frit::checking
