// Emits the loops of a group's kernel from its plan (GroupPlan.h):
//
//   values that depend on nothing
//   for each piece of work of this thread             one point of the outer dimensions (and a
//   chunk
//     values that depend on the outer dimensions      of lanes, where lanes are outer)
//     rows:     for each pass: for reduced dims: for lanes: ...; reductions end in one lane
//     columns:  for lanes: for each pass: for reduced dims: ...; reductions stay in their lanes
//
// Lanes go in three loops: several registers at once, single registers, a masked rest. Values live
// at the outermost level they can; what is no vector is a scalar and broadcast where it meets one.
#include "codegen/cpu/GroupCode.h"
#include "codegen/cpu/Watch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace frit {

using group::GroupCode;
using group::Lanes;

namespace {

class GroupEmitter : GroupCode {
public:
  GroupEmitter(func::FuncOp kernel, const GroupPlan &plan, ImplicitLocOpBuilder &b)
      : GroupCode(plan, b), kernel(kernel), values(plan.nodes.size()) {}

  void run() {
    unsigned count = kernel.getNumArguments();
    workspace = kernel.getArgument(count - 3);
    if (plan.watched)
      watches = kernel.getArgument(count - 4);
    Value thread = toI64(kernel.getArgument(count - 2)),
          threads = toI64(kernel.getArgument(count - 1));
    emitReady(0, [&](const GroupNode &node) { return node.dims == 0; });
    int64_t items = 1;
    for (unsigned i = 0; i < plan.outer; ++i)
      items *= plan.sizes[i];
    chunks = plan.hasLanes && !plan.rows ? (plan.lanes() + plan.chunk - 1) / plan.chunk : 1;
    items *= chunks;
    Value all = constant(items), from = div(mul(all, thread), threads);
    Value to = div(mul(all, add(thread, constant(1))), threads);
    loop(from, to, 1, {}, [&](Value item, ValueRange) -> SmallVector<Value> {
      emitItem(item);
      return {};
    });
  }

private:
  func::FuncOp kernel;
  Value workspace, watches;
  int64_t chunks = 1;

  /// Of each node, what is known at this point of the code: one value, or one per unit.
  std::vector<SmallVector<Value, 4>> values;

  //===-- Nodes -----------------------------------------------------------------------------===//

  /// The value of a node for a unit, computed here if it is not known yet.
  Value get(int at, unsigned unit) {
    const GroupNode &node = plan.nodes[at];
    SmallVector<Value, 4> &known = values[at];
    if (!plan.isVector(node))
      unit = 0;
    if (known.size() <= unit)
      known.resize(unit + 1);
    if (!known[unit])
      known[unit] = make(node, unit);
    return known[unit];
  }

  Value getVector(int at, unsigned unit) {
    Value value = get(at, unit);
    return splat(value, vectorOf(getElementTypeOrSelf(value.getType())));
  }

  Value make(const GroupNode &node, unsigned unit) {
    if (plan.isInner(node) && node.first < pass) {
      if (node.scratch >= 0)
        return loadVector(scratchOf(node), node.element, scratchOffset(unit));
      if (node.store >= 0) {
        const GroupStore &store = plan.stores[node.store];
        return loadVector(kernel.getArgument(store.argument), node.element,
                          offsetOf(store.strides, unit));
      }
    }
    switch (node.kind) {
    case GroupNode::Load: {
      Value loaded = makeLoad(node, unit);
      lookAt(node, loaded, {});
      return loaded;
    }
    case GroupNode::Position: {
      Value start = arith::TruncIOp::create(b, b.getI32Type(), offsetOf(node.strides, unit));
      if (!plan.isVector(node))
        return start;
      SmallVector<int32_t> steps;
      for (unsigned i = 0; i < plan.width; ++i)
        steps.push_back(int32_t(i * node.strides.back()));
      VectorType type = vectorOf(b.getI32Type());
      Value ramp =
          arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int32_t>(steps)));
      return add(splat(start, type), ramp);
    }
    case GroupNode::Compute: {
      SmallVector<Value> operands;
      for (int operand : node.operands)
        operands.push_back(plan.isVector(node) ? getVector(operand, unit) : get(operand, 0));
      Value result = node.compute(scalar, operands);
      lookAt(node, result, operands);
      return result;
    }
    case GroupNode::Reduce:
      break;
    }
    llvm_unreachable("a reduction is known before it is used");
  }

  /// Under --check-finite.
  void lookAt(const GroupNode &node, Value result, ValueRange operands) {
    if (node.watch < 0)
      return;
    Value active = isa<VectorType>(result.getType()) && lanes.count ? mask() : Value();
    noteNotFinite(b, watches, node.watch, result, operands, node.canMake, active);
  }

  Value makeLoad(const GroupNode &node, unsigned unit) {
    Value base = kernel.getArgument(node.argument);
    Value offset = offsetOf(node.strides, unit, node.offset);
    bool vector = plan.isVector(node);
    Value each, outside; // per-lane offsets; where positions are outside
    for (const GroupNode::Index &index : node.indices) {
      bool lanewise = plan.isVector(plan.nodes[index.node]);
      Value at = get(index.node, unit);
      Type type = at.getType();
      Value last = scalar.constant(double(index.size - 1), type), zero = scalar.constant(0, type);
      if (node.fill >= 0 || index.watch >= 0) {
        Value wrong =
            arith::OrIOp::create(b, scalar.compare("lt", at, zero), scalar.compare("gt", at, last));
        if (index.watch >= 0) {
          // The lanes beyond the end hold anything.
          if (lanewise && lanes.count)
            wrong = arith::AndIOp::create(b, wrong, mask());
          noteOutside(b, watches, index.watch, wrong, at);
        } else {
          if (outside && outside.getType() != wrong.getType()) {
            outside = splat(outside, vectorOf(b.getI1Type()));
            wrong = splat(wrong, vectorOf(b.getI1Type()));
          }
          outside = outside ? Value(arith::OrIOp::create(b, outside, wrong)) : wrong;
        }
        at = scalar.minimum(scalar.maximum(at, zero), last);
      }
      Type wide = lanewise ? Type(vectorOf(b.getI64Type())) : Type(b.getI64Type());
      at = arith::ExtSIOp::create(b, wide, at);
      at = mul(at, scalar.constant(double(index.stride), wide));
      if (!lanewise)
        offset = add(offset, at);
      else
        each = each ? add(each, at) : at;
    }
    Value out;
    int64_t stride = plan.hasLanes ? node.strides.back() : 0;
    if (!vector)
      out = loadScalar(base, node.element, offset);
    else if (each || stride > 1)
      out = loadLanes(base, node.element, offset, stride, each);
    else if (stride == 0)
      out = splat(loadScalar(base, node.element, offset), vectorOf(node.element));
    else
      out = loadVector(base, node.element, offset);
    if (!outside)
      return out;
    Value fill = vector ? getVector(node.fill, unit) : get(node.fill, 0);
    if (vector)
      outside = splat(outside, vectorOf(b.getI1Type()));
    return scalar.select(outside, fill, out);
  }

  //===-- Levels ----------------------------------------------------------------------------===//

  int pass = 0; // of the row that is being emitted

  /// Computes here the nodes, not of the inside of rows, that wait for `passes` passes.
  template <typename Where> void emitReady(int passes, Where where) {
    for (auto [i, node] : llvm::enumerate(plan.nodes)) {
      if (node.kind == GroupNode::Reduce || plan.isInner(node) || node.pass != passes ||
          !where(node))
        continue;
      for (unsigned unit = 0; unit < (plan.isVector(node) ? lanes.units : 1); ++unit)
        get(int(i), unit);
    }
  }

  /// Forgets what was computed since `known` was taken: code after it is not dominated by it.
  struct Scope {
    GroupEmitter &emitter;
    std::vector<SmallVector<Value, 4>> known;
    SmallVector<Value> position;
    Lanes lanes;
    explicit Scope(GroupEmitter &e)
        : emitter(e), known(e.values), position(e.position), lanes(e.lanes) {}
    ~Scope() {
      emitter.values = known;
      emitter.position = position;
      emitter.lanes = lanes;
    }
  };

  void emitItem(Value item) {
    Scope scope(*this);
    position.assign(plan.sizes.size(), {});
    Value chunk = item;
    if (chunks > 1) {
      chunk = arith::RemUIOp::create(b, item, constant(chunks));
      item = div(item, constant(chunks));
    }
    for (int i = int(plan.outer); i-- > 0;) {
      position[i] = i == 0 ? item : Value(arith::RemUIOp::create(b, item, constant(plan.sizes[i])));
      if (i)
        item = div(item, constant(plan.sizes[i]));
    }
    if (!plan.hasLanes) {
      storeOuter(false);
      return;
    }
    auto outer = [&](const GroupNode &node) { return node.dims != 0 && !plan.isVector(node); };
    if (plan.rows) {
      emitReady(0, outer);
      for (pass = 0; pass < plan.passes; ++pass) {
        emitRowPass();
        emitReady(pass + 1, [&](const GroupNode &node) { return !plan.isVector(node); });
      }
      pass = 0;
      storeOuter(false);
      return;
    }
    emitReady(0, outer);
    emitColumns(chunk);
  }

  /// Results that have one value per row (or per lane, in columns). All are computed before the
  /// first is stored, as in finishInner.
  void storeOuter(bool vectors) {
    SmallVector<std::tuple<const GroupStore *, unsigned, Value>> results;
    for (const GroupStore &store : plan.stores)
      for (unsigned unit = 0; !store.inner && unit < (vectors ? lanes.units : 1); ++unit)
        results.emplace_back(&store, unit,
                             vectors ? getVector(store.node, unit) : get(store.node, 0));
    for (auto [store, unit, value] : results) {
      Value base = kernel.getArgument(store->argument);
      if (vectors)
        storeVector(base, value, offsetOf(store->strides, unit), store->strides.back());
      else
        storeScalar(base, value, offsetOf(store->strides, 0));
    }
  }

  //===-- Columns and elementwise -----------------------------------------------------------===//

  void emitColumns(Value chunk) {
    int64_t n = plan.lanes(), width = plan.width, step = width * plan.units;
    auto block = [&](unsigned units, int64_t count) {
      return [this, units, count](Value start, ValueRange) -> SmallVector<Value> {
        emitLaneBlock({start, units, count});
        return {};
      };
    };
    if (chunks == 1) {
      fixedLoop(0, n / step * step, step, {}, block(plan.units, 0));
      fixedLoop(n / step * step, n / width * width, width, {}, block(1, 0));
      if (n % width)
        block(1, n % width)(constant(n / width * width), {});
      return;
    }
    Value from = mul(chunk, constant(plan.chunk));
    if (n % plan.chunk == 0) {
      loop(from, add(from, constant(plan.chunk)), step, {}, block(plan.units, 0));
      return;
    }
    Value to = arith::MinSIOp::create(b, add(from, constant(plan.chunk)), constant(n));
    auto whole = [&](int64_t by) {
      Value length = arith::SubIOp::create(b, to, from);
      return add(from, mul(div(length, constant(by)), constant(by)));
    };
    Value many = whole(step), single = whole(width);
    loop(from, many, step, {}, block(plan.units, 0));
    if (plan.units > 1)
      loop(many, single, width, {}, block(1, 0));
    if (n % width == 0)
      return;
    Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, single, to);
    auto branch = scf::IfOp::create(b, more, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    block(1, n % width)(single, {});
  }

  void emitLaneBlock(Lanes at) {
    Scope scope(*this);
    lanes = at;
    auto vector = [&](const GroupNode &node) { return plan.isVector(node); };
    emitReady(0, vector);
    for (pass = 0; pass < plan.passes; ++pass) {
      std::vector<int> reductions = reductionsOf(pass);
      SmallVector<Value> sums = emitPass(reductions);
      for (auto [i, at] : llvm::enumerate(reductions)) {
        values[at].assign(sums.begin() + i * plan.units, sums.begin() + (i + 1) * plan.units);
        values[at].resize(lanes.units);
        for (Value sum : values[at])
          if (sum)
            lookAt(plan.nodes[at], sum, {});
      }
      emitReady(pass + 1, [](const GroupNode &) { return true; });
    }
    pass = 0;
    storeOuter(true);
  }

  //===-- Rows ------------------------------------------------------------------------------===//

  void emitRowPass() {
    std::vector<int> reductions = reductionsOf(pass);
    lanes = {};
    SmallVector<Value> sums = emitPass(reductions);
    for (auto [i, at] : llvm::enumerate(reductions)) {
      SmallVector<Value> parts(sums.begin() + i * plan.units, sums.begin() + (i + 1) * plan.units);
      values[at].assign(1, acrossLanes(plan.nodes[at].combine, parts));
      lookAt(plan.nodes[at], values[at].front(), {});
    }
  }

  //===-- Reductions ------------------------------------------------------------------------===//

  std::vector<int> reductionsOf(int pass) {
    std::vector<int> out;
    for (auto [i, node] : llvm::enumerate(plan.nodes))
      if (node.kind == GroupNode::Reduce && node.pass == pass + 1)
        out.push_back(int(i));
    return out;
  }

  /// What the pass carries: of each reduction a register for each unit.
  Sums sumsOf(const std::vector<int> &reductions) {
    SmallVector<Combine> hows;
    SmallVector<Type> types;
    for (int at : reductions)
      for (unsigned unit = 0; unit < plan.units; ++unit) {
        hows.push_back(plan.nodes[at].combine);
        types.push_back(vectorOf(plan.nodes[at].element));
      }
    return Sums(b, hows, types);
  }

  /// One step of all reductions of the pass, in as many units as there are lanes.
  void accumulate(const std::vector<int> &reductions, SmallVector<Value> &sums) {
    for (unsigned unit = 0; unit < lanes.units; ++unit)
      for (auto [i, at] : llvm::enumerate(reductions)) {
        const GroupNode &node = plan.nodes[at];
        Value &sum = sums[i * plan.units + unit];
        Value value = getVector(node.operands[0], unit);
        // The lanes beyond the end must not count. In columns they are never stored.
        if (lanes.count && plan.rows)
          value = scalar.select(mask(), value, neutral(node.combine, value.getType()));
        sum = combine(node.combine, sum, value);
      }
  }

  /// What the pass stores per element: results and scratch rows. A result may lie over an operand
  /// that another result still needs, so all are computed before the first is stored.
  void finishInner() {
    for (unsigned unit = 0; unit < lanes.units; ++unit) {
      SmallVector<std::pair<const GroupStore *, Value>> results;
      for (const GroupStore &store : plan.stores)
        if (store.inner && plan.nodes[store.node].pass == pass)
          results.emplace_back(&store, getVector(store.node, unit));
      SmallVector<std::pair<const GroupNode *, Value>> rows;
      for (auto [i, node] : llvm::enumerate(plan.nodes))
        if (node.scratch >= 0 && node.first == pass)
          rows.emplace_back(&node, getVector(int(i), unit));
      for (auto [store, value] : results)
        storeVector(kernel.getArgument(store->argument), value, offsetOf(store->strides, unit),
                    store->strides.back());
      for (auto [node, value] : rows)
        storeVector(scratchOf(*node), value, scratchOffset(unit), 1);
    }
  }

  Value scratchOf(const GroupNode &node) {
    return address(workspace, b.getI8Type(), constant(node.scratch));
  }

  Value scratchOffset(unsigned unit) {
    Value row; // number of the row of lanes, over the reduced dimensions
    for (unsigned i = plan.outer; i < plan.outer + plan.reduced; ++i)
      row = row ? add(scaled(row, plan.sizes[i]), position[i]) : position[i];
    int64_t width = plan.width;
    int64_t length = plan.rows ? (plan.lanes() + width - 1) / width * width : plan.units * width;
    Value out = row ? scaled(row, length) : constant(0);
    if (plan.rows)
      out = add(out, lanes.start);
    return add(out, constant(unit * width));
  }

  //===-- The walk of a pass ----------------------------------------------------------------===//

  unsigned endOfReduced() const { return plan.outer + plan.reduced; }

  /// How many additions each sum takes at one position of the dimensions before `dim`.
  int64_t additionsFrom(unsigned dim) const {
    int64_t out = 1, n = plan.lanes(), step = plan.width * plan.units;
    if (plan.rows)
      out = n / step + n % step / plan.width + (n % plan.width != 0);
    for (; dim < endOfReduced(); ++dim)
      out *= plan.sizes[dim];
    return out;
  }

  SmallVector<Value> emitPass(const std::vector<int> &reductions) {
    Sums sums = sumsOf(reductions);
    if (!sums.round() || additionsFrom(plan.outer) <= Sums::blockLength)
      return emitReduced(plan.outer, sums.neutrals(), reductions);
    return sums.together(emitBlocks(plan.outer, sums.noBlocks(), reductions));
  }

  SmallVector<Value> emitStep(Lanes at, ValueRange carried, const std::vector<int> &reductions) {
    Scope inner(*this);
    lanes = at;
    SmallVector<Value> next(carried);
    accumulate(reductions, next);
    finishInner();
    return next;
  }

  /// Loops over the reduced dimensions from `dim` on, and over the lanes of a row.
  SmallVector<Value> emitReduced(unsigned dim, ValueRange carried,
                                 const std::vector<int> &reductions) {
    if (dim < endOfReduced())
      return fixedLoop(0, plan.sizes[dim], 1, carried, [&](Value at, ValueRange sums) {
        Scope scope(*this);
        position[dim] = at;
        return emitReduced(dim + 1, sums, reductions);
      });
    if (!plan.rows)
      return emitStep(lanes, carried, reductions);
    int64_t step = plan.width * plan.units, whole = plan.lanes() / step * step;
    SmallVector<Value> next = fixedLoop(0, whole, step, carried, [&](Value start, ValueRange sums) {
      return emitStep({start, plan.units, 0}, sums, reductions);
    });
    return emitRest(next, reductions);
  }

  /// The lanes of a row that do not fill all units.
  SmallVector<Value> emitRest(ValueRange carried, const std::vector<int> &reductions) {
    int64_t n = plan.lanes(), width = plan.width, step = width * plan.units;
    SmallVector<Value> next = fixedLoop(
        n / step * step, n / width * width, width, carried,
        [&](Value start, ValueRange sums) { return emitStep({start, 1, 0}, sums, reductions); });
    if (n % width)
      next = emitStep({constant(n / width * width), 1, n % width}, next, reductions);
    return next;
  }

  /// The same where there are many additions, in blocks (Sums.h).
  SmallVector<Value> emitBlocks(unsigned dim, ValueRange blocks,
                                const std::vector<int> &reductions) {
    if (dim == endOfReduced()) {
      int64_t step = plan.width * plan.units, whole = plan.lanes() / step * step;
      SmallVector<Value> next = inBlocks(
          whole, step, Sums::blockLength, blocks, reductions, [&](Value start, ValueRange sums) {
            return emitStep({start, plan.units, 0}, sums, reductions);
          });
      Sums sums = sumsOf(reductions);
      return sums.withBlock(next, emitRest(sums.neutrals(), reductions));
    }
    int64_t block = Sums::blockLength / additionsFrom(dim + 1);
    auto at = [&](Value here, function_ref<SmallVector<Value>()> body) {
      Scope scope(*this);
      position[dim] = here;
      return body();
    };
    if (block == 0)
      return fixedLoop(0, plan.sizes[dim], 1, blocks, [&](Value here, ValueRange blocks) {
        return at(here, [&] { return emitBlocks(dim + 1, blocks, reductions); });
      });
    return inBlocks(plan.sizes[dim], 1, block, blocks, reductions,
                    [&](Value here, ValueRange sums) {
                      return at(here, [&] { return emitReduced(dim + 1, sums, reductions); });
                    });
  }

  /// A loop from 0 whose sums start again after every `length` steps.
  SmallVector<Value> inBlocks(int64_t to, int64_t step, int64_t length, ValueRange blocks,
                              const std::vector<int> &reductions, Body body) {
    Sums sums = sumsOf(reductions);
    if (to <= length * step)
      return sums.withBlock(blocks, fixedLoop(0, to, step, sums.neutrals(), body));
    return loop(
        constant(0), constant(to), length * step, blocks, [&](Value from, ValueRange blocks) {
          Value end = arith::MinSIOp::create(b, add(from, constant(length * step)), constant(to));
          return sums.withBlock(blocks, loop(from, end, step, sums.neutrals(), body));
        });
  }
};

} // namespace

FailureOr<func::FuncOp> emitGroup(ModuleOp module, StringRef name, GroupOp group,
                                  const Target &target) {
  FailureOr<GroupPlan> plan = planGroup(group, target);
  if (failed(plan))
    return failure();
  ImplicitLocOpBuilder b(group.getLoc(), OpBuilder::atBlockEnd(module.getBody()));
  SmallVector<Type> types(group.getInputs().size() + group.getNumResults() + plan->watched + 1,
                          LLVM::LLVMPointerType::get(module.getContext()));
  types.append(2, b.getIndexType());
  auto kernel = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  kernel.setPrivate();
  b.setInsertionPointToStart(kernel.addEntryBlock());
  GroupEmitter(kernel, *plan, b).run();
  func::ReturnOp::create(b);
  return kernel;
}

} // namespace frit
