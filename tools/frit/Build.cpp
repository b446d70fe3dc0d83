// frit build: one native program, or any stage on the way to it.
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
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
  command
      ->add_option("-o,--output", options->output,
                   "where to put it; default: FILE's name without .frit; text: -")
      ->type_name("PATH");
  command
      ->add_option("--emit", options->stage,
                   "ast, ops, grad, fused, planned, llvm, asm, obj or exe (of several targets: the "
                   "best; with --stop-after: the ops)")
      ->type_name("STAGE")
      ->capture_default_str();
  command->add_flag("--check-finite", options->request.checkFinite,
                    "each op looks for nan and inf (slower), so that the program's `train "
                    "--check-finite` names the line where they began");
  command->callback([options, command] {
    static const char *const stages[] = {"ast",  "ops", "grad", "fused", "planned",
                                         "llvm", "asm", "obj",  "exe"};
    if (llvm::find(stages, options->stage) == std::end(stages)) {
      std::cerr << fmt::format("frit: there is no stage '{}'; there are {}\n", options->stage,
                               fmt::join(stages, ", "));
      throw UserError();
    }
    // Whoever stops the passes early wants to see where they stand.
    if (!options->request.stopAfter.empty() && command->count("--emit") == 0)
      options->stage = "fused";
    std::error_code error;
    if (std::filesystem::equivalent(options->request.file, options->output, error)) {
      std::cerr << "frit: " << options->output << " is the program's text; name another output\n";
      throw UserError();
    }
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
