// accumulate = k takes the batch in k pieces and changes nothing else: losses, reports, gradients
// and weights are those of the whole batch.
#include "test/language/Steps.h"

using namespace frit;
using Catch::Contains;

namespace {
/// Attention over padded rows, dropout in the layers and before them, a masked mean, a penalty on a
/// weight, reports of three kinds.
const std::string transformer = R"(
config { vocab = 7, width = 4, heads = 2, layers = 2, ctx = 3, drop = 0.25 }
model Block() {
  norm = LayerNorm(width);  attn = Attention(width, heads, causal = true, drop = drop)
  mlp  = MLP(width, 2 * width)
  state seen: real[] = 0
  forward(x: real[b, t, width], real: bool[b, t]) -> real[b, t, width] {
    h = x + attn(norm(x), real = real)
    h + dropout(mlp(h), drop)
  }
}
model GPT() {
  tok = Embedding(vocab, width);  pos = Embedding(ctx, width);  blocks = repeat(layers) Block()
  forward(ids: token[b, t; vocab], real: bool[b, t]) -> categorical[b, t; vocab] {
    x = dropout(tok(ids) + pos(index(t)), drop)
    categorical(logits = dot(blocks(x, real), tok.table, over = width), over = vocab)
  }
}
objective o(lm: model, s: sequence[b, t; vocab]; decay = 0.01) {
  q = lm(s.ids, s.real)
  loss = mean(nll(q, s.next), where = s.mask)
  minimize loss + decay * sum(lm.pos.table^2)
  report perplexity = exp(loss), tokens = sum(s.mask), right = mean(mode(q) == s.next, where = s.mask)
}
train o {
  lm = GPT();  b = 8, t = ctx;  data = text()
  optimizer = adam(lr = 1e-2);  clip = global_norm(0.5);  steps = 3;  accumulate = 1
}
)";

/// Time loops in both directions, a group that holds the batch, a mean within each row.
const std::string classifier = R"(
config { vocab = 5, width = 3, n = 2, class = 3, t = 4 }
model Net() {
  tok = Embedding(vocab, width);  lstm = BiLSTM(width, n);  out = Linear([dir: 2, n], class)
  forward(ids: token[b, t; vocab], real: bool[b, t]) -> categorical[b; class] {
    h = lstm(tok(ids), real)
    categorical(logits = out(mean(h, over = t, where = real)), over = class)
  }
}
objective o(m: model, s: sequence[b, t; vocab], label: token[b; class], weight_: real[b]) {
  q = m(s.ids, s.real)
  minimize mean(nll(q, label) * weight_^2)
  report accuracy = mean(mode(q) == label)
}
train o { m = Net();  b = 8;  data = table();  optimizer = adagrad(lr = 0.1);  steps = 3;  accumulate = 1 }
)";

/// The loss is no sum over rows, and a parameter stands outside of all rows.
const std::string ratio = R"(
config { n = 2 }
model Line() { param w: real[n] ~ normal(std = 1);  forward(x: real[b, n]) -> real[b] { sum(x * w, over = n) } }
objective o(m: model, x: real[b, n], y: real[b]) {
  param scale: real[] = 0.5
  e = m(x) - y
  minimize log(1 + mean(e^2)) * scale^2 + sqrt(1 + sum(e)^2) + mean(scale * y)
}
train o { m = Line();  b = 8;  data = tensors();  optimizer = sgd(lr = 0.05);  steps = 3;  accumulate = 1 }
)";

void sameFor(const std::string &text, const std::string &pieces, bool naive = false) {
  Steps whole(text), parts(text, {{"accumulate", pieces}}, naive);
  INFO("in " << pieces << " pieces");
  for (int step = 0; step < 3; ++step) {
    NamedArrays expected = whole.step(step), got = parts.step(step);
    REQUIRE(expected.size() == got.size());
    for (auto &[name, array] : expected) {
      INFO(name << " of step " << step);
      CHECK(got.at(name).data.at(0) == Approx(array.data.at(0)).epsilon(1e-9).margin(1e-9));
    }
  }
  for (auto &[name, array] : whole.states) {
    Array other = inOrder(parts.states.at(name), array.type);
    INFO(name);
    for (size_t i = 0; i < array.data.size(); ++i)
      REQUIRE(other.data[i] == Approx(array.data[i]).epsilon(1e-8).margin(1e-9));
  }
}
} // namespace

TEST_CASE("T11: pieces of the batch give the losses and weights of the whole") {
  for (const std::string &text : {transformer, classifier, ratio})
    for (const char *pieces : {"2", "4", "8"})
      sameFor(text, pieces);
  sameFor(transformer, "2", /*naive=*/true);
}

TEST_CASE("T11: one loop does all the work where the loss is linear in its means") {
  Steps steps(transformer, {{"accumulate", "4"}});
  int loops = 0, products = 0;
  steps.module->walk([&](ScanOp scan) {
    if (scan.getKind() != "pieces")
      return;
    ++loops;
    int here = 0;
    scan.walk([&](ContractOp) { ++here; });
    products += here > 0;
  });
  CHECK(products == 1);
  CHECK(loops <= 2);
}

TEST_CASE("T11: what ties rows together is refused at its line") {
  auto says = [](const std::string &loss, const std::string &train = "b = 8;  accumulate = 4") {
    return Checked("objective o(x: real[b, n], y: real[b]) {\n"
                   "  param w: real[n] = 1\n"
                   "  z = sum(x * w, over = n)\n"
                   "  minimize " +
                   loss + "\n}\ntrain o { n = 2;  data = tensors();  steps = 1\n" + train +
                   "\noptimizer = sgd(lr = 0.1) }\n")
        .messages;
  };
  CHECK(says("mean(z * y) + sum(w^2)") == "");
  CHECK(says("mean(dot(x * w, x, over = b))") == "");
  std::string said = says("mean(softmax(z, over = b) * y)");
  CHECK_THAT(said, Contains("p.frit:4:17: error: accumulate: 'softmax' ties rows together"));
  CHECK_THAT(said, Contains("the batch is taken in 4 pieces"));
  CHECK_THAT(said, Contains("help: only sums and means may go over the batch"));
  CHECK_THAT(says("mean((z - mean(z))^2)"),
             Contains("error: accumulate: a row needs a sum over all rows here"));
  CHECK_THAT(says("mean(outer(z, rename(z, b -> c)))"),
             Contains("error: accumulate: two rows meet here"));
  CHECK_THAT(says("max(z)"), Contains("error: accumulate: 'max' ties rows together"));
  CHECK_THAT(says("z[b = 0]"), Contains("ties rows together"));
  CHECK_THAT(says("mean(z)", "b = 6;  accumulate = 4"),
             Contains("error: a batch of 6 cannot be taken in 4 equal pieces"));
  CHECK_THAT(says("mean(z)", "b = 6;  accumulate = 0"),
             Contains("error: accumulate is a whole number of pieces"));
}
