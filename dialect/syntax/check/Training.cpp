// A train block from first field to last entry.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

/// The rollout a field calls, or null.
const ast::Rollout *Training::isRollout(const ast::Field &field) {
  auto *call = ast::as<ast::Call>(field.value);
  auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
  auto found = name ? file.names.find(name->text) : file.names.end();
  return found == file.names.end() ? nullptr : ast::as<ast::Rollout>(found->second.decl);
}

void Training::run() {
  c.scalar("seed", 0, Element::I32, "seed", "of the random numbers", train.at);
  c.scalar("step", 0, Element::I32, "", "", train.at);
  c.scalar("steps", 0, Element::I32, "steps", "how many steps to train", train.at);
  readFields();
  auto number = [&](const char *name) -> std::optional<Number> {
    auto found = runs[0].fields.find(name);
    if (found == runs[0].fields.end())
      return std::nullopt;
    Value value = c.eval(*scope, *found->second->value);
    auto number = c.numberOf(value);
    if (!number)
      c.fail(found->second->value->at,
             fmt::format("'{}' is a number, this is {}", name, c.describe(value, *scope)));
    return number;
  };
  for (auto *name : {"seed", "steps"})
    if (auto value = number(name)) {
      if (!value->exact || value->exact->denominator != 1 || value->value < 0)
        c.fail(runs[0].fields[name]->value->at, fmt::format("'{}' is a whole number", name));
      c.graph.states[c.stateNamed[name]].initial = value->value;
    }
  for (auto *name : {"validation", "epochs", "passes"})
    number(name);
  readModels();
  auto get = [&](const char *name) -> const ast::Field * {
    auto found = runs[0].fields.find(name);
    return found == runs[0].fields.end() ? nullptr : found->second;
  };
  data = get("data");
  for (Run &run : runs)
    for (auto *name : {"data", "eval"})
      if (auto found = run.fields.find(name);
          found != run.fields.end() && isRollout(*found->second)) {
        rollout(*found->second);
        c.unsupported(found->second->value->at, "a rollout");
      } else if (found != run.fields.end() && std::string(name) == "eval") {
        c.fail(found->second->value->at, "eval is a rollout: eval = decode(beams = 4) every 1000");
      }
  if (auto *field = get("passes"); field && !(data && isRollout(*data)))
    c.error(field->name.at, "passes counts the steps on one rollout, and this data is none").fail();
  if (auto *field = get("optimizer"))
    optimizer = readOptimizer(*field->value, true);
  else
    c.error(train.name.at, fmt::format("train {} has no optimizer", train.name.text))
        .help("optimizer = adamw(lr = 1e-3)")
        .fail();
  if (auto *field = get("clip")) {
    auto *call = ast::as<ast::Call>(field->value);
    auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
    if (!name || name->text != "global_norm" || call->arguments.size() != 1 ||
        call->arguments[0].name)
      c.error(field->value->at, "clip is global_norm(largest)")
          .help("clip = global_norm(1.0)")
          .fail();
    clip = readSetting("clip", *call->arguments[0].value, true, "");
  }
  if (auto *field = get("ema"))
    ema = readSetting("ema", *field->value, true, "");
  if (auto *field = get("precision")) {
    auto *name = ast::as<ast::Name>(field->value);
    std::string text = name ? name->text : "";
    if (text != "f32" && text != "bf16" && text != "f16" && text != "f64")
      c.error(field->value->at, "precision is f32, bf16, f16 or f64").fail();
    if (text != "f32" && !c.options.onlyCheck)
      c.error(field->value->at,
              fmt::format("precision = {} cannot be compiled yet: programs compute in f32", text))
          .help("leave the line out, or say precision = f32")
          .fail();
  }
  if (auto *field = get("dropout"))
    c.fail(field->name.at, "dropout is a parameter of the models that use it, not of train");
  if (auto *field = get("accumulate")) {
    auto k = number("accumulate");
    if (!k->isWhole() || k->toInt() < 1)
      c.fail(field->value->at, "accumulate is a whole number of pieces");
    if (k->toInt() > 1)
      c.unsupported(field->value->at, "a step in several pieces (accumulate)");
  }
  readRules();
  if (runs.size() > 1)
    c.unsupported(runs[1].at, "a second run");
  for (Run &run : runs)
    if (&run != &runs[0]) {
      // Judged like the first, but not part of the program yet.
      EntryState extra;
      begin(extra, "run", true);
      objective(run);
      c.entry = nullptr;
    }
  trainEntry(runs[0]);
  judgeCuts();
  evalEntries(runs[0]);
  predictEntry(runs[0]);
  if (c.options.gradients)
    gradientsEntry(runs[0]);
  initEntry();
  c.graph.metadata = metadata(runs[0]);
}

} // namespace frit::checking
