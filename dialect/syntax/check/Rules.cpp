// `for PATTERN { .. }` in train: settings of some parameters, the last match wins.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

bool matches(const std::string &pattern, const std::string &text) {
  size_t p = 0, t = 0, star = std::string::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
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
      auto *field = ast::as<ast::Field>(inner);
      if (!field)
        c.fail(inner->at, "for holds fields");
      const std::string &name = field->name.text;
      onlyWrap &= name == "wrap";
      if (name == "frozen") {
        rule.frozen = c.evalFlag(*scope, *field->value, "frozen");
      } else if (name == "optimizer") {
        rule.optimizer = readOptimizer(*field->value, false);
      } else if (name != "wrap") {
        bool known = false;
        std::vector<std::string> names = {"frozen", "optimizer", "wrap"};
        if (optimizer)
          for (const ast::Parameter &p :
               ast::as<ast::Optimizer>(optimizer->declared.decl)->parameters) {
            known |= p.name.text == name;
            names.push_back(p.name.text);
          }
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
      std::string pattern = forItem->patterns[i].text();
      for (const StateDecl &state : c.graph.states) {
        if (state.role != "parameter")
          continue;
        bool whole = matches(pattern, state.name);
        size_t some = 0;
        for (const StateTensor &tensor : state.tensors)
          some += matches(pattern, tensor.name);
        if (!whole && some > 0 && some < state.tensors.size())
          c.fail(forItem->patterns[i].at,
                 fmt::format("'{}' names some layers of '{}'; settings for single layers of a "
                             "repeat cannot be compiled yet",
                             pattern, state.name));
        rule.matched[i] = rule.matched[i] || whole || some > 0;
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

/// The last rule that matches the state and says what is asked for.
Rule *Training::ruleFor(size_t state, const std::function<bool(const Rule &)> &has) {
  Rule *out = nullptr;
  // What a wrap added came later than the rules above it: they do not speak of it.
  const ast::For *since = nullptr;
  if (c.states[state].instance)
    for (const Instance *i = c.states[state].instance.get(); i && !since; i = i->binder) {
      since = i->wrapper;
      if (i->isWrapped)
        break;
    }
  for (Rule &rule : rules) {
    if (since && rule.item->at.offset() < since->at.offset())
      continue;
    for (const ast::PathPattern &pattern : rule.item->patterns) {
      const StateDecl &decl = c.graph.states[state];
      bool hit = matches(pattern.text(), decl.name);
      for (const StateTensor &tensor : decl.tensors)
        hit |= matches(pattern.text(), tensor.name);
      if (hit && has(rule))
        out = &rule;
    }
  }
  return out;
}

bool Training::isFrozen(size_t state) {
  Rule *rule = ruleFor(state, [](const Rule &r) { return r.frozen.has_value(); });
  return rule && *rule->frozen;
}

} // namespace frit::checking
