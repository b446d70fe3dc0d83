// The programs of the language check: every train block of every file. The last one draws from a
// model that sees the future, and is refused.
#include "test/language/Checked.h"
#include <filesystem>

using namespace frit;

static std::vector<std::string> filesOf(const std::string &folder) {
  std::vector<std::string> out;
  for (auto &file :
       std::filesystem::directory_iterator(std::string(FRIT_SOURCE_DIR) + "/" + folder))
    if (file.path().extension() == ".frit")
      out.push_back(file.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

static std::vector<std::string> blocksOf(const std::string &path) {
  Sources sources;
  Diagnostics diagnostics;
  std::string reason;
  const Source *source = sources.load(path, reason);
  REQUIRE(source);
  ast::Module module = parse(*source, diagnostics);
  return trainBlocks(module);
}

TEST_CASE("every train block of the programs checks") {
  for (const std::string &path : filesOf("test/programs"))
    for (const std::string &train : blocksOf(path)) {
      if (path.find("15_neg") != std::string::npos)
        continue;
      CheckOptions options;
      options.onlyCheck = true;
      options.train = train;
      Checked checked(options, path);
      INFO(path << " train " << train << "\n" << checked.messages);
      CHECK(checked.graph.has_value());
    }
}

TEST_CASE("N1: a draw from a model that sees later tokens is refused") {
  CheckOptions options;
  options.onlyCheck = true;
  Checked checked(options, std::string(FRIT_SOURCE_DIR) + "/test/programs/15_neg.frit");
  CHECK_FALSE(checked.graph.has_value());
  CHECK_THAT(checked.messages, Catch::Contains("draw: what is drawn at position i along 't' may "
                                               "depend on later positions"));
}

TEST_CASE("the examples check at full size and small") {
  for (const std::string &path : filesOf("examples"))
    for (bool small : {false, true}) {
      CheckOptions options;
      options.onlyCheck = true;
      options.small = small;
      options.gradients = true;
      Checked checked(options, path);
      INFO(path << "\n" << checked.messages);
      CHECK(checked.graph.has_value());
    }
}
