// objectives-tests FILE.frit [BLOCK]: each train block of the file against the numbers written for
// it. --table in the place of BLOCK prints them side by side (table.py).
//
// By hand: a comment `# hand: how = value` over a train block is the loss on the numbers "hand" of
// data/FILE.json; that is enough for a new block. By others: golden/FILE.json has the loss, the
// gradients and the losses of ten steps on the numbers "golden", by published implementations. The
// evaluator must agree in f64 and compiled code in f32.
#include "codegen/Load.h"
#include "tools/frit/Driver.h"
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

using namespace frit;
using Json = nlohmann::json;

namespace {

struct Case {
  std::string name;
  std::optional<double> byHand;
  bool isCoupled = false; // `# Rows are coupled`: a batch is more than its rows
  bool isStill = false;   // `# Nothing moves`: by hand, all gradients are 0
};

/// The train blocks of a file with the number in the comment above each.
std::vector<Case> casesOf(const std::string &path) {
  std::ifstream file(path);
  std::vector<Case> out;
  std::optional<double> byHand;
  bool isCoupled = false, isStill = false;
  for (std::string line; std::getline(file, line);)
    if (line.rfind("# hand: ", 0) == 0) {
      byHand = std::stod(line.substr(line.rfind("= ") + 2));
    } else if (line.rfind("# Rows are coupled", 0) == 0) {
      isCoupled = true;
    } else if (line.rfind("# Nothing moves", 0) == 0) {
      isStill = true;
    } else if (line.rfind("train ", 0) == 0) {
      out.push_back({line.substr(6, line.find(' ', 6) - 6), byHand, isCoupled, isStill});
      byHand.reset();
      isCoupled = isStill = false;
    }
  return out;
}

double number(const Json &json) { // JSON has no inf and no NaN
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

/// The program of a train block, run by the evaluator (f64) or compiled (f32).
class Program {
public:
  Program(const std::string &file, const std::string &train, bool isCompiled,
          std::vector<std::string> settings = {}) {
    Request request;
    request.settings = std::move(settings);
    request.file = file;
    request.train = train;
    request.gradients = true;
    request.f64 = !isCompiled;
    driver = std::make_unique<Driver>(request);
    driver->check();
    driver->runPasses(isCompiled ? "" : "grad");
    if (!isCompiled)
      return;
    auto level = compileLevel(driver->module(), Target::host(), {});
    if (!level)
      throw std::runtime_error(llvm::toString(level.takeError()));
    auto loaded = Loaded::load(*level, 2);
    if (!loaded)
      throw std::runtime_error(llvm::toString(loaded.takeError()));
    compiled = std::move(*loaded);
  }
  NamedArrays run(const std::string &entry, NamedArrays &states, const NamedArrays &inputs) {
    return compiled ? compiled->run(entry, states, inputs)
                    : Evaluator(driver->module()).run(entry, states, inputs);
  }
  /// Those of `init`, with the numbers that are given.
  NamedArrays states(const Json &given) {
    NamedArrays out;
    for (StateOp state : driver->module().getOps<StateOp>()) {
      Array array(toValueType(mlir::cast<mlir::RankedTensorType>(state.getType())));
      if (state.getInitial())
        std::fill(array.data.begin(), array.data.end(), state.getInitial()->convertToDouble());
      out[state.getSymName().str()] = array;
    }
    run("init", out, {});
    for (auto &[name, array] : out)
      if (auto found = given.find(name); found != given.end())
        fill(array, *found, name);
    return out;
  }
  NamedArrays inputs(const std::string &entry, const Json &given) {
    NamedArrays out;
    auto function = driver->module().lookupSymbol<mlir::func::FuncOp>(entry);
    for (mlir::BlockArgument argument : function.getArguments()) {
      std::string name =
          function.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(), "frit.name").str();
      Array array(toValueType(mlir::cast<mlir::RankedTensorType>(argument.getType())));
      if (!given.contains(name))
        throw std::runtime_error("there are no numbers for '" + name + "'");
      fill(array, given[name], name);
      out[name] = array;
    }
    return out;
  }

private:
  static void fill(Array &array, const Json &given, const std::string &name) {
    if (given.size() != array.data.size())
      throw std::runtime_error(
          fmt::format("'{}' has {} numbers, {} are given", name, array.data.size(), given.size()));
    for (size_t i = 0; i < given.size(); ++i)
      array.data[i] = number(given[i]);
  }
  std::unique_ptr<Driver> driver;
  std::unique_ptr<Loaded> compiled;
};

int failures = 0;

void expect(const std::string &what, const Array &got, const std::vector<double> &wanted,
            double tolerance) {
  double largest = 0.1; // terms of about 1 cancel
  for (double x : wanted)
    largest = std::max(largest, std::fabs(x));
  bool ok = got.data.size() == wanted.size();
  for (size_t i = 0; ok && i < wanted.size(); ++i)
    ok = std::fabs(got.data[i] - wanted[i]) <= tolerance * largest;
  if (ok)
    return;
  ++failures;
  std::cout << "  " << what << ":\n    got ";
  for (double x : got.data)
    std::cout << fmt::format(" {:.9g}", x);
  std::cout << "\n    want";
  for (double x : wanted)
    std::cout << fmt::format(" {:.9g}", x);
  std::cout << "\n";
}

void requireFinite(const std::string &what, const NamedArrays &arrays) {
  for (auto &[name, array] : arrays)
    if (!std::all_of(array.data.begin(), array.data.end(),
                     [](double x) { return std::isfinite(x); })) {
      ++failures;
      std::cout << fmt::format("  {}: {} is not finite\n", what, name);
    }
}

void judge(Program &exact, Program &compiled, const Case &block, const Json &data,
           const Json &golden) {
  for (bool isCompiled : {false, true}) {
    Program &program = isCompiled ? compiled : exact;
    std::string by = block.name + (isCompiled ? ", compiled" : ", evaluator");
    auto loss = [&](const Json &numbers) {
      NamedArrays states = program.states(numbers);
      return program.run("gradients", states, program.inputs("gradients", numbers));
    };
    if (block.byHand) {
      NamedArrays out = loss(data.contains(block.name) ? data[block.name] : data["hand"]);
      expect(by + ", by hand", out.at("loss"), {*block.byHand}, isCompiled ? 2e-6 : 2e-8);
      requireFinite(by + ", by hand", out);
      for (auto &[name, gradient] : out)
        if (block.isStill && name != "loss")
          expect(by + ", " + name, gradient, std::vector<double>(gradient.data.size()), 1e-15);
    }
    if (!golden.contains(block.name) && block.byHand)
      continue;
    if (!golden.contains(block.name)) {
      std::cout << "  " << block.name << ": no golden numbers\n";
      ++failures;
      return;
    }
    // What others compute in f32 is right to that only.
    const Json &others = golden[block.name];
    double exact = others.value("f32", false) ? 3e-6 : 1e-9;
    const Json &numbers = data["golden"];
    NamedArrays out = loss(numbers);
    expect(by + ", loss", out.at("loss"), {others["loss"]}, isCompiled ? 3e-6 : exact);
    for (auto &[name, gradient] : others["gradients"].items())
      expect(by + ", gradient of " + name, out.at(name), gradient, isCompiled ? 1e-5 : exact);
    NamedArrays states = program.states(numbers);
    NamedArrays inputs = program.inputs("train", numbers);
    Array losses;
    for (size_t step = 0; step < others["losses"].size(); ++step) {
      states.at("step").data[0] = step;
      losses.data.push_back(program.run("train", states, inputs).at("loss").data[0]);
    }
    expect(by + ", losses of ten steps", losses, others["losses"], isCompiled ? 2e-4 : exact);
  }
}

/// The masks of the inputs: `s.mask`, `s.real`, `chosen.mask`, ...
bool isMask(const std::string &name) { return name.find('.') != std::string::npos; }

/// Rows that are absent: they may hold any number, inf and NaN, and the rest is as if they were not
/// there. The first along the batch is dropped in one program and absent in the other; the last of
/// all rows is absent and once zero, once garbage.
void judgeAbsence(Program &program, const std::string &file, const Case &block,
                  const Json &numbers) {
  NamedArrays given = program.inputs("gradients", numbers), states = program.states(numbers);
  std::string mask;
  for (auto &[name, array] : given)
    if (name.ends_with(".mask"))
      mask = name;
  if (mask.empty())
    return;
  auto axes = given[mask].type.axes;
  int64_t batch = axes[0].size, rows = given[mask].type.count() / axes.back().size;
  auto rowOf = [&](const Array &array, int64_t i) {
    return i / (int64_t(array.data.size()) / rows);
  };
  auto absent = [&](bool isFirst, double garbage) {
    NamedArrays out = given;
    for (auto &[name, array] : out)
      for (int64_t i = 0; i < int64_t(array.data.size()); ++i) {
        bool isAbsent = isFirst ? rowOf(array, i) < rows / batch : rowOf(array, i) == rows - 1;
        if (isAbsent && array.type.element == Element::I1 && isMask(name))
          array.data[i] = 0;
        if (isAbsent && array.type.element == Element::F64)
          array.data[i] = garbage;
      }
    NamedArrays before = states;
    return program.run("gradients", before, out);
  };
  NamedArrays zero = absent(false, 0);
  for (double garbage : {double(NAN), double(INFINITY), -1e300}) {
    NamedArrays garbled = absent(false, garbage);
    for (auto &[name, array] : zero)
      expect(fmt::format("{}, {} where a row holds {}", block.name, name, garbage), garbled[name],
             array.data, 1e-15);
  }
  // Nothing at all is there: the mean of nothing is 0, and so is its gradient.
  NamedArrays none = given, before = states;
  for (auto &[name, array] : none)
    for (double &x : array.data)
      x = array.type.element == Element::F64                  ? NAN
          : isMask(name) && array.type.element == Element::I1 ? 0
                                                              : x;
  for (auto &[name, array] : program.run("gradients", before, none))
    expect(block.name + ", " + name + " of nothing", array, std::vector<double>(array.data.size()),
           1e-15);
  Program fewer(file, block.name, false, {fmt::format("{}={}", axes[0].name, batch - 1)});
  NamedArrays dropped = given, garbled = absent(true, NAN);
  before = states;
  for (auto &[name, array] : dropped) {
    array.data.erase(array.data.begin(), array.data.begin() + array.data.size() / batch);
    for (Axis &axis : array.type.axes)
      if (axis.name == axes[0].name)
        --axis.size;
  }
  for (auto &[name, array] : fewer.run("gradients", before, dropped))
    expect(block.name + ", " + name + " without its first row", garbled[name], array.data, 1e-12);
}

/// The loss of a batch is that of its rows one by one: its means keep sums and counts. Not so where
/// rows are coupled.
void judgePieces(Program &program, const std::string &file, const Case &block,
                 const Json &numbers) {
  NamedArrays given = program.inputs("gradients", numbers), states = program.states(numbers);
  std::string mask;
  for (auto &[name, array] : given)
    if (name.ends_with(".mask"))
      mask = name;
  if (mask.empty())
    return;
  Axis batch = given[mask].type.axes[0];
  double whole = program.run("gradients", states, given).at("loss").data[0];
  Program single(file, block.name, false, {batch.name + "=1"});
  NamedArrays after = program.states(numbers);
  single.run("eval_begin", after, {});
  for (int64_t row = 0; row < batch.size; ++row) {
    NamedArrays piece = given;
    for (auto &[name, array] : piece) {
      size_t size = array.data.size() / batch.size;
      array.data = {array.data.begin() + row * size, array.data.begin() + (row + 1) * size};
      for (Axis &axis : array.type.axes)
        if (axis.name == batch.name)
          axis.size = 1;
    }
    single.run("eval", after, piece);
  }
  double pieces = single.run("report", after, {}).at("loss").data[0];
  if ((std::fabs(pieces - whole) <= 1e-12 * std::max(1.0, std::fabs(whole))) == block.isCoupled) {
    ++failures;
    std::cout << fmt::format("  {}: {:.9g} whole, {:.9g} in pieces, rows are {}coupled\n",
                             block.name, whole, pieces, block.isCoupled ? "" : "not ");
  }
}

/// Numbers far out, in f32: models that are sure, records that are far from them. Whatever the loss
/// is then, it and its gradients are finite.
void judgeExtremes(Program &program, const Case &block, const Json &numbers) {
  NamedArrays given = program.inputs("gradients", numbers), states = program.states(numbers);
  for (double sure : {1.0, 100.0, -10000.0})
    for (double far : {0.0, 300.0, -300.0}) {
      NamedArrays inputs = given, before = states;
      for (auto &[name, array] : inputs)
        if (isReal(array.type.element) && far != 0)
          std::fill(array.data.begin(), array.data.end(), far);
      for (auto &[name, array] : before)
        if (name.find("table") != std::string::npos && name.find(".m") == std::string::npos)
          for (double &x : array.data)
            x *= sure;
      requireFinite(fmt::format("{}, tables times {}, records of {}", block.name, sure, far),
                    program.run("gradients", before, inputs));
    }
}

/// A line for table.py: block, what the others or the hand say, the compiled loss, how far apart
/// the losses are and the gradients at most, relative to the largest number of each; our largest.
void tabulate(Program &compiled, const Case &block, const Json &data, const Json &golden) {
  bool isGolden = golden.contains(block.name);
  const Json &numbers =
      data.contains(block.name) ? data[block.name] : data[isGolden ? "golden" : "hand"];
  double theirs = isGolden ? double(golden[block.name]["loss"]) : block.byHand.value_or(NAN);
  NamedArrays states = compiled.states(numbers);
  NamedArrays out = compiled.run("gradients", states, compiled.inputs("gradients", numbers));
  double ours = out.at("loss").data[0], apart = 0;
  if (isGolden)
    for (auto &[name, wanted] : golden[block.name]["gradients"].items()) {
      double largest = 1e-30, most = 0;
      for (size_t i = 0; i < wanted.size(); ++i) {
        largest = std::max(largest, std::fabs(double(wanted[i])));
        most = std::max(most, std::fabs(double(wanted[i]) - out.at(name).data[i]));
      }
      apart = std::max(apart, largest < 1e-15 ? most : most / largest);
    }
  double steepest = 0;
  for (auto &[name, array] : out)
    if (name != "loss")
      for (double x : array.data)
        steepest = std::max(steepest, std::fabs(x));
  std::cout << fmt::format("{}\t{:.9g}\t{:.9g}\t{:.1e}\t{}\t{:.9g}\n", block.name, theirs, ours,
                           std::fabs(ours - theirs) / std::max(std::fabs(theirs), 1e-9),
                           isGolden ? fmt::format("{:.1e}", apart) : "-", steepest);
}

Json read(const std::filesystem::path &path) {
  std::ifstream file(path);
  if (!file)
    throw std::runtime_error("cannot read " + path.string());
  return Json::parse(file);
}

} // namespace

int main(int argc, char **argv) {
  std::filesystem::path file = argc > 1 ? argv[1] : "";
  try {
    std::filesystem::path folder = file.parent_path();
    std::string name = file.stem().string() + ".json";
    Json data = read(folder / "data" / name);
    // bugs.frit has numbers of its own for each block, by hand only.
    Json golden = data.contains("golden") ? read(folder / "golden" / name) : Json();
    std::vector<Case> blocks = casesOf(file.string());
    if (argc > 2 && std::string(argv[2]) == "--table") {
      for (const Case &block : blocks) {
        Program compiled(file.string(), block.name, true);
        tabulate(compiled, block, data, golden);
      }
      return 0;
    }
    for (const Case &block : blocks)
      if (argc < 3 || block.name == argv[2]) {
        Program exact(file.string(), block.name, false), compiled(file.string(), block.name, true);
        judge(exact, compiled, block, data, golden);
        if (!data.contains("golden"))
          continue;
        judgeAbsence(exact, file.string(), block, data["golden"]);
        judgePieces(exact, file.string(), block, data["golden"]);
        judgeExtremes(compiled, block, data["golden"]);
      }
    std::cout << fmt::format("{}: {} train blocks, {} failures\n", file.string(), blocks.size(),
                             failures);
  } catch (const std::exception &error) {
    std::cout << file.string() << ": " << error.what() << "\n";
    return 1;
  } catch (const UserError &) {
    return 1;
  } catch (const FritBug &bug) {
    std::cout << bug.message << "\n";
    return 1;
  }
  return failures ? 1 : 0;
}
