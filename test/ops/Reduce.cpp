// Reductions by hand. x[b, t] is mostly (1 2 3 / 4 5 6).
#include "test/ops/OneOp.h"

namespace frit::test {

static Case over(const std::string &op, Array x, std::vector<std::string> axes, Array y,
                 bool reverse = false) {
  Attributes attributes{{"over", axes}};
  if (reverse)
    attributes["reverse"] = true;
  return {{op, {x}, attributes}, {y}};
}

Cases reduceCases() {
  const std::vector<std::string> t{"t"}, b{"b"}, bt{"b", "t"}, tb{"t", "b"}, none;
  Array x = array("f64[b: 2, t: 3]", {1, 2, 3, 4, 5, 6});
  Array bools = array("i1[b: 2, t: 2]", {0, 1, 0, 0});
  Array one = array("f64[b: 1, t: 1]", {5});
  const double log3 = 1.0986122886681098, log6 = 1.791759469228055;
  Array logs = array("f64[t: 3]", {0, 0.6931471805599453, log3}); // exp: 1 2 3
  Array masked = array("f64[t: 3]", {-inf, 0, -inf}), nothing = array("f64[t: 2]", {-inf, -inf});
  return {
      over("sum", x, t, array("f64[b: 2]", {6, 15})),
      over("sum", x, b, array("f64[t: 3]", {5, 7, 9})),
      over("sum", x, tb, array("f64", {21})),
      over("sum", x, none, x),
      over("sum", one, t, array("f64[b: 1]", {5})),
      over("sum", array("f64[t: 2]", {inf, -inf}), t, array("f64", {nan})),
      over("sum", array("i32[t: 3]", {1, -5, 7}), t, array("i32", {3})),
      over("max", x, t, array("f64[b: 2]", {3, 6})),
      over("max", array("f64[t: 3]", {-inf, nan, 2}), t, array("f64", {nan})),
      over("max", nothing, t, array("f64", {-inf})),
      over("min", x, b, array("f64[t: 3]", {1, 2, 3})),
      over("min", array("f64[t: 3]", {inf, 4, 2}), t, array("f64", {2})),
      over("any", bools, t, array("i1[b: 2]", {1, 0})),
      over("all", bools, b, array("i1[t: 2]", {0, 0})),
      over("all", array("i1[t: 2]", {1, 1}), t, array("i1", {1})),
      over("logsumexp", logs, t, array("f64", {log6})),
      over("logsumexp", masked, t, array("f64", {0})),
      over("logsumexp", nothing, t, array("f64", {-inf})),
      over("logsumexp", array("f64[t: 2]", {1000, 1000}), t, array("f64", {1000.6931471805599})),
      over("softmax", logs, t, array("f64[t: 3]", {1 / 6., 2 / 6., 3 / 6.})),
      over("softmax", masked, t, array("f64[t: 3]", {0, 1, 0})),
      over("softmax", nothing, t, array("f64[t: 2]", {0, 0})),
      over("softmax", one, bt, array("f64[b: 1, t: 1]", {1})),
      over("log_softmax", logs, t,
           array("f64[t: 3]", {-log6, 0.6931471805599453 - log6, log3 - log6})),
      over("log_softmax", nothing, t, array("f64[t: 2]", {-inf, -inf})),
      over("argmax", array("f64[b: 2, t: 3]", {1, 9, 9, 4, -1, 2}), t, array("i32[b: 2]", {1, 0})),
      // Flat within the group, in the order written.
      over("argmax", x, bt, array("i32", {5})),
      over("argmax", array("f64[b: 2, t: 3]", {0, 9, 0, 0, 0, 0}), tb, array("i32", {2})),
      over("cumsum", x, t, array("f64[b: 2, t: 3]", {1, 3, 6, 4, 9, 15})),
      over("cumsum", x, t, array("f64[b: 2, t: 3]", {6, 5, 3, 15, 11, 6}), true),
      over("cumsum", x, tb, array("f64[b: 2, t: 3]", {1, 7, 15, 5, 12, 21})),
      over("cumsum", bools, bt, array("i32[b: 2, t: 2]", {0, 1, 1, 1})),
      {{"top_k",
        {array("f64[b: 2, t: 3]", {1, 3, 3, 9, -inf, 7})},
        {{"k", int64_t(2)}, {"over", t}, {"as", std::string("best")}}},
       {array("f64[b: 2, best: 2]", {3, 3, 9, 7}), array("i32[b: 2, best: 2]", {1, 2, 0, 2})}},
      {{"sort", {array("f64[t: 3, b: 2]", {3, 1, 2, 1, 3, 0})}, {{"over", t}}},
       {array("f64[t: 3, b: 2]", {2, 0, 3, 1, 3, 1}),
        array("i32[t: 3, b: 2]", {1, 2, 0, 0, 2, 1})}},
  };
}

} // namespace frit::test
