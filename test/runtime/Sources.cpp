// Sources and feeds against entries made up for the test: what lands in the arena.
#include "runtime/Error.h"
#include "runtime/Feed.h"
#include "runtime/Philox.h"
#include "test/runtime/Temporary.h"
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>
#include <set>

using namespace frit;
using Catch::Contains;

namespace {

/// An entry with its inputs placed one after the other, and memory for them.
struct Inputs {
  void add(const std::string &name, Element element, Shape shape, int64_t limit = 0) {
    Field field{name, element, shape, int64_t(memory.size()), limit};
    memory.resize(memory.size() + size_t((field.bytes() + 7) / 8 * 8));
    entry.inputs.push_back(field);
  }
  template <typename T> std::vector<T> get(const std::string &name) const {
    const Field *field = entry.input(name);
    const T *data = reinterpret_cast<const T *>(memory.data() + field->offset);
    return {data, data + field->count()};
  }
  uint8_t *arena() { return memory.data(); }

  Entry entry{"train", {}, {}, nullptr};
  std::vector<uint8_t> memory;
};

Inputs sequences(int64_t rows, int64_t length) {
  Inputs inputs;
  inputs.add("s.ids", Element::I32, {rows, length});
  inputs.add("s.next", Element::I32, {rows, length});
  inputs.add("s.mask", Element::I1, {rows, length});
  inputs.add("s.real", Element::I1, {rows, length});
  inputs.add("s.row", Element::I32, {rows});
  return inputs;
}

SourceRequest request(const std::string &source, Inputs &inputs, std::vector<std::string> files,
                      double fraction = 0) {
  SourceRequest result;
  result.info.source = source;
  if (inputs.entry.input("s.ids"))
    result.info.record["s"] = "sequence";
  result.files = files;
  result.fraction = fraction;
  result.entries = {&inputs.entry, &inputs.entry};
  return result;
}

std::string failure(const SourceRequest &request) {
  try {
    openSource(request);
  } catch (const UserError &error) {
    return error.what();
  }
  return "";
}

std::string npy(const std::string &descr, const std::string &shape, const std::string &data) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n", descr, shape);
  std::string length{char(header.size()), 0};
  return std::string("\x93NUMPY\x01\x00", 8) + length + header + data;
}

template <typename T> std::string bytes(std::vector<T> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

using Ints = std::vector<int32_t>;
using Flags = std::vector<uint8_t>;

} // namespace

// S3, S6
TEST_CASE("training windows lie in the training part and targets are shifted by one") {
  Temporary folder;
  std::string text(100, 'a');
  for (size_t i = 0; i < 100; ++i)
    text[i] = char(i);
  Inputs inputs = sequences(4, 8);
  Feed feed(openSource(request("text", inputs, {folder.write("c.txt", text)}, 0.2)), 1);
  CHECK(feed.from().examples(Part::Training) == 80 - 8);
  std::set<int32_t> seen;
  for (int64_t step = 0; step < 200; ++step) {
    feed.training(step, inputs.entry, inputs.arena());
    Ints ids = inputs.get<int32_t>("s.ids"), next = inputs.get<int32_t>("s.next");
    for (size_t i = 0; i < ids.size(); ++i) {
      REQUIRE(next[i] == ids[i] + 1);
      REQUIRE(next[i] < 80);
      seen.insert(ids[i]);
      seen.insert(next[i]);
    }
    CHECK(inputs.get<uint8_t>("s.mask") == Flags(32, 1));
    // The documented choice of windows.
    CHECK(ids[8] == int32_t(below(draw(1, Stream::Window, uint64_t(step), 1), 72)));
    CHECK(inputs.get<int32_t>("s.row")[1] == ids[8]);
  }
  CHECK(seen.size() == 80); // both ends are reached
}

TEST_CASE("evaluation walks the held-out part once, in order") {
  Temporary folder;
  std::string text(50, ' ');
  for (size_t i = 0; i < 50; ++i)
    text[i] = char(i);
  Inputs inputs = sequences(2, 4);
  // 20 held-out tokens: 30..49. 19 targets in windows of 4: five windows, three batches.
  Feed feed(openSource(request("text", inputs, {folder.write("c.txt", text)}, 0.4)), 1);
  REQUIRE(feed.heldOutBatches(inputs.entry) == 3);
  Ints targets;
  for (int64_t batch = 0; batch < 3; ++batch) {
    feed.heldOut(batch, inputs.entry, inputs.arena());
    Ints ids = inputs.get<int32_t>("s.ids"), next = inputs.get<int32_t>("s.next");
    Flags mask = inputs.get<uint8_t>("s.mask");
    for (size_t i = 0; i < mask.size(); ++i)
      if (mask[i]) {
        CHECK(next[i] == ids[i] + 1);
        targets.push_back(next[i]);
      }
  }
  Ints expected(19);
  std::iota(expected.begin(), expected.end(), 31);
  CHECK(targets == expected);
  CHECK(inputs.get<uint8_t>("s.real") == Flags{1, 1, 1, 1, 0, 0, 0, 0}); // the second row is absent
  CHECK(inputs.get<uint8_t>("s.mask") == Flags{1, 1, 1, 0, 0, 0, 0, 0});
}

TEST_CASE("a corpus shorter than a window is refused with both numbers") {
  Temporary folder;
  Inputs inputs = sequences(2, 8);
  std::string path = folder.write("c.txt", "12345678");
  CHECK_THAT(failure(request("text", inputs, {path})),
             Contains("too short") && Contains("8 tokens") && Contains("needs 9"));
  CHECK(failure(request("text", inputs, {folder.write("d.txt", "123456789")})) == "");
  CHECK_THAT(failure(request("text", inputs, {folder.write("e.txt", "1234567890")}, 0.15)),
             Contains("too short") && Contains("held out"));
  CHECK_THAT(failure(request("text", inputs, {folder.write("f.txt", "")})), Contains("too short"));
  CHECK_THAT(failure(request("text", inputs, {})), Contains("--data is missing"));
  CHECK_THAT(failure(request("text", inputs, {folder.path})), Contains("not a regular file"));
}

// S5
TEST_CASE("characters are numbered, and the numbering goes with the checkpoint") {
  Temporary folder;
  Inputs inputs = sequences(1, 3);
  SourceRequest ask = request("text", inputs, {folder.write("c.txt", "aéb€aéb€")});
  ask.info.arguments["tokenizer"] = "characters";
  auto source = openSource(ask);
  CHECK(source->examples(Part::Training) == 5);
  source->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("s.ids") == Ints{0, 2, 1});
  CHECK(inputs.get<int32_t>("s.next") == Ints{2, 1, 3});
  ask.saved = source->remember();
  ask.files = {folder.write("d.txt", "€€€€")};
  openSource(ask)->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("s.ids") == Ints{3, 3, 3});
  ask.files = {folder.write("e.txt", "abc\nd")};
  CHECK_THAT(failure(ask), Contains("e.txt:1") && Contains("'c'"));
  ask.saved = nullptr;
  ask.vocabulary = 3;
  CHECK_THAT(failure(ask), Contains("5 distinct characters") && Contains("has 3"));
}

TEST_CASE("several texts are joined") {
  Temporary folder;
  Inputs inputs = sequences(1, 4);
  auto source =
      openSource(request("text", inputs, {folder.write("a", "abc"), folder.write("b", "de")}));
  source->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("s.next") == Ints{'b', 'c', 'd', 'e'});
}

TEST_CASE("token files of two and four bytes, with and without a header") {
  Temporary folder;
  Inputs inputs = sequences(1, 3);
  auto ids = [&](SourceRequest ask) {
    openSource(ask)->provide(Part::Training, 1, 0, inputs.arena());
    return inputs.get<int32_t>("s.ids");
  };
  std::string two = folder.write("two.bin", bytes<uint16_t>({7, 8, 60000, 10, 11}));
  CHECK(ids(request("tokens", inputs, {two})) == Ints{8, 60000, 10});
  SourceRequest wide =
      request("tokens", inputs, {folder.write("four.bin", bytes<uint32_t>({7, 8, 90000, 10, 11}))});
  wide.info.arguments["element"] = "uint32";
  CHECK(ids(wide) == Ints{8, 90000, 10});
  std::vector<int32_t> header(256, 0);
  header[0] = 20240520;
  header[1] = 1;
  header[2] = 4;
  std::string data = bytes(header) + bytes<uint16_t>({1, 2, 3, 4});
  CHECK(ids(request("tokens", inputs, {folder.write("h.bin", data + "")})).size() == 3);
  CHECK_THAT(failure(request("tokens", inputs, {folder.write("h.bin", data + "xx")})),
             Contains("should have 4 tokens"));
  CHECK_THAT(failure(request("tokens", inputs, {folder.write("odd.bin", "abc")})),
             Contains("whole number of tokens"));
  SourceRequest small = request("tokens", inputs, {two});
  small.vocabulary = 50257;
  CHECK_THAT(failure(small), Contains("token 2 is 60000") && Contains("50257"));
  SourceRequest separate = request("tokens", inputs, {two});
  separate.validation = {folder.write("v.bin", bytes<uint16_t>({1, 2, 3}))};
  CHECK(openSource(separate)->examples(Part::HeldOut) == 1);
}

// S1
TEST_CASE("lines are padded on the right and end with their newline") {
  Temporary folder;
  Inputs inputs = sequences(1, 4);
  auto source = openSource(request("lines", inputs, {folder.write("l.txt", "ab\n\nlonger\n")}));
  REQUIRE(source->examples(Part::Training) == 2);
  source->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("s.ids") == Ints{'a', 'b', '\n', 0});
  CHECK(inputs.get<int32_t>("s.next") == Ints{'b', '\n', 0, 0});
  CHECK(inputs.get<uint8_t>("s.real") == Flags{1, 1, 1, 0});
  CHECK(inputs.get<uint8_t>("s.mask") == Flags{1, 1, 0, 0});
  source->provide(Part::Training, 1, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("s.next") == Ints{'o', 'n', 'g', 'e'});
  CHECK(inputs.get<int32_t>("s.row") == Ints{2});
  CHECK_THAT(failure(request("lines", inputs, {folder.write("none.txt", "\n\n")})),
             Contains("no lines"));
}

// S4
TEST_CASE("table columns become inputs") {
  Temporary folder;
  Inputs inputs;
  inputs.add("x", Element::F32, {1, 2});
  inputs.add("y", Element::F32, {1});
  inputs.add("label", Element::I32, {1}, 2);
  inputs.add("s.ids", Element::I32, {1, 3});
  inputs.add("s.real", Element::I1, {1, 3});
  SourceRequest ask = request("table", inputs,
                              {folder.write("t.csv", "x.0,x.1,y,kind,text\r\n"
                                                     "1,2,-0.5,\"cat, big\",ab\r\n"
                                                     "3,4e1,0.25,dog,\"a\"\"c\"\n")});
  ask.info.record = {{"s", "sequence"}};
  ask.info.arguments = {{"y", {{"function", "number"}, {"arguments", {"y"}}}},
                        {"label", {{"function", "category"}, {"arguments", {"kind"}}}},
                        {"s", {{"function", "bytes"}, {"arguments", {"text"}}}}};
  auto source = openSource(ask);
  REQUIRE(source->examples(Part::Training) == 2);
  source->provide(Part::Training, 1, 0, inputs.arena());
  CHECK(inputs.get<float>("x") == std::vector<float>{3, 40});
  CHECK(inputs.get<float>("y") == std::vector<float>{0.25f});
  CHECK(inputs.get<int32_t>("label") == Ints{1});
  CHECK(inputs.get<int32_t>("s.ids") == Ints{'a', '"', 'c'});
  source->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("label") == Ints{0});

  // Another file is read with the categories of the first.
  ask.saved = source->remember();
  ask.files = {folder.write("u.tsv", "text\tkind\ty\tx.1\tx.0\nq\tdog\t1\t2\t3\n")};
  openSource(ask)->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<int32_t>("label") == Ints{1});
  CHECK(inputs.get<float>("x") == std::vector<float>{3, 2});
  ask.files = {folder.write("v.jsonl", R"({"x.0":1,"x.1":2.5,"y":3,"kind":"cow","text":"t"})")};
  CHECK_THAT(failure(ask), Contains("v.jsonl:1") && Contains("'cow'"));
  ask.saved = nullptr;
  openSource(ask)->provide(Part::Training, 0, 0, inputs.arena());
  CHECK(inputs.get<float>("x") == std::vector<float>{1, 2.5f});
}

TEST_CASE("malformed tables are refused at their line") {
  Temporary folder;
  Inputs inputs;
  inputs.add("x", Element::F32, {1});
  inputs.add("n", Element::I32, {1}, 3);
  auto fails = [&](const std::string &text) {
    return failure(request("table", inputs, {folder.write("t.csv", text)}));
  };
  CHECK(fails("x,n\n1,2\n") == "");
  CHECK_THAT(fails(""), Contains("empty"));
  CHECK_THAT(fails("x,n\n1\n"), Contains("t.csv:2") && Contains("1 columns, expected 2"));
  CHECK_THAT(fails("a,n\n1,2\n"), Contains("no column 'x'") && Contains("a, n"));
  CHECK_THAT(fails("x,n\n1,2\n1x,2\n"), Contains("t.csv:3") && Contains("'1x' is not a number"));
  CHECK_THAT(fails("x,n\n1,1.5\n"), Contains("whole number"));
  CHECK_THAT(fails("x,n\n1,1e300\n"), Contains("whole number"));
  CHECK_THAT(fails("x,n\n1,3\n"), Contains("between 0 and 2"));
  CHECK_THAT(fails("x,n\n\"1,2\n"), Contains("t.csv:2") && Contains("quote"));
  CHECK_THAT(fails("x,n\n"), Contains("no rows"));
  Inputs wide;
  wide.add("x", Element::F32, {1, 3});
  CHECK_THAT(failure(request("table", wide, {folder.write("t.csv", "x.0,x.1\n1,2\n")})),
             Contains("no column 'x.2'"));
}

TEST_CASE("arrays become inputs") {
  Temporary folder;
  Inputs inputs;
  inputs.add("x", Element::F32, {1, 2});
  inputs.add("label", Element::I32, {1}, 10);
  std::string x = folder.write("x.npy", npy("<f8", "(2, 2)", bytes<double>({1, 2, 3, 4})));
  std::string label = folder.write("label.npy", npy("|u1", "(2,)", bytes<uint8_t>({5, 9})));
  auto check = [&](std::vector<std::string> files) {
    auto source = openSource(request("tensors", inputs, files));
    REQUIRE(source->examples(Part::Training) == 2);
    source->provide(Part::Training, 1, 0, inputs.arena());
    CHECK(inputs.get<float>("x") == std::vector<float>{3, 4});
    CHECK(inputs.get<int32_t>("label") == Ints{9});
  };
  check({folder.path});
  check({"x=" + x, "label=" + label});

  auto fails = [&](const std::string &name, const std::string &data) {
    folder.write(name, data);
    return failure(request("tensors", inputs, {folder.path}));
  };
  CHECK_THAT(fails("x.npy", npy("<f4", "(2, 3)", std::string(24, 0))),
             Contains("[2, 3]") && Contains("[examples, 2]"));
  CHECK_THAT(fails("x.npy", npy("<f4", "(3, 2)", std::string(24, 0))),
             Contains("has 2 examples") && Contains("has 3"));
  CHECK_THAT(fails("x.npy", npy("<f4", "(2, 2)", std::string(15, 0))), Contains("needs 16 bytes"));
  CHECK_THAT(fails("x.npy", npy(">f4", "(2, 2)", std::string(16, 0))), Contains("'>f4'"));
  CHECK_THAT(fails("x.npy", "nonsense, not an array"), Contains("not a .npy file"));
  CHECK_THAT(fails("x.npy", std::string("\x93NUMPY\x01\x00\xff\x00{}", 12)), Contains("truncated"));
  folder.write("x.npy", npy("<f4", "(2, 2)", std::string(16, 0)));
  CHECK_THAT(fails("label.npy", npy("<f4", "(2,)", std::string(8, 0))),
             Contains("f32") && Contains("i32"));
  CHECK_THAT(failure(request("tensors", inputs, {x})), Contains("NAME=file.npy"));
  CHECK_THAT(failure(request("tensors", inputs, {"x=" + x})), Contains("needs 'label'"));
  folder.write("label.npy", npy("|u1", "(2,)", bytes<uint8_t>({5, 10})));
  auto source = openSource(request("tensors", inputs, {folder.path}));
  CHECK_THROWS_WITH(source->provide(Part::Training, 1, 0, inputs.arena()), Contains("0 to 9"));
}

TEST_CASE("tensors: an input that is given whole is the same in every batch") {
  Temporary folder;
  folder.write("x.npy", npy("<f4", "(3, 1)", bytes<float>({1, 2, 3})));
  folder.write("mu.npy", npy("<f8", "(2,)", bytes<double>({7, 8})));
  Inputs inputs;
  inputs.add("mu", Element::F32, {2});
  inputs.entry.inputs[0].isWhole = true;
  inputs.add("x", Element::F32, {2, 1});
  CHECK(batchRows(inputs.entry) == 2);
  Feed feed(openSource(request("tensors", inputs, {folder.path}, 0.4)), 1);
  CHECK(feed.from().examples(Part::Training) == 2);
  for (int64_t step : {0, 1}) {
    feed.training(step, inputs.entry, inputs.arena());
    CHECK(inputs.get<float>("mu") == std::vector<float>{7, 8});
    CHECK(inputs.get<float>("x")[0] + inputs.get<float>("x")[1] > 0);
  }
  folder.write("mu.npy", npy("<f4", "(3,)", bytes<float>({7, 8, 9})));
  CHECK_THAT(failure(request("tensors", inputs, {folder.path})),
             Contains("shape [3]; 'mu' takes [2], the same at every step"));
}

TEST_CASE("epochs see each example once, and the same seed gives the same order") {
  Temporary folder;
  std::string text = "x\n";
  for (int i = 0; i < 30; ++i)
    text += std::to_string(i) + "\n";
  Inputs inputs;
  inputs.add("x", Element::F32, {4});
  SourceRequest ask = request("table", inputs, {folder.write("t.csv", text)}, 0.2);
  Feed feed(openSource(ask), 3);
  CHECK(feed.from().examples(Part::Training) == 24);
  CHECK(feed.from().examples(Part::HeldOut) == 6);
  CHECK(feed.stepsFor(2, inputs.entry) == 12);
  auto epoch = [&](Feed &feed, int64_t first) {
    std::vector<float> seen;
    for (int64_t step = first; step < first + 6; ++step) {
      feed.training(step, inputs.entry, inputs.arena());
      for (float x : inputs.get<float>("x"))
        seen.push_back(x);
    }
    return seen;
  };
  std::vector<float> one = epoch(feed, 0), two = epoch(feed, 6);
  CHECK(one != two);
  CHECK(std::set<float>(one.begin(), one.end()).size() == 24);
  CHECK(std::set<float>(two.begin(), two.end()) == std::set<float>(one.begin(), one.end()));
  Feed again(openSource(ask), 3), other(openSource(ask), 4);
  CHECK(epoch(again, 6) == two); // as after resuming
  CHECK(epoch(other, 6) != two);

  // What is held out does not depend on the seed, and is never trained on.
  CHECK(feed.heldOutBatches(inputs.entry) == 1); // no mask: the last two are left out
  other.heldOut(0, inputs.entry, inputs.arena());
  for (float x : inputs.get<float>("x"))
    CHECK(std::find(one.begin(), one.end(), x) == one.end());
  Inputs partial;
  partial.add("x", Element::F32, {4});
  partial.add("$rows", Element::I32, {});
  Feed counted(openSource(request("table", partial, ask.files, 0.2)), 3);
  REQUIRE(counted.heldOutBatches(partial.entry) == 2);
  counted.heldOut(1, partial.entry, partial.arena());
  CHECK(partial.get<int32_t>("$rows") == Ints{2});
}

TEST_CASE("inputs that a source does not have are refused by name") {
  Temporary folder;
  std::string path = folder.write("c.txt", "some text that is long enough");
  Inputs inputs = sequences(1, 4);
  inputs.add("s.colour", Element::I32, {1, 4});
  CHECK_THAT(failure(request("text", inputs, {path})),
             Contains("'s.colour'") && Contains("[1, 4]"));
  Inputs odd = sequences(1, 4);
  odd.entry.inputs[1].shape = {1, 5};
  CHECK_THAT(failure(request("text", odd, {path})), Contains("'s.next' has length 5"));
  SourceRequest none = request("rivers", odd, {path});
  CHECK_THAT(failure(none), Contains("'rivers'"));
}
