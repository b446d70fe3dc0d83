// frit prelude: what every program has in scope, as its files say it.
#include "dialect/syntax/Diagnostics.h"
#include "tools/frit/Commands.h"
#include "tools/frit/ParsedFiles.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <iostream>

namespace frit {

namespace {
/// The text with each run of spaces and line ends as one space.
std::string onOneLine(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != ' ' && c != '\n')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

/// `fn gae(reward, value, real; gamma = 1, lambda = 0.95)`: all before the body, but the whole of a
/// divergence, whose body is what it is.
std::string headOf(const ast::Decl &decl) {
  std::string_view text = decl.at.text();
  if (decl.kind == ast::DeclKind::Divergence)
    return onOneLine(text);
  int depth = 0;
  size_t end = 0;
  for (; end < text.size(); ++end) {
    char c = text[end];
    if (depth == 0 && (c == '{' || c == '='))
      break;
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
  }
  return onOneLine(text.substr(0, end));
}

/// The comment right above, without its signs.
std::string commentOf(const ast::Module &module, const ast::Decl &decl) {
  std::string out;
  uint32_t line = decl.at.line;
  for (auto comment = module.comments.rbegin(); comment != module.comments.rend(); ++comment) {
    if (!comment->ownLine || comment->at.line >= line)
      continue;
    if (comment->at.line + 1 != line)
      break;
    line = comment->at.line;
    std::string_view text = comment->at.text();
    text.remove_prefix(std::min(text.find_first_not_of("# "), text.size()));
    out = std::string(text) + (out.empty() ? "" : " ") + out;
  }
  return out;
}

std::string firstSentence(const std::string &text) {
  size_t end = text.find(". ");
  while (end != std::string::npos && end >= 5 && text.compare(end - 5, 5, "et al") == 0)
    end = text.find(". ", end + 1);
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

std::string fileNameOf(const ast::Module &module) {
  const std::string &path = module.source->name;
  return path.substr(path.rfind('/') + 1);
}

void list(const ParsedFiles &files) {
  const char *gap = "";
  for (const ast::Module *module : files.prelude()) {
    std::cout << gap << fileNameOf(*module) << "\n";
    gap = "\n";
    for (const ast::DeclPtr &decl : module->decls) {
      std::cout << "  " << headOf(*decl) << "\n";
      if (std::string comment = commentOf(*module, *decl); !comment.empty())
        std::cout << "      " << firstSentence(comment) << "\n";
    }
  }
}

/// A declaration with the comment above it, or a file.
bool show(const ParsedFiles &files, const std::string &name) {
  std::vector<std::string> known;
  for (const ast::Module *module : files.prelude()) {
    if (fileNameOf(*module) == name) {
      std::cout << module->source->text;
      return true;
    }
    for (const ast::DeclPtr &decl : module->decls) {
      known.push_back(decl->name.text);
      if (decl->name.text != name)
        continue;
      std::cout << "# " << fileNameOf(*module) << "\n";
      if (std::string comment = commentOf(*module, *decl); !comment.empty())
        std::cout << "# " << comment << "\n";
      std::cout << decl->at.text() << "\n";
      return true;
    }
  }
  std::vector<std::string> near = nearestNames(name, known);
  std::cerr << fmt::format("frit: the prelude has no '{}'{} (frit prelude lists it)\n", name,
                           near.empty() ? "" : fmt::format("; did you mean '{}'?", near[0]));
  return false;
}
} // namespace

void addPreludeCommand(CLI::App &app, int &exitCode) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App *command = app.add_subcommand(
      "prelude", "layers, divergences, objectives, optimisers that come with frit");
  command
      ->add_option("NAMES", *names, "declarations or files to print; without any, all are listed")
      ->type_name("");
  command->footer("  frit prelude                   what there is, a line or two each\n"
                  "  frit prelude gae LSTM          their text, to read, copy and change\n"
                  "  frit prelude divergences.frit  a whole file");
  command->callback([names, &exitCode] {
    ParsedFiles files;
    if (names->empty())
      return list(files);
    for (const std::string &name : *names)
      if (!show(files, name))
        exitCode = 1;
  });
}

} // namespace frit
