// From ops to a program of its own: objects of several levels, the table, the runtime.
#include "Harness.h"
#include "codegen/Link.h"
#include "llvm/Support/FileSystem.h"
#include <cstdlib>
#include <fstream>

using namespace frit;
using namespace frit::test;

/// A line fitted by gradient descent, as the passes would leave it: mean((w x + c - y)^2) over 4
/// rows, learning rate from a scalar.
static const char *lineFit = R"(
module attributes {frit.metadata = "{\"program\": \"line\", \"data\": {\"train\": {\"source\": \"table\"}}, \"training\": {\"steps\": 300}}"} {
  frit.state @w : tensor<f32> {role = "parameter", tensors = ["w"]}
  frit.state @c : tensor<f32> {role = "parameter", tensors = ["c"]}
  frit.state @lr : tensor<f32> {role = "scalar", initial = 0.125 : f64, flag = "lr", help = "learning rate"}
  func.func @init() attributes {frit.entry} {
    %zero = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<>} : () -> tensor<f32>
    frit.write %zero, @w : tensor<f32>
    frit.write %zero, @c : tensor<f32>
    return
  }
  func.func @train(%x: tensor<4xf32, #frit.axes<b>> {frit.name = "x"}, %y: tensor<4xf32, #frit.axes<b>> {frit.name = "y"}) -> (tensor<f32> {frit.name = "loss"}) attributes {frit.entry} {
    %w = frit.read @w : tensor<f32>
    %c = frit.read @c : tensor<f32>
    %lr = frit.read @lr : tensor<f32>
    %wx = frit.mul %w, %x : (tensor<f32>, tensor<4xf32, #frit.axes<b>>) -> tensor<4xf32, #frit.axes<b>>
    %line = frit.add %wx, %c : (tensor<4xf32, #frit.axes<b>>, tensor<f32>) -> tensor<4xf32, #frit.axes<b>>
    %e = frit.sub %line, %y : (tensor<4xf32, #frit.axes<b>>, tensor<4xf32, #frit.axes<b>>) -> tensor<4xf32, #frit.axes<b>>
    %square = frit.contract %e, %e {over = #frit.axes<b>} : (tensor<4xf32, #frit.axes<b>>, tensor<4xf32, #frit.axes<b>>) -> tensor<f32>
    %quarter = frit.constant {value = 0.25 : f64, element = "f32", axes = #frit.axes<>} : () -> tensor<f32>
    %loss = frit.mul %square, %quarter : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %half = frit.constant {value = 0.5 : f64, element = "f32", axes = #frit.axes<>} : () -> tensor<f32>
    %rate = frit.mul %lr, %half : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %dw = frit.contract %e, %x {over = #frit.axes<b>} : (tensor<4xf32, #frit.axes<b>>, tensor<4xf32, #frit.axes<b>>) -> tensor<f32>
    %dc = frit.sum %e {over = #frit.axes<b>} : (tensor<4xf32, #frit.axes<b>>) -> tensor<f32>
    %sw = frit.mul %rate, %dw : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %sc = frit.mul %rate, %dc : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %w1 = frit.sub %w, %sw : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %c1 = frit.sub %c, %sc : (tensor<f32>, tensor<f32>) -> tensor<f32>
    frit.write %w1, @w : tensor<f32>
    frit.write %c1, @c : tensor<f32>
    return %loss : tensor<f32>
  }
}
)";

TEST_CASE("a line is fitted by a program of its own", "[program]") {
  auto module = parse(lineFit);
  auto compiled = compile(*module, {Target::host(), *Target::named("baseline")});
  REQUIRE(bool(compiled));
  llvm::SmallString<128> folder;
  REQUIRE(!llvm::sys::fs::createUniqueDirectory("frit", folder));
  std::string at(folder);
  std::vector<std::string> objects;
  for (const std::string &bytes : compiled->objects()) {
    objects.push_back(at + "/" + std::to_string(objects.size()) + ".o");
    std::ofstream(objects.back(), std::ios::binary) << bytes;
  }
  std::ofstream data(at + "/line.csv");
  data << "x,y\n";
  for (int i = 0; i < 64; ++i)
    data << i / 64.0 << "," << 2 * i / 64.0 - 1 << "\n";
  data.close();
  if (auto error = linkProgram(objects, at + "/line"))
    FAIL(llvm::toString(std::move(error)));
  auto run = [&](const std::string &command) {
    INFO(command);
    return std::system(("cd " + at + " && " + command + " > out.txt 2>&1").c_str());
  };
  auto said = [&](const std::string &text) {
    std::ifstream file(at + "/out.txt");
    std::string all((std::istreambuf_iterator<char>(file)), {});
    INFO(all);
    CHECK(all.find(text) != std::string::npos);
  };
  REQUIRE(run("./line info") == 0);
  said("lr");
  for (const char *isa : {"", "FRIT_ISA=baseline "}) {
    REQUIRE(run(std::string(isa) +
                "./line train --data line.csv --overwrite --threads 2 --lr 0.6") == 0);
    said("done: 300 steps");
    // w and c are the first bytes after the header of model.safetensors: { "c": ..., "w": ... }.
    std::ifstream model(at + "/run/latest/model.safetensors", std::ios::binary);
    uint64_t header = 0;
    model.read(reinterpret_cast<char *>(&header), 8);
    model.seekg(int64_t(8 + header));
    float numbers[2];
    model.read(reinterpret_cast<char *>(numbers), 8);
    CHECK(std::max(numbers[0], numbers[1]) == Approx(2).epsilon(1e-3));
    CHECK(std::min(numbers[0], numbers[1]) == Approx(-1).epsilon(1e-3));
  }
  llvm::sys::fs::remove_directories(folder);
}
