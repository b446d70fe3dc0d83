#include "test/objectives/random/Generator.h"

namespace frit::test {

const char *modelDeclarations() {
  return R"(model Table() {
  param table: real[vocab; following: vocab] ~ normal(std = 1)
  forward(ids: token[..; vocab]) -> categorical[..; vocab] {
    categorical(logits = rename(table[vocab = ids], following -> vocab), over = vocab)
  }
}
model Shallow() {
  tok = Embedding(vocab, width);  out = Linear(width, vocab)
  forward(ids: token[..; vocab]) -> categorical[..; vocab] {
    categorical(logits = out(tanh(tok(ids))), over = vocab)
  }
}
model Tied() {
  tok = Embedding(vocab, width);  norm = RMSNorm(width)
  forward(ids: token[..; vocab]) -> categorical[..; vocab] {
    categorical(logits = dot(norm(tok(ids)), tok.table, over = width), over = vocab)
  }
}
model Recurrent() {
  tok = Embedding(vocab, width);  cell = GRU(width, width);  out = Linear(width, vocab)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = out(cell(tok(ids))), over = vocab)
  }
}
model Layer() {
  norm = LayerNorm(width);  mix = Linear(width, width)
  forward(x: real[.., width]) -> real[.., width] { x + tanh(mix(norm(x))) }
}
model Deep() {
  tok = Embedding(vocab, width);  layers = repeat(2) Layer();  out = Linear(width, vocab)
  forward(ids: token[..; vocab]) -> categorical[..; vocab] {
    categorical(logits = out(layers(tok(ids))), over = vocab)
  }
}
model Attending() {
  tok = Embedding(vocab, width);  attn = Attention(width, 1, causal = true)
  out = Linear(width, vocab)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    x = tok(ids)
    categorical(logits = out(x + attn(x)), over = vocab)
  }
}
model Critic() {
  tok = Embedding(vocab, width);  out = Linear(width, vocab);  value = Linear(width, [])
  forward(ids: token[..; vocab]) -> (categorical[..; vocab], real[..]) {
    h = tanh(tok(ids))
    (categorical(logits = out(h), over = vocab), value(h))
  }
}
model Scorer() {
  param table: real[vocab] ~ normal(std = 1)
  forward(ids: token[b, t; vocab], real: bool[b, t] = true) -> real[b] {
    sum(table[vocab = ids], over = t, where = real)
  }
}
model Gauss() {
  mean = Linear(width, width);  log_std = Linear(width, width)
  forward(x: real[b, width]) -> (real[b, width], real[b, width]) {
    (mean(x), tanh(log_std(x)))
  }
}
)";
}

} // namespace frit::test
