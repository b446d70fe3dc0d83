#include "runtime/Progress.h"
#include "runtime/Error.h"
#include <cmath>
#include <cstdio>
#include <unistd.h>

using namespace frit;

Progress::Progress(int64_t steps, int64_t first, double tokensPerStep, int64_t every, bool quiet)
    : steps(steps), tokensPerStep(tokensPerStep), every(every), first(first), quiet(quiet),
      hasBar(!quiet && isatty(STDERR_FILENO)) {
  lastLine = lastBar = begin - std::chrono::hours(1);
}

Progress::~Progress() { erase(); }

std::string frit::duration(double seconds) {
  int64_t whole = std::llround(std::max(0.0, std::min(seconds, 1e9)));
  if (whole < 3600)
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string frit::amount(double number) {
  if (number < 9999.5)
    return fmt::format("{:.0f}", number);
  if (number < 999.5e3)
    return fmt::format("{:.1f}k", number / 1e3);
  if (number < 999.5e6)
    return fmt::format("{:.2f}M", number / 1e6);
  return fmt::format("{:.2f}G", number / 1e9);
}

static std::string readableNumber(const Report &report) {
  double value = report.value, size = std::abs(value);
  if (report.element == Element::I32 || report.element == Element::I1)
    return fmt::format("{}", int64_t(value));
  bool isRate = report.name == "lr" || report.name == "grad_norm";
  if (!isRate && size >= 0.01 && size < 1000)
    return fmt::format("{:.4f}", value);
  return fmt::format("{:.3g}", value);
}

std::string frit::readable(const std::vector<Report> &reports) {
  std::string text;
  for (const Report &report : reports)
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", report.name, readableNumber(report));
  return text;
}

double Progress::tokensPerSecond(double milliseconds) const {
  return milliseconds > 0 ? tokensPerStep * 1e3 / milliseconds : 0;
}

std::string frit::labelled(const std::string &run) { return run.empty() ? "" : run + ": "; }

void Progress::step(int64_t step, const std::string &run, const std::vector<Report> &reports,
                    double milliseconds) {
  average = average == 0 ? milliseconds : 0.95 * average + 0.05 * milliseconds;
  if (quiet)
    return;
  auto now = Clock::now();
  double remaining = double(steps - step) * average / 1e3;
  auto pause = std::chrono::milliseconds(now - begin < std::chrono::minutes(1) ? 1000 : 5000);
  bool isDue = every ? step % every == 0 : now - lastLine >= pause;
  if (isDue || step == first + 1 || step == steps) {
    lastLine = now;
    std::string total = std::to_string(steps);
    std::string rate = tokensPerStep > 0 ? amount(tokensPerSecond(average)) + " tokens/s"
                                         : amount(average > 0 ? 1e3 / average : 0) + " steps/s";
    note(fmt::format("step {:>{}}/{}  {}{}  {:.1f} ms  {}  eta {}", step, total.size(), total,
                     labelled(run), readable(reports), average, rate, duration(remaining)));
  }
  if (hasBar && (now - lastBar >= std::chrono::milliseconds(100) || isDue)) {
    lastBar = now;
    draw(step, steps, fmt::format("{}/{} eta {}", step, steps, duration(remaining)));
  }
}

void Progress::evaluating(int64_t batch, int64_t batches) {
  auto now = Clock::now();
  if (!hasBar || now - lastBar < std::chrono::milliseconds(100))
    return;
  lastBar = now;
  draw(batch, batches, fmt::format("evaluating {}/{}", batch, batches));
}

void Progress::draw(int64_t done, int64_t total, const std::string &text) {
  const int64_t width = 30;
  int64_t full = total > 0 ? width * done / total : width;
  std::string bar(size_t(full), '#');
  bar.resize(width, '.');
  fmt::print(stderr, "\r[{}] {}\033[K", bar, text);
  std::fflush(stderr);
  isDrawn = true;
}

void Progress::erase() {
  if (!isDrawn)
    return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  isDrawn = false;
}

void Progress::line(const std::string &text) {
  erase();
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void Progress::note(const std::string &text) {
  if (!quiet)
    line(text);
}
