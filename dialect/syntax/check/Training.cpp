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

/// A field that is a number known when the program is compiled.
static std::optional<Number> numberIn(Training &t, const Run &run, const char *name) {
  const ast::Field *field = run.field(name);
  if (!field)
    return std::nullopt;
  const ast::Expr &expr = t.exprOf(*field);
  Value value = t.c.eval(*t.scope, expr);
  auto number = t.c.numberOf(value);
  if (!number)
    t.c.fail(expr.at,
             fmt::format("'{}' is a number, this is {}", name, t.c.describe(value, *t.scope)));
  return number;
}

/// Numbers that the runtime goes by.
static void readNumbers(Training &t) {
  Checker &c = t.c;
  for (auto *name : {"seed", "steps"})
    if (auto value = numberIn(t, t.runs[0], name)) {
      if (!value->exact || value->exact->denominator != 1 || value->value < 0)
        c.fail(t.runs[0].field(name)->value->at, fmt::format("'{}' is a whole number", name));
      c.graph.states[c.stateNamed[name]].initial = value->value;
    }
  for (const Run &run : t.runs)
    for (auto *name : {"validation", "epochs", "passes"})
      numberIn(t, run, name);
  if (t.runs.size() > 1)
    if (const ast::Field *field = t.runs[0].field("epochs"))
      c.error(field->name.at, "of several runs each goes through its own data")
          .help("say how many steps they take together: steps = 1000")
          .fail();
}

/// Data and evaluation that are rollouts, and what belongs to them.
static void readRollouts(Training &t) {
  Checker &c = t.c;
  for (Run &run : t.runs) {
    for (auto *name : {"data", "eval"})
      if (const ast::Field *field = run.field(name); field && t.isRollout(*field)) {
        t.rollout(*field);
        c.unsupported(field->value->at, "a rollout");
      } else if (field && std::string(name) == "eval") {
        c.fail(field->value->at, "eval is a rollout: eval = decode(beams = 4) every 1000");
      }
    const ast::Field *data = run.field("data"), *passes = run.field("passes");
    if (passes && !(data && t.isRollout(*data)))
      c.fail(passes->name.at, "passes counts the steps on one rollout, and this data is none");
  }
}

static Setting readClip(Training &t, const ast::Expr &expr, const std::string &prefix) {
  auto *call = ast::as<ast::Call>(&expr);
  auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
  if (!name || name->text != "global_norm" || call->arguments.size() != 1 ||
      call->arguments[0].name)
    t.c.error(expr.at, "clip is global_norm(largest)").help("clip = global_norm(1.0)").fail();
  return t.readSetting("clip", *call->arguments[0].value, true, prefix);
}

/// Optimisers, clip and ema, each of train or of one run.
static void readStep(Training &t) {
  Checker &c = t.c;
  for (Run &run : t.runs) {
    const ast::Field *field = run.field("optimizer");
    if (!field)
      c.error(t.train.name.at, fmt::format("train {} has no optimizer", t.train.name.text))
          .help("optimizer = adamw(lr = 1e-3)")
          .fail();
    if (run.own.count(field))
      run.optimizer = t.readOptimizer(t.exprOf(*field), true, run.prefix());
    else if (!t.optimizer)
      t.optimizer = t.readOptimizer(t.exprOf(*field), true, "");
    if (const ast::Field *clip = run.field("clip")) {
      if (run.own.count(clip))
        run.clip = readClip(t, t.exprOf(*clip), run.prefix());
      else if (!t.clip)
        t.clip = readClip(t, t.exprOf(*clip), "");
    }
    t.piecesOf(run);
  }
  const Run &run = t.runs[0];
  if (auto *field = run.field("ema"))
    t.ema = t.readSetting("ema", t.exprOf(*field), true, "");
  if (auto *field = run.field("precision")) {
    const ast::Expr &expr = t.exprOf(*field);
    auto *name = ast::as<ast::Name>(&expr);
    std::string text = name ? name->text : "";
    if (text != "f32" && text != "bf16" && text != "f16" && text != "f64")
      c.error(expr.at, "precision is f32, bf16, f16 or f64").fail();
    if (text != "f32" && !c.options.onlyCheck)
      c.error(expr.at,
              fmt::format("precision = {} cannot be compiled yet: programs compute in f32", text))
          .help("leave the line out, or say precision = f32")
          .fail();
  }
  if (auto *field = run.field("dropout"))
    c.fail(field->name.at, "dropout is a parameter of the models that use it, not of train");
}

void Training::run() {
  c.scalar("seed", 0, Element::I32, "seed", "of the random numbers", train.at);
  c.scalar("step", 0, Element::I32, "", "", train.at);
  c.scalar("steps", 0, Element::I32, "steps", "how many steps to train", train.at);
  readFields();
  readNumbers(*this);
  readModels();
  readRollouts(*this);
  readStep(*this);
  readRules();
  if (runs.size() > 1)
    for (Run &run : runs) {
      // What each run trains: the number of an update counts the steps of all that share it.
      c.scalar("step." + run.name, 0, Element::I32, "", "", run.at);
      EntryState trial;
      begin(trial, "trial", true);
      Outcome outcome = objective(run);
      std::vector<size_t> states = trainable(*outcome.loss, outcome.lossAt);
      run.trained.insert(states.begin(), states.end());
      c.entry = nullptr;
    }
  for (Run &run : runs)
    trainEntry(run);
  judgeCuts();
  for (Run &run : runs)
    evalEntries(run);
  for (Run &run : runs)
    if (predictEntry(run))
      break;
  if (c.options.gradients)
    for (Run &run : runs)
      gradientsEntry(run);
  initEntry();
  c.graph.metadata = metadata();
  // Only now: until here states are known by their numbers.
  std::erase_if(c.graph.states,
                [&](const StateDecl &state) { return deadSlots.count(state.name) > 0; });
}

} // namespace frit::checking
