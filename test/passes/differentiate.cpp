// Differentiate against central finite differences of the reference evaluator, op by op and for
// loops of every shape.
#include "test/passes/Program.h"

using namespace frit;

namespace {

const Axis a{"a", 3}, c{"c", 2}, k{"k", 4}, t{"t", 5};

/// sum(w * y): weights that differ from element to element.
Term weigh(Program &p, Term y) { return p.sumAll(y * p.input(Program::real(typeOf(y).axes))); }
void requireUnary(const std::string &op, bool isPositive) {
  INFO(op);
  Program p;
  Term x = p.parameter({a, k});
  p.finish(weigh(p, p.build.make(op, {isPositive ? x * x + 0.5 : x})));
  requireGradients(p);
}
void requireBinary(const std::string &op, bool isPositive) {
  INFO(op);
  Program p;
  Term x = p.parameter({a, k}), y = p.parameter({k, c});
  if (isPositive) {
    x = x * x + 0.5;
    y = y * y + 0.5;
  }
  p.finish(weigh(p, p.build.make(op, {x, y})));
  requireGradients(p);
}

} // namespace

TEST_CASE("elementwise ops of one value") {
  for (const char *op :
       {"neg", "abs", "exp", "expm1", "sin", "cos", "tanh", "sigmoid", "softplus", "erf"})
    requireUnary(op, false);
  for (const char *op : {"log", "log1p", "sqrt", "rsqrt"})
    requireUnary(op, true);
}

TEST_CASE("elementwise ops without slope have gradients of zero") {
  for (const char *op : {"floor", "ceil", "round", "sign"})
    requireUnary(op, false);
}

TEST_CASE("elementwise ops of two values whose axes differ") {
  for (const char *op : {"add", "sub", "mul", "maximum", "minimum", "logaddexp"})
    requireBinary(op, false);
  for (const char *op : {"div", "pow", "mod"})
    requireBinary(op, true);
}

TEST_CASE("choice and casts") {
  Program p;
  Term x = p.parameter({a, k}), y = p.parameter({k, c});
  Term z = p.build.select(x > y, x * y, p.build.exp(y));
  z = p.build.make("cast", {z}, {{"to", std::string("f64")}});
  p.finish(weigh(p, z));
  requireGradients(p);
}

TEST_CASE("reductions") {
  for (const char *op : {"sum", "max", "min", "logsumexp", "softmax", "log_softmax", "cumsum"})
    for (const std::vector<std::string> &over :
         {std::vector<std::string>{"k"}, {"a", "k"}, {"k", "a"}}) {
      INFO(op);
      Program p;
      Term x = p.parameter({a, k, c});
      p.finish(weigh(p, p.build.make(op, {x}, {{"over", over}})));
      requireGradients(p);
    }
}

TEST_CASE("sort and top_k") {
  Program p;
  Term x = p.parameter({a, k}), y = p.parameter({a, k});
  Term sorted = p.build.op("sort", {x}, {{"over", std::vector<std::string>{"k"}}})[0];
  Term top = p.build.op(
      "top_k", {y},
      {{"over", std::vector<std::string>{"k"}}, {"k", int64_t(2)}, {"as", std::string("best")}})[0];
  p.finish(weigh(p, sorted) + weigh(p, top));
  requireGradients(p);
}

TEST_CASE("contractions: matrix, batched, outer, dot") {
  Program p;
  Term x = p.parameter({a, k, c}), y = p.parameter({k, c, t}), z = p.parameter({k}),
       u = p.parameter({k});
  p.finish(weigh(p, p.build.contract(x, y, {"k"})) + weigh(p, p.build.contract(x, y, {"k", "c"})) +
           weigh(p, p.build.contract(x, y, {})) + p.build.contract(z, u, {"k"}));
  requireGradients(p);
}

TEST_CASE("gather and scatter") {
  Program p;
  Term table = p.parameter({{"v", 6}, k}), x = p.parameter({a, k}),
       base = p.parameter({{"v", 6}, k});
  Term ids = p.input({Element::I32, {a, t}}), rows = p.input({Element::I32, {a}});
  Term seen = p.build.make("gather", {table, ids}, {{"axes", std::vector<std::string>{"v"}}});
  Term put = p.build.make("scatter", {x, rows},
                          {{"into", std::vector<Axis>{{"v", 6}}}, {"mode", std::string("add")}});
  Term set = p.build.make(
      "scatter", {p.build.exp(x), rows, base},
      {{"into", std::vector<Axis>{{"v", 6}}}, {"onto", true}, {"mode", std::string("set")}});
  p.finish(weigh(p, seen * seen) + weigh(p, put) + weigh(p, p.build.make("tanh", {set})));
  requireGradients(p);
}

TEST_CASE("gather along an axis that the index shares, and outside with a fill value") {
  Program p;
  Term x = p.parameter({a, k}), fill = p.parameter({});
  Term ids = p.input({Element::I32, {a}});
  Term taken = p.build.make("gather", {x, ids}, {{"axes", std::vector<std::string>{"k"}}});
  Term position = p.build.make("index", {}, {{"axes", std::vector<Axis>{t}}});
  Term outside = p.build.make("gather", {x, position - p.build.constant(1, Element::I32), fill},
                              {{"axes", std::vector<std::string>{"k"}}, {"fill", true}});
  p.finish(weigh(p, taken) + weigh(p, outside * outside));
  requireGradients(p);
}

TEST_CASE("shape ops") {
  Program p;
  Term x = p.parameter({a, {"n", 6}}), y = p.parameter({a, {"n", 6}});
  std::vector<Axis> parts{{"i", 2}, {"j", 3}};
  Term split = p.build.make("split", {x}, {{"axis", std::string("n")}, {"into", parts}});
  Term merged = p.build.make(
      "merge", {split}, {{"axes", std::vector<std::string>{"j", "a"}}, {"into", std::string("m")}});
  Term renamed =
      p.build.make("rename", {y}, {{"from", std::string("a")}, {"to", std::string("z")}});
  Term stacked = p.build.make("stack", {x, y, x * y}, {{"axis", std::string("s")}});
  Term sliced = p.build.make("slice", {stacked}, {{"axis", std::string("n")}, {"at", int64_t(4)}});
  Term wide = p.build.broadcast(x, {c});
  p.finish(weigh(p, merged * merged) + weigh(p, x * renamed) + weigh(p, sliced * sliced) +
           weigh(p, wide * wide));
  requireGradients(p);
}

TEST_CASE("stop_gradient holds a value fixed") {
  Program p;
  Term x = p.parameter({a});
  Term y = p.build.make("stop_gradient", {x * x});
  p.finish(weigh(p, x * y));
  mlir::OwningOpRef<mlir::ModuleOp> after = p.module->clone();
  REQUIRE(simplifyToo(*after));
  NamedArrays states{{"p0", Array(Program::real({a}), 3)}};
  NamedArrays inputs{{"x0", Array(Program::real({a}), 2)}};
  Array slope = Evaluator(*after).run("gradients", states, inputs).at("d.p0");
  for (double x : slope.data)
    CHECK(x == 18); // w * x^2, not w * 3 x^2
}

/// The gradients of the loss for states that are not drawn.
static NamedArrays slopesAt(Program &p, NamedArrays states) {
  mlir::OwningOpRef<mlir::ModuleOp> after = p.module->clone();
  REQUIRE(simplifyToo(*after));
  return Evaluator(*after).run("gradients", states, {});
}
static Array numbers(std::vector<Axis> axes, std::vector<double> data) {
  Array out(Program::real(std::move(axes)));
  out.data = std::move(data);
  return out;
}

TEST_CASE("what a select leaves out has no gradient, whatever its slopes are") {
  Program p;
  Term x = p.parameter({a}), w = p.parameter({}), zero = p.number(0);
  // log 0, sqrt -1: slopes of inf and NaN where nothing is chosen, and NaN through two choices.
  Term y = p.build.make("log", {x * w}) * p.build.make("sqrt", {x});
  Term inner = p.build.select(x > 0.0, y, zero);
  Term other = p.build.make("rename", {y}, {{"from", std::string("a")}, {"to", std::string("z")}});
  Term there = p.build.make("rename", {x}, {{"from", std::string("a")}, {"to", std::string("z")}});
  p.finish(p.sumAll(p.build.select(x > 1.0, inner * p.build.make("rsqrt", {x}), zero)) +
           p.sumAll(p.build.select(there > 0.0, other, zero)));
  NamedArrays slopes = slopesAt(p, {{"p0", numbers({a}, {0, -1, 2})}, {"p1", numbers({}, {3})}});
  double root = std::sqrt(2.0);
  std::vector<double> byX = slopes.at("d.p0").data;
  CHECK(byX[0] == 0);
  CHECK(byX[1] == 0);
  CHECK(byX[2] == Approx(1 / 2.0 + 1 / root + std::log(6.0) / (2 * root)));
  CHECK(slopes.at("d.p1").data[0] == Approx((1 + root) / 3));
}

TEST_CASE("what a select leaves out in a loop, or before one, has no gradient") {
  Program p;
  Term x = p.parameter({{"layer", 2}, a}), start = p.parameter({a}), zero = p.number(0);
  Term before = p.build.select(start > 0.0, p.build.make("log", {start}), zero);
  Terms out = p.scan("layers", {"layer", 2}, {before}, {x}, [&](Term, Terms h, Terms s) {
    Term y = p.build.select(s[0] > 0.0, p.build.make("log", {s[0] * start}) * h[0], zero);
    return Program::Yield{{h[0] + y}, {}};
  });
  p.finish(p.sumAll(out[0]));
  NamedArrays slopes = slopesAt(p, {{"p0", numbers({{"layer", 2}, a}, {0, -1, 2, 0, 1, 3})},
                                    {"p1", numbers({a}, {0, 2, 2})}});
  for (auto name : {"d.p0", "d.p1"})
    for (double x : slopes.at(name).data)
      CHECK(std::isfinite(x));
  CHECK(slopes.at("d.p0").data[0] == 0);
  CHECK(slopes.at("d.p0").data[1] == 0);
  CHECK(slopes.at("d.p1").data[0] == 0);
  // Layer 1 alone where a = 1: log 2 (1 + log(1 * 2)), by start 1/2 (1 + log 2) + log 2 / 2.
  CHECK(slopes.at("d.p1").data[1] == Approx(0.5 * (1 + std::log(2.0)) + 0.5 * std::log(2.0)));
}

TEST_CASE("a loop over layers: parameters as slices, a captured value, a stack") {
  Program p;
  Term x = p.parameter({a, k}), w = p.parameter({{"layer", 3}, k, {"m", 4}}),
       bias = p.parameter({{"layer", 3}, k}), scale = p.parameter({k});
  Terms out = p.scan("layers", {"layer", 3}, {x}, {w, bias}, [&](Term, Terms h, Terms s) {
    Term y = p.build.contract(h[0], s[0], {"k"});
    y = p.build.make("rename", {y}, {{"from", std::string("m")}, {"to", std::string("k")}});
    Term z = p.build.make("tanh", {y * scale + s[1]});
    return Program::Yield{{h[0] + z}, {p.build.sum(z * z, {"k"})}};
  });
  p.finish(weigh(p, out[0]) + weigh(p, out[1]));
  requireGradients(p);
}

TEST_CASE("a loop over time: recurrence with an invariant matrix, both ways") {
  for (bool reverse : {false, true}) {
    Program p;
    Term x = p.parameter({a, t, k}), h = p.parameter({a, {"m", 2}}), w = p.parameter({k, {"m", 2}}),
         u = p.parameter({{"m", 2}, {"n", 2}}), bias = p.parameter({{"m", 2}});
    Terms out = p.scan(
        "time", t, {h}, {x},
        [&](Term, Terms h, Terms s) {
          Term back = p.build.make("rename", {p.build.contract(h[0], u, {"m"})},
                                   {{"from", std::string("n")}, {"to", std::string("m")}});
          Term next = p.build.make("tanh", {p.build.contract(s[0], w, {"k"}) + back + bias});
          return Program::Yield{{next}, {next * next}};
        },
        reverse);
    p.finish(weigh(p, out[0]) + weigh(p, out[1]));
    requireGradients(p);
  }
}

TEST_CASE("two carried values that exchange places, and one that is only replaced") {
  Program p;
  Term x = p.parameter({a}), y = p.parameter({a}), z = p.parameter({a}), s = p.parameter({t, a});
  Terms out = p.scan("time", t, {x, y, z}, {s}, [&](Term, Terms h, Terms s) {
    return Program::Yield{{h[1] * s[0], p.build.make("sin", {h[0]}), s[0] * h[1]}, {}};
  });
  p.finish(weigh(p, out[0]) + weigh(p, out[1]) + weigh(p, out[2] * z));
  requireGradients(p);
}

TEST_CASE("a loop in a loop: captured from both, slices of an inner axis") {
  Program p;
  Term x = p.parameter({a, t}), w = p.parameter({{"layer", 2}, a}), u = p.parameter({a}),
       v = p.parameter({t});
  Terms out = p.scan("layers", {"layer", 2}, {x}, {w}, [&](Term, Terms outer, Terms s) {
    Term gate = p.build.make("sigmoid", {s[0] * u});
    Terms inner = p.scan("time", t, {gate}, {outer[0], v}, [&](Term, Terms h, Terms r) {
      Term next = p.build.make("tanh", {h[0] * gate + r[0] * u + s[0] * r[1]});
      return Program::Yield{{next}, {next * r[0]}};
    });
    return Program::Yield{{outer[0] + inner[1]}, {inner[0] * gate}};
  });
  p.finish(weigh(p, out[0]) + weigh(p, out[1]));
  requireGradients(p);
}

TEST_CASE("attention in a loop over layers: the mask is computed again, not saved") {
  Program p;
  Axis s{"s", 5};
  Term x = p.parameter({t, k}), wq = p.parameter({{"layer", 2}, k, {"d", 3}}),
       wk = p.parameter({{"layer", 2}, k, {"d", 3}}), wv = p.parameter({{"layer", 2}, k, {"e", 4}});
  auto rename = [&](Term x, const char *from, const char *to) {
    return p.build.make("rename", {x}, {{"from", std::string(from)}, {"to", std::string(to)}});
  };
  Terms out = p.scan("layers", {"layer", 2}, {x}, {wq, wk, wv}, [&](Term, Terms h, Terms w) {
    Term q = p.build.contract(h[0], w[0], {"k"});
    Term key = rename(p.build.contract(h[0], w[1], {"k"}), "t", "s");
    Term value = rename(p.build.contract(h[0], w[2], {"k"}), "t", "s");
    Term mask = p.build.make("index", {}, {{"axes", std::vector<Axis>{t}}}) >=
                p.build.make("index", {}, {{"axes", std::vector<Axis>{s}}});
    Term scores = p.build.contract(q, key, {"d"}) * 0.5;
    scores = p.build.select(mask, scores, p.number(-1e9));
    Term weights = p.build.make("softmax", {scores}, {{"over", std::vector<std::string>{"s"}}});
    Term mixed = rename(p.build.contract(weights, value, {"s"}), "e", "k");
    return Program::Yield{{h[0] + mixed}, {}};
  });
  p.finish(weigh(p, out[0]));
  requireGradients(p);
  // No i1 among the values that the forward loop stacks.
  mlir::OwningOpRef<mlir::ModuleOp> after = p.module->clone();
  REQUIRE(simplifyToo(*after));
  after->walk([](ScanOp scan) {
    for (mlir::Value result : scan.getResults())
      CHECK(isReal(typeOf(result).element));
  });
}

TEST_CASE("a gradient of a gradient") {
  Program p;
  Term x = p.parameter({a}), w = p.parameter({{"layer", 2}, a});
  Terms out = p.scan("layers", {"layer", 2}, {x}, {w}, [&](Term, Terms h, Terms s) {
    return Program::Yield{{p.build.make("tanh", {h[0] * s[0]})}, {}};
  });
  Term inner = weigh(p, out[0] * out[0]);
  auto first = GradientOp::create(p.b, mlir::TypeRange{x.value.getType()}, inner.value,
                                  mlir::ValueRange{x.value});
  Term slope = p.build.term(first.getResult(0));
  Term penalty = p.sumAll(slope * slope);
  p.finish(penalty);
  mlir::PassManager manager(&p.context);
  manager.addPass(createDifferentiate());
  mlir::OwningOpRef<mlir::ModuleOp> both = p.module->clone();
  REQUIRE(succeeded(manager.run(*both)));
  NamedArrays states = drawStates(*both, "init", 1), inputs = drawInputs(*both, "gradients", 2);
  NamedArrays at = Evaluator(*both).run("gradients", states, inputs);
  for (const char *name : {"p0", "p1"}) {
    for (size_t i = 0; i < states.at(name).data.size(); ++i) {
      auto value = [&](double step) {
        NamedArrays moved = states;
        moved.at(name).data[i] += step;
        return Evaluator(*both).run("gradients", moved, inputs).at("loss").data[0];
      };
      double h = 1e-4, numeric = (value(h) - value(-h)) / (2 * h);
      CHECK(at.at(std::string("d.") + name).data[i] == Approx(numeric).epsilon(1e-6).margin(1e-8));
    }
  }
}
