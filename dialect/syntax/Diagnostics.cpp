// Collecting and rendering errors. Source bytes go to a terminal, so control characters and broken
// UTF-8 are shown as '?', and very long lines are cut around the caret.
#include "dialect/syntax/Diagnostics.h"
#include <algorithm>
#include <fmt/format.h>

namespace frit {

Diagnostics::Report &Diagnostics::Report::note(Location at, std::string message) {
  if (live)
    owner.errors.back().notes.push_back({at, std::move(message)});
  return *this;
}

Diagnostics::Report &Diagnostics::Report::help(std::string message) {
  if (live)
    owner.errors.back().helps.push_back(std::move(message));
  return *this;
}

Diagnostics::Report &Diagnostics::Report::suggest(std::string_view name,
                                                  const std::vector<std::string> &candidates) {
  std::vector<std::string> near = nearestNames(name, candidates);
  if (near.empty())
    return *this;
  std::string list = fmt::format("'{}'", near[0]);
  for (size_t i = 1; i < near.size(); ++i)
    list += fmt::format("{} '{}'", i + 1 < near.size() ? "," : " or", near[i]);
  return help(fmt::format("did you mean {}?", list));
}

Diagnostics::Report Diagnostics::error(Location at, std::string message) {
  bool repeated = at.valid() && !places.insert({at.file, at.offset()}).second;
  if (repeated || isFull())
    return Report(*this, false);
  errors.push_back({at, std::move(message), {}, {}});
  return Report(*this, true);
}

void Diagnostics::sortFrom(size_t first) {
  std::sort(errors.begin() + std::min(first, errors.size()), errors.end(),
            [](const Diagnostic &a, const Diagnostic &b) { return a.at.offset() < b.at.offset(); });
}

//===-- The source line ---------------------------------------------------------------------===//

/// Length of the well-formed UTF-8 character at `i`, or 0.
static size_t utf8Length(std::string_view text, size_t i) {
  unsigned char lead = text[i];
  size_t length = lead < 0x80             ? 1
                  : (lead & 0xe0) == 0xc0 ? 2
                  : (lead & 0xf0) == 0xe0 ? 3
                  : (lead & 0xf8) == 0xf0 ? 4
                                          : 0;
  if (length == 0 || i + length > text.size())
    return 0;
  for (size_t k = 1; k < length; ++k)
    if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80)
      return 0;
  return length;
}

/// One printable piece per character of `text`, with the byte it starts at.
struct Glyph {
  size_t byte;
  std::string text;
};
static std::vector<Glyph> glyphs(std::string_view text) {
  std::vector<Glyph> out;
  for (size_t i = 0; i < text.size();) {
    size_t length = utf8Length(text, i);
    unsigned char lead = text[i];
    bool printable = length > 0 && (lead == '\t' || (lead >= 0x20 && lead != 0x7f));
    // C1 control characters (U+0080..U+009F) move the cursor on some terminals.
    if (length == 2 && lead == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      printable = false;
    out.push_back({i, printable ? std::string(text.substr(i, length)) : "?"});
    i += std::max<size_t>(length, 1);
  }
  return out;
}

std::string toString(Location at) {
  std::string_view before = at.file->lineText(at.line);
  before = before.substr(0, std::min<size_t>(before.size(), at.column - 1));
  size_t column = glyphs(before).size() + 1;
  return fmt::format("{}:{}:{}", at.file->name, at.line, column);
}

std::string excerpt(Location at) {
  if (!at.valid())
    return "";
  constexpr size_t width = 160, lead = 60; // characters shown, and of them before the caret
  std::vector<Glyph> line = glyphs(at.file->lineText(at.line));
  auto indexOf = [&](size_t byte) {
    size_t i = 0;
    while (i < line.size() && line[i].byte < byte)
      ++i;
    return i;
  };
  size_t caret = indexOf(at.column - 1);
  size_t stop = std::max(indexOf(at.column - 1 + at.length), caret + 1);
  size_t begin = line.size() > width && caret > lead ? caret - lead : 0;
  size_t end = std::min(line.size(), begin + width);

  std::string text = "  ", under = "  ";
  if (begin > 0) {
    text += "...";
    under += "   ";
  }
  for (size_t i = begin; i < end; ++i)
    text += line[i].text;
  if (end < line.size())
    text += "...";
  for (size_t i = begin; i < caret; ++i)
    under += line[i].text == "\t" ? '\t' : ' ';
  under += '^';
  for (size_t i = caret + 1; i < std::min(stop, end); ++i)
    under += '~';
  return text + "\n" + under + "\n";
}

/// A message may quote the source: its line ends become spaces, what cannot be shown '?'.
static std::string printable(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string out;
  for (const Glyph &glyph : glyphs(text))
    out += glyph.text;
  return out;
}

std::string Diagnostics::render() const {
  std::string out;
  for (const Diagnostic &error : errors) {
    out += error.at.valid() ? toString(error.at) + ": " : "";
    out += "error: " + printable(error.message) + "\n" + excerpt(error.at);
    for (const Diagnostic::Note &note : error.notes) {
      out += "note: " + (note.at.valid() ? toString(note.at) + ": " : "") +
             printable(note.message) + "\n";
      out += excerpt(note.at);
    }
    for (const std::string &help : error.helps)
      out += "help: " + printable(help) + "\n";
  }
  if (isFull())
    out += fmt::format("note: stopped after {} errors\n", limit);
  return out;
}

//===-- Near names --------------------------------------------------------------------------===//

/// Edits (insert, delete, replace, swap of neighbours) from `a` to `b`.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      bool same = a[i - 1] == b[j - 1];
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + !same});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[a.size()][b.size()];
}

std::vector<std::string> nearestNames(std::string_view name,
                                      const std::vector<std::string> &candidates) {
  constexpr size_t longest = 64, most = 3;
  size_t allowed = name.size() <= 2 ? name.size() / 2 : (name.size() + 1) / 3;
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string &candidate : candidates) {
    if (name.size() > longest || candidate.size() > longest || candidate == name)
      continue;
    size_t distance = editDistance(name, candidate);
    if (distance <= allowed && distance < std::max(name.size(), candidate.size()))
      near.push_back({distance, candidate});
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> out;
  for (size_t i = 0; i < near.size() && i < most; ++i)
    out.push_back(near[i].second);
  return out;
}

} // namespace frit
