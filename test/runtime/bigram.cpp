// A "compiled program" written by hand: predicts the next byte from the last one. It has all that
// the compiler's programs have: several levels, state of every role, checkpoint tensors that are
// slices of a stack, scalars, train, eval and predict, kernels split by thread between barriers.
//
// table [V, V] holds logits; loss = mean over the mask of -log softmax(table[id])[next];
// momentum = 0.9 momentum + gradient; table -= lr * momentum; lr falls linearly to 0.
#include "runtime/Abi.h"
#include "runtime/Philox.h"
#include <cmath>
#include <cstring>
#include <fmt/format.h>

#ifndef BIGRAM_VOCABULARY
#define BIGRAM_VOCABULARY 256
#endif

namespace {
constexpr int64_t V = BIGRAM_VOCABULARY, B = 4, T = 32;

// The plan. Offsets in bytes.
constexpr int64_t table = 0, momentum = table + V * V * 4, count = momentum + V * V * 4,
                  gradient = count + 64, evalSum = gradient + V * V * 4, evalCount = evalSum + 64,
                  scalarLr = evalCount + 64, scalarSeed = scalarLr + 64,
                  scalarStep = scalarSeed + 64, scalarSteps = scalarStep + 64,
                  ids = scalarSteps + 64, next = ids + B * T * 4, mask = next + B * T * 4,
                  losses = mask + B * T, outLoss = losses + B * T * 4, outNorm = outLoss + 64,
                  outLr = outNorm + 64, outBits = outLr + 64, windowIds = outBits + 64,
                  windowLogits = windowIds + T * 4, arenaBytes = windowLogits + T * V * 4;

template <typename T> T *at(FritContext *context, int64_t offset) {
  return reinterpret_cast<T *>(context->arena + offset);
}

void init(FritContext *context, int32_t thread) {
  int32_t seed = *at<int32_t>(context, scalarSeed);
  for (int64_t i = thread; i < V * V; i += context->threads) {
    uint32_t bits = frit::philox({uint32_t(i), 0, 0, 0}, {uint32_t(seed), 99})[0];
    at<float>(context, table)[i] = (float(bits >> 8) * 0x1p-24f - 0.5f) * 0.01f;
    at<float>(context, momentum)[i] = 0;
    at<float>(context, gradient)[i] = 0;
  }
  if (thread == 0)
    *at<int32_t>(context, count) = 0;
}

/// Loss of each token, and the gradient of the sum when wanted. A thread owns the rows of the table
/// whose number it has modulo the threads: sums have one order, whatever the number of threads.
void tokens(FritContext *context, int32_t thread, bool wantGradient) {
  for (int64_t k = 0; k < B * T; ++k) {
    int32_t id = at<int32_t>(context, ids)[k], target = at<int32_t>(context, next)[k];
    if (id % context->threads != thread)
      continue;
    at<float>(context, losses)[k] = 0;
    if (!at<uint8_t>(context, mask)[k])
      continue;
    const float *logits = at<float>(context, table) + id * V;
    float largest = logits[0], sum = 0;
    for (int64_t v = 1; v < V; ++v)
      largest = std::fmax(largest, logits[v]);
    for (int64_t v = 0; v < V; ++v)
      sum += std::exp(logits[v] - largest);
    at<float>(context, losses)[k] = std::log(sum) + largest - logits[target];
    if (!wantGradient)
      continue;
    float *row = at<float>(context, gradient) + id * V;
    for (int64_t v = 0; v < V; ++v)
      row[v] += std::exp(logits[v] - largest) / sum;
    row[target] -= 1;
  }
}

int32_t present(FritContext *context) {
  int32_t result = 0;
  for (int64_t k = 0; k < B * T; ++k)
    result += at<uint8_t>(context, mask)[k];
  return result;
}

void train(FritContext *context, int32_t thread) {
  tokens(context, thread, true);
  frit_barrier(context);
  float inverse = 1.0f / float(present(context));
  float step = float(*at<int32_t>(context, scalarStep)),
        steps = float(*at<int32_t>(context, scalarSteps));
  float lr = *at<float>(context, scalarLr) * (1 - step / steps);
  if (thread == 0) {
    float loss = 0, squares = 0;
    for (int64_t k = 0; k < B * T; ++k)
      loss += at<float>(context, losses)[k];
    for (int64_t i = 0; i < V * V; ++i)
      squares += at<float>(context, gradient)[i] * at<float>(context, gradient)[i];
    *at<float>(context, outLoss) = loss * inverse;
    *at<float>(context, outNorm) = std::sqrt(squares) * inverse;
    *at<float>(context, outLr) = lr;
    ++*at<int32_t>(context, count);
  }
  frit_barrier(context);
  for (int64_t i = thread; i < V * V; i += context->threads) {
    float &m = at<float>(context, momentum)[i], &g = at<float>(context, gradient)[i];
    m = 0.9f * m + g * inverse;
    g = 0;
    at<float>(context, table)[i] -= lr * m;
  }
}

void evalBegin(FritContext *context, int32_t thread) {
  if (thread == 0) {
    *at<double>(context, evalSum) = 0;
    *at<int32_t>(context, evalCount) = 0;
  }
}

void eval(FritContext *context, int32_t thread) {
  tokens(context, thread, false);
  frit_barrier(context);
  if (thread != 0)
    return;
  for (int64_t k = 0; k < B * T; ++k)
    *at<double>(context, evalSum) += at<float>(context, losses)[k];
  *at<int32_t>(context, evalCount) += present(context);
}

void report(FritContext *context, int32_t thread) {
  if (thread != 0)
    return;
  double loss = *at<double>(context, evalSum) / *at<int32_t>(context, evalCount);
  *at<float>(context, outLoss) = float(loss);
  *at<float>(context, outBits) = float(loss / std::log(2.0));
}

void predict(FritContext *context, int32_t thread) {
  for (int64_t i = thread; i < T; i += context->threads)
    std::memcpy(at<float>(context, windowLogits) + i * V,
                at<float>(context, table) + at<int32_t>(context, windowIds)[i] * V, V * 4);
}

std::string describe() {
  std::string head = fmt::format(
      R"({{"format":1,"program":"bigram","run":"pretrain","hash":"{:04x}",
"config":{{"vocab":{},"ctx":{}}},"arena":{},"vocabulary":{{"size":{}}},)",
      V, V, T, arenaBytes, V);
  std::string state = fmt::format(
      R"("state":[
{{"name":"lm.half.table","role":"parameter","element":"f32","shape":[2,{0},{1}],"axes":["half","a","b"],"offset":{2},
  "tensors":[{{"name":"lm.half.0.table","shape":[{0},{1}],"offset":0}},{{"name":"lm.half.1.table","shape":[{0},{1}],"offset":{3}}}]}},
{{"name":"lm.half.table/m","role":"slot","element":"f32","shape":[{1},{1}],"axes":["a","b"],"offset":{4}}},
{{"name":"count","role":"counter","element":"i32","shape":[],"axes":[],"offset":{5}}},
{{"name":"gradient","role":"accumulator","element":"f32","shape":[{1},{1}],"axes":["a","b"],"offset":{6}}}],)",
      V / 2, V, table, V / 2 * V * 4, momentum, count, gradient);
  std::string scalars = fmt::format(
      R"("scalars":[
{{"name":"lr.peak","flag":"lr","element":"f32","offset":{},"default":2.0,"help":"learning rate at the start"}},
{{"name":"seed","flag":"seed","element":"i32","offset":{},"default":1}},
{{"name":"step","element":"i32","offset":{},"default":0}},
{{"name":"steps","element":"i32","offset":{},"default":0}}],)",
      scalarLr, scalarSeed, scalarStep, scalarSteps);
  std::string inputs = fmt::format(
      R"([{{"name":"s.ids","element":"i32","shape":[{0},{1}],"offset":{2},"limit":{3}}},
{{"name":"s.next","element":"i32","shape":[{0},{1}],"offset":{4},"limit":{3}}},
{{"name":"s.mask","element":"i1","shape":[{0},{1}],"offset":{5}}}])",
      B, T, ids, V, next, mask);
  auto output = [](const char *name, int64_t offset) {
    return fmt::format(R"({{"name":"{}","element":"f32","shape":[],"offset":{}}})", name, offset);
  };
  std::string entries = fmt::format(
      R"("entries":{{"init":{{}},"train":{{"inputs":{0},"outputs":[{1},{2},{3}]}},
"eval_begin":{{}},"eval":{{"inputs":{0}}},"report":{{"outputs":[{1},{4}]}},
"predict":{{"inputs":[{{"name":"ids","element":"i32","shape":[1,{5}],"offset":{6}}}],
"outputs":[{{"name":"logits","element":"f32","shape":[1,{5},{7}],"offset":{8}}}]}}}},)",
      inputs, output("loss", outLoss), output("grad_norm", outNorm), output("lr", outLr),
      output("bits_per_byte", outBits), T, windowIds, V, windowLogits);
#ifdef BIGRAM_FROM
  entries += R"("load":[{"model":"lm","file":"teacher"}],)";
#endif
  std::string rest = fmt::format(
      R"("data":{{"train":{{"source":"text","arguments":{{"tokenizer":"bytes"}},"record":{{"s":"sequence"}},"sizes":{{"b":{0},"t":{1}}}}}}},
"training":{{"steps":200,"epochs":null,"validation":0.1,"save":{{"every":50}},"seed":1,"tokens_per_step":{2}}}}})",
      B, T, B * T);
  return head + state + scalars + entries + rest;
}

const FritEntry entries[] = {{"init", init}, {"train", train},   {"eval_begin", evalBegin},
                             {"eval", eval}, {"report", report}, {"predict", predict}};
const std::string description = describe();
const FritLevel avx2 = {"avx2", description.c_str(), entries, 6};
const FritLevel baseline = {"baseline", description.c_str(), entries, 6};
} // namespace

extern "C" const FritLevel *const frit_levels[] = {&avx2, &baseline, nullptr};
