// May what is drawn at position i depend on later positions? An abstract walk over the graph.
//
// For every value: its element depends on drawn positions up to the largest of its indices along
// `bound` (a set of axes), or on `everything`. Masks are followed: where a value is zero, or -inf
// before a softmax, unless index s <= index t, a sum over s sees only positions up to t.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

namespace {
using Pairs = std::set<std::pair<std::string, std::string>>; // (s, t): only where s <= t

struct Fact {
  bool depends = false, everything = false;
  std::set<std::string> bound;
  Pairs zero, low, mask;                                 // zero, -inf, false unless s <= t
  std::optional<std::pair<std::string, int64_t>> affine; // index(axis) + c
  std::optional<double> constant;
  Location culprit; // where it came to depend on everything
  std::string culpritOp;
};

class CausalityWalk {
public:
  CausalityWalk(const Checker &checker) : c(checker) {}
  const Checker &c;
  std::map<ValueId, Fact> facts;

  void block(const Block &body) {
    for (const Node &node : body.nodes)
      visit(node);
  }

private:
  Fact of(ValueId id) { return facts.count(id) ? facts[id] : Fact(); }
  static void spoil(Fact &f, const Node &node) {
    if (!f.depends || f.everything)
      return;
    f.everything = true;
    f.culprit = node.location;
    f.culpritOp = node.op;
  }
  static Fact join(const std::vector<Fact> &parts) {
    Fact out;
    for (const Fact &part : parts) {
      out.depends |= part.depends;
      if (part.everything && !out.everything) {
        out.everything = true;
        out.culprit = part.culprit;
        out.culpritOp = part.culpritOp;
      }
      out.bound.insert(part.bound.begin(), part.bound.end());
    }
    return out;
  }
  static Pairs both(const Pairs &a, const Pairs &b) {
    Pairs out = a;
    out.insert(b.begin(), b.end());
    return out;
  }
  static Pairs common(const Pairs &a, const Pairs &b) {
    Pairs out;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
    return out;
  }
  /// Under a mask, s counts only up to t.
  static void restrict(Fact &f, const Pairs &pairs) {
    for (auto &[s, t] : pairs)
      if (f.bound.erase(s))
        f.bound.insert(t);
  }
  static std::vector<std::string> names(const Node &node, const char *key) {
    auto found = node.attributes.find(key);
    if (found == node.attributes.end())
      return {};
    if (auto *list = std::get_if<std::vector<std::string>>(&found->second))
      return *list;
    return {};
  }
  static std::string text(const Node &node, const char *key) {
    auto found = node.attributes.find(key);
    auto *value =
        found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
    return value ? *value : "";
  }
  static bool has(const std::vector<std::string> &list, const std::string &name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  }
  /// A sum over `over` of something that is nothing where `pairs` do not hold.
  static void reduce(Fact &f, const std::vector<std::string> &over, const Pairs &pairs,
                     const Node &node) {
    restrict(f, [&] {
      Pairs useful;
      for (auto &pair : pairs)
        if (has(over, pair.first) && !has(over, pair.second))
          useful.insert(pair);
      return useful;
    }());
    for (const std::string &axis : over)
      if (f.bound.count(axis))
        spoil(f, node);
  }
  static void renamed(Fact &f, const std::string &from, const std::string &to) {
    if (f.bound.erase(from))
      f.bound.insert(to);
    for (Pairs *pairs : {&f.zero, &f.low, &f.mask}) {
      Pairs out;
      for (auto [s, t] : *pairs)
        out.insert({s == from ? to : s, t == from ? to : t});
      *pairs = out;
    }
    if (f.affine && f.affine->first == from)
      f.affine->first = to;
  }

  void visit(const Node &node) {
    std::vector<Fact> x;
    for (ValueId id : node.operands)
      x.push_back(of(id));
    const std::string &op = node.op;
    if (op == "scan")
      return scan(node, x);
    Fact f = join(x);
    if (op == "constant") {
      f.constant = std::get<double>(node.attributes.at("value"));
    } else if (op == "index") {
      auto &axes = std::get<std::vector<Axis>>(node.attributes.at("axes"));
      if (axes.size() == 1)
        f.affine = {axes[0].name, 0};
    } else if (op == "add" || op == "sub") {
      int64_t sign = op == "add" ? 1 : -1;
      if (x[0].affine && x[1].constant)
        f.affine = {x[0].affine->first, x[0].affine->second + sign * int64_t(*x[1].constant)};
      else if (op == "add" && x[1].affine && x[0].constant)
        f.affine = {x[1].affine->first, x[1].affine->second + int64_t(*x[0].constant)};
      f.zero = common(x[0].zero, x[1].zero);
      f.low = op == "add" ? both(x[0].low, x[1].low) : x[0].low;
    } else if (op == "mul") {
      f.zero = both(x[0].zero, x[1].zero);
    } else if (op == "div") {
      f.zero = x[0].zero;
    } else if (op == "le" || op == "lt" || op == "ge" || op == "gt") {
      bool swap = op == "ge" || op == "gt", strict = op == "lt" || op == "gt";
      const Fact &a = swap ? x[1] : x[0], &b = swap ? x[0] : x[1];
      if (a.affine && b.affine && b.affine->second - a.affine->second - strict <= 0)
        f.mask = {{a.affine->first, b.affine->first}};
    } else if (op == "and") {
      f.mask = both(x[0].mask, x[1].mask);
    } else if (op == "or") {
      f.mask = common(x[0].mask, x[1].mask);
    } else if (op == "cast") {
      f.zero = both(x[0].zero, x[0].mask);
      f.affine = x[0].affine;
      f.constant = x[0].constant;
      f.low = x[0].low;
    } else if (op == "select") {
      Fact chosen = x[1];
      if (!x[2].depends)
        restrict(chosen, x[0].mask);
      f = join({x[0], chosen, x[2]});
      f.zero = common(x[1].zero, x[2].zero);
      f.low = common(x[1].low, x[2].low);
      if (x[2].constant && *x[2].constant == 0)
        f.zero = both(x[1].zero, x[0].mask);
      if (x[2].constant && *x[2].constant < -1e30)
        f.low = both(x[1].low, x[0].mask);
      if (x[1].constant && *x[1].constant == 0)
        f.zero = x[2].zero;
      f.mask = common(x[1].mask, x[2].mask);
    } else if (op == "softmax" || op == "log_softmax") {
      auto over = names(node, "over");
      reduce(f, over, x[0].low, node);
      (op == "softmax" ? f.zero : f.low) = x[0].low;
    } else if (op == "sum" || op == "max" || op == "min" || op == "any" || op == "all" ||
               op == "logsumexp" || op == "argmax") {
      const Pairs &pairs = op == "sum"                        ? x[0].zero
                           : op == "any"                      ? x[0].mask
                           : op == "max" || op == "logsumexp" ? x[0].low
                                                              : Pairs();
      reduce(f, names(node, "over"), pairs, node);
    } else if (op == "contract") {
      reduce(f, names(node, "over"), both(x[0].zero, x[1].zero), node);
    } else if (op == "cumsum") {
      auto over = names(node, "over");
      if (over.size() > 1)
        for (const std::string &axis : over)
          if (f.bound.count(axis))
            spoil(f, node);
    } else if (op == "sort" || op == "top_k") {
      for (const std::string &axis : names(node, "over"))
        if (f.bound.count(axis))
          spoil(f, node);
    } else if (op == "gather") {
      auto axes = names(node, "axes");
      Fact base = x[0];
      for (size_t i = 0; i < axes.size(); ++i)
        if (base.bound.count(axes[i])) {
          const auto &position = x[1 + i].affine;
          if (position && position->second <= 0)
            renamed(base, axes[i], position->first);
          else
            spoil(base, node);
        }
      x[0] = base;
      f = join(x);
    } else if (op == "rename") {
      f = x[0];
      renamed(f, text(node, "from"), text(node, "to"));
    } else if (op == "merge" || op == "split") {
      std::vector<std::string> gone =
          op == "merge" ? names(node, "axes") : std::vector<std::string>{text(node, "axis")};
      for (const std::string &axis : gone)
        if (f.bound.count(axis))
          spoil(f, node);
    } else if (op == "slice") {
      std::string axis = text(node, "axis");
      if (f.bound.erase(axis) && std::get<int64_t>(node.attributes.at("at")) > 0)
        spoil(f, node);
    } else if (op == "broadcast" || op == "stop_gradient") {
      f = x[0];
    } else if (op == "scatter") {
      if (!f.bound.empty())
        spoil(f, node);
    } else if (op == "neg" || op == "sqrt" || op == "tanh" || op == "abs") {
      f.zero = x[0].zero;
    }
    for (ValueId id : node.results)
      facts[id] = f;
  }

  /// The step of a loop over time is written `@step`: slices see up to it, stacks give it back.
  void scan(const Node &node, const std::vector<Fact> &x) {
    std::string axis = text(node, "axis");
    std::string step = axis + "@step";
    bool reverse = std::get<bool>(node.attributes.at("reverse"));
    size_t carried = std::get<int64_t>(node.attributes.at("carried"));
    const Block &body = *node.body;
    Fact index;
    index.affine = {step, 0};
    facts[body.arguments[0]] = index;
    for (size_t i = 0; i < carried; ++i)
      facts[body.arguments[1 + i]] = x[i];
    for (size_t i = carried; i < x.size(); ++i) {
      Fact slice = x[i];
      renamed(slice, axis, step);
      facts[body.arguments[1 + i]] = slice;
    }
    // Carried values grow until nothing changes.
    for (bool changed = true; changed;) {
      block(body);
      changed = false;
      const Node &yield = body.nodes.back();
      for (size_t i = 0; i < carried; ++i) {
        Fact next = of(yield.operands[i]);
        Fact &now = facts[body.arguments[1 + i]];
        if (reverse && next.bound.count(step))
          spoil(next, node);
        Fact joined = join({now, next});
        changed |= joined.depends != now.depends || joined.everything != now.everything ||
                   joined.bound != now.bound;
        now = joined;
      }
    }
    const Node &yield = body.nodes.back();
    for (size_t i = 0; i < node.results.size(); ++i) {
      Fact out = of(yield.operands[i]);
      if (i < carried) {
        out = join({out, x[i]});
        if (out.bound.count(step))
          spoil(out, node);
      } else {
        renamed(out, step, axis);
      }
      facts[node.results[i]] = out;
    }
  }
};
} // namespace

void Training::judgeCausality(const Value &distribution, const RecordValue &drawn, const Axis &time,
                              Scope &scope, Location at) {
  CausalityWalk walk(c);
  for (auto &[name, value] : drawn.fields) {
    auto *tensor = value.get<Tensor>();
    if (!tensor || !tensor->type.find(time.name))
      continue;
    Fact fact;
    fact.depends = true;
    // next[i] is the token after position i: seeing it is seeing what is drawn.
    if (name == "ids" || name == "real")
      fact.bound = {time.name};
    else
      fact.everything = true;
    walk.facts[*tensor->id] = fact;
  }
  walk.block(c.entry->decl.body);
  for (auto &[name, field] : distribution.distribution()->fields) {
    auto *tensor = field->get<Tensor>();
    if (!tensor || !tensor->id)
      continue;
    Fact fact = walk.facts.count(*tensor->id) ? walk.facts[*tensor->id] : Fact();
    bool later = fact.everything;
    for (const std::string &axis : fact.bound)
      later |= axis != time.name;
    if (!later)
      continue;
    auto report = c.error(at, fmt::format("draw: what is drawn at position i along '{}' may "
                                          "depend on later positions",
                                          c.display(time.name, scope)));
    if (fact.culprit.valid())
      report.note(fact.culprit, fmt::format("here all positions meet ({})", fact.culpritOp));
    report.help("mask what is later, as Attention(..., causal = true) does, or shift the targets")
        .fail();
  }
}

} // namespace frit::checking
