// Fuse collects ops that walk over the same elements into groups; each becomes one kernel.
//
// Each block (entry, loop body) by itself:
// 1. Rewrites that open the way (FusePrepare.cpp).
// 2. Every op that the group emitter knows starts as a group of its own, with a *space*: the axes
//    it walks over and those it reduces (FuseSpace.h). Constants, positions and broadcasts belong
//    to nobody: each user gets a copy.
// 3. Groups merge along producer-consumer edges, then between readers of one value, when their
//    spaces fit (`fit`) and no path leaves the union and comes back. Reductions along the innermost
//    axis go first: they keep whole rows in cache, which pays most; reductions along outer axes
//    last.
// 4. The block is sorted again and each group is moved into a `frit.group`.
//
// Values are recomputed in a second group only if they cost nothing. What feeds a gather stays
// outside of the gather's group: the gather needs it whole.
//
// Remarks (category Fuse), one per edge that stayed: different-reduced-axes, different-spaces,
// smaller-space, gathered-value, cycle, too-large.
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/FuseSpace.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"
#include <queue>
#include <set>

using namespace mlir;

namespace frit {
#define GEN_PASS_DEF_FUSE
#include "passes/Passes.h.inc"

using namespace fuse;

namespace {

constexpr size_t largestGroup = 256; // ops

/// Why an edge was refused, in kebab-case; null if it was not.
using Reason = const char *;

/// What would have to change.
StringRef sentence(StringRef reason) {
  return llvm::StringSwitch<StringRef>(reason)
      .Case("different-reduced-axes", "they reduce different axes, or walk over one in two ways")
      .Case("different-spaces", "they walk over different axes")
      .Case("smaller-space",
            "the first would be computed again for every row of the second, and is "
            "expensive or used elsewhere too")
      .Case("gathered-value", "the second picks elements and needs the first whole")
      .Case("cycle", "what lies between them cannot join")
      .Case("too-large", "together they have too many ops for a kernel");
}

//===-- Groups of one block -----------------------------------------------------------------===//

struct Cluster {
  std::vector<int> members; // places of ops, ascending
  std::vector<int> users;   // ops of other clusters that wait for members, one of each cluster
  Space space;
  bool fusable = false, free = false;
};

class Grouping {
public:
  explicit Grouping(Block &block) : block(block) {
    for (Operation &op : block) {
      place[&op] = int(ops.size());
      ops.push_back(&op);
    }
    for (Operation *op : ops) {
      Cluster cluster;
      cluster.members = {place[op]};
      cluster.fusable = isFusable(op);
      cluster.free = cluster.fusable && isFree(op);
      if (cluster.fusable)
        cluster.space = spaceOf(op);
      owner.push_back(int(clusters.size()));
      clusters.push_back(cluster);
    }
    for (Operation *op : ops)
      needs.push_back(findNeeds(op));
    for (size_t i = 0; i < ops.size(); ++i)
      for (int need : needs[i])
        clusters[need].users.push_back(int(i));
    reached.resize(ops.size());
  }

  void merge() {
    // Rows first, then plain elementwise, then reductions along outer axes.
    for (int phase = 0; phase < 3; ++phase)
      for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < ops.size(); ++i)
          for (int need : llvm::reverse(needs[i]))
            changed |= tryMerge(owner[need], owner[i], phase, true);
        for (auto [x, y] : siblings())
          changed |= tryMerge(owner[x], owner[y], phase, false);
      }
  }

  void remark() {
    std::set<std::tuple<const void *, std::string, std::string>>
        said; // once per line of the source
    for (size_t i = 0; i < ops.size(); ++i)
      for (int need : needs[i]) {
        const Cluster &from = clusters[owner[need]], &to = clusters[owner[i]];
        if (owner[need] == owner[i] || !from.fusable || !to.fusable || from.free || to.free)
          continue;
        if (from.space.all.empty()) // a number is read: nothing is lost
          continue;
        Space merged;
        Reason reason = refuse(owner[need], owner[i], true, merged);
        if (!reason)
          continue;
        Location where = ops[i]->getLoc();
        std::string pair =
            (ops[need]->getName().getStringRef() + " and " + ops[i]->getName().getStringRef())
                .str();
        if (said.insert({where.getAsOpaquePointer(), reason, pair}).second)
          remark::missed(where, remark::RemarkOpts::name(reason).category("Fuse"))
              << pair + " stay apart: " + sentence(reason).str();
      }
  }

  void build() {
    sort();
    for (Cluster &cluster : clusters)
      if (!cluster.members.empty() && cluster.fusable && !cluster.free)
        wrap(cluster);
    // What is free and still used stands alone: an initial value of a loop, an entry's result.
    for (size_t i = ops.size(); i-- > 0;) {
      Cluster &cluster = clusters[owner[i]];
      if (!cluster.free)
        continue;
      if (ops[i]->use_empty()) {
        place.erase(ops[i]);
        ops[i]->erase();
      } else {
        wrap(cluster);
      }
    }
  }

private:
  Block &block;
  std::vector<Operation *> ops;
  llvm::DenseMap<Operation *, int> place;
  std::vector<std::vector<int>> needs; // between ops, seen through free ops
  std::vector<Cluster> clusters;
  std::vector<int> owner;      // cluster of each op
  std::vector<size_t> reached; // by which walk each cluster was reached last
  size_t walk = 0;

  int placeOf(Value value) const {
    Operation *def = value.getDefiningOp();
    auto at = def ? place.find(def) : place.end();
    return at == place.end() ? -1 : at->second;
  }

  /// The ops of this block that `op` waits for. A fusable op makes free operands itself.
  std::vector<int> findNeeds(Operation *op) {
    std::set<int> out;
    SetVector<Value> values(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), values);
    bool copies = clusters[place[op]].fusable;
    std::function<void(Value)> add = [&](Value value) {
      int at = placeOf(value);
      if (at < 0)
        return;
      if (!copies || !clusters[at].free) {
        out.insert(at);
        return;
      }
      for (Value operand : ops[at]->getOperands())
        add(operand);
    };
    for (Value value : values)
      add(value);
    return {out.begin(), out.end()};
  }

  //===-- Merging ---------------------------------------------------------------------------===//

  bool tryMerge(int x, int y, int phase, bool feeds) {
    if (x == y)
      return false;
    const Cluster &from = clusters[x], &to = clusters[y];
    if (!from.fusable || !to.fusable || from.free || to.free)
      return false;
    Space merged;
    if (fit(from, to, feeds, merged))
      return false;
    int kind = merged.reduced.empty() ? 1 : merged.rows ? 0 : 2;
    if (kind != phase || obstacle(x, y))
      return false;
    std::vector<int> members;
    std::merge(from.members.begin(), from.members.end(), to.members.begin(), to.members.end(),
               std::back_inserter(members));
    for (int member : members)
      owner[member] = y;
    ++walk;
    reached[y] = walk;
    std::vector<int> users;
    for (const Cluster *cluster : {&from, &to})
      for (int user : cluster->users)
        if (arrive(owner[user]))
          users.push_back(user);
    clusters[x] = {};
    clusters[y].members = std::move(members);
    clusters[y].users = std::move(users);
    clusters[y].space = merged;
    return true;
  }

  Reason refuse(int x, int y, bool feeds, Space &merged) {
    if (Reason reason = fit(clusters[x], clusters[y], feeds, merged))
      return reason;
    return obstacle(x, y);
  }

  /// Why two clusters that fit may not be one.
  Reason obstacle(int x, int y) {
    const Cluster &from = clusters[x], &to = clusters[y];
    if (from.members.size() + to.members.size() > largestGroup)
      return "too-large";
    if (gathers(from, y) || gathers(to, x) || gathers(from, x) || gathers(to, y))
      return "gathered-value";
    if (leavesAndReturns(x, y))
      return "cycle";
    return nullptr;
  }

  /// The space of the union of `from` and `to`, or why there is none.
  Reason fit(const Cluster &from, const Cluster &to, bool feeds, Space &merged) {
    const Space &x = from.space, &y = to.space;
    if (x.all == y.all) {
      if (!x.reduced.empty() && !y.reduced.empty() && x.reduced != y.reduced)
        return "different-reduced-axes";
      merged = x.reduced.empty() ? y : x;
      // The same reduced axes, but one side sees them innermost and the other does not.
      if (x.reduced == y.reduced && x.rows != y.rows)
        return "different-reduced-axes";
      return nullptr;
    }
    // Arithmetic on what a reduction leaves, before or after it.
    if (x.reduced.empty() && !y.reduced.empty() && x.all == y.outer()) {
      merged = y;
      return nullptr;
    }
    if (y.reduced.empty() && !x.reduced.empty() && y.all == x.outer()) {
      merged = x;
      return nullptr;
    }
    // Small things may be made again for every row, if nobody else wants them.
    if (feeds && x.reduced.empty() && contains(y.all, x.all)) {
      merged = y;
      if (isPrivate(from, to) && isCheapAgain(from))
        return nullptr;
      return "smaller-space";
    }
    return "different-spaces";
  }

  bool isPrivate(const Cluster &from, const Cluster &to) {
    int toOwner = owner[to.members.front()];
    for (int member : from.members) {
      if (escapes(member, {owner[member], toOwner}))
        return false;
    }
    return true;
  }

  bool isCheapAgain(const Cluster &cluster) {
    if (cluster.space.all.empty())
      return true; // once per kernel
    return cluster.members.size() <= 8 && llvm::all_of(cluster.members, [&](int member) {
             return isCheap(ops[member]) || isGatherLike(ops[member]);
           });
  }

  /// Whether somebody outside of the clusters uses the op's value.
  bool escapes(int op, std::initializer_list<int> inside) {
    std::function<bool(Operation *)> outside = [&](Operation *user) {
      user = block.findAncestorOpInBlock(*user);
      auto at = place.find(user);
      if (at == place.end())
        return true;
      const Cluster &cluster = clusters[owner[at->second]];
      if (cluster.free) // copied into fusable users
        return llvm::any_of(user->getUsers(), [&](Operation *next) {
          Operation *here = block.findAncestorOpInBlock(*next);
          auto nextAt = place.find(here);
          return nextAt == place.end() || !clusters[owner[nextAt->second]].fusable || outside(next);
        });
      return !llvm::is_contained(inside, owner[at->second]);
    };
    return llvm::any_of(ops[op]->getUsers(), outside);
  }

  /// Whether a gather of `cluster` reads what the cluster `source` makes.
  bool gathers(const Cluster &cluster, int source) {
    for (int member : cluster.members) {
      if (!isGatherLike(ops[member]))
        continue;
      std::function<bool(Value)> madeBySource = [&](Value value) {
        int at = placeOf(value);
        if (at < 0)
          return false;
        if (clusters[at == -1 ? 0 : owner[at]].free)
          return llvm::any_of(ops[at]->getOperands(), madeBySource);
        return owner[at] == source;
      };
      if (madeBySource(ops[member]->getOperand(0)))
        return true;
    }
    return false;
  }

  /// Whether the walk was not here before.
  bool arrive(int cluster) { return std::exchange(reached[cluster], walk) != walk; }

  /// Whether a way goes from one of the two through others to one of them.
  bool leavesAndReturns(int x, int y) {
    std::vector<int> stack;
    ++walk;
    auto push = [&](int cluster, bool fromUnion) {
      for (int user : clusters[cluster].users) {
        int next = owner[user];
        if (!(fromUnion && (next == x || next == y)) && arrive(next))
          stack.push_back(next);
      }
    };
    push(x, true);
    push(y, true);
    while (!stack.empty()) {
      int at = stack.back();
      stack.pop_back();
      if (at == x || at == y)
        return true;
      push(at, false);
    }
    return false;
  }

  /// Pairs of ops that read one value of their whole space.
  std::vector<std::pair<int, int>> siblings() {
    std::vector<std::pair<int, int>> out;
    llvm::MapVector<Value, std::vector<int>> readers;
    for (size_t i = 0; i < ops.size(); ++i) {
      const Cluster &cluster = clusters[owner[i]];
      if (!cluster.fusable || cluster.free || cluster.space.all.empty())
        continue;
      for (Value operand : ops[i]->getOperands())
        if (!isGatherLike(ops[i]) && axisSetOf(operand) == cluster.space.all)
          readers[operand].push_back(int(i));
    }
    for (auto &[value, list] : readers)
      for (size_t i = 1; i < list.size(); ++i)
        for (size_t j = 0; j < i; ++j)
          if (owner[list[i]] != owner[list[j]])
            out.push_back({list[j], list[i]});
    return out;
  }

  //===-- Building --------------------------------------------------------------------------===//

  /// Orders the block so that every group stands in one piece, as near to where it was as it can.
  void sort() {
    std::vector<std::set<int>> before(clusters.size());
    std::vector<std::vector<int>> after(clusters.size());
    for (size_t i = 0; i < ops.size(); ++i)
      for (int need : needs[i])
        if (owner[need] != owner[i] && before[owner[i]].insert(owner[need]).second)
          after[owner[need]].push_back(owner[i]);
    // Free ops that stay stand in front of everybody: they only wait for what they broadcast.
    auto rank = [&](int cluster) { return clusters[cluster].members.back(); };
    using Entry = std::pair<int, int>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    std::vector<size_t> waiting(clusters.size());
    for (size_t c = 0; c < clusters.size(); ++c) {
      waiting[c] = before[c].size();
      if (!clusters[c].members.empty() && waiting[c] == 0)
        ready.push({rank(int(c)), int(c)});
    }
    Operation *end = block.mightHaveTerminator() ? block.getTerminator() : nullptr;
    while (!ready.empty()) {
      int cluster = ready.top().second;
      ready.pop();
      for (int member : clusters[cluster].members)
        if (ops[member] != end) {
          if (end)
            ops[member]->moveBefore(end);
          else
            ops[member]->moveBefore(&block, block.end());
        }
      for (int next : after[cluster])
        if (--waiting[next] == 0)
          ready.push({rank(next), next});
    }
  }

  void wrap(Cluster &cluster) {
    Operation *last = ops[cluster.members.back()];
    OpBuilder b(last);
    SetVector<Value> inputs;
    std::vector<Value> results;
    SmallVector<Location> locations;
    for (int member : cluster.members) {
      locations.push_back(ops[member]->getLoc());
      int self = owner[cluster.members.front()];
      if (escapes(member, {self}) || cluster.free)
        for (Value result : ops[member]->getResults())
          results.push_back(result);
    }
    IRMapping map;
    auto body = std::make_unique<Block>();
    OpBuilder inner(last->getContext()); // the body has no group yet
    inner.setInsertionPointToEnd(body.get());
    std::function<void(Value)> bring = [&](Value value) {
      if (map.contains(value))
        return;
      int at = placeOf(value);
      if (at >= 0 && clusters[owner[at]].free) {
        for (Value operand : ops[at]->getOperands())
          bring(operand);
        inner.clone(*ops[at], map);
        return;
      }
      inputs.insert(value);
      map.map(value, body->addArgument(value.getType(), value.getLoc()));
    };
    // A gather reads memory: what it picks from is made outside, however little it costs.
    for (int member : cluster.members)
      if (Value source = isGatherLike(ops[member]) ? ops[member]->getOperand(0) : Value();
          source && inputs.insert(source))
        map.map(source, body->addArgument(source.getType(), source.getLoc()));
    for (int member : cluster.members) {
      for (Value operand : ops[member]->getOperands())
        bring(operand);
      inner.clone(*ops[member], map);
    }
    SmallVector<Value> leaving;
    SmallVector<Type> types;
    for (Value result : results) {
      leaving.push_back(map.lookup(result));
      types.push_back(result.getType());
    }
    LeaveOp::create(inner, last->getLoc(), leaving);
    StringRef kind = cluster.space.reduced.empty() ? "elementwise"
                     : cluster.space.rows          ? "row"
                                                   : "column";
    auto group = GroupOp::create(b, b.getFusedLoc(locations), types, inputs.getArrayRef(), kind);
    group.getBody().push_back(body.release());
    for (auto [result, value] : llvm::zip(results, group.getResults()))
      result.replaceAllUsesWith(value);
    for (int member : llvm::reverse(cluster.members)) {
      place.erase(ops[member]);
      ops[member]->dropAllUses();
      ops[member]->erase();
    }
  }
};

void fuseBlock(Block &block) {
  for (Operation &op : block)
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        if (!isa<GroupOp>(op))
          fuseBlock(inner);
  prepare(block);
  Grouping grouping(block);
  grouping.merge();
  grouping.remark();
  grouping.build();
}

struct FusePass : impl::FuseBase<FusePass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        fuseBlock(function.getBody().front());
  }
};

} // namespace
} // namespace frit
