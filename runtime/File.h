// Files: mapped for reading; written so that an error is never lost.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace frit {

/// A whole file, read-only in memory (page cache: not counted as the program's own).
class MappedFile {
public:
  /// Fails when the file cannot be read or is a directory.
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  const uint8_t *data() const { return bytes; }
  int64_t size() const { return length; }
  std::string_view text() const { return {reinterpret_cast<const char *>(bytes), size_t(length)}; }
  const std::string &path() const { return name; }

private:
  std::string name;
  const uint8_t *bytes = nullptr;
  int64_t length = 0;
};

/// A new file. Every error (disk full, quota, size limit) fails with the file's name; finish()
/// returns once the bytes are on the disk. A file never finished is left for its owner to remove.
class OutputFile {
public:
  explicit OutputFile(const std::string &path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  void write(const void *data, int64_t size);
  void write(std::string_view text) { write(text.data(), int64_t(text.size())); }
  void finish();

private:
  std::string name;
  int handle;
};

/// Makes the names in a directory durable.
void syncDirectory(const std::string &path);

/// 64-bit FNV-1a of the size and the first and last 64 KiB: tells one data file from another.
std::string fingerprint(const MappedFile &file);

} // namespace frit
