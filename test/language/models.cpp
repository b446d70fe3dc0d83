// Models of train: wrapped, loaded under other names, trained in some layers only; parameters that
// could never learn. What a step makes of them is judged in test/models.
#include "test/language/Checked.h"
#include <nlohmann/json.hpp>

using namespace frit;
using Catch::Contains;
using Json = nlohmann::json;

static std::string allReplaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

static std::set<std::string> written(const Checked &checked) {
  std::set<std::string> out;
  for (const Node &node : checked.entry("train")->body.nodes)
    if (node.op == "write")
      out.insert(std::get<std::string>(node.attributes.at("state")));
  return out;
}

//===-- Wraps -------------------------------------------------------------------------------===//

static const char *const lora = R"(
config { width = 2, hidden = 3 }
model LoRA(base: model; rank = 1, scale = 2.0) {
  r: rank
  param down: real[r; base.in] = 0.5
  param up:   real[base.out; r] = 0.25
  forward(x: real[.., base.in]) -> real[.., base.out] {
    base(x) + scale * dot(dot(x, down, over = base.in), up, over = r)
  }
}
)";

TEST_CASE("C3: a model that names in and out of another tells them apart; others do not") {
  auto says = [](const std::string &forward) {
    return Checked(std::string(lora) + R"(
model Around(base: model) {
)" + forward + R"(
}
model Net() {
  a = Linear(width, width);  r = Around(a)
  forward(x: real[b, width]) -> real[b, width] { r(x) }
}
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o { m = Net();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)")
        .messages;
  };
  CHECK(says("  forward(x: real[b, width]) -> real[b, width] { x + base(x) }") == "");
  CHECK(says("  param g: real[base.in, base.out] = 0\n"
             "  forward(x: real[.., base.in]) -> real[.., base.out] { base(x) + dot(x, g, over = "
             "base.in) }") == "");
  CHECK(says("  param g: real[base.out] = 1\n"
             "  twice(y: real[.., base.out]) -> real[.., base.out] { y * g }\n"
             "  forward(x: real[.., base.in]) -> real[.., base.out] { twice(base(x)) }") == "");
  CHECK_THAT(says("  param g: real[base.out] = 1\n"
                  "  forward(x: real[.., base.in]) -> real[.., base.out] { base(x) + x }"),
             Contains("neither has all axes of the other"));
}

TEST_CASE("T7: all layers of a repeat are wrapped, or none") {
  auto says = [](const std::string &pattern) {
    return Checked(std::string(lora) + R"(
model Layer() { a = Linear(width, width);  forward(x: real[b, width]) -> real[b, width] { a(x) } }
model Net() { all_ = repeat(4) Layer();  forward(x: real[b, width]) -> real[b, width] { all_(x) } }
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o {
  m = Net();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1
  for )" + pattern +
                   R"( { wrap = LoRA() }
}
)")
        .messages;
  };
  CHECK(says("m.all_.a") == "");
  CHECK(says("m.all_.{0..3}.a") == "");
  CHECK_THAT(says("m.all_.1.a"), Contains("error: 'm.all_.1.a' names some layers of 'm.all_.a'; "
                                          "all layers of a repeat are wrapped, or none"));
  CHECK_THAT(says("m.all_.{i}.a"), Contains("error: 'm.all_.{i}.a': for knows no names of holes"));
  CHECK_THAT(says("m.b"), Contains("error: 'm.b' matches no model"));
}

//===-- Files -------------------------------------------------------------------------------===//

static const char *const gpt2 = R"(
config { vocab = 5, ctx = 3, width = 4, heads = 2, layers = 2 }
model Conv1D(in, out) {
  param weight: real[in; out] ~ normal(std = 0.02)
  param offset: real[out] = 0
  forward(x: real[.., in]) -> real[.., out] { dot(x, weight, over = in) + offset }
}
model Block() {
  dh: width / heads
  ln_1 = LayerNorm(width);  c_attn = Conv1D(width, [three: 3, heads, dh])
  c_proj = Conv1D([heads, dh], width)
  forward(x: real[b, t, width]) -> real[b, t, width] {
    q, k, v = unstack(c_attn(ln_1(x)), over = three)
    p = softmax(dot(q, rename(k, t -> s), over = dh), over = s, where = index(s) <= index(t))
    x + c_proj(dot(p, rename(v, t -> s), over = s))
  }
}
model GPT2() {
  wte = Embedding(vocab, width);  h = repeat(layers) Block();  head = Linear(width, vocab, bias = false)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = head(h(wte(ids))), over = vocab)
  }
}
model Scale(base: model) {
  param a: real[] = 1
  forward(x: real[.., base.in]) -> real[.., base.out] { a * base(x) }
}
objective o(lm: model, s: sequence[b, t; vocab]) { minimize mean(nll(lm(s.ids), s.next), where = s.mask) }
train o {
  lm = GPT2() from "gpt2.safetensors"MAP
  b = 2, t = 3;  data = text(tokenizer = bytes);  optimizer = sgd(lr = 0.1);  steps = 1
  RULES
}
)";

static Checked mapped(const std::string &map, const std::string &rules = "") {
  return Checked(allReplaced(allReplaced(gpt2, "MAP", map), "RULES", rules));
}

TEST_CASE("T10: lines say under which names a file holds parameters") {
  Checked checked = mapped(R"( {
    "wte.weight"                  -> wte.table
    "h.{i}.attn.{x}.weight"       -> h.{i}.c_{x}.weight
    "h.{i}.attn.c_attn.bias"      -> h.{i}.c_attn.offset
    "h.{n}.attn.c_proj.bias"      -> h.{n}.c_proj.offset
    "norm.weight"                 -> h.{i}.ln_1.scale
    "lm_head.weight"              -> fresh head.weight
  })");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  Json load = Json::parse(checked.graph->metadata).at("load").at(0);
  CHECK(load["model"] == "lm");
  CHECK(load["file"] == "gpt2.safetensors");
  Json &tensors = load["tensors"];
  CHECK(tensors["lm.wte.table"] == Json{{"name", "wte.weight"}});
  CHECK(tensors["lm.h.1.c_attn.weight"] == Json{{"name", "h.1.attn.attn.weight"}});
  CHECK(tensors["lm.h.0.c_proj.weight"] == Json{{"name", "h.0.attn.proj.weight"}});
  CHECK(tensors["lm.h.1.c_attn.offset"] == Json{{"name", "h.1.attn.c_attn.bias"}});
  CHECK(tensors["lm.h.1.ln_1.scale"] == Json{{"name", "norm.weight"}}); // one for all layers
  CHECK(tensors["lm.head.weight"] == Json{{"name", "lm_head.weight"}, {"fresh", true}});
  CHECK(!tensors.contains("lm.h.0.ln_1.offset")); // under its own name
}

TEST_CASE("T9: a file knows nothing of what is wrapped around its model") {
  Checked checked = mapped(R"( { "h.{i}.proj" -> h.{i}.c_proj.weight })",
                           "for lm.h.*.c_attn, lm.h.*.c_proj { wrap = Scale() }");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  Json tensors = Json::parse(checked.graph->metadata).at("load").at(0).at("tensors");
  CHECK(tensors["lm.h.1.c_attn.base.weight"] == Json{{"own", "h.1.c_attn.weight"}});
  CHECK(tensors["lm.h.1.c_proj.base.weight"] == Json{{"name", "h.1.proj"}});
  CHECK(tensors["lm.h.0.c_attn.a"] == Json{{"fresh", true}});
  CHECK(!tensors.contains("lm.wte.table"));
}

TEST_CASE("T10: lines that fit nothing, or one parameter twice") {
  auto says = [](const std::string &line) { return mapped(" { " + line + " }").messages; };
  std::string said = says("\"a\" -> wte.tabel");
  CHECK_THAT(said, Contains("error: 'wte.tabel' matches no parameter of 'lm'"));
  CHECK_THAT(said, Contains("help: did you mean 'wte.table'?"));
  said = says("\"a\" -> wte.table; \"b.{x}\" -> wte.{x}");
  CHECK_THAT(said, Contains("error: two lines say where 'wte.table' comes from"));
  CHECK_THAT(said, Contains("the other one"));
  CHECK_THAT(says("\"a.{j}\" -> h.{i}.ln_1.scale"),
             Contains("error: 'h.{i}.ln_1.scale' does not say what {j} is"));
  CHECK_THAT(says("\"a\" -> h.*.ln_1.scale"),
             Contains("error: 'h.*.ln_1.scale': a hole such as {i} stands for several names here"));
}

//===-- Layers ------------------------------------------------------------------------------===//

/// Four layers that scale, three of them with something to learn from (2, 3).
static std::string layered(const std::string &rules, const std::string &optimizer = "sgd(lr = 0.1)",
                           const std::string &more = "") {
  return R"(
config { n = 2 }
model Layer(layer) {
  param w: real[n] = 1 + layer
  forward(x: real[b, n]) -> real[b, n] { x * w }
}
model Net() { all_ = repeat(layer: 4) Layer(layer);  forward(x: real[b, n]) -> real[b, n] { all_(x) } }
objective o(m: model, x: real[b, n]) { minimize mean(log(m(x))) }
train o {
  m = Net();  b = 1;  data = tensors();  optimizer = )" +
         optimizer + ";  steps = 9\n" + rules + "\n}\n" + more;
}
TEST_CASE("T6: what layers of one repeat cannot differ in") {
  // One name for slots of two shapes.
  std::string odd = "optimizer odd(lr) { state m: real[rows] = 1;  m = m + grad\n"
                    "  weight = weight - lr * m }\n";
  CHECK_THAT(Checked(layered("for m.all_.0.w { optimizer = odd(lr = 0.5) }", "sgd(lr = 0.1)", odd))
                 .messages,
             Contains("error: 'm.all_.w.m' has another shape or beginning in the optimizer of "
                      "other layers"));
  CHECK_THAT(Checked(layered("for m.all_.0.w { betas = 0.5 }", "adam(lr = 0.1)")).messages,
             Contains("error: 'betas' is a tuple of 2 in some layers of 'm.all_.w' and the number "
                      "0.5 in others"));
}

TEST_CASE("T6: patterns of for") {
  auto says = [](const std::string &pattern) {
    return Checked(layered("for " + pattern + " { lr = 0 }")).messages;
  };
  CHECK(says("m.all_.{0..1}.w, *.9.*") == "");
  CHECK_THAT(says("m.all_.{4..9}.w"), Contains("error: 'm.all_.{4..9}.w' matches no parameter"));
  CHECK_THAT(says("m.all_.{i}.w"), Contains("error: 'm.all_.{i}.w': for knows no names of holes"));
  CHECK_THAT(says("m.all_.{3..1}.w"),
             Contains("error: 'm.all_.{3..1}.w': no number is from 3 to 1"));
}

//===-- What learns -------------------------------------------------------------------------===//

/// `m` has the parameters a and c; m(x) is x * a, m.other(x) is x * c.
static std::string learner(const std::string &loss, const std::string &rules = "") {
  return R"(
config { n = 2 }
model M() {
  param a: real[n] = 1
  param c: real[n] = 1
  forward(x: real[b, n]) -> real[b, n] { x * a }
  other(x: real[b, n]) -> real[b, n] { x * c }
}
objective o(m: model, x: real[b, n]) { minimize )" +
         loss + R"( }
train o { m = M();  b = 2;  data = tensors();  optimizer = momentum(lr = 0.1);  steps = 1
)" + rules +
         "\n}\n";
}
static Checked learning(const std::string &loss, const std::string &rules = "") {
  return Checked(learner(loss, rules));
}

TEST_CASE("T8: a parameter that could never learn is an error, not a gradient of zero") {
  for (const char *flat : {"floor", "ceil", "round", "sign"}) {
    std::string said = learning(std::string("mean(m(x) + ") + flat + "(m.other(x)))").messages;
    CHECK_THAT(said, Contains("p.frit:9:61: error: 'm.c' would never learn: every way to the loss "
                              "goes through '" +
                              std::string(flat) + "', whose slope is zero\n"));
    CHECK_THAT(said, Contains("the loss"));
    CHECK_THAT(said, Contains("help: say so with for m.c { frozen = true }, or with "
                              "stop_gradient(..) here"));
  }
  CHECK_THAT(learning("mean(floor(m(x)))").messages, Contains("'m.a' would never learn"));
  CHECK_THAT(learning("mean(m(x)) + mean(m.other(x) > 0)").messages,
             Contains("error: 'm.c' would never learn: every way to the loss goes through 'gt', "
                      "which has no slope"));
  CHECK_THAT(
      learning("mean(where(m.other(x) > 0, m(x), 0))").messages,
      Contains("error: 'm.c' would never learn: every way to the loss goes through 'gt', which"));
  CHECK_THAT(learning("mean(m(x)[n = argmax(m.other(x), over = n)])").messages,
             Contains("error: 'm.c' would never learn: every way to the loss goes through "
                      "'argmax', which has no slope"));
  CHECK_THAT(learning("mean(floor(m(x) + m.other(x)))").messages,
             Contains("error: 'm.a' and 1 more would never learn"));
}

TEST_CASE("T8: other ways to the loss, and ways that are closed on purpose") {
  auto learns = [](const std::string &loss, const std::string &rules = "") {
    Checked checked = learning(loss, rules);
    INFO(checked.messages);
    REQUIRE(checked.graph);
    return written(checked);
  };
  using Names = std::set<std::string>;
  Names a = {"m.a", "m.a.m"}, both = {"m.a", "m.a.m", "m.c", "m.c.m"};
  CHECK(learns("mean(m(x) + floor(m.other(x)) * m.other(x))") == both);
  CHECK(learns("mean(m(x) + abs(m.other(x)))") == both);
  CHECK(learns("mean(m(x) + floor(m.other(x)))", "for m.c { frozen = true }") == a);
  CHECK(learns("mean(m(x) + floor(stop_gradient(m.other(x))))") == a);
  CHECK(learns("mean(m(x) + stop_gradient(floor(m.other(x))))") == a);
  CHECK(learns("mean(m(x))") == a); // T8: weight decay does not touch what the loss ignores
  auto unused = [](const std::string &loss, const std::string &rules = "") {
    return Json::parse(learning(loss, rules).graph->metadata)["training"].value("unused", Json());
  };
  CHECK(unused("mean(m(x))") == Json{"m.c"}); // said when the program starts
  CHECK(unused("mean(m(x))", "for m.c { frozen = true }").is_null());
  CHECK(unused("mean(m(x) + stop_gradient(m.other(x)))").is_null());
  CHECK(learns("mean(m(x) + where(m.other(x) > 0, m.other(x), 0))") == both);
}

TEST_CASE("T8: slopes go through loops") {
  auto says = [](const std::string &body) {
    return Checked(R"(
config { n = 2 }
model M() {
  param a: real[] = 1
  param c: real[] = 1
  forward(x: real[b, t]) -> real[b, t] {
    scan i over t (h: real[b] = 0, k: real[b] = 0) { )" +
                   body + R"(;  yield h }
  }
}
objective o(m: model, x: real[b, t]) { minimize mean(m(x)) }
train o { m = M();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)")
        .messages;
  };
  // c reaches the loss in the next turn only.
  CHECK(says("h = h + k + a * x[t = i];  k = c * x[t = i]") == "");
  CHECK_THAT(says("h = h + floor(k) + a * x[t = i];  k = c * x[t = i]"),
             Contains("'m.c' would never learn: every way to the loss goes through 'floor'"));
}
