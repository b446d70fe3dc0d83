// Every op against values worked out by hand. A new op needs a case in its family's file: the first
// test says so.
#include "dialect/ops/Builtins.h"
#include "test/ops/OneOp.h"
#include <catch2/catch.hpp>
#include <set>

using namespace frit;
using namespace frit::test;

static Cases allCases() {
  Cases out;
  for (const Cases &cases :
       {elementwiseCases(), reduceCases(), linearCases(), shapeCases(), randomCases()})
    out.insert(out.end(), cases.begin(), cases.end());
  return out;
}

TEST_CASE("every op has a case with values by hand") {
  std::set<std::string> seen;
  for (const Case &test : allCases())
    seen.insert(test.call.op);
  for (const auto &[name, builtin] : builtins()) {
    INFO(name);
    CHECK(seen.count(name) == 1);
  }
}

TEST_CASE("ops give the values worked out by hand") {
  int number = 0;
  for (const Case &test : allCases()) {
    INFO("case " << number++ << " of " << test.call.op);
    Arrays results = evaluate(test.call);
    REQUIRE(results.size() == test.expected.size());
    for (size_t i = 0; i < results.size(); ++i) {
      INFO("result " << i << " of type " << toString(results[i].type));
      CHECK(results[i].type == test.expected[i].type);
      REQUIRE(results[i].data.size() == test.expected[i].data.size());
      for (size_t e = 0; e < results[i].data.size(); ++e) {
        double got = results[i].data[e], expected = test.expected[i].data[e];
        INFO("element " << e << ": " << got << ", expected " << expected);
        CHECK(((std::isnan(got) && std::isnan(expected)) || got == expected ||
               std::fabs(got - expected) <= 1e-12 * std::fabs(expected)));
      }
    }
  }
}
