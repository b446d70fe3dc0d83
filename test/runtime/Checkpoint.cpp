#include "runtime/Checkpoint.h"
#include "runtime/Error.h"
#include "runtime/Metrics.h"
#include "runtime/Safetensors.h"
#include "test/runtime/Temporary.h"
#include <catch2/catch.hpp>
#include <cstring>

using namespace frit;
using Catch::Contains;

// A program with a weight [2, n] at 0, a slot at 64, declared state at 128, an accumulator at 192.
static std::string describe(int n, const char *hash) {
  return fmt::format(
      R"({{"format":1,"program":"p","hash":"{1}","config":{{}},"arena":4096,"state":[
{{"name":"w","role":"parameter","element":"f32","shape":[2,{0}],"offset":0,
 "tensors":[{{"name":"w.0","shape":[{0}],"offset":0}},{{"name":"w.1","shape":[{0}],"offset":{2}}}]}},
{{"name":"m","role":"slot","element":"f32","shape":[2],"offset":64}},
{{"name":"s","role":"state","element":"i1","shape":[3],"offset":128}},
{{"name":"a","role":"accumulator","element":"f32","shape":[2],"offset":192}}],
"entries":{{}}}})",
      n, hash, 4 * n);
}

struct Program {
  explicit Program(const std::string &text)
      : text(text), level{"baseline", this->text.c_str(), nullptr, 0}, machine(level, 1) {}
  std::string text;
  FritLevel level;
  Machine machine;
};

static void fill(Machine &machine, uint8_t byte) { std::memset(machine.data(), byte, 256); }

static Meta metaAt(int64_t step) {
  Meta meta;
  meta.step = step;
  meta.scalars["lr"] = 0.5;
  return meta;
}

static std::string failure(Program &program, const std::string &checkpoint) {
  try {
    loadCheckpoint(program.machine, checkpoint, readMeta(checkpoint), true);
  } catch (const UserError &error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a checkpoint brings back what is saved and nothing else") {
  Temporary folder;
  Program one(describe(4, "aa")), two(describe(4, "aa"));
  RunDirectory run(folder.path + "/run");
  fill(one.machine, 7);
  run.save(one.machine, metaAt(10));
  std::string checkpoint = findCheckpoint(run.path);
  CHECK(checkpoint == run.path + "/checkpoint-000010");
  Meta meta = readMeta(checkpoint);
  CHECK(meta.step == 10);
  CHECK(meta.scalars.at("lr") == 0.5);
  loadCheckpoint(two.machine, checkpoint, meta, true);
  CHECK(std::memcmp(one.machine.data(), two.machine.data(), 32) == 0);
  CHECK(two.machine.data()[64] == 7);  // slot
  CHECK(two.machine.data()[128] == 7); // declared state
  CHECK(two.machine.data()[192] == 0); // accumulator
  CHECK(Safetensors(checkpoint + "/model.safetensors").tensors().size() == 2);

  Program weights(describe(4, "aa"));
  loadCheckpoint(weights.machine, checkpoint, meta, false);
  CHECK(weights.machine.data()[0] == 7);
  CHECK(weights.machine.data()[64] == 0);
  CHECK(weights.machine.data()[128] == 7);
}

TEST_CASE("the last two checkpoints are kept and latest names the newest") {
  Temporary folder;
  Program program(describe(4, "aa"));
  RunDirectory run(folder.path);
  for (int64_t step : {1, 2, 3, 3})
    run.save(program.machine, metaAt(step));
  std::vector<std::string> names;
  for (auto &entry : std::filesystem::directory_iterator(folder.path))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"checkpoint-000002", "checkpoint-000003", "latest"});
  CHECK(findCheckpoint(folder.path) == folder.path + "/checkpoint-000003");
  // A crash can leave no link, or one that leads nowhere.
  std::filesystem::remove(folder.path + "/latest");
  CHECK(findCheckpoint(folder.path) == folder.path + "/checkpoint-000003");
  std::filesystem::create_symlink("checkpoint-000009", folder.path + "/latest");
  CHECK(findCheckpoint(folder.path) == folder.path + "/checkpoint-000003");
  // And half a checkpoint, which the next run removes.
  std::filesystem::create_directory(folder.path + "/checkpoint.tmp");
  CHECK(findCheckpoint(folder.path) == folder.path + "/checkpoint-000003");
}

TEST_CASE("leftovers of a crash are removed, and a run has one owner") {
  Temporary folder;
  std::filesystem::create_directory(folder.path + "/checkpoint.tmp");
  RunDirectory run(folder.path);
  CHECK_FALSE(std::filesystem::exists(folder.path + "/checkpoint.tmp"));
  CHECK_THROWS_WITH(RunDirectory(folder.path), Contains("another process"));
}

TEST_CASE("checkpoints of other models are refused by the first difference") {
  Temporary folder;
  Program program(describe(4, "aa")), other(describe(3, "bb"));
  RunDirectory run(folder.path);
  run.save(program.machine, metaAt(1));
  std::string checkpoint = findCheckpoint(folder.path);
  CHECK_THAT(failure(other, checkpoint), Contains("'w.0'") && Contains("[4]") && Contains("[3]"));

  float number = 0;
  auto data = reinterpret_cast<uint8_t *>(&number);
  writeSafetensors(checkpoint + "/model.safetensors", {{"v", Element::F32, {1}, data}}, {});
  CHECK_THAT(failure(program, checkpoint), Contains("no tensor 'w.0'") && Contains("[4]"));
}

TEST_CASE("damaged checkpoints are refused") {
  Temporary folder;
  Program program(describe(4, "aa"));
  RunDirectory run(folder.path);
  run.save(program.machine, metaAt(1));
  std::string checkpoint = findCheckpoint(folder.path), name = "checkpoint-000001/";
  std::string state = folder.read(name + "state.safetensors"),
              meta = folder.read(name + "meta.json");
  folder.write(name + "state.safetensors", state.substr(0, state.size() - 1));
  CHECK_THAT(failure(program, checkpoint), Contains("state.safetensors") && Contains("truncated"));
  folder.write(name + "state.safetensors", state);
  CHECK(failure(program, checkpoint) == "");
  folder.write(name + "meta.json", meta.substr(0, meta.size() / 2));
  CHECK_THAT(failure(program, checkpoint), Contains("meta.json") && Contains("truncated"));
  folder.write(name + "meta.json", R"({"format":2})");
  CHECK_THAT(failure(program, checkpoint), Contains("format 2") && Contains("reads format 1"));
  folder.write(name + "meta.json", R"({"format":1})");
  CHECK_THAT(failure(program, checkpoint), Contains("malformed"));
}

TEST_CASE("weights of another maker may be of half precision and have company") {
  Temporary folder;
  Program program(describe(2, "aa"));
  uint16_t half[2] = {0x3c00, 0xc100};  // 1, -2.5
  uint16_t brain[2] = {0x3f80, 0xc020}; // 1, -2.5
  auto bytes = [](uint16_t *numbers) { return reinterpret_cast<uint8_t *>(numbers); };
  std::string path = folder.path + "/w.safetensors";
  writeSafetensors(path,
                   {{"w.0", Element::F16, {2}, bytes(half)},
                    {"w.1", Element::BF16, {2}, bytes(brain)},
                    {"unknown", Element::F16, {1}, bytes(half)}},
                   {});
  loadWeights(program.machine, path);
  const float *w = reinterpret_cast<const float *>(program.machine.data());
  CHECK(std::vector<float>(w, w + 4) == std::vector<float>{1, -2.5f, 1, -2.5f});
}

TEST_CASE("a description that leaves its arena is our bug") {
  auto text = describe(4, "aa");
  text.replace(text.find("4096"), 4, "100 ");
  CHECK_THROWS_AS(Program(text), Bug);
  CHECK_THROWS_AS(Program("{}"), Bug);
  CHECK_THROWS_AS(Program("nonsense"), Bug);
}

TEST_CASE("metrics beyond the resumed step are dropped, and so is a torn line") {
  Temporary folder;
  std::string path =
      folder.write("metrics.jsonl", "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"st");
  {
    Metrics metrics(path, 2);
  }
  CHECK(folder.read("metrics.jsonl") == "{\"step\":1}\n{\"step\":2}\n");
  {
    Metrics metrics(path, 2);
    metrics.step(3, "", {{"loss", 0.1f, Element::F32}, {"bad", 1.0 / 0.0, Element::F32}}, 1.5, 0);
    metrics.validation(3, "", {{"loss", 2, Element::F64}});
  }
  CHECK(folder.read("metrics.jsonl") ==
        "{\"step\":1}\n{\"step\":2}\n{\"step\":3,\"loss\":0.1,\"bad\":null,\"ms\":1.500}\n"
        "{\"step\":3,\"validation\":{\"loss\":2}}\n");
}
