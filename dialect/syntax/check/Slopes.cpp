// 1. From the loss backwards: what it is computed from, and through which operands a slope comes.
// 2. A slope ends at ops that are flat everywhere (floor), at those that give integers or bools,
// and
//    at stop_gradient. A value whose slope ends on all its ways to the loss keeps one of the ends,
//    rather one that nobody asked for.
// 3. A loop is gone through until nothing changes: what is carried leads to the next turn.
#include "dialect/syntax/check/Slopes.h"
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

/// Ops on reals whose slope is zero wherever they have one. A test holds the list against the
/// gradients of all ops.
bool isFlat(const std::string &op) {
  static const std::set<std::string> flat = {"sign", "floor", "ceil", "round"};
  return flat.count(op) > 0;
}

static bool isAskedFor(const Node &node) { return node.op == "stop_gradient"; }

Slopes::Slopes(const Graph &graph, const Block &body, ValueId loss)
    : graph(graph), marks(graph.types.size()) {
  marks[loss] = {true, true, nullptr};
  backward(body);
}

bool Slopes::isReal(ValueId value) const { return frit::isReal(graph.types[value].element); }

void Slopes::add(ValueId value, Mark mark) {
  Mark &mine = marks[value];
  Mark now = mine;
  now.isData |= mark.isData;
  now.hasSlope |= mark.hasSlope;
  if (mark.cut && (!now.cut || (isAskedFor(*now.cut) && !isAskedFor(*mark.cut))))
    now.cut = mark.cut;
  changed |= now.isData != mine.isData || now.hasSlope != mine.hasSlope || now.cut != mine.cut;
  mine = now;
}

void Slopes::backward(const Block &block) {
  for (auto node = block.nodes.rbegin(); node != block.nodes.rend(); ++node)
    if (std::any_of(node->results.begin(), node->results.end(),
                    [&](ValueId id) { return marks[id].isData; })) {
      if (node->body)
        throughLoop(*node);
      else
        through(*node);
    }
}

void Slopes::through(const Node &node) {
  Mark out;
  bool isRealOut = false;
  for (ValueId id : node.results) {
    const Mark &mark = marks[id];
    out.isData |= mark.isData;
    out.hasSlope |= mark.hasSlope && isReal(id);
    isRealOut |= mark.isData && isReal(id);
    if (mark.cut && (!out.cut || isAskedFor(*out.cut)))
      out.cut = mark.cut;
  }
  for (ValueId operand : node.operands) {
    Mark in = out;
    if (isAskedFor(node)) {
      in.hasSlope = false;
      in.cut = &node;
    } else if (out.hasSlope) {
      in.hasSlope = isReal(operand) && !isFlat(node.op);
      in.cut = isReal(operand) && isFlat(node.op) ? &node : nullptr;
    } else if (isReal(operand) && !isRealOut) {
      in.cut = &node; // reals go in, positions or bools come out
    }
    add(operand, in);
  }
}

void Slopes::throughLoop(const Node &scan) {
  size_t carried = size_t(std::get<int64_t>(scan.attributes.at("carried")));
  const Block &body = *scan.body;
  const std::vector<ValueId> &ends = body.nodes.back().operands; // of the yield
  bool before = changed;
  do {
    changed = false;
    for (size_t i = 0; i < scan.results.size(); ++i)
      add(ends[i], marks[scan.results[i]]);
    for (size_t i = 0; i < carried; ++i)
      add(ends[i], marks[body.arguments[1 + i]]);
    backward(body);
    before |= changed;
  } while (changed);
  changed = before;
  for (size_t i = 0; i < scan.operands.size(); ++i)
    add(scan.operands[i], marks[body.arguments[1 + i]]);
}

//===-- What train says about it ------------------------------------------------------------===//

std::vector<size_t> Training::trainable(const Tensor &loss, Location at) {
  Slopes slopes(c.graph, c.entry->decl.body, c.materialize(loss, at));
  std::vector<size_t> out;
  for (size_t state : c.entry->trained) {
    if (isFrozen(state))
      continue;
    const Slopes::Mark &mark = slopes.of(c.entry->read.at(state));
    if (mark.hasSlope) {
      out.push_back(state);
      reached.insert(state);
    } else if (mark.cut) {
      cuts.insert({state, {mark.cut->op, mark.cut->location, at}});
    }
  }
  for (auto &[state, value] : c.entry->read)
    if (!c.entry->trained.count(state))
      constants.insert(state);
  if (out.empty()) {
    judgeCuts();
    c.error(train.name.at, fmt::format("train {} has nothing to train: the loss depends on no "
                                       "parameter that is not frozen",
                                       train.name.text))
        .fail();
  }
  return out;
}

std::vector<std::string> Training::unused() {
  std::vector<std::string> out;
  for (const Follower &follower : followers)
    for (auto [state, followed] : follower.states)
      constants.insert(state); // nobody means to train them
  for (const StateInfo &info : c.states) {
    size_t state = info.index;
    if (c.graph.states[state].role == "parameter" && !isFrozen(state) && !reached.count(state) &&
        !cuts.count(state) && !constants.count(state))
      out.push_back(c.graph.states[state].name);
  }
  return out;
}

void Training::judgeCuts() {
  const Cut *first = nullptr;
  std::vector<std::string> names;
  for (auto &[state, cut] : cuts) {
    if (reached.count(state) || cut.op == "stop_gradient")
      continue;
    first = first ? first : &cut;
    if (&cut == first || (cut.op == first->op && cut.at.offset() == first->at.offset()))
      names.push_back(c.graph.states[state].name);
  }
  if (!first)
    return;
  std::string others = names.size() == 1 ? "" : fmt::format(" and {} more", names.size() - 1);
  c.error(first->at,
          fmt::format("'{}'{} would never learn: every way to the loss goes through '{}', {}",
                      names[0], others, first->op,
                      isFlat(first->op) ? "whose slope is zero" : "which has no slope"))
      .note(first->lossAt, "the loss")
      .help(fmt::format("say so with for {} {{ frozen = true }}, or with stop_gradient(..) here",
                        names[0]))
      .fail();
}

} // namespace frit::checking
