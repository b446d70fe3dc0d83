#include "tools/frit/Request.h"
#include <CLI/CLI.hpp>

namespace frit {

void addCompilerOptions(CLI::App &command, Request &request) {
  command.add_option("FILE", request.file, "the program, a .frit file")->required();
  const char *group = "Compiler";
  command
      .add_option("--set", request.settings, "NAME=VALUE: override a size or number of `config`")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--train", request.train, "which `train` block, if the file has several")
      ->group(group);
  command
      .add_option(
          "--target", request.targets,
          "instruction sets to compile for: avx512, avx2, baseline (default: this machine's)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_flag("--naive", request.naive,
                "lower every op by itself in plain loops (an oracle, slow)")
      ->group(group);
  command.add_option("--disable-pass", request.disabled, "leave a pass out, e.g. Fuse")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--stop-after", request.stopAfter, "run passes only up to this one")
      ->group(group);
  command
      .add_option("--save-stages", request.saveStages, "write every stage as text into this folder")
      ->group(group);
  command.add_flag("--remarks", request.remarks, "say which fusions were refused, and why")
      ->group(group);
}

} // namespace frit
