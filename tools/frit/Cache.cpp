#include "tools/frit/Cache.h"
#include "codegen/Link.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/xxhash.h"
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace fs = std::filesystem;

namespace frit {

namespace {

/// A field with its length in front, so that two lists of fields never look alike.
void feed(llvm::SHA256 &hash, const std::string &field) {
  hash.update(std::to_string(field.size()) + ":");
  hash.update(field);
}

/// A fast hash of a file that nobody forges, for every command asks for it: some ten megabytes.
std::string digestOf(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return {};
  auto hash = llvm::xxh3_128bits(llvm::arrayRefFromStringRef((*file)->getBuffer()));
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

fs::path cacheFolder() {
  if (const char *folder = std::getenv("FRIT_CACHE"))
    return folder;
  if (const char *folder = std::getenv("XDG_CACHE_HOME"))
    return fs::path(folder) / "frit";
  if (const char *home = std::getenv("HOME"))
    return fs::path(home) / ".cache" / "frit";
  return {};
}

} // namespace

std::string cachePath(const Request &request, const std::vector<std::string> &sourceTexts) {
  fs::path folder = cacheFolder();
  std::error_code error;
  if (folder.empty() || (fs::create_directories(folder, error), error))
    return {};
  llvm::SHA256 hash;
  // A rebuilt compiler or runtime must not find old programs.
  feed(hash, digestOf("/proc/self/exe"));
  for (const char *library : {"/libfrit_runtime.a", "/libfrit_main.a"})
    feed(hash, digestOf(linkFolder() + library));
  for (const std::string &text : sourceTexts)
    feed(hash, text);
  feed(hash, request.file);
  feed(hash, request.train);
  for (const auto *list : {&request.settings, &request.targets, &request.disabled}) {
    feed(hash, std::to_string(list->size()));
    for (const std::string &item : *list)
      feed(hash, item);
  }
  feed(hash, request.stopAfter);
  feed(hash, request.naive ? "naive" : "");
  feed(hash, request.checkFinite ? "check-finite" : "");
  auto digest = hash.final();
  return (folder / llvm::toHex(llvm::ArrayRef(digest).take_front(16), /*LowerCase=*/true)).string();
}

void trimCache(const std::string &keep) {
  constexpr uintmax_t limit = 512u << 20;
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    uintmax_t bytes;
  };
  std::vector<Entry> entries;
  uintmax_t total = 0;
  std::error_code error;
  for (const auto &file : fs::directory_iterator(fs::path(keep).parent_path(), error)) {
    uintmax_t bytes = file.file_size(error);
    entries.push_back({file.path(), file.last_write_time(error), error ? 0 : bytes});
    total += entries.back().bytes;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (const Entry &entry : entries) {
    if (total <= limit)
      return;
    if (entry.path != keep && fs::remove(entry.path, error))
      total -= entry.bytes;
  }
}

} // namespace frit
