// Types from text, for tests that name many.
#pragma once
#include "dialect/Types.h"

namespace frit::test {

/// "f64[b: 2, t: 3]" as a type.
inline ValueType type(const std::string &text) {
  size_t open = text.find('[');
  ValueType out{*elementOf(text.substr(0, open)), {}};
  while (open != std::string::npos && text[open] != ']') {
    size_t colon = text.find(':', open), end = text.find_first_of(",]", colon);
    size_t begin = text.find_first_not_of("[, ", open);
    out.axes.push_back({text.substr(begin, colon - begin), std::stoll(text.substr(colon + 1))});
    open = end;
  }
  return out;
}

} // namespace frit::test
