// frit: compiles training graphs and runs them.
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include "llvm/ADT/StringRef.h"
#include <CLI/CLI.hpp>
#include <cstdio>

namespace {

/// "; did you mean 'train'?" or nothing.
std::string nearest(llvm::StringRef given, const std::vector<std::string> &known) {
  const std::string *best = nullptr;
  unsigned distance = 3; // more than two edits is another word
  for (const std::string &name : known)
    if (unsigned edits = given.edit_distance(name); edits < distance) {
      distance = edits;
      best = &name;
    }
  return best ? "; did you mean '" + *best + "'?" : "";
}

/// What is wrong with the command line, as a sentence.
std::string describe(const CLI::App &app, const CLI::ParseError &error, int argc, char **argv) {
  std::vector<std::string> names;
  for (const CLI::App *command : app.get_subcommands({}))
    names.push_back(command->get_name());
  std::vector<CLI::App *> chosen = app.get_subcommands();
  if (chosen.empty()) {
    if (argv[1][0] != '-')
      return "there is no command '" + std::string(argv[1]) + "'" + nearest(argv[1], names) +
             " (frit --help lists them)";
    return "there is no option '" + std::string(argv[1]) + "' (frit --help)";
  }
  std::string help = " (frit " + chosen[0]->get_name() + " --help)";
  std::vector<std::string> extras = chosen[0]->remaining();
  if (extras.empty() || !dynamic_cast<const CLI::ExtrasError *>(&error))
    return error.what() + help;
  if (extras[0][0] != '-')
    return "'" + extras[0] + "' is one argument too many" + help;
  std::vector<std::string> options;
  for (const CLI::Option *option : chosen[0]->get_options())
    options.push_back(option->get_name());
  std::string given = extras[0].substr(0, extras[0].find('='));
  return "there is no option '" + given + "'" + nearest(given, options) + help;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{
      "Frit compiles training graphs: what a .frit file describes becomes one native program "
      "that trains.",
      "frit"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "frit 0.1 (LLVM 22)");
  int exitCode = 0;
  frit::addProgramCommands(app, exitCode);
  frit::addBuildCommand(app, exitCode);
  frit::addCheckCommand(app, exitCode);
  frit::addFormatCommand(app, exitCode);
  frit::addExplainCommand(app, exitCode);
  frit::addPreludeCommand(app, exitCode);
  // After the commands, which would each repeat it.
  app.footer("Examples:\n"
             "  frit train gpt.frit --data corpus.txt --out run    compile (cached) and train\n"
             "  frit sample gpt.frit --from run --prompt \"In the\"  continue a text\n"
             "  frit build gpt.frit -o gpt                         leave one native program\n"
             "  frit check --gradients gpt.frit                    check every gradient\n"
             "  frit build gpt.frit --emit=grad                    read the backward program\n"
             "Each command explains itself: frit COMMAND --help");
  frit::bringFileForward(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &help) {
    return app.exit(help);
  } catch (const CLI::ParseError &error) {
    if (argc < 2)
      std::fputs(app.help().c_str(), stderr);
    else
      std::fprintf(stderr, "frit: %s\n", describe(app, error, argc, argv).c_str());
    return 1;
  } catch (const frit::UserError &) {
    return 1;
  } catch (const frit::FritBug &bug) {
    std::fprintf(stderr, "frit: this is a bug in frit: %s\n", bug.message.c_str());
    return 70;
  }
  return exitCode;
}
