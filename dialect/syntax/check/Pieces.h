// accumulate = k: a step that looks at its batch in k pieces, one after the other.
#pragma once
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

/// Which of a value's axes runs over the rows of the batch. A group that was merged into one axis
/// holds the rows between `outer` and `inner` other positions.
struct Rows {
  std::string axis;
  int64_t outer = 1, inner = 1;
  bool operator==(const Rows &) const = default;
};

/// The block of an objective, taken apart by what the batch has to do with each value.
struct RowAnalysis {
  std::map<ValueId, Rows> rows;   // values with one row, or more, for each of the batch
  std::vector<const Node *> sums; // where the batch axis ends in a sum: one result each
  std::set<ValueId> sumResults;
  std::set<ValueId> after; // made of such sums
  std::set<ValueId> live;  // what the roots need

  bool hasRows(const Node &node) const; // it belongs in the loop over the pieces
};

/// `refuse(node, why)` is called for what ties rows together in any other way, and must throw.
using Refuse = std::function<void(const Node &node, const std::string &why)>;
RowAnalysis analyseRows(const Graph &graph, const EntryDecl &entry,
                        const std::vector<ValueId> &roots, int64_t batch, const Refuse &refuse);

/// What differentiation will find between `roots` and what they are made of: values on a path of
/// reals, as passes/Differentiate.cpp sees it. `enter` says which nodes are walked.
std::set<ValueId> usefulFor(const Graph &graph, const std::vector<Node> &nodes,
                            const std::set<ValueId> &roots,
                            const std::function<bool(const Node &)> &enter);

/// All values that a node uses, those of the surroundings in its body included.
void usesOf(const Node &node, std::set<ValueId> &uses);

} // namespace frit::checking
