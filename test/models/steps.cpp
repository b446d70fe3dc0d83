// What a training step does to wrapped models and to single layers, by the reference evaluator.
#include "dialect/ops/Builtins.h"
#include "dialect/syntax/check/Slopes.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "test/language/Meaning.h"

using namespace frit;
using Catch::Contains;

namespace {
/// A program whose entries the evaluator can run, the train entry too.
struct Steps : Meaning {
  explicit Steps(const std::string &text) : Meaning(text) {
    mlir::PassManager passes(&context);
    passes.addPass(createDifferentiate());
    REQUIRE(mlir::succeeded(passes.run(*module)));
  }
};
} // namespace

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

TEST_CASE("T7 and C3: a square layer is wrapped like any other, also in a repeat") {
  Steps plain(std::string(lora) + R"(
model Layer() {
  a = Linear(width, width, init = normal(std = 0))
  forward(x: real[b, width]) -> real[b, width] { x + a(x) }
}
model Net() { all_ = repeat(2) Layer();  forward(x: real[b, width]) -> real[b, width] { all_(x) } }
objective o(m: model, x: real[b, width]) { minimize mean(m(x)) }
train o {
  m = Net();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1
  for m.* { frozen = true }
  for m.all_.*.a { wrap = LoRA() }
}
)");
  CHECK(plain.checked.state("m.all_.a.base.weight")->tensors.at(1).name ==
        "m.all_.1.a.base.weight");
  // The base is 0 and each layer adds 2 * 0.25 * (0.5 * sum(x)) to every element: with sum s, the
  // next one's is s + 2 * s / 4. From (1, 3): 4, 6, 9, and the mean of the last is 4.5.
  auto out = plain.run("train", {{"x", reals({{"b", 1}, {"width", 2}}, {1, 3})}});
  CHECK(out.at("loss").data.at(0) == Approx(4.5));
}

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
static NamedArrays dataOf() { return {{"x", reals({{"b", 1}, {"n", 2}}, {2, 3})}}; }

TEST_CASE("T6: single layers of a repeat have settings of their own") {
  // mean(log(x w0 w1 w2 w3)) has the slope 1 / (2 w): here 1/2, 1/4, 1/6, 1/8 in each element.
  Steps program(layered("for m.all_.0.w { lr = 1 }\n for m.all_.{2..3}.* { lr = 10 }\n"
                        "for m.all_.3.w { frozen = true }"));
  auto out = program.run("train", dataOf());
  const std::vector<double> &w = program.states.at("m.all_.w").data;
  std::vector<double> want = {1 - 1.0 / 2, 2 - 0.1 / 4, 3 - 10.0 / 6, 4};
  for (size_t i = 0; i < 4; ++i) {
    INFO(i);
    CHECK(w.at(2 * i) == Approx(want[i]));
    CHECK(w.at(2 * i + 1) == Approx(want[i]));
  }
  CHECK(w.at(6) == 4.0);
  // The frozen layer is no part of the norm.
  CHECK(out.at("grad_norm").data.at(0) == Approx(std::sqrt(2 * (1.0 / 4 + 1.0 / 16 + 1.0 / 36))));
}

TEST_CASE("T6: tuples, schedules and bools of single layers") {
  Steps plain(layered("", "adam(lr = 0.1, betas = (0.5, 0.25))"));
  Steps mixed(layered("for m.all_.1.w { betas = (0.5, 0.25);  lr = linear(0.1, 0.1) }",
                      "adam(lr = 0.1, betas = (0.75, 0.5))"));
  Steps other(layered("", "adam(lr = 0.1, betas = (0.75, 0.5))"));
  auto x = dataOf();
  for (Steps *program : {&plain, &mixed, &other})
    for (int step = 0; step < 3; ++step) {
      program->states.at("step").data = {double(step)};
      program->states.at("steps").data = {9};
      program->run("train", x);
    }
  auto w = [](Steps &program, size_t i) { return program.states.at("m.all_.w").data.at(i); };
  CHECK(w(plain, 2) != Approx(w(other, 2)).epsilon(1e-9));
  CHECK(w(mixed, 2) == Approx(w(plain, 2)).epsilon(1e-12));
  CHECK(w(mixed, 0) == Approx(w(other, 0)).epsilon(1e-12));
  CHECK(w(mixed, 6) == Approx(w(other, 6)).epsilon(1e-12));

  // A bool is known when the body is written: two bodies, and each layer takes its own.
  std::string fast = "sgd(lr = 0.1, momentum = 0.5, nesterov = true)";
  Steps slow(layered("", "sgd(lr = 0.1, momentum = 0.5)"));
  Steps quick(layered("", fast));
  Steps both(layered("for m.all_.2.w { nesterov = true }", "sgd(lr = 0.1, momentum = 0.5)"));
  for (Steps *program : {&slow, &quick, &both})
    program->run("train", x);
  CHECK(w(both, 0) == w(slow, 0));
  CHECK(w(both, 4) == w(quick, 4));
  CHECK(w(both, 4) != w(slow, 4));
}

TEST_CASE("T6: another optimizer for single layers") {
  Steps program(layered("for m.all_.0.w { optimizer = lion(lr = 0.5) }\n"
                        "for m.all_.3.w { frozen = true }"));
  program.run("train", dataOf());
  const std::vector<double> &w = program.states.at("m.all_.w").data;
  CHECK(w.at(0) == Approx(0.5)); // a whole step against the sign
  CHECK(w.at(2) == Approx(2 - 0.1 / 4));
  CHECK(w.at(6) == 4.0);
  CHECK(program.states.at("m.all_.w.m").data.at(6) == 0.0);
}

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
train o { m = M();  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1
)" + rules +
         "\n}\n";
}
TEST_CASE("T8: the list of flat ops is that of the ops whose gradient is zero") {
  size_t flat = 0;
  for (auto &[name, op] : builtins()) {
    bool isFunction = op.law == laws::elementwise || op.law == laws::arithmetic;
    if (!isFunction || !op.callable || op.operands.size() != 1)
      continue;
    INFO(name);
    Steps program(learner("mean(" + name + "(m(x)) + 0 * m(x))"));
    program.run("train", {{"x", reals({{"b", 2}, {"n", 2}}, {0.25, 0.75, 1.25, 2.75})}});
    // Only the gradient moves a parameter whose decay is 0.
    bool moved = program.states.at("m.a").data.at(0) != 1;
    CHECK(moved != checking::isFlat(name));
    flat += checking::isFlat(name);
  }
  CHECK(flat == 4);
}
