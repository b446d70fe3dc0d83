// frit explain: what the compiled program does, before it runs: its kernels with the lines they
// came from, their arithmetic and traffic, and the memory it promises to use.
#include "codegen/Compile.h"
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include "tools/frit/MemoryPicture.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

namespace frit {

namespace {

std::string human(double value, const char *unit) {
  const char *prefix[] = {"", "k", "M", "G", "T"};
  int i = 0;
  while (value >= 999.5 && i < 4) {
    value /= 1000;
    ++i;
  }
  return i == 0 ? fmt::format("{:.0f} {}", value, unit)
                : fmt::format("{:.3g} {}{}", value, prefix[i], unit);
}

/// The first of "a, b, c", and how many more.
std::string shortened(const std::string &list) {
  size_t more = std::count(list.begin(), list.end(), ',');
  return more < 2 ? list : fmt::format("{} and {} more", list.substr(0, list.find(',')), more);
}

/// "gpt.frit:11, gpt.frit:12" with each file's name once: "gpt.frit:11,12".
std::string joined(llvm::StringRef lines) {
  std::string out;
  llvm::StringRef last;
  while (!lines.empty()) {
    auto [line, rest] = lines.split(", ");
    auto [file, number] = line.rsplit(':');
    out += file == last ? "," + number.str() : (out.empty() ? "" : " ") + line.str();
    last = file;
    lines = rest;
  }
  return out;
}

void printKernels(const Level &level, const std::string &entry, size_t most) {
  std::vector<const KernelCall *> calls;
  double flops = 0, bytes = 0;
  for (const KernelCall &call : level.calls)
    if (call.entry == entry) {
      calls.push_back(&call);
      flops += call.flops * call.times;
      bytes += call.bytes * call.times;
    }
  if (calls.empty())
    return;
  std::cout << fmt::format(
      "\nentry {}: {} kernels at {} places, {} and {} of traffic\n", entry,
      [&] {
        std::set<std::string> names;
        for (auto *call : calls)
          names.insert(call->kernel);
        return names.size();
      }(),
      calls.size(), human(flops, "flop"), human(bytes, "B"));
  // The costly first; what costs the same, in the order of the program.
  std::ranges::sort(calls, {}, [](const KernelCall *call) {
    return std::pair(-double(call->times) * (call->flops + 8 * call->bytes), call);
  });
  std::cout << fmt::format("  {:<18} {:<8} {:>6} {:>10} {:>10}  {:<28} {}\n", "kernel", "emitter",
                           "times", "flop each", "bytes each", "source", "layers");
  for (size_t i = 0; i < calls.size() && i < most; ++i) {
    const KernelCall &c = *calls[i];
    std::cout << fmt::format("  {:<18} {:<8} {:>6} {:>10} {:>10}  {:<28} {}\n", c.kernel, c.emitter,
                             c.times, human(c.flops, ""), human(c.bytes, "B"), joined(c.location),
                             shortened(c.path));
  }
  if (calls.size() > most)
    std::cout << fmt::format("  ... and {} more (--all)\n", calls.size() - most);
}

void printMemory(const Plan &plan, const std::string &entry, int threads, size_t most) {
  std::map<std::string, int64_t> classes;
  std::vector<const MemoryRow *> rows;
  for (const MemoryRow &row : plan.map)
    if (row.entry.empty() || row.entry == entry) {
      classes[nameOf(row.memory)] += row.bytes;
      rows.push_back(&row);
    }
  std::cout << "\nmemory (bytes of all values; activations share space by lifetime)\n";
  for (auto &[name, bytes] : classes)
    std::cout << fmt::format("  {:<14} {:>14}\n", name, bytes);
  std::cout << fmt::format("  {:<14} {:>14}\n  {:<14} {:>14}  with {} threads\n", "arena",
                           plan.arena, "peak", plan.peak(threads), threads);
  std::ranges::sort(rows, {}, [](const MemoryRow *row) { return std::pair(-row->bytes, row); });
  std::cout << fmt::format("\n  {:>12} {:>12}  {:<10} {:<12} {:<28} {}\n", "offset", "bytes",
                           "lifetime", "class", "source", "value");
  for (size_t i = 0; i < rows.size() && i < most; ++i) {
    const MemoryRow &r = *rows[i];
    std::cout << fmt::format("  {:>12} {:>12}  {:<10} {:<12} {:<28} {}\n", r.offset, r.bytes,
                             r.entry.empty() ? "always" : fmt::format("{}-{}", r.first, r.last),
                             nameOf(r.memory), joined(r.location), shortened(r.name));
  }
  if (rows.size() > most)
    std::cout << fmt::format("  ... and {} more (--all)\n", rows.size() - most);
}

nlohmann::json toJson(const Level &level, int threads) {
  nlohmann::json out{{"isa", level.isa},
                     {"arena", level.plan.arena},
                     {"peak", level.plan.peak(threads)},
                     {"threads", threads},
                     {"kernels", nlohmann::json::array()},
                     {"memory", nlohmann::json::array()}};
  for (const KernelCall &c : level.calls)
    out["kernels"].push_back({{"kernel", c.kernel},
                              {"entry", c.entry},
                              {"emitter", c.emitter},
                              {"times", c.times},
                              {"flops", c.flops},
                              {"bytes", c.bytes},
                              {"path", c.path},
                              {"source", c.location}});
  for (const MemoryRow &r : level.plan.map)
    out["memory"].push_back({{"name", r.name},
                             {"entry", r.entry},
                             {"class", nameOf(r.memory)},
                             {"offset", r.offset},
                             {"bytes", r.bytes},
                             {"first", r.first},
                             {"last", r.last},
                             {"source", r.location}});
  return out;
}

} // namespace

void addExplainCommand(CLI::App &app, int &) {
  struct Options {
    Request request;
    std::string entry = "train";
    int threads = std::max(1u, std::thread::hardware_concurrency());
    bool all = false, json = false;
    std::string svg;
  };
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("explain", "kernels, arithmetic, traffic and the memory map of a program");
  addCompilerOptions(*command, options->request);
  command->add_option("--entry", options->entry, "which entry: init, train, eval, predict")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "for the promised peak")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--all", options->all, "every row, not only the largest");
  command->add_flag("--json", options->json, "as JSON, everything");
  command
      ->add_option("--svg", options->svg,
                   "draw the memory map into FILE: time to the right, addresses upwards")
      ->type_name("FILE");
  command->callback([options] {
    Driver driver(options->request);
    driver.check();
    driver.runPasses();
    for (const Target &target : driver.targets()) {
      CompileOptions compile;
      compile.naive = options->request.naive;
      auto level = compileLevel(driver.module(), target, compile);
      if (!level)
        throw FritBug{"stage obj: " + llvm::toString(level.takeError())};
      if (options->json) {
        std::cout << toJson(*level, options->threads).dump(1) << "\n";
        continue;
      }
      // Of several runs the first, unless one is named: train.tag.
      for (const std::string &name : level->entries)
        if (options->entry == "train" && name.rfind("train.", 0) == 0)
          options->entry = name;
      if (std::find(level->entries.begin(), level->entries.end(), options->entry) ==
          level->entries.end()) {
        std::cerr << fmt::format("frit: the program has no entry '{}'; it has {}\n", options->entry,
                                 fmt::join(level->entries, ", "));
        throw UserError();
      }
      std::cout << fmt::format("{} for {}\n", options->request.file, level->isa);
      size_t most = options->all ? SIZE_MAX : 24;
      printKernels(*level, options->entry, most);
      printMemory(level->plan, options->entry, options->threads, most);
      if (!options->svg.empty())
        writeMemoryPicture(
            options->svg, level->plan, options->entry,
            fmt::format("{}, entry {}, {}", options->request.file, options->entry, level->isa));
    }
  });
}

} // namespace frit
