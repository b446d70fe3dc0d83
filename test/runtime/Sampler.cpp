#include "runtime/Sampler.h"
#include "runtime/Error.h"
#include "runtime/Tokenizer.h"
#include <catch2/catch.hpp>
#include <cmath>

using namespace frit;

TEST_CASE("temperature 0 takes the most likely token, the smaller of two alike") {
  const float logits[] = {0, 3, 3, 1};
  CHECK(Sampler{0, 0, 1}.choose(logits, 4, 0.99) == 1);
}

TEST_CASE("tokens are chosen in proportion") {
  // Probabilities 0.5, 0.3, 0.2 for tokens 2, 0, 1; likelier ones come first.
  const float logits[] = {std::log(0.3f), std::log(0.2f), std::log(0.5f)};
  Sampler plain;
  CHECK(plain.choose(logits, 3, 0.0) == 2);
  CHECK(plain.choose(logits, 3, 0.49) == 2);
  CHECK(plain.choose(logits, 3, 0.51) == 0);
  CHECK(plain.choose(logits, 3, 0.79) == 0);
  CHECK(plain.choose(logits, 3, 0.81) == 1);
  // At temperature 1/2 probabilities are squared: 0.25, 0.09, 0.04 of 0.38.
  CHECK(Sampler{0.5, 0, 1}.choose(logits, 3, 0.65) == 2);
  CHECK(Sampler{0.5, 0, 1}.choose(logits, 3, 0.67) == 0);
}

TEST_CASE("top-k and top-p leave out the unlikely") {
  const float logits[] = {std::log(0.3f), std::log(0.2f), std::log(0.5f)};
  CHECK(Sampler{1, 1, 1}.choose(logits, 3, 0.99) == 2);
  CHECK(Sampler{1, 2, 1}.choose(logits, 3, 0.99) == 0);
  CHECK(Sampler{1, 0, 0.4}.choose(logits, 3, 0.99) == 2);
  CHECK(Sampler{1, 0, 0.7}.choose(logits, 3, 0.99) == 0);
  CHECK(Sampler{1, 5, 1}.choose(logits, 3, 0.99) == 1);
}

TEST_CASE("nan logits are an error") {
  const float logits[] = {0, NAN};
  CHECK_THROWS_AS(Sampler().choose(logits, 2, 0), UserError);
}

TEST_CASE("tokenizers turn text into numbers and back") {
  auto roundTrip = [](Tokenizer &tokenizer, const std::string &text) {
    std::vector<int32_t> tokens;
    tokenizer.encode(text, "test", tokens);
    std::string result;
    for (int32_t token : tokens)
      result += tokenizer.decode(token);
    return result;
  };
  auto bytes = makeTokenizer("bytes", nullptr);
  CHECK(roundTrip(*bytes, "a\xff\n") == "a\xff\n");

  auto characters = makeTokenizer("characters", nullptr);
  characters->learn("héé€", 0);
  CHECK(characters->size() == 3);
  CHECK(roundTrip(*characters, "€hé") == "€hé");
  CHECK_THROWS_WITH(roundTrip(*characters, "h\nx"),
                    Catch::Contains("test:1") && Catch::Contains("character"));
  CHECK_THROWS_WITH(roundTrip(*characters, "h\xff"), Catch::Contains("not UTF-8"));
  auto again = makeTokenizer("characters", characters->remember());
  CHECK(roundTrip(*again, "é€") == "é€");
  auto small = makeTokenizer("characters", nullptr);
  CHECK_THROWS_WITH(small->learn("abc", 2), Catch::Contains("3 distinct") && Catch::Contains("2"));

  auto words = makeTokenizer("words", nullptr);
  words->learn("the cat the dog the cat", 3);
  CHECK(words->size() == 3);
  CHECK(roundTrip(*words, "the dog") == "the ? ");

  auto ids = makeTokenizer("ids", nullptr);
  CHECK(roundTrip(*ids, "5 17") == "5 17 ");
  CHECK_THROWS_WITH(roundTrip(*ids, "5 x"), Catch::Contains("'x'"));
  CHECK_THROWS_WITH(makeTokenizer("morse", nullptr), Catch::Contains("'morse'"));
  CHECK_THROWS_WITH(makeTokenizer("bytes", characters->remember()), Catch::Contains("characters"));
}
