// Programs with random mistakes in them, from the parser to ops: whatever is written, the checker
// answers with messages or with a graph that can be emitted; it neither crashes nor blames itself.
//
//   FRIT_MUTATIONS=100000 FRIT_SEED=7 language-tests "mutated programs*"
//
// A program that breaks this goes, made small, into test/fuzz/found-check.
#include "dialect/syntax/Emit.h"
#include "dialect/syntax/Token.h"
#include "mlir/IR/MLIRContext.h"
#include "test/language/Checked.h"
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <unistd.h>

using namespace frit;
namespace fs = std::filesystem;

namespace {
std::string textOf(const fs::path &path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Program {
  std::string path, text;
  std::vector<std::string> train; // the names of its train blocks
};

std::vector<Program> programs() {
  std::vector<Program> out;
  for (const char *folder : {"/test/programs", "/examples"})
    for (auto &entry : fs::directory_iterator(std::string(FRIT_SOURCE_DIR) + folder))
      if (entry.path().extension() == ".frit")
        out.push_back({entry.path().string(), textOf(entry.path()), {}});
  std::sort(out.begin(), out.end(),
            [](const Program &a, const Program &b) { return a.path < b.path; });
  for (Program &program : out) {
    Sources sources;
    Diagnostics diagnostics;
    ast::Module module = parse(sources.add(program.path, program.text), diagnostics);
    program.train = trainBlocks(module);
  }
  return out;
}

/// The item of a list around a token: from a bracket or comma to the next, whatever is nested.
std::pair<size_t, size_t> itemAround(const std::vector<Token> &tokens, size_t at) {
  auto end = [&](size_t i, int step) {
    for (int depth = 0;; i += step) {
      std::string_view text = tokens[i].text;
      bool opens = text == "(" || text == "[" || text == "{",
           closes = text == ")" || text == "]" || text == "}";
      if (depth == 0 && i != at && (text == "," || (step > 0 ? closes : opens)))
        return i - step;
      if (i != at || (step > 0 ? opens : closes))
        depth += opens ? step : closes ? -step : 0;
      if (i + step >= tokens.size()) // also below 0
        return i;
    }
  };
  return {end(at, -1), end(at, 1)};
}

/// Some tokens are replaced by others of their kind, left out, repeated or exchanged, some items of
/// lists are there twice.
std::string mutated(const std::string &text, std::mt19937 &random) {
  Source source("m", text);
  Diagnostics diagnostics;
  std::vector<ast::Comment> comments;
  std::vector<Token> tokens = tokenize(source, diagnostics, comments);
  tokens.pop_back(); // the end
  std::map<TokenKind, std::vector<std::string>> words;
  for (const Token &token : tokens)
    words[token.kind].emplace_back(token.text);
  for (const char *number : {"0", "1", "2", "0.5", "1e30", "1000000007", "3"})
    words[TokenKind::Number].push_back(number);
  for (const char *name : {"sum", "dot", "index", "softmax", "true", "frozen", "b", "t", "Linear",
                           "kl", "categorical", "copy", "repeat", "model", "forward", "x"})
    words[TokenKind::Name].push_back(name);
  auto pick = [&](size_t n) { return size_t(random() % n); };
  std::map<size_t, std::string> edits; // token -> what stands there now
  for (size_t count = 1 + pick(3); count > 0; --count) {
    size_t at = pick(tokens.size());
    std::string old(tokens[at].text);
    const std::vector<std::string> &same = words[tokens[at].kind];
    switch (pick(9)) {
    case 0:
      edits[at] = "";
      break;
    case 1:
      edits[at] = old + " " + old;
      break;
    case 2: {
      size_t other = pick(tokens.size());
      edits[at] = tokens[other].text;
      edits[other] = old;
      break;
    }
    case 3: {
      auto [first, last] = itemAround(tokens, at);
      size_t begin = tokens[first].at.offset(), stop = tokens[last].at.offset();
      edits[last] = std::string(tokens[last].text) + ", " +
                    text.substr(begin, stop + tokens[last].text.size() - begin);
      break;
    }
    default: // most often the text still parses
      edits[at] = same[pick(same.size())];
    }
  }
  std::string out;
  size_t end = 0;
  for (auto &[index, word] : edits) {
    size_t begin = tokens[index].at.offset();
    out += text.substr(end, begin - end) + word;
    end = begin + tokens[index].text.size();
  }
  return out + text.substr(end);
}

std::string current; // the program being checked, for whom the clock runs out

void tooLong(int) {
  std::string text = "a check took too long; the program:\n" + current;
  [[maybe_unused]] ssize_t done = write(2, text.data(), text.size());
  _exit(1);
}

/// What is wrong with the checker's answer; empty if nothing is.
std::string judge(const std::string &text, const std::string &path, const std::string &train) {
  current = text;
  alarm(20);
  CheckOptions options;
  options.train = train;
  Checked checked(text, options, path);
  std::string wrong;
  if (checked.messages.find("bug in frit") != std::string::npos)
    wrong = checked.messages;
  else if (checked.graph.has_value() != checked.messages.empty())
    wrong = "neither a graph nor a message, or both";
  if (checked.graph) {
    mlir::MLIRContext context;
    if (!emit(*checked.graph, context))
      wrong = "the graph is no module";
  }
  alarm(0);
  return wrong;
}
} // namespace

TEST_CASE("mutated programs are refused with a message, or become ops") {
  auto number = [](const char *name, unsigned otherwise) {
    const char *text = std::getenv(name);
    return text ? unsigned(std::stoul(text)) : otherwise;
  };
  std::vector<Program> all = programs();
  REQUIRE(all.size() > 15);
  std::mt19937 random(number("FRIT_SEED", 1));
  signal(SIGALRM, tooLong);
  for (unsigned i = 0; i < number("FRIT_MUTATIONS", 150); ++i) {
    const Program &program = all[random() % all.size()];
    std::string train = program.train.empty() ? "" : program.train[random() % program.train.size()];
    std::string text = mutated(program.text, random), wrong = judge(text, program.path, train);
    if (wrong.empty())
      continue;
    fs::path kept = fs::temp_directory_path() / ("frit-mutation-" + std::to_string(i) + ".frit");
    std::ofstream(kept) << text;
    FAIL_CHECK("of " << program.path << ", train " << train << ", kept as " << kept.string() << "\n"
                     << wrong);
  }
}

TEST_CASE("what was found before") {
  for (auto &entry :
       fs::directory_iterator(std::string(FRIT_SOURCE_DIR) + "/test/fuzz/found-check")) {
    INFO(entry.path().string());
    CHECK(judge(textOf(entry.path()), entry.path().string(), "") == "");
  }
}
