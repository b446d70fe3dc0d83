// What the user asks the compiler for: the options that every compiling command shares.
#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace frit {

struct Request {
  std::string file;
  std::string text;                  // instead of what stands in the file
  std::string train;                 // which train block; empty: the only or the last one
  std::vector<std::string> settings; // name=value for config
  std::vector<std::string> targets;  // instruction sets; empty: the host's
  std::vector<std::string> disabled; // passes left out
  std::string stopAfter;             // the last pass to run
  std::string saveStages;            // folder for every stage's text
  bool naive = false;                // no fusion, plain loops: the oracle
  bool small = false;                // the sizes of `check { }`
  bool f64 = false;
  bool onlyCheck = false;   // what can be checked but not yet compiled is no error
  bool gradients = false;   // add the entry that returns every gradient
  bool checkFinite = false; // ops look for numbers that are not finite
  bool remarks = false;     // print why an optimisation was refused
};

/// Adds FILE and the compiler options to a command.
void addCompilerOptions(CLI::App &command, Request &request);

} // namespace frit
