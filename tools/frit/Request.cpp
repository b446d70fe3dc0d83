#include "tools/frit/Request.h"
#include <CLI/CLI.hpp>

namespace frit {

void addCompilerOptions(CLI::App &command, Request &request) {
  command.add_option("FILE", request.file, "the program, a .frit file")->required()->type_name("");
  const char *group = "Compiler";
  command
      .add_option("--set", request.settings,
                  "another value for a size of `config` or a number of `train`; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all()
      ->group(group);
  command.add_option("--train", request.train, "which `train` block, if the file has several")
      ->type_name("NAME")
      ->group(group);
  command
      .add_option(
          "--target", request.targets,
          "instruction sets to compile for: avx512, avx2, baseline; default: this machine's best")
      ->type_name("ISA,...")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->group(group);
  command
      .add_flag("--naive", request.naive,
                "lower every op by itself in plain loops (an oracle, slow)")
      ->group(group);
  command.add_option("--disable-pass", request.disabled, "leave passes out, e.g. Hoist")
      ->type_name("PASS,...")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->group(group);
  command.add_option("--stop-after", request.stopAfter, "run passes only up to this one")
      ->type_name("PASS")
      ->group(group);
  command
      .add_option("--save-stages", request.saveStages, "write every stage as text into this folder")
      ->type_name("DIR")
      ->group(group);
  command.add_flag("--remarks", request.remarks, "say which fusions were refused, and why")
      ->group(group);
}

} // namespace frit
