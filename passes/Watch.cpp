#include "passes/Watch.h"

using namespace mlir;
using namespace frit;

static void add(Operation *op, AxesAttr axes, Value indexed, SmallVectorImpl<Watch> &out) {
  ValueType type = typeOf(indexed);
  for (const std::string &axis : axes.strings())
    out.push_back({op, axis, type.find(axis)->size});
}

SmallVector<Watch> frit::watchesOf(Operation *op) {
  SmallVector<Watch> out;
  if (auto group = dyn_cast<GroupOp>(op)) {
    for (Operation &inner : group.getBody().front())
      out.append(watchesOf(&inner));
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    if (gather.getChecked() && !gather.getFill())
      add(op, gather.getAxes(), gather.getX(), out);
  } else if (auto scatter = dyn_cast<ScatterOp>(op)) {
    if (scatter.getChecked())
      add(op, scatter.getInto(), scatter.getResult(), out);
  }
  return out;
}
