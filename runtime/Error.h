// Two kinds of failure, never mixed: the user's (exit 1) and ours (exit 70).
#pragma once
#include <fmt/format.h>
#include <stdexcept>
#include <string>

namespace frit {

/// A file, option or machine that does not fit: says what was expected and what was found.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A mistake in the program that shows only as it runs; the text says where.
struct ProgramError : UserError {
  using UserError::UserError;
};

/// A broken promise between the compiler and the runtime.
struct Bug : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// --check-finite met a value that is not (exit 3).
struct NotFinite : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args &&...args) {
  throw UserError(fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void bug(fmt::format_string<Args...> text, Args &&...args) {
  throw Bug(fmt::format(text, std::forward<Args>(args)...));
}

/// One line on standard error.
template <typename... Args> void warn(fmt::format_string<Args...> text, Args &&...args) {
  std::string line = "warning: " + fmt::format(text, std::forward<Args>(args)...) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace frit
