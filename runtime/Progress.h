// What a person sees while training: lines on standard output, and a bar below them when standard
// error is a terminal.
#pragma once
#include "runtime/Machine.h"
#include <chrono>
#include <string>

namespace frit {

class Progress {
public:
  /// `every`: a line each so many steps; 0: about one a second, later one in five seconds.
  Progress(int64_t steps, int64_t first, double tokensPerStep, int64_t every, bool quiet);
  ~Progress();

  /// After step number `step` (counting from 1) of that run, which took `milliseconds`.
  void step(int64_t step, const std::string &run, const std::vector<Report> &reports,
            double milliseconds);
  /// A line that is always shown.
  void line(const std::string &text);
  /// Shown unless quiet.
  void note(const std::string &text);
  /// While evaluating.
  void evaluating(int64_t batch, int64_t batches);
  double tokensPerSecond(double milliseconds) const;

private:
  void draw(int64_t done, int64_t total, const std::string &text);
  void erase();

  using Clock = std::chrono::steady_clock;
  const int64_t steps;
  const double tokensPerStep;
  const int64_t every;
  int64_t first;
  const bool quiet, hasBar;
  bool isDrawn = false;
  double average = 0; // milliseconds of a step, recent ones weigh more
  Clock::time_point begin = Clock::now(), lastLine, lastBar;
};

/// "9:05", "1:02:03"
std::string duration(double seconds);
/// "912", "14.2k", "1.3M"
std::string amount(double number);
/// "loss 2.3456  grad_norm 0.812  lr 0.001"
std::string readable(const std::vector<Report> &reports);
/// "masked: " in front of a run's reports; nothing in a program with one run.
std::string labelled(const std::string &run);

} // namespace frit
