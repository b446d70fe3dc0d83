// Layers of the prelude against values worked out by hand.
#include "test/language/Meaning.h"

using namespace frit;

TEST_CASE("CausalConv: each channel sees its own past, zeros before the first") {
  Meaning meaning(R"(
config { c = 2 }
model M() { conv = CausalConv(c, taps = 3);  forward(x: real[b, t, c]) -> real[b, t, c] { conv(x) } }
objective o(m: model, x: real[b, t, c]) {
  y = m(x)
  minimize mean(y)
  report first = sum(y[t = 0] * (1 + index(c)))
  report last = sum(y[t = 3] * (1 + index(c)))
}
train o { m = M();  b = 1, t = 4;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  meaning.states["m.conv.weight"].data = {1, 10, 100, -1, 0, 2}; // [c, taps]
  auto reports =
      meaning.reports({{{"x", reals({{"b", 1}, {"t", 4}, {"c", 2}}, {1, 5, 2, 6, 3, 7, 4, 8})}}});
  CHECK(reports.at("first") == Approx(1 * 1 + 2 * (-1 * 5)));
  CHECK(reports.at("last") == Approx(1 * (4 + 10 * 3 + 100 * 2) + 2 * (-8 + 2 * 6)));
}

TEST_CASE("Highway: what the gate lets through, and the rest of x itself") {
  Meaning meaning(R"(
config { c = 1 }
model M() { way = Highway(c);  forward(x: real[b, c]) -> real[b, c] { way(x) } }
objective o(m: model, x: real[b, c]) { minimize mean(m(x)) }
train o { m = M();  b = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)");
  meaning.states["m.way.inner.weight"].data = {3};
  meaning.states["m.way.inner.offset"].data = {1};
  meaning.states["m.way.gate.weight"].data = {1};
  // x = 2: the gate is at 2 - 2, half open; relu(7) and 2.
  CHECK(meaning.reports({{{"x", reals({{"b", 1}, {"c", 1}}, {2})}}}).at("loss") == Approx(4.5));
}
