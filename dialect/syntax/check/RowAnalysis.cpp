// Which values of an objective have the batch axis, and where it ends.
//
// An op that does not name the batch axis in its arguments treats every row alike; what names it is
// looked at here: renaming, merging and splitting move it, `sum` and `dot` end it, anything else
// (softmax along the batch, an index into it, a loop over it, ...) ties rows together.
#include "dialect/syntax/check/Pieces.h"
#include <algorithm>

namespace frit::checking {

void usesOf(const Node &node, std::set<ValueId> &uses) {
  uses.insert(node.operands.begin(), node.operands.end());
  if (node.body)
    for (const Node &inner : node.body->nodes)
      usesOf(inner, uses);
}

bool RowAnalysis::hasRows(const Node &node) const {
  for (ValueId id : node.results)
    if (rows.count(id) || sumResults.count(id))
      return true;
  return false;
}

/// Whether an argument of the op is the axis, or a list with it.
static bool names(const Attribute &attribute, const std::string &axis) {
  if (auto *text = std::get_if<std::string>(&attribute))
    return *text == axis;
  if (auto *list = std::get_if<std::vector<std::string>>(&attribute))
    return std::find(list->begin(), list->end(), axis) != list->end();
  if (auto *axes = std::get_if<std::vector<Axis>>(&attribute))
    return std::any_of(axes->begin(), axes->end(), [&](const Axis &a) { return a.name == axis; });
  return false;
}

static const std::vector<std::string> &namesIn(const Node &node, const char *key) {
  return std::get<std::vector<std::string>>(node.attributes.at(key));
}

namespace {
class RowWalk {
public:
  RowWalk(const Graph &graph, const EntryDecl &entry, int64_t batch, const Refuse &refuse)
      : graph(graph), entry(entry), batch(batch), refuse(refuse) {}

  RowAnalysis run(const std::vector<ValueId> &roots) {
    findLive(roots);
    for (const EntryValue &input : entry.inputs)
      if (!input.isWhole)
        out.rows[input.value] = {graph.types[input.value].axes[0].name};
    for (const Node &node : entry.body.nodes)
      if (isLive(node))
        visit(node, /*inLoop=*/false);
    return std::move(out);
  }

private:
  const Graph &graph;
  const EntryDecl &entry;
  const int64_t batch;
  const Refuse &refuse;
  RowAnalysis out;

  void findLive(const std::vector<ValueId> &roots) {
    out.live.insert(roots.begin(), roots.end());
    const std::vector<Node> &nodes = entry.body.nodes;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
      if (isLive(*node))
        usesOf(*node, out.live);
  }
  bool isLive(const Node &node) const {
    return std::any_of(node.results.begin(), node.results.end(),
                       [&](ValueId id) { return out.live.count(id) > 0; });
  }

  void visit(const Node &node, bool inLoop) {
    std::set<ValueId> uses;
    usesOf(node, uses);
    bool hasRows = false, hasSums = false;
    for (ValueId id : uses) {
      hasRows |= out.rows.count(id) > 0;
      hasSums |= out.after.count(id) || out.sumResults.count(id);
    }
    if (hasRows && hasSums)
      refuse(node, "a row needs a sum over all rows here");
    if (hasSums)
      out.after.insert(node.results.begin(), node.results.end());
    if (!hasRows)
      return;
    if (node.op == "scan")
      return scan(node);
    Rows rows = common(node);
    bool isNamed = false;
    for (auto &[key, attribute] : node.attributes)
      isNamed |= names(attribute, rows.axis);
    if (!isNamed || node.op == "broadcast")
      return give(node, rows);
    if (node.op == "rename")
      return give(node, {std::get<std::string>(node.attributes.at("to")), rows.outer, rows.inner});
    if (node.op == "merge")
      return give(node, merged(node, rows));
    if (node.op == "split")
      return give(node, split(node, rows));
    if (node.op == "sum" || node.op == "contract") {
      if (inLoop)
        refuse(node, "rows are summed inside a loop");
      out.sums.push_back(&node);
      out.sumResults.insert(node.results[0]);
      return;
    }
    if (node.op == "scatter" && graph.types[node.results[0]].find(rows.axis) &&
        !names(node.attributes.at("into"), rows.axis))
      return give(node, rows);
    refuse(node, fmt::format("'{}' ties rows together", node.op));
  }

  Rows common(const Node &node) {
    std::optional<Rows> rows;
    for (ValueId id : node.operands)
      if (auto found = out.rows.find(id); found != out.rows.end()) {
        if (rows && *rows != found->second)
          refuse(node, "two rows meet here");
        rows = found->second;
      }
    return *rows;
  }

  void give(const Node &node, const Rows &rows) {
    for (ValueId id : node.results) {
      if (!graph.types[id].find(rows.axis))
        refuse(node, fmt::format("'{}' ties rows together", node.op));
      out.rows[id] = rows;
    }
  }

  Rows merged(const Node &node, Rows rows) {
    const std::string axis = rows.axis;
    bool isBefore = true;
    for (const std::string &name : namesIn(node, "axes")) {
      isBefore &= name != axis;
      if (name != axis)
        (isBefore ? rows.outer : rows.inner) *= graph.types[node.operands[0]].find(name)->size;
    }
    rows.axis = std::get<std::string>(node.attributes.at("into"));
    return rows;
  }

  /// The part in which all rows lie.
  Rows split(const Node &node, const Rows &rows) {
    auto &into = std::get<std::vector<Axis>>(node.attributes.at("into"));
    int64_t before = 1, after = 1;
    for (const Axis &axis : into)
      after *= axis.size;
    for (const Axis &axis : into) {
      after /= axis.size;
      if (rows.inner % after == 0 && axis.size % (batch * (rows.inner / after)) == 0) {
        Rows part{axis.name, axis.size / (batch * (rows.inner / after)), rows.inner / after};
        if (before * part.outer == rows.outer)
          return part;
      }
      before *= axis.size;
    }
    refuse(node, "the batch axis is cut here");
    return rows;
  }

  void scan(const Node &node) {
    const std::string &axis = std::get<std::string>(node.attributes.at("axis"));
    size_t carried = size_t(std::get<int64_t>(node.attributes.at("carried")));
    const Block &body = *node.body;
    const Node &yield = body.nodes.back();
    auto copy = [&](ValueId from, ValueId to) {
      auto found = out.rows.find(from);
      if (found == out.rows.end())
        return false;
      if (found->second.axis == axis)
        refuse(node, "a loop walks along the batch");
      auto [at, isNew] = out.rows.insert({to, found->second});
      if (at->second != found->second)
        refuse(node, "the batch axis changes its place in a loop");
      return isNew;
    };
    for (size_t i = 0; i < node.operands.size(); ++i)
      copy(node.operands[i], body.arguments[1 + i]);
    for (bool changed = true; changed;) {
      for (const Node &inner : body.nodes)
        if (inner.op != "yield")
          visit(inner, /*inLoop=*/true);
      changed = false;
      for (size_t i = 0; i < carried; ++i)
        changed |= copy(yield.operands[i], body.arguments[1 + i]);
    }
    for (size_t i = 0; i < node.results.size(); ++i) {
      copy(i < carried ? body.arguments[1 + i] : yield.operands[i], node.results[i]);
      if (!out.rows.count(node.results[i]) && out.live.count(node.results[i]))
        refuse(node, "a loop over rows gives a value without rows");
    }
  }
};

/// Backwards along reals, as differentiation goes.
class Back {
public:
  Back(const Graph &graph, const std::function<bool(const Node &)> &enter)
      : graph(graph), enter(enter) {}
  std::set<ValueId> useful;

  void block(const std::vector<Node> &nodes) {
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      if (!enter(*node))
        continue;
      if (node->op == "scan")
        scan(*node);
      else if (node->op != "stop_gradient" && node->op != "yield" &&
               std::any_of(node->results.begin(), node->results.end(),
                           [&](ValueId id) { return useful.count(id) > 0; }))
        for (ValueId id : node->operands)
          note(id);
    }
  }

private:
  const Graph &graph;
  const std::function<bool(const Node &)> &enter;

  void note(ValueId id) {
    if (isReal(graph.types[id].element))
      useful.insert(id);
  }
  void scan(const Node &node) {
    const Block &body = *node.body;
    const std::vector<ValueId> &next = body.nodes.back().operands;
    size_t carried = size_t(std::get<int64_t>(node.attributes.at("carried")));
    for (size_t i = 0; i < node.results.size(); ++i)
      if (useful.count(node.results[i]))
        note(next[i]);
    for (size_t before = ~size_t(0); before != useful.size();) {
      before = useful.size();
      for (size_t i = 0; i < carried; ++i)
        if (useful.count(body.arguments[1 + i])) {
          note(next[i]);
          note(node.operands[i]);
        }
      block(body.nodes);
    }
    for (size_t i = carried; i < node.operands.size(); ++i)
      if (useful.count(body.arguments[1 + i]))
        note(node.operands[i]);
  }
};
} // namespace

RowAnalysis analyseRows(const Graph &graph, const EntryDecl &entry,
                        const std::vector<ValueId> &roots, int64_t batch, const Refuse &refuse) {
  return RowWalk(graph, entry, batch, refuse).run(roots);
}

std::set<ValueId> usefulFor(const Graph &graph, const std::vector<Node> &nodes,
                            const std::set<ValueId> &roots,
                            const std::function<bool(const Node &)> &enter) {
  Back back(graph, enter);
  back.useful = roots;
  back.block(nodes);
  return std::move(back.useful);
}

} // namespace frit::checking
