// frit build: one native program, or any stage on the way to it.
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace frit {

void addBuildCommand(CLI::App &app, int &) {
  struct Options {
    Request request;
    std::string output, stage = "exe";
  };
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("build", "leave one native program, or print a stage");
  addCompilerOptions(*command, options->request);
  command->add_option("-o,--output", options->output,
                      "where to put it (default: FILE without .frit; text: -)");
  command->add_option("--emit", options->stage, "what to make")
      ->check(
          CLI::IsMember({"ast", "ops", "grad", "fused", "planned", "llvm", "asm", "obj", "exe"}))
      ->capture_default_str();
  command->callback([options] {
    Driver driver(options->request);
    if (options->stage == "exe") {
      driver.check();
      std::string output = options->output;
      if (output.empty())
        output = std::filesystem::path(options->request.file).stem().string();
      driver.build(output);
      return;
    }
    std::string text = driver.emit(options->stage);
    std::string output = options->output;
    if (output.empty() && options->stage == "obj")
      output = std::filesystem::path(options->request.file).stem().string() + ".o";
    if (output.empty() || output == "-") {
      std::cout << text << std::flush;
      if (std::cout)
        return;
    } else {
      std::ofstream file(output, std::ios::binary);
      file << text << std::flush;
      if (file)
        return;
    }
    std::cerr << "frit: cannot write " << (output.empty() ? "the output" : output) << "\n";
    throw UserError();
  });
}

} // namespace frit
