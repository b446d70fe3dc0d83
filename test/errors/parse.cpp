// What the parser says about mistakes: the cases in parse/, and texts that a case file cannot hold.
#include "dialect/syntax/Parser.h"
#include "test/errors/Cases.h"
#include <catch2/catch.hpp>

using namespace frit;

static std::string messages(const std::string &text) {
  Sources sources;
  Diagnostics diagnostics;
  parse(sources.add("test.frit", text), diagnostics);
  return diagnostics.render();
}

TEST_CASE("E1: each mistake has its message") {
  size_t count = 0;
  std::filesystem::path folder = std::string(FRIT_SOURCE_DIR) + "/test/errors/parse";
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    for (const ErrorCase &one : readCases(entry.path())) {
      INFO(entry.path().filename().string() << ": " << one.name);
      CHECK(messages(one.program) == one.expected);
      ++count;
    }
  CHECK(count > 30);
}

TEST_CASE("G1: carriage returns: before a line feed they are nothing, alone a mistake") {
  CHECK(messages("use \"a\"\r\n\r\nconfig { a = 1,\r\n b = 2 }\r\n") == "");
  CHECK(messages("use \"a\"\r\nmodle A() {}\r\n") ==
        "test.frit:2:1: error: 'modle' does not start a declaration\n"
        "  modle A() {}\n"
        "  ^~~~~\n"
        "help: did you mean 'model'?\n");
  CHECK(messages("use \"a\"\ruse \"b\"\r") ==
        "test.frit:1:8: error: a carriage return without a line feed\n"
        "  use \"a\"?use \"b\"\n"
        "         ^\n"
        "help: save the file with Unix line ends\n");
}

TEST_CASE("G1: files that are not text") {
  CHECK(messages(std::string("use \"a\"\0\0\0 \0", 12)) ==
        "test.frit:1:8: error: a zero byte: this file is not text\n"
        "  use \"a\"??? ?\n"
        "         ^\n");
  CHECK(messages(std::string("\xff\xfeu\0s\0", 6)) ==
        "test.frit:1:1: error: the file is UTF-16 text\n"
        "  ??u?s?\n"
        "  ^\n"
        "help: save it as UTF-8\n");
  CHECK(messages("\xef\xbb\xbfuse \"a\"") == "");
  CHECK(messages("config { a = \xff\x80 }") ==
        "test.frit:1:14: error: only strings and comments may hold characters beyond ASCII\n"
        "  config { a = ?? }\n"
        "               ^~\n");
  CHECK(messages("config { a = \x01 }") == "test.frit:1:14: error: control character 0x01\n"
                                           "  config { a = ? }\n"
                                           "               ^\n");
}

TEST_CASE("G1: an empty file is a file") {
  CHECK(messages("") == "");
  CHECK(messages(" \t\n") == "");
  CHECK(messages("# nothing") == "");
}

TEST_CASE("G1: tabs are space, and the caret stands below its character") {
  CHECK(messages("config {\n\ta = 1\n\tb\t2\n}") ==
        "test.frit:3:4: error: expected '=' after the name, found '2'\n"
        "  \tb\t2\n"
        "  \t \t^\n");
}

TEST_CASE("E1: characters beyond ASCII count as one column") {
  CHECK(messages("config { a = \"\u00e4\u00f6\", b 2 }") ==
        "test.frit:1:22: error: expected '=' after the name, found '2'\n"
        "  config { a = \"\u00e4\u00f6\", b 2 }\n"
        "                       ^\n");
}

TEST_CASE("a very long line is cut around the caret") {
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += "a = 1, ";
  std::string text = messages("config { " + many + "b 2, " + many + "}");
  CHECK(text.substr(0, text.find('\n')) ==
        "test.frit:1:7012: error: expected '=' after the name, found '2'");
  CHECK(text.size() < 400);
  CHECK(text.find("\n  ...") != text.npos);
  CHECK(text.find("b 2, ") != text.npos);
}

TEST_CASE("E2: a file full of mistakes ends after the first fifty") {
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += "wrong line here\n";
  std::string text = messages(many);
  CHECK(text.find("stopped after 50 errors") != text.npos);
  CHECK(text.find("test.frit:51:") == text.npos);
}

TEST_CASE("near names") {
  using Names = std::vector<std::string>;
  CHECK(nearestNames("widht", {"width", "height", "with"}) == Names{"width", "with"});
  CHECK(nearestNames("layers", {"layer", "layers", "player"}) == Names{"layer", "player"});
  CHECK(nearestNames("x", {"y", "z"}) == Names{});
  CHECK(nearestNames("attn", {"tok", "pos"}) == Names{});
  CHECK(nearestNames("softmx", {"softmax", "softmax"}) == Names{"softmax"});
}

TEST_CASE("E2: one mistake, one error: the same place is reported once") {
  Sources sources;
  const Source &source = sources.add("test.frit", "x + y");
  Diagnostics diagnostics;
  diagnostics.error(source.locate(0, 1), "first").note(source.locate(4, 1), "there").help("try");
  diagnostics.error(source.locate(0, 5), "second").note(source.locate(0, 1), "lost").help("lost");
  diagnostics.error(Location(), "no place").suggest("ab", {"abc"});
  CHECK(diagnostics.render() == "test.frit:1:1: error: first\n"
                                "  x + y\n"
                                "  ^\n"
                                "note: test.frit:1:5: there\n"
                                "  x + y\n"
                                "      ^\n"
                                "help: try\n"
                                "error: no place\n"
                                "help: did you mean 'abc'?\n");
}

TEST_CASE("E1: a message that quotes the source shows control characters as '?'") {
  CHECK(messages("use 'a\x01\x7f'") ==
        "test.frit:1:5: error: strings are written with double quotes\n"
        "  use 'a?\?'\n"
        "      ^~~~~\n"
        "help: write \"a??\"\n");
}

TEST_CASE("files that cannot be read say why") {
  Sources sources;
  std::string reason;
  CHECK(!sources.load("/nowhere/at/all.frit", reason));
  CHECK(reason == "No such file or directory");
  CHECK(!sources.load("/", reason));
  CHECK(reason == "it is a directory");
}
