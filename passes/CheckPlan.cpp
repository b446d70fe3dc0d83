// An independent judge of memory plans: no lifetimes, no storages. It runs the entry on a shadow of
// the arena in which every byte remembers the value that wrote it, and looks whether each op finds
// the bytes it means to read.
#include "passes/Plan.h"

using namespace mlir;
using namespace frit;

namespace {

/// What lies in each byte of a value: a number that no other byte of any value has.
using Contents = std::vector<uint64_t>;

struct Moment {
  int64_t position, iteration;
};

class Shadow {
public:
  Shadow(const Plan &plan) : plan(plan), arena(plan.arena, 0) {}
  std::string run(func::FuncOp entry);

private:
  int64_t at(const Place &place) const;
  Contents fresh(int64_t bytes);
  bool expect(Operation *op, Value value, const Contents &contents, const Place &place);
  void put(const Contents &contents, const Place &place);
  void copies(Operation *anchor, When when);
  bool run(Block &block);
  bool runKernel(Operation *op);
  bool runScan(ScanOp scan);
  bool fail(Operation *op, const std::string &text) {
    llvm::raw_string_ostream out(error);
    out << text << ": ";
    op->print(out, OpPrintingFlags().skipRegions());
    return false;
  }

  const Plan &plan;
  std::vector<uint64_t> arena;
  uint64_t next = 1;
  DenseMap<Value, Contents> contents;
  std::map<std::string, Contents> stateContents;
  DenseMap<Operation *, Moment> moments;
  std::string error;
};

/// Moves the elements of `from` to where `to` has them, by axis name. Along `axis`, which one of
/// the two may lack, only position `i`.
void move(const Contents &from, Type fromTensor, Contents &to, Type toTensor, StringRef axis = "",
          int64_t i = 0) {
  ValueType source = toValueType(cast<RankedTensorType>(fromTensor));
  ValueType target = toValueType(cast<RankedTensorType>(toTensor));
  int64_t bytes = bytesOfElement(getElementTypeOrSelf(fromTensor));
  std::vector<Axis> common;
  for (const Axis &a : source.axes)
    if (target.find(a.name))
      common.push_back(a);
  int64_t count = ValueType{Element::I1, common}.count();
  for (int64_t element = 0; element < count; ++element) {
    std::map<std::string, int64_t> position{{axis.str(), i}};
    int64_t rest = element;
    for (const Axis &a : llvm::reverse(common)) {
      position[a.name] = rest % a.size;
      rest /= a.size;
    }
    auto flat = [&](const ValueType &type) {
      int64_t index = 0;
      for (const Axis &a : type.axes)
        index = index * a.size + position[a.name];
      return index * bytes;
    };
    std::copy_n(from.begin() + flat(source), bytes, to.begin() + flat(target));
  }
}

Contents moved(const Contents &from, Type fromTensor, Type toTensor, StringRef axis = "",
               int64_t i = 0) {
  Contents to(bytesOf(toTensor));
  move(from, fromTensor, to, toTensor, axis, i);
  return to;
}

} // namespace

int64_t Shadow::at(const Place &place) const {
  int64_t offset = place.offset;
  for (const LoopTerm &term : place.terms) {
    Moment moment = moments.lookup(term.loop);
    offset += term.stride * (term.kind == LoopTerm::Position ? moment.position
                             : term.kind == LoopTerm::Parity ? moment.iteration % 2
                                                             : (moment.iteration + 1) % 2);
  }
  return offset;
}

Contents Shadow::fresh(int64_t bytes) {
  Contents result(bytes);
  for (uint64_t &byte : result)
    byte = next++;
  return result;
}

void Shadow::put(const Contents &contents, const Place &place) {
  std::copy(contents.begin(), contents.end(), arena.begin() + at(place));
}

bool Shadow::expect(Operation *op, Value value, const Contents &wanted, const Place &place) {
  int64_t begin = at(place);
  if (begin < 0 || begin + int64_t(wanted.size()) > plan.arena)
    return fail(op, "a value lies outside the arena");
  if (std::equal(wanted.begin(), wanted.end(), arena.begin() + begin))
    return true;
  return fail(op, "something else lies at byte " + std::to_string(begin));
}

void Shadow::copies(Operation *anchor, When when) {
  for (const PlannedCopy &copy : plan.copies(anchor, when)) {
    int64_t size = bytesOfElement(copy.element), from = at(copy.from), to = at(copy.to);
    Contents old = arena;
    for (int64_t element = 0, count = copy.count(); element < count; ++element) {
      int64_t source = 0, target = 0, rest = element;
      for (const CopyDim &dim : llvm::reverse(copy.dims)) {
        source += rest % dim.size * dim.from;
        target += rest % dim.size * dim.to;
        rest /= dim.size;
      }
      std::copy_n(old.begin() + from + source * size, size, arena.begin() + to + target * size);
    }
  }
}

bool Shadow::runKernel(Operation *op) {
  std::optional<Place> workspace = plan.sharedWorkspaceOf(op);
  if (workspace)
    put(fresh(workspace->bytes), *workspace);
  for (Value operand : op->getOperands())
    if (!expect(op, operand, contents[operand], plan.placeOf(operand)))
      return false;
  for (OpResult result : op->getResults()) {
    Place place = plan.placeOf(result);
    if (at(place) < 0 || at(place) + place.bytes > plan.arena)
      return fail(op, "a result lies outside the arena");
    if (workspace && overlap(place, *workspace))
      return fail(op, "a result lies in the workspace");
    for (OpOperand &operand : op->getOpOperands()) {
      Place other = plan.placeOf(operand.get());
      if (overlap(place, other) &&
          (at(place) != at(other) ||
           !plan.runsInPlace(op, operand.getOperandNumber(), result.getResultNumber())))
        return fail(op, "a result lies over an operand");
    }
    for (OpResult other : op->getResults().take_front(result.getResultNumber()))
      if (overlap(place, plan.placeOf(other)))
        return fail(op, "two results meet");
    contents[result] = fresh(place.bytes);
    put(contents[result], place);
  }
  return true;
}

bool Shadow::runScan(ScanOp scan) {
  Block &body = scan.getBody().front();
  Operation *yield = body.getTerminator();
  unsigned carries = scan.getInits().size();
  for (Value operand : scan->getOperands())
    if (!expect(scan, operand, contents[operand], plan.placeOf(operand)))
      return false;
  copies(scan, When::BeforeLoop);
  int64_t size = scan.getSize();
  std::vector<Contents> carried, stacks;
  for (auto [init, argument] : llvm::zip(scan.getInits(), scan.carried()))
    carried.push_back(moved(contents[init], init.getType(), argument.getType()));
  for (Value stack : scan.stacks())
    stacks.push_back(Contents(bytesOf(stack.getType())));

  for (int64_t n = 0; n < size; ++n) {
    int64_t i = scan.getReverse() ? size - 1 - n : n;
    moments[scan] = {i, n};
    copies(scan, When::IterationStart);
    Value index = scan.getIndex();
    contents[index] = fresh(4);
    put(contents[index], plan.placeOf(index));
    for (unsigned c = 0; c < carries; ++c) {
      contents[scan.carried()[c]] = carried[c];
      if (!expect(scan, scan.carried()[c], carried[c], plan.placeOf(scan.carried()[c])))
        return false;
    }
    for (auto [operand, argument] : llvm::zip(scan.getSlices(), scan.sliced())) {
      Contents part =
          moved(contents[operand], operand.getType(), argument.getType(), scan.getAxis(), i);
      contents[argument] = part;
      if (!expect(scan, argument, part, plan.placeOf(argument)))
        return false;
    }
    if (!run(body))
      return false;
    copies(scan, When::IterationEnd);
    for (unsigned c = 0; c < carries; ++c) {
      Value next = yield->getOperand(c);
      carried[c] = moved(contents[next], next.getType(), scan.carried()[c].getType());
    }
    for (unsigned s = 0; s < stacks.size(); ++s) {
      Value value = yield->getOperand(carries + s);
      move(contents[value], value.getType(), stacks[s], scan.stacks()[s].getType(), scan.getAxis(),
           i);
    }
  }
  copies(scan, When::AfterLoop);
  moments.erase(scan);
  for (unsigned c = 0; c < carries; ++c)
    contents[scan.finals()[c]] =
        moved(carried[c], scan.carried()[c].getType(), scan.finals()[c].getType());
  for (unsigned s = 0; s < stacks.size(); ++s)
    contents[scan.stacks()[s]] = stacks[s];
  for (Value result : scan.getResults())
    if (!expect(scan, result, contents[result], plan.placeOf(result)))
      return false;
  return true;
}

bool Shadow::run(Block &block) {
  for (Operation &op : block) {
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (!runScan(scan))
        return false;
    } else if (auto read = dyn_cast<ReadOp>(op)) {
      auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(read, read.getStateAttr());
      contents[read.getResult()] =
          moved(stateContents[read.getState().str()], state.getType(), read.getResult().getType());
      copies(read, When::AtRead);
    } else if (isa<WriteOp, YieldOp, func::ReturnOp>(op)) {
      for (Value operand : op.getOperands())
        if (!expect(&op, operand, contents[operand], plan.placeOf(operand)))
          return false;
    } else if (plan.isView(&op)) {
      Contents part = contents[op.getOperand(0)];
      if (auto slice = dyn_cast<SliceOp>(op)) {
        int64_t bytes = bytesOf(op.getResult(0).getType());
        part = Contents(part.begin() + slice.getAt() * bytes,
                        part.begin() + (slice.getAt() + 1) * bytes);
      }
      contents[op.getResult(0)] = part;
    } else if (!runKernel(&op)) {
      return false;
    }
  }
  return true;
}

std::string Shadow::run(func::FuncOp entry) {
  for (auto &[name, place] : plan.states) {
    stateContents[name] = fresh(place.bytes);
    put(stateContents[name], place);
  }
  for (BlockArgument argument : entry.getArguments()) {
    contents[argument] = fresh(bytesOf(argument.getType()));
    put(contents[argument], plan.placeOf(argument));
  }
  Block &body = entry.getBody().front();
  if (!run(body))
    return error;
  copies(entry, When::BeforeWrites);
  copies(entry, When::EntryEnd);
  std::map<std::string, Contents> after = stateContents;
  for (WriteOp write : body.getOps<WriteOp>()) {
    auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(write, write.getStateAttr());
    after[write.getState().str()] =
        moved(contents[write.getValue()], write.getValue().getType(), state.getType());
  }
  for (auto &[name, wanted] : after)
    if (!expect(entry, {}, wanted, plan.placeOfState(name)))
      return "state " + name + ": " + error;
  for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (!expect(entry, {}, contents[value], plan.placeOfOutput(entry, index)))
      return "output " + std::to_string(index) + ": " + error;
  return "";
}

std::string frit::checkPlan(ModuleOp module, const Plan &plan) {
  for (func::FuncOp entry : module.getOps<func::FuncOp>())
    if (entry->hasAttr("frit.entry"))
      if (std::string error = Shadow(plan).run(entry); !error.empty())
        return entry.getName().str() + ": " + error;
  return "";
}
