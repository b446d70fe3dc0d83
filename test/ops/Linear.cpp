// Contraction, gather and scatter by hand.
#include "test/ops/OneOp.h"
#include <catch2/catch.hpp>

namespace frit::test {

using Names = std::vector<std::string>;

static Case contract(Array x, Array y, Names over, Array z) {
  return {{"contract", {x, y}, {{"over", over}}}, {z}};
}

static Case gather(Arrays operands, Names axes, Array z, bool fill = false) {
  return {{"gather", operands, {{"axes", axes}, {"fill", fill}}}, {z}};
}

static Case scatter(Arrays operands, std::vector<Axis> into, Array z, Attributes more = {}) {
  more["into"] = into;
  if (!more.count("mode"))
    more["mode"] = std::string("add");
  return {{"scatter", operands, more}, {z}};
}

Cases linearCases() {
  const Attributes set{{"mode", std::string("set")}};
  Array table = array("f64[v: 3, d: 2]", {1, 2, 3, 4, 5, 6});
  Array ids = array("i32[b: 1, t: 4]", {2, 0, 0, 1});
  Array g = array("f64[b: 1, t: 4, d: 2]", {1, 10, 2, 20, 3, 30, 4, 40});
  Array scores = array("f64[b: 2, v: 3]", {1, 2, 3, 4, 5, 6}), target = array("i32[b: 2]", {2, 0});
  Array outside = array("i32[t: 3]", {-1, 0, 3}), line = array("f64[s: 3]", {1, 2, 3});
  return {
      contract(array("f64[b: 2, d: 2]", {1, 2, 3, 4}), array("f64[o: 2, d: 2]", {5, 6, 7, 8}),
               {"d"}, array("f64[b: 2, o: 2]", {17, 23, 39, 53})),
      // Shared other axes are batch and stand in front.
      contract(array("f64[t: 2, b: 2, d: 1]", {1, 2, 3, 4}),
               array("f64[b: 2, s: 1, d: 1]", {10, 100}), {"d"},
               array("f64[b: 2, t: 2, s: 1]", {10, 30, 200, 400})),
      contract(array("f64[b: 2]", {2, 3}), array("f64[t: 2]", {5, 7}), {},
               array("f64[b: 2, t: 2]", {10, 14, 15, 21})),
      contract(array("f64[b: 2, t: 2]", {1, 2, 3, 4}), array("f64[t: 2, b: 2]", {1, 2, 3, 4}),
               {"b", "t"}, array("f64", {1 + 6 + 6 + 16})),
      contract(array("f64[d: 1]", {inf}), array("f64[d: 1]", {0}), {"d"}, array("f64", {nan})),
      gather({table, ids}, {"v"}, array("f64[b: 1, t: 4, d: 2]", {5, 6, 1, 2, 1, 2, 3, 4})),
      gather({scores, target}, {"v"}, array("f64[b: 2]", {3, 4})),
      gather({line, outside, array("f64", {-7})}, {"s"}, array("f64[t: 3]", {-7, 1, -7}), true),
      gather({table, array("i32", {1}), array("i32[t: 2]", {1, 0})}, {"v", "d"},
             array("f64[t: 2]", {4, 3})),
      // An index may bring the axis that it replaces.
      gather({array("f64[b: 2, t: 3]", {1, 2, 3, 4, 5, 6}), array("i32[t: 3]", {2, 1, 0})}, {"t"},
             array("f64[b: 2, t: 3]", {3, 2, 1, 6, 5, 4})),
      gather({array("i1[t: 2]", {0, 1}), array("i32", {1})}, {"t"}, array("i1", {1})),
      scatter({g, ids}, {{"v", 3}}, array("f64[v: 3, d: 2]", {5, 50, 4, 40, 1, 10})),
      scatter({array("f64[b: 2]", {10, 20}), target}, {{"v", 3}},
              array("f64[b: 2, v: 3]", {0, 0, 10, 20, 0, 0}), {{"aligned", Names{"b"}}}),
      scatter({array("f64[b: 2]", {10, 20}), target}, {{"v", 3}}, array("f64[v: 3]", {20, 0, 10})),
      scatter({g, ids}, {{"v", 3}}, array("f64[v: 3, d: 2]", {3, 30, 4, 40, 1, 10}), set),
      scatter({array("f64[t: 3]", {1, 2, 3}), outside}, {{"s", 2}}, array("f64[s: 2]", {2, 0})),
      // masked, onto, and values that are repeated along an index axis that they lack
      scatter({array("f64", {5}), array("i32[t: 3]", {0, 0, 1}), array("i1[t: 3]", {1, 1, 0})},
              {{"s", 2}}, array("f64[s: 2]", {10, 0}), {{"masked", true}}),
      scatter({array("f64[t: 1]", {5}), array("i32[t: 1]", {1}), array("f64[s: 2]", {1, 2})},
              {{"s", 2}}, array("f64[s: 2]", {1, 5}),
              {{"onto", true}, {"mode", std::string("set")}}),
      scatter({array("f64[t: 2]", {5, 6}), array("i32[t: 2]", {1, 0}), array("i32[t: 2]", {0, 1})},
              {{"r", 2}, {"c", 2}}, array("f64[r: 2, c: 2]", {0, 6, 5, 0})),
      // The new axis may bear the name of an index axis that goes.
      scatter({array("f64[t: 2]", {5, 6}), array("i32[t: 2]", {1, 1})}, {{"t", 2}},
              array("f64[t: 2]", {0, 11})),
  };
}

TEST_CASE("a position outside is an error unless something stands for it") {
  Array line = array("f64[s: 3]", {1, 2, 3}), index = array("i32[t: 2]", {1, 3});
  CHECK_THROWS_WITH(evaluate({"gather", {line, index}, {{"axes", Names{"s"}}}}),
                    Catch::Contains("frit.gather: position 3 of axis 's', which has 3"));
  CHECK_THROWS_WITH(evaluate({"scatter",
                              {array("f64[t: 2]", {1, 2}), index},
                              {{"into", std::vector<Axis>{{"s", 3}}},
                               {"mode", std::string("add")},
                               {"checked", true}}}),
                    Catch::Contains("frit.scatter: position 3 of axis 's', which has 3"));
}

} // namespace frit::test
