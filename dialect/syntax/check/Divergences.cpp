// D[f](p || q) = sum over the support of q f(p / q), in log space.
//
// 1. The generator's text becomes a Symbol f(u), normalised to f(u) - f'(1) (u - 1).
// 2. f(1) = 0 and convexity are judged at numbers; a counterexample is printed.
// 3. q f(u) is written with s = log p - log q: u^a becomes exp(a s), log u becomes s, and a term
//    q u^a becomes exp((1 - a) log q + a log p), so that nothing overflows on the way.
// Where p has no probability, log p counts as -10^4: exp of it is 0, and no 0 * inf appears.
#include "dialect/syntax/check/Checker.h"
#include "dialect/syntax/check/Symbol.h"
#include <algorithm>
#include <cmath>

namespace frit::checking {

using Kind = Symbol::Kind;
using DistributionKind = Distribution::Kind;

namespace {
struct Reading {
  Checker &checker;
  const Generator &generator;
  std::string variable;
  std::map<std::string, SymbolPtr> bound;

  SymbolPtr read(const ast::Expr &expr) {
    switch (expr.kind) {
    case ast::ExprKind::Number:
      return Symbol::of(ast::as<ast::Number>(&expr)->value);
    case ast::ExprKind::Name: {
      const std::string &name = ast::as<ast::Name>(&expr)->text;
      if (auto found = bound.find(name); found != bound.end())
        return found->second;
      if (auto config = generator.file->config.find(name); config != generator.file->config.end())
        if (auto number = checker.numberOf(config->second))
          return Symbol::of(number->value);
      std::vector<std::string> known;
      for (auto &[n, s] : bound)
        known.push_back(n);
      checker.error(expr.at, fmt::format("unknown name '{}' in a generator", name))
          .suggest(name, known)
          .fail();
    }
    case ast::ExprKind::Unary: {
      auto *unary = ast::as<ast::Unary>(&expr);
      if (unary->op == ast::UnaryOp::Negate)
        return Symbol::of(-1) * read(*unary->operand);
      break;
    }
    case ast::ExprKind::Binary: {
      auto *binary = ast::as<ast::Binary>(&expr);
      SymbolPtr a = read(*binary->left), b = read(*binary->right);
      switch (binary->op) {
      case ast::BinaryOp::Add:
        return a + b;
      case ast::BinaryOp::Sub:
        return a - b;
      case ast::BinaryOp::Mul:
        return a * b;
      case ast::BinaryOp::Div:
        return a * power(b, Symbol::of(-1));
      case ast::BinaryOp::Pow:
        return power(a, b);
      default:
        break;
      }
      break;
    }
    case ast::ExprKind::Call: {
      auto *call = ast::as<ast::Call>(&expr);
      auto *callee = ast::as<ast::Name>(call->callee);
      std::vector<SymbolPtr> args;
      for (const ast::Call::Argument &argument : call->arguments)
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
      if (args.size() == 2 && name == "max")
        return larger(args[0], args[1]);
      if (args.size() == 2 && name == "min")
        return Symbol::of(-1) * larger(Symbol::of(-1) * args[0], Symbol::of(-1) * args[1]);
      break;
    }
    default:
      break;
    }
    checker.error(expr.at, "a generator is made of + - * / ^ log exp sqrt abs tanh max min").fail();
  }
};

/// f of a generator, as written.
SymbolPtr symbolOf(Checker &checker, const Generator &generator) {
  Reading reading{checker, generator, generator.decl->parameters[0].name.text, {}};
  reading.bound[reading.variable] = Symbol::variable();
  for (size_t i = 1; i < generator.decl->parameters.size(); ++i) {
    const std::string &name = generator.decl->parameters[i].name.text;
    auto given = generator.parameters.find(name);
    if (given != generator.parameters.end()) {
      if (auto number = checker.numberOf(given->second))
        reading.bound[name] = Symbol::of(number->value);
      else
        reading.bound[name] = Symbol::parameter(name);
      continue;
    }
    if (!generator.decl->parameters[i].initial)
      checker.fail(generator.decl->at,
                   fmt::format("divergence '{}' needs '{}'", generator.decl->name.text, name));
    reading.bound[name] = reading.read(*generator.decl->parameters[i].initial);
  }
  return reading.read(*generator.decl->generator);
}

/// Numbers for the parameters that are known only at run time: where to judge.
std::vector<std::map<std::string, double>> samples(Checker &checker, const Generator &generator) {
  std::vector<std::map<std::string, double>> out(1);
  for (size_t i = 1; i < generator.decl->parameters.size(); ++i) {
    const ast::Parameter &p = generator.decl->parameters[i];
    auto given = generator.parameters.find(p.name.text);
    if (given == generator.parameters.end() || checker.numberOf(given->second))
      continue;
    std::vector<double> values;
    Reading reading{checker, generator, "", {}};
    if (p.low && p.high) {
      double low = valueAt(reading.read(*p.low), 1, {}),
             high = valueAt(reading.read(*p.high), 1, {});
      values = {low + 0.1 * (high - low), 0.5 * (low + high), high - 0.1 * (high - low)};
    } else if (p.initial) {
      values = {valueAt(reading.read(*p.initial), 1, {})};
    } else {
      values = {0.5};
    }
    std::vector<std::map<std::string, double>> next;
    for (auto &point : out)
      for (double value : values) {
        next.push_back(point);
        next.back()[p.name.text] = value;
      }
    out = next;
  }
  return out;
}

/// The normalised generator.
SymbolPtr normalised(Checker &checker, const Generator &generator) {
  SymbolPtr f = symbolOf(checker, generator);
  SymbolPtr slope = derivative(f);
  // f'(1) with the parameters kept: u is put to 1.
  std::function<SymbolPtr(const SymbolPtr &)> atOne = [&](const SymbolPtr &s) -> SymbolPtr {
    switch (s->kind) {
    case Kind::Variable:
      return Symbol::of(1);
    case Kind::Add:
      return atOne(s->args[0]) + atOne(s->args[1]);
    case Kind::Mul:
      return atOne(s->args[0]) * atOne(s->args[1]);
    case Kind::Pow: {
      SymbolPtr base = atOne(s->args[0]);
      return base->is(1) ? base : power(base, atOne(s->args[1]));
    }
    case Kind::Max:
      return larger(atOne(s->args[0]), atOne(s->args[1]));
    case Kind::Function:
      return function(s->name, atOne(s->args[0]));
    default:
      return s;
    }
  };
  SymbolPtr c = atOne(slope);
  if (c->kind == Kind::Number && (std::fabs(c->number) < 1e-14 || !std::isfinite(c->number)))
    c = Symbol::of(0);
  return f - c * (Symbol::variable() - Symbol::of(1));
}
} // namespace

/// The generator a limit clause puts in place of this one, or itself.
static Generator atLimits(Checker &checker, const Generator &generator) {
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

void Checker::judgeGenerator(const Generator &generator, Location at) {
  if (atLimits(*this, generator).decl != generator.decl)
    return; // judged as what it is there
  SymbolPtr f = symbolOf(*this, generator);
  const std::string &name = generator.decl->name.text;
  for (auto &point : samples(*this, generator)) {
    std::string with;
    for (auto &[parameter, value] : point)
      with += fmt::format(", {} = {:g}", parameter, value);
    double one = valueAt(f, 1, point);
    if (!(std::fabs(one) < 1e-9))
      error(generator.decl->name.at,
            fmt::format("divergence '{}' must be 0 at u = 1, and is {:g}{}", name, one, with))
          .help(fmt::format("subtract it: f(u) - {:g}", one))
          .fail();
    // Chords over many pairs of points on a log grid.
    std::vector<double> grid;
    for (double e = -6; e <= 6; e += 0.375)
      grid.push_back(std::exp(e));
    for (size_t i = 0; i < grid.size(); ++i)
      for (size_t j = i + 1; j < grid.size(); ++j) {
        double a = grid[i], b = grid[j], m = 0.5 * (a + b);
        double fa = valueAt(f, a, point), fb = valueAt(f, b, point), fm = valueAt(f, m, point);
        double chord = 0.5 * (fa + fb), scale = std::fabs(fa) + std::fabs(fb) + 1e-9;
        if (!(fm <= chord + 1e-9 * scale))
          error(generator.decl->name.at,
                fmt::format("divergence '{}' is not convex: f({:.4g}) = {:.4g} lies above {:.4g}, "
                            "the chord from u = {:.4g} to {:.4g}{}",
                            name, m, fm, chord, a, b, with))
              .fail();
      }
  }
}

namespace {
/// Writes symbols as ops, with s = log u.
struct Writing {
  Checker &checker;
  const Generator &generator;
  Location at;
  Tensor s, logP, logQ;
  bool hasQ = false;

  Tensor number(double x) { return checker.literal(x); }
  Tensor op(const char *name, const Tensor &a, const Tensor &b) {
    return checker.op2(name, a, b, at);
  }

  /// a with s a = log x, if x is a power of u.
  SymbolPtr exponent(const SymbolPtr &x) {
    if (x->kind == Kind::Variable)
      return Symbol::of(1);
    if (x->kind == Kind::Pow && x->args[0]->kind == Kind::Variable && !x->args[1]->hasVariable())
      return x->args[1];
    return nullptr;
  }
  /// Surely above zero, so that its log may be taken apart.
  bool positive(const SymbolPtr &x) {
    if (x->kind == Kind::Number)
      return x->number > 0;
    if (exponent(x))
      return true;
    if (x->kind == Kind::Add || x->kind == Kind::Mul)
      return positive(x->args[0]) && positive(x->args[1]);
    if (x->kind == Kind::Pow)
      return positive(x->args[0]);
    return false;
  }
  Tensor logOf(const SymbolPtr &x) {
    if (x->kind == Kind::Number)
      return number(std::log(x->number));
    if (SymbolPtr a = exponent(x))
      return op("mul", write(a), s);
    if (positive(x)) {
      if (x->kind == Kind::Mul)
        return op("add", logOf(x->args[0]), logOf(x->args[1]));
      if (x->kind == Kind::Pow)
        return op("mul", write(x->args[1]), logOf(x->args[0]));
      if (x->kind == Kind::Add) {
        if (x->args[0]->is(1))
          return checker.op1("softplus", logOf(x->args[1]), at);
        if (x->args[1]->is(1))
          return checker.op1("softplus", logOf(x->args[0]), at);
        return op("logaddexp", logOf(x->args[0]), logOf(x->args[1]));
      }
    }
    return checker.op1("log", write(x), at);
  }

  Tensor write(const SymbolPtr &x) {
    switch (x->kind) {
    case Kind::Number:
      return number(x->number);
    case Kind::Parameter: {
      static Scope none;
      return checker.toReal(*generator.parameters.at(x->name).get<Tensor>(), at);
    }
    case Kind::Add:
      // u^a - 1 without cancellation.
      if (x->args[1]->is(-1))
        if (SymbolPtr a = exponent(x->args[0]))
          return checker.op1("expm1", op("mul", write(a), s), at);
      return op("add", write(x->args[0]), write(x->args[1]));
    case Kind::Mul:
      if (x->args[0]->is(-1))
        return checker.op1("neg", write(x->args[1]), at);
      return op("mul", write(x->args[0]), write(x->args[1]));
    case Kind::Pow:
      if (SymbolPtr a = exponent(x))
        return checker.op1("exp", op("mul", write(a), s), at);
      if (positive(x->args[0]))
        return checker.op1("exp", op("mul", write(x->args[1]), logOf(x->args[0])), at);
      return op("pow", write(x->args[0]), write(x->args[1]));
    case Kind::Max:
      return op("maximum", write(x->args[0]), write(x->args[1]));
    case Kind::Function:
      if (x->name == "log")
        return logOf(x->args[0]);
      if (x->name == "step") {
        Tensor above = op("gt", write(x->args[0]), number(0));
        return checker.cast(above, checker.real(), at);
      }
      return checker.op1(x->name, write(x->args[0]), at);
    case Kind::Variable:
      return checker.op1("exp", s, at);
    }
    return number(0);
  }

  /// Factors of a product; sums stay whole.
  void factors(const SymbolPtr &x, std::vector<SymbolPtr> &out) {
    if (x->kind != Kind::Mul) {
      out.push_back(x);
      return;
    }
    factors(x->args[0], out);
    factors(x->args[1], out);
  }

  /// q x.
  Tensor timesQ(const SymbolPtr &x) {
    if (x->kind == Kind::Add && !(x->args[1]->is(-1) && exponent(x->args[0]) && false))
      return op("add", timesQ(x->args[0]), timesQ(x->args[1]));
    if (x->kind == Kind::Max)
      return op("maximum", timesQ(x->args[0]), timesQ(x->args[1]));
    if (x->kind == Kind::Function && x->name == "abs")
      return checker.op1("abs", timesQ(x->args[0]), at);
    std::vector<SymbolPtr> all;
    factors(x, all);
    // A sum among the factors that holds u is multiplied out.
    for (size_t i = 0; i < all.size() && all.size() > 1; ++i)
      if (all[i]->kind == Kind::Add && all[i]->hasVariable()) {
        SymbolPtr rest = Symbol::of(1);
        for (size_t j = 0; j < all.size(); ++j)
          if (j != i)
            rest = rest * all[j];
        return op("add", timesQ(rest * all[i]->args[0]), timesQ(rest * all[i]->args[1]));
      }
    SymbolPtr a = Symbol::of(0);
    double coefficient = 1;
    std::vector<SymbolPtr> others;
    for (const SymbolPtr &factor : all) {
      if (SymbolPtr e = exponent(factor))
        a = a + e;
      else if (factor->kind == Kind::Number)
        coefficient *= factor->number;
      else
        others.push_back(factor);
    }
    Tensor out;
    if (a->is(0))
      out = checker.op1("exp", logQ, at);
    else if (a->is(1))
      out = checker.op1("exp", logP, at);
    else
      out = checker.op1(
          "exp", op("add", op("mul", write(Symbol::of(1) - a), logQ), op("mul", write(a), logP)),
          at);
    for (const SymbolPtr &factor : others)
      out = op("mul", out, write(factor));
    if (coefficient == -1)
      return checker.op1("neg", out, at);
    return coefficient == 1 ? out : op("mul", out, number(coefficient));
  }
};
} // namespace

Value Checker::divergence(Scope &scope, const Generator &given, const Value &left,
                          const Value &right, Location at) {
  auto *p = left.distribution(), *q = right.distribution();
  if (!p || !q)
    fail(at, fmt::format("a divergence is between distributions, this is {}",
                         describe(p ? right : left, scope)));
  Generator generator = atLimits(*this, given);
  sameSupport(scope, *p, *q, at);
  const std::string &name = generator.decl->name.text;
  bool isKl = name == "kl" && generator.file->isPrelude;
  bool isReverse = name == "reverse_kl" && generator.file->isPrelude;
  auto field = [](const Distribution &d, const char *key) {
    return *d.fields.at(key)->get<Tensor>();
  };
  if (p->kind == DistributionKind::Normal) {
    if (!isKl && !isReverse)
      error(at, fmt::format("D[{}] of two normals has no closed form here", name))
          .help("kl and reverse_kl have one; others can be estimated from samples")
          .fail();
    const Distribution &a = isKl ? *p : *q, &b = isKl ? *q : *p;
    Tensor sa = field(a, "std"), sb = field(b, "std");
    Tensor gap = op2("div", op2("sub", field(a, "mean"), field(b, "mean"), at), sb, at);
    Tensor ratio = op2("div", sa, sb, at);
    Tensor all = op2("add", op2("mul", ratio, ratio, at), op2("mul", gap, gap, at), at);
    all = op2("sub", op2("mul", all, literal(0.5), at), literal(0.5), at);
    all = op2("sub", all, op1("log", ratio, at), at);
    Axes axes = all.type.axes;
    for (const Axis &axis : gap.type.axes)
      if (std::find(axes.begin(), axes.end(), axis) == axes.end())
        axes.push_back(axis);
    return Value(sumEvent(expand(all, axes, at), p->event, at));
  }
  if (p->kind == DistributionKind::Partial) {
    if (!isKl)
      error(at, fmt::format("D[{}] of a categorical known at some tokens", name))
          .help("kl treats the rest as one bucket")
          .fail();
    // The known tokens, and one bucket for the rest.
    Tensor logP = field(*p, "log_probs"), tokens = field(*p, "at");
    if (tokens.vocabulary->name != q->event[0].name)
      fail(at,
           fmt::format("tokens of '{}', but the distribution is over '{}'",
                       display(tokens.vocabulary->name, scope), display(q->event[0].name, scope)));
    Tensor plain = tokens;
    plain.vocabulary.reset();
    Tensor logQ = emit("gather", {logProbs(*q, at), plain},
                       {{"axes", std::vector<std::string>{q->event[0].name}}}, at);
    Tensor known = op2("mul", op1("exp", logP, at), op2("sub", logP, logQ, at), at);
    auto rest = [&](const Tensor &x) {
      Tensor left = op2("sub", literal(1), sumEvent(op1("exp", x, at), p->event, at), at);
      return op2("maximum", left, literal(1e-7), at);
    };
    Tensor restP = rest(logP), restQ = rest(logQ);
    Tensor tail =
        op2("mul", restP, op2("sub", op1("log", restP, at), op1("log", restQ, at), at), at);
    return Value(op2("add", sumEvent(known, p->event, at), tail, at));
  }
  SymbolPtr f = normalised(*this, generator);
  auto total = [&](const Tensor &logP, const Tensor &logQ) {
    Tensor least = literal(-1e4);
    Writing writing{*this, generator, at, {}, {}, {}};
    writing.logP = op2("maximum", logP, least, at);
    writing.logQ = op2("maximum", logQ, least, at);
    meet(scope, {logP, logQ}, at, "'||'", true);
    writing.s = op2("sub", writing.logP, writing.logQ, at);
    Tensor all = writing.timesQ(f);
    return sumEvent(expand(all, writing.s.type.axes, at), q->event, at);
  };
  if (p->kind == DistributionKind::Bernoulli) {
    auto logs = [&](const Distribution &d, bool one) {
      Tensor z = field(d, "logits");
      return op1("neg", op1("softplus", one ? op1("neg", z, at) : z, at), at);
    };
    return Value(op2("add", total(logs(*p, true), logs(*q, true)),
                     total(logs(*p, false), logs(*q, false)), at));
  }
  return Value(total(logProbs(*p, at), logProbs(*q, at)));
}

/// slope: f'(e^s). score: f(u) - u f'(u) at u = e^s.
Value Checker::linkOf(Scope &scope, const Generator &given, const std::string &which,
                      const Value &s, Location at) {
  Generator generator = atLimits(*this, given);
  SymbolPtr f = normalised(*this, generator), slope = derivative(f);
  SymbolPtr x = which == "slope" ? slope : f - Symbol::variable() * slope;
  Writing writing{*this, generator, at, {}, {}, {}};
  writing.s = toReal(toTensor(scope, s, at), at);
  return Value(expand(writing.write(x), writing.s.type.axes, at));
}

} // namespace frit::checking
