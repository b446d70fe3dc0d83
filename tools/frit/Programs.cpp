// frit train, eval, sample, info, bench: compile the file (or find it compiled) and hand over to
// the program with the rest of the command line. The program is the same one that `frit build`
// leaves.
#include "tools/frit/Cache.h"
#include "tools/frit/Commands.h"
#include "tools/frit/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include <CLI/CLI.hpp>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace frit {

namespace {

const std::pair<const char *, const char *> verbs[] = {
    {"train", "compile a program (cached) and train it"},
    {"eval", "reports of a trained program over held-out data"},
    {"sample", "let a trained program continue a text"},
    {"info", "parameters, memory and run-time numbers of a program or a checkpoint"},
    {"bench", "time the training step"}};

struct Program {
  std::string path;
  bool isCached;
};

/// The compiled program of a request, from the cache or made now.
Program findOrBuild(const Request &request) {
  namespace fs = std::filesystem;
  Driver driver(request);
  driver.check();
  std::string path = cachePath(request, driver.sourceTexts());
  bool isCached = !path.empty();
  std::error_code error;
  if (!path.empty() && fs::exists(path, error) && request.saveStages.empty()) {
    fs::last_write_time(path, fs::file_time_type::clock::now(), error);
    return {path, true};
  }
  if (path.empty())
    path = (fs::temp_directory_path() / ("frit-" + std::to_string(getpid()))).string();
  auto begin = std::chrono::steady_clock::now();
  // Aside first: another process may want the same program at this moment.
  std::string aside = path + "." + std::to_string(getpid());
  driver.build(aside);
  fs::rename(aside, path, error);
  if (error) {
    std::fprintf(stderr, "frit: cannot write %s: %s\n", path.c_str(), error.message().c_str());
    throw UserError();
  }
  std::fprintf(stderr, "compiled %s in %.2f s\n", request.file.c_str(),
               std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (isCached)
    trimCache(path);
  return {path, isCached};
}

/// Becomes the program: signals, exit code and terminal are its own from here on.
[[noreturn]] void become(const Program &program, const std::string &verb, const std::string &file,
                         const std::vector<std::string> &rest) {
  // "frit gpt.frit": the program's help shows commands as they are typed here.
  std::string name = "frit " + file;
  std::vector<char *> arguments{name.data(), const_cast<char *>(verb.c_str())};
  for (const std::string &argument : rest)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  // By its descriptor, so that a program which no cache keeps is gone from disk when it ends.
  int open = ::open(program.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (!program.isCached)
    unlink(program.path.c_str());
  if (open >= 0)
    fexecve(open, arguments.data(), environ);
  std::fprintf(stderr, "frit: cannot run %s: %s\n", program.path.c_str(), std::strerror(errno));
  throw UserError();
}

} // namespace

void bringFileForward(int argc, char **argv) {
  if (argc < 3 ||
      llvm::none_of(verbs, [&](auto &verb) { return argv[1] == std::string(verb.first); }))
    return;
  char **file = std::find_if(argv + 2, argv + argc, [](char *argument) {
    return llvm::StringRef(argument).ends_with(".frit");
  });
  if (file != argv + argc)
    std::rotate(argv + 2, file, file + 1);
}

void addProgramCommands(CLI::App &app, int &) {
  for (auto [verb, summary] : verbs) {
    auto request = std::make_shared<Request>();
    CLI::App *command = app.add_subcommand(verb, summary);
    addCompilerOptions(*command, *request);
    command->allow_extras();
    command->footer(std::string("Every other option goes to the program itself; with FILE given, "
                                "`frit ") +
                    verb + " FILE --help` shows those too.");
    // --help of the program follows our own, once there is a program.
    command->set_help_flag();
    auto help = std::make_shared<bool>(false);
    command->add_flag("-h,--help", *help, "this text");
    command->get_option("FILE")->required(false);
    command->callback([=, verb = std::string(verb)] {
      if (*help)
        std::printf("%s", command->help("frit").c_str());
      if (request->file.empty()) {
        if (*help)
          return;
        throw CLI::RequiredError("FILE");
      }
      if (!llvm::StringRef(request->file).ends_with(".frit")) {
        std::fprintf(stderr, "frit: '%s' is not a .frit file (frit %s FILE.frit ...)\n",
                     request->file.c_str(), verb.c_str());
        throw UserError();
      }
      std::vector<std::string> rest = command->remaining();
      if (*help) {
        std::printf("\nThe program itself:\n");
        rest = {"--help"};
      }
      // The program looks closer then.
      request->checkFinite = llvm::is_contained(rest, "--check-finite");
      become(findOrBuild(*request), verb, request->file, rest);
    });
  }
}

} // namespace frit
