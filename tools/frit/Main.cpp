// frit: compiles training graphs and runs them.
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include <CLI/CLI.hpp>
#include <cstdio>

int main(int argc, char **argv) {
  CLI::App app{
      "Frit compiles training graphs: what a .frit file describes becomes one native program "
      "that trains.",
      "frit"};
  app.footer("Examples:\n"
             "  frit train gpt.frit --data corpus.txt --out run    compile (cached) and train\n"
             "  frit sample gpt.frit --from run --prompt \"In the\"  continue a text\n"
             "  frit build gpt.frit -o gpt                         leave one native program\n"
             "  frit check --gradients gpt.frit                    check every gradient\n"
             "  frit build gpt.frit --emit=grad                    read the backward program\n"
             "Each command explains itself: frit COMMAND --help");
  app.require_subcommand(1);
  app.set_version_flag("--version", "frit 0.1 (LLVM 22)");
  int exitCode = 0;
  frit::addProgramCommands(app, exitCode);
  frit::addBuildCommand(app, exitCode);
  frit::addCheckCommand(app, exitCode);
  frit::addFormatCommand(app, exitCode);
  frit::addExplainCommand(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) ? 1 : 0;
  } catch (const frit::UserError &) {
    return 1;
  } catch (const frit::FritBug &bug) {
    std::fprintf(stderr, "frit: this is a bug in frit: %s\n", bug.message.c_str());
    return 70;
  }
  return exitCode;
}
