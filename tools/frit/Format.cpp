// frit fmt: the canonical layout.
#include "dialect/syntax/Format.h"
#include "dialect/syntax/Diagnostics.h"
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace frit {

void addFormatCommand(CLI::App &app, int &exitCode) {
  struct Options {
    std::vector<std::string> files;
    bool check = false, print = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("fmt", "write files in the canonical layout; comments stay");
  command->add_option("FILES", options->files, "the files to format in place")
      ->type_name("")
      ->required();
  command->add_flag("--check", options->check, "change nothing; exit 1 if a file would change");
  command->add_flag("--stdout", options->print, "print instead of writing");
  command->callback([options, &exitCode] {
    for (const std::string &path : options->files) {
      Sources sources;
      std::string reason;
      const Source *source = sources.load(path, reason);
      if (!source) {
        std::cerr << "frit: cannot read " << path << ": " << reason << "\n";
        exitCode = 1;
        continue;
      }
      Diagnostics diagnostics;
      std::optional<std::string> formatted = format(*source, diagnostics);
      if (!formatted) {
        std::cerr << diagnostics.render();
        exitCode = 1;
        continue;
      }
      const std::string &text = *formatted;
      if (options->print) {
        std::cout << text;
      } else if (text != source->text) {
        if (options->check) {
          std::cerr << path << " is not in canonical layout; run frit fmt " << path << "\n";
          exitCode = 1;
          continue;
        }
        // Aside and renamed: a full disk must not cost the user the program.
        std::string aside = path + ".fmt";
        std::ofstream out(aside, std::ios::binary);
        out << text << std::flush;
        std::error_code error;
        if (out)
          std::filesystem::rename(aside, path, error);
        if (!out || error) {
          std::filesystem::remove(aside, error);
          std::cerr << "frit: cannot write " << path << "\n";
          exitCode = 1;
        }
      }
    }
  });
}

} // namespace frit
