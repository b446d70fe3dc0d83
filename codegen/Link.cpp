// Runs the linker that lies beside the compiler. What a C compiler's driver would add is spelled
// out here: start files in their order, the static C++ runtime, the system's C library by its own
// name (the development package with libc.so may be absent), and the options a program needs to
// throw exceptions (--eh-frame-hdr) and to lose what it does not use (--gc-sections).
#include "codegen/Link.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <optional>

namespace frit {

using llvm::StringRef;

std::string linkFolder() {
  static int anchor;
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, &anchor);
  llvm::SmallString<256> folder(llvm::sys::path::parent_path(self));
  llvm::sys::path::append(folder, "..", "lib", "frit");
  llvm::sys::path::remove_dots(folder, /*remove_dot_dot=*/true);
  return std::string(folder);
}

namespace {

/// One invocation of the linker under construction; the first thing missing is its error.
struct Command {
  std::vector<std::string> arguments;
  std::string missing;

  void add(std::initializer_list<StringRef> more) {
    for (StringRef argument : more)
      arguments.emplace_back(argument);
  }

  /// A piece that is shipped with the compiler.
  void piece(StringRef name) {
    std::string path = linkFolder() + "/" + name.str();
    if (missing.empty() && !llvm::sys::fs::exists(path))
      missing = "cannot link: " + path + " is missing; the installation of frit is incomplete";
    arguments.push_back(path);
  }

  /// A library of the running system.
  void system(StringRef name) {
    static const char *const folders[] = {"/lib/x86_64-linux-gnu",
                                          "/usr/lib/x86_64-linux-gnu",
                                          "/lib64",
                                          "/usr/lib64",
                                          "/lib",
                                          "/usr/lib"};
    for (const char *folder : folders) {
      std::string path = std::string(folder) + "/" + name.str();
      if (llvm::sys::fs::exists(path)) {
        arguments.push_back(path);
        return;
      }
    }
    if (missing.empty())
      missing = "cannot link: this system has no " + name.str() + " in the usual places";
  }
};

} // namespace

/// Runs the command, which writes to a temporary file, and moves the result to `output`, which must
/// not be a device or a pipe: root would put a file in its place.
static llvm::Error run(Command command, StringRef output) {
  if (!command.missing.empty())
    return llvm::createStringError(command.missing);

  llvm::sys::fs::file_status there;
  if (!llvm::sys::fs::status(output, there) &&
      there.type() != llvm::sys::fs::file_type::regular_file)
    return llvm::createStringError("cannot write " + output + ": " +
                                   (there.type() == llvm::sys::fs::file_type::directory_file
                                        ? "Is a directory"
                                        : "it is no regular file"));
  llvm::SmallString<256> result, log;
  if (std::error_code code = llvm::sys::fs::createUniqueFile(output + ".%%%%%%", result))
    return llvm::createStringError("cannot write " + output + ": " + code.message());
  llvm::FileRemover removeResult(result);
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("frit-link", "log", log))
    return llvm::createStringError("cannot create a temporary file: " + code.message());
  llvm::FileRemover removeLog(log);

  command.add({"-o", result});
  llvm::SmallVector<StringRef> arguments(command.arguments.begin(), command.arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log), StringRef(log)};
  std::string problem;
  int status =
      llvm::sys::ExecuteAndWait(command.arguments.front(), arguments, std::nullopt, redirects,
                                /*SecondsToWait=*/0, /*MemoryLimit=*/0, &problem);
  if (status != 0) {
    if (auto text = llvm::MemoryBuffer::getFile(log))
      problem += (*text)->getBuffer().rtrim();
    return llvm::createStringError("linking " + output + " failed: " + problem);
  }
  if (std::error_code code = llvm::sys::fs::rename(result, output))
    return llvm::createStringError("cannot write " + output + ": " + code.message());
  removeResult.releaseFile();
  return llvm::Error::success();
}

static Command startCommand() {
  Command command;
  command.piece("ld.lld");
  command.add({"--eh-frame-hdr", "--gc-sections", "--build-id=none", "--as-needed", "-z", "relro",
               "-z", "now", "-z", "noexecstack", "-m", "elf_x86_64"});
  return command;
}

/// The C++ runtime is static, the C library the system's: it is the one thing every machine has.
static void addLibraries(Command &command) {
  command.piece("libstdc++.a");
  command.system("libm.so.6");
  command.piece("libgcc.a");
  command.piece("libgcc_eh.a");
  command.system("libc.so.6");
  command.piece("libc_nonshared.a");
  command.system("ld-linux-x86-64.so.2");
}

llvm::Error linkProgram(llvm::ArrayRef<std::string> objects, StringRef output) {
  Command command = startCommand();
  command.add({"-pie", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"});
  command.piece("Scrt1.o");
  command.piece("crti.o");
  command.piece("crtbeginS.o");
  for (const std::string &object : objects)
    command.add({object});
  command.add({"--start-group"});
  command.piece("libfrit_main.a");
  command.piece("libfrit_runtime.a");
  command.add({"--end-group"});
  addLibraries(command);
  command.piece("crtendS.o");
  command.piece("crtn.o");
  return run(std::move(command), output);
}

llvm::Error linkShared(llvm::ArrayRef<std::string> objects, StringRef output) {
  Command command = startCommand();
  command.add({"-shared"});
  command.piece("crti.o");
  command.piece("crtbeginS.o");
  for (const std::string &object : objects)
    command.add({object});
  addLibraries(command);
  command.piece("crtendS.o");
  command.piece("crtn.o");
  return run(std::move(command), output);
}

} // namespace frit
