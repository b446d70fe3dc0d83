// The derivative rule of every op against central finite differences of the evaluator. Nothing here
// names an op: operands and attributes are candidates that the op's law accepts, so a new op is
// covered by its record alone.
#include "dialect/ops/Builtins.h"
#include "test/ops/OneOp.h"
#include <catch2/catch.hpp>
#include <random>

using namespace frit;
using namespace frit::test;

namespace {

const std::vector<const char *> operandTypes = {
    "f64[b: 2, t: 3]", "f64[t: 3]", "f64[u: 2, t: 3]", "f64", "f64[b: 1]",
    "i32[b: 2]",       "i32[t: 3]", "i32[k: 2]",       "i32", "i1[b: 2]"};

/// What an attribute of some name may be; whether it makes sense is for the law to say.
std::vector<Attribute> candidates(const std::string &attribute) {
  using Names = std::vector<std::string>;
  using Axes = std::vector<Axis>;
  const Attribute t = Names{"t"}, bt = Names{"b", "t"}, none = Names{}, b = Names{"b"};
  const Attribute sized = Axes{{"v", 3}}, grid = Axes{{"v", 3}, {"w", 1}};
  static const std::map<std::string, std::vector<Attribute>> table = {
      {"over", {t, bt, none}},
      {"axes", {t, bt, sized}},
      {"into", {sized, grid, std::string("v")}},
      {"aligned", {none, b}},
      {"axis", {std::string("t"), std::string("v")}},
      {"from", {std::string("t")}},
      {"to", {std::string("v"), std::string("f64"), std::string("f32")}},
      {"as", {std::string("v"), std::string("t")}},
      {"mode", {std::string("add"), std::string("set")}},
      {"element", {std::string("f64")}},
      {"distribution", {std::string("normal")}},
      {"k", {int64_t(2)}},
      {"at", {int64_t(1)}},
      {"site", {int64_t(1)}},
      {"value", {1.5}}};
  auto at = table.find(attribute);
  // What has no entry is taken for a mark.
  return at == table.end() ? std::vector<Attribute>{false, true} : at->second;
}

/// Calls visit(attributes) for every choice of candidates.
void eachAttributes(const std::vector<std::string> &names, Attributes &chosen,
                    const std::function<void()> &visit) {
  if (chosen.size() == names.size())
    return visit();
  const std::string &name = names[chosen.size()];
  // `chosen` is filled in the order of `names`, whatever the order inside the map.
  for (const Attribute &value : candidates(name)) {
    chosen[name] = value;
    eachAttributes(names, chosen, visit);
    chosen.erase(name);
  }
}

void eachTypes(size_t count, std::vector<ValueType> &chosen, const std::function<void()> &visit) {
  if (chosen.size() == count)
    return visit();
  for (const char *text : operandTypes) {
    chosen.push_back(test::type(text));
    eachTypes(count, chosen, visit);
    chosen.pop_back();
  }
}

/// All calls of an op that its law accepts and that have a slope: from reals to reals.
const std::vector<OneOp> &legalCalls(const Builtin &builtin) {
  static std::map<std::string, std::vector<OneOp>> known;
  auto [at, isNew] = known.try_emplace(builtin.name);
  std::vector<OneOp> &out = at->second;
  if (!isNew)
    return out;
  size_t least = builtin.operands.size();
  // Ops with attributes may take more operands than have names.
  size_t most = least + (builtin.attributes.empty() ? 0 : 3);
  for (size_t count = least; count <= most; ++count) {
    Attributes attributes;
    eachAttributes(builtin.attributes, attributes, [&] {
      std::vector<ValueType> types;
      eachTypes(count, types, [&] {
        auto takesReal = [](const ValueType &type) { return isReal(type.element); };
        if (!llvm::any_of(types, takesReal))
          return;
        LawResult result = builtin.law(types, attributes);
        if (!result || !isReal(result.types.front().element))
          return;
        OneOp call{builtin.name, {}, attributes};
        for (const ValueType &type : types)
          call.operands.push_back(Array(type));
        out.push_back(call);
      });
    });
  }
  return out;
}

/// Reals away from whole and half numbers and from each other; small whole numbers. Later attempts
/// try negative reals and positions outside.
void draw(Arrays &operands, uint32_t attempt) {
  std::mt19937 random(attempt);
  std::uniform_real_distribution<double> real(attempt % 2 ? -1.9 : 0.1, 1.9);
  std::uniform_int_distribution<int> whole(attempt % 4 < 2 ? 0 : -1, attempt % 4 < 2 ? 0 : 3);
  for (Array &array : operands)
    for (double &x : array.data)
      switch (array.type.element) {
      case Element::I1:
        x = random() % 2;
        break;
      case Element::I32:
        x = attempt % 4 < 2 ? random() % 2 : whole(random);
        break;
      default:
        do
          x = real(random);
        while (std::fabs(x * 2 - std::round(x * 2)) < 0.02);
      }
}

/// Compares at points of both kinds; gives how many proved something.
int checkCall(const OneOp &call, Derivative &derivative) {
  int proved = 0;
  for (uint32_t attempt = 0; attempt < 64 && proved < 3; ++attempt) {
    Arrays operands = call.operands;
    draw(operands, attempt);
    bool kink = false;
    try {
      std::string difference = derivative.compare(operands, attempt, kink);
      INFO("attempt " << attempt);
      CHECK(difference == "");
    } catch (const EvaluationError &) {
      continue; // a position outside: no value, no slope
    }
    proved += !kink;
  }
  return proved;
}

} // namespace

TEST_CASE("every derivative rule agrees with finite differences") {
  for (const auto &[name, builtin] : builtins()) {
    const std::vector<OneOp> &calls = legalCalls(builtin);
    // The first two are wrong on purpose; see below.
    if (name == "stop_gradient" || name == "with_slope" || calls.empty())
      continue;
    INFO(name);
    CHECK(Derivative(calls.front()).applies());
    // A spread over all calls is enough where there are many.
    size_t stride = 1 + calls.size() / 100, checked = 0, tried = 0;
    for (size_t i = 0; i < calls.size(); i += stride) {
      std::string operands;
      for (const Array &operand : calls[i].operands)
        operands += toString(operand.type) + " ";
      INFO("call " << i << ": " << operands);
      Derivative derivative(calls[i]);
      checked += checkCall(calls[i], derivative) > 0;
      ++tried;
    }
    CHECK(checked == tried);
  }
}

TEST_CASE("explicit points of derivative rules") {
  auto slope = [](const OneOp &call) {
    bool kink = false;
    std::string difference = Derivative(call).compare(call.operands, 1, kink);
    CHECK_FALSE(kink);
    return difference;
  };
  SECTION("stop_gradient has a slope and gives none") {
    CHECK(slope({"stop_gradient", {array("f64", {2})}, {}}) != "");
  }
  SECTION("with_slope has the slope that it is given, and that of x") {
    CHECK(slope({"with_slope", {array("f64", {2}), array("f64", {1}), array("f64", {3})}, {}}) !=
          "");
    CHECK(slope({"with_slope", {array("f64", {2}), array("f64", {1}), array("f64", {0})}, {}}) ==
          "");
  }
  SECTION("a set scatter gives the cotangent to the last writer only") {
    CHECK(slope({"scatter",
                 {array("f64[t: 3]", {1, 2, 3}), array("i32[t: 3]", {1, 1, 0}),
                  array("f64[v: 3]", {4, 5, 6})},
                 {{"into", std::vector<Axis>{{"v", 3}}},
                  {"onto", true},
                  {"mode", std::string("set")}}}) == "");
  }
  SECTION("a gather out of range gives its cotangent to what stands for it") {
    CHECK(slope({"gather",
                 {array("f64[t: 3]", {1, 2, 3}), array("i32[u: 4]", {-1, 0, 3, 0}),
                  array("f64", {9})},
                 {{"axes", std::vector<std::string>{"t"}}, {"fill", true}}}) == "");
  }
  SECTION("saturated and masked rows") {
    CHECK(slope({"softmax",
                 {array("f64[t: 3]", {-inf, 0.5, 0.25})},
                 {{"over", std::vector<std::string>{"t"}}}}) == "");
  }
  SECTION("odd sizes") {
    CHECK(slope({"contract",
                 {array("f64[b: 1, d: 1]", {2}), array("f64[d: 1]", {3})},
                 {{"over", std::vector<std::string>{"d"}}}}) == "");
    CHECK(slope({"cumsum",
                 {array("f64[t: 1]", {2})},
                 {{"over", std::vector<std::string>{"t"}}, {"reverse", true}}}) == "");
  }
}
