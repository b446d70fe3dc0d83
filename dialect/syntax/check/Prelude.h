// The files of dialect/prelude, put into the library by CMake.
#pragma once
#include <string>
#include <vector>

namespace frit::checking {

struct PreludeFile {
  std::string name, text; // "prelude/linear.frit"
};
const std::vector<PreludeFile> &preludeFiles();

} // namespace frit::checking
