// `for PATTERN { .. }` in train: settings of some parameters, the last match wins.
#include "dialect/syntax/check/Training.h"
#include <algorithm>
#include <charconv>

namespace frit::checking {

/// `{0..3}` at the beginning of a pattern: how long it is, and its ends.
static size_t rangeAt(std::string_view pattern, int64_t &low, int64_t &high) {
  int length = 0;
  long long a = 0, b = 0;
  std::string text(pattern.substr(0, pattern.find('}') + 1)); // empty if there is none
  if (sscanf(text.c_str(), "{%lld..%lld}%n", &a, &b, &length) != 2 || length == 0)
    return 0;
  low = a, high = b;
  return size_t(length);
}

static bool matchesView(std::string_view pattern, std::string_view text) {
  if (pattern.empty())
    return text.empty();
  if (pattern[0] == '*') {
    for (size_t skip = 0; skip <= text.size(); ++skip)
      if (matchesView(pattern.substr(1), text.substr(skip)))
        return true;
    return false;
  }
  int64_t low = 0, high = 0, number = 0;
  if (size_t length = rangeAt(pattern, low, high)) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && number >= low && number <= high &&
           matchesView(pattern.substr(length), text.substr(size_t(end - text.data())));
  }
  return !text.empty() && pattern[0] == text[0] && matchesView(pattern.substr(1), text.substr(1));
}

bool matches(const std::string &pattern, const std::string &text) {
  return matchesView(pattern, text);
}

void Training::judgePattern(const ast::PathPattern &pattern) {
  std::string text = pattern.text();
  for (size_t at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
    int64_t low = 0, high = 0;
    if (!rangeAt(std::string_view(text).substr(at), low, high))
      c.error(pattern.at, fmt::format("'{}': for knows no names of holes", text))
          .help("say * for any text, {0..3} for some layers")
          .fail();
    if (low > high)
      c.fail(pattern.at, fmt::format("'{}': no number is from {} to {}", text, low, high));
  }
}

void Training::readRules() {
  for (const ast::TrainItemPtr &item : train.items) {
    auto *forItem = ast::as<ast::For>(item);
    if (!forItem)
      continue;
    Rule rule;
    rule.item = forItem;
    rule.matched.resize(forItem->patterns.size());
    bool onlyWrap = !forItem->items.empty();
    for (const ast::TrainItemPtr &inner : forItem->items) {
      auto *field = ast::as<ast::Field>(inner); // the parser lets nothing else in
      const std::string &name = field->name.text;
      onlyWrap &= name == "wrap";
      if (name == "frozen") {
        rule.frozen = c.evalFlag(*scope, *field->value, "frozen");
      } else if (name == "optimizer") {
        rule.optimizer = readOptimizer(*field->value, false, "");
      } else if (name != "wrap") {
        bool known = false;
        std::vector<std::string> names = {"frozen", "optimizer", "wrap"};
        auto look = [&](const std::optional<OptimizerChoice> &choice) {
          if (choice)
            for (const ast::Parameter &p :
                 ast::as<ast::Optimizer>(choice->declared.decl)->parameters) {
              known |= p.name.text == name;
              names.push_back(p.name.text);
            }
        };
        look(optimizer);
        for (const Run &run : runs)
          look(run.optimizer);
        if (!known)
          c.error(field->name.at, fmt::format("the optimizer has no parameter '{}'", name))
              .suggest(name, names)
              .fail();
        rule.settings[name] = readSetting(name, *field->value, false, "");
      }
    }
    if (onlyWrap)
      continue;
    for (size_t i = 0; i < forItem->patterns.size(); ++i) {
      judgePattern(forItem->patterns[i]);
      std::string pattern = forItem->patterns[i].text();
      for (const StateDecl &state : c.graph.states) {
        if (state.role != "parameter")
          continue;
        bool hit = matches(pattern, state.name);
        for (const StateTensor &tensor : state.tensors)
          hit |= matches(pattern, tensor.name);
        rule.matched[i] = rule.matched[i] || hit;
      }
    }
    // One pattern of a list may find nothing (a model without offsets); a whole for may not.
    if (std::none_of(rule.matched.begin(), rule.matched.end(), [](bool hit) { return hit; })) {
      std::vector<std::string> names;
      for (const StateDecl &state : c.graph.states)
        if (state.role == "parameter")
          names.push_back(state.name);
      const ast::PathPattern &first = forItem->patterns[0];
      c.error(first.at, fmt::format("'{}' matches no parameter", first.text()))
          .suggest(first.text(), names)
          .fail();
    }
    rules.push_back(std::move(rule));
  }
}

Rule *Training::ruleFor(size_t state, size_t tensor, const std::function<bool(const Rule &)> &has) {
  Rule *out = nullptr;
  const StateDecl &decl = c.graph.states[state];
  // What a wrap added came later than the rules above it: they do not speak of it.
  const Instance *instance = c.states[state].instance.get();
  const ast::For *since = instance ? instance->addedBy() : nullptr;
  for (Rule &rule : rules) {
    if (since && rule.item->at.offset() < since->at.offset())
      continue;
    for (const ast::PathPattern &pattern : rule.item->patterns) {
      bool hit =
          matches(pattern.text(), decl.name) ||
          (tensor < decl.tensors.size() && matches(pattern.text(), decl.tensors[tensor].name));
      if (hit && has(rule))
        out = &rule;
    }
  }
  return out;
}

} // namespace frit::checking
