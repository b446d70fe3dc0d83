#include "runtime/Tokenizer.h"
#include "runtime/Error.h"
#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

using namespace frit;
using Json = nlohmann::json;

namespace {

class Bytes : public Tokenizer {
  std::string kind() const override { return "bytes"; }
  int64_t size() const override { return 256; }
  int32_t end() const override { return '\n'; }
  void encode(std::string_view text, const std::string &,
              std::vector<int32_t> &tokens) const override {
    for (unsigned char byte : text)
      tokens.push_back(byte);
  }
  std::string decode(int32_t token) const override { return std::string(1, char(token)); }
};

/// Bytes of the UTF-8 character at `at`, or 0 when there is none.
size_t characterLength(std::string_view text, size_t at) {
  unsigned char first = text[at];
  size_t length = first < 0x80   ? 1
                  : first < 0xC2 ? 0
                  : first < 0xE0 ? 2
                  : first < 0xF0 ? 3
                  : first < 0xF5 ? 4
                                 : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80)
      return 0;
  return length;
}

size_t lineOf(std::string_view text, size_t at) {
  return 1 + size_t(std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n'));
}

class Characters : public Tokenizer {
public:
  explicit Characters(const Json &saved) {
    if (saved.is_object())
      for (const Json &character : saved.at("characters"))
        add(character.get<std::string>());
  }
  std::string kind() const override { return "characters"; }
  int64_t size() const override { return int64_t(characters.size()); }
  int32_t end() const override {
    auto found = numbers.find("\n");
    return found == numbers.end() ? -1 : found->second;
  }
  void learn(std::string_view text, int64_t limit) override {
    if (!characters.empty())
      return;
    std::map<std::string, bool> distinct; // UTF-8 sorts as code points do
    for (size_t at = 0; at < text.size();) {
      size_t length = checkedLength(text, at, "the training text");
      distinct.emplace(text.substr(at, length), true);
      at += length;
    }
    if (limit && int64_t(distinct.size()) > limit)
      fail("the training text has {} distinct characters, the program's vocabulary has {}",
           distinct.size(), limit);
    for (auto &[character, yes] : distinct)
      add(character);
  }
  void encode(std::string_view text, const std::string &origin,
              std::vector<int32_t> &tokens) const override {
    std::string key;
    for (size_t at = 0; at < text.size();) {
      size_t length = checkedLength(text, at, origin);
      key.assign(text.substr(at, length));
      auto found = numbers.find(key);
      if (found == numbers.end())
        fail("{}:{}: the character '{}' does not occur in the text the model was trained on",
             origin, lineOf(text, at), key);
      tokens.push_back(found->second);
      at += length;
    }
  }
  std::string decode(int32_t token) const override {
    return token >= 0 && token < size() ? characters[size_t(token)] : "?";
  }
  Json remember() const override { return {{"kind", kind()}, {"characters", characters}}; }

private:
  static size_t checkedLength(std::string_view text, size_t at, const std::string &origin) {
    size_t length = characterLength(text, at);
    if (length == 0)
      fail("{}:{}: byte {} is not UTF-8; tokenizer = bytes takes any file", origin,
           lineOf(text, at), at);
    return length;
  }
  void add(const std::string &character) {
    numbers.emplace(character, int32_t(characters.size()));
    characters.push_back(character);
  }

  std::vector<std::string> characters;
  std::unordered_map<std::string, int32_t> numbers;
};

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Calls use(word) for each run of characters between white space.
template <typename Use> void forWords(std::string_view text, Use use) {
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    while (at < text.size() && !isSpace(text[at]))
      ++at;
    if (at > begin)
      use(text.substr(begin, at - begin));
    else
      ++at;
  }
}

class Words : public Tokenizer {
public:
  explicit Words(const Json &saved) {
    if (saved.is_object())
      for (const Json &word : saved.at("words"))
        add(word.get<std::string>());
  }
  std::string kind() const override { return "words"; }
  int64_t size() const override { return int64_t(words.size()) + 1; }
  void learn(std::string_view text, int64_t limit) override {
    if (!words.empty())
      return;
    std::map<std::string, int64_t> counts;
    forWords(text, [&](std::string_view word) { ++counts[std::string(word)]; });
    std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
    std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (limit && int64_t(sorted.size()) > limit - 1)
      sorted.resize(size_t(std::max<int64_t>(0, limit - 1)));
    for (auto &[word, count] : sorted)
      add(word);
  }
  void encode(std::string_view text, const std::string &,
              std::vector<int32_t> &tokens) const override {
    forWords(text, [&](std::string_view word) {
      auto found = numbers.find(std::string(word));
      tokens.push_back(found == numbers.end() ? 0 : found->second);
    });
  }
  std::string decode(int32_t token) const override {
    return token > 0 && token < size() ? words[size_t(token) - 1] + " " : "? ";
  }
  Json remember() const override { return {{"kind", kind()}, {"words", words}}; }

private:
  void add(const std::string &word) {
    words.push_back(word);
    numbers.emplace(word, int32_t(words.size()));
  }
  std::vector<std::string> words; // token 0 is every other word
  std::unordered_map<std::string, int32_t> numbers;
};

/// For token files made elsewhere: a prompt is numbers, and so is what comes out.
class Ids : public Tokenizer {
  std::string kind() const override { return "ids"; }
  int64_t size() const override { return 0; }
  void encode(std::string_view text, const std::string &origin,
              std::vector<int32_t> &tokens) const override {
    forWords(text, [&](std::string_view word) {
      int32_t token = 0;
      auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), token);
      if (error != std::errc() || end != word.data() + word.size() || token < 0)
        fail("{}: '{}' is not a token number; this model was trained on token numbers", origin,
             word);
      tokens.push_back(token);
    });
  }
  std::string decode(int32_t token) const override { return std::to_string(token) + " "; }
};

} // namespace

std::unique_ptr<Tokenizer> frit::makeTokenizer(const std::string &kind, const Json &saved) {
  if (saved.is_object() && saved.value("kind", "") != kind)
    fail("the checkpoint was made with tokenizer = {}, this program has tokenizer = {}",
         saved.value("kind", "?"), kind);
  if (kind == "bytes")
    return std::make_unique<Bytes>();
  if (kind == "characters")
    return std::make_unique<Characters>(saved);
  if (kind == "words")
    return std::make_unique<Words>(saved);
  if (kind == "ids")
    return std::make_unique<Ids>();
  fail("there is no tokenizer '{}'; there are bytes, characters, words and ids", kind);
}
