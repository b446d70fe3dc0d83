// run/metrics.jsonl: one JSON object a line.
//   {"step":12,"loss":2.31,"grad_norm":0.8,"lr":0.001,"ms":12.3,"tokens_per_second":333000}
//   {"step":500,"validation":{"loss":2.2,"bits_per_byte":3.1}}
// In a program with several runs each line names one: {"step":13,"run":"tag","loss":0.3, ...}.
// `step` counts the steps done. Values that JSON cannot hold (nan, inf) are null.
#pragma once
#include "runtime/Machine.h"
#include <map>
#include <string>

namespace frit {

class Metrics {
public:
  /// Opens for appending; first drops lines of steps beyond `step` and a torn last line: they
  /// belong to a run that did not reach its next checkpoint.
  Metrics(const std::string &path, int64_t step);
  ~Metrics();
  Metrics(const Metrics &) = delete;
  Metrics &operator=(const Metrics &) = delete;

  void step(int64_t step, const std::string &run, const std::vector<Report> &reports,
            double milliseconds, double tokensPerSecond);
  /// Once a step: a run that ends again where it ended before logs nothing new.
  void validation(int64_t step, const std::string &run, const std::vector<Report> &reports);
  /// Is there a line of an evaluation at that step?
  bool hasValidation(int64_t step, const std::string &run) const {
    auto found = validated.find(run);
    return found != validated.end() && found->second == step;
  }

private:
  void dropBeyond(int64_t step);
  void write(const std::string &line);

  std::string path;
  int handle;
  std::map<std::string, int64_t> validated; // run -> the last step with an evaluation
  bool hasFailed = false;
};

/// "loss":2.31,"lr":0.001 — the shortest text that reads back as the same number.
std::string jsonFields(const std::vector<Report> &reports);
/// {"step":500,"validation":{...}}
std::string validationLine(int64_t step, const std::string &run,
                           const std::vector<Report> &reports);

} // namespace frit
