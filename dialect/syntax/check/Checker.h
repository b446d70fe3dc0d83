// The state of one check and all its parts; each group below is one file of this folder.
#pragma once
#include "dialect/ops/Builtins.h"
#include "dialect/syntax/Check.h"
#include "dialect/syntax/check/Scope.h"
#include <fmt/format.h>

namespace frit::checking {

struct GeneratorFacts;

/// Thrown by emit where there is no block to emit into: the value is then kept as Lazy.
struct Deferred {
  Location at; // in the user's text, if anywhere
};

/// Sets a variable for the time of a scope.
template <class T> struct Keep {
  T &slot;
  T old;
  explicit Keep(T &slot) : slot(slot), old(slot) {}
  ~Keep() { slot = std::move(old); }
};

/// A loop under construction.
struct Frame {
  std::string kind; // "layers" or "time"
  std::shared_ptr<Repeated> repeated;
  Axis axis;
  bool reverse = false;
  Block body;
  ValueId index = 0;
  std::vector<ValueId> inits, carries;
  std::vector<ValueId> slicedOuter, slicedInner;
  std::vector<std::pair<size_t, ValueId>> stateWrites; // state -> its new slice
  Frame *outer = nullptr;
};

/// A state of the graph with what its role needs at check time.
struct StateInfo {
  size_t index = 0;                   // in graph.states
  std::shared_ptr<Instance> instance; // or null: of the objective
  const Declaration *declaration = nullptr;
  std::vector<std::shared_ptr<Repeated>> stack; // outermost first
  std::vector<std::string> bareNames;           // of its tensors, had nothing been wrapped
  Axes rows, cols;                              // of the state's own axes
  const ast::Expr *initial = nullptr;           // of an objective's param or state
  ScopePtr scope;                               // in which `initial` stands
};

/// A mean that an evaluation accumulates over batches.
struct MeanCut {
  ValueId result, sum, count;
};

/// What one entry has while it is being written.
struct EntryState {
  EntryDecl decl;
  bool training = false;
  bool init = false;
  std::vector<Node> reads;        // go first
  std::map<size_t, ValueId> read; // state -> value when the entry began
  std::map<size_t, ValueId> written;
  std::set<size_t> trained; // parameters read through an unfrozen use
  std::vector<MeanCut> means;
  bool cutMeans = false;
};

/// An argument of a call: an expression of the caller, or a value that is there already.
struct Argument {
  std::string name; // empty: positional
  const ast::Expr *expr = nullptr;
  std::optional<Value> value;
  Location at;
};
using Arguments = std::vector<Argument>;

class Checker {
public:
  Checker(Sources &sources, const CheckOptions &options, Diagnostics &diagnostics)
      : sources(sources), options(options), diagnostics(diagnostics) {}

  Sources &sources;
  const CheckOptions &options;
  Diagnostics &diagnostics;
  Graph graph;

  //===-- Errors.cpp: who is told what, and where
  Diagnostics::Report error(Location at, std::string message);
  [[noreturn]] void fail(Location at, std::string message);
  /// Throws Deferred.
  [[noreturn]] void later(Location at);
  /// The innermost place on the way to `at` that is not the prelude's, unless there is none.
  Location userPlace(Location at);
  /// Says that something is checked but cannot be compiled yet; nothing under onlyCheck.
  void unsupported(Location at, const std::string &what);
  std::string describe(const Value &value, Scope &scope);
  std::string describe(const ValueType &type, Scope &scope);
  std::string display(const std::string &graphName, Scope &scope);
  std::string displayAxes(const Axes &axes, Scope &scope);
  /// A call that is being checked.
  struct Activation {
    Location at;
    std::string what;
  };
  std::vector<Activation> activations;

  //===-- Modules.cpp: files, config, the prelude
  File *load(const ast::Module &module);
  std::map<const Source *, std::unique_ptr<File>> files;
  std::vector<std::unique_ptr<ast::Module>> ownModules;
  File *prelude = nullptr;
  File *mainFile = nullptr;
  std::map<std::string, const ast::Expr *> settings; // --set and small sizes
  std::set<std::string> settingsUsed;
  std::vector<ast::ExprPtr> ownExprs;

  //===-- Emission.cpp: ops into the current block
  Element real() const { return options.element; }
  std::vector<Tensor> emitAll(const std::string &op, const std::vector<Tensor> &operands,
                              Attributes attributes, Location at);
  Tensor emit(const std::string &op, const std::vector<Tensor> &operands, Attributes attributes,
              Location at);
  /// Appends a node whose result types are known.
  std::vector<ValueId> append(Node node, const std::vector<ValueType> &types);
  ValueId newValue(ValueType type);
  ValueId materialize(const Tensor &tensor, Location at);
  /// Operands that are repeated along axes the others have anyway go in as they are.
  void strip(std::vector<Tensor> &operands);
  Tensor tensorOf(ValueId id, const Tensor &like);
  Tensor tensorOf(ValueId id) const; // of any value of the graph
  Tensor uniform(Number number, Element element, Axes axes = {});
  Tensor cast(const Tensor &x, Element to, Location at);
  Tensor toReal(const Tensor &x, Location at) { return cast(x, real(), at); }
  /// x with further axes.
  Tensor expand(const Tensor &x, const Axes &axes, Location at);
  struct AxisChange {
    std::string from;
    Axes to;
  };
  /// All at once; merges nothing.
  Tensor renameAxes(Tensor x, std::vector<AxisChange> changes, Location at);
  Tensor mergeAxes(const Tensor &x, const Axes &group, const std::string &into, Location at);
  bool emitting() const { return entry != nullptr; }
  Block &block() { return frame ? frame->body : entry->decl.body; }
  int depth() const;
  EntryState *entry = nullptr;
  Frame *frame = nullptr;
  std::vector<int> depths; // of every value: how many loops it stands in
  std::string currentPath;
  ValueId openFrame(Frame &f);
  std::vector<Tensor> closeFrame(Frame &f, const std::vector<ValueId> &next,
                                 const std::vector<ValueId> &stacked, Location at);
  /// The i-th slice of an outer value in loop f.
  ValueId sliceOf(Frame &f, ValueId outer);
  void sweep(Block &body, std::set<ValueId> &used); // removes what nobody uses

  //===-- Axes.cpp: names of axes
  Group axisNamed(Scope &scope, const std::string &name, Location at);
  Group axisExpr(Scope &scope, const ast::Expr &expr);
  int64_t sizeOf(Scope &scope, const ast::Expr &expr, const std::string &name);
  /// The axes a name stands for, without evaluating anything; null if it is no axis.
  std::optional<Axes> axesByName(Scope &scope, const std::string &name);
  /// Makes the axis `name` in this body (or finds it, of that size).
  Axis declareAxis(Scope &scope, const std::string &name, int64_t size, Location at);
  std::string freshStatic(const std::string &base);
  std::string freshIn(Scope &scope, const std::string &base);
  std::set<std::string> statics;
  std::string displayOf(Scope &scope, const std::string &graphName); // empty: not nameable here
  Group substitute(const Group &group, const Substitution &substitution);

  //===-- Names.cpp: what a name stands for
  std::optional<Value> find(Scope &scope, const std::string &name, Location at);
  Value through(Value value, Scope &root);
  std::vector<std::string> visible(Scope &scope);
  Value attribute(const Value &base, const std::string &name, Scope &scope, Location at);
  Value force(const Value &value, Scope &scope, Location at); // Lazy and LayerIndex into values

  //===-- Expressions.cpp
  Value eval(Scope &scope, const ast::Expr &expr);
  Value evalBlock(ScopePtr scope, const ast::Block &block);
  Value evalStatement(ScopePtr scope, const ast::Stmt &stmt);
  void assign(Scope &scope, const ast::Ident &name, Value value);
  bool evalFlag(Scope &scope, const ast::Expr &expr, const char *what);
  std::optional<bool> flagOf(const Value &value);
  std::optional<Number> numberOf(const Value &value);
  Value evalIndex(Scope &scope, const ast::Index &index);
  Tensor indexTensor(Scope &scope, const Tensor &x, const ast::Index &index);
  Value scatter(Scope &scope, const ast::Call &call);
  Value evalScan(Scope &scope, const ast::Scan &scan);
  Tensor carriedOf(ValueId id, const Tensor &start);
  Value evalRepeat(Scope &scope, const ast::Repeat &repeat);

  //===-- Elementwise.cpp
  Value binary(Scope &scope, ast::BinaryOp op, const Value &a, const Value &b, Location at);
  Value unary(Scope &scope, ast::UnaryOp op, const Value &a, Location at);
  Tensor toTensor(Scope &scope, const Value &value, Location at);
  Tensor elementwise(Scope &scope, const std::string &op, std::vector<Tensor> operands, Location at,
                     bool nest = true);
  Tensor select(Scope &scope, const Tensor &c, const Tensor &x, const Tensor &y, Location at);
  /// All to one element type: reals win over integers.
  void join(std::vector<Tensor> &operands, Location at, const std::string &what);
  Axes meet(Scope &scope, const std::vector<Tensor> &operands, Location at, const std::string &what,
            bool nest);
  // Shorthands on reals without the nesting rule (the checker's own formulas).
  Tensor op2(const std::string &op, const Tensor &a, const Tensor &b, Location at);
  Tensor op1(const std::string &op, const Tensor &a, Location at);
  Tensor literal(double x) { return uniform(Number::real(x), real()); }

  //===-- Calls.cpp, BodyCall.cpp, Types.cpp
  Value call(Scope &scope, const ast::Call &call);
  Value callValue(Scope &scope, const Value &callee, Arguments arguments, Location at,
                  const std::string &what);
  Value callBody(Scope &caller, ScopePtr callee, const std::vector<ast::Parameter> &parameters,
                 const ast::Type *result, const ast::Block &body, Arguments arguments,
                 const std::string &what, Location at);
  Value callView(Scope &scope, const View &view, Arguments arguments, Location at);
  Value callRepeated(Scope &scope, const View &view, Arguments arguments, Location at);
  Value callFn(Scope &scope, const Declared &fn, Arguments arguments, Location at);
  Value instantiate(Scope &scope, const Declared &model, Arguments arguments, Location at);
  Value leave(Scope &caller, Scope &callee, const Value &value,
              const std::map<std::string, std::string> &back, const std::string &what, Location at);
  Value fitType(Scope &scope, const Value &value, const ast::Type &type, const std::string &what,
                Location at, bool grow);
  Axes typeAxes(Scope &scope, const std::vector<ast::TypeAxis> &axes);
  Value mapTensors(const Value &value, const std::function<Tensor(const Tensor &)> &f,
                   const std::function<Axes(const Axes &)> &event);
  std::optional<Axes> shapeOf(const Value &value);
  void collectAxes(const Value &value, std::set<std::string> &names);

  //===-- Builtins.cpp, Reductions.cpp, Rename.cpp
  Value builtin(Scope &scope, const std::string &name, const ast::Call &call);
  bool isSpecial(const std::string &name);
  Group over(Scope &scope, const ast::Call &call, const Tensor &x, const std::string &what);
  Value reduction(Scope &scope, const std::string &name, const ast::Call &call);
  Tensor reduce(const std::string &op, const Tensor &x, const Axes &over, Location at);
  Tensor mean(Scope &scope, Tensor x, const Axes &over, std::optional<Tensor> where, Location at);
  Value rename(Scope &scope, const ast::Call &call);

  //===-- WeightGap.cpp
  Value weightGap(Scope &scope, const ast::Call &call);

  //===-- Distributions.cpp, Divergences.cpp
  Tensor logProbs(const Distribution &d, Location at); // categorical, normalised
  Tensor logProb(Scope &scope, const Distribution &d, const Tensor &x, Location at);
  Tensor entropyOf(Scope &scope, const Distribution &d, Location at);
  Tensor crossEntropy(Scope &scope, const Distribution &p, const Distribution &q, Location at);
  Tensor crossEntropyOfColumns(const Distribution &p, const Distribution &q, Location at);
  Value sample(Scope &scope, const Distribution &d, Location at);
  Tensor random(Scope &scope, const std::string &distribution, const Axes &axes, Location at);
  Tensor sumEvent(const Tensor &x, const Axes &event, Location at);
  void sameSupport(Scope &scope, const Distribution &p, const Distribution &q, Location at);
  Value divergence(Scope &scope, const Generator &f, const Value &p, const Value &q, Location at);
  Value linkOf(Scope &scope, const Generator &f, const std::string &which, const Value &s,
               Location at);
  std::shared_ptr<Generator> generatorOf(Scope &scope, const ast::Expr &expr);
  void judgeGenerator(const Generator &f, Location at);
  void judgeLink(const Generator &f, Location at);
  std::map<std::string, std::shared_ptr<GeneratorFacts>> generatorFacts; // by the text of f

  //===-- States.cpp: parameters and states of the instances
  void registerStates(const std::vector<std::pair<std::string, Value>> &models);
  void registerInstance(const std::shared_ptr<Instance> &instance);
  void nameInstance(const Value &value, Instance *binder, const std::string &field,
                    const std::shared_ptr<Repeated> &repeated);
  size_t addState(StateInfo info, StateDecl decl);
  std::vector<StateInfo> states; // as graph.states
  std::map<std::pair<const Instance *, std::string>, size_t> stateIndex;
  std::map<std::string, size_t> stateNamed;
  std::map<size_t, size_t> averages; // parameter -> its moving average, read outside of training
  ValueId readState(size_t state);
  /// Inside the loops its repeats opened: its slice.
  ValueId stateSlice(size_t state, Location at);
  Tensor parameter(const std::shared_ptr<Instance> &instance, const Declaration &declaration,
                   const Substitution &substitution, bool frozen, Location at);
  void writeState(size_t state, ValueId value, Location at);
  size_t scalar(const std::string &name, double initial, Element element, const std::string &flag,
                const std::string &help, Location at);
  Tensor readScalar(size_t state);
};

} // namespace frit::checking
