// Compiled programs, kept by content: the same program, settings and compiler give the same key, so
// the second `frit train` starts at once.
#pragma once
#include "tools/frit/Request.h"
#include <optional>
#include <string>

namespace frit {

/// Where the compiled program of a request lies or is to be put. The key covers the compiler
/// itself, every source the program uses and every option that changes the result. The folder is
/// $FRIT_CACHE, else $XDG_CACHE_HOME/frit, else ~/.cache/frit; empty when none can be made, and
/// then nothing is cached.
std::string cachePath(const Request &request, const std::vector<std::string> &sourceTexts);

/// Keeps the most recently used programs, up to a size; never the one just used.
void trimCache(const std::string &keep);

} // namespace frit
