// Gradients against finite differences. See GradientCheck.h.
//
// At a point in a direction, central differences of steps h and h/2 are extrapolated to order h^4.
// If that agrees with the gradient, good. If not, h shrinks until two extrapolations agree with
// each other: then the gradient is wrong; if they never do, the loss bends near the point (a kink),
// and another point is drawn.
#include "passes/GradientCheck.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include <cmath>
#include <numeric>
#include <random>

using namespace mlir;

namespace frit {

namespace {

using Random = std::mt19937_64;

double normal(Random &random) { return std::normal_distribution<double>()(random); }

/// The loss of an entry as a function of one tensor, and the gradient to hold against it.
struct Subject {
  std::string tensor, output; // names of the state or input, and of the gradient's result
  bool isInput = false;
};

func::FuncOp entryOf(ModuleOp module, const std::string &name) {
  auto entry = module.lookupSymbol<func::FuncOp>(name);
  if (!entry)
    failEvaluation(module, "no entry is called '" + name + "'");
  return entry;
}

GradientOp gradientOf(func::FuncOp entry) {
  SmallVector<GradientOp> found(entry.getOps<GradientOp>());
  if (found.size() != 1)
    failEvaluation(entry, "an entry to check has exactly one frit.gradient");
  return found.front();
}

std::string resultName(func::FuncOp entry, Value v) {
  Operation *end = entry.getBody().front().getTerminator();
  for (OpOperand &operand : end->getOpOperands())
    if (operand.get() == v)
      return cast<StringAttr>(entry.getResultAttr(operand.getOperandNumber(), "frit.name")).str();
  failEvaluation(entry, "the objective and all gradients must be returned");
}

std::vector<Subject> subjectsOf(func::FuncOp entry, GradientOp gradient) {
  std::vector<Subject> subjects;
  for (auto [v, result] : llvm::zip(gradient.getWrt(), gradient.getGradients())) {
    std::string output = resultName(entry, result);
    if (auto read = v.getDefiningOp<ReadOp>())
      subjects.push_back({read.getState().str(), output, false});
    else if (auto argument = dyn_cast<BlockArgument>(v))
      subjects.push_back(
          {cast<StringAttr>(entry.getArgAttr(argument.getArgNumber(), "frit.name")).str(), output,
           true});
    else
      failEvaluation(gradient, "gradients are checked by states and inputs only");
  }
  return subjects;
}

/// The entry without its gradients: zeros in their place.
void dropGradient(ModuleOp module, const std::string &entry) {
  GradientOp gradient = gradientOf(entryOf(module, entry));
  ImplicitLocOpBuilder b(gradient.getLoc(), gradient);
  Build build(b);
  for (Value result : gradient.getGradients())
    result.replaceAllUsesWith(build.constantLike(0, build.term(result)).value);
  gradient.erase();
}

bool onlyDifferentiate(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(createDifferentiate());
  return succeeded(manager.run(module));
}

/// A stop_gradient of the program. With `formula` it is one of the checker's: the slope stands in a
/// with_slope, which is to agree with the value as it moves.
bool isStopped(Operation *op) { return isa<StopGradientOp>(op) && !op->hasAttr("formula"); }

/// The loss near a point. What `stop_gradient` gives is a constant to the gradient, so it keeps the
/// value that it has at the point itself.
class Loss {
public:
  Loss(ModuleOp module, const GradientCheck &check, std::string output, const NamedArrays &states,
       const NamedArrays &inputs)
      : evaluator(module), entry(check.entry), output(std::move(output)), states(states),
        inputs(inputs) {
    evaluator.observe = [this](Operation *op, const Arrays &, Arrays &results) {
      if (isStopped(op))
        stopped.push_back(results[0]);
    };
    NamedArrays unmoved = states;
    evaluator.run(entry, unmoved, inputs);
    // The same ops run in the same order everywhere: the next one stopped is the next one kept.
    evaluator.observe = [this](Operation *op, const Arrays &, Arrays &results) {
      if (isStopped(op))
        results[0] = stopped[next++];
    };
  }
  Loss(const Loss &) = delete; // the evaluator knows where it is

  double at(const Subject &subject, const std::vector<double> &direction, double step) {
    NamedArrays movedStates = states, movedInputs = inputs;
    Array &tensor = (subject.isInput ? movedInputs : movedStates).at(subject.tensor);
    for (size_t i = 0; i < direction.size(); ++i)
      tensor.data[i] += step * direction[i];
    next = 0;
    return evaluator.run(entry, movedStates, movedInputs).at(output).data[0];
  }
  double slope(const Subject &subject, const std::vector<double> &direction, double step) {
    return (at(subject, direction, step) - at(subject, direction, -step)) / (2 * step);
  }

private:
  Evaluator evaluator;
  std::string entry, output;
  const NamedArrays &states, &inputs;
  Arrays stopped; // what each stop_gradient gives at the point, in the order they run
  size_t next = 0;
};

/// The relative error of a slope at one point, or nothing at a kink.
std::optional<double> errorAt(Loss &loss, const Subject &subject,
                              const std::vector<double> &direction, double expected, double floor,
                              double tolerance) {
  auto relative = [&](double x, double y) {
    return std::fabs(x - y) / std::max({std::fabs(x), std::fabs(y), floor});
  };
  double step = 4e-3, coarse = loss.slope(subject, direction, step);
  std::optional<double> previous;
  std::optional<double> smooth;
  for (int halvings = 0; halvings < 7; ++halvings) {
    step /= 2;
    double fine = loss.slope(subject, direction, step);
    double extrapolated = (4 * fine - coarse) / 3, error = relative(extrapolated, expected);
    if (error <= tolerance)
      return error;
    if (std::isnan(error))
      return error;
    if (previous && relative(*previous, extrapolated) <= tolerance / 4)
      smooth = std::min(smooth.value_or(error), error);
    previous = extrapolated;
    coarse = fine;
  }
  return smooth;
}

GradientRow checkTensor(Loss &loss, const Subject &subject, const Array &gradient, double value,
                        const GradientCheck &check, Random &random) {
  GradientRow row{subject.tensor};
  size_t size = gradient.data.size();
  double squares = 0;
  for (double x : gradient.data)
    squares += x * x;
  // A loss that nothing moves has a slope of 0, which differences give exactly.
  double floor = std::max({std::sqrt(squares / double(size)), 1e-5 * std::fabs(value), 1e-30});

  std::vector<size_t> places(size);
  std::iota(places.begin(), places.end(), 0);
  std::shuffle(places.begin(), places.end(), random);
  int coordinates = int(std::min<size_t>(check.coordinates, size));
  int wanted = coordinates + check.directions, attempts = 0;
  for (size_t place = 0; row.points < wanted && attempts < 4 * wanted; ++attempts) {
    std::vector<double> direction(size, 0);
    double expected = 0, norm = 0;
    if (row.points < coordinates && place < size) {
      direction[places[place]] = 1;
      expected = gradient.data[places[place++]];
    } else {
      for (double &x : direction) {
        x = normal(random);
        norm += x * x;
      }
      for (size_t i = 0; i < size; ++i)
        expected += (direction[i] /= std::sqrt(norm)) * gradient.data[i];
    }
    std::optional<double> error =
        errorAt(loss, subject, direction, expected, floor, check.tolerance);
    if (!error) {
      ++row.kinks;
      continue;
    }
    ++row.points;
    row.evaluatorError = std::isnan(*error) ? *error : std::max(row.evaluatorError, *error);
  }
  row.ok = row.points > 0 && row.evaluatorError <= check.tolerance;
  return row;
}

void compareCompiled(GradientRow &row, const Array &gradient, const Array &compiled, double value,
                     double tolerance) {
  Array same = inOrder(compiled, gradient.type);
  double squares = 0, worst = 0;
  for (double x : gradient.data)
    squares += x * x;
  double floor =
      std::max({std::sqrt(squares / double(gradient.data.size())), 1e-5 * std::fabs(value), 1e-30});
  for (size_t i = 0; i < gradient.data.size(); ++i) {
    double error = std::fabs(same.data[i] - gradient.data[i]) /
                   std::max({std::fabs(same.data[i]), std::fabs(gradient.data[i]), floor});
    worst = std::isnan(error) ? error : std::max(worst, error);
  }
  row.compiledError = worst;
  row.ok &= worst <= tolerance;
}

/// The number of positions that an i32 may name, from the gathers and scatters that it reaches
/// without arithmetic.
int64_t boundOf(Value v, DenseSet<Value> &seen) {
  int64_t bound = std::numeric_limits<int32_t>::max();
  if (!seen.insert(v).second)
    return bound;
  auto follow = [&](Value next) { bound = std::min(bound, boundOf(next, seen)); };
  for (OpOperand &use : v.getUses()) {
    Operation *user = use.getOwner();
    unsigned number = use.getOperandNumber();
    if (auto gather = dyn_cast<GatherOp>(user)) {
      std::vector<std::string> axes = gather.getAxes().strings();
      if (number == 0)
        follow(gather.getResult());
      else if (number <= axes.size())
        bound = std::min(bound, typeOf(gather.getX()).find(axes[number - 1])->size);
    } else if (auto scatter = dyn_cast<ScatterOp>(user)) {
      std::vector<std::string> into = scatter.getInto().strings();
      if (number >= 1 && number <= into.size())
        bound = std::min(bound, typeOf(scatter.getResult()).find(into[number - 1])->size);
    } else if (auto scan = dyn_cast<ScanOp>(user)) {
      follow(scan.getBody().getArgument(1 + number));
    } else if (isa<RenameOp, SplitOp, MergeOp, BroadcastOp, SliceOp, StackOp, SelectOp>(user)) {
      follow(user->getResult(0));
    }
  }
  return bound;
}

Array drawReal(const ValueType &type, double scale, Random &random) {
  Array array(type);
  for (double &x : array.data)
    x = scale * normal(random);
  return array;
}

} // namespace

NamedArrays drawInputs(ModuleOp module, const std::string &name, uint64_t seed) {
  Random random(seed);
  NamedArrays inputs;
  func::FuncOp entry = entryOf(module, name);
  for (BlockArgument argument : entry.getArguments()) {
    ValueType type = typeOf(argument);
    Array array = isReal(type.element) ? drawReal(type, 1, random) : Array(type);
    DenseSet<Value> seen;
    int64_t bound =
        type.element == Element::I1 ? 2 : std::min<int64_t>(boundOf(argument, seen), 1000);
    if (!isReal(type.element))
      for (double &x : array.data)
        x = double(random() % uint64_t(bound));
    // A mask holds at least one element of each row: a mean of nothing is not what is checked here.
    if (type.element == Element::I1 && !type.axes.empty())
      for (size_t i = 0; i < array.data.size(); i += size_t(type.axes.back().size))
        array.data[i] = 1;
    inputs[cast<StringAttr>(entry.getArgAttr(argument.getArgNumber(), "frit.name")).str()] = array;
  }
  return inputs;
}

NamedArrays drawStates(ModuleOp module, const std::string &init, uint64_t seed) {
  Random random(seed);
  NamedArrays states;
  for (StateOp state : module.getOps<StateOp>()) {
    ValueType type = toValueType(cast<RankedTensorType>(state.getType()));
    Array array(type, state.getInitial() ? state.getInitial()->convertToDouble() : 0);
    if (!state.getInitial() && isReal(type.element))
      array = drawReal(type, 0.5, random);
    states[state.getSymName().str()] = array;
  }
  if (!module.lookupSymbol<func::FuncOp>(init))
    return states;
  NamedArrays inputs = drawInputs(module, init, seed);
  Evaluator(module).run(init, states, inputs);
  for (StateOp state : module.getOps<StateOp>())
    if (state.getRole() == "parameter")
      for (double &x : states[state.getSymName().str()].data)
        x += 0.05 * normal(random);
  return states;
}

std::vector<GradientRow> checkGradients(ModuleOp module, const GradientCheck &check) {
  func::FuncOp entry = entryOf(module, check.entry);
  GradientOp gradient = gradientOf(entry);
  std::vector<Subject> subjects = subjectsOf(entry, gradient);
  std::string output = resultName(entry, gradient.getObjective());

  NamedArrays states = drawStates(module, check.init, check.seed);
  NamedArrays inputs = drawInputs(module, check.entry, check.seed + 1);
  for (const auto &[name, array] : check.inputs)
    inputs[name] = array;

  OwningOpRef<ModuleOp> backward = module.clone(), forward = module.clone();
  if (!(check.differentiate ? check.differentiate : onlyDifferentiate)(*backward))
    failEvaluation(entry, "differentiation failed");
  dropGradient(*forward, check.entry);
  NamedArrays after = states;
  NamedArrays outputs = Evaluator(*backward).run(check.entry, after, inputs);
  NamedArrays compiled;
  if (check.compiled)
    compiled = check.compiled(states, inputs);

  double value = outputs.at(output).data[0];
  if (!std::isfinite(value))
    failEvaluation(gradient, "the loss is " + std::to_string(value) +
                                 " on data drawn at random, so it has no differences; another "
                                 "--seed may do, or `frit check --objective`, whose data are "
                                 "what an objective expects");
  Loss loss(*forward, check, output, states, inputs);
  Random random(check.seed + 2);
  std::vector<GradientRow> rows;
  for (const Subject &subject : subjects) {
    // Steps go by the order of the tensor.
    const Array &tensor = (subject.isInput ? inputs : states).at(subject.tensor);
    Array slope = inOrder(outputs.at(subject.output), tensor.type);
    rows.push_back(checkTensor(loss, subject, slope, value, check, random));
    if (check.compiled)
      compareCompiled(rows.back(), slope, compiled.at(subject.output), value, check.tolerance);
  }
  return rows;
}

} // namespace frit
