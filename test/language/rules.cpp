// The rules of docs/language.md that no other test speaks of, one case each; and what that page
// lists against what there is.
#include "dialect/ops/Builtins.h"
#include "dialect/syntax/check/Prelude.h"
#include "test/language/Meaning.h"
#include <cmath>
#include <fstream>
#include <regex>
#include <sstream>

using namespace frit;
using Catch::Contains;

/// The messages for an objective over x: real[b] with the weight w and what `train` says besides
/// the optimiser.
static std::string says(const std::string &train, const std::string &before = "",
                        const std::string &statements = "  minimize mean(x * w)") {
  return Checked(before + "objective o(x: real[b]; k = 1.0) {\n  param w: real[] = 1\n" +
                 statements + "\n}\ntrain o {\n  b = 4;  data = tensors();  steps = 1\n" + train +
                 "\n}\n")
      .messages;
}
static const std::string sgd = "  optimizer = sgd(lr = 0.1)\n";

TEST_CASE("A1: axes have no order") {
  CHECK(valueOf("sum(f(x))", "", "fn f(x: real[t, b], t: axis) -> real[b, t] = x\n") ==
        Approx(9.5));
}

TEST_CASE("A2: where axes come from") {
  CHECK(valueOf("sum(index(n)) + 0 * sum(x)", "n: 4") == Approx(6));
  CHECK(valueOf("sum(index([one: 2, two: 2])) + 0 * sum(x)") == Approx(6));
  CHECK(valueOf("sqrt(t + 1) + 0 * sum(x)") == Approx(2));
}

TEST_CASE("A9: a position known to be outside is an error, others are cut or checked") {
  CHECK(valueOf("sum(x[t = k - 1 else 7])") == Approx(2 + 7));
}

TEST_CASE("M2: a parameter that may be absent is a constant then") {
  std::string text = R"(
model M(n; bias = true) { param w: real[n] = 1;  param c: real[n] = 3 if bias;  forward(x: real[b, n]) -> real[b, n] { x * w + c } }
objective o(m: model, x: real[b, n]) { minimize mean(m(x)) }
config { n = 2 }
train o { m = M(n, bias = false);  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)";
  Checked checked(text);
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.state("m.w"));
  CHECK_FALSE(checked.state("m.c"));
  CHECK_THAT(
      Checked("model M() { param w: real[] ~ 3;  forward(x: real[b]) -> real[b] { x * w } }\n"
              "objective o(m: model, x: real[b]) { minimize mean(m(x)) }\n"
              "train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1) }")
          .messages,
      Contains("error: '~' wants a distribution, this is the number 3"));
}

TEST_CASE("M3: a shared instance is named by the first field that holds it") {
  Checked checked(R"(
model Leaf() { param w: real[] = 1;  forward(x: real[b]) -> real[b] { x * w } }
model Pair(one: model, two: model) { forward(x: real[b]) -> real[b] { two(one(x)) } }
objective o(m: model, x: real[b]) { minimize mean(m(x)) }
train o { leaf = Leaf();  m = Pair(leaf, leaf);  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.state("leaf.w"));
  CHECK_FALSE(checked.state("m.one.w"));
}

TEST_CASE("M4 and M10: a state is written in the step and `training` tells the step from others") {
  Meaning meaning(R"(
model M() {
  param w: real[] = 1
  state seen: real[] = 5
  forward(x: real[b]) -> real[b] { seen = seen + (if training { 1 } else { 0 });  x * w }
}
objective o(m: model, x: real[b]) { minimize mean(m(x)) }
train o { m = M();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.0);  steps = 1 }
)");
  CHECK(meaning.states.at("m.seen").data.at(0) == 5);
  CHECK(meaning.checked.state("m.seen")->role == "state");
  int writes = 0;
  for (const Node &node : meaning.checked.entry("train")->body.nodes)
    writes += node.op == "write" && std::get<std::string>(node.attributes.at("state")) == "m.seen";
  CHECK(writes == 1);
  CHECK_THAT(Checked("model M() { state s: real[] = 0;  forward(x: real[b]) -> real[b] {\n"
                     "  scan i over b (a = 0.0) { s = a;  yield a } } }\n"
                     "objective o(m: model, x: real[b]) { param w: real[] = 0\n"
                     "  minimize mean(m(x)) * w }\n"
                     "train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1) }")
                 .messages,
             Contains("error: a state cannot be written inside a scan"));
}

TEST_CASE("M5: further results of a repeat are stacked on its axis") {
  Meaning meaning(R"(
model Layer(layer) { param w: real[] = 1;  forward(x: real[b]) -> (real[b], real[]) { (x * w, 1.0 + layer) } }
model Tower() { all_ = repeat(layer: 3) Layer(layer);  forward(x: real[b]) -> (real[b], real[]) {
  h, extra = all_(x)
  (h, sum(extra * index(layer)))
} }
objective o(m: model, x: real[b]) { h, e = m(x);  minimize mean(h);  report e }
train o { m = Tower();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  CHECK(meaning.reports({{{"x", reals({{"b", 1}}, {1})}}}).at("e") ==
        Approx(0 * 1 + 1 * 2 + 2 * 3));
}

TEST_CASE("M7: a call replaces a value of config for what it makes") {
  Checked checked(R"(
config { width = 4 }
model M() { lin = Linear(width, []);  forward(x: real[b]) -> real[b] { x + mean(lin(along(x, width))) } }
objective o(m: model, x: real[b]) { minimize mean(m(x)) }
train o { m = M(width = 6);  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.state("m.lin.weight")->type.axes.back().size == 6);
}

TEST_CASE("M8: own names come before the prelude's, and stand once") {
  CHECK(valueOf("relu(sum(x))", "", "fn relu(x) = x + 1\n") == Approx(10.5));
  CHECK_THAT(says(sgd, "fn f(x) = x\nfn f(x) = x\n"), Contains("error: 'f' is declared twice"));
  CHECK_THAT(says(sgd, "use \"nowhere.frit\"\n"), Contains("error: cannot read 'nowhere.frit'"));
}

TEST_CASE("M9: records of one's own are data") {
  Checked checked(R"(
record pair[b; v] { left: token[b; v], right: token[b; v], weight: real[b] }
objective o(p: pair[b; v]) { param w: real[v] = 0;  minimize mean(p.weight * (w[v = p.left] - w[v = p.right])) }
train o { b = 2, v = 5;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.entry("train")->inputs.size() == 3);
  CHECK(checked.entry("train")->inputs.at(0).name == "p.left");
}

TEST_CASE("D1 and D3: making distributions and changing them") {
  std::string q = "q = categorical(logits = index(v) + 0 * along(x, v), over = v)";
  double e1 = std::exp(1), z = 1 + e1 + e1 * e1 + e1 * e1 * e1;
  CHECK(valueOf("mean(nll(q, where(ids == ids, ids, ids)), where = ids == ids)", q) ==
        Approx(std::log(z) - 9.0 / 6));
  CHECK(valueOf("mean(entropy(top_k(q, 1)))", q) == Approx(0).margin(1e-12));
  CHECK(valueOf("mean(entropy(temper(q, 1e9)))", q) == Approx(std::log(4.0)));
  CHECK(valueOf("mean(entropy(restrict(q, two)))", "two: 2\n  " + q) ==
        Approx(std::log(1 + e1) - e1 / (1 + e1)));
  CHECK(valueOf("mean(nll(smooth(point(ids), 0.4), ids)) + 0 * sum(x)") ==
        Approx(-std::log(0.6 + 0.1)));
  CHECK(valueOf("mean(nll(bernoulli(probs = 0.25, over = [], like = x), m))") ==
        Approx((3 * std::log(4.0) + 3 * std::log(4.0 / 3)) / 6));
  CHECK(valueOf("mean(nll(normal(mean = x, std = 2), x))") ==
        Approx(std::log(2.0) + 0.5 * std::log(2 * M_PI)));
}

TEST_CASE("D2: the logits of a categorical, as they are") {
  std::string q = "q = categorical(logits = 3 + 2 * x, over = t)";
  CHECK(valueOf("sum(logits(q) - 3 - 2 * x)", q) == Approx(0).margin(1e-12));
  CHECK(valueOf("sum(logits(temper(q, 2)) - 1.5 - x)", q) == Approx(0).margin(1e-12));
  CHECK(valueOf("sum(logits(categorical(log_probs = x, over = t)) - x)") ==
        Approx(0).margin(1e-12));
}

TEST_CASE("D5: a function between two is told which is which") {
  std::string lean =
      "fn lean(p: categorical[..; v] || q: categorical[..; v]; a = 1) -> real[..] =\n"
      "  logsumexp(logits(p), over = v) - a * logsumexp(logits(q), over = v)\n";
  std::string sides = "p = categorical(logits = x, over = t);  q = temper(p, 2)";
  std::string by = " - mean(logsumexp(x, over = t) - 3 * logsumexp(x / 2, over = t))";
  CHECK(valueOf("mean(lean(p || q, a = 3))" + by, sides, lean) == Approx(0).margin(1e-12));
  for (std::string call : {"lean(p, q)", "lean(p)", "lean(p = p, q = q)", "lean()"})
    CHECK_THAT(
        Checked(lean + reporting("  " + sides + "\n  report z = mean(" + call + ")")).messages,
        Contains("error: lean is between two: lean(p || q)"));
  CHECK_THAT(Checked("fn f(x, y) = x + y\n" + reporting("  report z = mean(f(x || x))")).messages,
             Contains("error: '||' stands only in the arguments of"));
}

TEST_CASE("D5: two normals have kl and reverse_kl") {
  CHECK(valueOf("mean(kl(normal(mean = x, std = 1) || normal(mean = x - 1, std = 1)))") ==
        Approx(0.5));
  CHECK_THAT(
      Checked(reporting("  report z = mean(js(normal(mean = x) || normal(mean = x)))")).messages,
      Contains("error: D[js] of two normals has no closed form here"));
}

TEST_CASE("D9: a teacher known at some tokens, the rest as one") {
  // Three tokens with 1/5 each leave 2/5; the student is uniform over four.
  CHECK(valueOf("mean(kl(p || q))", R"(
  q = categorical(logits = along(0 * sum(x, over = t), v), over = v)
  p = categorical(log_probs = log(0.2) + 0 * x, at = ids, over = t))") ==
        Approx(3 * 0.2 * std::log(0.8) + 0.4 * std::log(1.6)));
}

TEST_CASE("S2: a part of the data that nothing uses is not asked for") {
  Checked checked(R"(
objective o(x: real[b], s: sequence[b, t; v]) { param w: real[] = 0;  minimize mean(x * w) + 0 * mean(s.mask) }
train o { b = 2, t = 3, v = 5;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  for (const EntryValue &input : checked.entry("train")->inputs)
    CHECK((input.name == "x" || input.name == "s.mask"));
}

TEST_CASE("T1: a frozen model gets no gradient") {
  CHECK_THAT(
      Checked("model M() { param w: real[] = 1;  forward(x: real[b]) -> real[b] { x * w } }\n"
              "objective o(frozen m: model, x: real[b]) { minimize mean(m(x)) }\n"
              "train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1) }")
          .messages,
      Contains("has nothing to train"));
}

TEST_CASE("T3: a function as a value of the objective") {
  CHECK(Checked(
            "fn twice(x) = 2 * x\n"
            "objective o(x: real[b]; f = relu) { param w: real[] = 0;  minimize mean(f(x * w)) }\n"
            "train o { b = 2;  f = twice;  data = tensors();  optimizer = sgd(lr = 0.1) }")
            .messages == "");
}

TEST_CASE("T4: fields say what they want") {
  CHECK(says(sgd + "  save = every(5);  seed = 3;  precision = f32;  validation = 0.5") == "");
  CHECK_THAT(says(sgd + "  save = often(5)"), Contains("error: save says every how many steps"));
  CHECK_THAT(says(sgd + "  passes = 2"),
             Contains("error: passes counts the steps on one rollout, and this data is none"));
  CHECK_THAT(says(sgd + "  seed = 0.5"), Contains("error: 'seed' is a whole number"));
  CHECK_THAT(says(sgd + "  dropout = 0.5"),
             Contains("error: dropout is a parameter of the models that use it"));
  CHECK_THAT(says(sgd + "  k = 2 every 3"),
             Contains("error: 'every' belongs to validation and eval"));
  auto metadata = [](const std::string &fields) {
    Checked checked("objective o(x: real[b]) { param w: real[] = 1;  minimize mean(x * w) }\n"
                    "train o { b = 4;  data = tensors();  steps = 9\n" +
                    sgd + fields + " }\n");
    INFO(checked.messages);
    REQUIRE(checked.graph);
    return checked.graph->metadata;
  };
  CHECK_THAT(metadata("validation = 0.5 every 3"),
             Contains(R"("validation":0.5)") && Contains(R"("evaluate":{"every":3})"));
  CHECK_THAT(metadata("validation = 0.5"), !Contains("evaluate"));
  CHECK_THAT(says(sgd + "  validation = 0.5 every 0"),
             Contains("error: validation says every how many steps"));
}

TEST_CASE("T4: an objective of the prelude takes sizes from the file that trains it") {
  std::string text = R"(
config { vocab = 7 }
model M() {
  param table: real[vocab; next: vocab] = 0
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = rename(table[vocab = ids], next -> vocab), over = vocab)
  }
}
train sft { policy = M();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)";
  Checked checked(text);
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.entry("train")->inputs.at(0).limit == 7);
  CHECK(checked.entry("predict"));
  CHECK_THAT(Checked(std::regex_replace(text, std::regex("b = 2"), "vocab = 9, b = 2")).messages,
             Contains("axis 'vocab' has its size from config; it cannot be set here"));
}

TEST_CASE("T5: numbers of train are flags of the program, sizes are none") {
  Checked checked(R"(
objective o(x: real[b]; k = 2.0) { param w: real[] = 0;  minimize mean((x * w - k)^2) }
train o {
  b = 4;  data = tensors();  clip = global_norm(1.0);  ema = 0.9;  steps = 9
  optimizer = adamw(lr = cosine(peak = 1e-3, warmup = 3), betas = (0.9, 0.95))
}
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  std::set<std::string> flags;
  for (const StateDecl &state : checked.graph->states)
    if (state.role == "scalar" && !state.flag.empty())
      flags.insert(state.flag);
  CHECK(flags == std::set<std::string>{"seed", "steps", "k", "lr", "warmup", "betas-0", "betas-1",
                                       "clip", "ema"});
  CHECK(checked.state("lr")->initial == 1e-3);
}

TEST_CASE("T6 and T7: rules by path; a wrap stands in the place of what it wraps") {
  std::string text = R"(
config { width = 2, hidden = 3 }
model LoRA(base: model; rank = 1) {
  r: rank
  param down: real[r; base.in] ~ normal(std = 0.02)
  param up:   real[base.out; r] = 0
  forward(x: real[.., base.in]) -> real[.., base.out] { base(x) + dot(dot(x, down, over = base.in), up, over = r) }
}
model Net() { a = Linear(width, SIZE);  forward(x: real[b, width]) -> real[b] { mean(a(x), over = SIZE) } }
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o {
  m = Net();  b = 2;  data = tensors();  optimizer = momentum(lr = 0.1);  steps = 1
  for m.* { frozen = true }
  for m.a { wrap = LoRA() }
}
)";
  auto with = [&](const std::string &size) {
    return Checked(std::regex_replace(text, std::regex("SIZE"), size));
  };
  Checked checked = with("hidden");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.state("m.a.base.weight"));
  std::set<std::string> written;
  for (const Node &node : checked.entry("train")->body.nodes)
    if (node.op == "write")
      written.insert(std::get<std::string>(node.attributes.at("state")));
  CHECK(written == std::set<std::string>{"m.a.down", "m.a.down.m", "m.a.up", "m.a.up.m"});
  CHECK(with("width").messages == ""); // C3: base.in and base.out are told apart
}

TEST_CASE("O1, O2, O3 and O4: one weight at a time, its rows and columns, its slots") {
  Checked checked(R"(
config { n = 2, k = 3 }
optimizer plain(lr) {
  state m: real[rows] = 7
  m = m + mean(grad, over = cols)
  weight = weight - lr * grad * step
}
model Layer() { param w: real[n; k] = 1;  forward(x: real[b, k]) -> real[b, k] { x * mean(w) } }
model Net() { all_ = repeat(4) Layer();  forward(x: real[b, k]) -> real[b, k] { all_(x) } }
objective o(m: model, x: real[b, k]) { minimize mean(m(x)) }
train o { m = Net();  b = 2;  data = tensors();  optimizer = plain(lr = 0.1);  steps = 1;  ema = 0.9 }
)");
  INFO(checked.messages);
  REQUIRE(checked.graph);
  const StateDecl *slot = checked.state("m.all_.w.m");
  REQUIRE(slot);
  CHECK(slot->role == "slot");
  CHECK(slot->tensors.at(3).name == "m.all_.3.w.m");
  REQUIRE(slot->type.axes.size() == 2); // the layers and the rows
  CHECK(slot->type.axes[1].name == "n");
  CHECK(checked.state("ema.m.all_.w"));
  CHECK_THAT(says("  optimizer = lazy(lr = 1.0)", "optimizer lazy(lr) { m = grad }\n"),
             Contains("error: optimizer lazy never assigns weight"));
}

TEST_CASE("O5: a schedule asks for step") {
  CHECK(says("  optimizer = sgd(lr = 0.5 * cosine(peak = 1e-3))") == "");
  CHECK(says("  optimizer = sgd(lr = up(1.0))",
             "fn up(value; step, steps) = value * step / steps\n") == "");
  CHECK_THAT(says("  optimizer = sgd(lr = bad(1.0))", "fn bad(value; step) = (value, step)\n"),
             Contains("error: a number or tensor is wanted here"));
}

TEST_CASE("N5: what is checked but not compiled yet") {
  std::string model =
      "model M() { param w: real[] = 1;  forward(x: real[b]) -> real[b] { x * w } }\n"
      "objective o(m: model, x: real[b]) { minimize mean(m(x)) }\n";
  std::string rest = "  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }\n";
  auto both = [&](const std::string &train, const std::string &what) {
    CHECK_THAT(Checked(model + train + rest).messages, Contains(what));
    CheckOptions judge;
    judge.onlyCheck = true;
    CHECK(Checked(model + train + rest, judge).messages == "");
  };
  both("train o { m = M();  precision = bf16\n",
       "p.frit:3:33: error: precision = bf16 cannot be compiled yet: programs compute in f32\n");
}

//===-- The lists of the page ----------------------------------------------------------------===//

/// The text between a heading of docs/language.md and the next.
static std::string section(const std::string &heading) {
  std::ifstream file(std::string(FRIT_SOURCE_DIR) + "/docs/language.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string all = text.str();
  size_t begin = all.find("\n## " + heading + "\n");
  REQUIRE(begin != std::string::npos);
  return all.substr(begin, all.find("\n## ", begin + 1) - begin);
}
static std::set<std::string> wordsOf(const std::string &text) {
  std::set<std::string> out;
  std::regex word("[A-Za-z_][A-Za-z_0-9]*");
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at)
    out.insert(at->str());
  return out;
}

TEST_CASE("the page lists every builtin that can be called") {
  std::set<std::string> words = wordsOf(section("Builtins"));
  for (auto &[name, builtin] : builtins()) {
    INFO(name);
    CHECK((!builtin.callable || words.count(name) == 1));
  }
}

TEST_CASE("the page lists every file of the prelude") {
  std::string page = section("The prelude");
  for (const checking::PreludeFile &file : checking::preludeFiles()) {
    INFO(file.name);
    CHECK(page.find("`" + file.name.substr(file.name.rfind('/') + 1) + "`") != std::string::npos);
  }
}
