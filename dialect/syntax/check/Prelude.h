// The text of dialect/prelude/*.frit, put together by CMake.
#pragma once
#include <string>

namespace frit::checking {
const std::string &preludeText();
} // namespace frit::checking
