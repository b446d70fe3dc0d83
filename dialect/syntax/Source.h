// Source text and places in it.
//
// A Source is one file (or one piece of text given a name) and lives as long as its Sources. A
// Location is a place in it with an extent: small, copied freely, carried by every token and node.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace frit {

struct Source;

/// A stretch of one source. `file` is null for what no file says (command-line settings, defaults).
struct Location {
  const Source *file = nullptr;
  uint32_t line = 0;   // from 1
  uint32_t column = 0; // from 1, in bytes
  uint32_t length = 0; // in bytes; may run over several lines

  bool valid() const { return file != nullptr; }
  bool inPrelude() const;
  /// The same stretch, made longer so that it ends where `end` ends.
  Location to(const Location &end) const;
  /// The empty place right after this one: where something is missing.
  Location after() const;
  /// The text it covers.
  std::string_view text() const;
  /// Bytes from the start of the file.
  uint32_t offset() const;
  friend bool operator==(const Location &, const Location &) = default;
};

struct Source {
  std::string name; // as the user wrote it, for messages
  std::string text;
  std::vector<uint32_t> lineStarts; // offset of each line, line 1 first
  bool isPrelude = false;           // written by us: mistakes are reported at the user's line

  Source(std::string name, std::string text);
  /// Line `line` (from 1) without its line end.
  std::string_view lineText(uint32_t line) const;
  /// The place `length` bytes long at byte `offset`.
  Location locate(uint32_t offset, uint32_t length) const;
};

/// Owns the sources of one compilation; they never move.
class Sources {
public:
  const Source &add(std::string name, std::string text);
  const Source &addPrelude(std::string name, std::string text);
  /// Reads a file; null when it cannot be read, with the reason in `reason`.
  const Source *load(const std::string &path, std::string &reason);
  /// In the order they came.
  const std::vector<std::unique_ptr<Source>> &all() const { return sources; }

private:
  std::vector<std::unique_ptr<Source>> sources;
};

} // namespace frit
