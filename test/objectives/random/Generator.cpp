#include "test/objectives/random/Generator.h"
#include <fmt/format.h>

namespace frit::test {

RandomFile randomFile(const std::vector<uint64_t> &seeds) {
  std::mt19937_64 sizes(seeds.at(0) / seedsPerFile);
  auto size = [&](int low, int high) { return low + int(sizes() % uint64_t(high - low + 1)); };
  int vocab = size(3, 9), width = size(2, 5), b = size(1, 4), t = size(1, 5), u = size(1, 4);
  RandomFile out;
  out.seeds = seeds;
  out.text = fmt::format("config {{ vocab = {}, width = {}, small = {} }}\n{}", vocab, width,
                         size(2, vocab - 1), modelDeclarations());
  std::string models, runs, second;
  for (uint64_t seed : seeds) {
    ObjectiveWriter writer(seed);
    writer.write();
    out.text += writer.declarations;
    models += writer.models;
    if (writer.hasTwo) // in the file of one seed that fails an axis that nobody has is refused
      second = fmt::format(", u = {}", u);
    runs += fmt::format("  run o{}\n", seed);
  }
  out.text += fmt::format("train all {{\n{}{}  b = {}, t = {}{}\n  data = tensors()\n"
                          "  optimizer = sgd(lr = 0.1)\n  steps = 1\n}}\n",
                          models, runs, b, t, second);
  return out;
}

std::string ObjectiveWriter::fresh(const char *prefix) {
  return fmt::format("{}{}", prefix, names++);
}

std::string ObjectiveWriter::number(double low, double high) {
  return fmt::format("{:.2f}", low + (high - low) * (below(1001) / 1000.0));
}

std::string ObjectiveWriter::let(const char *prefix, const std::string &value) {
  std::string name = fresh(prefix);
  body += fmt::format("  {} = {}\n", name, value);
  return name;
}

void ObjectiveWriter::declareModels() {
  // Mostly tables: what is said of them matters here, not the models.
  static const std::vector<std::string> sayers = {"Table",     "Table",    "Table", "Table",
                                                  "Table",     "Shallow",  "Tied",  "Deep",
                                                  "Recurrent", "Attending"};
  int trained = 1 + chance(20), frozen = chance(60) ? 1 : 0;
  for (int i = 0; i < trained + frozen; ++i) {
    bool isFrozen = i >= trained;
    std::string name = fmt::format("{}{}_{}", isFrozen ? "r" : "p", i, seed);
    parameters.push_back(fmt::format("{}{}: model", isFrozen ? "frozen " : "", name));
    // The reference of a policy is sometimes its copy.
    models += isFrozen && chance(20) ? fmt::format("  {} = copy({})\n", name, policies[0])
                                     : fmt::format("  {} = {}()\n", name, pick(sayers));
    (isFrozen ? references : policies).push_back(name);
  }
}

void ObjectiveWriter::declareData() {
  contexts.push_back({"s", "t", {}, {}, {}});
  data.push_back("s: sequence[b, t; vocab]");
  if (hasTwo = chance(40); hasTwo) {
    contexts.push_back({"w", "u", {}, {}, {}});
    data.push_back("w: sequence[b, u; vocab]");
  }
  for (Context &c : contexts) {
    if (chance(60)) {
      std::string name = "old_" + c.s;
      data.push_back(fmt::format("{}: real[b, {}]", name, c.time));
      c.tokens.push_back(name);
    }
    if (chance(60)) {
      std::string name = "gain_" + c.s;
      data.push_back(fmt::format("{}: real[b]", name));
      c.rows.push_back(name);
    }
  }
  if (chance(30))
    data.push_back("good: bool[b]");
}

void ObjectiveWriter::declareF() {
  static const std::vector<std::string> parts = {"u * log(u)",
                                                 "-log(u)",
                                                 "(u - 1) * log(u)",
                                                 "(sqrt(u) - 1)^2",
                                                 "(u - 1)^2",
                                                 "(u - 1)^2 / (u + 1)",
                                                 "u * log(u / (0.3 * u + 0.7))",
                                                 "-sqrt(u) + 1",
                                                 "u * log(u) - (1 + u) * log((1 + u) / 2)"};
  std::string f;
  for (int i = 1 + below(3); i > 0; --i)
    f += fmt::format("{}{} * ({})", f.empty() ? "" : " + ", number(0.2, 2), pick(parts));
  declarations += fmt::format("divergence f{}(u) = {}\n", seed, f);
  hasOwnF = true;
}

/// A divergence by name; where p may be 0, one of which a column that only q has weighs little.
std::string ObjectiveWriter::generator(bool isFiniteAtZero) {
  static const std::vector<std::string> finite = {"kl",
                                                  "js",
                                                  "hellinger",
                                                  "le_cam",
                                                  "chi2",
                                                  "tv",
                                                  "gan",
                                                  "jsd(b = 0.3)",
                                                  "skew_kl(l = 0.2)",
                                                  "alpha(a = 0.3)",
                                                  "skew_reverse_kl(l = 0.4)"};
  static const std::vector<std::string> others = {"reverse_kl", "jeffreys", "neyman"};
  if (!isFiniteAtZero && hasOwnF && chance(40))
    return fmt::format("f{}", seed);
  return !isFiniteAtZero && chance(30) ? pick(others) : pick(finite);
}

std::string ObjectiveWriter::link() {
  return pick({"kl", "kl", "reverse_kl", "js", "hellinger", "jeffreys", "alpha(a = 0.5)"});
}

/// A distribution of the next token in which every column is above 0.
std::string ObjectiveWriter::full(const Context &c) {
  std::string q = pick(c.policies);
  switch (below(8)) {
  case 0:
    return fmt::format("temper({}, {})", q, number(0.5, 2));
  case 1:
    return fmt::format("stop_gradient({})", q);
  case 2:
    return fmt::format("smooth(point({}.next), {})", c.s, number(0.05, 0.5));
  default:
    return q;
  }
}

/// real[b, time]: D of two distributions.
std::string ObjectiveWriter::divergence(const Context &c) {
  switch (below(6)) {
  case 0:
    return fmt::format("D[{}](top_k({}, 2) || {})", generator(true), pick(c.policies), full(c));
  case 1:
    return fmt::format("D[{}](restrict({}, small) || restrict({}, small))", generator(false),
                       pick(c.policies), pick(c.policies));
  case 2: {
    std::string T = number(0.5, 3);
    return fmt::format("{0}^2 * D[{1}](temper({2}, {0}) || temper({3}, {0}))", T, generator(false),
                       pick(c.policies), pick(c.policies));
  }
  default:
    return fmt::format("D[{}]({} || {})", generator(false), full(c), full(c));
  }
}

std::string ObjectiveWriter::unary(const std::string &x) {
  switch (below(14)) {
  case 0:
    return fmt::format("tanh({})", x);
  case 1:
    return fmt::format("sigmoid({})", x);
  case 2:
    return fmt::format("log_sigmoid({})", x);
  case 3:
    return fmt::format("softplus({})", x);
  case 4:
    return fmt::format("tanh({})^2", x);
  case 5:
    return fmt::format("abs({})", x);
  case 6:
    return fmt::format("exp(-softplus({}))", x);
  case 7:
    return fmt::format("clamp({}, -{}, {})", x, number(0.1, 1), number(0.1, 1));
  case 8:
    return fmt::format("relu({} - {})", x, number(-1, 1));
  case 9:
    return fmt::format("sqrt(({})^2 + 0.5)", x);
  case 10:
    return fmt::format("log1p(({})^2)", x);
  case 11:
    return fmt::format("stop_gradient({})", x);
  case 12:
    return fmt::format("logistic({}, smoothing = {})", x, number(0, 0.4));
  default:
    return fmt::format("{} * ({})", numbers.empty() || chance(50) ? number(-2, 2) : pick(numbers),
                       x);
  }
}

std::string ObjectiveWriter::binary(const std::string &x, const std::string &y) {
  static const std::vector<const char *> forms = {
      "({0} + {1})",         "({0} - {1})",           "tanh({0}) * ({1})",
      "min({0}, {1})",       "max({0}, {1})",         "where({0} > {1}, 0.5 * ({0}), sin({1}))",
      "logaddexp({0}, {1})", "({0}) / (1 + ({1})^2)", "stop_gradient(sigmoid({0})) * ({1})"};
  return fmt::format(fmt::runtime(forms[below(int(forms.size()))]), x, y);
}

/// real[b, time]: how far the policy moved from what was recorded, gained or clipped.
std::string ObjectiveWriter::ratio(const Context &c) {
  std::string old = fmt::format("old_{}", c.s);
  if (c.tokens.empty() || c.tokens[0] != old) // of models
    old = fmt::format("stop_gradient(log_prob({}, {}.next))", pick(c.policies), c.s);
  std::string moved = fmt::format("log_moved({}, {}, {})", pick(c.policies), c.s, old);
  std::string gain = c.rows.empty() ? number(-2, 2) : pick(c.rows);
  switch (below(5)) {
  case 0:
    return fmt::format("clipped(exp(0.3 * {}), {}, low = {}, high = {})", moved, gain,
                       number(0.1, 0.4), number(0.1, 0.4));
  case 1:
    return fmt::format("expm1(-0.2 * {0}) + 0.2 * {0}", moved);
  case 2:
    return fmt::format("dual_clipped(exp(0.3 * {}), {})", moved, gain);
  case 3:
    return fmt::format("stop_gradient(min(exp({}), 2)) * {} * log_probs({}, {})", moved, gain,
                       pick(c.policies), c.s);
  default:
    return fmt::format("exp(0.1 * {})", moved);
  }
}

/// real[b, time]: x seen along time.
std::string ObjectiveWriter::alongTime(Context &c, int depth) {
  std::string x = token(c, depth - 1), m = c.s + ".mask";
  switch (below(9)) {
  case 0:
    return fmt::format("shift({}, t = {})", x, c.time);
  case 1:
    return fmt::format("shift({}, t = {}, by = -1, fill = {})", x, c.time, number(-1, 1));
  case 2:
    return fmt::format("0.3 * cumsum({}, over = {})", x, c.time);
  case 3:
    return fmt::format("returns({}, {}, gamma = {})", x, m, number(0.3, 0.95));
  case 4:
    return fmt::format("gae({}, {}, {}, gamma = 0.9, lambda = 0.8)", x, token(c, depth - 1), m);
  case 5:
    return fmt::format("whiten(tanh({}) + 0.1 * index({}) + 0.17 * index(b), {})", x, c.time, m);
  case 6:
    return fmt::format("softmax({}, over = {}, where = {})", x, c.time, m);
  case 7:
    return fmt::format("({0} - mean({0}, over = {1}, where = {2}))", x, c.time, m);
  default:
    return fmt::format("{}[{} = index({}) - {} else 0]", let("y", x), c.time, c.time, 1 + below(2));
  }
}

/// A real[b, time].
std::string ObjectiveWriter::token(Context &c, int depth) {
  if (depth <= 0 || chance(15)) {
    switch (below(6)) {
    case 0:
      return fmt::format("log_prob({}, {}.next)", pick(c.policies), c.s);
    case 1:
      return fmt::format("entropy({})", pick(c.policies));
    case 2:
      return divergence(c);
    case 3:
      return fmt::format("cross_entropy({}, {})",
                         chance(50) ? full(c) : fmt::format("smooth(point({}.next), 0.1)", c.s),
                         pick(c.policies));
    case 4:
      return ratio(c);
    default:
      return c.tokens.empty() ? fmt::format("nll({}, {}.next)", pick(c.policies), c.s)
                              : pick(c.tokens);
    }
  }
  switch (below(10)) {
  case 0:
  case 1:
    return unary(token(c, depth - 1));
  case 2:
  case 3:
  case 4:
    return binary(token(c, depth - 1), token(c, depth - 1));
  case 5:
  case 6:
    return alongTime(c, depth);
  case 7:
    return fmt::format("along({}, {}) * ({})", row(c, depth - 1), c.time, token(c, depth - 1));
  case 8:
    return fmt::format("where({}.mask, {}, {})", c.s, token(c, depth - 1), token(c, depth - 1));
  default:
    return fmt::format("counted({}, {}.mask)", token(c, depth - 1), c.s);
  }
}

/// A real[b].
std::string ObjectiveWriter::row(Context &c, int depth) {
  bool hasReference = !references.empty();
  if (depth <= 0 || chance(20)) {
    switch (below(hasReference ? 5 : 3)) {
    case 0:
      return fmt::format("total({}, {})", pick(c.policies), c.s);
    case 1:
      return fmt::format("average({}, {})", pick(c.policies), c.s);
    case 2:
      return c.rows.empty() ? fmt::format("sum({}, over = {}, where = {}.mask)",
                                          fmt::format("log_prob({}, {}.next)", c.policies[0], c.s),
                                          c.time, c.s)
                            : pick(c.rows);
    case 3:
      return fmt::format("log_ratio({}, {}, {})", pick(policies), pick(references), c.s);
    default:
      return fmt::format("score_of({}, {}, {}, {})", pick(policies), pick(references), c.s, link());
    }
  }
  std::string m = c.s + ".mask";
  switch (below(9)) {
  case 0:
  case 1:
    return unary(row(c, depth - 1));
  case 2:
  case 3:
    return binary(row(c, depth - 1), row(c, depth - 1));
  case 4:
    return fmt::format("mean({}, over = {}, where = {})", token(c, depth - 1), c.time, m);
  case 5:
    return fmt::format("where(present({0}), {1}({2}, over = {3}, where = {4}), 0)", c.s,
                       pick({"max", "min", "logsumexp", "sum"}), token(c, depth - 1), c.time, m);
  case 6:
    return fmt::format("{}[{} = last({})]", let("y", token(c, depth - 1)), c.time, m);
  case 7:
    return fmt::format("where({}, {}, {})", chance(50) ? "present(" + c.s + ")" : "s.row >= 0",
                       row(c, depth - 1), row(c, depth - 1));
  default: {
    std::string x = let("y", row(c, depth - 1));
    if (chance(50))
      return fmt::format("({0} - mean({0}, where = present({1})))", x, c.s);
    std::string sorted = fresh("y");
    body += fmt::format("  {}, _ = sort({}, over = b)\n", sorted, x);
    return sorted;
  }
  }
}

/// A loop over time whose state mixes in what is seen.
void ObjectiveWriter::scan(Context &c) {
  std::string x = let("y", token(c, 1)), name = fresh("y");
  bool isReverse = chance(40);
  body += fmt::format("  {} = scan i over {} (h: real[b] = {}{}) {{\n"
                      "    h = {} * h + {}[{} = i]\n    yield {}\n  }}\n",
                      name, c.time, chance(50) || c.rows.empty() ? number(-1, 1) : c.rows[0],
                      isReverse ? "; reverse = true" : "", number(0.2, 0.9),
                      chance(50) ? "tanh(" + x + ")" : x, c.time, chance(50) ? "h" : "tanh(h)");
  // `scan` gives the final state, or what is stacked: the yielded value along time.
  c.tokens.push_back(name);
}

/// What the models say of a sequence.
void ObjectiveWriter::say(Context &c) {
  for (const auto *list : {&policies, &references})
    for (const std::string &model : *list) {
      c.policies.push_back(let("q", fmt::format("{}({}.ids)", model, c.s)));
      if (list == &policies)
        anchors.push_back(fmt::format("0.1 * token_mean(nll({}, {}.next), {}.mask)",
                                      c.policies.back(), c.s, c.s));
    }
}

/// One number: a loss of tokens or rows.
std::string ObjectiveWriter::term(Context &c) {
  static const std::vector<std::string> aggregates = {"token_mean", "sequence_mean", "sequence_sum",
                                                      "sequence_sum_norm"};
  switch (below(8)) {
  case 0:
  case 1:
  case 2:
    return fmt::format("{}({}, {}.mask)", pick(aggregates), token(c, 3), c.s);
  case 3:
  case 4:
    return fmt::format("mean({}, where = present({}))", row(c, 3), c.s);
  case 5:
    return fmt::format("{}({}, over = b)", pick({"logsumexp", "max", "mean"}), row(c, 2));
  case 6:
    if (contexts.size() > 1)
      return fmt::format("pair_mean({}, s, w)",
                         unary(fmt::format("({} - {})", row(contexts[0], 2), row(contexts[1], 2))));
    [[fallthrough]];
  default:
    return fmt::format("log1p(token_mean({}, {}.mask)^2)", token(c, 2), c.s);
  }
}

void ObjectiveWriter::write() {
  declareModels();
  declareData();
  if (chance(50))
    declareF();
  std::vector<std::string> defaults;
  for (int i = below(3); i > 0; --i) {
    numbers.push_back(fmt::format("n{}_{}", i, seed));
    defaults.push_back(fmt::format("{} = {}", numbers.back(), number(0.1, 1.5)));
  }
  for (Context &c : contexts)
    say(c);
  Context &first = contexts[0];
  if (chance(25)) {
    std::string name = fmt::format("c{}", seed), q = fresh("q"), v = fresh("v");
    parameters.push_back(name + ": model");
    models += fmt::format("  {} = Critic()\n", name);
    body += fmt::format("  {}, {} = {}(s.ids)\n", q, v, name);
    first.policies.push_back(q);
    first.tokens.push_back(v);
    anchors.push_back(fmt::format("0.1 * token_mean({}^2 + nll({}, s.next), s.mask)", v, q));
  }
  if (chance(25)) {
    std::string name = fmt::format("k{}", seed);
    parameters.push_back(name + ": model");
    models += fmt::format("  {} = Scorer()\n", name);
    first.rows.push_back(let("v", fmt::format("{}(s.ids, s.real)", name)));
    anchors.push_back(fmt::format("0.1 * mean({}^2)", first.rows.back()));
  }
  if (chance(20)) {
    std::string name = fmt::format("g{}", seed), m = fresh("m"), z = fresh("m");
    parameters.push_back(name + ": model");
    models += fmt::format("  {} = Gauss()\n", name);
    data.push_back("x: real[b, width]");
    data.push_back("target: real[b, width]");
    body += fmt::format("  {}, {} = {}(x)\n", m, z, name);
    std::string p = let("q", fmt::format("normal(mean = {}, std = exp({}), over = width)", m, z));
    std::string nll = let("v", fmt::format("0.3 * nll({}, target)", p));
    first.rows.push_back(let("v", fmt::format("tanh(0.2 * D[{}]({} || normal(mean = 0.5 * {}, "
                                              "std = 1.5, over = width)))",
                                              pick({"kl", "reverse_kl"}), p, m)));
    anchors.push_back(fmt::format("mean({})", nll));
  }
  if (chance(25)) {
    std::string name = fmt::format("w{}", seed);
    body += fmt::format("  param {}: real[] = {}\n", name, number(-1, 1));
    anchors.push_back(fmt::format("0.1 * {0}^2", name));
    numbers.push_back(name);
  }
  for (Context &c : contexts) {
    for (int i = below(3); i > 0; --i)
      c.tokens.push_back(let("x", token(c, 2)));
    if (chance(40))
      scan(c);
    for (int i = below(2); i > 0; --i)
      c.rows.push_back(let("x", row(c, 2)));
  }
  std::string loss;
  for (int i = 1 + below(3); i > 0; --i)
    loss += fmt::format("{}{} * {}", loss.empty() ? "" : " + ", number(-2, 2),
                        let("z", term(contexts[below(int(contexts.size()))])));
  for (const std::string &anchor : anchors)
    loss += " + " + anchor;
  body += fmt::format("  minimize {}\n", loss);
  if (chance(50))
    body += fmt::format("  report far = {}\n", term(first));
  parameters.insert(parameters.end(), data.begin(), data.end());
  std::string all;
  for (const std::string &p : parameters)
    all += (all.empty() ? "" : ", ") + p;
  std::string more;
  for (const std::string &p : defaults)
    more += (more.empty() ? "; " : ", ") + p;
  declarations += fmt::format("objective o{}({}{}) {{\n{}}}\n", seed, all, more, body);
}

} // namespace frit::test
