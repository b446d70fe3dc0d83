// Random objective programs as text: models with heads of several kinds, distributions and
// divergences, masks, ratios, preference margins, loops over time, aggregations. What comes out
// passes the checker, and its loss and gradients are finite at benign numbers.
#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace frit::test {

/// Several objectives that share a file, models' declarations and sizes: one compilation.
struct RandomFile {
  std::string text;
  std::vector<uint64_t> seeds; // the objective of seed n is "on"
};

/// The objectives of these seeds. Sizes are those of the first seed's dozen.
RandomFile randomFile(const std::vector<uint64_t> &seeds);

/// Models of a few parameters, one for each way to say something of tokens or numbers.
const char *modelDeclarations();

/// How many seeds share sizes, and may share a file.
constexpr uint64_t seedsPerFile = 12;

/// Writes one objective.
class ObjectiveWriter {
public:
  explicit ObjectiveWriter(uint64_t seed) : random(seed * 7919 + 17), seed(seed) {}

  void write();
  std::string declarations; // divergences, functions, the objective
  std::string models;       // fields of the train block
  bool hasTwo = false;      // sequences: b, t and b, u

private:
  /// Answers that the objective sees: a sequence and what is known along it.
  struct Context {
    std::string s, time;                   // "s", "t"
    std::vector<std::string> policies;     // distributions of the next token, everywhere above 0
    std::vector<std::string> tokens, rows; // names of real[b, time] and real[b]
  };

  std::mt19937_64 random;
  uint64_t seed;
  std::string body;
  std::vector<std::string> parameters, data, numbers, anchors;
  std::vector<Context> contexts;
  std::vector<std::string> policies, references; // models
  int names = 0;
  bool hasOwnF = false;

  int below(int n) { return int(random() % uint64_t(n)); }
  bool chance(int percent) { return below(100) < percent; }
  std::string pick(const std::vector<std::string> &list) { return list[below(int(list.size()))]; }
  std::string fresh(const char *prefix);
  std::string number(double low, double high);
  std::string let(const char *prefix, const std::string &value);

  void declareModels();
  void declareData();
  void declareF();
  void say(Context &c);
  void scan(Context &c);

  std::string generator(bool isFiniteAtZero);
  std::string link();
  std::string full(const Context &c);
  std::string divergence(const Context &c);
  std::string unary(const std::string &x);
  std::string binary(const std::string &x, const std::string &y);
  std::string token(Context &c, int depth);
  std::string alongTime(Context &c, int depth);
  std::string ratio(const Context &c);
  std::string row(Context &c, int depth);
  std::string term(Context &c);
};

} // namespace frit::test
