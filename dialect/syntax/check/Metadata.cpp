// What the runtime must know beyond shapes, as JSON (docs/abi.md).
#include "dialect/syntax/check/Training.h"
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

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

std::string Training::metadata(const Run &run) {
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
  if (data) {
    auto *call = ast::as<ast::Call>(data->value);
    auto *callee = call ? ast::as<ast::Name>(call->callee) : ast::as<ast::Name>(data->value);
    if (!callee)
      c.error(data->value->at, "data is a source: data = text(tokenizer = bytes)").fail();
    Json source{{"source", callee->text}, {"arguments", Json::object()}, {"files", Json::array()}};
    if (call)
      for (const ast::Call::Argument &argument : call->arguments) {
        if (argument.name) {
          source["arguments"][argument.name->text] = argumentJson(c, *scope, *argument.value);
        } else if (auto *text = ast::as<ast::String>(argument.value)) {
          source["files"].push_back(text->value);
        } else {
          c.error(argument.value->at, "a data source takes file names and named arguments").fail();
        }
      }
    source["record"] = Json::object();
    for (const ast::Parameter &p : run.objective->parameters)
      if (auto found = records.find(p.name.text); found != records.end())
        source["record"][p.name.text] = found->second;
    source["sizes"] = Json::object();
    for (auto &[name, size] : sizes)
      source["sizes"][name] = size;
    out["data"]["train"] = source;
  }
  auto get = [&](const char *name) -> std::optional<Number> {
    auto found = run.fields.find(name);
    if (found == run.fields.end())
      return std::nullopt;
    return c.numberOf(c.eval(*scope, *found->second->value));
  };
  Json training = Json::object();
  for (auto *name : {"steps", "epochs", "seed", "validation"})
    if (auto number = get(name))
      training[name] = numberJson(*number);
  if (run.fields.count("save")) {
    const ast::Expr &expr = *run.fields.at("save")->value;
    auto *call = ast::as<ast::Call>(&expr);
    const ast::Expr *number = &expr;
    auto *callee = call ? ast::as<ast::Name>(call->callee) : nullptr;
    bool isEvery = callee && callee->text == "every" && call->arguments.size() == 1;
    if (isEvery)
      number = call->arguments[0].value.get();
    std::optional<Number> every;
    if (isEvery || !call)
      every = c.numberOf(c.eval(*scope, *number));
    if (!every || !every->isWhole() || every->toInt() < 1)
      c.error(expr.at, "save says every how many steps").help("save = every(500)").fail();
    training["save"] = {{"every", every->toInt()}};
  }
  int64_t vocabulary = 0, tokens = 0;

  for (const EntryDecl &entry : c.graph.entries)
    if (entry.name == "train")
      for (const EntryValue &input : entry.inputs) {
        bool ofSequence =
            input.name.size() > 4 && input.name.substr(input.name.size() - 4) == ".ids";
        if (!ofSequence)
          continue;
        tokens += c.graph.types[input.value].count();
        if (vocabulary == 0)
          vocabulary = input.limit;
      }
  training["tokens_per_step"] = tokens;
  if (std::vector<std::string> names = unused(); !names.empty())
    training["unused"] = names;
  out["training"] = training;
  if (vocabulary > 0)
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
