// `data = SOURCE(..)` against what the runtime can read: names, arguments, and what it gives.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

namespace {
/// One of a source's arguments: "tokenizer = bytes | words". The name `column` stands for each
/// input of the objective, values with brackets for calls: "column = number() | category()".
struct KnownArgument {
  std::string name;
  std::vector<std::string> values;
};
} // namespace

static std::vector<std::string> parts(const std::string &text, const std::string &separator) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(separator, at), text.size());
    std::string part = text.substr(at, end - at);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    out.push_back(part);
    at = end + separator.size();
  }
  return out;
}

static std::vector<KnownArgument> argumentsOf(const DataSource &source) {
  std::vector<KnownArgument> out;
  for (const std::string &part : parts(source.arguments, ",")) {
    std::vector<std::string> sides = parts(part, "=");
    out.push_back({sides[0], parts(sides[1], "|")});
  }
  return out;
}

static std::string listed(const std::vector<std::string> &values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i)
    out += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + values[i];
  return out;
}

/// The value is one of the names, or a call of one of those with brackets.
static void judgeValue(Checker &c, const std::string &what, const ast::Expr &value,
                       const KnownArgument &known) {
  std::vector<std::string> names;
  for (std::string name : known.values) {
    bool isCall = name.ends_with("()");
    if (isCall)
      name.resize(name.size() - 2);
    names.push_back(name);
    auto *call = ast::as<ast::Call>(&value);
    auto *callee = call ? ast::as<ast::Name>(call->callee) : ast::as<ast::Name>(&value);
    if (callee && callee->text == name && isCall == (call != nullptr))
      return;
    if (isCall && ast::as<ast::String>(&value)) // the column's name alone
      return;
  }
  auto *call = ast::as<ast::Call>(&value);
  auto *name = call ? ast::as<ast::Name>(call->callee) : ast::as<ast::Name>(&value);
  auto report = c.error(value.at, fmt::format("{} is {}", what, listed(known.values)));
  if (name)
    report.suggest(name->text, names);
  report.fail();
}

void Training::judgeSource(const Run &run, const std::string &name, const ast::Field &field) {
  const std::vector<DataSource> &all = c.options.sources;
  if (all.empty()) // whoever checks does not know them
    return;
  const ast::Expr &expr = exprOf(field);
  auto *call = ast::as<ast::Call>(&expr);
  auto source = std::find_if(all.begin(), all.end(),
                             [&](const DataSource &each) { return each.name == name; });
  if (source == all.end()) {
    std::vector<std::string> names;
    for (const DataSource &each : all)
      names.push_back(each.name);
    auto report = c.error(expr.at, fmt::format("there is no data source '{}'; there are {}", name,
                                               fmt::join(names, ", ")));
    report.suggest(name, names);
    report.fail();
  }

  // The parameters of the objective that are data, and those that are sequences.
  std::vector<const ast::Parameter *> data, sequences;
  for (const ast::Parameter &p : run.objective->parameters) {
    std::string element = p.type && p.type->element ? p.type->element->text : "";
    if (!p.type || !p.type->hasAxes || p.isNamed || element == "model" || element == "axis")
      continue;
    data.push_back(&p);
    if (auto found = run.records.find(p.name.text);
        found != run.records.end() && found->second == "sequence")
      sequences.push_back(&p);
  }
  if (source->record == "sequence")
    for (const ast::Parameter *p : data)
      if (sequences.empty() || p != sequences[0])
        c.error(p->name.at, fmt::format("objective {} takes '{}', but source {} gives one sequence "
                                        "and nothing else",
                                        run.objective->name.text, p->name.text, name))
            .note(field.name.at, "the data comes from here")
            .help("table(..) and tensors(..) give an input each")
            .fail();

  // Where the batch axis is comes from the first of them.
  if (source->record == "fields")
    for (const EntryDecl &entry : c.graph.entries)
      for (const EntryValue &input : entry.inputs)
        if (input.isWhole && entry.name == run.entry("train"))
          for (const ast::Parameter *p : data)
            if (input.name == p->name.text)
              c.error(p->name.at, fmt::format("'{}' has no batch axis, but source {} gives rows",
                                              input.name, name))
                  .note(field.name.at, "the data comes from here")
                  .help("tensors(..) gives whole arrays too")
                  .fail();

  std::vector<KnownArgument> known = argumentsOf(*source);
  if (call)
    for (const ast::Call::Argument &argument : call->arguments) {
      if (!argument.name)
        continue;
      const KnownArgument *found = nullptr;
      std::vector<std::string> names;
      for (const KnownArgument &each : known) {
        if (each.name == "column")
          for (const ast::Parameter *p : data) {
            names.push_back(p->name.text);
            found = p->name.text == argument.name->text ? &each : found;
          }
        else
          names.push_back(each.name);
        found = each.name == argument.name->text && each.name != "column" ? &each : found;
      }
      if (!found)
        c.error(
             argument.name->at,
             fmt::format("source {} has no argument '{}'{}", name, argument.name->text,
                         names.empty() ? "" : fmt::format("; it has {}", fmt::join(names, ", "))))
            .suggest(argument.name->text, names)
            .fail();
      judgeValue(c, fmt::format("'{}' of {}", argument.name->text, name), *argument.value, *found);
    }
}

} // namespace frit::checking
