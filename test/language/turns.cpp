// Several runs in one train take turns; models that follow others; slots that an optimiser needs.
#include "test/language/Steps.h"

using namespace frit;
using Catch::Contains;

namespace {
/// Two objectives over one trunk, each with a head, a size and a number of its own.
const std::string both = R"(
config { n = 2 }
model Trunk() { param w: real[n] = 1;  forward(x: real[b, n]) -> real[b, n] { x * w } }
model Head(trunk: model) { param v: real[n] = 1;  forward(x: real[b, n]) -> real[b] { sum(trunk(x) * v, over = n) } }
objective up(m: model, x: real[b, n]; weight = 1.0) { minimize -weight * mean(m(x)) }
objective down(m: model, x: real[b, n], y: real[b]) { minimize mean((m(x) - y)^2) }
train both {
  trunk = Trunk();  one = Head(trunk);  two = Head(trunk)
  run up 2 { m = one;  b = 4;  weight = 2.0 }
  run down 1 { m = two;  b = 3;  data = table();  validation = 0.5 }
  data = tensors();  optimizer = adam(lr = 0.1);  steps = 10
}
)";
std::set<std::string> written(const Checked &checked, const std::string &entry) {
  std::set<std::string> out;
  for (const Node &node : checked.entry(entry)->body.nodes)
    if (node.op == "write")
      out.insert(std::get<std::string>(node.attributes.at("state")));
  return out;
}
} // namespace

TEST_CASE("T12: each run has its entries, its sizes, its numbers; weights and slots are shared") {
  Checked checked(both);
  INFO(checked.messages);
  REQUIRE(checked.graph);
  for (const char *entry : {"train.up", "train.down", "eval.up", "report.down"})
    CHECK(checked.entry(entry));
  CHECK_FALSE(checked.entry("train"));
  CHECK(written(checked, "train.up") ==
        std::set<std::string>{"trunk.w", "trunk.w.m", "trunk.w.v", "one.v", "one.v.m", "one.v.v"});
  CHECK(written(checked, "train.down") ==
        std::set<std::string>{"trunk.w", "trunk.w.m", "trunk.w.v", "two.v", "two.v.m", "two.v.v"});
  auto sizeOf = [&](const char *entry) {
    return checked.graph->types[checked.entry(entry)->inputs.at(0).value].axes.at(0).size;
  };
  CHECK(sizeOf("train.up") == 4);
  CHECK(sizeOf("train.down") == 3);
  CHECK(checked.state("up.weight")->flag == "up-weight");
  CHECK(checked.state("up.weight")->initial == 2);
  CHECK_THAT(checked.graph->metadata, Contains(R"("name":"up","times":2)"));
  CHECK_THAT(checked.graph->metadata, Contains(R"("source":"table")"));
}

TEST_CASE("T12: an update counts the steps of all runs that train the weight") {
  Steps steps(both);
  auto setSteps = [&](double up, double down) {
    steps.states.at("step.up").data[0] = up;
    steps.states.at("step.down").data[0] = down;
  };
  // Adam's first update is lr * sign(gradient) if it knows itself to be the first.
  setSteps(0, 0);
  steps.step(0, "train.up");
  CHECK(std::abs(steps.number("one.v") - 1) == Approx(0.1).epsilon(1e-4));
  setSteps(2, 0);
  steps.step(2, "train.down");
  CHECK(std::abs(steps.number("two.v") - 1) == Approx(0.1).epsilon(1e-4));
}

TEST_CASE("T12: an optimiser in a run's braces remembers for itself") {
  std::string text = both;
  text.replace(text.find("validation = 0.5"), 16, "optimizer = momentum(lr = 0.5)");
  Checked checked(text);
  INFO(checked.messages);
  REQUIRE(checked.graph);
  CHECK(written(checked, "train.down") ==
        std::set<std::string>{"trunk.w", "trunk.w.down.m", "two.v", "two.v.down.m"});
  CHECK(checked.state("down.lr")->flag == "down-lr");
  CHECK(checked.state("lr")->initial == 0.1);
}

TEST_CASE("T12: what a run may not say") {
  auto says = [](const std::string &old, const std::string &with) {
    std::string text = both;
    text.replace(text.find(old), old.size(), with);
    return Checked(text).messages;
  };
  CHECK_THAT(says("weight = 2.0", "steps = 4"),
             Contains("error: 'steps' belongs to train, not to one of its runs"));
  CHECK_THAT(says("m = one", "m = Head(trunk)"), Contains("error: models are made in train"));
  CHECK_THAT(says("b = 3;", ""), Contains("error: the size of axis 'b' is not given"));
  CHECK_THAT(says("up 2", "up 0"), Contains("error: a run takes at least one step in its turn"));
  CHECK_THAT(says("steps = 10", "epochs = 2"),
             Contains("error: of several runs each goes through its own data"));
  CHECK_THAT(says("weight = 2.0", "b = 5"), Contains("error: 'b' is given twice"));
  std::string text = both;
  text.replace(text.find("validation = 0.5"), 16, "validation = 0.5 every 2");
  CHECK(Checked(text).messages == "");
  text.replace(text.find("weight = 2.0"), 12, "validation = 0.1 every 3");
  CHECK_THAT(Checked(text).messages,
             Contains("error: all runs are evaluated together, and this is another interval"));
}

TEST_CASE("T13: a model made by ema follows, and nothing else moves it") {
  Steps steps(R"(
config { n = 2 }
model Leaf() { param w: real[n] = 1;  forward(x: real[b, n]) -> real[b, n] { x * w } }
model Net() { all_ = repeat(2) Leaf();  forward(x: real[b, n]) -> real[b, n] { all_(x) } }
objective o(m: model, teacher: model, x: real[b, n]) { minimize mean((m(x) - 2 * teacher(x))^2) }
train o {
  m = Net();  teacher = ema(m, 0.75);  b = 4
  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 3
}
)");
  CHECK(steps.checked.state("teacher.all_.w")->role == "parameter");
  CHECK(steps.checked.state("teacher.decay")->flag == "teacher-decay");
  CHECK_THAT(steps.checked.graph->metadata,
             Contains(R"({"state":"teacher.all_.w","of":"m.all_.w"})"));
  for (int step = 0; step < 2; ++step) {
    Array before = steps.states.at("teacher.all_.w");
    steps.step(step);
    const Array &now = steps.states.at("m.all_.w"), &after = steps.states.at("teacher.all_.w");
    for (size_t i = 0; i < before.data.size(); ++i)
      CHECK(after.data[i] == Approx(0.75 * before.data[i] + 0.25 * now.data[i]));
    CHECK(now.data[0] != before.data[0]);
  }
}

TEST_CASE("T13: what ema wants") {
  auto says = [](const std::string &made) {
    return Checked("model M() { param w: real[] = 1;  forward(x: real[b]) -> real[b] { x * w } }\n"
                   "objective o(m: model, t: model, x: real[b]) { minimize mean(m(x) - t(x)) }\n"
                   "train o { m = M();  t = " +
                   made + ";  b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }\n")
        .messages;
  };
  CHECK(says("ema(m, 0.9)") == "");
  CHECK(says("ema(m, decay = linear(0.9, 1.0))") == "");
  CHECK_THAT(says("ema(m)"), Contains("error: ema wants a model and how much of the follower"));
  CHECK_THAT(says("ema(0.9, m)"), Contains("error: ema wants a model, this is the number 0.9"));
  CHECK_THAT(says("ema(m, 1.5)"), Contains("error: the decay of a follower lies between 0 and 1"));
  CHECK_THAT(says("ema()"), Contains("error: ema(model)"));
  CHECK_THAT(says("copy(m, 0.9)"), Contains("error: copy takes one model and nothing else"));
}

TEST_CASE("O3: a slot whose old value nothing reads is not kept") {
  auto slots = [](const std::string &optimizer) {
    Checked checked("objective o(x: real[b]) { param w: real[] = 1;  minimize mean(x * w) }\n"
                    "train o { b = 2;  data = tensors();  steps = 1;  optimizer = " +
                    optimizer + " }\n");
    INFO(checked.messages);
    REQUIRE(checked.graph);
    CHECK(checked.count("init", "write") == int(1 + (checked.state("w.m") != nullptr)));
    return std::pair(checked.state("w.m") != nullptr, checked.count("train", "mul"));
  };
  CHECK(slots("sgd(lr = 0.1, momentum = 0.9)").first); // a flag may change it
  CHECK(slots("sgd(lr = 0.1, momentum = 0)").first);   // so may this one
  auto [hasSlot, products] = slots("sgd(lr = 0.1)");
  CHECK_FALSE(hasSlot);
  CHECK(products == slots("sgd(lr = 0.1, momentum = 0.9)").second - 1);
}
