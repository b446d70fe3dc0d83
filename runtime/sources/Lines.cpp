// One example a line: the line's tokens, then the tokenizer's end of line. Longer lines are cut.
#include "runtime/Error.h"
#include "runtime/File.h"
#include "runtime/Source.h"
#include "runtime/Tokenizer.h"

using namespace frit;

namespace {

class Lines : public Source {
public:
  explicit Lines(const SourceRequest &request)
      : tokenizer(makeTokenizer(request.info.arguments.value("tokenizer", "bytes"),
                                request.saved.is_object() ? request.saved.at("tokenizer")
                                                          : nlohmann::json())),
        vocabulary(request.vocabulary) {
    std::string name = sequenceParameter(request);
    std::vector<std::string> provided;
    for (const char *field : sequenceFieldNames)
      provided.push_back(name + "." + field);
    checkProvided(request, provided, "a sequence has ids, next, real, mask and row");
    for (size_t part = 0; part < 2; ++part)
      if (request.entries[part])
        fields[part] = SequenceFields(*request.entries[part], name);

    for (const std::string &file : request.files)
      read(file, lines[0]);
    std::string all;
    for (const Line &line : lines[0])
      all += line.text + "\n";
    tokenizer->learn(all, vocabulary);
    if (vocabulary && tokenizer->size() > vocabulary)
      fail("tokenizer = {} has {} tokens, the program's vocabulary has {}", tokenizer->kind(),
           tokenizer->size(), vocabulary);
    if (request.allHeldOut)
      std::swap(lines[0], lines[1]);
    else if (!request.validation.empty())
      for (const std::string &file : request.validation)
        read(file, lines[1]);
    else
      holdOut(request.fraction);
    if (request.entries[0] && !request.allHeldOut && lines[0].empty())
      fail("'{}' has no lines to train on", request.files[0]);
    if (request.entries[1] && lines[1].empty() &&
        (request.allHeldOut || request.fraction > 0 || !request.validation.empty()))
      fail("'{}' has no lines to evaluate on", request.files[0]);
  }

  int64_t examples(Part part) const override { return int64_t(lines[size_t(part)].size()); }

  void provide(Part part, int64_t example, int64_t row, uint8_t *arena) const override {
    const Line &line = lines[size_t(part)][size_t(example)];
    std::vector<int32_t> tokens;
    tokenizer->encode(line.text, line.origin, tokens);
    if (tokenizer->end() >= 0)
      tokens.push_back(tokenizer->end());
    int64_t bad = fields[size_t(part)].write(tokens.data(), int64_t(tokens.size()), line.number,
                                             row, vocabulary, arena);
    if (bad >= 0)
      fail("{}: token {} is {}, but the program's vocabulary has {}", line.origin, bad,
           tokens[size_t(bad)], vocabulary);
  }

  nlohmann::json remember() const override { return {{"tokenizer", tokenizer->remember()}}; }

private:
  struct Line {
    std::string text, origin;
    int64_t number;
  };

  static void read(const std::string &name, std::vector<Line> &into) {
    MappedFile file(name);
    std::string_view rest = file.text();
    for (int64_t number = 1; !rest.empty(); ++number) {
      size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
      if (!line.empty() && line.back() == '\r')
        line.remove_suffix(1);
      if (!line.empty())
        into.push_back({std::string(line), fmt::format("{}:{}", name, number), number - 1});
    }
  }

  void holdOut(double fraction) {
    auto parts = splitExamples(int64_t(lines[0].size()), fraction);
    std::vector<Line> all = std::move(lines[0]);
    for (size_t part = 0; part < 2; ++part) {
      lines[part].clear();
      for (uint32_t index : parts[part])
        lines[part].push_back(all[index]);
    }
  }

  std::unique_ptr<Tokenizer> tokenizer;
  int64_t vocabulary;
  std::array<SequenceFields, 2> fields;
  std::array<std::vector<Line>, 2> lines;
};

} // namespace

std::unique_ptr<Source> frit::makeLines(const SourceRequest &request) {
  return std::make_unique<Lines>(request);
}
