// The commands of `frit`, one file each. A command adds its options and a callback that sets the
// exit code: 0 done, 1 the user's mistake, 70 ours.
#pragma once

namespace CLI {
class App;
}

namespace frit {

void addProgramCommands(CLI::App &app, int &exitCode); // train, eval, sample, info, bench
/// FILE may stand behind options that only the program itself will understand: moves it in front.
void bringFileForward(int argc, char **argv);
void addBuildCommand(CLI::App &app, int &exitCode);
void addCheckCommand(CLI::App &app, int &exitCode);
void addFormatCommand(CLI::App &app, int &exitCode);
void addExplainCommand(CLI::App &app, int &exitCode);
void addPreludeCommand(CLI::App &app, int &exitCode);

} // namespace frit
