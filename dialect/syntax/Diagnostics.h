// What the compiler says about the user's mistakes, and how it looks.
//
//   chart.frit:7:12: error: axis 't' is 512 in 'chosen' and 480 in 'rejected'
//     minimize mean(margin(chosen, rejected))
//              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
//   note: chart.frit:3:9: 'rejected' is declared here
//   help: give them different axis names, or pad with pad(rejected, t = 512)
//
// An error names both facts, a note points where the other fact comes from, a help is one thing to
// try. One mistake, one error: a second error at the same place is dropped with its notes.
//
// A stage that cannot go on after an error throws Failure and catches it itself where it can
// continue (the parser at the next statement, the checker at the next declaration); no Failure
// leaves a stage. Whoever runs the stages asks hasErrors().
#pragma once
#include "dialect/syntax/Source.h"
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace frit {

/// Thrown inside a stage after the error was reported.
struct Failure {};

struct Diagnostic {
  struct Note {
    Location at;
    std::string message;
  };
  Location at;
  std::string message; // starts in lower case, no full stop
  std::vector<Note> notes;
  std::vector<std::string> helps;
};

class Diagnostics {
public:
  /// Adds to the error just reported: `error(at, "…").note(there, "…").help("…")`.
  class Report {
  public:
    Report &note(Location at, std::string message);
    Report &help(std::string message);
    /// "did you mean 'x'?" as a help, if any candidate is near.
    Report &suggest(std::string_view name, const std::vector<std::string> &candidates);
    /// Ends this stage's work on the broken part.
    [[noreturn]] void fail() const { throw Failure(); }

  private:
    friend class Diagnostics;
    Report(Diagnostics &owner, bool live) : owner(owner), live(live) {}
    Diagnostics &owner;
    bool live; // false when the error was a repetition
  };

  Report error(Location at, std::string message);

  bool hasErrors() const { return !errors.empty(); }
  /// Further errors are dropped from here on; a stage may stop early.
  bool isFull() const { return errors.size() >= limit; }
  const std::vector<Diagnostic> &all() const { return errors; }
  /// Puts the errors from number `first` on into the order of the text.
  void sortFrom(size_t first);
  /// Everything as the user reads it, in the order of reporting.
  std::string render() const;

  static constexpr size_t limit = 50;

private:
  std::vector<Diagnostic> errors;
  std::set<std::pair<const Source *, uint32_t>> places;
};

/// `file:line:col`, with the column in characters.
std::string toString(Location at);
/// The source line and the underline below it, both ending in a line end; empty if no file.
std::string excerpt(Location at);

/// The candidates within a few edits of `name`, nearest first, at most three.
std::vector<std::string> nearestNames(std::string_view name,
                                      const std::vector<std::string> &candidates);

} // namespace frit
