// Compiled groups against the evaluator: odd sizes, both element types, every level of this
// machine.
#include "test/groups/Program.h"

using namespace frit;
using namespace frit::test;

static ValueType type(Element element, std::vector<Axis> axes) { return {element, axes}; }

/// Runs a body that takes an axis size on sizes around the vector widths.
template <typename Make> static void sweep(Make make, int limit = 4) {
  for (const Target &target : runnableTargets())
    for (Element element : {Element::F32, Element::F64})
      for (int64_t size : {1, 3, 16, 17, 33, 135}) {
        INFO(target.isa << " " << name(element) << " size " << size);
        Program program = make(element, size);
        check(program, target, limit);
      }
}

TEST_CASE("elementwise chains with broadcasts, comparisons and functions") {
  sweep([](Element e, int64_t n) {
    return Program({type(e, {{"b", 3}, {"n", n}}), type(e, {{"n", n}}), type(e, {{"b", 3}}),
                    type(e, {}), type(Element::I1, {{"b", 3}, {"n", n}})},
                   [](Build &b, Terms x) -> Terms {
                     Term y = x[0] * x[1] + x[2] * x[3];
                     Term z = b.make("tanh", {y * 0.5}) + b.exp(-(y * y));
                     Term mask = b.make("and", {x[4], y > 0.0});
                     return {b.select(mask, z, y), mask,
                             b.make("cast", {y}, {{"to", std::string("i32")}})};
                   });
  });
}

TEST_CASE("operands in other orders") {
  sweep([](Element e, int64_t n) {
    return Program({type(e, {{"b", 3}, {"n", n}, {"c", 5}}), type(e, {{"c", 5}, {"n", n}}),
                    type(e, {{"n", n}, {"b", 3}})},
                   [](Build &b, Terms x) -> Terms { return {x[0] * x[1] + x[2]}; });
  });
}

TEST_CASE("an axis of size 1 beside a longer one of the same name") {
  // Two calls of one model on inputs of different lengths: their gradients by its offset are added.
  sweep([](Element e, int64_t n) {
    return Program({type(e, {{"s", 1}, {"d", 5}}), type(e, {{"s", n}, {"d", 5}}),
                    type(e, {{"d", 5}, {"s", 1}}), type(e, {{"d", 5}, {"s", n}})},
                   [](Build &b, Terms x) -> Terms {
                     auto softmax = [&](Term y) {
                       return b.make("softmax", {y}, {{"over", std::vector<std::string>{"s"}}});
                     };
                     return {b.sum(x[0], {"s"}) + b.sum(x[1], {"s"}),
                             b.sum(x[2], {"s"}) + b.sum(x[3], {"s"}),
                             b.sum(softmax(x[2]), {"s"}) + b.sum(softmax(x[3]) * x[3], {"s"})};
                   });
  });
}

TEST_CASE("causal softmax, forward and backward") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> axes{{"b", 2}, {"h", 3}, {"t", n}, {"s", n}};
    return Program({type(e, axes), type(e, axes)}, [=](Build &b, Terms x) -> Terms {
      Term t = b.make("index", {}, {{"axes", std::vector<Axis>{{"t", n}}}});
      Term s = b.make("index", {}, {{"axes", std::vector<Axis>{{"s", n}}}});
      Term none = b.constant(-std::numeric_limits<double>::infinity(), e);
      Term causal = b.make("le", {s, t});
      Term p = b.make("softmax", {b.select(causal, x[0] * 0.125, none)},
                      {{"over", std::vector<std::string>{"s"}}});
      Term d = p * (x[1] - b.sum(x[1] * p, {"s"}));
      return {p, b.select(causal, d, b.constant(0, e)) * 0.125};
    });
  });
}

static Term layerNorm(Build &b, Term x, Term scale, Term offset, double n, Terms *saved = nullptr) {
  Term mean = b.sum(x, {"d"}) * (1 / n);
  Term centred = x - mean;
  Term variance = b.sum(centred * centred, {"d"}) * (1 / n);
  Term norm = centred / b.sqrt(variance + 1e-5);
  if (saved)
    *saved = {norm, variance};
  return norm * scale + offset;
}

TEST_CASE("layer norm after a residual, forward and backward") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> axes{{"b", 2}, {"t", 5}, {"d", n}};
    return Program(
        {type(e, axes), type(e, axes), type(e, {{"d", n}}), type(e, {{"d", n}}), type(e, axes)},
        [=](Build &b, Terms x) -> Terms {
          Term h = x[0] + x[1];
          Terms saved;
          Term y = layerNorm(b, h, x[2], x[3], double(n), &saved);
          Term g = x[4], scaled = g * x[2];
          Term inverse = b.make("rsqrt", {saved[1] + 1e-5});
          Term dx = (scaled - b.sum(scaled, {"d"}) * (1.0 / n) -
                     saved[0] * (b.sum(scaled * saved[0], {"d"}) * (1.0 / n))) *
                    inverse;
          return {h, y, dx + g, b.sum(g * saved[0], {"b", "t"}), b.sum(g, {"b", "t"})};
        });
  });
}

TEST_CASE("cross-entropy of gathered logits, forward and backward") {
  sweep(
      [](Element e, int64_t n) {
        std::vector<Axis> rows{{"b", 2}, {"t", 5}}, axes{{"b", 2}, {"t", 5}, {"v", n + 3}};
        return Program({type(e, axes), type(Element::I32, rows)}, [=](Build &b, Terms x) -> Terms {
          Term lse = b.make("logsumexp", {x[0]}, {{"over", std::vector<std::string>{"v"}}});
          Term hit = b.make("gather", {x[0], x[1]}, {{"axes", std::vector<std::string>{"v"}}});
          Term loss = b.sum(lse - hit, {"b", "t"}) * 0.1;
          Term g = b.constant(0.1, e);
          Term each = b.broadcast(g, rows);
          Term soft = b.make("softmax", {x[0]}, {{"over", std::vector<std::string>{"v"}}});
          Term back = b.make("scatter", {-each, x[1]},
                             {{"into", std::vector<Axis>{{"v", n + 3}}},
                              {"aligned", std::vector<std::string>{"b", "t"}},
                              {"mode", std::string("add")}});
          return {loss, each * soft + back};
        });
      },
      4);
}

TEST_CASE("an optimiser with three results") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> axes{{"l", 3}, {"d", n}};
    ValueType w = type(e, axes), s = type(e, {});
    return Program({w, w, w, w, s, s}, [](Build &b, Terms x) -> Terms {
      Term g = x[3] * x[4];
      Term m = x[1] * 0.9 + g * 0.1, v = x[2] * 0.99 + g * g * 0.01;
      Term step = m / (b.sqrt(b.make("abs", {v})) + 1e-8);
      return {x[0] - x[5] * (step + 0.01 * x[0]), m, v};
    });
  });
}

TEST_CASE("reductions along any axes, of any kind") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> axes{{"b", 3}, {"t", n}, {"d", 18}};
    return Program({type(e, axes), type(Element::I1, axes), type(Element::I32, axes)},
                   [=](Build &b, Terms x) -> Terms {
                     auto over = [&](const char *op, Term v, std::vector<std::string> axes) {
                       return b.make(op, {v}, {{"over", axes}});
                     };
                     return {over("sum", x[0], {"b"}),
                             over("sum", x[0], {"t"}),
                             over("sum", x[0] * x[0], {"b", "t", "d"}),
                             over("max", x[0], {"t", "d"}),
                             over("min", x[0], {"b", "d"}),
                             over("sum", x[2], {"t"}),
                             over("max", x[2], {"d"}),
                             over("min", x[2], {"b"}),
                             over("any", x[1], {"d"}),
                             over("all", x[1], {"t"}),
                             over("logsumexp", x[0], {"t"}),
                             over("softmax", x[0], {"t"}),
                             over("log_softmax", x[0], {"b", "d"}),
                             over("softmax", x[0], {"b", "t", "d"})};
                   });
  });
}

TEST_CASE("long sums keep their digits, as rows, as columns, over several axes") {
  // Equal terms round to the same side: plain sums of these are wrong in the fifth digit.
  struct Case {
    std::vector<Axis> axes;
    std::vector<std::string> over;
  };
  for (const Case &one :
       {Case{{{"b", 2}, {"v", 200003}}, {"v"}}, Case{{{"t", 40000}, {"d", 19}}, {"t"}},
        Case{{{"b", 400}, {"t", 3}, {"d", 150}}, {"b", "d"}},
        Case{{{"b", 100}, {"t", 3}, {"d", 1511}}, {"b", "d"}},
        Case{{{"b", 70}, {"t", 70}, {"c", 2}, {"d", 9}}, {"b", "t"}}})
    for (const Target &target : runnableTargets()) {
      INFO(target.isa << " " << toString(type(Element::F32, one.axes)));
      Program program({type(Element::F32, one.axes)}, [&](Build &b, Terms x) -> Terms {
        Term tenth = b.select(x[0] > 5.0, x[0], b.constant(0.1, Element::F32));
        Attributes over{{"over", one.over}};
        return {b.sum(tenth, one.over), b.make("max", {x[0]}, over),
                b.make("logsumexp", {tenth}, over)};
      });
      check(program, target, 4, 4e-6); // 64 roundings
    }
}

TEST_CASE("an offset that a row has in common takes no digits from log_softmax") {
  for (const Target &target : runnableTargets()) {
    Program program({type(Element::F32, {{"b", 3}, {"v", 19}})}, [](Build &b, Terms x) -> Terms {
      Term far = b.make("round", {x[0] * 64.0}) * (1.0 / 64) + 8192.0; // exact in f32
      return {b.make("log_softmax", {far}, {{"over", std::vector<std::string>{"v"}}})};
    });
    check(program, target, 4, 1e-6);
  }
}

TEST_CASE("a long sum that is infinite stays so") {
  for (const Target &target : runnableTargets()) {
    Program program({type(Element::F32, {{"b", 2}, {"v", 9000}})}, [](Build &b, Terms x) -> Terms {
      Term all = b.constant(std::numeric_limits<double>::infinity(), Element::F32);
      return {b.sum(b.select(x[0] > 1.5, all, x[0]), {"v"})};
    });
    check(program, target);
  }
}

TEST_CASE("rows of nothing but minus infinity") {
  for (const Target &target : runnableTargets()) {
    Program program({type(Element::F32, {{"b", 2}, {"v", 19}})}, [](Build &b, Terms x) -> Terms {
      Term none = b.constant(-std::numeric_limits<double>::infinity(), Element::F32);
      Term all = b.select(x[0] > 5.0, x[0], none);
      Attributes over{{"over", std::vector<std::string>{"v"}}};
      return {b.make("softmax", {all}, over), b.make("log_softmax", {all}, over),
              b.make("logsumexp", {all}, over)};
    });
    check(program, target);
  }
}

TEST_CASE("gathers: rows, lanes, fill, clamped") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> rows{{"b", 2}, {"t", 5}};
    return Program(
        {type(e, {{"v", 4}, {"d", n}}), type(Element::I32, rows), type(Element::I32, {{"d", n}})},
        [=](Build &b, Terms x) -> Terms {
          std::vector<std::string> v{"v"}, d{"d"};
          Term rowwise = b.make("gather", {x[0], x[1]}, {{"axes", v}});
          Term lanewise = b.make("gather", {x[0], x[2]}, {{"axes", v}});
          Term outside =
              b.make("gather", {x[0], x[1] - 2.0, b.constant(7, e)}, {{"axes", v}, {"fill", true}});
          Term filled =
              b.make("gather", {x[0], x[2] * 2.0, b.constant(7, e)}, {{"axes", v}, {"fill", true}});
          return {rowwise * 2.0, lanewise, outside + rowwise, filled};
        });
  });
}

TEST_CASE("slices and positions in a group of axes") {
  sweep([](Element e, int64_t n) {
    return Program({type(e, {{"b", 3}, {"n", n}, {"c", 5}})}, [=](Build &b, Terms x) -> Terms {
      Term at = b.make("slice", {x[0]}, {{"axis", std::string("c")}, {"at", int64_t(2)}});
      Term place = b.make("index", {}, {{"axes", std::vector<Axis>{{"n", n}, {"b", 3}}}});
      Term real = b.make("cast", {place}, {{"to", std::string(name(e))}});
      return {at * real, place};
    });
  });
}

TEST_CASE("an embedding's gradient: rows that meet are summed, onto what was there") {
  sweep([](Element e, int64_t n) {
    std::vector<Axis> rows{{"b", 2}, {"t", 9}};
    return Program({type(e, {{"b", 2}, {"t", 9}, {"d", n}}), type(Element::I32, rows),
                    type(e, {{"v", 4}, {"d", n}}), type(Element::I1, rows)},
                   [=](Build &b, Terms x) -> Terms {
                     Attributes into{{"into", std::vector<Axis>{{"v", 4}}},
                                     {"mode", std::string("add")}};
                     Attributes masked = into, set = into;
                     masked["masked"] = true;
                     set["mode"] = std::string("set");
                     Term sums = b.make("scatter", {x[0], x[1]}, into);
                     return {b.make("scatter", {x[0], x[1]}, into) + x[2] * 2.0, sums,
                             b.make("scatter", {x[0], x[1] * 2.0 - 1.0, x[3]}, masked),
                             b.make("scatter", {x[0], x[1]}, set)};
                   });
  });
}

TEST_CASE("a sort's gradient: positions lie along the axis that they put values into") {
  sweep([](Element e, int64_t n) {
    Axis t{"t", 4};
    return Program({type(e, {t, {"d", n}}), type(Element::I32, {t}), type(e, {t})},
                   [=](Build &b, Terms x) -> Terms {
                     Attributes into{{"into", std::vector<Axis>{t}}, {"mode", std::string("add")}};
                     return {b.make("scatter", {x[0], x[1]}, into),
                             b.make("scatter", {x[2], x[1]}, into)};
                   });
  });
}
