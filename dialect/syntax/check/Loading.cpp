// Under which names a file holds the tensors of a model: `from "file" { "hf.{i}" -> blocks.{i} }`.
//
// Resolved here, name by name; what a program carries is a table of the tensors that do not go by
// their own names. The runtime looks them up (runtime/Load.cpp).
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

using Holes = std::map<std::string, std::string>;

/// The hole `{i}` that begins at `at`: its name, and where it ends; empty if none begins there.
static std::string holeAt(const std::string &pattern, size_t at, size_t &end) {
  if (pattern[at] != '{')
    return "";
  end = pattern.find('}', at);
  return end == std::string::npos ? "" : pattern.substr(at + 1, end++ - at - 1);
}

/// Fills the holes of `pattern` so that it reads `text`. A hole holds any text without a dot.
static bool fill(const std::string &pattern, size_t p, const std::string &text, size_t t,
                 Holes &holes) {
  if (p == pattern.size())
    return t == text.size();
  size_t end = 0;
  std::string hole = holeAt(pattern, p, end);
  if (hole.empty())
    return t < text.size() && pattern[p] == text[t] && fill(pattern, p + 1, text, t + 1, holes);
  if (auto known = holes.find(hole); known != holes.end())
    return text.compare(t, known->second.size(), known->second) == 0 &&
           fill(pattern, end, text, t + known->second.size(), holes);
  for (size_t to = t + 1; to <= text.size() && text[to - 1] != '.'; ++to) {
    holes[hole] = text.substr(t, to - t);
    if (fill(pattern, end, text, to, holes))
      return true;
    holes.erase(hole);
  }
  return false;
}

/// The name in the file, with its holes filled.
static std::string filled(const std::string &name, const Holes &holes) {
  std::string out;
  for (size_t at = 0; at < name.size();) {
    size_t end = 0;
    std::string hole = holeAt(name, at, end);
    out += hole.empty() ? std::string(1, name[at]) : holes.at(hole);
    at = hole.empty() ? at + 1 : end;
  }
  return out;
}

void Training::judgeMapping(const ast::Field::Mapping &mapping) {
  const std::string path = mapping.path.text();
  if (path.find('*') != path.npos || path.find("..") != path.npos)
    c.error(mapping.path.at,
            fmt::format("'{}': a hole such as {{i}} stands for several names here", path))
        .help("what {i} stands for on the right goes into {i} on the left")
        .fail();
  for (size_t at = 0; at < mapping.name.size(); ++at) {
    size_t end = 0;
    std::string hole = holeAt(mapping.name, at, end);
    if (!hole.empty() && path.find("{" + hole + "}") == path.npos)
      c.fail(mapping.nameAt, fmt::format("'{}' does not say what {{{}}} is", path, hole));
  }
}

void Training::placeTensors(const std::string &model, const ast::Field &field) {
  for (const ast::Field::Mapping &mapping : field.map)
    judgeMapping(mapping);
  std::vector<bool> used(field.map.size());
  std::vector<std::string> known;
  for (const StateInfo &info : c.states) {
    const StateDecl &decl = c.graph.states[info.index];
    if (!info.instance || decl.name.rfind(model + ".", 0) != 0)
      continue;
    for (size_t k = 0; k < decl.tensors.size(); ++k) {
      auto relative = [&](const std::string &name) { return name.substr(model.size() + 1); };
      std::string own = relative(decl.tensors[k].name), bare = relative(info.bareNames[k]);
      TensorPlace place;
      if (info.instance->addedBy()) { // the file knows nothing of it
        place.isFresh = true;
        places[model][decl.tensors[k].name] = place;
        continue;
      }
      known.push_back(bare);
      const ast::Field::Mapping *chosen = nullptr;
      for (size_t i = 0; i < field.map.size(); ++i) {
        Holes holes;
        if (!fill(field.map[i].path.text(), 0, bare, 0, holes))
          continue;
        if (chosen)
          c.error(field.map[i].at, fmt::format("two lines say where '{}' comes from", bare))
              .note(chosen->at, "the other one")
              .fail();
        chosen = &field.map[i];
        used[i] = true;
        place = {filled(chosen->name, holes), true, chosen->isFresh};
      }
      if (!chosen && bare != own)
        place.name = bare;
      if (!place.name.empty())
        places[model][decl.tensors[k].name] = place;
    }
  }
  for (size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      c.error(field.map[i].path.at,
              fmt::format("'{}' matches no parameter of '{}'", field.map[i].path.text(), model))
          .suggest(field.map[i].path.text(), known)
          .fail();
}

} // namespace frit::checking
