#include "runtime/Safetensors.h"
#include "runtime/Error.h"
#include "test/runtime/Temporary.h"
#include <catch2/catch.hpp>
#include <cstring>

using namespace frit;
using Catch::Contains;

static std::string message(const std::string &path) {
  try {
    Safetensors file(path);
  } catch (const UserError &error) {
    return error.what();
  }
  return "";
}

/// A file of this header and so many bytes of data.
static std::string makeFile(const Temporary &folder, const std::string &header, size_t bytes) {
  uint64_t length = header.size();
  std::string text(reinterpret_cast<const char *>(&length), 8);
  return folder.write("t.safetensors", text + header + std::string(bytes, 'x'));
}

TEST_CASE("what is written is read again") {
  Temporary folder;
  float weights[6] = {1, 2, 3, 4, 5, 6};
  uint8_t flags[3] = {1, 0, 1};
  double scalar = 0.5;
  std::string path = folder.path + "/m.safetensors";
  writeSafetensors(path,
                   {{"b.flags", Element::I1, {3}, flags},
                    {"a.weight", Element::F32, {2, 3}, reinterpret_cast<uint8_t *>(weights)},
                    {"z.scalar", Element::F64, {}, reinterpret_cast<uint8_t *>(&scalar)},
                    {"empty", Element::F32, {0, 4}, nullptr}},
                   {{"format", "pt"}});
  Safetensors file(path);
  REQUIRE(file.tensors().size() == 4);
  const TensorData *weight = file.find("a.weight");
  REQUIRE(weight);
  CHECK(weight->shape == Shape{2, 3});
  CHECK(std::memcmp(weight->data, weights, sizeof weights) == 0);
  CHECK(std::memcmp(file.find("b.flags")->data, flags, 3) == 0);
  CHECK(*reinterpret_cast<const double *>(file.find("z.scalar")->data) == 0.5);
  CHECK(file.find("nothing") == nullptr);
  for (auto &[name, tensor] : file.tensors())
    CHECK(reinterpret_cast<uintptr_t>(tensor.data) % size_t(sizeOf(tensor.element)) == 0);

  std::string bytes = folder.read("m.safetensors");
  uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK_THAT(bytes.substr(8), Catch::StartsWith("{\"__metadata__\":{\"format\":\"pt\"},"));
}

TEST_CASE("every truncation is refused") {
  Temporary folder;
  float weights[6] = {};
  std::string path = folder.path + "/m.safetensors";
  writeSafetensors(path, {{"w", Element::F32, {6}, reinterpret_cast<uint8_t *>(weights)}}, {});
  std::string whole = folder.read("m.safetensors");
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(message(folder.write("cut.safetensors", whole.substr(0, size))).empty());
  CHECK_THAT(message(folder.write("cut.safetensors", whole.substr(0, whole.size() - 4))),
             Contains("truncated") && Contains("'w'"));
  CHECK_THAT(message(folder.write("long.safetensors", whole + "more")),
             Contains("28 bytes of data") && Contains("24"));
}

TEST_CASE("malformed headers are refused, each by what is wrong") {
  Temporary folder;
  auto header = [](const char *shape, const char *offsets) {
    return fmt::format(R"({{"w":{{"dtype":"F32","shape":{},"data_offsets":{}}}}})", shape, offsets);
  };
  CHECK_THAT(message(makeFile(folder, "not json", 4)), Contains("not a JSON object"));
  CHECK_THAT(message(makeFile(folder, "[1]", 4)), Contains("not a JSON object"));
  CHECK_THAT(message(makeFile(folder, header("[2]", "[0,4]"), 4)), Contains("needs 8 bytes"));
  CHECK_THAT(message(makeFile(folder, header("[1]", "[4,0]"), 4)), Contains("malformed offsets"));
  CHECK_THAT(message(makeFile(folder, header("[1]", "[0]"), 4)), Contains("malformed offsets"));
  CHECK_THAT(message(makeFile(folder, header("\"x\"", "[0,4]"), 4)), Contains("malformed"));
  CHECK_THAT(message(makeFile(folder, header("[1]", "[4,8]"), 8)), Contains("hole"));
  CHECK_THAT(message(makeFile(folder, header("[9223372036854775807,2]", "[0,4]"), 4)),
             Contains("needs"));
  CHECK_THAT(
      message(makeFile(folder, R"({"w":{"dtype":"Q3","shape":[1],"data_offsets":[0,4]}})", 4)),
      Contains("\"Q3\""));
  CHECK_THAT(message(makeFile(folder,
                              R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                              12)),
             Contains("overlap") && Contains("'b'"));
  CHECK_THAT(message(folder.path + "/missing"), Contains("cannot read"));
}
