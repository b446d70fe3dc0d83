#include "runtime/Load.h"
#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Safetensors.h"
#include "test/runtime/Temporary.h"
#include <catch2/catch.hpp>

using namespace frit;
using Catch::Contains;

namespace {

// Two models and a copy of the first: parameters at 0, 64, 128, declared state at 192.
const char *const description = R"({"format":1,"program":"p","hash":"aa","arena":4096,"state":[
{"name":"one.net.w","role":"parameter","element":"f32","shape":[2],"offset":0},
{"name":"two.w","role":"parameter","element":"f32","shape":[2],"offset":64},
{"name":"old.net.w","role":"parameter","element":"f32","shape":[2],"offset":128},
{"name":"one.count","role":"state","element":"f32","shape":[],"offset":192},
{"name":"old.net.w/average","role":"slot","element":"f32","shape":[2],"offset":256}],
"load":[{"model":"one","file":"run"}],
"copies":[{"state":"old.net.w","of":"one.net.w"},{"state":"old.net.w/average","of":"old.net.w"}],
"entries":{}})";

struct Loaded {
  FritLevel level{"baseline", description, nullptr, 0};
  Machine machine{level, 1};
  float &at(int64_t byte) { return *reinterpret_cast<float *>(machine.data() + byte); }
};

struct Tensors {
  float numbers[3] = {7, 8, 9};
  TensorData tensor(const std::string &name, Shape shape = {2}) {
    return {name, Element::F32, shape, reinterpret_cast<uint8_t *>(numbers)};
  }
};

} // namespace

TEST_CASE("a model's tensors are found under its name, another or none; copies follow") {
  Temporary folder;
  Tensors t;
  std::string file = folder.path + "/a.safetensors";
  for (std::vector<TensorData> names :
       {std::vector{t.tensor("one.net.w"), t.tensor("two.w"), t.tensor("net.w", {1})},
        std::vector{t.tensor("teacher.net.w")}, std::vector{t.tensor("net.w")},
        std::vector{t.tensor("net.w"), t.tensor("other.w")}}) {
    INFO(names[0].name);
    Loaded program;
    program.at(192) = 3;
    writeSafetensors(file, names, {});
    loadModel(program.machine, {"one", "run", {}}, file, "--one");
    CHECK(program.at(0) == 7);
    CHECK(program.at(4) == 8);
    CHECK(program.at(64) == 0);
    CHECK(program.at(128) == 7);
    CHECK(program.at(256) == 7);
    CHECK(program.at(192) == 3); // a lone file need not have declared state
  }
}

TEST_CASE("a run brings declared state too") {
  Temporary folder;
  Loaded first, second;
  first.at(0) = 5;
  first.at(64) = 6;
  first.at(192) = 4;
  {
    RunDirectory run(folder.path + "/run");
    run.save(first.machine, Meta());
  }
  loadModel(second.machine, {"one", "run", {}}, folder.path + "/run", "--one");
  CHECK(second.at(0) == 5);
  CHECK(second.at(64) == 0); // of the other model
  CHECK(second.at(192) == 4);
}

TEST_CASE("weights of another model are refused by name and shapes") {
  Temporary folder;
  Tensors t;
  Loaded program;
  std::string file = folder.path + "/a.safetensors";
  auto load = [&] { loadModel(program.machine, {"one", "run", {}}, file, "--one"); };
  CHECK_THROWS_WITH(load(), Contains("does not exist; --one FILE"));
  writeSafetensors(file, {t.tensor("one.net.w", {3})}, {});
  CHECK_THROWS_WITH(load(), Contains("a.safetensors' belongs to another model: parameter "
                                     "'one.net.w' has shape [2] in this program, 'one.net.w' has "
                                     "[3] there"));
  writeSafetensors(file, {t.tensor("teacher.v")}, {});
  CHECK_THROWS_WITH(load(),
                    Contains("no tensor 'one.net.w' for parameter 'one.net.w' of shape [2]: it "
                             "belongs to another model"));
}

TEST_CASE("T9 and T10: tensors under the names that the program says, others not at all") {
  Temporary folder;
  Tensors t, u;
  u.numbers[0] = 1;
  std::string file = folder.path + "/a.safetensors";
  auto load = [&](const std::string &json) {
    // The place is read as in a program's description.
    std::string text = description;
    std::string plain = R"({"model":"one","file":"run"})";
    text.replace(text.find(plain), plain.size(), json);
    FritLevel level{"baseline", text.c_str(), nullptr, 0};
    Machine machine(level, 1);
    loadModel(machine, machine.description.load[0], file, "--one");
    return reinterpret_cast<float *>(machine.data())[0];
  };
  writeSafetensors(file, {t.tensor("h.0.w"), u.tensor("one.inner.w")}, {});
  CHECK(load(R"({"model":"one","file":"run","tensors":{"one.net.w":{"name":"h.0.w"}}})") == 7);
  // The model's name in the file still goes before one that only lacks a wrapper.
  CHECK(load(R"({"model":"one","file":"run","tensors":{"one.net.w":{"own":"inner.w"}}})") == 1);
  CHECK(load(R"({"model":"one","file":"run","tensors":{"one.net.w":{"fresh":true}}})") == 0);
  CHECK_THROWS_WITH(
      load(R"({"model":"one","file":"run","tensors":{"one.net.w":{"name":"h.1.w"}}})"),
      Contains("has no tensor 'h.1.w' for parameter 'one.net.w' of shape [2]; the nearest there is "
               "'h.0.w' of shape [2]"));
}

TEST_CASE("T10: a transposed tensor is refused as such") {
  Temporary folder;
  float numbers[6] = {};
  const char *const wide = R"({"format":1,"program":"p","hash":"aa","arena":4096,"state":[
{"name":"one.w","role":"parameter","element":"f32","shape":[2,3],"offset":0}],
"load":[{"model":"one","file":"run"}],"entries":{}})";
  FritLevel level{"baseline", wide, nullptr, 0};
  Machine machine(level, 1);
  std::string file = folder.path + "/a.safetensors";
  writeSafetensors(file, {{"w", Element::F32, {3, 2}, reinterpret_cast<uint8_t *>(numbers)}}, {});
  CHECK_THROWS_WITH(loadModel(machine, machine.description.load[0], file, "--one"),
                    Contains("parameter 'one.w' has shape [2, 3] in this program, 'w' has [3, 2] "
                             "there, transposed: a param's axes in the order of the file fit it"));
}

TEST_CASE("--weights keeps a copy that has weights of its own") {
  Temporary folder;
  Tensors t, u;
  u.numbers[0] = 1;
  Loaded program;
  std::string file = folder.path + "/a.safetensors";
  writeSafetensors(file, {t.tensor("one.net.w"), t.tensor("two.w"), u.tensor("old.net.w")}, {});
  loadWeights(program.machine, file);
  CHECK(program.at(0) == 7);
  CHECK(program.at(128) == 1);
  CHECK(program.at(256) == 1);
}
