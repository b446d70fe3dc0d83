// The main function of a built program, in an archive of its own (frit_main): whatever defines
// frit_levels becomes a whole program by linking it.
#include "runtime/Abi.h"
#include "runtime/Program.h"

int main(int argc, char **argv) { return frit::runProgram(argc, argv, frit_levels); }
