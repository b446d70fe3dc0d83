// Text from a trained model: the predict entry on a sliding window, one token at a time.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Philox.h"
#include "runtime/Sampler.h"
#include "runtime/Signals.h"
#include "runtime/Tokenizer.h"
#include <algorithm>
#include <cstring>

using namespace frit;

namespace {
/// A predict entry: ids [1, t] in, logits [1, t, vocabulary] out.
struct Window {
  const Entry *entry;
  const Field *ids, *logits;
  int64_t length, vocabulary;
};
} // namespace

/// Programs may hold several (predict, predict.64, ...), one per length; shortest first.
static std::vector<Window> findWindows(const Machine &machine) {
  std::vector<Window> windows;
  for (const Entry &entry : machine.description.entries) {
    if (entry.name != "predict" && entry.name.rfind("predict.", 0) != 0)
      continue;
    if (entry.inputs.size() != 1 || entry.outputs.size() != 1)
      continue;
    const Field &ids = entry.inputs[0], &logits = entry.outputs[0];
    if (ids.element != Element::I32 || ids.shape.size() != 2 || ids.shape[0] != 1 ||
        logits.element != Element::F32 || logits.shape.size() != 3 ||
        logits.shape[1] != ids.shape[1])
      continue;
    windows.push_back({&entry, &ids, &logits, ids.shape[1], logits.shape[2]});
  }
  if (windows.empty())
    fail("program '{}' has no entry that predicts the next token: there is nothing to sample",
         machine.description.program);
  std::sort(windows.begin(), windows.end(),
            [](const Window &a, const Window &b) { return a.length < b.length; });
  return windows;
}

/// Logits of the token that follows `tokens`.
static const float *predict(Machine &machine, const std::vector<Window> &windows,
                            const std::vector<int32_t> &tokens, int64_t &vocabulary) {
  int64_t count = int64_t(tokens.size());
  const Window *window = &windows.back();
  for (const Window &candidate : windows)
    if (candidate.length >= count) {
      window = &candidate;
      break;
    }
  int64_t present = std::min(count, window->length);
  uint8_t *ids = machine.at(*window->ids);
  std::memset(ids, 0, size_t(window->ids->bytes()));
  std::memcpy(ids, tokens.data() + (count - present), size_t(present) * 4);
  machine.run(*window->entry);
  vocabulary = window->vocabulary;
  return reinterpret_cast<const float *>(machine.at(*window->logits)) +
         (present - 1) * window->vocabulary;
}

static std::unique_ptr<Tokenizer> tokenizerOf(const Machine &machine, const Meta &meta) {
  const nlohmann::json none;
  nlohmann::json data;
  for (const Turn &turn : machine.description.turns)
    if (nlohmann::json saved = savedData(meta, turn); data.is_null() && saved.is_object() &&
                                                      saved.at("remember").is_object() &&
                                                      saved["remember"].contains("tokenizer"))
      data = saved;
  if (data.is_null())
    return makeTokenizer("ids", none);
  const nlohmann::json &saved = data["remember"]["tokenizer"];
  return makeTokenizer(saved.at("kind"), saved);
}

int frit::sample(const FritLevel &level, const SampleOptions &options) {
  if (options.temperature < 0)
    fail("--temperature {}: cannot be negative", options.temperature);
  if (!(options.topP > 0 && options.topP <= 1))
    fail("--top-p {}: between 0 and 1", options.topP);
  if (options.topK < 0 || options.tokens < 0)
    fail("--top-k and --tokens cannot be negative");
  std::string checkpoint = requireCheckpoint(options.from);
  Meta meta = readMeta(checkpoint);
  Machine machine(level, options.threads);
  std::vector<Window> windows = findWindows(machine);
  std::unique_ptr<Tokenizer> tokenizer = tokenizerOf(machine, meta);
  initialise(machine, meta.seed, meta.steps, meta.scalars);
  loadCheckpoint(machine, checkpoint, meta, /*everything=*/false);

  std::vector<int32_t> tokens;
  tokenizer->encode(options.prompt, "--prompt", tokens);
  for (int32_t token : tokens)
    if (token >= windows[0].vocabulary)
      fail("--prompt: token {}, but the program's vocabulary has {}", token, windows[0].vocabulary);
  std::fwrite(options.prompt.data(), 1, options.prompt.size(), stdout);
  if (tokens.empty()) // something must be there to continue: begin after the end of a line
    tokens.push_back(std::max(0, tokenizer->end()));
  Sampler sampler{options.temperature, options.topK, options.topP};
  for (int64_t i = 0; i < options.tokens && !signalCaught(); ++i) {
    int64_t vocabulary;
    const float *logits = predict(machine, windows, tokens, vocabulary);
    int32_t token = sampler.choose(logits, vocabulary,
                                   unit(draw(options.seed, Stream::Sample, uint64_t(i), 0)));
    tokens.push_back(token);
    std::string text = tokenizer->decode(token);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  std::fputs("\n", stdout);
  return signalCaught() ? 128 + signalCaught() : 0;
}
