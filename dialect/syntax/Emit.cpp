// The copy is generic: an op is its mnemonic, operands, attributes and result types. Only what the
// graph says in another form is named here: symbols, segments, bodies.
#include "dialect/syntax/Emit.h"
#include "dialect/Frit.h"
#include "mlir/IR/Verifier.h"

namespace frit {

namespace {
class Emitter {
public:
  Emitter(const Graph &graph, mlir::MLIRContext &context)
      : graph(graph), context(context), b(&context) {}

  mlir::OwningOpRef<mlir::ModuleOp> run() {
    context.loadDialect<FritDialect, mlir::func::FuncDialect>();
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(b, b.getUnknownLoc());
    if (!graph.metadata.empty())
      (*module)->setAttr("frit.metadata", b.getStringAttr(graph.metadata));
    b.setInsertionPointToEnd(module->getBody());
    for (const StateDecl &state : graph.states)
      emit(state);
    for (const EntryDecl &entry : graph.entries)
      emit(entry);
    if (failed(mlir::verify(*module)))
      return nullptr;
    return module;
  }

private:
  mlir::Location place(const Location &at, const std::string &path) {
    mlir::Location where = b.getUnknownLoc();
    if (at.valid())
      where = mlir::FileLineColLoc::get(&context, at.file->name, at.line, at.column);
    return path.empty() ? where : mlir::NameLoc::get(b.getStringAttr(path), where);
  }

  mlir::Type type(ValueId id) { return toTensorType(&context, graph.types[id]); }

  void emit(const StateDecl &state) {
    mlir::OperationState op(place(state.location, state.name), StateOp::getOperationName());
    op.addAttribute("sym_name", b.getStringAttr(state.name));
    op.addAttribute("type", mlir::TypeAttr::get(toTensorType(&context, state.type)));
    op.addAttribute("role", b.getStringAttr(state.role));
    op.addAttribute("stacked", b.getI64IntegerAttr(state.stacked));
    if (!state.tensors.empty()) {
      std::vector<mlir::Attribute> names(state.tensors.size(), b.getStringAttr(""));
      for (const StateTensor &tensor : state.tensors)
        names.at(tensor.index) = b.getStringAttr(tensor.name);
      op.addAttribute("tensors", b.getArrayAttr(names));
    }
    if (state.role == "scalar") {
      op.addAttribute("initial", b.getF64FloatAttr(state.initial));
      if (!state.flag.empty())
        op.addAttribute("flag", b.getStringAttr(state.flag));
      if (!state.help.empty())
        op.addAttribute("help", b.getStringAttr(state.help));
    }
    b.create(op);
  }

  void emit(const EntryDecl &entry) {
    std::vector<mlir::Type> inputs, outputs;
    for (const EntryValue &input : entry.inputs)
      inputs.push_back(type(input.value));
    for (const EntryValue &output : entry.outputs)
      outputs.push_back(type(output.value));
    auto function = mlir::func::FuncOp::create(b, b.getUnknownLoc(), entry.name,
                                               b.getFunctionType(inputs, outputs));
    function->setAttr("frit.entry", b.getUnitAttr());
    for (size_t i = 0; i < entry.inputs.size(); ++i) {
      function.setArgAttr(i, "frit.name", b.getStringAttr(entry.inputs[i].name));
      if (entry.inputs[i].limit > 0)
        function.setArgAttr(i, "frit.limit", b.getI64IntegerAttr(entry.inputs[i].limit));
      if (entry.inputs[i].isWhole)
        function.setArgAttr(i, "frit.whole", b.getUnitAttr());
    }
    for (size_t i = 0; i < entry.outputs.size(); ++i)
      function.setResultAttr(i, "frit.name", b.getStringAttr(entry.outputs[i].name));

    mlir::OpBuilder::InsertionGuard guard(b);
    mlir::Block *body = function.addEntryBlock();
    values.assign(graph.types.size(), nullptr);
    for (size_t i = 0; i < entry.inputs.size(); ++i)
      values[entry.inputs[i].value] = body->getArgument(i);
    b.setInsertionPointToEnd(body);
    for (const Node &node : entry.body.nodes)
      emit(node);
    std::vector<mlir::Value> results;
    for (const EntryValue &output : entry.outputs)
      results.push_back(values[output.value]);
    mlir::func::ReturnOp::create(b, b.getUnknownLoc(), results);
  }

  void emit(const Node &node) {
    mlir::OperationState op(place(node.location, node.path), "frit." + node.op);
    for (ValueId operand : node.operands)
      op.operands.push_back(values[operand]);
    for (ValueId result : node.results)
      op.types.push_back(type(result));
    for (const auto &[key, value] : node.attributes) {
      if (key == "state") {
        op.addAttribute(key, mlir::FlatSymbolRefAttr::get(&context, std::get<std::string>(value)));
      } else if (key == "carried") {
        int32_t carried = std::get<int64_t>(value), all = node.operands.size();
        op.addAttribute("operandSegmentSizes", b.getDenseI32ArrayAttr({carried, all - carried}));
      } else if (mlir::Attribute attribute = toMlir(&context, value)) {
        op.addAttribute(key, attribute);
      }
    }
    if (node.body)
      emit(*node.body, *op.addRegion(), op.location);
    mlir::Operation *made = b.create(op);
    for (size_t i = 0; i < node.results.size(); ++i)
      values[node.results[i]] = made->getResult(i);
  }

  void emit(const Block &block, mlir::Region &region, mlir::Location location) {
    mlir::OpBuilder::InsertionGuard guard(b);
    mlir::Block *body = b.createBlock(&region);
    for (ValueId argument : block.arguments)
      values[argument] = body->addArgument(type(argument), location);
    for (const Node &node : block.nodes)
      emit(node);
  }

  const Graph &graph;
  mlir::MLIRContext &context;
  mlir::OpBuilder b;
  std::vector<mlir::Value> values; // of the entry being emitted, by ValueId
};
} // namespace

mlir::OwningOpRef<mlir::ModuleOp> emit(const Graph &graph, mlir::MLIRContext &context) {
  return Emitter(graph, context).run();
}

} // namespace frit
