// Which of the known names was probably meant.
#pragma once
#include <string>
#include <vector>

namespace frit {

/// The candidate with the fewest edits from `name`, below `most` of them; else empty.
std::string nearest(const std::string &name, const std::vector<std::string> &known, size_t most);

/// "; did you mean 'steps'?" of options and commands, or nothing.
std::string didYouMean(const std::string &name, const std::vector<std::string> &known);

} // namespace frit
