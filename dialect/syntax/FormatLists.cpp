// Comments, and the two kinds of lists that they stand in: filled ones in brackets, lines in
// braces.
#include "dialect/syntax/Formatter.h"
#include <algorithm>

namespace frit::formatting {

//===-- Comments and places -----------------------------------------------------------------===//

/// The next comment if it stands before `before`, taken.
const Comment *Formatter::nextComment(uint32_t before) {
  if (comment == module.comments.size() || begin(module.comments[comment].at) >= before)
    return nullptr;
  return &module.comments[comment++];
}

/// The first such brace from `from` on, outside comments. Only used where no string can stand.
uint32_t Formatter::find(char brace, uint32_t from) {
  while (source.text[from] != brace)
    from = source.text[from] == '#' ? source.text.find('\n', from) : from + 1;
  return from;
}

/// Spaces between `name` and the symbol after it: as the author wrote them if that aligns it with a
/// line nearby, else `usual`.
size_t Formatter::padding(Location name, char symbol, uint32_t usual) {
  uint32_t at = end(name);
  while (source.text[at] == ' ')
    ++at;
  if (symbol && source.text[at] != symbol)
    return usual;
  constexpr uint32_t near = 2, most = 24;
  Location there = source.locate(at, 0);
  for (uint32_t line = there.line > near ? there.line - near : 1; line <= there.line + near; ++line)
    if (line != there.line && columns.count({there.column, line}) && at - end(name) <= most)
      return std::max(at - end(name), usual);
  return usual;
}

//===-- Lists -------------------------------------------------------------------------------===//

std::vector<Item> Formatter::items(const std::vector<Part> &parts, uint32_t close,
                                   std::vector<std::string> *endComments) {
  std::vector<Item> items;
  uint32_t line = 0; // where the item before ended
  for (const Part &part : parts) {
    Item item;
    // Outside brackets a line must not end before the first item; the second takes its comments.
    bool mayTake = endComments || !items.empty();
    while (const Comment *comment = mayTake ? nextComment(begin(part.at)) : nullptr) {
      if (!items.empty() && comment->at.line == line && items.back().comment.empty())
        items.back().comment = commentText(*comment);
      else
        item.lead.push_back(commentText(*comment));
    }
    item.doc = part.build();
    item.separator = part.separator;
    item.breaksAfter = part.breaksAfter;
    line = lastLine(part.at);
    items.push_back(std::move(item));
  }
  if (endComments)
    while (const Comment *comment = nextComment(close)) {
      if (!items.empty() && comment->at.line == line && items.back().comment.empty())
        items.back().comment = commentText(*comment);
      else
        endComments->push_back(commentText(*comment));
    }
  return items;
}

Doc Formatter::brackets(std::string open, const std::vector<Part> &parts, std::string closing,
                        uint32_t close) {
  std::vector<std::string> endComments;
  std::vector<Item> list = items(parts, close, &endComments);
  return doc::bracket(std::move(open), std::move(list), std::move(closing), endComments);
}

/// A list in braces; on one line if it was and fits.
Doc Formatter::braces(const std::vector<Part> &parts, uint32_t open, uint32_t close) {
  bool oneLine = source.locate(open, 1).line == source.locate(close, 1).line;
  std::string openComment;
  ++depth;
  std::vector<Line> list = lines(parts, open, close, &openComment);
  --depth;
  if (list.empty() && openComment.empty())
    return doc::text("{}");
  Doc broken = doc::body(list, openComment);
  if (!oneLine)
    return broken;
  // On one line the author's separators remain; lines() kept them within each line.
  std::vector<Doc> flat = {doc::text("{ ")};
  for (const Line &line : list) {
    if (!line.doc || !line.comment.empty())
      return broken;
    if (flat.size() > 1)
      flat.push_back(doc::text(";  "));
    flat.push_back(line.doc);
  }
  flat.push_back(doc::text(" }"));
  Doc whole = doc::concat(std::move(flat));
  return doc::width(whole) < doc::never ? doc::either(whole, broken) : broken;
}

std::vector<Line> Formatter::lines(const std::vector<Part> &parts, uint32_t open, uint32_t close,
                                   std::string *openComment) {
  bool oneLine = openComment && source.locate(open, 1).line == source.locate(close, 1).line;
  std::vector<Line> lines;
  std::vector<std::pair<Doc, char>> run; // entries that share a line, each with what separates it
  uint32_t line = source.locate(open, 0).line;
  bool isFirst = true, afterEntry = false;

  auto takeComment = [&](const Comment &comment) {
    flushRun(lines, run, !oneLine);
    if (isFirst && openComment && comment.at.line == line && openComment->empty()) {
      *openComment = commentText(comment);
    } else if (afterEntry && comment.at.line == line) {
      lines.back().comment = commentText(comment);
    } else {
      if (!isFirst && comment.at.line > line + 1)
        lines.push_back({nullptr, ""});
      lines.push_back({doc::comment(commentText(comment)), ""});
      isFirst = false;
    }
    afterEntry = false;
    line = comment.at.line;
  };

  uint32_t lastEnd = open;
  for (const Part &part : parts) {
    while (const Comment *comment = nextComment(begin(part.at)))
      takeComment(*comment);
    std::string_view between(source.text.data() + lastEnd, begin(part.at) - lastEnd);
    bool joins = !run.empty() && part.at.line == line;
    if (!joins) {
      flushRun(lines, run, !oneLine);
      if (!isFirst && part.at.line > line + 1)
        lines.push_back({nullptr, ""});
    } else {
      run.back().second = between.find(',') != between.npos ? ',' : ';';
    }
    run.push_back({part.build(), 0});
    isFirst = false;
    afterEntry = true;
    lastEnd = end(part.at);
    line = lastLine(part.at);
    // What stood inside and found no place.
    while (const Comment *comment = nextComment(lastEnd)) {
      flushRun(lines, run, !oneLine);
      lines.push_back({doc::comment(commentText(*comment)), ""});
      afterEntry = false;
    }
  }
  while (const Comment *comment = nextComment(close))
    takeComment(*comment);
  flushRun(lines, run, !oneLine);
  return lines;
}

/// Puts a run of entries on one line if it fits (and `whole`), else breaks it at each `;`, and
/// between commas only where even that is too long.
void Formatter::flushRun(std::vector<Line> &lines, std::vector<std::pair<Doc, char>> &run,
                         bool whole) {
  size_t room = doc::limit - std::min<size_t>(2 * depth, doc::limit);
  auto join = [&](size_t from, size_t to) {
    std::vector<Doc> parts;
    for (size_t i = from; i < to; ++i) {
      parts.push_back(run[i].first);
      if (i + 1 < to)
        parts.push_back(doc::text(run[i].second == ',' ? ", " : ";  "));
    }
    return parts.size() == 1 ? parts[0] : doc::concat(std::move(parts));
  };
  auto add = [&](Doc line) { lines.push_back({std::move(line), ""}); };

  if (!run.empty()) {
    Doc all = join(0, run.size());
    if (run.size() == 1 || (whole && doc::width(all) <= room)) {
      add(all);
      run.clear();
      return;
    }
  }
  for (size_t from = 0; from < run.size();) {
    size_t to = from + 1;
    while (to < run.size() && run[to - 1].second == ',')
      ++to;
    Doc segment = join(from, to);
    if (doc::width(segment) <= room)
      add(segment);
    else
      for (size_t i = from; i < to; ++i)
        add(run[i].first);
    from = to;
  }
  run.clear();
}

} // namespace frit::formatting
