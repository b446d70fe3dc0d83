#include "runtime/Metrics.h"
#include "runtime/Error.h"
#include "runtime/File.h"
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace frit;

void Metrics::dropBeyond(int64_t step) {
  if (!std::filesystem::exists(path))
    return;
  std::string kept;
  {
    MappedFile file(path);
    std::string_view rest = file.text();
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      if (end == rest.npos)
        break;
      std::string_view line = rest.substr(0, end + 1);
      rest.remove_prefix(end + 1);
      auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!json.is_object() || json.value("step", int64_t(-1)) > step)
        continue;
      kept += line;
      if (json.contains("validation"))
        validated[json.value("run", "")] = json.value("step", int64_t(-1));
    }
    if (int64_t(kept.size()) == file.size())
      return;
  }
  OutputFile file(path + ".tmp");
  file.write(kept);
  file.finish();
  std::filesystem::rename(path + ".tmp", path);
}

Metrics::Metrics(const std::string &path, int64_t step) : path(path) {
  dropBeyond(step);
  handle = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (handle < 0)
    fail("cannot write '{}': {}", path, std::strerror(errno));
}

Metrics::~Metrics() { close(handle); }

void Metrics::write(const std::string &line) {
  ssize_t done = ::write(handle, line.data(), line.size());
  if (done == ssize_t(line.size()) || hasFailed)
    return;
  // Training is worth more than its log.
  hasFailed = true;
  warn("cannot write '{}': {}", path, std::strerror(done < 0 ? errno : ENOSPC));
}

static std::string jsonNumber(double value, Element element) {
  if (!std::isfinite(value))
    return "null";
  if (element == Element::F32)
    return fmt::format("{}", float(value));
  return fmt::format("{}", value);
}

std::string frit::jsonFields(const std::vector<Report> &reports) {
  std::string text;
  for (const Report &report : reports)
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", nlohmann::json(report.name).dump(),
                        jsonNumber(report.value, report.element));
  return text;
}

/// ,"run":"masked" or nothing.
static std::string runField(const std::string &run) {
  return run.empty() ? "" : fmt::format(",\"run\":{}", nlohmann::json(run).dump());
}

void Metrics::step(int64_t step, const std::string &run, const std::vector<Report> &reports,
                   double milliseconds, double tokensPerSecond) {
  std::string fields = jsonFields(reports);
  std::string line = fmt::format("{{\"step\":{}{}{}{},\"ms\":{:.3f}", step, runField(run),
                                 fields.empty() ? "" : ",", fields, milliseconds);
  if (tokensPerSecond > 0)
    line += fmt::format(",\"tokens_per_second\":{:.0f}", tokensPerSecond);
  write(line + "}\n");
}

std::string frit::validationLine(int64_t step, const std::string &run,
                                 const std::vector<Report> &reports) {
  return fmt::format("{{\"step\":{}{},\"validation\":{{{}}}}}", step, runField(run),
                     jsonFields(reports));
}

void Metrics::validation(int64_t step, const std::string &run, const std::vector<Report> &reports) {
  if (hasValidation(step, run))
    return;
  validated[run] = step;
  write(validationLine(step, run, reports) + "\n");
}
