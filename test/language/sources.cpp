// `data = SOURCE(..)` against the runtime's table, when the program is checked.
#include "test/language/Checked.h"

using namespace frit;
using Catch::Contains;

static CheckOptions withSources() {
  CheckOptions options;
  options.sources = {
#define FRIT_SOURCE(name, factory, record, files, arguments) {#name, record, arguments},
#include "runtime/Sources.def"
#undef FRIT_SOURCE
  };
  return options;
}

static std::string saysOfData(const std::string &data, const std::string &takes) {
  return Checked("config { v = 4 }\nobjective o(" + takes +
                     ") { param w: real[] = 1;  minimize w^2 + mean(" +
                     (takes.find("s:") == 0 ? "where(s.mask, w, 0)" : "x * w") +
                     ") }\ntrain o { b = 2, t = 3;  data = " + data +
                     "\noptimizer = sgd(lr = 0.1);  steps = 1 }\n",
                 withSources())
      .messages;
}

TEST_CASE("S3 and S4: a source, its arguments and what it gives are known") {
  const std::string sequence = "s: sequence[b, t; v]", numbers = "x: real[b, t]";
  for (const char *right :
       {"text()", "text(\"a.txt\", tokenizer = words)", "tokens(element = uint32)", "lines()",
        "table(s = words(\"text\"))", "pairs(\"p.tsv\", s = \"text\")", "table(tokenizer = bytes)"})
    CHECK(saysOfData(right, sequence) == "");
  CHECK(saysOfData("table(x = number(\"a\", \"b\", \"c\"))", numbers) == "");
  CHECK(saysOfData("tensors(\"folder\")", numbers) == "");

  std::string said = saysOfData("txt()", sequence);
  CHECK_THAT(
      said, Contains("p.frit:3:33: error: there is no data source 'txt'; there are text, tokens,"));
  CHECK_THAT(said, Contains("did you mean 'text'?"));
  said = saysOfData("text(tokeniser = bytes)", sequence);
  CHECK_THAT(said, Contains("error: source text has no argument 'tokeniser'; it has tokenizer"));
  CHECK_THAT(said, Contains("did you mean 'tokenizer'?"));
  said = saysOfData("text(tokenizer = byte)", sequence);
  CHECK_THAT(said, Contains("error: 'tokenizer' of text is bytes, characters, words or ids"));
  CHECK_THAT(said, Contains("did you mean 'bytes'?"));
  CHECK_THAT(saysOfData("table(y = number(\"y\"))", numbers),
             Contains("error: source table has no argument 'y'; it has tokenizer, x"));
  CHECK_THAT(saysOfData("table(x = catgory(\"y\"))", numbers),
             Contains("did you mean 'category'?"));
  CHECK_THAT(saysOfData("tensors(x = 3)", numbers),
             Contains("error: source tensors has no argument 'x'"));
  said = saysOfData("text()", numbers);
  CHECK_THAT(said,
             Contains("p.frit:2:13: error: objective o takes 'x', but source text gives one"));
  CHECK_THAT(said, Contains("the data comes from here"));
  CHECK_THAT(saysOfData("lines()", sequence + ", label: token[b; v]"),
             Contains("error: objective o takes 'label', but source lines gives one sequence"));
  CHECK_THAT(saysOfData("4", sequence), Contains("error: data is a source"));
}

TEST_CASE("S2: data without the batch axis is given whole, by sources of arrays") {
  auto says = [](const std::string &source, const std::string &data) {
    return Checked("objective o(x: real[n, d], mu: " + data +
                       ") {\n  param w: real[d] = 1\n  minimize mean(dot(w, x, over = d)) - sum(w "
                       "* mu)\n"
                       "}\ntrain o { n = 4, d = 3;  data = " +
                       source + ";  optimizer = sgd(lr = 0.1);  steps = 1 }\n",
                   withSources())
        .messages;
  };
  CHECK(says("tensors()", "real[d]") == "");
  CHECK_THAT(says("table()", "real[d]"),
             Contains("p.frit:1:28: error: 'mu' has no batch axis, but source table gives rows"));
  CHECK_THAT(says("tensors()", "real[d, n]"),
             Contains("error: the batch axis 'n' comes first in data"));
}

TEST_CASE("T4: an objective that takes data is given some") {
  CHECK_THAT(Checked("objective o(x: real[b]) { param w: real[] = 1;  minimize mean(x * w) }\n"
                     "train o { b = 2;  optimizer = sgd(lr = 0.1);  steps = 1 }\n")
                 .messages,
             Contains("error: objective o takes data, and there is none"));
}
