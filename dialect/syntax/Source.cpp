// Source text and places in it: lines are found once, when the text arrives.
#include "dialect/syntax/Source.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace frit {

/// A program is written by hand; a larger file is a mistake (a corpus, a checkpoint), and places
/// are 32 bits.
static constexpr size_t maxSourceBytes = 16u << 20;

Location Location::to(const Location &end) const {
  if (!file || end.file != file)
    return *this;
  uint32_t begin = offset(), stop = end.offset() + end.length;
  Location wide = *this;
  wide.length = std::max(stop, begin + length) - begin;
  return wide;
}

Location Location::after() const { return file ? file->locate(offset() + length, 0) : Location(); }

std::string_view Location::text() const {
  return file ? std::string_view(file->text).substr(offset(), length) : std::string_view();
}

uint32_t Location::offset() const { return file ? file->lineStarts[line - 1] + column - 1 : 0; }

bool Location::inPrelude() const { return file && file->isPrelude; }

Source::Source(std::string name, std::string content)
    : name(std::move(name)), text(std::move(content)) {
  if (text.size() > maxSourceBytes)
    text.resize(maxSourceBytes);
  lineStarts.push_back(0);
  for (uint32_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n')
      lineStarts.push_back(i + 1);
}

std::string_view Source::lineText(uint32_t line) const {
  uint32_t begin = lineStarts[line - 1];
  uint32_t end = line < lineStarts.size() ? lineStarts[line] - 1 : text.size();
  if (end > begin && text[end - 1] == '\r')
    --end;
  return std::string_view(text).substr(begin, end - begin);
}

Location Source::locate(uint32_t offset, uint32_t length) const {
  auto next = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  uint32_t line = next - lineStarts.begin();
  return {this, line, offset - lineStarts[line - 1] + 1, length};
}

const Source &Sources::add(std::string name, std::string text) {
  sources.push_back(std::make_unique<Source>(std::move(name), std::move(text)));
  return *sources.back();
}

const Source &Sources::addPrelude(std::string name, std::string text) {
  const Source &source = add(std::move(name), std::move(text));
  sources.back()->isPrelude = true;
  return source;
}

const Source *Sources::load(const std::string &path, std::string &reason) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    reason = "it is a directory";
    return nullptr;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    reason = std::strerror(errno);
    return nullptr;
  }
  // One byte more than allowed is enough to know that it is too long.
  std::string text(maxSourceBytes + 1, '\0');
  in.read(text.data(), text.size());
  if (in.bad()) {
    reason = std::strerror(errno);
    return nullptr;
  }
  text.resize(in.gcount());
  if (text.size() > maxSourceBytes) {
    reason = "it is larger than 16 MiB, so hardly a program";
    return nullptr;
  }
  return &add(path, std::move(text));
}

} // namespace frit
