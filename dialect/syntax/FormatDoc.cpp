// Printing a Doc. `indent` is the column where broken lists align, `base` the column of the
// statement that the doc belongs to: bodies indent from there, whatever brackets they stand in.
#include "dialect/syntax/FormatDoc.h"
#include <algorithm>

namespace frit::doc {

enum class Kind { Text, Concat, Fill, Bracket, Body, Either, Hang };

struct Node {
  Kind kind;
  std::string open, close; // Text in `open`; comment after `{` of a Body in `close`
  std::vector<Doc> parts;
  std::vector<Item> items;
  std::vector<Line> lines;
  std::vector<std::string> endComments;
  size_t width = 0;         // flat
  size_t lead = 0;          // columns up to the first place that may break
  bool leadIsWhole = false; // there is no such place
};

size_t width(const Doc &doc) { return doc->width; }

/// Columns on a screen: characters, not bytes.
static size_t columns(const std::string &text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

static size_t add(size_t a, size_t b) { return std::min(a + b, never); }

Doc text(std::string text) {
  Node node{Kind::Text, std::move(text), "", {}, {}, {}, {}};
  node.width = node.lead = columns(node.open);
  node.leadIsWhole = true;
  return std::make_shared<Node>(std::move(node));
}

Doc comment(std::string text) {
  Node node{Kind::Text, std::move(text), "", {}, {}, {}, {}};
  node.width = never;
  return std::make_shared<Node>(std::move(node));
}

Doc concat(std::vector<Doc> parts) {
  Node node{Kind::Concat, "", "", std::move(parts), {}, {}, {}};
  node.leadIsWhole = true;
  for (const Doc &part : node.parts) {
    node.width = add(node.width, part->width);
    if (node.leadIsWhole) {
      node.lead = add(node.lead, part->lead);
      node.leadIsWhole = part->leadIsWhole;
    }
  }
  return std::make_shared<Node>(std::move(node));
}

static size_t flatWidth(const std::vector<Item> &items) {
  size_t sum = 0;
  for (const Item &item : items) {
    bool commented = !item.comment.empty() || !item.lead.empty();
    sum = commented ? never : add(sum, add(item.doc->width, columns(item.separator)));
  }
  return items.empty() ? 0 : add(sum, items.size() - 1);
}

Doc fill(std::vector<Item> items) {
  Node node{Kind::Fill, "", "", {}, std::move(items), {}, {}};
  node.width = flatWidth(node.items);
  if (!node.items.empty()) {
    const Item &first = node.items[0];
    node.lead = first.doc->lead + columns(first.separator);
    node.leadIsWhole = node.items.size() == 1 && first.doc->leadIsWhole && node.width < never;
  }
  return std::make_shared<Node>(std::move(node));
}

Doc bracket(std::string open, std::vector<Item> items, std::string close,
            std::vector<std::string> endComments) {
  Node node{Kind::Bracket,         std::move(open), std::move(close), {}, std::move(items), {},
            std::move(endComments)};
  node.width = add(flatWidth(node.items), node.open.size() + node.close.size());
  if (!node.endComments.empty())
    node.width = never;
  node.leadIsWhole = node.items.empty() && node.endComments.empty();
  node.lead = node.leadIsWhole ? node.width : node.open.size();
  return std::make_shared<Node>(std::move(node));
}

Doc body(std::vector<Line> lines, std::string comment) {
  Node node{Kind::Body, "{", std::move(comment), {}, {}, std::move(lines), {}};
  node.width = never;
  node.lead = 1;
  return std::make_shared<Node>(std::move(node));
}

Doc either(Doc flat, Doc broken) {
  Node node{Kind::Either, "", "", {std::move(flat), std::move(broken)}, {}, {}, {}};
  node.width = node.parts[0]->width;
  node.lead = node.parts[1]->lead;
  return std::make_shared<Node>(std::move(node));
}

Doc hang(Doc head, Doc rest) {
  Node node{Kind::Hang, "", "", {std::move(head), std::move(rest)}, {}, {}, {}};
  node.width = add(node.parts[0]->width, add(1, node.parts[1]->width));
  node.lead = node.parts[0]->lead;
  return std::make_shared<Node>(std::move(node));
}

Doc unbroken(Doc part) {
  if (part->width >= never)
    return part;
  Node node{Kind::Concat, "", "", {std::move(part)}, {}, {}, {}};
  node.width = node.lead = node.parts[0]->width;
  node.leadIsWhole = true;
  return std::make_shared<Node>(std::move(node));
}

//===-- Printing ----------------------------------------------------------------------------===//

namespace {
class Printer {
public:
  std::string out;
  void lines(const std::vector<Line> &lines, size_t base);

private:
  void write(const std::string &text) {
    out += text;
    column += columns(text);
  }
  void newLine(size_t indent) {
    while (!out.empty() && out.back() == ' ')
      out.pop_back();
    out += '\n' + std::string(indent, ' ');
    column = indent;
  }
  void flat(const Node &node);
  void print(const Doc &doc, size_t base, size_t tail);
  void fill(const std::vector<Item> &items, size_t indent, size_t base, size_t tail);
  void bracket(const Node &node, size_t base, size_t tail);

  size_t column = 0;
};
} // namespace

void Printer::flat(const Node &node) {
  if (node.kind == Kind::Either)
    return flat(*node.parts[0]);
  write(node.open);
  for (size_t i = 0; i < node.parts.size(); ++i) {
    if (i > 0 && node.kind == Kind::Hang)
      write(" ");
    flat(*node.parts[i]);
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    if (i > 0)
      write(" ");
    flat(*node.items[i].doc);
    write(node.items[i].separator);
  }
  write(node.close);
}

void Printer::print(const Doc &doc, size_t base, size_t tail) {
  const Node &node = *doc;
  if (node.width < never && (column + node.width + tail <= limit || node.leadIsWhole))
    return flat(node);
  switch (node.kind) {
  case Kind::Text:
    return write(node.open);
  case Kind::Concat: {
    // What follows each part, up to the first place that may break.
    std::vector<size_t> tails(node.parts.size());
    for (size_t i = node.parts.size(); i-- > 0; tail = node.parts[i]->lead + tail) {
      tails[i] = tail;
      if (!node.parts[i]->leadIsWhole)
        tail = 0;
    }
    for (size_t i = 0; i < node.parts.size(); ++i)
      print(node.parts[i], base, tails[i]);
    return;
  }
  case Kind::Fill:
    return fill(node.items, column, base, tail);
  case Kind::Bracket:
    return bracket(node, base, tail);
  case Kind::Body:
    write("{");
    if (!node.close.empty())
      write("  " + node.close);
    lines(node.lines, base + 2);
    newLine(base);
    return write("}");
  case Kind::Either:
    return print(node.parts[1], base, tail);
  case Kind::Hang:
    print(node.parts[0], base, 0);
    newLine(base + 2);
    return print(node.parts[1], base + 2, tail);
  }
}

void Printer::fill(const std::vector<Item> &items, size_t indent, size_t base, size_t tail) {
  bool mustBreak = false;
  for (size_t i = 0; i < items.size(); ++i) {
    const Item &item = items[i];
    size_t after = columns(item.separator) + (i + 1 == items.size() ? tail : 0);
    size_t needed = item.doc->width < never ? item.doc->width + after : item.doc->lead;
    if (i > 0) {
      if (mustBreak || !item.lead.empty() || column + 1 + needed > limit)
        newLine(indent);
      else
        write(" ");
    }
    for (const std::string &comment : item.lead) {
      write(comment);
      newLine(indent);
    }
    print(item.doc, base, after);
    write(item.separator);
    if (!item.comment.empty())
      write("  " + item.comment);
    mustBreak = item.breaksAfter || !item.comment.empty();
  }
}

void Printer::bracket(const Node &node, size_t base, size_t tail) {
  write(node.open);
  size_t indent = column;
  // Far to the right there is no room to align: start over on the next line.
  if (column > 60) {
    indent = base + 4;
    newLine(indent);
  }
  fill(node.items, indent, base, node.close.size() + tail);
  bool commented = !node.items.empty() && !node.items.back().comment.empty();
  for (const std::string &comment : node.endComments) {
    newLine(indent);
    write(comment);
    commented = true;
  }
  if (commented)
    newLine(base);
  write(node.close);
}

void Printer::lines(const std::vector<Line> &lines, size_t base) {
  for (const Line &line : lines) {
    if (!line.doc) {
      out += '\n';
      continue;
    }
    newLine(base);
    print(line.doc, base, 0);
    if (!line.comment.empty())
      write((width(line.doc) == 0 ? "" : "  ") + line.comment);
  }
}

std::string print(const std::vector<Line> &lines) {
  Printer printer;
  printer.lines(lines, 0);
  // Every line began with a line end; one belongs at the end instead.
  return lines.empty() ? "" : printer.out.substr(1) + "\n";
}

} // namespace frit::doc
