// What may be asked of the pipeline, and what it says to the rest.
#include "test/passes/Program.h"

using namespace frit;

namespace {
/// The passes that options give, as text.
std::string passesOf(const PipelineOptions &options) {
  mlir::MLIRContext context;
  mlir::PassManager manager(&context);
  buildPipeline(manager, options);
  std::string out;
  llvm::raw_string_ostream stream(out);
  manager.printAsTextualPipeline(stream);
  return out;
}
int count(const std::string &text, const std::string &part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}
} // namespace

TEST_CASE("a stage ends the pipeline") {
  PipelineOptions options;
  options.stopAfter = "ops";
  CHECK(count(passesOf(options), "frit-") == 0);
  options.stopAfter = "Differentiate";
  CHECK(count(passesOf(options), "frit-differentiate") == 1);
  CHECK(count(passesOf(options), "frit-hoist") == 0);
  options.stopAfter = "grad";
  CHECK(count(passesOf(options), "frit-hoist") == 1);
}

TEST_CASE("a disabled pass is left out everywhere") {
  PipelineOptions options;
  options.disabled = {"Simplify"};
  CHECK(mistakeIn(options).empty());
  CHECK(count(passesOf(options), "frit-simplify") == 0);
  CHECK(count(passesOf(options), "frit-differentiate") == 1);
}

TEST_CASE("the naive pipeline has what must be") {
  PipelineOptions options;
  options.naive = true;
  options.stopAfter = "grad";
  CHECK(count(passesOf(options), "frit-differentiate") == 1);
  CHECK(count(passesOf(options), "frit-simplify") == 0);
}

TEST_CASE("mistakes are sentences") {
  PipelineOptions options;
  CHECK(mistakeIn(options).empty());
  options.stopAfter = "fsued";
  CHECK_THAT(mistakeIn(options), Catch::StartsWith("there is no pass or stage 'fsued'; there are"));
  options.stopAfter.clear();
  options.disabled = {"Hoits"};
  CHECK_THAT(mistakeIn(options), Catch::StartsWith("there is no pass 'Hoits'; there are"));
  options.disabled = {"Differentiate"};
  CHECK(mistakeIn(options) ==
        "pass 'Differentiate' cannot be left out: there is no program without it");
}
