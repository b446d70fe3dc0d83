#include "tools/frit/ParsedFiles.h"
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/check/Prelude.h"
#include "tools/frit/Driver.h"
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>

namespace frit {

ParsedFiles::ParsedFiles() {
  for (const checking::PreludeFile &file : checking::preludeFiles())
    ofPrelude.push_back(&parsed(sources.addPrelude(file.name, file.text)));
}

const ast::Module &ParsedFiles::parsed(const Source &source) {
  Diagnostics diagnostics;
  modules.push_back(parse(source, diagnostics));
  if (diagnostics.hasErrors()) {
    std::cerr << diagnostics.render();
    throw UserError();
  }
  return modules.back();
}

const ast::Module &ParsedFiles::load(const std::string &path) {
  std::string reason;
  const Source *source = sources.load(path, reason);
  if (!source) {
    std::cerr << fmt::format("frit: cannot read {}: {}\n", path, reason);
    throw UserError();
  }
  return parsed(*source);
}

bool ParsedFiles::has(const std::string &path) const {
  return std::any_of(modules.begin(), modules.end(),
                     [&](const ast::Module &module) { return module.source->name == path; });
}

bool ParsedFiles::isPrelude(const std::string &file) {
  return file == "prelude" && !std::filesystem::exists(file);
}

std::vector<const ast::Module *> ParsedFiles::about(const std::string &file) {
  return isPrelude(file) ? ofPrelude : std::vector<const ast::Module *>{&load(file)};
}

} // namespace frit
