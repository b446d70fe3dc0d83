// Layout gives every value an order of axes. Until here order meant nothing; from here on it is how
// the value lies in memory, row-major.
//
// 1. What is a file format keeps its order: entry arguments and results, states.
// 2. Values are settled in program order. Most follow their operands (an elementwise result lies
// like
//    its largest operand, a reduction drops axes, a stack puts the axis of the loop in front),
//    which is what the shape laws say.
// 3. Contractions, scatters and values made of nothing are free. For them every permutation is
// weighed
//    against the wishes of the consumers (seen through elementwise ops, renames and loops) and of
//    the producer, and the cheapest wins; at a tie the one nearest to the law's order.
// 4. Where an order is required and missed (a write, a result, a carried value, a slice of a loop,
// a
//    merge), a `broadcast` to the value's own axes, in the order wanted, is the copy.
//
// After it `rename`, `split`, `merge` and the slices of loops are views of memory.
//
//   out[b,h,t,dh] = contract(p[b,h,t,s], v[b,s,h,dh]) over s
//   y[b,t,d]      = contract(out, w[h,dh,d]) over h, dh      wishes h and dh together:
//   out[b,t,h,dh]
#include "dialect/Frit.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"
#include <algorithm>
#include <set>

using namespace mlir;

namespace frit {
#define GEN_PASS_DEF_LAYOUT
#include "passes/Passes.h.inc"

namespace {

using Order = std::vector<std::string>;

/// What somebody would like about the order of a value. Axes that the value lacks do not count.
struct Wish {
  std::vector<Order> together;   // each group in one piece
  std::set<std::string> notLast; // bad innermost axes
  Order exact;                   // this relative order
  std::string first;             // this axis in front
  Order last;                    // these at the end ...
  bool orFirst = false;          // ... or all in front
  bool operator==(const Wish &) const = default;
};
using Wishes = std::vector<Wish>;

/// What missing a wish costs, about in passes over the value.
enum Price { Split = 3, BadLast = 8, Copy = 6, SliceCopy = 10, Strided = 4, Unlike = 1 };

bool has(const Order &order, const std::string &axis) { return llvm::is_contained(order, axis); }

Order restricted(const Order &order, const Order &to) {
  Order out;
  llvm::copy_if(order, std::back_inserter(out), [&](auto &axis) { return has(to, axis); });
  return out;
}

Order orderOf(Value value) {
  Order out;
  for (const Axis &axis : typeOf(value).axes)
    out.push_back(axis.name);
  return out;
}

Order orderOf(Type type) {
  Order out;
  for (const Axis &axis : toValueType(cast<RankedTensorType>(type)).axes)
    out.push_back(axis.name);
  return out;
}

/// The same type with its axes in another order.
RankedTensorType ordered(RankedTensorType type, const Order &order) {
  ValueType given = toValueType(type), out{given.element, {}};
  for (const std::string &axis : order)
    out.axes.push_back(*given.find(axis));
  return toTensorType(type.getContext(), out);
}

void setOrder(Value value, const Order &order) {
  value.setType(ordered(cast<RankedTensorType>(value.getType()), order));
}

/// In how many pieces the axes of `group` lie.
int pieces(const Order &order, const Order &group) {
  int count = 0;
  bool inside = false;
  for (const std::string &axis : order) {
    bool now = has(group, axis);
    count += now && !inside;
    inside = now;
  }
  return count;
}

int cost(const Order &order, const Wish &wish) {
  if (order.size() < 2)
    return 0;
  int out = 0;
  for (const Order &group : wish.together)
    out += Split * std::max(0, pieces(order, group) - 1);
  if (wish.notLast.count(order.back()))
    out += BadLast;
  if (restricted(order, wish.exact) != restricted(wish.exact, order))
    out += Copy;
  if (!wish.first.empty() && has(order, wish.first) && order.front() != wish.first)
    out += SliceCopy;
  if (Order last = restricted(order, wish.last); !last.empty()) {
    bool atEnd = std::equal(last.begin(), last.end(), order.end() - last.size());
    bool inFront = std::equal(last.begin(), last.end(), order.begin());
    if (!atEnd && !(wish.orFirst && inFront))
      out += Strided;
  }
  return out;
}

int cost(const Order &order, const Wishes &wishes) {
  int out = 0;
  for (const Wish &wish : wishes)
    out += cost(order, wish);
  return out;
}

/// The axes of a contraction: those of both that stay, those summed, and what each side brings.
struct Roles {
  Order batch, over, rows, cols;
  explicit Roles(ContractOp op) : over(op.getOver().strings()) {
    Order x = orderOf(op.getX()), y = orderOf(op.getY());
    for (const std::string &axis : x)
      if (!has(over, axis))
        (has(y, axis) ? batch : rows).push_back(axis);
    for (const std::string &axis : y)
      if (!has(over, axis) && !has(x, axis))
        cols.push_back(axis);
  }
};

//===-- Wishes of consumers -----------------------------------------------------------------===//

struct Settler {
  llvm::DenseSet<Value> settled; // their order is final

  void collect(Value value, Wishes &out, llvm::DenseSet<Value> &seen, int depth) {
    if (depth == 0 || !seen.insert(value).second)
      return;
    for (OpOperand &use : value.getUses()) {
      if (out.size() > 64)
        return;
      collectUse(use, out, seen, depth - 1);
    }
  }

  Wishes wishesOf(Value value) {
    Wishes raw, out;
    llvm::DenseSet<Value> seen;
    collect(value, raw, seen, 24);
    for (Wish &wish : raw)
      if (!llvm::is_contained(out, wish))
        out.push_back(std::move(wish));
    return out;
  }

private:
  void collectUse(OpOperand &use, Wishes &out, llvm::DenseSet<Value> &seen, int depth) {
    Operation *op = use.getOwner();
    unsigned at = use.getOperandNumber();
    if (auto contract = dyn_cast<ContractOp>(op)) {
      Roles roles(contract);
      Wish wish;
      wish.together = {roles.over, at == 0 ? roles.rows : roles.cols};
      wish.notLast.insert(roles.batch.begin(), roles.batch.end());
      out.push_back(wish);
      return;
    }
    if (isa<SumOp, MaxOp, MinOp, AnyOp, AllOp>(op)) {
      Wish wish;
      wish.last = op->getAttrOfType<AxesAttr>("over").strings();
      wish.orFirst = true;
      out.push_back(wish);
      return collect(op->getResult(0), out, seen, depth);
    }
    if (isa<SoftmaxOp, LogSoftmaxOp, LogSumExpOp, ArgMaxOp>(op)) {
      Wish wish;
      wish.last = op->getAttrOfType<AxesAttr>("over").strings();
      out.push_back(wish);
      return collect(op->getResult(0), out, seen, depth);
    }
    if (isa<Elementwise, BroadcastOp>(op)) {
      for (Value other : op->getOperands())
        if (other != use.get() && settled.count(other) &&
            typeOf(other).axes.size() == typeOf(op->getResult(0)).axes.size())
          exact(orderOf(other), out);
      if (settled.count(op->getResult(0)))
        return exact(orderOf(op->getResult(0)), out);
      return collect(op->getResult(0), out, seen, depth);
    }
    if (auto rename = dyn_cast<RenameOp>(op))
      return through(rename.getResult(), {{rename.getTo().str(), rename.getFrom().str()}}, out,
                     seen, depth);
    if (auto split = dyn_cast<SplitOp>(op)) {
      std::map<std::string, std::string> names;
      for (const std::string &axis : split.getInto().strings())
        names[axis] = split.getAxis().str();
      return through(split.getResult(), names, out, seen, depth);
    }
    if (auto merge = dyn_cast<MergeOp>(op)) {
      Wish wish;
      wish.together = {merge.getAxes().strings()};
      wish.exact = merge.getAxes().strings();
      out.push_back(wish);
      return;
    }
    if (auto gather = dyn_cast<GatherOp>(op)) {
      // Rows are copied whole. Single elements may lie anywhere.
      Order gathered = gather.getAxes().strings();
      bool copiesRows = llvm::any_of(orderOf(gather.getX()), [&](const std::string &axis) {
        return !has(gathered, axis) && llvm::none_of(gather.getRest(), [&](Value index) {
          return has(orderOf(index), axis);
        });
      });
      if (at == 0 && copiesRows) {
        Wish wish;
        wish.notLast.insert(gathered.begin(), gathered.end());
        out.push_back(wish);
      }
      return;
    }
    if (auto write = dyn_cast<WriteOp>(op)) {
      auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(op, write.getStateAttr());
      return exact(orderOf(state.getType()), out);
    }
    if (isa<func::ReturnOp>(op)) {
      auto function = op->getParentOfType<func::FuncOp>();
      return exact(orderOf(function.getResultTypes()[at]), out);
    }
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (at < scan.getInits().size()) {
        collect(scan.carried()[at], out, seen, depth);
        return collect(scan.finals()[at], out, seen, depth);
      }
      Wish wish;
      wish.first = scan.getAxis().str();
      out.push_back(wish);
      return collect(scan.sliced()[at - scan.getInits().size()], out, seen, depth);
    }
    if (auto yield = dyn_cast<YieldOp>(op)) {
      auto scan = cast<ScanOp>(op->getParentOp());
      if (at < scan.getInits().size())
        return exact(orderOf(scan.carried()[at]), out);
      return collect(scan.getResult(at), out, seen, depth);
    }
  }

  static void exact(Order order, Wishes &out) {
    Wish wish;
    wish.exact = std::move(order);
    out.push_back(wish);
  }

  /// The wishes of a view's result, in the names of its operand.
  void through(Value result, const std::map<std::string, std::string> &names, Wishes &out,
               llvm::DenseSet<Value> &seen, int depth) {
    Wishes inner;
    collect(result, inner, seen, depth);
    auto back = [&](Order &order) {
      Order mapped;
      for (const std::string &axis : order) {
        auto at = names.find(axis);
        const std::string &name = at == names.end() ? axis : at->second;
        if (!has(mapped, name))
          mapped.push_back(name);
      }
      order = mapped;
    };
    for (Wish &wish : inner) {
      llvm::for_each(wish.together, back);
      back(wish.exact);
      back(wish.last);
      Order bad(wish.notLast.begin(), wish.notLast.end());
      back(bad);
      wish.notLast = {bad.begin(), bad.end()};
      if (auto at = names.find(wish.first); at != names.end())
        wish.first = at->second;
      out.push_back(wish);
    }
  }
};

//===-- Settling ----------------------------------------------------------------------------===//

/// The cheapest of `candidates`, the first at a tie.
Order cheapest(const std::vector<Order> &candidates, const Wishes &wishes) {
  const Order *best = nullptr;
  int least = 0;
  for (const Order &order : candidates)
    if (int price = cost(order, wishes); !best || price < least)
      best = &order, least = price;
  return *best;
}

/// All permutations, the given order first; only itself where there would be too many.
std::vector<Order> permutations(const Order &order) {
  std::vector<int> places(order.size());
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = int(i);
  std::vector<Order> out;
  do {
    Order permuted;
    for (int place : places)
      permuted.push_back(order[place]);
    out.push_back(permuted);
  } while (order.size() <= 6 && std::next_permutation(places.begin(), places.end()));
  return out;
}

class Arranger {
public:
  void arrange(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      SmallVector<Value> results(op.getResults());
      if (auto scan = dyn_cast<ScanOp>(op))
        arrangeScan(scan);
      else if (isa<Lawful>(op))
        arrangeLawful(&op);
      else
        require(&op);
      settle(results);
    }
  }

  void settle(ValueRange values) { settler.settled.insert(values.begin(), values.end()); }

private:
  Settler settler;

  Value copyTo(Operation *before, Value value, const Order &order) {
    if (orderOf(value) == order)
      return value;
    OpBuilder b(before);
    auto type = ordered(cast<RankedTensorType>(value.getType()), order);
    Value copy =
        BroadcastOp::create(b, value.getLoc(), type, value, AxesAttr::get(b.getContext(), order));
    settler.settled.insert(copy);
    return copy;
  }

  /// Ops whose operands must lie in a certain order.
  void require(Operation *op) {
    if (auto write = dyn_cast<WriteOp>(op)) {
      auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(op, write.getStateAttr());
      op->setOperand(0, copyTo(op, write.getValue(), orderOf(state.getType())));
    } else if (isa<func::ReturnOp>(op)) {
      auto types = op->getParentOfType<func::FuncOp>().getResultTypes();
      for (auto [i, type] : llvm::enumerate(types))
        op->setOperand(i, copyTo(op, op->getOperand(i), orderOf(type)));
    } else if (auto yield = dyn_cast<YieldOp>(op)) {
      auto scan = cast<ScanOp>(op->getParentOp());
      for (auto [i, carried] : llvm::enumerate(scan.carried()))
        op->setOperand(i, copyTo(op, op->getOperand(i), orderOf(carried)));
    }
  }

  void arrangeLawful(Operation *op) {
    if (auto merge = dyn_cast<MergeOp>(op))
      gatherGroup(merge);
    std::vector<ValueType> operands;
    for (Value operand : op->getOperands())
      operands.push_back(typeOf(operand));
    LawResult law = cast<Lawful>(op).law()(operands, attributesOf(op));
    assert(law && "the op was verified");
    for (auto [result, type] : llvm::zip(op->getResults(), law.types)) {
      Order order;
      for (const Axis &axis : type.axes)
        order.push_back(axis.name);
      setOrder(result, choose(op, result, order));
    }
    // A change of order that turned out to be none.
    if (isa<BroadcastOp>(op) && op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  }

  Order choose(Operation *op, Value result, const Order &law) {
    if (law.size() < 2)
      return law;
    if (auto contract = dyn_cast<ContractOp>(op)) {
      Wishes wishes = settler.wishesOf(result);
      wishes.push_back(ownWish(contract));
      std::vector<Order> candidates = permutations(law);
      const Order *best = nullptr;
      int least = 0;
      for (const Order &order : candidates) {
        int price = cost(order, wishes) + lanesCost(contract, order);
        if (!best || price < least)
          best = &order, least = price;
      }
      return *best;
    }
    bool fromNothing = isa<IndexOp, ConstantOp, RandomOp, ScatterOp>(op);
    bool unites = isa<Elementwise, BroadcastOp>(op);
    if (!fromNothing && !unites)
      return law;
    std::vector<Order> candidates;
    Wishes wishes = settler.wishesOf(result);
    if (unites)
      for (Value operand : op->getOperands()) {
        Order order = orderOf(operand);
        if (order.size() == law.size() && !llvm::is_contained(candidates, order))
          candidates.push_back(order);
        Wish wish;
        wish.exact = order;
        wishes.push_back(wish);
      }
    if (candidates.size() == 1 && !isa<BroadcastOp>(op))
      return candidates.front();
    return cheapest(candidates.empty() ? permutations(law) : candidates, wishes);
  }

  /// Stores want the rows and columns of the product in one piece each, and no batch axis
  /// innermost.
  static Wish ownWish(ContractOp op) {
    Roles roles(op);
    Wish wish;
    wish.together = {roles.rows, roles.cols};
    wish.notLast.insert(roles.batch.begin(), roles.batch.end());
    return wish;
  }

  /// Packing reads whole lines if the innermost axis is innermost in its operand too.
  static int lanesCost(ContractOp op, const Order &order) {
    for (Value operand : op->getOperands())
      if (Order lies = orderOf(operand); has(lies, order.back()))
        return lies.back() == order.back() ? 0 : Unlike;
    return 0;
  }

  /// A merge is a view if its group lies together, in the order written.
  void gatherGroup(MergeOp op) {
    Order group = op.getAxes().strings(), lies = orderOf(op.getX()), wanted;
    for (const std::string &axis : lies) {
      if (!has(group, axis))
        wanted.push_back(axis);
      else if (axis == *llvm::find_if(lies, [&](auto &a) { return has(group, a); }))
        wanted.insert(wanted.end(), group.begin(), group.end());
    }
    op.getXMutable().assign(copyTo(op, op.getX(), wanted));
  }

  void arrangeScan(ScanOp op) {
    std::string axis = op.getAxis().str();
    for (OpOperand &slice : op.getSlicesMutable()) {
      Order wanted{axis};
      for (const std::string &other : orderOf(slice.get()))
        if (other != axis)
          wanted.push_back(other);
      slice.set(copyTo(op, slice.get(), wanted));
    }
    for (auto [init, argument] : llvm::zip(op.getInits(), op.carried()))
      setOrder(argument, orderOf(init));
    for (auto [whole, argument] : llvm::zip(op.getSlices(), op.sliced())) {
      Order order = orderOf(whole);
      setOrder(argument, Order(order.begin() + 1, order.end()));
    }
    for (auto [init, final] : llvm::zip(op.getInits(), op.finals()))
      setOrder(final, orderOf(init));
    Block &body = op.getBody().front();
    settle(body.getArguments());
    settle(op.finals());
    arrange(body);
    OperandRange yielded = body.getTerminator()->getOperands();
    for (auto [value, stack] : llvm::zip(yielded.drop_front(op.getInits().size()), op.stacks())) {
      Order order = orderOf(value);
      order.insert(order.begin(), axis);
      setOrder(stack, order);
    }
  }
};

struct LayoutPass : impl::LayoutBase<LayoutPass> {
  void runOnOperation() override {
    for (auto entry : getOperation().getOps<func::FuncOp>()) {
      if (entry.isDeclaration())
        continue;
      Arranger arranger;
      arranger.settle(entry.getArguments());
      arranger.arrange(entry.getBody().front());
    }
  }
};

} // namespace
} // namespace frit
