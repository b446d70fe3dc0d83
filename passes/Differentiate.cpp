// Differentiate: frit.gradient becomes the backward program.
//
//   1. Activity: a value is active if it is real, depends on a value of wrt, and the objective
//      depends on it. Only active values get cotangents.
//   2. Sweep: the ops between wrt and objective in reverse. Each op's rule (its record) turns the
//      cotangents of its results into those of its operands, which are summed over the axes that
//      the operand lacks and added to what other uses gave. An absent cotangent is zero and makes
//      no ops.
//   3. What a select leaves out is absent: whatever its slopes are, inf or NaN, nothing of it comes
//      back. So a cotangent remembers the condition that it has been through, and where products
//      with slopes have made 0 * NaN of the zeros, they are put right before elements meet.
//   4. A scan: its body is swept into the body of a second scan that runs the other way.
//        carried:  the cotangents of the carried values, and sums for the values of the
//        surroundings
//                  that the body uses;
//        slices:   the cotangents of the stacks, the slices of the forward scan, and the tape;
//        stacks:   the cotangents of the slices.
//      The tape is what the backward body still refers to in the forward body: those values become
//      further stacks of the forward scan. What is free to compute again is computed again.
//
// Scans in scans need nothing more: the tape of the inner scan is a result in the outer body, hence
// tape of the outer scan.
#include "passes/Passes.h"
#include "passes/Tape.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace frit {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

namespace {

bool isReal(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && isa<FloatType>(type.getElementType());
}

/// The ops that came before in the program: of each block that encloses `op` the ops before it,
/// innermost block first.
std::vector<std::pair<Block *, Operation *>> enclosingBlocks(Operation *op) {
  std::vector<std::pair<Block *, Operation *>> blocks;
  for (; op && !isa<func::FuncOp, ModuleOp>(op); op = op->getParentOp())
    blocks.push_back({op->getBlock(), op});
  return blocks;
}

SmallVector<Operation *> opsBefore(Block *block, Operation *end) {
  SmallVector<Operation *> ops;
  for (Operation &op : *block) {
    if (&op == end)
      break;
    ops.push_back(&op);
  }
  return ops;
}

/// Which values lie on a real path from wrt to the objective.
class Activity {
public:
  explicit Activity(GradientOp gradient) {
    for (Value v : gradient.getWrt())
      note(varied, v);
    note(useful, gradient.getObjective());
    auto blocks = enclosingBlocks(gradient);
    for (auto [block, end] : llvm::reverse(blocks))
      forward(block, end);
    for (auto [block, end] : blocks)
      backward(block, end);
  }
  bool isActive(Value v) const { return varied.contains(v) && useful.contains(v); }
  bool isVaried(Value v) const { return varied.contains(v); }
  bool isUseful(Value v) const { return useful.contains(v); }

private:
  DenseSet<Value> varied, useful;

  static void note(DenseSet<Value> &set, Value v) {
    if (isReal(v))
      set.insert(v);
  }
  void forward(Block *block, Operation *end) {
    for (Operation *op : opsBefore(block, end)) {
      if (auto scan = dyn_cast<ScanOp>(op))
        forward(scan);
      else if (!isa<StopGradientOp>(op) &&
               llvm::any_of(op->getOperands(), [&](Value v) { return varied.contains(v); }))
        for (Value result : op->getResults())
          note(varied, result);
    }
  }
  void forward(ScanOp scan) {
    for (auto [whole, argument] : llvm::zip(scan.getSlices(), scan.sliced()))
      if (varied.contains(whole))
        note(varied, argument);
    // A carried value depends on wrt if its start does or what some iteration yields does.
    for (size_t before = ~size_t(0); before != varied.size();) {
      before = varied.size();
      for (auto [init, argument, next] : llvm::zip(scan.getInits(), scan.carried(), yielded(scan)))
        if (varied.contains(init) || varied.contains(next))
          note(varied, argument);
      forward(&scan.getBody().front(), nullptr);
    }
    for (auto [result, next] : llvm::zip(scan.getResults(), yielded(scan)))
      if (varied.contains(next))
        note(varied, result);
  }
  void backward(Block *block, Operation *end) {
    SmallVector<Operation *> ops = opsBefore(block, end);
    for (Operation *op : llvm::reverse(ops)) {
      if (auto scan = dyn_cast<ScanOp>(op))
        backward(scan);
      else if (!isa<StopGradientOp>(op) &&
               llvm::any_of(op->getResults(), [&](Value v) { return useful.contains(v); }))
        for (Value operand : op->getOperands())
          note(useful, operand);
    }
  }
  void backward(ScanOp scan) {
    for (auto [result, next] : llvm::zip(scan.getResults(), yielded(scan)))
      if (useful.contains(result))
        note(useful, next);
    for (size_t before = ~size_t(0); before != useful.size();) {
      before = useful.size();
      for (auto [init, argument, next] : llvm::zip(scan.getInits(), scan.carried(), yielded(scan)))
        if (useful.contains(argument)) {
          note(useful, next);
          note(useful, init);
        }
      backward(&scan.getBody().front(), nullptr);
    }
    for (auto [whole, argument] : llvm::zip(scan.getSlices(), scan.sliced()))
      if (useful.contains(argument))
        note(useful, whole);
  }
};

/// The place of a backward op: that of its forward op, the layer path with "d/" in front.
Location backwardLocation(Location forward) {
  MLIRContext *context = forward.getContext();
  if (auto named = dyn_cast<NameLoc>(forward))
    return NameLoc::get(StringAttr::get(context, "d/" + named.getName().str()),
                        named.getChildLoc());
  if (auto fused = dyn_cast<FusedLoc>(forward)) {
    SmallVector<Location> places;
    for (Location place : fused.getLocations())
      places.push_back(isa<NameLoc>(place) ? backwardLocation(place) : place);
    return FusedLoc::get(context, places, fused.getMetadata());
  }
  return NameLoc::get(StringAttr::get(context, "d/"), forward);
}

bool isZero(Value v) {
  auto constant = v.getDefiningOp<ConstantOp>();
  return constant && constant.getValue().isZero();
}

bool isConstant(Value v) {
  Operation *op = v.getDefiningOp();
  return op && (isa<ConstantOp>(op) || (isa<BroadcastOp>(op) && isConstant(op->getOperand(0))));
}

/// Whether the rule of an elementwise op can make something else of a cotangent of 0: it multiplies
/// it by what may be inf or NaN.
bool multiplies(Operation *op) {
  if (isa<AddOp, SubOp, NegOp, CastOp, SelectOp>(op))
    return false;
  if (isa<MulOp>(op))
    return !isConstant(op->getOperand(0)) && !isConstant(op->getOperand(1));
  return !isa<DivOp>(op) || !isConstant(op->getOperand(1));
}

/// Where a cotangent is 0 because a select left something out.
struct Absence {
  Value present;        // a bool; the cotangent is 0 where it is false
  bool isWrong = false; // or NaN, after a product
};

/// The reverse sweep over one block and, for the body of the entry, those around it.
class Sweep {
public:
  Sweep(const Activity &activity, RewriterBase &rewriter, Location loc,
        SmallVectorImpl<Operation *> &husks)
      : b(loc, rewriter.getContext()), build(b), activity(activity), rewriter(rewriter),
        husks(husks) {}

  ImplicitLocOpBuilder b; // at the place where backward ops go
  Build build;
  /// In the order of first arrival, so that the output is definite.
  llvm::MapVector<Value, Value> cotangents;

  Value cotangentOf(Value v) {
    putRight(v);
    return cotangents.lookup(v);
  }
  Term termOf(Value v) {
    Value cotangent = cotangentOf(v);
    return cotangent ? build.term(cotangent) : Term{};
  }
  /// Adds to the cotangent of v, which gets the axes of v.
  void add(Value v, Term term, Absence absence = {}) {
    if (!term || !activity.isActive(v) || isZero(term.value))
      return;
    ValueType type = typeOf(v);
    Value &sum = cotangents[v];
    bool isFirst = !sum;
    Absence before = absences.lookup(v);
    bool isAlike = isFirst || before.present == absence.present;
    if (absence.present && (!contains(type, absence.present) || !isAlike)) {
      if (absence.isWrong)
        term = present(term, absence.present);
      absence.isWrong = false;
      if (!contains(type, absence.present))
        absence = {};
    }
    term = build.expandTo(build.reduceTo(term, type), type);
    if (!isAlike) {
      putRight(v);
      if (absence.present && before.present)
        absence.present =
            build.make("or", {build.term(before.present), build.term(absence.present)}).value;
      else
        absence = {};
    }
    absence.isWrong |= isAlike && before.isWrong;
    absences[v] = absence;
    sum = isFirst ? term.value : (build.term(sum) + term).value;
  }
  /// The cotangent in exactly the type of v; zeros where there is none.
  Value settled(Value v) {
    if (Value cotangent = cotangentOf(v))
      return inOrder(b, b.getLoc(), cotangent, v.getType());
    return inOrder(b, b.getLoc(), build.constantLike(0, build.term(v)).value, v.getType());
  }
  /// Before values of the forward program change their names.
  void putAllRight() {
    for (auto &[v, cotangent] : cotangents)
      putRight(v);
    absences.clear();
  }
  LogicalResult run(Block *block, Operation *end) {
    SmallVector<Operation *> ops = opsBefore(block, end);
    for (Operation *op : llvm::reverse(ops)) {
      if (llvm::none_of(op->getResults(), [&](Value v) { return cotangents.contains(v); }))
        continue;
      b.setLoc(backwardLocation(op->getLoc()));
      auto scan = dyn_cast<ScanOp>(op);
      if (scan)
        putAllRight();
      if (failed(scan ? through(scan) : through(op)))
        return failure();
    }
    return success();
  }

private:
  const Activity &activity;
  RewriterBase &rewriter;
  SmallVectorImpl<Operation *> &husks;
  DenseMap<Value, Absence> absences;

  static bool contains(const ValueType &type, Value other) {
    return llvm::all_of(typeOf(other).axes, [&](const Axis &axis) {
      const Axis *mine = type.find(axis.name);
      return mine && mine->size == axis.size;
    });
  }
  Term present(Term term, Value present) {
    return build.select(build.term(present), term, build.constantLike(0, term));
  }
  void putRight(Value v) {
    auto found = absences.find(v);
    if (found == absences.end() || !found->second.isWrong)
      return;
    Value &cotangent = cotangents[v];
    cotangent = present(build.term(cotangent), found->second.present).value;
    found->second.isWrong = false;
  }
  Absence absenceThrough(Operation *op, Absence absence);

  LogicalResult through(Operation *op);
  LogicalResult through(ScanOp scan);
};

/// What is known of the cotangents of op's operands, from that of its result.
Absence Sweep::absenceThrough(Operation *op, Absence absence) {
  if (!absence.present)
    return {};
  if (isa<Elementwise>(op)) {
    absence.isWrong |= multiplies(op);
    return absence;
  }
  if (isa<BroadcastOp, SumOp>(op))
    return absence;
  if (auto rename = dyn_cast<RenameOp>(op)) {
    if (typeOf(absence.present).find(rename.getTo().str()))
      absence.present = build
                            .make("rename", {build.term(absence.present)},
                                  {{"from", rename.getTo().str()}, {"to", rename.getFrom().str()}})
                            .value;
    return absence;
  }
  return {};
}

LogicalResult Sweep::through(Operation *op) {
  if (llvm::none_of(op->getOperands(), [&](Value v) { return activity.isActive(v); }))
    return success();
  auto rule = dyn_cast<Differentiable>(op);
  if (!rule || !rule.noGradient().empty())
    return op->emitError() << "differentiation cannot pass through '"
                           << op->getName().stripDialect()
                           << "': " << (rule ? rule.noGradient() : "it has no derivative rule");
  Absence absence;
  if (op->getNumResults() == 1)
    absence = absenceThrough(op, absences.lookup(op->getResult(0)));
  Terms given;
  for (Value result : op->getResults())
    given.push_back(absence.present ? build.term(cotangents.lookup(result)) : termOf(result));
  if (!given.front())
    given.front() = build.constantLike(0, build.term(op->getResult(0)));
  Terms parts = rule.gradient(build, given);
  if (auto select = dyn_cast<SelectOp>(op)) {
    Term chosen = build.term(select.getCondition());
    auto also = [&](Term condition) -> Absence {
      if (!absence.present)
        return {condition.value};
      return {build.make("and", {build.term(absence.present), condition}).value, absence.isWrong};
    };
    add(select.getX(), parts[1], also(chosen));
    if (activity.isActive(select.getY()))
      add(select.getY(), parts[2], also(build.make("not", {chosen})));
    return success();
  }
  for (auto [operand, part] : llvm::zip(op->getOperands(), parts))
    add(operand, part, absence);
  return success();
}

/// Erases what nothing uses in [from, to), last op first.
void eraseDead(Block::iterator from, Block::iterator to) {
  SmallVector<Operation *> ops;
  for (; from != to; ++from)
    ops.push_back(&*from);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

LogicalResult Sweep::through(ScanOp scan) {
  Location loc = b.getLoc();
  auto body = std::make_unique<Block>();
  body->addArgument(scan.getIndex().getType(), loc);
  Sweep inner(activity, rewriter, loc, husks);
  inner.b.setInsertionPointToEnd(body.get());
  Tape tape(scan, body.get());
  ScanEdit &forward = tape.edit;

  // Cotangents that arrive: of the carried values, then slices of those of the stacks.
  SmallVector<Value> inits, next;
  SmallVector<size_t> carried;
  for (auto [i, carry] : llvm::enumerate(forward.carries))
    if (activity.isActive(carry.argument) || cotangentOf(carry.final)) {
      carried.push_back(i);
      inits.push_back(settled(carry.final));
      Value cotangent = body->addArgument(carry.argument.getType(), loc);
      inner.add(carry.next, inner.build.term(cotangent));
    }
  for (const ScanEdit::Stack &stack : forward.stacks)
    if (Value whole = cotangentOf(stack.whole))
      inner.add(stack.value, inner.build.term(tape.slice(whole)));

  if (failed(inner.run(&scan.getBody().front(), nullptr)))
    return failure();
  forward = ScanEdit(scan); // scans in the body have been made anew

  // Cotangents that leave: of the carried values, of values of the surroundings (summed over the
  // iterations), of the slices (stacked).
  inner.b.setLoc(loc);
  for (size_t i : carried)
    next.push_back(inner.settled(forward.carries[i].argument));
  SmallVector<Value> captured;
  inner.putAllRight();
  for (auto [v, cotangent] : inner.cotangents)
    if (isOutside(scan, v)) {
      Value sum = body->insertArgument(1 + inits.size(), v.getType(), loc);
      inits.push_back(inOrder(b, loc, build.constantLike(0, build.term(v)).value, v.getType()));
      Term more = inner.build.term(sum) + inner.build.term(cotangent);
      next.push_back(inOrder(inner.b, loc, more.value, v.getType()));
      captured.push_back(v);
    }
  SmallVector<Type> types(ValueRange(inits).getTypes());
  SmallVector<Value> sliced;
  for (const ScanEdit::Slice &slice : forward.slices)
    if (Value cotangent = inner.cotangentOf(slice.argument)) {
      next.push_back(cotangent);
      types.push_back(stackedType(cotangent, forward.axis));
      sliced.push_back(slice.whole);
    }
  if (next.empty())
    return success();
  YieldOp::create(inner.b, next);
  eraseDead(body->begin(), body->end());

  // The forward scan grows its tape; then the slices of the backward scan are known.
  tape.bringOver();
  if (forward.stacks.size() > scan.stacks().size()) {
    forward.finish(rewriter);
    husks.push_back(scan);
  }
  SmallVector<Value> wholes;
  for (const Tape::Need &need : tape.needs)
    wholes.push_back(tape.wholeOf(need));
  auto made = ScanOp::create(b, types, inits, wholes, forward.scan.getAxis(), scan.getSize(),
                             !scan.getReverse(), scan.getKind());
  made.getBody().push_back(body.release());

  auto result = made.result_begin();
  for (size_t i : carried)
    add(forward.carries[i].init, build.term(*result++));
  for (Value v : captured)
    add(v, build.term(*result++));
  for (Value whole : sliced)
    add(whole, build.term(*result++));
  return success();
}

/// What the user calls a value.
std::string nameOf(Value v) {
  if (auto read = v.getDefiningOp<ReadOp>())
    return read.getState().str();
  if (auto argument = dyn_cast<BlockArgument>(v))
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "frit.name"))
        return name.str();
  if (auto named = dyn_cast<NameLoc>(v.getLoc()))
    return named.getName().str();
  return "without a name";
}

/// Replaces one frit.gradient.
LogicalResult differentiate(GradientOp gradient, RewriterBase &rewriter) {
  Activity activity(gradient);
  for (Value v : gradient.getWrt()) {
    if (!isReal(v))
      return gradient.emitError() << "parameter '" << nameOf(v) << "' is not real";
    if (!activity.isUseful(v))
      return gradient.emitError() << "the objective does not depend on parameter '" << nameOf(v)
                                  << "'";
  }
  auto blocks = enclosingBlocks(gradient);
  for (auto [block, op] : blocks)
    if (auto scan = dyn_cast<ScanOp>(op))
      for (auto [outer, argument] :
           llvm::zip(scan->getOperands(), scan.getBody().getArguments().drop_front()))
        if (activity.isVaried(outer) && activity.isUseful(argument))
          return gradient.emitError() << "differentiation cannot leave the loop around it through "
                                         "its carried values and slices";

  Operation *before = gradient->getPrevNode();
  SmallVector<Operation *> husks;
  Sweep sweep(activity, rewriter, backwardLocation(gradient.getLoc()), husks);
  sweep.b.setInsertionPoint(gradient);
  Value objective = gradient.getObjective();
  SmallVector<Value> wrt(gradient.getWrt()); // as they are called before scans are made anew
  sweep.add(objective, sweep.build.constant(1, typeOf(objective).element));
  for (auto [block, end] : blocks)
    if (failed(sweep.run(block, end)))
      return failure();

  sweep.b.setLoc(backwardLocation(gradient.getLoc()));
  for (auto [v, result] : llvm::zip(wrt, gradient.getGradients()))
    rewriter.replaceAllUsesWith(
        result, inOrder(sweep.b, sweep.b.getLoc(), sweep.settled(v), result.getType()));
  Block *block = gradient->getBlock();
  eraseDead(before ? std::next(before->getIterator()) : block->begin(), gradient->getIterator());
  rewriter.eraseOp(gradient);
  for (Operation *husk : husks)
    husk->erase();
  return success();
}

struct Differentiate : impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    SmallVector<GradientOp> gradients;
    getOperation().walk([&](GradientOp gradient) { gradients.push_back(gradient); });
    IRRewriter rewriter(&getContext());
    // In program order: a gradient of a gradient finds ops of the language in its way.
    for (GradientOp gradient : gradients)
      if (failed(differentiate(gradient, rewriter)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace frit
