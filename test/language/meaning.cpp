// Small programs against values worked out by hand (docs/language.md gives the rules).
#include "test/language/Meaning.h"
#include <cmath>

using namespace frit;

TEST_CASE("A7: reductions over axes and under masks") {
  CHECK(valueOf("sum(x)") == Approx(9.5));
  CHECK(valueOf("sum(sum(x, over = t)^2)") == Approx(36 + 12.25));
  CHECK(valueOf("mean(x, where = m)") == Approx(7.0 / 3));
  CHECK(valueOf("sum(mean(x, over = t, where = m))") == Approx(1.5 + 4));
  CHECK(valueOf("sum(max(x, over = t, where = m))") == Approx(2 + 4));
  CHECK(valueOf("mean(x, where = x > 100)") == 0);
  CHECK(valueOf("sum(softmax(x, over = t, where = x > 3.5)^2)") == Approx(1));
  CHECK(valueOf("sum(where(any(m, over = b), 1, 0))") == Approx(3));
  CHECK(valueOf("std(x, where = m)") == Approx(std::sqrt((16.0 / 9 + 1.0 / 9 + 25.0 / 9) / 3)));
}

TEST_CASE("A6 and A8: elementwise by name, contraction, outer products") {
  CHECK(valueOf("sum(x * sum(x, over = t))") == Approx(36 + 12.25));
  CHECK(valueOf("sum(dot(x, x, over = t))") == Approx(14 + 17.25));
  CHECK(valueOf("sum(dot(x, rename(x, b -> c), over = t))") == Approx(14 + 17.25 + 2 * (12)));
  CHECK(valueOf("sum(outer(index(t), sum(x, over = t)))") == Approx(3 * 9.5));
  CHECK(valueOf("sum(along(sum(x, over = t), t))") == Approx(28.5));
  CHECK(valueOf("sum(where(index(s) <= index(t), 1, 0))", "s: 3") == Approx(6));
}

TEST_CASE("A9: indexing, out of range, scatter") {
  CHECK(valueOf("sum(x[t = k])") == Approx(3 - 1));
  CHECK(valueOf("sum(x[t = 1])") == Approx(2.5));
  CHECK(valueOf("sum(x[t = index(t) - 1 else 10] * index(t))") == Approx(1 + 2 * 2 + -1 + 2 * 0.5));
  CHECK(valueOf("sum(shift(x, by = -1) * index(t))") == Approx(1 * 3 + 1 * 4));
  CHECK(valueOf("sum(scatter(x, v = ids)[v = 2])") == Approx(3 + 0.5));
  CHECK(valueOf("sum(last(m))") == Approx(1 + 2));
}

TEST_CASE("A9: each position has its own else") {
  // Row 0 asks for b = 0, row 1 for b = -2.
  CHECK(valueOf("sum(x[b = k - 2 else 5, t = k + 1 else 7])") == Approx(7 + 5));
  CHECK(valueOf("sum(x[b = k - 2 else 5, t = k + 5 else 7])") == Approx(7 + 5)); // the first counts
  CHECK(valueOf("sum(x[t = k + 5 else 7, b = k - 2 else 5])") == Approx(7 + 7));
  CHECK(valueOf("sum(x[b = k - 2 else 5, t = k + 5 else 5])") == Approx(5 + 5));
  CHECK(valueOf("sum(x[b = k - 2 else 5, t = 1])") == Approx(2 + 5));
  // One without is looked at, whatever stands for the others.
  CHECK(valueOf("sum(x[b = k - 2 else 5, t = k])") == Approx(3 + 5));
  CHECK(valueOf("sum(x[t = index(t) - 1 else 10, b = k - k])") == Approx(2 * (10 + 1 + 2)));
  CHECK_THROWS_WITH(valueOf("sum(x[b = k - 2 else 5, t = k + 5])"),
                    Contains("position 7 of axis 't', which has 3"));
}

TEST_CASE("a report may be a number that the program knows") {
  CHECK(valueOf("mean(x)", "  report one = 1\n  report two = 2") == Approx(9.5 / 6));
}

TEST_CASE("A3: groups, merge and split") {
  CHECK(valueOf("sum(rename(x, [b, t] -> n) * index(n))", "") ==
        Approx(0 * 1 + 1 * 2 + 2 * 3 + 3 * -1 + 4 * 0.5 + 5 * 4));
  CHECK(
      valueOf("sum(y * index(half))", "y = rename(rename(x, [b, t] -> n), n -> [half: 3, two])") ==
      Approx(1 * (3 - 1) + 2 * (0.5 + 4)));
  CHECK(valueOf("sum(index([b, t]) * x)") == Approx(0 + 2 + 6 - 3 + 2 + 20));
}

TEST_CASE("M6: scan carries, yields along the axis, and goes backwards") {
  std::string forward = "y = scan i over t (a: real[b] = 0) { a = 2 * a + x[t = i];  yield a }";
  CHECK(valueOf("sum(y * where(index(t) == 2, 1, 0))", forward) ==
        Approx(4 * 1 + 2 * 2 + 3 + 4 * -1 + 2 * 0.5 + 4));
  std::string backward =
      "y = scan i over t (a: real[b] = 0; reverse = true) { a = 2 * a + x[t = i];  yield a }";
  CHECK(valueOf("sum(y * where(index(t) == 0, 1, 0))", backward) ==
        Approx(1 + 2 * 2 + 4 * 3 - 1 + 2 * 0.5 + 4 * 4));
}

TEST_CASE("D2: nll, entropy, cross entropy, mode") {
  // Two tokens with logits 0 and log 3: probabilities 1/4 and 3/4.
  std::string d = "z = where(index(v) < 2, 0, 0.0) + 0 * sum(x)\n"
                  "  q = categorical(logits = where(index(v) == 1, log(3.0), where(index(v) == 0, "
                  "0.0, -1e30)) + 0 * along(x, v), over = v)";
  CHECK(valueOf("mean(nll(q, where(ids > 9, ids, ids)), where = ids == ids and ids < 2)", d) ==
        Approx((std::log(4.0) + 2 * std::log(4.0 / 3)) / 3));
  CHECK(valueOf("mean(entropy(q))", d) == Approx(0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3)));
  CHECK(valueOf("mean(mode(q) == ids)", d) == Approx(2.0 / 6));
}

/// Divergences of p = (1/4, 3/4) from q = (1/2, 1/2), as the mean over rows that are all alike.
static double divergenceOf(const std::string &call, const std::string &before = "") {
  std::string statements = R"(
  two: 2
  zero = along(0 * sum(x, over = t), two)
  p = categorical(logits = zero + where(index(two) == 1, log(3.0), 0.0), over = two)
  q = categorical(logits = zero, over = two))";
  return valueOf("mean(" + call + ")", statements, before);
}

TEST_CASE("D5, D7 and D8: divergences of (1/4, 3/4) from (1/2, 1/2)") {
  double kl = 0.25 * std::log(0.5) + 0.75 * std::log(1.5);
  double reverse = 0.5 * std::log(2.0) + 0.5 * std::log(0.5 / 0.75);
  CHECK(divergenceOf("kl(p || q)") == Approx(kl));
  CHECK(divergenceOf("kl(q || p)") == Approx(reverse));
  CHECK(divergenceOf("reverse_kl(p || q)") == Approx(reverse));
  CHECK(divergenceOf("D[jeffreys](p || q)") == Approx(kl + reverse));
  double m1 = 0.375, m2 = 0.625;
  CHECK(divergenceOf("js(p || q)") ==
        Approx(0.5 * (0.25 * std::log(0.25 / m1) + 0.75 * std::log(0.75 / m2)) +
               0.5 * (0.5 * std::log(0.5 / m1) + 0.5 * std::log(0.5 / m2))));
  CHECK(divergenceOf("hellinger(p || q)") == Approx(2 - 2 * (std::sqrt(0.125) + std::sqrt(0.375))));
  CHECK(divergenceOf("chi2(p || q)") == Approx(0.125 + 1.125 - 1));
  CHECK(divergenceOf("symmetric_chi2(p || q)") == Approx(0.25 + (0.25 + 1.0 / 12)));
  CHECK(divergenceOf("tv(p || q)") == Approx(0.25));
  CHECK(divergenceOf("D[alpha(a = 0.5)](p || q)") ==
        Approx(4 * (1 - (std::sqrt(0.125) + std::sqrt(0.375)))));
  CHECK(divergenceOf("D[alpha(a = 1)](p || q)") == Approx(kl));
  // With its parameter it is a value like any other.
  CHECK(divergenceOf("by(p, q, alpha(a = 1))", "fn by(p, q, f) = D[f](p || q)\n") == Approx(kl));
  CHECK(divergenceOf("D[skewed](p || q)", "divergence skewed(u; a = 0.3 in 0..1) = u * log(u / (a "
                                          "* u + 1 - a))\n") ==
        Approx(0.25 * std::log(0.25 / (0.3 * 0.25 + 0.7 * 0.5)) +
               0.75 * std::log(0.75 / (0.3 * 0.75 + 0.7 * 0.5))));
  CHECK(divergenceOf("slope[kl](log(2.0) + 0 * sum(x, over = t))") == Approx(std::log(2.0)));
  for (std::string f : {"kl", "reverse_kl", "jeffreys", "js", "hellinger", "alpha(a = 0.3)"}) {
    INFO(f);
    std::string at = "(0.5 + 0 * sum(x, over = t))";
    CHECK(divergenceOf("link[" + f + "]" + at) == divergenceOf("slope[" + f + "]" + at));
  }
  CHECK(divergenceOf("score[kl](log(2.0) + 0 * sum(x, over = t))") == Approx(1 - 2));
}

TEST_CASE("D6 and D10: what the generator's text does not change") {
  // Multiples of u - 1, and the dual: u f(1 / u) of (q || p) is f of (p || q).
  double kl = divergenceOf("kl(p || q)"), le_cam = divergenceOf("le_cam(p || q)");
  CHECK(divergenceOf("D[f](p || q)", "divergence f(u) = u * log(u) - 3 * (u - 1)\n") == Approx(kl));
  CHECK(divergenceOf("D[f](q || p)", "divergence f(u) = u * ((1 / u) * log(1 / u))\n") ==
        Approx(kl));
  CHECK(divergenceOf("D[f](q || p)", "divergence f(u) = u * (1 / u - 1)^2 / (1 / u + 1)\n") ==
        Approx(le_cam));
  CHECK(le_cam == Approx(0.0625 / 0.75 + 0.0625 / 1.25));
  CHECK(divergenceOf("neyman(p || q)") == Approx(0.0625 / 0.25 + 0.0625 / 0.75));
  CHECK(divergenceOf("gan(p || q)") == Approx(2 * divergenceOf("js(p || q)")));
  CHECK(divergenceOf("jsd(p || q)") == Approx(divergenceOf("js(p || q)")));
  CHECK(divergenceOf("D[scaled_jsd(b = 0.25)](p || q)") ==
        Approx(divergenceOf("D[jsd(b = 0.25)](p || q)") * 16 / 3));
  CHECK(divergenceOf("D[scaled_jsd(b = 0)](p || q)") == Approx(kl));
  CHECK(divergenceOf("D[power_divergence(a = 2)](p || q)") ==
        Approx(0.5 * divergenceOf("chi2(p || q)")));
}

TEST_CASE("D10: equal, absent, disjoint") {
  CHECK(divergenceOf("js(p || p)") == 0);
  CHECK(divergenceOf("tv(q || q)") == 0);
  std::string none = R"(
  none = categorical(logits = zero - inf, over = two)
  left = categorical(logits = zero + where(index(two) == 1, -inf, 0.0), over = two)
  right = categorical(logits = zero + where(index(two) == 0, -inf, 0.0), over = two)
  bare = )";
  auto value = [&](const std::string &call) {
    std::string statements = R"(
  two: 2
  zero = along(0 * sum(x, over = t), two)
  q = categorical(logits = zero, over = two))" +
                             none + call;
    return valueOf("mean(bare)", statements);
  };
  CHECK(value("kl(none || q)") == 0);
  CHECK(value("kl(q || none)") == 0);
  CHECK(value("js(left || right)") == Approx(std::log(2.0)));
  CHECK(value("tv(left || right)") == Approx(1));
  CHECK(value("hellinger(left || right)") == Approx(2));
  CHECK(value("kl(left || q)") == Approx(std::log(2.0)));
  CHECK(value("kl(q || left)") == INFINITY);
  CHECK(value("kl(left || left)") == 0);
  CHECK(value("D[skew_kl(l = 0.1)](left || right)") == Approx(std::log(10.0)));
}

TEST_CASE("D7: a parameter at run time is held in its range, and meets its limits") {
  auto at = [](const std::string &a) {
    return divergenceOf("D[alpha(a = " + a + " + 0 * sum(x))](p || q)");
  };
  CHECK(at("0.5") == Approx(divergenceOf("D[alpha(a = 0.5)](p || q)")));
  CHECK(at("1") == Approx(divergenceOf("kl(p || q)")));
  CHECK(at("0") == Approx(divergenceOf("reverse_kl(p || q)")));
  CHECK(at("7") == Approx(divergenceOf("kl(p || q)")));
  CHECK(at("0.99") == Approx(divergenceOf("D[alpha(a = 0.99)](p || q)")).epsilon(1e-4));
}

TEST_CASE("T2: a report is its value had the whole evaluation been one batch") {
  Meaning meaning(reporting("  loss = mean(x, where = m)\n  report double = 2 * loss + 1"));
  NamedArrays other = sampleData();
  other["m"].data = {0, 0, 1, 0, 0, 0};
  auto reports = meaning.reports({sampleData(), other});
  CHECK(reports.at("double") == Approx(2 * (1 + 2 + 4 + 3) / 4.0 + 1));
  CHECK(reports.at("loss") == Approx(9.5 / 6));
}

TEST_CASE("M3 and M5: repeat applies its layers in order, each with its own parameters") {
  Meaning meaning(R"(
model Layer(layer) { param w: real[] = 1.0 + layer;  forward(x: real[b]) -> real[b] { 2 * x + w } }
model Tower() { layers_ = repeat(layer: 3) Layer(layer);  forward(x: real[b]) -> real[b] { layers_(x) } }
objective o(m: model, x: real[b]) { minimize mean(m(x)) }
train o { m = Tower();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  // ((2 * 1 + 1) * 2 + 2) * 2 + 3
  CHECK(meaning.reports({{{"x", reals({{"b", 1}}, {1})}}}).at("loss") == Approx(19));
  const StateDecl *w = meaning.checked.state("m.layers_.w");
  REQUIRE(w);
  CHECK(w->stacked == 1);
  CHECK(w->tensors.at(2).name == "m.layers_.2.w");
}

TEST_CASE("weight_gap: every parameter of two models, repeated layers whole") {
  Meaning meaning(R"(
model Layer(layer) { param w: real[] = 1.0 + layer;  forward(x: real[b]) -> real[b] { 2 * x + w } }
model Tower() { layers_ = repeat(layer: 3) Layer(layer);  param v: real[] = 1;  forward(x: real[b]) -> real[b] { layers_(x) * v } }
objective o(m: model, frozen r: model, x: real[b]) { minimize mean(m(x)) + 0 * mean(r(x));  report gap = weight_gap(m, r) }
train o { m = Tower();  r = Tower();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  meaning.states["r.layers_.w"].data = {3, 2, 7}; // 1, 2, 3 of m
  meaning.states["r.v"].data = {4};
  auto reports = meaning.reports({{{"x", reals({{"b", 1}}, {1})}}});
  CHECK(reports.at("gap") == Approx(2 * 2 + 0 + 4 * 4 + 3 * 3));
}

TEST_CASE("C3: a layer over one axis twice is a square matrix") {
  Meaning meaning(R"(
config { width = 2 }
model Square() { lin = Linear(width, width, init = normal(std = 0.0));  forward(x: real[b, width]) -> real[b, width] { x + lin(x) } }
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o { m = Square();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  meaning.states["m.lin.weight"].data = {1, 2, 3, 4}; // [out, in]
  // x = (1, 10): x + (21, 43)
  CHECK(meaning.reports({{{"x", reals({{"b", 1}, {"width", 2}}, {1, 10})}}}).at("loss") ==
        Approx((22 + 53) / 2.0));
}

TEST_CASE("C2 and C4: attention with one head and identity matrices") {
  Meaning meaning(R"(
config { width = 2 }
model A() {
  attn = Attention(width, 1, causal = true)
  forward(x: real[b, t, width]) -> real[b, t, width] { attn(x) }
}
objective o(m: model, x: real[b, t, width]) {
  y = m(x)
  minimize mean(y)
  report first = sum(y[t = 0])
  report second = sum(y[t = 1] * index(width))
}
train o { m = A();  b = 1, t = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  for (const char *name : {"q", "k", "v", "out"})
    meaning.states[std::string("m.attn.") + name + ".weight"].data = {1, 0, 0, 1};
  auto reports =
      meaning.reports({{{"x", reals({{"b", 1}, {"t", 2}, {"width", 2}}, {1, 0, 0, 1})}}});
  CHECK(reports.at("first") == Approx(1)); // the first position sees itself only
  double own = std::exp(1 / std::sqrt(2.0)), p = own / (own + 1);
  CHECK(reports.at("second") == Approx(p));
}

TEST_CASE("S2 and T4: inputs of tokens know their limit, masks keep their own axes, ema is what "
          "eval reads") {
  Meaning meaning(R"(
config { vocab = 7, width = 4 }
model M() {
  tok = Embedding(vocab, width)
  attn = Attention(width, 2, causal = true)
  forward(ids: token[b, t; vocab]) -> categorical[b, t; vocab] {
    categorical(logits = dot(attn(tok(ids)), tok.table, over = width), over = vocab)
  }
}
objective o(m: model, s: sequence[b, t; vocab]) { minimize mean(nll(m(s.ids), s.next), where = s.mask) }
train o { m = M();  b = 2, t = 3;  data = text(tokenizer = bytes);  optimizer = adamw(lr = 1e-3)
          ema = 0.9;  clip = global_norm(1.0);  steps = 5 }
)");
  const Checked &checked = meaning.checked;
  for (const EntryValue &input : checked.entry("train")->inputs)
    CHECK(input.limit == (input.name == "s.mask" ? 0 : 7));
  bool narrow = false;
  for (const Node &node : checked.entry("train")->body.nodes)
    if (node.op == "select" && checked.graph->types[node.operands[0]].axes.size() == 2)
      narrow |= checked.graph->types[node.results[0]].axes.size() == 4;
  CHECK(narrow); // [s, t] chooses among [b, heads, t, s]
  for (const Node &node : checked.entry("eval")->body.nodes)
    if (node.op == "read") {
      std::string state = std::get<std::string>(node.attributes.at("state"));
      CHECK((state.rfind("ema.", 0) == 0 || state.rfind("mean.", 0) == 0));
    }
  CHECK(meaning.states.at("ema.m.tok.table").data == meaning.states.at("m.tok.table").data);
  CHECK(checked.entry("predict")->outputs.at(0).name == "logits");
  CHECK(checked.graph->metadata.find(R"("source":"text","arguments":{"tokenizer":"bytes"})") !=
        std::string::npos);
}
