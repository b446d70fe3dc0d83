// Shape ops and values from nothing, by hand.
#include "test/ops/OneOp.h"

namespace frit::test {

Cases shapeCases() {
  using Axes = std::vector<Axis>;
  using Names = std::vector<std::string>;
  const std::string b = "b", t = "t", u = "u";
  Array x = array("f64[b: 2, t: 3]", {1, 2, 3, 4, 5, 6});
  return {
      {{"rename", {x}, {{"from", t}, {"to", u}}}, {array("f64[b: 2, u: 3]", {1, 2, 3, 4, 5, 6})}},
      {{"split",
        {array("f64[t: 4]", {1, 2, 3, 4})},
        {{"axis", t}, {"into", Axes{{"p", 2}, {"q", 2}}}}},
       {array("f64[p: 2, q: 2]", {1, 2, 3, 4})}},
      {{"split", {x}, {{"axis", t}, {"into", Axes{{"p", 1}, {"t", 3}}}}},
       {array("f64[b: 2, p: 1, t: 3]", {1, 2, 3, 4, 5, 6})}},
      {{"merge", {x}, {{"axes", Names{"b", "t"}}, {"into", u}}},
       {array("f64[u: 6]", {1, 2, 3, 4, 5, 6})}},
      {{"merge", {x}, {{"axes", Names{"t", "b"}}, {"into", u}}},
       {array("f64[u: 6]", {1, 4, 2, 5, 3, 6})}},
      {{"merge", {x}, {{"axes", Names{}}, {"into", u}}},
       {array("f64[b: 2, t: 3, u: 1]", {1, 2, 3, 4, 5, 6})}},
      {{"stack", {array("f64[t: 2]", {1, 2}), array("f64[t: 2]", {3, 4})}, {{"axis", u}}},
       {array("f64[u: 2, t: 2]", {1, 2, 3, 4})}},
      {{"slice", {x}, {{"axis", t}, {"at", int64_t(1)}}}, {array("f64[b: 2]", {2, 5})}},
      {{"slice", {array("f64[b: 1]", {7})}, {{"axis", b}, {"at", int64_t(0)}}},
       {array("f64", {7})}},
      {{"broadcast", {array("f64[t: 2]", {1, 2})}, {{"axes", Axes{{"b", 2}}}}},
       {array("f64[b: 2, t: 2]", {1, 2, 1, 2})}},
      {{"broadcast", {array("f64[t: 2]", {1, 2})}, {{"axes", Axes{{"t", 2}, {"b", 2}}}}},
       {array("f64[t: 2, b: 2]", {1, 1, 2, 2})}},
      {{"index", {}, {{"axes", Axes{{"t", 3}}}}}, {array("i32[t: 3]", {0, 1, 2})}},
      {{"index", {}, {{"axes", Axes{{"t", 2}, {"b", 2}}}}},
       {array("i32[t: 2, b: 2]", {0, 1, 2, 3})}},
      {{"index", {}, {{"axes", Axes{}}}}, {array("i32", {0})}},
      {{"constant",
        {},
        {{"value", 2.5}, {"element", std::string("f64")}, {"axes", Axes{{"t", 2}}}}},
       {array("f64[t: 2]", {2.5, 2.5})}},
      {{"constant", {}, {{"value", -inf}, {"element", std::string("f64")}, {"axes", Axes{}}}},
       {array("f64", {-inf})}},
  };
}

} // namespace frit::test
