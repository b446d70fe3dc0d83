// Windows of a long token sequence: text files through a tokenizer, and token files as they are.
// Training draws windows of t + 1 tokens anywhere in the training part; evaluation walks the
// held-out part window after window, each target once.
#include "runtime/Error.h"
#include "runtime/File.h"
#include "runtime/Source.h"
#include "runtime/Tokenizer.h"
#include <algorithm>
#include <cstring>

using namespace frit;

namespace {

/// A sequence of tokens, 1, 2 or 4 bytes each, in a mapped file or in memory of its own.
struct Tokens {
  std::string origin;
  std::shared_ptr<void> owner;
  const uint8_t *data = nullptr;
  int64_t count = 0;
  int width = 1;

  int32_t at(int64_t index) const {
    switch (width) {
    case 1:
      return data[index];
    case 2: {
      uint16_t value;
      std::memcpy(&value, data + 2 * index, 2);
      return value;
    }
    default: {
      int32_t value;
      std::memcpy(&value, data + 4 * index, 4);
      return value;
    }
    }
  }
};

/// Part of a sequence.
struct Range {
  std::shared_ptr<const Tokens> tokens;
  int64_t begin = 0, count = 0;
};

class Windows : public Source {
public:
  Windows(const SourceRequest &request, std::array<Range, 2> ranges,
          std::unique_ptr<Tokenizer> tokenizer)
      : ranges(std::move(ranges)), tokenizer(std::move(tokenizer)), vocabulary(request.vocabulary) {
    std::string name = sequenceParameter(request);
    std::vector<std::string> provided;
    for (const char *field : sequenceFieldNames)
      provided.push_back(name + "." + field);
    checkProvided(request, provided, "a sequence has ids, next, real, mask and row");
    for (int part = 0; part < 2; ++part)
      if (request.entries[size_t(part)])
        fields[size_t(part)] = SequenceFields(*request.entries[size_t(part)], name);
    checkLength(request);
  }

  int64_t examples(Part part) const override {
    const Range &range = ranges[size_t(part)];
    int64_t length = fields[size_t(part)].length;
    if (length == 0 || range.count < 2)
      return 0;
    if (part == Part::Training)
      return std::max<int64_t>(0, range.count - length);
    return (range.count - 1 + length - 1) / length;
  }
  bool isWindowed() const override { return true; }
  int64_t examplesPerEpoch() const override {
    int64_t length = std::max<int64_t>(1, fields[0].length);
    return std::max<int64_t>(1, (ranges[0].count - 1) / length);
  }

  void provide(Part part, int64_t example, int64_t row, uint8_t *arena) const override {
    const SequenceFields &target = fields[size_t(part)];
    const Range &range = ranges[size_t(part)];
    int64_t begin = part == Part::Training ? example : example * target.length;
    int64_t count = std::min(target.length + 1, range.count - begin);
    std::vector<int32_t> window(size_t(count), 0);
    for (int64_t i = 0; i < count; ++i)
      window[size_t(i)] = range.tokens->at(range.begin + begin + i);
    int64_t bad = target.write(window.data(), count, example, row, vocabulary, arena);
    if (bad >= 0)
      fail("'{}': token {} is {}, but the program's vocabulary has {}", range.tokens->origin,
           range.begin + begin + bad, uint32_t(window[size_t(bad)]), vocabulary);
  }

  nlohmann::json remember() const override { return {{"tokenizer", tokenizer->remember()}}; }

private:
  void checkLength(const SourceRequest &request) const {
    const Range &training = ranges[0], &heldOut = ranges[1];
    int64_t length = fields[0].length;
    if (request.entries[0] && !request.allHeldOut && training.count < length + 1)
      fail("'{}' is too short: it has {} tokens, {} of them for training; one window needs {} "
           "(t = {}, and one more as the last target)",
           training.tokens->origin, training.tokens->count, training.count, length + 1, length);
    bool wanted = request.allHeldOut || !request.validation.empty() || request.fraction > 0;
    if (request.entries[1] && wanted && heldOut.count < 2)
      fail("'{}' is too short: {} of its {} tokens are held out; evaluating needs 2",
           heldOut.tokens->origin, heldOut.count, heldOut.tokens->count);
  }

  std::array<Range, 2> ranges;
  std::array<SequenceFields, 2> fields;
  std::unique_ptr<Tokenizer> tokenizer;
  int64_t vocabulary;
};

/// The last floor(count * fraction) tokens are held out; training never sees them.
std::array<Range, 2> split(const SourceRequest &request, std::shared_ptr<const Tokens> tokens,
                           std::shared_ptr<const Tokens> validation) {
  if (request.allHeldOut)
    return {Range{tokens, 0, 0}, Range{tokens, 0, tokens->count}};
  if (validation)
    return {Range{tokens, 0, tokens->count}, Range{validation, 0, validation->count}};
  int64_t heldOut = int64_t(double(tokens->count) * request.fraction);
  int64_t training = tokens->count - heldOut;
  return {Range{tokens, 0, training}, Range{tokens, training, heldOut}};
}

std::string joined(const std::vector<std::string> &names) {
  return fmt::format("{}", fmt::join(names, "', '"));
}

template <typename Number>
std::shared_ptr<const Tokens> pack(const std::string &origin, const std::vector<int32_t> &numbers) {
  auto memory = std::make_shared<std::vector<Number>>(numbers.begin(), numbers.end());
  auto tokens = std::make_shared<Tokens>();
  tokens->origin = origin;
  tokens->data = reinterpret_cast<const uint8_t *>(memory->data());
  tokens->count = int64_t(memory->size());
  tokens->width = sizeof(Number);
  tokens->owner = memory;
  return tokens;
}

/// Bytes of a single file stay in the page cache; everything else is encoded into memory.
std::shared_ptr<const Tokens> readText(const std::vector<std::string> &files,
                                       const Tokenizer &tokenizer) {
  if (files.size() == 1 && tokenizer.kind() == "bytes") {
    auto file = std::make_shared<MappedFile>(files[0]);
    auto tokens = std::make_shared<Tokens>();
    tokens->origin = files[0];
    tokens->data = file->data();
    tokens->count = file->size();
    tokens->owner = file;
    return tokens;
  }
  std::vector<int32_t> numbers;
  for (const std::string &name : files) {
    MappedFile file(name);
    tokenizer.encode(file.text(), name, numbers);
  }
  std::string origin = joined(files);
  if (tokenizer.size() <= 256)
    return pack<uint8_t>(origin, numbers);
  if (tokenizer.size() <= 65536)
    return pack<uint16_t>(origin, numbers);
  return pack<int32_t>(origin, numbers);
}

/// A raw file of numbers, or one with the 1024-byte header of llm.c: int32 magic (20240520: uint16,
/// 20240801: uint32), version, token count.
std::shared_ptr<const Tokens> mapTokens(const std::vector<std::string> &files, int width) {
  if (files.size() != 1)
    fail("source 'tokens' reads one file, not {}", files.size());
  auto file = std::make_shared<MappedFile>(files[0]);
  auto tokens = std::make_shared<Tokens>();
  tokens->origin = files[0];
  int64_t begin = 0, header[3] = {0, 0, 0};
  if (file->size() >= 1024)
    for (int i = 0; i < 3; ++i) {
      int32_t word;
      std::memcpy(&word, file->data() + 4 * i, 4);
      header[i] = word;
    }
  if (header[0] == 20240520 || header[0] == 20240801) {
    begin = 1024;
    width = header[0] == 20240520 ? 2 : 4;
    if (file->size() - begin != header[2] * width)
      fail("'{}' should have {} tokens of {} bytes after its header; it has {} bytes", files[0],
           header[2], width, file->size() - begin);
  }
  if ((file->size() - begin) % width != 0)
    fail("'{}' has {} bytes, which is not a whole number of tokens of {} bytes", files[0],
         file->size(), width);
  tokens->data = file->data() + begin;
  tokens->count = (file->size() - begin) / width;
  tokens->width = width;
  tokens->owner = file;
  return tokens;
}

/// Every token of a moderate file is looked at before training; larger files are checked window by
/// window.
void checkVocabulary(const Tokens &tokens, int64_t vocabulary) {
  if (vocabulary == 0 || tokens.count > (int64_t(16) << 20))
    return;
  for (int64_t i = 0; i < tokens.count; ++i)
    if (uint32_t(tokens.at(i)) >= uint64_t(vocabulary))
      fail("'{}': token {} is {}, but the program's vocabulary has {}", tokens.origin, i,
           uint32_t(tokens.at(i)), vocabulary);
}

const nlohmann::json &savedTokenizer(const SourceRequest &request) {
  static const nlohmann::json none;
  auto found = request.saved.find("tokenizer");
  return request.saved.is_object() && found != request.saved.end() ? *found : none;
}

} // namespace

std::unique_ptr<Source> frit::makeText(const SourceRequest &request) {
  auto tokenizer =
      makeTokenizer(request.info.arguments.value("tokenizer", "bytes"), savedTokenizer(request));
  if (tokenizer->kind() == "characters" || tokenizer->kind() == "words") {
    std::string all;
    for (const std::string &name : request.files)
      all += MappedFile(name).text();
    tokenizer->learn(all, request.vocabulary);
  }
  if (request.vocabulary && tokenizer->size() > request.vocabulary)
    fail("tokenizer = {} has {} tokens, the program's vocabulary has {}", tokenizer->kind(),
         tokenizer->size(), request.vocabulary);
  auto tokens = readText(request.files, *tokenizer);
  auto validation = request.validation.empty() ? nullptr : readText(request.validation, *tokenizer);
  return std::make_unique<Windows>(request, split(request, tokens, validation),
                                   std::move(tokenizer));
}

std::unique_ptr<Source> frit::makeTokens(const SourceRequest &request) {
  std::string element =
      request.info.arguments.value("element", request.vocabulary > 65536 ? "uint32" : "uint16");
  if (element != "uint16" && element != "uint32")
    fail("tokens(element = {}): token files are uint16 or uint32", element);
  int width = element == "uint16" ? 2 : 4;
  auto tokens = mapTokens(request.files, width);
  checkVocabulary(*tokens, request.vocabulary);
  std::shared_ptr<const Tokens> validation;
  if (!request.validation.empty()) {
    validation = mapTokens(request.validation, width);
    checkVocabulary(*validation, request.vocabulary);
  }
  return std::make_unique<Windows>(request, split(request, tokens, validation),
                                   makeTokenizer("ids", savedTokenizer(request)));
}
