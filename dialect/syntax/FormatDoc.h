// Text that knows where it may break: what the formatter builds and then prints to a width.
//
// A Doc is printed flat, on one line, when it fits between the current column and the limit (with
// `tail`, what follows up to its first break); else its own breaks open, outermost first.
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace frit::doc {

struct Node;
using Doc = std::shared_ptr<const Node>;

/// One item of a filled list.
struct Item {
  Doc doc;
  std::string separator;         // printed after it: "," ";" " +" …
  bool breaksAfter = false;      // when the list does not fit as a whole (`;` between parameters)
  std::vector<std::string> lead; // comments on lines of their own before it
  std::string comment;           // comment after it, or empty
};

/// One line of a body, as printed; a null doc is a blank line.
struct Line {
  Doc doc;
  std::string comment; // after it, or empty
};

Doc text(std::string text);
/// Text that takes the rest of its line.
Doc comment(std::string text);
Doc concat(std::vector<Doc> parts);
/// Items with a space between, broken where the next one does not fit, aligned with the first.
Doc fill(std::vector<Item> items);
/// A filled list in brackets; `endComments` stand before the closing one.
Doc bracket(std::string open, std::vector<Item> items, std::string close,
            std::vector<std::string> endComments = {});
/// `{`, lines two columns further in, `}`. `comment` stands after the `{`.
Doc body(std::vector<Line> lines, std::string comment);
/// `flat` if it fits, else `broken`.
Doc either(Doc flat, Doc broken);
/// `head`, and `rest` after it or, if that does not fit, on the next line.
Doc hang(Doc head, Doc rest);

/// Never broken, so what stands before it breaks instead.
Doc unbroken(Doc part);

/// Columns when printed flat; `never` if it cannot be.
size_t width(const Doc &doc);
constexpr size_t never = size_t(1) << 30;
constexpr size_t limit = 100;

/// The lines one below the other, from column 1.
std::string print(const std::vector<Line> &lines);

} // namespace frit::doc
