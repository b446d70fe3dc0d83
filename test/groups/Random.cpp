// Random groups: chains of elementwise ops, several reductions after each other, softmaxes, gathers
// and slices, along the same and along different axes. Each kernel is held against the evaluator,
// and its results may lie over its operands wherever `mayShareMemory` says so: that must change no
// bit.
#include "test/groups/Program.h"

using namespace frit;
using namespace frit::test;
using Names = std::vector<std::string>;

namespace {

class Generator {
public:
  Generator(unsigned seed, Element element) : random(seed), element(element) {
    // Around the widths of registers, and apart from each other.
    static const int64_t sizes[] = {1, 2, 3, 5, 8, 16, 17, 24, 33, 40};
    for (Axis &axis : axes)
      axis.size = sizes[below(10)];
    if (axes[0].size * axes[1].size * axes[2].size > 6000)
      axes[1].size = 3;
  }

  Program make() {
    std::vector<ValueType> inputs;
    for (int i = 0; i < 3; ++i)
      inputs.push_back({element, axes});
    inputs.push_back({element, {axes[2]}});
    inputs.push_back({element, {axes[0], axes[1]}});
    inputs.push_back({element, {{"v", 4}, axes[2]}});
    inputs.push_back({Element::I32, {axes[0], axes[1]}});
    inputs.push_back({Element::I1, axes});
    return Program(inputs, [&](Build &build, Terms x) {
      Terms pool(x.begin(), x.begin() + 5);
      for (int i = 10 + below(20); i > 0; --i)
        if (Term made = step(build, x, pool); made)
          pool.push_back(made);
      Terms out;
      for (int i = 0; i < 4; ++i)
        out.push_back(pool[pool.size() - 1 - size_t(below(6))]);
      return out;
    });
  }

private:
  std::mt19937 random;
  Element element;
  std::vector<Axis> axes{{"a", 1}, {"b", 1}, {"c", 1}};
  Names over;

  int below(int n) { return int(random() % unsigned(n)); }
  bool chance(int percent) { return below(100) < percent; }
  Term pick(const Terms &pool) {
    int n = int(pool.size());
    return pool[std::max(below(n), below(n))];
  }
  /// Mostly the axes of the last reduction, so that groups hold several.
  Names someOf(const ValueType &type) {
    Names out;
    if (chance(75))
      for (const std::string &name : over)
        if (type.find(name))
          out.push_back(name);
    if (out.empty())
      for (const Axis &axis : type.axes)
        if (chance(50))
          out.push_back(axis.name);
    if (out.empty() && !type.axes.empty())
      out.push_back(type.axes[below(int(type.axes.size()))].name);
    return over = out;
  }

  Term step(Build &b, const Terms &x, const Terms &pool) {
    Term y = pick(pool), z = pick(pool);
    Term wide = typeOf(y).axes.size() >= typeOf(z).axes.size() ? y : z;
    switch (below(12)) {
    case 0:
      return b.make(std::vector<std::string>{"tanh", "sin", "sigmoid", "neg"}[below(4)], {y});
    case 1:
    case 2:
    case 3:
      return b.make(std::vector<std::string>{"add", "sub", "mul", "maximum"}[below(4)], {y, z}) *
             0.5;
    case 4:
    case 5:
    case 6: {
      if (typeOf(wide).axes.empty())
        return {};
      Names axes = someOf(typeOf(wide));
      Term sum = b.make(std::vector<std::string>{"sum", "max", "min", "logsumexp"}[below(4)],
                        {wide}, {{"over", axes}});
      return chance(60) ? wide - b.make("tanh", {sum}) : b.make("tanh", {sum});
    }
    case 7:
    case 8: {
      if (typeOf(wide).axes.empty())
        return {};
      Names axes = someOf(typeOf(wide));
      return b.make(chance(50) ? "softmax" : "log_softmax", {wide}, {{"over", axes}}) *
             (chance(50) ? y : b.constant(0.5, element));
    }
    case 9: { // a row of the table, or one element of each row
      if (chance(50))
        return b.make("gather", {x[5], x[6]}, {{"axes", Names{"v"}}}) + x[0];
      if (axes[2].size < 4 || !typeOf(wide).find("c"))
        return {};
      Term at = b.make("gather", {wide, x[6]}, {{"axes", Names{"c"}}});
      return b.make("tanh", {x[1] * at});
    }
    case 10: {
      if (typeOf(wide).axes.empty())
        return {};
      Axis axis = typeOf(wide).axes[below(int(typeOf(wide).axes.size()))];
      Term slice =
          b.make("slice", {wide}, {{"axis", axis.name}, {"at", int64_t(below(axis.size))}});
      return wide * b.make("tanh", {slice});
    }
    default:
      return b.select(x[7], x[0] * 0.5, b.make("sin", {x[2]})) + y * 0.5;
    }
  }
};

} // namespace

TEST_CASE("random groups, with results over operands") {
  Checked all;
  for (unsigned seed = 0; seed < 24; ++seed) {
    INFO("seed " << seed);
    Element element = seed % 2 ? Element::F32 : Element::F64;
    Program program = Generator(seed, element).make();
    Checked here = check(program, Target::host(), 4, 2e-3, 1e-9);
    all.kernels += here.kernels;
    all.placements += here.placements;
  }
  INFO(all.kernels << " kernels, " << all.placements << " placements");
  CHECK(all.kernels > 100);
  CHECK(all.placements > 100);
}
