// What the parser and the formatter promise for any text; shared by the tests and the fuzzer.
#pragma once
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Parser.h"
#include <algorithm>
#include <string>
#include <vector>

namespace frit {

inline std::vector<std::string> commentTexts(const ast::Module &module) {
  std::vector<std::string> texts;
  for (const ast::Comment &comment : module.comments)
    texts.emplace_back(comment.at.text());
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// The promise that `text` breaks, or empty.
inline std::string brokenPromise(const std::string &text) {
  Sources sources;
  Diagnostics diagnostics;
  const Source &source = sources.add("test", text);
  ast::Module tree = parse(source, diagnostics);
  std::string rendered = diagnostics.render();
  for (char c : rendered)
    if (c != '\n' && c != '\t' && static_cast<unsigned char>(c) < ' ')
      return "a control character in a message";
  if (diagnostics.hasErrors())
    return "";

  std::optional<std::string> formatted = format(source, diagnostics);
  if (!formatted)
    return "a good file is not formatted";
  const Source &again = sources.add("formatted", *formatted);
  ast::Module reparsed = parse(again, diagnostics);
  if (diagnostics.hasErrors())
    return "the formatted file does not parse:\n" + diagnostics.render() + *formatted;
  if (ast::dump(tree) != ast::dump(reparsed))
    return "formatting changes the tree:\n" + *formatted;
  if (commentTexts(tree) != commentTexts(reparsed))
    return "formatting loses a comment:\n" + *formatted;
  std::optional<std::string> twice = format(again, diagnostics);
  if (twice != formatted)
    return "formatting twice differs:\n" + *formatted + "---\n" + twice.value_or("(errors)");
  return "";
}

} // namespace frit
