// What the runtime must know beyond shapes, as JSON (docs/abi.md).
#include "dialect/syntax/check/Training.h"
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace frit::checking {

using Json = nlohmann::ordered_json;

static Json numberJson(const Number &number) {
  if (number.isWhole())
    return number.toInt();
  return number.value;
}

/// An argument of a data source: a name, text or number as it is, a call as its parts.
static Json argumentJson(Checker &c, Scope &scope, const ast::Expr &expr) {
  if (auto *text = ast::as<ast::String>(&expr))
    return text->value;
  if (auto *name = ast::as<ast::Name>(&expr)) {
    if (name->text == "true" || name->text == "false")
      return name->text == "true";
    if (auto value = c.find(scope, name->text, expr.at))
      if (auto number = c.numberOf(*value))
        return numberJson(*number);
    return name->text;
  }
  if (auto *call = ast::as<ast::Call>(&expr)) {
    auto *callee = ast::as<ast::Name>(call->callee);
    if (callee) {
      Json out{{"function", callee->text}, {"arguments", Json::array()}};
      for (const ast::Call::Argument &argument : call->arguments)
        out["arguments"].push_back(argumentJson(c, scope, *argument.value));
      return out;
    }
  }
  if (auto number = c.numberOf(c.eval(scope, expr)))
    return numberJson(*number);
  c.fail(expr.at, "an argument of a data source is a name, a text, a number or a call of those");
}

/// `data = SOURCE(..)` of a run, with what its objective wants of it.
static Json sourceJson(Training &t, const Run &run, const ast::Field &field) {
  Checker &c = t.c;
  const ast::Expr &expr = t.exprOf(field);
  auto *call = ast::as<ast::Call>(&expr);
  auto *callee = call ? ast::as<ast::Name>(call->callee) : ast::as<ast::Name>(&expr);
  if (!callee)
    c.error(expr.at, "data is a source: data = text(tokenizer = bytes)").fail();
  t.judgeSource(run, callee->text, field);
  Json source{{"source", callee->text}, {"arguments", Json::object()}, {"files", Json::array()}};
  if (call)
    for (const ast::Call::Argument &argument : call->arguments) {
      if (argument.name)
        source["arguments"][argument.name->text] = argumentJson(c, *t.scope, *argument.value);
      else if (auto *text = ast::as<ast::String>(argument.value))
        source["files"].push_back(text->value);
      else
        c.error(argument.value->at, "a data source takes file names and named arguments").fail();
    }
  source["record"] = Json::object();
  for (const ast::Parameter &p : run.objective->parameters)
    if (auto found = run.records.find(p.name.text); found != run.records.end())
      source["record"][p.name.text] = found->second;
  source["sizes"] = Json::object();
  for (auto *sizes : {&std::as_const(t.sizes), &run.sizes})
    for (auto &[name, size] : *sizes)
      source["sizes"][name] = size;
  return source;
}

/// How many tokens a step of the run reads, and below which number they lie (0: there are none).
static std::pair<int64_t, int64_t> tokensOf(const Graph &graph, const Run &run) {
  int64_t tokens = 0, vocabulary = 0;
  for (const EntryDecl &entry : graph.entries)
    if (entry.name == run.entry("train"))
      for (const EntryValue &input : entry.inputs)
        if (input.name.size() > 4 && input.name.ends_with(".ids")) {
          tokens += graph.types[input.value].count();
          vocabulary = vocabulary == 0 ? input.limit : vocabulary;
        }
  return {tokens, vocabulary};
}

/// every(500), or 500.
static int64_t everyIn(Training &t, const ast::Expr &expr, const char *mistake, const char *help) {
  auto *call = ast::as<ast::Call>(&expr);
  auto *callee = call ? ast::as<ast::Name>(call->callee) : nullptr;
  bool isEvery = callee && callee->text == "every" && call->arguments.size() == 1;
  std::optional<Number> every;
  if (isEvery || !call)
    every = t.c.numberOf(t.c.eval(*t.scope, isEvery ? *call->arguments[0].value : expr));
  if (!every || !every->isWhole() || every->toInt() < 1)
    t.c.error(expr.at, mistake).help(help).fail();
  return every->toInt();
}

/// What a run says of its data.
static Json runJson(Training &t, const Run &run) {
  Json out = Json::object();
  auto [tokens, vocabulary] = tokensOf(t.c.graph, run);
  if (const ast::Field *field = run.field("validation"))
    if (auto part = t.c.numberOf(t.c.eval(*t.scope, t.exprOf(*field))))
      out["validation"] = numberJson(*part);
  out["tokens_per_step"] = tokens;
  if (!run.name.empty()) {
    out["name"] = run.name;
    out["times"] = run.times;
    if (vocabulary > 0)
      out["vocabulary"] = {{"size", vocabulary}};
    if (const ast::Field *field = run.field("data"); field && !t.isRollout(*field))
      out["data"] = sourceJson(t, run, *field);
  }
  return out;
}

static Json trainingJson(Training &t) {
  const Run &run = t.runs[0];
  Json out = run.name.empty() ? runJson(t, run) : Json::object();
  for (auto *name : {"steps", "epochs", "seed"})
    if (const ast::Field *field = run.field(name))
      if (auto number = t.c.numberOf(t.c.eval(*t.scope, t.exprOf(*field))))
        out[name] = numberJson(*number);
  if (const ast::Field *field = run.field("save"))
    out["save"] = {{"every", everyIn(t, t.exprOf(*field), "save says every how many steps",
                                     "save = every(500)")}};
  // All runs are evaluated at one time.
  const ast::Field *first = nullptr;
  for (const Run &each : t.runs) {
    const ast::Field *field = each.field("validation");
    if (!field || !field->every)
      continue;
    int64_t every = everyIn(t, *field->every, "validation says every how many steps",
                            "validation = 0.1 every 500");
    if (first && out["evaluate"]["every"] != every)
      t.c.error(field->every->at, "all runs are evaluated together, and this is another interval")
          .note(first->every->at, "the first one")
          .fail();
    first = first ? first : field;
    out["evaluate"] = {{"every", every}};
  }
  return out;
}

std::string Training::metadata() {
  Json out;
  out["program"] = std::filesystem::path(train.at.file->name).stem().string();
  out["run"] = train.name.text;
  out["config"] = Json::object();
  for (auto &[name, value] : file.config) {
    if (auto *number = value.get<Number>())
      out["config"][name] = numberJson(*number);
    else if (auto *flag = value.get<bool>())
      out["config"][name] = *flag;
    else if (auto *text = value.get<Text>())
      out["config"][name] = text->text;
  }
  for (const Run &run : runs) {
    bool takesData = false;
    for (const EntryDecl &entry : c.graph.entries)
      takesData |= entry.name == run.entry("train") && !entry.inputs.empty();
    const ast::Field *field = run.field("data");
    if (takesData && !field)
      c.error(run.at,
              fmt::format("objective {} takes data, and there is none", run.objective->name.text))
          .help("data = text(tokenizer = bytes)")
          .fail();
    if (!run.name.empty())
      out["runs"].push_back(runJson(*this, run));
    else if (field && !isRollout(*field))
      out["data"]["train"] = sourceJson(*this, run, *field);
  }
  out["training"] = trainingJson(*this);
  if (std::vector<std::string> names = unused(); !names.empty())
    out["training"]["unused"] = names;
  for (const Run &run : runs)
    if (auto [tokens, vocabulary] = tokensOf(c.graph, run);
        vocabulary > 0 && !out.contains("vocabulary"))
      out["vocabulary"] = {{"size", vocabulary}};
  for (auto &[model, field] : loads) {
    Json load{{"model", model}, {"file", *field->from}};
    for (auto &[tensor, place] : places[model]) {
      if (!place.name.empty())
        load["tensors"][tensor][place.isWhole ? "name" : "own"] = place.name;
      if (place.isFresh)
        load["tensors"][tensor]["fresh"] = true;
    }
    out["load"].push_back(std::move(load));
  }
  auto copy = [&](size_t state, size_t of) {
    out["copies"].push_back(
        {{"state", c.graph.states[state].name}, {"of", c.graph.states[of].name}});
  };
  for (auto [state, of] : copies)
    copy(state, of);
  for (auto [parameter, average] : c.averages)
    copy(average, parameter);
  return out.dump();
}

} // namespace frit::checking
