// Draws the memory map. See MemoryPicture.h.
//
// Plain shapes, no script: any browser shows it, and says a value's name, lines and size when the
// pointer rests on it. Names stand inside the rectangles that have room.
#include "tools/frit/MemoryPicture.h"
#include "tools/frit/Driver.h"
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

namespace frit {

namespace {

// Of the picture, in pixels; the map lies inside the margins.
constexpr double width = 1280, height = 860, left = 90, right = 20, top = 70, bottom = 50;
constexpr double characterWidth = 6.2, lineHeight = 13;

const char *colourOf(MemoryClass memory) {
  switch (memory) {
  case MemoryClass::Parameter:
    return "#4e79a7";
  case MemoryClass::Slot:
    return "#76b7b2";
  case MemoryClass::State:
  case MemoryClass::Scalar:
    return "#9c755f";
  case MemoryClass::Input:
    return "#59a14f";
  case MemoryClass::Output:
    return "#b07aa1";
  case MemoryClass::Tape:
    return "#f28e2b";
  case MemoryClass::Activation:
    return "#edc948";
  case MemoryClass::Workspace:
  case MemoryClass::Watch:
    return "#bab0ac";
  }
  return "#000000";
}

std::string escaped(const std::string &text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

std::string megabytes(double bytes) {
  return bytes < 1e6 ? fmt::format("{:.3g} kB", bytes / 1e3)
                     : fmt::format("{:.4g} MB", bytes / 1e6);
}

/// A round step, about a tenth of the whole: 1, 2 or 5 times a power of ten.
double tick(double whole) {
  double power = std::pow(10, std::floor(std::log10(whole / 10)));
  for (double factor : {1, 2, 5})
    if (factor * power >= whole / 10)
      return factor * power;
  return 10 * power;
}

} // namespace

void writeMemoryPicture(const std::string &file, const Plan &plan, const std::string &entry,
                        const std::string &title) {
  std::vector<const MemoryRow *> rows;
  int end = 1;
  for (const MemoryRow &row : plan.map)
    if (row.entry.empty() || row.entry == entry) {
      rows.push_back(&row);
      if (!row.entry.empty())
        end = std::max(end, row.last + 1);
    }
  double arena = std::max<double>(1, double(plan.arena));
  auto x = [&](double time) { return left + time / end * (width - left - right); };
  auto y = [&](double byte) { return height - bottom - byte / arena * (height - top - bottom); };

  std::string out =
      fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
                  "height=\"{1}\" font-family=\"sans-serif\" font-size=\"11\">\n"
                  "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n"
                  "<text x=\"{2}\" y=\"24\" font-size=\"15\">{3}: {4} of memory</text>\n",
                  width, height, left, escaped(title), megabytes(double(plan.arena)));

  // The classes that occur, each with its colour.
  std::vector<MemoryClass> classes;
  for (const MemoryRow *row : rows)
    if (std::find(classes.begin(), classes.end(), row->memory) == classes.end())
      classes.push_back(row->memory);
  double at = left;
  for (MemoryClass memory : classes) {
    out += fmt::format("<rect x=\"{:.1f}\" y=\"38\" width=\"12\" height=\"12\" fill=\"{}\"/>"
                       "<text x=\"{:.1f}\" y=\"48\">{}</text>\n",
                       at, colourOf(memory), at + 17, nameOf(memory));
    at += 30 + characterWidth * double(std::string(nameOf(memory)).size());
  }

  for (const MemoryRow *row : rows) {
    bool isShared = row->entry.empty();
    double x0 = x(isShared ? 0 : row->first), x1 = x(isShared ? end : row->last + 1);
    double y0 = y(double(row->offset + row->bytes)), y1 = y(double(row->offset));
    std::string lifetime =
        isShared ? "always" : fmt::format("from op {} to op {}", row->first, row->last);
    out += fmt::format(
        "<g><title>{}\n{}\n{}, {}</title><rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" "
        "height=\"{:.2f}\" fill=\"{}\" stroke=\"white\" stroke-width=\"0.4\"/>",
        escaped(row->name), escaped(row->location), megabytes(double(row->bytes)), lifetime, x0, y0,
        x1 - x0, y1 - y0, colourOf(row->memory));
    size_t room = size_t(std::max(0.0, (x1 - x0 - 6) / characterWidth));
    if (y1 - y0 >= lineHeight && room >= 6) {
      std::string name = row->name.size() <= room ? row->name : row->name.substr(0, room - 1) + "…";
      out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x0 + 3, (y0 + y1) / 2 + 4,
                         escaped(name));
    }
    out += "</g>\n";
  }

  for (double byte = 0; byte <= arena; byte += tick(arena))
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", left - 6,
                       y(byte) + 4, megabytes(byte));
  for (double time = 0; time <= end; time += tick(end))
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>\n",
                       x(time), height - bottom + 16, time);
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">ops of the entry, in "
                     "order; loop bodies once</text>\n</svg>\n",
                     (left + width - right) / 2, height - 12);

  std::ofstream stream(file);
  stream << out;
  if (!stream.flush()) {
    std::cerr << fmt::format("frit: {}: cannot be written\n", file);
    throw UserError();
  }
}

} // namespace frit
