// Cases of programs with mistakes and what is said about them. A case file holds any number of
//
//   === a sentence that names the case
//   the program
//   --- expected
//   test.frit:1:5: error: …
//
// and the program is called test.frit in the messages. What is expected is all that is said, to the
// letter. Lines before the first `===` are a comment.
#pragma once
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

struct ErrorCase {
  std::string name, program, expected;
};

inline std::vector<ErrorCase> readCases(const std::filesystem::path &path) {
  std::ifstream in(path);
  if (!in)
    throw std::runtime_error("cannot read " + path.string());
  std::vector<ErrorCase> cases;
  std::string *into = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("=== ", 0) == 0) {
      cases.push_back({line.substr(4), "", ""});
      into = &cases.back().program;
    } else if (line == "--- expected" && into) {
      into = &cases.back().expected;
    } else if (into) {
      *into += line + "\n";
    }
  }
  for (ErrorCase &one : cases) // a blank line before the next case is not expected
    while (one.expected.size() > 1 && one.expected.compare(one.expected.size() - 2, 2, "\n\n") == 0)
      one.expected.pop_back();
  return cases;
}
