// A step in pieces: memory for one piece of the batch, and the loss, gradient and reports of the
// whole.
//
// The objective has been elaborated for the whole batch, so that it means what it says. Its block
// is taken apart (RowAnalysis.cpp) into
//   free    what no data reaches: it stays
//   rows    what has the batch axis: made in a loop over the pieces
//   sums    where the batch axis ends
//   after   what is made of sums: the loss, the reports
// and put together again:
//   1. A loop adds up the sums that the loss is made of.
//   2. The slopes: the gradient of the loss by those sums. Where the loss is linear in the sums of
//      what the models say, as means are, its slopes are made of the counts alone, and Simplify
//      leaves nothing but counting of the first loop.
//   3. A second loop: the gradient of slope * sum by the parameters, added up, and the sums that
//      loss and reports are made of.
//   4. The gradient by parameters of which the loss makes use besides.
#include "dialect/syntax/check/Pieces.h"
#include <algorithm>

namespace frit::checking {

namespace {

/// Nodes again, with values of their own; of those with rows a piece.
class Copy {
public:
  Copy(Checker &c, const RowAnalysis &analysis, const std::vector<Node> &nodes, int64_t pieces)
      : c(c), analysis(analysis), pieces(pieces) {
    for (const Node &node : nodes)
      for (ValueId id : node.results)
        makers[id] = &node;
  }
  std::map<ValueId, ValueId> made;
  ValueId piece = 0; // which one; inside the loop over them

  void node(const Node &node) { append(node, c.block()); }

private:
  Checker &c;
  const RowAnalysis &analysis;
  const int64_t pieces;
  std::map<ValueId, const Node *> makers;
  std::map<std::pair<ValueId, std::string>, ValueId> cut; // pieces of values without rows

  const Rows *rowsOf(ValueId id) const {
    auto found = analysis.rows.find(id);
    return found == analysis.rows.end() ? nullptr : &found->second;
  }
  /// `id` beside values with these rows.
  ValueId get(ValueId id, const Rows *rows, Location at) {
    auto found = made.find(id);
    ValueId now = found == made.end() ? id : found->second;
    if (!rows || rowsOf(id) || !c.graph.types[id].find(rows->axis))
      return now;
    auto key = std::make_pair(id, rows->axis);
    if (auto known = cut.find(key); known != cut.end())
      return known->second;
    return cut[key] = pieceOf(id, now, *rows, at);
  }

  /// The piece of a value (`now` is its copy) that no data reaches but that has the axis.
  ValueId pieceOf(ValueId id, ValueId now, const Rows &rows, Location at) {
    auto maker = makers.find(id);
    const std::string op = maker == makers.end() ? "" : maker->second->op;
    if (op == "constant" || op == "broadcast") {
      const Node &node = *maker->second;
      Tensor x = op == "constant" ? Tensor() : c.tensorOf(get(node.operands[0], &rows, at));
      Attributes attributes = node.attributes;
      shrink(attributes, rows.axis);
      return *(op == "constant" ? c.emit(op, {}, attributes, at) : c.emit(op, {x}, attributes, at))
                  .id;
    }
    // [outer, piece, rest]: position `piece` of the second.
    const std::string &axis = rows.axis;
    const std::string outer = axis + ".outer", middle = axis + ".piece", rest = axis + ".rest";
    int64_t size = c.graph.types[id].find(axis)->size;
    Tensor x = c.emit(
        "split", {c.tensorOf(now)},
        {{"axis", axis},
         {"into", Axes{{outer, rows.outer}, {middle, pieces}, {rest, size / rows.outer / pieces}}}},
        at);
    x = c.emit("gather", {x, c.tensorOf(piece)}, {{"axes", std::vector<std::string>{middle}}}, at);
    return *c.emit("merge", {x}, {{"axes", std::vector<std::string>{outer, rest}}, {"into", axis}},
                   at)
                .id;
  }

  void shrink(Attributes &attributes, const std::string &axis) {
    for (auto &[key, attribute] : attributes)
      if (auto *axes = std::get_if<Axes>(&attribute))
        for (Axis &a : *axes)
          if (a.name == axis)
            a.size /= pieces;
  }

  ValueType typeOf(ValueId id) const {
    ValueType type = c.graph.types[id];
    if (const Rows *rows = rowsOf(id))
      for (Axis &axis : type.axes)
        if (axis.name == rows->axis)
          axis.size /= pieces;
    return type;
  }

  void append(const Node &node, Block &block) {
    Node fresh = node;
    const Rows *rows = nullptr;
    for (ValueId id : node.operands)
      rows = rowsOf(id) ? rowsOf(id) : rows;
    if (node.op == "scan")
      return scan(node, block);
    for (ValueId &operand : fresh.operands)
      operand = get(operand, rows, node.location);
    for (ValueId result : node.results)
      if (const Rows *own = rowsOf(result))
        shrink(fresh.attributes, own->axis);
    for (size_t i = 0; i < node.results.size(); ++i) {
      makers[node.results[i]] = &node;
      made[node.results[i]] = fresh.results[i] = c.newValue(typeOf(node.results[i]));
    }
    block.nodes.push_back(std::move(fresh));
  }

  void scan(const Node &node, Block &block) {
    Node fresh = node;
    const Block &body = *node.body;
    size_t carried = size_t(std::get<int64_t>(node.attributes.at("carried")));
    // What begins without rows and goes on with them begins as a piece.
    for (size_t i = 0; i < node.operands.size(); ++i)
      fresh.operands[i] = get(node.operands[i],
                              i < carried ? rowsOf(body.arguments[1 + i]) : nullptr, node.location);
    fresh.body = std::make_shared<Block>();
    for (ValueId argument : body.arguments)
      fresh.body->arguments.push_back(made[argument] = c.newValue(typeOf(argument)));
    // Checker::emit writes into the block of the innermost frame.
    auto outside = cut; // what is made inside is not seen outside
    Frame inside;
    inside.outer = c.frame;
    c.frame = &inside;
    for (const Node &inner : body.nodes) {
      if (inner.op != "yield") {
        append(inner, inside.body);
        continue;
      }
      Node yield = inner;
      for (size_t i = 0; i < yield.operands.size(); ++i)
        yield.operands[i] =
            get(inner.operands[i], i < carried ? rowsOf(body.arguments[1 + i]) : nullptr,
                inner.location);
      inside.body.nodes.push_back(std::move(yield));
    }
    c.frame = inside.outer;
    cut = std::move(outside);
    fresh.body->nodes = std::move(inside.body.nodes);
    for (size_t i = 0; i < node.results.size(); ++i)
      made[node.results[i]] = fresh.results[i] = c.newValue(typeOf(node.results[i]));
    block.nodes.push_back(std::move(fresh));
  }
};

/// One step taken apart and put together.
class Step {
public:
  Step(Training &training, const Outcome &outcome, const std::vector<size_t> &wrt, int64_t pieces,
       const ast::Field &field)
      : t(training), c(training.c), outcome(outcome), wrt(wrt), pieces(pieces), field(field) {}

  std::vector<Tensor> run() {
    takeApart();
    sortParameters();
    std::vector<Node> free;
    for (const Node &node : nodes)
      if (!analysis.hasRows(node) && !isAfter(node))
        free.push_back(node);
    c.block().nodes = std::move(free);
    splitInputs();

    std::set<ValueId> all, ofLoss, used = {*outcome.loss->id};
    std::vector<const Node *> lossNodes = afterFor(used);
    for (const Node *sum : analysis.sums) {
      all.insert(sum->results[0]);
      if (used.count(sum->results[0]))
        ofLoss.insert(sum->results[0]);
    }
    std::map<ValueId, ValueId> slopes = slopesAt(loop(ofLoss, {}, nullptr), lossNodes);
    std::vector<Tensor> gradients;
    std::map<ValueId, ValueId> sums = loop(all, slopes, &gradients);
    replace(sums);
    return gradients;
  }

private:
  Training &t;
  Checker &c;
  const Outcome &outcome;
  const std::vector<size_t> &wrt;
  const int64_t pieces;
  const ast::Field &field;
  std::vector<Node> nodes; // of the entry before
  RowAnalysis analysis;
  std::set<ValueId> reaches;          // reals after the loop that the loss is made of
  std::vector<ValueId> varied;        // sums through which parameters reach the loss
  std::vector<size_t> within, direct; // states of wrt: in the loop, beside it
  std::map<ValueId, ValueId> inputs;  // input -> [piece, rest of the batch, ..]
  std::map<size_t, ValueId> directGradient;

  bool isAfter(const Node &node) const {
    return std::any_of(node.results.begin(), node.results.end(),
                       [&](ValueId id) { return analysis.after.count(id) > 0; });
  }

  void takeApart() {
    std::vector<ValueId> roots = {*outcome.loss->id};
    for (auto &[name, value] : outcome.reports)
      roots.push_back(c.materialize(value, outcome.lossAt));
    for (auto &[state, value] : c.entry->written)
      roots.push_back(value);
    auto explain = [&](Diagnostics::Report report) {
      report.note(field.name.at, fmt::format("the batch is taken in {} pieces", pieces))
          .help("only sums and means may go over the batch; or leave accumulate out")
          .fail();
    };
    const int64_t batch = batchOf();
    if (batch % pieces != 0)
      c.fail(field.value->at,
             fmt::format("a batch of {} cannot be taken in {} equal pieces", batch, pieces));
    analysis = analyseRows(c.graph, c.entry->decl, roots, batch,
                           [&](const Node &node, const std::string &why) {
                             explain(c.error(node.location, "accumulate: " + why));
                           });
    for (auto &[state, value] : c.entry->written)
      if (analysis.rows.count(value))
        explain(c.error(c.graph.states[state].location,
                        fmt::format("accumulate: state '{}' keeps rows of the batch",
                                    c.graph.states[state].name)));
    nodes = std::move(c.entry->decl.body.nodes);
    c.entry->decl.body.nodes.clear();
  }

  int64_t batchOf() {
    std::set<ValueId> used;
    for (const Node &node : c.entry->decl.body.nodes)
      usesOf(node, used);
    std::optional<int64_t> batch;
    for (const EntryValue &input : c.entry->decl.inputs) {
      if (used.count(input.value) && !input.isWhole)
        batch = c.graph.types[input.value].axes[0].size;
    }
    return batch.value_or(pieces);
  }

  /// Which parameters reach the loss through rows, which besides.
  void sortParameters() {
    auto isOurSide = [&](const Node &node) { return !analysis.hasRows(node); };
    reaches = usefulFor(c.graph, nodes, {*outcome.loss->id}, isOurSide);
    std::set<ValueId> ends;
    for (const Node *sum : analysis.sums) {
      ValueId id = sum->results[0];
      if (!reaches.count(id))
        continue;
      auto useful = usefulFor(c.graph, nodes, {id}, [](const Node &) { return true; });
      if (std::any_of(wrt.begin(), wrt.end(),
                      [&](size_t state) { return useful.count(c.entry->read.at(state)) > 0; })) {
        varied.push_back(id);
        ends.insert(id);
      }
    }
    auto useful = usefulFor(c.graph, nodes, ends, [](const Node &) { return true; });
    for (size_t state : wrt) {
      ValueId id = c.entry->read.at(state);
      bool isDirect = reaches.count(id) > 0;
      if (isDirect)
        direct.push_back(state);
      if (useful.count(id) || !isDirect)
        within.push_back(state);
    }
  }

  void splitInputs() {
    for (const EntryValue &input : c.entry->decl.inputs) {
      if (!analysis.live.count(input.value) || input.isWhole)
        continue;
      const Axis &axis = c.graph.types[input.value].axes[0];
      inputs[input.value] =
          *c.emit("split", {c.tensorOf(input.value)},
                  {{"axis", axis.name},
                   {"into", Axes{{"piece", pieces}, {axis.name, axis.size / pieces}}}},
                  outcome.lossAt)
               .id;
    }
  }

  /// The nodes with rows that `ids` are made of; `ids` grows by what they use.
  std::vector<const Node *> rowsFor(std::set<ValueId> &ids) const {
    return makersOf(ids, [&](const Node &node) { return analysis.hasRows(node); });
  }
  /// The same for nodes made of sums.
  std::vector<const Node *> afterFor(std::set<ValueId> &ids) const {
    return makersOf(ids, [&](const Node &node) { return isAfter(node); });
  }
  std::vector<const Node *> makersOf(std::set<ValueId> &ids,
                                     const std::function<bool(const Node &)> &isOurs) const {
    std::vector<const Node *> out;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
      if (isOurs(*node) && std::any_of(node->results.begin(), node->results.end(),
                                       [&](ValueId id) { return ids.count(id) > 0; })) {
        usesOf(*node, ids);
        out.push_back(&*node);
      }
    std::reverse(out.begin(), out.end());
    return out;
  }

  /// The loop over the pieces: the sums wanted, and with `gradients` those of slope * sum.
  std::map<ValueId, ValueId> loop(const std::set<ValueId> &wanted,
                                  const std::map<ValueId, ValueId> &slopes,
                                  std::vector<Tensor> *gradients) {
    Location at = outcome.lossAt;
    std::map<ValueId, ValueId> out;
    if (wanted.empty() && !gradients)
      return out;
    std::vector<ValueId> order(wanted.begin(), wanted.end());
    Frame f;
    f.kind = "pieces";
    f.axis = {"piece", pieces};
    auto zero = [&](const ValueType &type) {
      f.inits.push_back(c.materialize(c.uniform(Number::whole(0), type.element, type.axes), at));
    };
    for (ValueId id : order)
      zero(c.graph.types[id]);
    if (gradients)
      for (size_t state : within)
        zero(c.graph.states[state].type);
    ValueId index = c.openFrame(f);
    Copy copy(c, analysis, nodes, pieces);
    copy.piece = index;
    std::set<ValueId> uses = wanted;
    std::vector<const Node *> body = rowsFor(uses);
    for (auto &[input, whole] : inputs)
      if (uses.count(input))
        copy.made[input] = c.sliceOf(f, whole);
    for (const Node *node : body)
      copy.node(*node);
    std::vector<ValueId> next;
    auto add = [&](ValueId carry, const Tensor &more) {
      next.push_back(*c.op2("add", c.tensorOf(carry), more, at).id);
    };
    for (size_t i = 0; i < order.size(); ++i)
      add(f.carries[i], c.tensorOf(copy.made.at(order[i])));
    if (gradients && !within.empty()) {
      Tensor objective = c.literal(0);
      for (ValueId id : varied) {
        Tensor part = c.op2("mul", c.tensorOf(slopes.at(id)), c.tensorOf(copy.made.at(id)), at);
        objective = c.op2("add", objective, c.reduce("sum", part, part.type.axes, at), at);
      }
      std::vector<Tensor> parts = t.gradients(objective, within, at);
      for (size_t i = 0; i < within.size(); ++i)
        add(f.carries[order.size() + i], parts[i]);
    }
    std::vector<Tensor> results = c.closeFrame(f, next, {}, at);
    for (size_t i = 0; i < order.size(); ++i)
      out[order[i]] = *results[i].id;
    if (gradients)
      *gradients = together({results.begin() + order.size(), results.end()});
    return out;
  }

  /// The gradient of the loss by the sums, and directly by parameters.
  std::map<ValueId, ValueId> slopesAt(const std::map<ValueId, ValueId> &sums,
                                      const std::vector<const Node *> &lossNodes) {
    Copy copy(c, analysis, nodes, pieces);
    // A parameter in the loop must not come in by way of the sums.
    for (auto &[id, value] : sums)
      copy.made[id] = isReal(c.graph.types[id].element)
                          ? *c.emit("stop_gradient", {c.tensorOf(value)}, {}, outcome.lossAt).id
                          : value;
    for (const Node *node : lossNodes)
      copy.node(*node);
    Node node;
    node.op = "gradient";
    node.location = outcome.lossAt;
    ValueId loss = *outcome.loss->id;
    node.operands = {copy.made.count(loss) ? copy.made.at(loss) : loss};
    std::vector<ValueType> types;
    for (ValueId id : varied) {
      node.operands.push_back(copy.made.at(id));
      types.push_back(c.graph.types[id]);
    }
    for (size_t state : direct) {
      node.operands.push_back(c.entry->read.at(state));
      types.push_back(c.graph.states[state].type);
    }
    std::vector<ValueId> results = c.append(std::move(node), types);
    std::map<ValueId, ValueId> out;
    // They are numbers by now: in the loop nothing is to be gained by changing them.
    for (size_t i = 0; i < varied.size(); ++i)
      out[varied[i]] = *c.emit("stop_gradient", {c.tensorOf(results[i])}, {}, outcome.lossAt).id;
    for (size_t i = 0; i < direct.size(); ++i)
      directGradient[direct[i]] = results[varied.size() + i];
    return out;
  }
  std::vector<Tensor> together(const std::vector<Tensor> &looped) {
    std::vector<Tensor> out;
    for (size_t state : wrt) {
      std::optional<Tensor> sum;
      for (size_t i = 0; i < within.size(); ++i)
        if (within[i] == state)
          sum = looped[i];
      if (auto found = directGradient.find(state); found != directGradient.end()) {
        Tensor more = c.tensorOf(found->second);
        sum = sum ? c.op2("add", *sum, more, outcome.lossAt) : more;
      }
      out.push_back(*sum);
    }
    return out;
  }

  /// Loss and reports of the sums that the loop gave.
  void replace(const std::map<ValueId, ValueId> &sums) {
    std::function<void(Node &)> rewrite = [&](Node &node) {
      for (ValueId &operand : node.operands)
        if (auto found = sums.find(operand); found != sums.end())
          operand = found->second;
      if (node.body)
        for (Node &inner : node.body->nodes)
          rewrite(inner);
    };
    for (Node &node : nodes)
      if (isAfter(node)) {
        rewrite(node);
        c.block().nodes.push_back(std::move(node));
      }
    settled = sums;
  }

public:
  std::map<ValueId, ValueId> settled; // a loss or report that is itself a sum
};

} // namespace

int64_t Training::piecesOf(const Run &run) {
  const ast::Field *field = run.field("accumulate");
  if (!field)
    return 1;
  const ast::Expr &expr = exprOf(*field);
  auto pieces = c.numberOf(c.eval(*scope, expr));
  if (!pieces || !pieces->isWhole() || pieces->toInt() < 1)
    c.fail(expr.at, "accumulate is a whole number of pieces");
  return pieces->toInt();
}

std::vector<Tensor> Training::inPieces(Outcome &outcome, const std::vector<size_t> &wrt,
                                       int64_t pieces, const ast::Field &field) {
  outcome.loss = c.tensorOf(c.materialize(*outcome.loss, outcome.lossAt));
  for (auto &[name, value] : outcome.reports)
    value = c.tensorOf(c.materialize(value, outcome.lossAt));
  Step step(*this, outcome, wrt, pieces, field);
  std::vector<Tensor> gradients = step.run();
  auto settle = [&](ValueId id) {
    auto found = step.settled.find(id);
    return found == step.settled.end() ? id : found->second;
  };
  outcome.loss = c.tensorOf(settle(*outcome.loss->id));
  for (auto &[name, value] : outcome.reports)
    value = c.tensorOf(settle(*value.id));
  for (auto &[state, value] : c.entry->written)
    value = settle(value);
  return gradients;
}

} // namespace frit::checking
