// Every thread runs the same entry function. Kernels split their work by thread; between two
// kernels that touch the same bytes (one of them writing) all threads meet at a barrier. Whether
// they touch the same bytes is asked of the plan's places, not of the values: memory is reused.
//
// Kernels too small to share are run by thread 0 alone. Those need no barrier among themselves.
#include "codegen/Entry.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <cmath>

using namespace mlir;

namespace frit {

namespace {

struct Access {
  Place place;
  bool writes;
  bool serial; // by thread 0 alone
};

/// Kernels by what they do: equal bodies are one function.
class Kernels {
public:
  Kernels(ModuleOp module, const Target &target, bool naive)
      : module(module), target(target), naive(naive) {}
  ArrayRef<func::FuncOp> get(Operation *op);
  func::FuncOp getCopy(const PlannedCopy &copy);

private:
  func::FuncOp unique(func::FuncOp function);

  ModuleOp module;
  const Target &target;
  bool naive;
  std::map<std::string, SmallVector<func::FuncOp>> byOp;
  llvm::StringMap<func::FuncOp> byBody;
  int count = 0;
};

class EntryWriter {
public:
  EntryWriter(Entries &out, Kernels &kernels, const Plan &plan, const Target &target,
              const EntryOptions &options, func::FuncOp entry)
      : out(out), kernels(kernels), plan(plan), target(target), options(options), entry(entry),
        b(entry.getLoc(), entry.getContext()) {}
  LogicalResult write(StringRef symbol);

private:
  struct Loop {
    Value position, iteration; // i64
  };
  LogicalResult writeBlock(Block &block);
  LogicalResult writeKernel(Operation *op);
  LogicalResult writeScan(ScanOp scan);
  void lookAtResult(Operation *op);
  void writeCopies(Operation *anchor, When when);
  void call(func::FuncOp kernel, ArrayRef<Place> places, Value workspace, bool serial);
  void meet(ArrayRef<Access> accesses);
  void barrier();
  Value address(const Place &place);
  Value integer(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  void ifFirst(function_ref<void()> body);

  Entries &out;
  Kernels &kernels;
  const Plan &plan;
  const Target &target;
  const EntryOptions &options;
  func::FuncOp entry;
  ImplicitLocOpBuilder b;
  Value context, arena, thread, threads, isFirst, zero, one, ownWorkspace;
  DenseMap<Operation *, Loop> loops;
  std::vector<Access> pending; // since the last barrier
  int64_t sharedCount = 0;     // accesses by all threads, so far
  int64_t times = 1;
};

} // namespace

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// What makes an op's kernel: its name, attributes and types, but not where it stands.
static void describe(Operation *op, llvm::raw_ostream &out, DenseMap<Value, int> &numbers) {
  out << op->getName();
  for (StringAttr name : op->getName().getAttributeNames())
    if (auto attribute = op->getInherentAttr(name); attribute && *attribute)
      out << " " << name << "=" << *attribute;
  for (Value operand : op->getOperands()) {
    auto number = numbers.find(operand);
    out << (number == numbers.end() ? " %" : " %" + std::to_string(number->second)) << " "
        << operand.getType();
  }
  for (Value result : op->getResults()) {
    numbers[result] = int(numbers.size());
    out << " -> " << result.getType();
  }
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      for (Value argument : block.getArguments())
        numbers[argument] = int(numbers.size());
      out << " {";
      for (Operation &inner : block) {
        describe(&inner, out, numbers);
        out << ";";
      }
      out << "}";
    }
}

/// The function, or one that was there before and does the same.
func::FuncOp Kernels::unique(func::FuncOp function) {
  std::string name = function.getName().str(), body;
  llvm::raw_string_ostream out(body);
  function.setName("kernel");
  function->print(out, OpPrintingFlags().useLocalScope());
  function.setName(name);
  auto [found, isNew] = byBody.try_emplace(body, function);
  if (!isNew)
    function.erase();
  return found->second;
}

ArrayRef<func::FuncOp> Kernels::get(Operation *op) {
  std::string key;
  llvm::raw_string_ostream out(key);
  DenseMap<Value, int> numbers;
  describe(op, out, numbers);
  auto [found, isNew] = byOp.try_emplace(key);
  if (!isNew)
    return found->second;
  const Emitter *emitter = chooseEmitter(op, target, naive);
  std::string name = op->getName().stripDialect().str() + "_" + std::to_string(count++);
  for (func::FuncOp function : emitter->emit(op, module, name, target))
    found->second.push_back(unique(function));
  return found->second;
}

/// Dense rows by memcpy, anything else element by element.
func::FuncOp Kernels::getCopy(const PlannedCopy &copy) {
  KernelBuilder k(module, "copy_" + std::to_string(count++), 1, 1);
  ImplicitLocOpBuilder &b = k.b;
  Type element = copy.element.isInteger(1) ? b.getI8Type() : copy.element;
  Type i64 = b.getI64Type();
  ArrayRef<CopyDim> dims = copy.dims;
  bool denseRows = !dims.empty() && dims.back().from == 1 && dims.back().to == 1;
  ArrayRef<CopyDim> outer = denseRows ? dims.drop_back() : dims;
  auto pointer = [&](Value base, Value offset) -> Value {
    return LLVM::GEPOp::create(b, base.getType(), element, base,
                               ValueRange{arith::IndexCastOp::create(b, i64, offset)});
  };
  auto copyRow = [&](Value from, Value to, Value begin, Value end) {
    Value bytes = k.mul(k.sub(end, begin), k.index(bytesOfElement(copy.element)));
    LLVM::MemcpyOp::create(b, pointer(k.result(0), k.add(to, begin)),
                           pointer(k.operand(0), k.add(from, begin)),
                           arith::IndexCastOp::create(b, i64, bytes), false);
  };
  if (outer.empty() && denseRows) {
    auto [begin, end] = k.share(dims[0].size);
    copyRow(k.index(0), k.index(0), begin, end);
    return unique(k.function);
  }
  std::vector<Axis> axes;
  for (auto [i, dim] : llvm::enumerate(outer))
    axes.push_back({std::to_string(i), dim.size});
  k.split(axes, [&](const Position &at) {
    Value from = k.index(0), to = k.index(0);
    for (auto [i, dim] : llvm::enumerate(outer)) {
      Value here = at.at(std::to_string(i));
      from = k.add(from, k.mul(here, k.index(dim.from)));
      to = k.add(to, k.mul(here, k.index(dim.to)));
    }
    if (denseRows) {
      copyRow(from, to, k.index(0), k.index(dims.back().size));
    } else {
      Value value = LLVM::LoadOp::create(b, element, pointer(k.operand(0), from));
      LLVM::StoreOp::create(b, value, pointer(k.result(0), to));
    }
  });
  return unique(k.function);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// Element operations: positions of all axes that the op touches.
static double workOf(Operation *op) {
  double work = 1;
  std::map<std::string, int64_t> seen;
  auto look = [&](Value value) {
    for (const Axis &axis : typeOf(value).axes)
      if (seen.insert({axis.name, axis.size}).second)
        work *= double(axis.size);
  };
  for (Value operand : op->getOperands())
    look(operand);
  for (Value result : op->getResults())
    look(result);
  // Each element of a sort is compared once per doubling of its row.
  if (isa<SortOp, TopKOp>(op))
    work *=
        std::ceil(std::log2(1.0 + double(typeOf(op->getOperand(0))
                                             .find(op->getAttrOfType<AxesAttr>("over").strings()[0])
                                             ->size)));
  return work;
}

static double flopsOf(Operation *op) {
  if (auto group = dyn_cast<GroupOp>(op)) {
    double sum = 0;
    for (Operation &inner : group.getBody().front().without_terminator())
      sum += flopsOf(&inner);
    return sum;
  }
  if (isa<ContractOp>(op))
    return 2 * workOf(op);
  return isa<ConstantOp, IndexOp, RenameOp, SplitOp, MergeOp, SliceOp, StackOp, BroadcastOp,
             GatherOp>(op)
             ? 0
             : workOf(op);
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

Value EntryWriter::address(const Place &place) {
  Value offset = integer(place.offset);
  for (const LoopTerm &term : place.terms) {
    Loop loop = loops.lookup(term.loop);
    Value factor = loop.position;
    if (term.kind != LoopTerm::Position) {
      Value n = term.kind == LoopTerm::Parity
                    ? loop.iteration
                    : arith::AddIOp::create(b, loop.iteration, integer(1)).getResult();
      factor = arith::AndIOp::create(b, n, integer(1));
    }
    offset =
        arith::AddIOp::create(b, offset, arith::MulIOp::create(b, factor, integer(term.stride)));
  }
  return LLVM::GEPOp::create(b, arena.getType(), b.getI8Type(), arena, ValueRange{offset});
}

void EntryWriter::barrier() {
  func::CallOp::create(b, "frit_barrier", TypeRange(), ValueRange{context});
  pending.clear();
}

/// Makes sure that what follows may touch these places.
void EntryWriter::meet(ArrayRef<Access> accesses) {
  bool conflict = llvm::any_of(accesses, [&](const Access &now) {
    return llvm::any_of(pending, [&](const Access &before) {
      return (now.writes || before.writes) && !(now.serial && before.serial) &&
             overlap(now.place, before.place);
    });
  });
  if (conflict)
    barrier();
  for (const Access &access : accesses)
    sharedCount += !access.serial;
  pending.insert(pending.end(), accesses.begin(), accesses.end());
}

void EntryWriter::ifFirst(function_ref<void()> body) {
  auto guarded = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guarded.thenBlock()->getTerminator());
  body();
}

void EntryWriter::call(func::FuncOp kernel, ArrayRef<Place> places, Value workspace, bool serial) {
  auto emit = [&] {
    SmallVector<Value> operands;
    for (const Place &place : places)
      operands.push_back(address(place));
    operands.push_back(workspace);
    operands.push_back(serial ? zero : thread);
    operands.push_back(serial ? one : threads);
    func::CallOp::create(b, kernel, operands);
  };
  if (serial)
    ifFirst(emit);
  else
    emit();
}

LogicalResult EntryWriter::writeKernel(Operation *op) {
  const Emitter *emitter = chooseEmitter(op, target, options.naive);
  if (!emitter)
    return op->emitOpError("has no lowering: a pass should have replaced it");
  bool serial = workOf(op) < options.worthSharing;
  SmallVector<Place> places;
  std::vector<Access> accesses;
  for (Value operand : op->getOperands()) {
    places.push_back(plan.placeOf(operand));
    accesses.push_back({places.back(), false, serial});
  }
  for (Value result : op->getResults()) {
    places.push_back(plan.placeOf(result));
    accesses.push_back({places.back(), true, serial});
  }
  Value workspace = ownWorkspace;
  if (auto shared = plan.sharedWorkspaceOf(op)) {
    accesses.push_back({*shared, true, serial});
    workspace = address(*shared);
  }
  SmallVector<Place> given = places;
  // Words of a watch are only ever written by one atomic kind of write: nobody waits for them.
  if (isWatched(op))
    given.push_back(*plan.watchesAt(op));
  ArrayRef<func::FuncOp> phases = kernels.get(op);
  if (phases.empty()) // the emitter has said why
    return failure();
  for (func::FuncOp kernel : phases) {
    meet(accesses);
    call(kernel, given, workspace, serial);
    double bytes = 0;
    for (const Place &place : places)
      bytes += double(place.bytes);
    // Of a table only what is looked up.
    if (isa<GatherOp>(op))
      bytes += double(places.back().bytes) - double(places.front().bytes);
    out.calls.push_back({kernel.getName().str(), entry.getName().str(), sourceOf(op->getLoc()),
                         layerOf(op->getLoc()), emitter->name, times, flopsOf(op), bytes, serial});
  }
  lookAtResult(op);
  return success();
}

/// Under --check-finite: thread 0 looks through what an op made that does not look itself.
void EntryWriter::lookAtResult(Operation *op) {
  SmallVector<Watch> watches = watchesOf(op);
  if (watches.empty() || watches.back().kind != Watch::Finite || isa<GroupOp, Elementwise>(op))
    return;
  Place word = *plan.watchesAt(op);
  word.offset += 8 * int64_t(watches.size() - 1);
  std::vector<Access> accesses;
  SmallVector<Value> looked{op->getResult(0)};
  for (Value operand : op->getOperands())
    if (isReal(typeOf(operand).element) && !overlap(plan.placeOf(operand), plan.placeOf(looked[0])))
      looked.push_back(operand);
  for (Value value : looked)
    accesses.push_back({plan.placeOf(value), false, true});
  meet(accesses);
  ifFirst([&] {
    auto isFinite = [&](Value value) {
      ValueType type = typeOf(value);
      Value count = integer(type.count());
      Value bytes = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(int32_t(bytesOfElement(getElementTypeOrSelf(value.getType())))));
      return func::CallOp::create(b, "frit_finite", b.getI32Type(),
                                  ValueRange{address(plan.placeOf(value)), count, bytes})
          .getResult(0);
    };
    Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    Value bad = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, isFinite(looked[0]), none);
    auto branch = scf::IfOp::create(b, bad, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    // 2 if the operands have none, else 1.
    Value fine = arith::ConstantOp::create(b, b.getI32IntegerAttr(canMakeNotFinite(op)));
    for (Value operand : ArrayRef(looked).drop_front())
      fine = arith::AndIOp::create(b, fine, isFinite(operand));
    Value value =
        arith::AddIOp::create(b, integer(1), arith::ExtUIOp::create(b, b.getI64Type(), fine));
    Value old = LLVM::LoadOp::create(b, b.getI64Type(), address(word));
    LLVM::StoreOp::create(b, arith::MaxSIOp::create(b, value, old), address(word));
  });
}

void EntryWriter::writeCopies(Operation *anchor, When when) {
  for (const PlannedCopy &copy : plan.copies(anchor, when)) {
    bool serial = double(copy.count()) < options.worthSharing;
    meet({{copy.from, false, serial}, {copy.to, true, serial}});
    call(kernels.getCopy(copy), {copy.from, copy.to}, ownWorkspace, serial);
  }
}

LogicalResult EntryWriter::writeScan(ScanOp scan) {
  writeCopies(scan, When::BeforeLoop);
  int64_t size = scan.getSize();
  auto loop = scf::ForOp::create(b, zero, arith::ConstantIndexOp::create(b, size), one);
  int64_t sharedBefore = sharedCount;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value n = arith::IndexCastOp::create(b, b.getI64Type(), loop.getInductionVar());
    Value i = scan.getReverse() ? arith::SubIOp::create(b, integer(size - 1), n).getResult() : n;
    loops[scan] = {i, n};
    times *= size;
    if (!scan.getIndex().use_empty()) {
      Place place = plan.placeOf(scan.getIndex());
      meet({{place, true, true}});
      ifFirst([&] {
        Value number = arith::TruncIOp::create(b, b.getI32Type(), i);
        LLVM::StoreOp::create(b, number, address(place));
      });
    }
    writeCopies(scan, When::IterationStart);
    if (failed(writeBlock(scan.getBody().front())))
      return failure();
    writeCopies(scan, When::IterationEnd);
    times /= size;
    // The next iteration begins as the first one did: with everything of this one done. If thread 0
    // does all, the others run ahead through nothing.
    if (sharedCount > sharedBefore && !pending.empty())
      barrier();
    loops.erase(scan);
  }
  // Seen from outside, a place in the loop is all that it was in any iteration.
  for (Access &access : pending) {
    Place wide = access.place;
    wide.terms.clear();
    for (const LoopTerm &term : access.place.terms) {
      if (term.loop != scan)
        wide.terms.push_back(term);
      else
        wide.bytes += term.stride * (term.kind == LoopTerm::Position ? size - 1 : 1);
    }
    access.place = wide;
  }
  writeCopies(scan, When::AfterLoop);
  return success();
}

LogicalResult EntryWriter::writeBlock(Block &block) {
  for (Operation &op : block) {
    b.setLoc(op.getLoc());
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (failed(writeScan(scan)))
        return failure();
    } else if (isa<ReadOp>(op)) {
      writeCopies(&op, When::AtRead);
    } else if (!plan.isView(&op) && !isa<func::ReturnOp>(op)) {
      if (failed(writeKernel(&op)))
        return failure();
    }
  }
  return success();
}

LogicalResult EntryWriter::write(StringRef symbol) {
  b.setInsertionPointToEnd(out.module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto function = func::FuncOp::create(b, symbol, b.getFunctionType({pointer, b.getI32Type()}, {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  func::ReturnOp::create(b);
  b.setInsertionPoint(body->getTerminator());

  // struct FritContext { uint8_t *arena; int32_t threads; void *pool; }
  context = body->getArgument(0);
  arena = LLVM::LoadOp::create(b, pointer, context);
  Value threadsAt =
      LLVM::GEPOp::create(b, pointer, b.getI8Type(), context, ArrayRef<LLVM::GEPArg>{8});
  Value threadCount = LLVM::LoadOp::create(b, b.getI32Type(), threadsAt);
  threads = arith::IndexCastOp::create(b, b.getIndexType(), threadCount);
  thread = arith::IndexCastOp::create(b, b.getIndexType(), body->getArgument(1));
  zero = arith::ConstantIndexOp::create(b, 0);
  one = arith::ConstantIndexOp::create(b, 1);
  isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, zero);
  Value number = arith::ExtSIOp::create(b, b.getI64Type(), body->getArgument(1));
  Value offset = arith::AddIOp::create(
      b, integer(plan.arena), arith::MulIOp::create(b, number, integer(plan.threadWorkspace)));
  ownWorkspace = LLVM::GEPOp::create(b, pointer, b.getI8Type(), arena, ValueRange{offset});

  if (failed(writeBlock(entry.getBody().front())))
    return failure();
  writeCopies(entry, When::BeforeWrites);
  writeCopies(entry, When::EntryEnd);
  return success();
}

FailureOr<Entries> emitEntries(ModuleOp program, const Plan &plan, const Target &target,
                               const EntryOptions &options, StringRef suffix) {
  Entries out;
  out.module = ModuleOp::create(UnknownLoc::get(program.getContext()));
  OpBuilder b = OpBuilder::atBlockEnd(out.module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto declaration = func::FuncOp::create(b, out.module->getLoc(), "frit_barrier",
                                          b.getFunctionType({pointer}, {}));
  declaration.setPrivate();
  Type i32 = b.getI32Type();
  auto finite = func::FuncOp::create(b, out.module->getLoc(), "frit_finite",
                                     b.getFunctionType({pointer, b.getI64Type(), i32}, {i32}));
  finite.setPrivate();
  Kernels kernels(*out.module, target, options.naive);
  for (func::FuncOp entry : program.getOps<func::FuncOp>()) {
    if (!entry->hasAttr("frit.entry"))
      continue;
    std::string symbol = "frit_entry_" + entry.getName().str() + suffix.str();
    if (failed(EntryWriter(out, kernels, plan, target, options, entry).write(symbol)))
      return failure();
    out.symbols.push_back(symbol);
  }
  return out;
}

} // namespace frit
