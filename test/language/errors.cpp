// What the user is told: both facts, a caret, a note where the other fact comes from, a help.
#include "test/language/Checked.h"

using namespace frit;
using Catch::Contains;

/// The messages for a program around one statement of an objective (b = 2, t = 3, s = 4, v = 5).
static std::string saysOf(const std::string &statements, const std::string &before = "",
                          const std::string &train = "") {
  return Checked(before + R"(
model Id() { param w: real[] = 1;  forward(x: real[b, t]) -> real[b, t] { x * w } }
objective o(m: model, x: real[b, t], y: real[b, s], on: bool[b, t], ids: token[b, t; v]; k = 1.0) {
)" + statements +
                 R"(
  minimize mean(m(x))
}
train o { m = Id();  b = 2, t = 3, s = 4, v = 5;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1
)" + train + "\n}\n")
      .messages;
}

/// A program that is a model and what it is trained with.
static std::string saysProgram(const std::string &text) { return Checked(text).messages; }

TEST_CASE("the program around the cases is right") { CHECK(saysOf("") == ""); }

TEST_CASE("E4: an unknown name brings the nearest known ones") {
  std::string said = saysOf("  z = mean(xs)");
  CHECK_THAT(said, Contains("p.frit:4:12: error: unknown name 'xs'"));
  CHECK_THAT(said, Contains("help: did you mean 'js', 's' or 'x'?"));
  CHECK_THAT(said, Contains("    z = mean(xs)\n             ^~\n"));
}

TEST_CASE("A4: sizes are whole") {
  CHECK_THAT(saysOf("  n: 384 / 7"),
             Contains("error: 384 / 7 is not whole, so it cannot be the size of axis 'n'"));
  CHECK_THAT(saysOf("  n: 0"), Contains("error: axis 'n' would have size 0"));
  CHECK_THAT(saysOf("  n: sum(x)"),
             Contains("error: the size of axis 'n' must be known at compile time, this is real[]"));
}

TEST_CASE("A5: equal names have equal sizes") {
  std::string said = saysOf("  z = x + rename(y, s -> t)");
  CHECK_THAT(said, Contains("error: axis 't' is 3 in real[b: 2, t: 3] and 4 in real[b: 2, t: 4]"));
  CHECK_THAT(said, Contains("help: give them different axis names"));
}

TEST_CASE("A6: one operand holds all axes of the others") {
  std::string said = saysOf("  z = x - y");
  CHECK_THAT(said, Contains("error: '-' of real[b: 2, t: 3] and real[b: 2, s: 4]: neither has all "
                            "axes of the other"));
  CHECK_THAT(said,
             Contains("help: say along(x, s) to repeat a value along an axis, or outer(a, b)"));
}

TEST_CASE("A7 and A8: reductions and contractions name axes that are there") {
  CHECK_THAT(saysOf("  z = sum(x, over = s)"),
             Contains("error: sum: real[b: 2, t: 3] has no axis 's'"));
  CHECK_THAT(saysOf("  z = dot(x, y, over = t)"),
             Contains("error: dot: real[b: 2, s: 4] has no axis 't'"));
  CHECK_THAT(saysOf("  z = dot(x, y)"),
             Contains("error: dot wants over =, the axes that are summed"));
  CHECK_THAT(saysOf("  z = sum(x, over = q)"), Contains("error: there is no axis 'q' here"));
  CHECK_THAT(saysOf("  z = mean(sum(x, over = t), where = on)"),
             Contains("error: mean: the mask is bool[b: 2, t: 3], the value real[b: 2]: the mask "
                      "may have no other axes"));
  CHECK_THAT(saysOf("  z = mean(x, where = x)"),
             Contains("error: where = wants a bool, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = mean(x, wher = on)"), Contains("error: mean has no argument 'wher'\n"));
  CHECK_THAT(saysOf("  z = mean(x, wher = on)"), Contains("help: did you mean 'where'?"));
}

TEST_CASE("M11: bools and tokens are no numbers") {
  CHECK_THAT(saysOf("  z = x * on"), Contains("error: '*' of a bool"));
  CHECK_THAT(saysOf("  z = x * on"), Contains("help: use where(c, a, b)"));
  CHECK_THAT(saysOf("  z = ids + 1"),
             Contains("error: '+' of tokens, which are names, not numbers"));
  CHECK_THAT(saysOf("  z = where(x, 1, 2)"),
             Contains("error: where wants a bool first, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = x and on"),
             Contains("error: 'and' wants bools, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = if x > 0 { 1 } else { 2 }"),
             Contains("error: if wants a bool known at compile time, this is bool[b: 2, t: 3]"));
}

TEST_CASE("A9: positions") {
  CHECK_THAT(saysOf("  z = x[t = 3]"), Contains("error: position 3 of axis 't', which has 3"));
  CHECK_THAT(saysOf("  z = x[t = x]"),
             Contains("error: a position along 't' is an integer, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = x[s = 0]"), Contains("error: real[b: 2, t: 3] has no axis 's'"));
  CHECK_THAT(saysOf("  z = x[t = 0, t = 1]"),
             Contains("p.frit:4:16: error: axis 't' has a position already"));
}

TEST_CASE("A2: a name is an axis or a value, never both") {
  std::string said = saysOf("  n: 4\n  n = mean(x)");
  CHECK_THAT(said, Contains("error: 'n' is an axis here, so it cannot also be real[]"));
  CHECK_THAT(said, Contains("p.frit:4:3: axis 'n' comes from here"));
  CHECK_THAT(saysOf("  n = mean(x)\n  n: 4"),
             Contains("error: 'n' is real[] here, so it cannot also be an axis"));
  CHECK_THAT(saysOf("  n: 4\n  n: 5"),
             Contains("error: axis 'n' is 5 here and 4 elsewhere in this body"));
}

TEST_CASE("A3: rename") {
  CHECK_THAT(saysOf("  z = rename(x, s -> q)"),
             Contains("error: rename: real[b: 2, t: 3] has no axis 's'"));
  CHECK_THAT(saysOf("  z = rename(x, t -> [a: 2, c])"),
             Contains("error: rename: 3 elements do not make [a: 2, c]"));
  CHECK_THAT(saysOf("  z = rename(x, t -> b)"),
             Contains("error: rename: real[b: 2, t: 3] would have axis 'b' twice"));
}

TEST_CASE("C1: binding axes") {
  std::string fn = "fn f(x: real[i, j]) -> real[] = mean(x)\n";
  std::string said = saysOf("  z = f(x)", fn);
  CHECK_THAT(said, Contains("error: f: which of 'b', 't' in 'x' is 'i', 'j'?"));
  CHECK_THAT(said, Contains("p.frit:1:6: 'x' is declared here"));
  CHECK_THAT(said, Contains("help: say it: i = b"));
  CHECK(saysOf("  z = f(x, i = b)", fn) == "");
  CHECK_THAT(saysOf("  z = f(x, h = b)", fn), Contains("error: f has no parameter 'h'"));
  CHECK_THAT(saysOf("  z = f(sum(x, over = t), i = b)", fn),
             Contains("error: f wants an axis for 'j' in 'x', this is real[b: 2]"));
  CHECK_THAT(saysOf("  z = g(x)", "fn g(x: real[b]) -> real[b] = x\n"),
             Contains("error: g has no place for axis 't' of 'x', which is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = f(x, x)", fn), Contains("error: f takes 1 argument by position, this is "
                                                   "one more"));
  CHECK_THAT(saysOf("  z = f()", fn), Contains("error: f needs 'x'"));
}

TEST_CASE("C5: what a body gives must be what it says") {
  std::string said = saysOf("  z = f(x)", "fn f(x: real[..]) -> real[..] { mean(x) }\n");
  CHECK_THAT(said, Contains("p.frit:1:33: error: f is declared real[b: 2, t: 3], this is real[]"));
  CHECK_THAT(said, Contains("called from here"));
  CHECK_THAT(saysOf("  z = f(on)", "fn f(x: real[..]) -> real[..] { x }\n"),
             Contains("error: 'x' of f is declared real, this is bool[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = f(f)", "fn f(x) = f(x)\n"),
             Contains("help: does a function call itself?"));
}

TEST_CASE("C3: an axis twice in a result") {
  std::string said = saysProgram(R"(
config { width = 4 }
model M() { lin = Linear(width, [b: 2]);  forward(x: real[b, width]) -> real[b, width] { x } }
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  CHECK_THAT(said, Contains("error: train o has nothing to train: the loss depends on no parameter "
                            "that is not frozen"));
  said = saysProgram(R"(
config { width = 4 }
model M() { lin = Linear(width, t_, bias = false);  forward(x: real[b, t_, width]) -> real[b, t_] { mean(lin(x), over = t_) } }
config { t_ = 3 }
objective o(m: model, x: real[b, t_, width]) { minimize mean(m(x)) }
train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  CHECK_THAT(said, Contains("error: the result of Linear would have axis 't_' twice"));
}

TEST_CASE("C5 and E4: errors inside the prelude stand at the user's line") {
  std::string said = saysOf("  z = whiten(x, x)");
  CHECK_THAT(said, Contains("p.frit:4:"));
  CHECK_THAT(said, !Contains("prelude"));
  // What is wrong inside is shown there, as a note.
  said = saysOf("  z = silu(m)");
  CHECK(said.starts_with("p.frit:4:"));
  CHECK_THAT(said, Contains("prelude/activations.frit:2:"));
}

TEST_CASE("D2, D4 and D5: distributions") {
  std::string q = "  q = categorical(logits = along(x, v), over = v)\n";
  CHECK(saysOf(q + "  z = mean(nll(q, ids))") == "");
  CHECK_THAT(saysOf(q + "  z = nll(q, index(t))"),
             Contains("error: a categorical gives probabilities to tokens, this is i32[t: 3]"));
  CHECK_THAT(saysOf(q + "  p = categorical(logits = x, over = t)\n  z = kl(p || q)"),
             Contains("have different supports"));
  CHECK_THAT(saysOf(q + "  z = kl(q, q)"),
             Contains("error: a divergence is between two: kl(p || q)"));
  CHECK_THAT(saysOf(q + "  z = kl(q || x)"),
             Contains("error: a divergence is between distributions, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf(q + "  z = D[x](q || q)"),
             Contains("error: a divergence is wanted here, this is real[b: 2, t: 3]"));
  CHECK_THAT(saysOf("  z = kl(bernoulli(logits = x) || normal(mean = x, std = 1))"),
             Contains("error: a bernoulli and a normal have different supports"));
}

TEST_CASE("D6: generators are judged: zero at one, convex") {
  std::string q = "  q = categorical(logits = along(x, v), over = v)\n";
  CHECK_THAT(saysOf(q + "  z = f(q || q)", "divergence f(u) = u + 1\n"),
             Contains("error: divergence 'f' must be 0 at u = 1, and is 2"));
  std::string said = saysOf(q + "  z = D[f](q || q)", "divergence f(u) = 1 - u^2\n");
  CHECK_THAT(said, Contains("error: divergence 'f' is not convex: f("));
  CHECK_THAT(said, Contains("the chord from u ="));
  CHECK_THAT(saysOf(q + "  z = f(q || q)", "divergence f(u) = sin(u)\n"),
             Contains("error: a generator is made of"));
  CHECK_THAT(saysOf(q + "  z = f(q || q)", "divergence f(u) = sqrt(u - 0.5) - sqrt(0.5)\n"),
             Contains("error: divergence 'f' has no value at u = "));
  CHECK_THAT(saysOf(q + "  z = f(q || q)", "divergence f(u) = 1 / (u - 1)\n"),
             Contains("error: divergence 'f' has no value at u = 1"));
  // A dent that long chords do not see.
  CHECK_THAT(
      saysOf(q + "  z = f(q || q)", "divergence f(u) = (u - 1)^2 + max(0, 0.02 - abs(u - 3))\n"),
      Contains("error: divergence 'f' is not convex: f("));
  CHECK_THAT(saysOf(q + "  z = D[alpha(a = 1.5)](q || q)"),
             Contains("error: a = 1.5 is outside of 0..1"));
}

TEST_CASE("M6: scan") {
  CHECK_THAT(saysOf("  z = scan i over t (a = 0.0) { a = a + x[t = i];  yield a }"),
             Contains("error: carried 'a' starts as real[] and becomes real[b: 2]"));
  CHECK_THAT(saysOf("  z = scan i over [b, t] (a = 0.0) { yield a }"),
             Contains("error: scan goes over one axis, this is the group [b, t]"));
  CHECK_THAT(saysOf("  z = scan i over t (a = 0.0) { a = a + 1 }"),
             Contains("error: the body of a scan ends in yield"));
}

TEST_CASE("T1 and T2: objectives") {
  CHECK_THAT(saysOf("  minimize mean(x)"), Contains("error: minimize stands once in an objective"));
  CHECK_THAT(saysOf("  report x"),
             Contains("error: a report is one number, 'x' is real[b: 2, t: 3]"));
  CHECK_THAT(
      saysProgram("model M() { param w: real[] = 1; forward(x: real[b]) -> real[b] { x * w } }\n"
                  "objective o(m: model, x: real[b]) { z = m(x) }\n"
                  "train o { m = M(); b = 2; optimizer = sgd(lr = 1.0) }"),
      Contains("error: objective o minimizes nothing"));
  CHECK_THAT(
      saysProgram("model M() { param w: real[] = 1; forward(x: real[b]) -> real[b] { x * w } }\n"
                  "objective o(m: model, x: real[b]) { minimize m(x) }\n"
                  "train o { m = M(); b = 2; optimizer = sgd(lr = 1.0) }"),
      Contains("error: minimize wants one number, this is real[b: 2]"));
}

TEST_CASE("T4, T6 and T8: train") {
  CHECK_THAT(saysOf("", "", "  kk = 2"), Contains("error: train has no field 'kk'"));
  CHECK_THAT(saysOf("", "", "  kk = 2"), Contains("help: did you mean 'k'"));
  CHECK_THAT(saysOf("", "", "  b = 3"), Contains("error: 'b' is given twice"));
  CHECK_THAT(saysOf("", "", "  for *.scale { lr = 1.0 }"),
             Contains("error: '*.scale' matches no parameter"));
  CHECK_THAT(saysOf("", "", "  for m.w { momentun = 1.0 }"),
             Contains("error: the optimizer has no parameter 'momentun'"));
  CHECK_THAT(saysOf("", "", "  for m.w { frozen = true }"), Contains("has nothing to train"));
  CHECK_THAT(saysOf("", "", "  clip = 3"), Contains("error: clip is global_norm(largest)"));
  CHECK_THAT(saysProgram("objective o(x: real[b]) { param w: real[] = 0; minimize mean(x * w) }\n"
                         "train o { b = 2 }"),
             Contains("error: train o has no optimizer"));
  CHECK_THAT(saysProgram("objective o(x: real[b]) { param w: real[] = 0; minimize mean(x * w) }\n"
                         "train o { optimizer = sgd(lr = 0.1) }"),
             Contains("error: the size of axis 'b' is not given"));
  CHECK_THAT(saysProgram("train nothing { }"), Contains("error: there is no objective 'nothing'"));
  CHECK_THAT(saysProgram("fn f(x) = x"),
             Contains("error: the file has no train block, so there is no program"));
  CHECK_THAT(saysProgram("objective o(m: model, x: real[b]) { minimize mean(m(x)) }\n"
                         "train o { b = 2; optimizer = sgd(lr = 0.1) }"),
             Contains("error: o needs the model 'm'"));
  CHECK_THAT(saysProgram("objective o(x: real[b]) { param w: real[] = 0; minimize mean(x * w) }\n"
                         "train o { b = 2; optimizer = adan(lr = 0.1) }"),
             Contains("error: unknown name 'adan'"));
  CHECK_THAT(saysProgram("objective o(x: real[b]) { param w: real[] = 0; minimize mean(x * w) }\n"
                         "train o { b = 2; optimizer = sgd(rl = 0.1) }"),
             Contains("error: optimizer sgd has no parameter 'rl'"));
}

TEST_CASE("M1, M2 and M5: models") {
  auto says = [](const std::string &model, const std::string &made = "M()") {
    return saysProgram("config { width = 6, heads = 4 }\n" + model +
                       "\nobjective o(m: model, x: real[b, width]) { minimize mean(m(x)) }\n"
                       "train o { m = " +
                       made + "; b = 2; data = tensors(); optimizer = sgd(lr = 0.1); steps = 1 }");
  };
  std::string said = says("model M() { a = Attention(width, heads); forward(x: real[b, width]) -> "
                          "real[b, width] { x } }");
  CHECK_THAT(said, Contains("p.frit:2:17: error: 6 / 4 is not whole, so it cannot be the size of "
                            "axis 'dh'"));
  CHECK_THAT(said, Contains("found here, inside Attention"));
  CHECK_THAT(
      says("model M() { a = Linear(width); forward(x: real[b, width]) -> real[b, width] { x } }"),
      Contains("error: Linear needs 'out'"));
  CHECK_THAT(
      says("model M() { a = Linear(width, width, bia = false); forward(x: real[b, width]) -> "
           "real[b, width] { x } }"),
      Contains("error: Linear has no parameter or config value 'bia'"));
  CHECK_THAT(says("model M() { param w: real[width; width] = 0; forward(x: real[b, width]) -> "
                  "real[b, width] { x } }"),
             Contains("error: axis 'width' is twice in 'w'"));
  CHECK_THAT(says("model M() { forward(x: real[b, width]) -> real[b, width] { l = Linear(width, "
                  "width);  l(x) } }"),
             Contains("error: Linear is a model: instances are made in the body of a model or of "
                      "train"));
  CHECK_THAT(says("model M() { l = Linear(width, width);  forward(x: real[b, width]) -> real[b, "
                  "width] { l.wieght } }"),
             Contains("error: the model Linear has no field 'wieght'"));
  CHECK_THAT(says("model M() { l = repeat(2) Linear(width, heads, bias = false);  forward(x: "
                  "real[b, width]) -> real[b, width] { l(x) } }"),
             Contains("error: a repeated layer gives back what it takes; this one turns"));
}

TEST_CASE("T9: a model from a file") {
  auto program = [](const std::string &fields) {
    return "model M() { param w: real[] = 0;  forward(x: real[b]) -> real[b] { x * w } }\n"
           "objective o(m: model, frozen old: model, x: real[b]) { minimize mean((m(x) - "
           "old(x))^2) }\n"
           "train o { b = 4; data = tensors(); optimizer = sgd(lr = 0.1); steps = 1\n" +
           fields + "\n}";
  };
  Checked checked(program("m = M() from \"run\"; old = copy(m)"));
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(checked.graph->metadata.find(R"("load":[{"model":"m","file":"run"}])") !=
        std::string::npos);
  CHECK(checked.graph->metadata.find(R"("copies":[{"state":"old.w","of":"m.w"}])") !=
        std::string::npos);
  auto says = [&](const std::string &fields) { return Checked(program(fields)).messages; };
  CHECK_THAT(says("m = M(); old = copy(m) from \"run\""),
             Contains("error: a copy begins as what it copies"));
  CHECK_THAT(says("m = M(); old = m from \"run\""),
             Contains("error: 'old' has no parameters of its own to load: it is 'm'"));
  CHECK_THAT(says("m = M(); old = M(); clip = global_norm(1) from \"run\""),
             Contains("error: 'from' belongs to a model, 'clip' is none that is made here"));
}

TEST_CASE("M7: --set") {
  std::string text =
      "config { width = 4 }\nobjective o(x: real[b, width]) { param w: real[] = 0; "
      "minimize mean(x * w) }\ntrain o { b = 2; data = tensors(); optimizer = sgd(lr = "
      "0.1); steps = 9 }";
  CheckOptions options;
  options.settings = {{"width", "8"}, {"b", "3"}};
  Checked set(text, options);
  INFO(set.messages);
  REQUIRE(set.graph);
  const EntryValue &x = set.entry("train")->inputs.at(0);
  CHECK(toString(set.graph->types[x.value]) == "f32[b: 3, width: 8]");
  options.settings = {{"widht", "8"}};
  CHECK_THAT(Checked(text, options).messages,
             Contains("error: there is no config value or field of train 'widht' to set"));
  // Any field of train that is no model.
  options.settings = {{"steps", "3"}, {"optimizer", "adam(lr = 2.0)"}};
  Checked fields(text, options);
  INFO(fields.messages);
  REQUIRE(fields.graph);
  CHECK(fields.state("steps")->initial == 3);
  CHECK(fields.state("lr")->initial == 2);
  CHECK(fields.state("w.v"));
  CHECK(fields.graph->metadata.find(R"("steps":3)") != std::string::npos);
}
