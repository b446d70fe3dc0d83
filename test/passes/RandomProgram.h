// Random programs: elementwise, reductions, contractions, gather and scatter, shape ops, loops over
// layers and time in each other, and one loss.
#pragma once
#include "test/passes/Program.h"
#include <random>

namespace frit {

class RandomProgram {
public:
  /// Axes have `first` and `second` elements in turn.
  explicit RandomProgram(uint64_t seed, int64_t first = 2, int64_t second = 3)
      : random(seed), axes{{"a", first}, {"b", second}, {"c", first}, {"d", second}} {}
  Program p;

  void make() {
    Terms pool;
    int parameters = 2 + below(2);
    for (int i = 0; i < parameters; ++i)
      pool.push_back(p.parameter(someAxes()));
    grow(pool, 4 + below(6), 0);
    // Every parameter matters, and so does what came last.
    Term loss = p.number(0);
    for (int i = 0; i < parameters; ++i)
      loss = loss + weigh(pool[i]) * 0.1;
    for (size_t i = pool.size() - std::min<size_t>(3, pool.size()); i < pool.size(); ++i)
      loss = loss + weigh(pool[i]);
    p.finish(loss);
  }

private:
  std::mt19937_64 random;
  const std::vector<Axis> axes;

  int below(int n) { return int(random() % uint64_t(n)); }
  bool chance(double x) { return double(random() >> 11) * 0x1p-53 < x; }
  const Axis &someAxis() { return axes[below(int(axes.size()))]; }
  std::vector<Axis> someAxes() {
    std::vector<Axis> out;
    for (const Axis &axis : axes)
      if (chance(0.45))
        out.push_back(axis);
    std::shuffle(out.begin(), out.end(), random);
    return out;
  }
  /// New values are likelier than old ones.
  Term pick(const Terms &pool) {
    int n = int(pool.size());
    return pool[std::max(below(n), below(n))];
  }
  std::vector<std::string> subset(const std::vector<Axis> &of, bool isEmptyAllowed = false) {
    std::vector<std::string> out;
    for (const Axis &axis : of)
      if (chance(0.5))
        out.push_back(axis.name);
    if (out.empty() && !isEmptyAllowed && !of.empty())
      out.push_back(of[below(int(of.size()))].name);
    std::shuffle(out.begin(), out.end(), random);
    return out;
  }
  Term weigh(Term y) { return p.sumAll(y * p.input(Program::real(typeOf(y).axes))); }
  Term op(const char *name, const Terms &operands, const Attributes &attributes = {}) {
    return p.build.make(name, operands, attributes);
  }
  Term tame(Term x) { return op("tanh", {x}); }
  Term positive(Term x) { return x * x + 0.5; }

  Term unary(Term x) {
    static const char *any[] = {"tanh", "sin", "cos", "sigmoid", "softplus",
                                "erf",  "neg", "abs", "expm1",   "exp"};
    static const char *above[] = {"log", "log1p", "sqrt", "rsqrt"};
    if (chance(0.3))
      return op(above[below(4)], {positive(x)});
    return op(any[below(10)], {tame(x)});
  }
  Term binary(Term x, Term y) {
    switch (below(9)) {
    case 0:
      return x + y;
    case 1:
      return x - y;
    case 2:
      return tame(x) * y;
    case 3:
      return x / positive(y);
    case 4:
      return op("logaddexp", {x, y});
    case 5:
      return op("pow", {positive(x), tame(y)});
    case 6:
      return op("maximum", {x, y});
    case 7:
      return op("minimum", {x, y});
    default:
      return p.build.select(x > y, x * 0.5, op("sin", {y}));
    }
  }
  Term power(Term x) {
    static const double exponents[] = {-2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4};
    return op("pow", {positive(tame(x)), p.number(exponents[below(9)])});
  }
  Term reduce(Term x) {
    static const char *names[] = {"sum",       "sum",     "max",         "min",
                                  "logsumexp", "softmax", "log_softmax", "cumsum"};
    const std::vector<Axis> &of = typeOf(x).axes;
    return of.empty() ? tame(x) : op(names[below(8)], {x}, {{"over", subset(of)}});
  }
  Term contract(Term x, Term y) {
    std::vector<Axis> shared;
    for (const Axis &axis : typeOf(x).axes)
      if (typeOf(y).find(axis.name))
        shared.push_back(axis);
    return p.build.contract(x, y, subset(shared, true));
  }
  /// a and c, b and d have the same size.
  Term rename(Term x) {
    for (auto [from, to] : {std::pair("a", "c"), {"b", "d"}, {"c", "a"}, {"d", "b"}})
      if (typeOf(x).find(from) && !typeOf(x).find(to) && chance(0.7))
        return op("rename", {x}, {{"from", std::string(from)}, {"to", std::string(to)}});
    return tame(x);
  }
  Term shape(Term x) {
    const std::vector<Axis> &of = typeOf(x).axes;
    if (of.empty() || chance(0.25))
      return p.build.broadcast(x, {someAxis()});
    const Axis axis = of[below(int(of.size()))];
    if (chance(0.5)) {
      Term at0 = op("slice", {x}, {{"axis", axis.name}, {"at", int64_t(below(int(axis.size)))}});
      return op("stack", Terms(size_t(axis.size), at0 * 0.5), {{"axis", axis.name}}) + x;
    }
    std::vector<Axis> group;
    for (const std::string &name : subset(of))
      group.push_back(*typeOf(x).find(name));
    std::vector<std::string> names;
    for (const Axis &part : group)
      names.push_back(part.name);
    Term merged = op("merge", {x}, {{"axes", names}, {"into", std::string("m")}});
    merged = op("cumsum", {merged}, {{"over", std::vector<std::string>{"m"}}}) * 0.3;
    return op("split", {merged}, {{"axis", std::string("m")}, {"into", group}});
  }
  Term move(Term x) {
    const std::vector<Axis> &of = typeOf(x).axes;
    if (of.empty())
      return tame(x);
    const Axis axis = of[below(int(of.size()))];
    std::vector<std::string> over{axis.name};
    switch (below(4)) {
    case 0:
      return op("sort", {x}, {{"over", over}});
    case 1: // at positions from outside
      return op("gather", {x, p.input({Element::I32, someOther(axis)})}, {{"axes", over}});
    case 2: { // at positions that depend on the value
      Term ids = op("argmax", {op("sin", {x})}, {{"over", over}});
      return op("gather", {x, ids}, {{"axes", over}});
    }
    default: {
      Term position = op("index", {}, {{"axes", std::vector<Axis>{axis}}});
      Term shifted = op("mod", {position + p.build.constant(1, Element::I32),
                                p.build.constant(double(axis.size), Element::I32)});
      return op("scatter", {x, shifted},
                {{"into", std::vector<Axis>{{"z", axis.size}}},
                 {"mode", std::string(chance(0.5) ? "add" : "set")}});
    }
    }
  }
  std::vector<Axis> someOther(const Axis &axis) {
    std::vector<Axis> out;
    for (const Axis &other : axes)
      if (other.name != axis.name && chance(0.3))
        out.push_back(other);
    return out;
  }
  /// Values of at most three axes of the universe, so that programs stay small.
  Term shrink(Term x) {
    ValueType type = typeOf(x);
    std::vector<std::string> over;
    size_t left = type.axes.size();
    for (const Axis &axis : type.axes) {
      bool isKnown = llvm::is_contained(axes, axis);
      if (!isKnown || left > 3) {
        over.push_back(axis.name);
        --left;
      }
    }
    return over.empty() ? x : p.build.sum(x, over) * 0.3;
  }
  static Term without(Build &build, Term x, const std::string &axis) {
    return typeOf(x).find(axis) ? build.sum(x, {axis}) : x;
  }

  void loop(Terms &pool, int depth) {
    Axis axis = someAxis();
    Terms inits, slices;
    for (int i = 1 + below(2); i > 0; --i)
      inits.push_back(without(p.build, pick(pool), axis.name));
    for (Term x : pool)
      if (typeOf(x).find(axis.name) && slices.size() < 2 && chance(0.7))
        slices.push_back(x);
    if (chance(0.3))
      slices.push_back(p.build.broadcast(pick(pool), {axis}));
    std::string kind = chance(0.5) ? "layers" : "time";
    Terms results = p.scan(
        kind, axis, inits, slices,
        [&](Term index, Terms carried, Terms sliced) {
          Terms inner;
          for (int i = 1 + below(3); i > 0; --i) // of the surroundings
            inner.push_back(pick(pool));
          inner.insert(inner.end(), sliced.begin(), sliced.end());
          inner.insert(inner.end(), carried.begin(), carried.end());
          if (chance(0.3))
            inner.push_back(op("cast", {index}, {{"to", std::string("f64")}}) * pick(inner) * 0.3);
          grow(inner, 2 + below(4), depth + 1);
          Program::Yield yield;
          for (size_t i = 0; i < carried.size(); ++i)
            yield.next.push_back(chance(0.1) ? carried[carried.size() - 1 - i]
                                             : tame(carried[i] * 0.5 + pick(inner)));
          for (int i = below(3); i > 0; --i)
            yield.stacks.push_back(without(p.build, pick(inner), axis.name));
          // A carried value keeps its axes; exchanged ones must agree.
          for (size_t i = 0; i < carried.size(); ++i)
            yield.next[i] = p.build.reduceTo(yield.next[i], typeOf(carried[i]));
          return yield;
        },
        chance(0.4));
    pool.insert(pool.end(), results.begin(), results.end());
  }

  void grow(Terms &pool, int steps, int depth) {
    for (int i = 0; i < steps; ++i) {
      Term x = pick(pool), y = pick(pool), made;
      switch (below(depth < 2 ? 12 : 10)) {
      case 0:
        made = unary(x);
        break;
      case 1:
      case 2:
        made = binary(x, y);
        break;
      case 3:
      case 4:
        made = reduce(x);
        break;
      case 5:
        made = contract(tame(x), tame(y));
        break;
      case 6:
        made = rename(x);
        break;
      case 7:
        made = shape(x);
        break;
      case 8:
        made = move(x);
        break;
      case 9:
        made = power(x);
        break;
      default:
        loop(pool, depth);
        continue;
      }
      pool.push_back(shrink(made));
    }
  }
};

} // namespace frit
