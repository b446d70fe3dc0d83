// Text <-> token numbers.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace frit {

class Tokenizer {
public:
  virtual ~Tokenizer() = default;
  virtual std::string kind() const = 0;
  /// Number of tokens it can produce; 0 when it does not know (ids).
  virtual int64_t size() const = 0;
  /// Chooses the vocabulary from a text, at most `limit` tokens (0: any). Does nothing when the
  /// vocabulary is fixed or was remembered.
  virtual void learn(std::string_view text, int64_t limit) {}
  /// Appends the tokens of `text`. `origin` names the text in errors.
  virtual void encode(std::string_view text, const std::string &origin,
                      std::vector<int32_t> &tokens) const = 0;
  virtual std::string decode(int32_t token) const = 0;
  /// The token that ends a line, or -1.
  virtual int32_t end() const { return -1; }
  /// What makeTokenizer needs to make this one again; goes into checkpoints.
  virtual nlohmann::json remember() const { return {{"kind", kind()}}; }
};

/// `kind`: bytes, characters (the distinct characters of the training text, in order), words (the
/// most frequent words; 0 is every other word), ids (numbers written out). `saved`: what an earlier
/// one remembered, or null.
std::unique_ptr<Tokenizer> makeTokenizer(const std::string &kind, const nlohmann::json &saved);

} // namespace frit
