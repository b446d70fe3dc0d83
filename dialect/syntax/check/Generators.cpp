// Generators as symbols, with their parameters; what is wrong with one is said here.
//
// A parameter known only at run time is held within its range. A limit clause says what f is where
// its formula divides by zero: at compile time the other divergence stands in; at run time f is a
// straight line from one to the other within a fiftieth of the limit.
#include "dialect/syntax/check/Generators.h"
#include "dialect/syntax/check/Degrees.h"
#include "dialect/syntax/check/FormulaWriter.h"
#include <algorithm>

namespace frit::checking {

using Kind = Symbol::Kind;

static constexpr double limitWidth = 0.02;

namespace {
/// Turns the text of a generator into a symbol.
struct Reading {
  Checker &checker;
  const Generator &generator;
  std::map<std::string, SymbolPtr> bound;

  SymbolPtr name(const ast::Expr &expr) {
    const std::string &text = ast::as<ast::Name>(&expr)->text;
    if (auto found = bound.find(text); found != bound.end())
      return found->second;
    if (auto config = generator.file->config.find(text); config != generator.file->config.end())
      if (auto number = checker.numberOf(config->second))
        return Symbol::of(number->value);
    std::vector<std::string> known;
    for (auto &[n, s] : bound)
      known.push_back(n);
    checker.error(expr.at, fmt::format("unknown name '{}' in a generator", text))
        .suggest(text, known)
        .fail();
  }
  SymbolPtr binary(const ast::Binary &expr) {
    SymbolPtr a = read(*expr.left), b = read(*expr.right);
    switch (expr.op) {
    case ast::BinaryOp::Add:
      return a + b;
    case ast::BinaryOp::Sub:
      return a - b;
    case ast::BinaryOp::Mul:
      return a * b;
    case ast::BinaryOp::Div:
      return a / b;
    case ast::BinaryOp::Pow:
      return power(a, b);
    default:
      refuse(expr.at);
    }
  }
  SymbolPtr call(const ast::Call &call) {
    auto *callee = ast::as<ast::Name>(call.callee);
    std::vector<SymbolPtr> args;
    for (const ast::Call::Argument &argument : call.arguments)
      args.push_back(read(*argument.value));
    std::string name = callee ? callee->text : "";
    if (args.size() == 1) {
      if (name == "log" || name == "exp" || name == "abs" || name == "tanh" || name == "sign")
        return function(name, args[0]);
      if (name == "sqrt")
        return power(args[0], Symbol::of(0.5));
      if (name == "log1p")
        return function("log", Symbol::of(1) + args[0]);
    }
    if (args.size() == 2 && (name == "max" || name == "maximum"))
      return larger(args[0], args[1]);
    if (args.size() == 2 && (name == "min" || name == "minimum"))
      return Symbol::of(-1) * larger(Symbol::of(-1) * args[0], Symbol::of(-1) * args[1]);
    refuse(call.at);
  }
  [[noreturn]] void refuse(Location at) {
    checker.error(at, "a generator is made of + - * / ^ log exp sqrt abs tanh max min").fail();
  }
  SymbolPtr read(const ast::Expr &expr) {
    switch (expr.kind) {
    case ast::ExprKind::Number:
      return Symbol::of(ast::as<ast::Number>(&expr)->value);
    case ast::ExprKind::Name:
      return name(expr);
    case ast::ExprKind::Unary:
      if (ast::as<ast::Unary>(&expr)->op == ast::UnaryOp::Negate)
        return Symbol::of(-1) * read(*ast::as<ast::Unary>(&expr)->operand);
      break;
    case ast::ExprKind::Binary:
      return binary(*ast::as<ast::Binary>(&expr));
    case ast::ExprKind::Call:
      return call(*ast::as<ast::Call>(&expr));
    default:
      break;
    }
    refuse(expr.at);
  }
  double number(const ast::Expr &expr) { return valueAt(read(expr), 1, {}); }
};

/// f as written, its run-time parameters, and where to judge it.
struct Formula {
  Checker &checker;
  const Generator &generator;
  Location at;
  GeneratorFacts facts;

  void points(const std::string &name, const std::vector<double> &values) {
    std::vector<Point> next;
    for (const Point &point : facts.points)
      for (double value : values) {
        next.push_back(point);
        next.back()[name] = value;
      }
    facts.points = next;
  }

  void checkRange(const ast::Parameter &parameter, double value) {
    Reading reading{checker, generator, {}};
    if (!parameter.low || !parameter.high)
      return;
    double low = reading.number(*parameter.low), high = reading.number(*parameter.high);
    if (value >= low && value <= high)
      return;
    checker
        .error(at, fmt::format("{} = {:g} is outside of {:g}..{:g}", parameter.name.text, value,
                               low, high))
        .note(parameter.name.at, "the range stands here")
        .fail();
  }

  /// A parameter with a run-time value: held in its range, away from limits. Gives the weights of
  /// what stands in near each limit.
  std::vector<std::pair<SymbolPtr, SymbolPtr>> bindAtRunTime(const ast::Parameter &parameter,
                                                             Reading &reading) {
    const std::string &name = parameter.name.text;
    FormulaWriter w{checker, at};
    Tensor a = checker.toReal(checker.toTensor(w.none, generator.parameters.at(name), at), at);
    Reading plain{checker, generator, {}};
    std::vector<double> values = {0.5};
    if (parameter.low && parameter.high) {
      double low = plain.number(*parameter.low), high = plain.number(*parameter.high);
      a = w.op("maximum", w.op("minimum", a, w.number(high)), w.number(low));
      values = {low + 0.1 * (high - low), 0.5 * (low + high), high - 0.1 * (high - low)};
    } else if (parameter.initial) {
      values = {plain.number(*parameter.initial)};
    }
    std::vector<std::pair<SymbolPtr, SymbolPtr>> limits;
    for (const ast::Divergence::Limit &limit : generator.decl->limits) {
      auto inner = std::make_shared<Scope>();
      inner->file = generator.file;
      double where = plain.number(*limit.where);
      Tensor gap = w.op("sub", a, w.number(where));
      Tensor side = w.choose(w.op("ge", gap, w.number(0)), w.number(1), w.number(-1));
      Tensor size = w.op("abs", gap);
      a = w.op("add", w.number(where),
               w.op("mul", side, w.op("maximum", size, w.number(limitWidth))));
      std::string weight = fmt::format("{} at {:g}", name, where);
      facts.parameters[weight] =
          w.op("maximum", w.op("sub", w.number(1), w.op("mul", size, w.number(1 / limitWidth))),
               w.number(0));
      points(weight, {0, 0.5});
      Generator other = *checker.generatorOf(*inner, *limit.then);
      limits.push_back({Symbol::parameter(weight), Formula{checker, other, at, {}}.formula()});
    }
    points(name, values);
    facts.parameters[name] = a;
    reading.bound[name] = Symbol::parameter(name);
    return limits;
  }

  SymbolPtr formula() {
    facts.points = {Point()};
    const auto &parameters = generator.decl->parameters;
    Reading reading{checker, generator, {}};
    std::vector<std::pair<SymbolPtr, SymbolPtr>> limits;
    for (size_t i = 1; i < parameters.size(); ++i) {
      const std::string &name = parameters[i].name.text;
      auto given = generator.parameters.find(name);
      if (given == generator.parameters.end()) {
        if (!parameters[i].initial)
          checker.fail(at,
                       fmt::format("divergence '{}' needs '{}'", generator.decl->name.text, name));
        reading.bound[name] = reading.read(*parameters[i].initial);
      } else if (auto number = checker.numberOf(given->second)) {
        checkRange(parameters[i], number->value);
        reading.bound[name] = Symbol::of(number->value);
      } else {
        for (auto &limit : bindAtRunTime(parameters[i], reading))
          limits.push_back(limit);
      }
    }
    reading.bound[parameters[0].name.text] = Symbol::variable();
    SymbolPtr f = reading.read(*generator.decl->generator);
    for (auto &[weight, other] : limits)
      f = (Symbol::of(1) - weight) * f + weight * other;
    return f;
  }
};

/// The generator a limit clause puts in place of this one, or itself.
Generator atLimits(Checker &checker, const Generator &generator) {
  for (const ast::Divergence::Limit &limit : generator.decl->limits) {
    if (generator.decl->parameters.size() != 2)
      checker.fail(limit.at, "limits belong to divergences with one parameter");
    const std::string &name = generator.decl->parameters[1].name.text;
    auto inner = std::make_shared<Scope>();
    inner->file = generator.file;
    std::optional<Number> now;
    if (auto given = generator.parameters.find(name); given != generator.parameters.end())
      now = checker.numberOf(given->second);
    else if (generator.decl->parameters[1].initial)
      now = checker.numberOf(checker.eval(*inner, *generator.decl->parameters[1].initial));
    auto where = checker.numberOf(checker.eval(*inner, *limit.where));
    if (now && where && compare(*now, *where) == 0)
      return *checker.generatorOf(*inner, *limit.then);
  }
  return generator;
}

//===-- Judging -----------------------------------------------------------------------------===//

struct Judge {
  Checker &checker;
  const Generator &generator;
  const Point &point;
  Curve<double> value;

  std::string with() const {
    std::string out;
    for (auto &[parameter, value] : point)
      out += fmt::format(", {} = {:g}", parameter, value);
    return out;
  }
  Location at() const { return generator.decl->name.at; }
  const std::string &name() const { return generator.decl->name.text; }

  void zeroAtOne() {
    double one = value(1);
    if (std::isnan(one) || std::isinf(one))
      checker.error(at(), fmt::format("divergence '{}' has no value at u = 1{}", name(), with()))
          .help("f(1) must be 0: two equal distributions are no distance apart")
          .fail();
    if (!(std::fabs(one) < 1e-9))
      checker
          .error(at(), fmt::format("divergence '{}' must be 0 at u = 1, and is {:g}{}", name(), one,
                                   with()))
          .help(fmt::format("subtract it: f(u) - {:g}", one))
          .fail();
  }
  void chord(double a, double b, double share) {
    double m = share * a + (1 - share) * b;
    double fa = value(a), fb = value(b), fm = value(m);
    double chord = share * fa + (1 - share) * fb, scale = std::fabs(fa) + std::fabs(fb) + 1e-9;
    if (fm <= chord + 1e-9 * scale || std::isinf(chord))
      return;
    checker
        .error(at(), fmt::format("divergence '{}' is not convex: f({:.4g}) = {:.4g} lies above "
                                 "{:.4g}, the chord from u = {:.4g} to {:.4g}{}",
                                 name(), m, fm, chord, a, b, with()))
        .fail();
  }
  void judge() {
    zeroAtOne();
    for (double e = -12; e <= 12; e += 0.125)
      if (double u = std::exp(e); std::isnan(value(u)))
        checker
            .error(at(),
                   fmt::format("divergence '{}' has no value at u = {:.4g}{}", name(), u, with()))
            .help("u = p / q may be any number above 0")
            .fail();
    // Chords over many pairs of points, then short ones everywhere: a dent may be narrow.
    std::vector<double> grid;
    for (double e = -6; e <= 6; e += 0.375)
      grid.push_back(std::exp(e));
    for (size_t i = 0; i < grid.size(); ++i)
      for (size_t j = i + 1; j < grid.size(); ++j)
        chord(grid[i], grid[j], 0.5);
    for (double e = -9; e <= 9; e += 0.02)
      chord(std::exp(e), std::exp(e + 0.04), 0.5);
  }
};

//===-- Facts -------------------------------------------------------------------------------===//

/// Whether x(u) grows without end as u goes along e^(side * n).
GeneratorFacts::Limit limitOf(const SymbolPtr &x, int side, const std::vector<Point> &points) {
  size_t infinite = 0;
  for (const Point &point : points) {
    auto at = [&](long double n) {
      BigReal u = exp(BigReal(side * n)), value = bigValueAt(x, u, point);
      return side > 0 ? value / u : value; // f(u) / u for large u
    };
    BigReal a = at(2500), b = at(5000), size = b.sign() < 0 ? -b : b;
    infinite += b.isNaN() || (b - a - BigReal(0.01L) * (BigReal(1) + size)).sign() > 0;
  }
  using Limit = GeneratorFacts::Limit;
  return infinite == 0               ? Limit::Finite
         : infinite == points.size() ? Limit::Infinite
                                     : Limit::AtRunTime;
}

/// f(u) = u f(1 / u), whatever the parameters are: their slopes have the symmetry too.
bool isSymmetric(const SymbolPtr &f, const std::vector<Point> &points) {
  for (const Point &point : around(points))
    for (long double u : {1e-30L, 1e-6L, 0.01L, 0.3L, 0.7L, 0.99L}) {
      BigReal a = bigValueAt(f, u, point), b = BigReal(u) * bigValueAt(f, BigReal(1) / u, point);
      long double gap = (a - b).number(), size = a.number();
      if (!(std::fabs(gap) <= 1e-13L * std::fabs(size) + 1e-17L))
        return false;
    }
  return true;
}

bool isRight(const std::vector<SymbolPtr> &series, const GeneratorFacts &facts, double range) {
  for (const Point &point : facts.points)
    for (double s : {-range, -0.7 * range, -0.3 * range, 0.4 * range, 0.8 * range, range}) {
      long double sum = 0, exact = bigValueAt(facts.f, exp(BigReal(s)), point).number();
      for (size_t k = series.size(); k-- > 0;)
        sum = sum * s + valueAt(series[k], 1, point);
      if (!(std::fabs(sum - exact) <= 2e-9L * std::fabs(exact)))
        return false;
    }
  return true;
}

/// How far from s = 0 the series is right to nine digits; 0 if nowhere. Terms that are not needed
/// for that go.
double rangeOf(std::vector<SymbolPtr> &series, const GeneratorFacts &facts) {
  for (double range : {0.5, 0.25, 0.125, 0.0625, 0.03, 0.015, 0.007}) {
    if (!isRight(series, facts, range))
      continue;
    for (std::vector<SymbolPtr> fewer = series; fewer.size() > 4;) {
      fewer.pop_back();
      if (!isRight(fewer, facts, range))
        break;
      series = fewer;
    }
    return range;
  }
  return 0;
}
} // namespace

GeneratorFacts factsOf(const SymbolPtr &f, std::vector<Point> points) {
  GeneratorFacts facts;
  facts.points = std::move(points);
  SymbolPtr u = Symbol::variable(), c = atOne(derivative(f));
  if (c->kind == Kind::Number && (std::fabs(c->number) < 1e-14 || !std::isfinite(c->number)))
    c = Symbol::of(0);
  facts.f = sumOf(expanded(f - c * (u - Symbol::of(1))));
  facts.slope = sumOf(expanded(derivative(f) - c));
  facts.score = sumOf(expanded(f - u * derivative(f) + c));
  facts.atZero = limitOf(facts.f, -1, facts.points);
  facts.atSlope = limitOf(facts.f, 1, facts.points);
  facts.isSymmetric = isSymmetric(facts.f, facts.points);
  facts.dual = facts.isSymmetric ? facts.f : dualOf(facts.f, facts.points);
  facts.isHomogeneous = isHomogeneous(expanded(facts.f));
  bool isNumber = facts.points.front().empty();
  if (auto series = seriesAtOne(facts.f, isNumber ? 12 : 8, facts.points)) {
    (*series)[0] = (*series)[1] = Symbol::of(0);
    facts.nearOne = rangeOf(*series, facts);
    facts.series = std::move(*series);
  }
  return facts;
}

GeneratorFacts factsOf(Checker &checker, const Generator &given, Location at) {
  Generator generator = atLimits(checker, given);
  Formula text{checker, generator, at, {}};
  SymbolPtr f = text.formula();
  auto &known = checker.generatorFacts[textOf(f)];
  if (!known) {
    for (const Point &point : text.facts.points)
      Judge{checker, generator, point, {f, point}}.judge();
    known = std::make_shared<GeneratorFacts>(factsOf(f, text.facts.points));
  }
  GeneratorFacts facts = *known;
  facts.parameters = std::move(text.facts.parameters);
  return facts;
}

void Checker::judgeGenerator(const Generator &generator, Location at) {
  factsOf(*this, generator, at);
}

} // namespace frit::checking
