#include "runtime/File.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace frit;

MappedFile::MappedFile(const std::string &path) : name(path) {
  int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0)
    fail("cannot read '{}': {}", path, std::strerror(errno));
  struct stat status;
  if (fstat(handle, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(handle);
    fail("cannot read '{}': not a regular file", path);
  }
  length = status.st_size;
  if (length > 0) {
    void *found = mmap(nullptr, size_t(length), PROT_READ, MAP_PRIVATE, handle, 0);
    if (found == MAP_FAILED) {
      int error = errno;
      close(handle);
      fail("cannot map '{}': {}", path, std::strerror(error));
    }
    bytes = static_cast<const uint8_t *>(found);
  }
  close(handle);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : name(std::move(other.name)), bytes(std::exchange(other.bytes, nullptr)),
      length(std::exchange(other.length, 0)) {}

MappedFile::~MappedFile() {
  if (bytes)
    munmap(const_cast<uint8_t *>(bytes), size_t(length));
}

OutputFile::OutputFile(const std::string &path) : name(path) {
  handle = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (handle < 0)
    fail("cannot write '{}': {}", path, std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (handle >= 0)
    close(handle);
}

void OutputFile::write(const void *data, int64_t size) {
  const char *next = static_cast<const char *>(data);
  while (size > 0) {
    // Linux writes at most 2 GiB at once; smaller pieces also let a signal be noticed.
    ssize_t done = ::write(handle, next, size_t(std::min<int64_t>(size, int64_t(64) << 20)));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      fail("cannot write '{}': {}", name, std::strerror(done < 0 ? errno : ENOSPC));
    next += done;
    size -= done;
  }
}

void OutputFile::finish() {
  if (fsync(handle) != 0)
    fail("cannot write '{}': {}", name, std::strerror(errno));
  int status = close(std::exchange(handle, -1));
  if (status != 0)
    fail("cannot write '{}': {}", name, std::strerror(errno));
}

void frit::syncDirectory(const std::string &path) {
  int handle = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0)
    fail("cannot open directory '{}': {}", path, std::strerror(errno));
  int status = fsync(handle), error = errno;
  close(handle);
  // Some file systems cannot sync a directory; they say so, and there is nothing to do about it.
  if (status != 0 && error != EINVAL)
    fail("cannot sync directory '{}': {}", path, std::strerror(error));
}

std::string frit::fingerprint(const MappedFile &file) {
  uint64_t hash = 0xcbf29ce484222325u;
  auto add = [&](const uint8_t *data, int64_t size) {
    for (int64_t i = 0; i < size; ++i)
      hash = (hash ^ data[i]) * 0x100000001b3u;
  };
  int64_t size = file.size(), piece = std::min<int64_t>(size, 65536);
  add(reinterpret_cast<const uint8_t *>(&size), 8);
  add(file.data(), piece);
  add(file.data() + (size - piece), piece);
  return fmt::format("{:016x}", hash);
}
