#include "codegen/Compile.h"
#include "codegen/Describe.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace frit {

/// Puts the ops of a group in its place.
static void open(GroupOp group) {
  Block &body = group.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), group.getInputs());
  OpBuilder b(group);
  for (Operation &op : body.without_terminator())
    b.clone(op, mapping);
  for (auto [result, value] : llvm::zip(group.getResults(), body.getTerminator()->getOperands()))
    result.replaceAllUsesWith(mapping.lookupOrDefault(value));
  group.erase();
}

static void openGroups(ModuleOp program, const Target &target, bool naive) {
  SmallVector<GroupOp> left;
  program.walk([&](GroupOp group) {
    if (!chooseEmitter(group, target, naive))
      left.push_back(group);
  });
  for (GroupOp group : left)
    open(group);
}

llvm::Expected<Entries> lowerLevel(ModuleOp program, const Target &target,
                                   const CompileOptions &options, Plan &plan, StringRef suffix) {
  openGroups(program, target, options.naive);
  KernelFacts facts;
  facts.workspace = [&target, options](Operation *op) {
    const Emitter *emitter = chooseEmitter(op, target, options.naive);
    return emitter && emitter->workspace ? emitter->workspace(op, target) : WorkspaceNeed();
  };
  // The plan keeps this one.
  facts.runsInPlace = [target, options](Operation *op, unsigned operand, unsigned result) {
    const Emitter *emitter = chooseEmitter(op, target, options.naive);
    return emitter && emitter->runsInPlace && emitter->runsInPlace(op, operand, result);
  };
  plan = planMemory(program, facts);
  FailureOr<Entries> entries = emitEntries(program, plan, target, options, suffix);
  if (failed(entries))
    return llvm::createStringError("could not make kernels of the program");
  return std::move(*entries);
}

llvm::Expected<Level> compileLevel(ModuleOp program, const Target &target,
                                   const CompileOptions &options) {
  Level level;
  level.isa = target.isa;
  auto entries = lowerLevel(program, target, options, level.plan, "_" + target.isa);
  if (!entries)
    return entries.takeError();
  for (func::FuncOp entry : program.getOps<func::FuncOp>())
    if (entry->hasAttr("frit.entry"))
      level.entries.push_back(entry.getName().str());
  level.symbols = entries->symbols;
  level.calls = std::move(entries->calls);
  level.description = describe(program, level.plan);
  ObjectOptions object;
  object.optLevel = options.optLevel;
  object.exports = level.symbols;
  auto bytes = compileModule(*entries->module, target, object);
  if (!bytes)
    return bytes.takeError();
  level.object = std::move(*bytes);
  return level;
}

llvm::Expected<std::string> emitText(ModuleOp program, const Target &target, Emission emission,
                                     const CompileOptions &options) {
  Plan plan;
  auto entries = lowerLevel(program, target, options, plan, "_" + target.isa);
  if (!entries)
    return entries.takeError();
  ObjectOptions object;
  object.emission = emission;
  object.optLevel = options.optLevel;
  object.exports = entries->symbols;
  return compileModule(*entries->module, target, object);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {

/// Constant data of the LLVM dialect.
class TableBuilder {
public:
  TableBuilder(ModuleOp module)
      : b(module.getLoc(), module.getContext()),
        pointer(LLVM::LLVMPointerType::get(b.getContext())) {
    b.setInsertionPointToEnd(module.getBody());
  }
  void text(const std::string &name, const std::string &value) {
    std::string bytes = value + '\0';
    LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()), true,
                           LLVM::Linkage::Private, name, b.getStringAttr(bytes));
  }
  void declareEntry(const std::string &symbol) {
    LLVM::LLVMFuncOp::create(b, symbol,
                             LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                                         {pointer, b.getI32Type()}));
  }
  /// A constant whose value `make` builds.
  void constant(const std::string &name, Type type, LLVM::Linkage linkage,
                function_ref<Value()> make) {
    auto global = LLVM::GlobalOp::create(b, type, true, linkage, name, mlir::Attribute());
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(b, make());
  }
  Value addressOf(const std::string &name) { return LLVM::AddressOfOp::create(b, pointer, name); }
  Value aggregate(Type type, ArrayRef<Value> parts) {
    Value value = LLVM::UndefOp::create(b, type);
    for (auto [i, part] : llvm::enumerate(parts))
      value = LLVM::InsertValueOp::create(b, value, part, int64_t(i));
    return value;
  }
  Type structOf(ArrayRef<Type> types) {
    return LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  }

  ImplicitLocOpBuilder b;
  Type pointer;
};

} // namespace

llvm::Expected<std::string> compileTable(ArrayRef<Level> levels, MLIRContext *context) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  TableBuilder t(*module);
  Type entryType = t.structOf({t.pointer, t.pointer});
  Type levelType = t.structOf({t.pointer, t.pointer, t.pointer, t.b.getI64Type()});
  for (const Level &level : levels) {
    t.text("isa_" + level.isa, level.isa);
    t.text("description_" + level.isa, level.description);
    for (auto [name, symbol] : llvm::zip(level.entries, level.symbols)) {
      t.text("name_" + symbol, name);
      t.declareEntry(symbol);
    }
    Type table = LLVM::LLVMArrayType::get(entryType, level.symbols.size());
    t.constant("entries_" + level.isa, table, LLVM::Linkage::Private, [&] {
      SmallVector<Value> entries;
      for (const std::string &symbol : level.symbols)
        entries.push_back(
            t.aggregate(entryType, {t.addressOf("name_" + symbol), t.addressOf(symbol)}));
      return t.aggregate(table, entries);
    });
    t.constant("level_" + level.isa, levelType, LLVM::Linkage::Private, [&] {
      Value count =
          LLVM::ConstantOp::create(t.b, t.b.getI64IntegerAttr(int64_t(level.symbols.size())));
      return t.aggregate(levelType,
                         {t.addressOf("isa_" + level.isa), t.addressOf("description_" + level.isa),
                          t.addressOf("entries_" + level.isa), count});
    });
  }
  Type all = LLVM::LLVMArrayType::get(t.pointer, levels.size() + 1);
  t.constant("frit_levels", all, LLVM::Linkage::External, [&] {
    SmallVector<Value> pointers;
    for (const Level &level : levels)
      pointers.push_back(t.addressOf("level_" + level.isa));
    pointers.push_back(LLVM::ZeroOp::create(t.b, t.pointer));
    return t.aggregate(all, pointers);
  });
  ObjectOptions options;
  options.exports = {"frit_levels"};
  return compileModule(*module, *Target::named("baseline"), options);
}

//===----------------------------------------------------------------------===//
// Everything
//===----------------------------------------------------------------------===//

std::vector<std::string> Compiled::objects() const {
  std::vector<std::string> bytes;
  for (const Level &level : levels)
    bytes.push_back(level.object);
  bytes.push_back(table);
  return bytes;
}

llvm::Expected<Compiled> compile(ModuleOp program, ArrayRef<Target> targets,
                                 const CompileOptions &options) {
  Compiled compiled;
  for (const Target &target : targets) {
    // Each level opens groups of its own.
    OwningOpRef<ModuleOp> copy = program.clone();
    auto level = compileLevel(*copy, target, options);
    if (!level)
      return level.takeError();
    level->plan.forgetOps();
    compiled.levels.push_back(std::move(*level));
  }
  auto table = compileTable(compiled.levels, program.getContext());
  if (!table)
    return table.takeError();
  compiled.table = std::move(*table);
  return compiled;
}

} // namespace frit
