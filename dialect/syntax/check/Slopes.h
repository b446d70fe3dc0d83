// Which values of an entry the loss depends on, and through a slope: so that no parameter is
// trained by a gradient that is zero whatever happens.
#pragma once
#include "dialect/syntax/Graph.h"

namespace frit::checking {

/// Is its slope zero wherever it has one?
bool isFlat(const std::string &op);

class Slopes {
public:
  Slopes(const Graph &graph, const Block &body, ValueId loss);

  struct Mark {
    bool isData = false;       // the loss is computed from it
    bool hasSlope = false;     // and has a slope in it
    const Node *cut = nullptr; // if not: where the slope ends
  };
  const Mark &of(ValueId value) const { return marks[value]; }

private:
  void add(ValueId value, Mark mark);
  void backward(const Block &block);
  void through(const Node &node);
  void throughLoop(const Node &scan);
  bool isReal(ValueId value) const;

  const Graph &graph;
  std::vector<Mark> marks; // of every value
  bool changed = false;
};

} // namespace frit::checking
