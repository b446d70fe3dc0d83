// Elementwise ops by hand: an ordinary row, then zeros, infinities, large and odd values.
#include "test/ops/OneOp.h"

namespace frit::test {

/// One operand, one result, over [t].
static Case unary(const std::string &op, std::vector<double> x, std::vector<double> y,
                  const std::string &element = "f64", const std::string &result = "") {
  std::string axes = "[t: " + std::to_string(x.size()) + "]";
  return {{op, {array(element + axes, x)}, {}},
          {array((result.empty() ? element : result) + axes, y)}};
}

static Case binary(const std::string &op, std::vector<double> x, std::vector<double> y,
                   std::vector<double> z, const std::string &element = "f64",
                   const std::string &result = "") {
  std::string axes = "[t: " + std::to_string(x.size()) + "]";
  return {{op, {array(element + axes, x), array(element + axes, y)}, {}},
          {array((result.empty() ? element : result) + axes, z)}};
}

static Case cast(const std::string &from, const std::string &to, std::vector<double> x,
                 std::vector<double> y) {
  std::string axes = "[t: " + std::to_string(x.size()) + "]";
  return {{"cast", {array(from + axes, x)}, {{"to", to}}}, {array(to + axes, y)}};
}

Cases elementwiseCases() {
  const double e = 2.718281828459045;
  return {
      binary("add", {1, 2, inf}, {10, -2, -inf}, {11, 0, nan}),
      // Operands are aligned by name; the one with more axes gives the order.
      {{"add",
        {array("f64[t: 3]", {1, 2, 3}), array("f64[b: 2, t: 3]", {10, 20, 30, 40, 50, 60})},
        {}},
       {array("f64[b: 2, t: 3]", {11, 22, 33, 41, 52, 63})}},
      {{"add",
        {array("f64[t: 3, b: 2]", {1, 2, 3, 4, 5, 6}),
         array("f64[b: 2, t: 3]", {10, 20, 30, 40, 50, 60})},
        {}},
       {array("f64[t: 3, b: 2]", {11, 42, 23, 54, 35, 66})}},
      {{"mul", {array("f64[b: 2]", {2, 3}), array("f64[t: 2]", {5, 7})}, {}},
       {array("f64[b: 2, t: 2]", {10, 14, 15, 21})}},
      {{"add", {array("f64[b: 1, t: 1]", {1}), array("f64", {2})}, {}},
       {array("f64[b: 1, t: 1]", {3})}},
      binary("sub", {1, 2, inf}, {10, -2, inf}, {-9, 4, nan}),
      binary("sub", {1, 5}, {3, 2}, {-2, 3}, "i32"),
      binary("mul", {3, 0, 1e200}, {-2, inf, 1e200}, {-6, nan, inf}),
      binary("div", {1, 1, 0, -3}, {4, 0, 0, 2}, {0.25, inf, nan, -1.5}),
      binary("mod", {7, -7, 7, -7, 5.5}, {3, 3, -3, -3, 2}, {1, 2, -2, -1, 1.5}),
      binary("mod", {7, -7, 7, -7}, {3, 3, -3, -3}, {1, 2, -2, -1}, "i32"),
      unary("neg", {1, 0, -inf}, {-1, -0.0, inf}),
      binary("maximum", {1, -3, nan, 0}, {2, -4, 1, nan}, {2, -3, nan, nan}),
      binary("maximum", {1, -3}, {2, -4}, {2, -3}, "i32"),
      binary("minimum", {1, -3, nan, 0}, {2, -4, 1, nan}, {1, -4, nan, nan}),
      unary("abs", {-2, 0, 3, -inf}, {2, 0, 3, inf}),
      unary("sign", {-2.5, 0, 1e-300, inf}, {-1, 0, 1, 1}),
      binary("pow", {2, 2, 0, -2, 9}, {10, -1, 0, 3, 0.5}, {1024, 0.5, 1, -8, 3}),
      unary("exp", {0, 1, -inf, 1000}, {1, e, 0, inf}),
      unary("log", {1, e, 0, -1, inf}, {0, 1, -inf, nan, inf}),
      unary("log1p", {0, 1e-20, -1}, {0, 1e-20, -inf}),
      unary("expm1", {0, 1e-20, -inf}, {0, 1e-20, -1}),
      unary("sqrt", {4, 0, 2.25, inf}, {2, 0, 1.5, inf}),
      unary("rsqrt", {4, 0, inf}, {0.5, inf, 0}),
      unary("sin", {0, 0.5235987755982988}, {0, 0.5}),
      unary("cos", {0, 1.0471975511965979}, {1, 0.5}),
      unary("tanh", {0, 0.5493061443340549, 100, -inf}, {0, 0.5, 1, -1}),
      unary("sigmoid", {0, 1.0986122886681098, -1.0986122886681098, 1000, -1000},
            {0.5, 0.75, 0.25, 1, 0}),
      unary("softplus", {0, 1000, -1000, inf}, {0.6931471805599453, 1000, 0, inf}),
      unary("erf", {0, inf, -inf, 1}, {0, 1, -1, 0.8427007929497149}),
      unary("floor", {1.5, -1.5, 2, -0.25}, {1, -2, 2, -1}),
      unary("ceil", {1.5, -1.5, 2, 0.25}, {2, -1, 2, 1}),
      unary("round", {0.5, 1.5, 2.5, -0.5, 2.4}, {0, 2, 2, 0, 2}),
      binary("logaddexp", {0, -inf, -inf, 1000, inf, inf}, {0, 3, -inf, -1000, inf, -inf},
             {0.6931471805599453, 3, -inf, 1000, inf, inf}),
      binary("xlogy", {2, 0, 0, 0, 3, 1, inf}, {e, 0, -1, nan, 0, inf, 2},
             {2, 0, 0, 0, -inf, inf, inf}),
      binary("eq", {1, 2, nan, inf}, {1, 3, nan, inf}, {1, 0, 0, 1}, "f64", "i1"),
      binary("ne", {1, 2, nan}, {1, 3, nan}, {0, 1, 1}, "f64", "i1"),
      binary("lt", {1, 2, nan, -inf}, {2, 2, 1, inf}, {1, 0, 0, 1}, "f64", "i1"),
      binary("le", {1, 2, nan, 3}, {2, 2, 1, 2}, {1, 1, 0, 0}, "f64", "i1"),
      binary("gt", {1, 2, nan, 3}, {2, 2, 1, 2}, {0, 0, 0, 1}, "f64", "i1"),
      binary("ge", {1, 2, nan, 3}, {2, 2, 1, 2}, {0, 1, 0, 1}, "f64", "i1"),
      binary("lt", {0, 0, 1, 1}, {0, 1, 0, 1}, {0, 1, 0, 0}, "i1", "i1"),
      binary("and", {0, 0, 1, 1}, {0, 1, 0, 1}, {0, 0, 0, 1}, "i1"),
      binary("or", {0, 0, 1, 1}, {0, 1, 0, 1}, {0, 1, 1, 1}, "i1"),
      unary("not", {0, 1}, {1, 0}, "i1"),
      // What is not chosen cannot poison.
      {{"select", {array("i1[t: 2]", {1, 0}), array("f64[t: 2]", {1, nan}), array("f64", {7})}, {}},
       {array("f64[t: 2]", {1, 7})}},
      cast("f64", "i32", {1.9, -1.9, 0}, {1, -1, 0}),
      cast("f64", "i1", {0, -2, nan}, {0, 1, 1}),
      cast("i1", "f64", {0, 1}, {0, 1}),
      cast("i1", "i32", {0, 1}, {0, 1}),
      cast("i32", "f64", {-3, 4}, {-3, 4}),
      unary("stop_gradient", {1, -inf}, {1, -inf}),
      {{"with_slope", {array("f64[t: 2]", {1, -inf}), array("f64", {5}), array("f64", {nan})}, {}},
       {array("f64[t: 2]", {1, -inf})}},
  };
}

} // namespace frit::test
