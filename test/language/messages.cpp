// Each message that no other test provokes: a mistake, and what is said about it. `messages.py` of
// test/errors looks for messages that are in no test at all.
#include "test/language/Checked.h"

using namespace frit;
using Catch::Contains;

namespace {
struct Mistake {
  std::string program, message;
};

/// Statements of an objective over x: real[b, t], y: real[b, s], ids: token[b, t; v], a mask and a
/// categorical q[b, t; v]; declarations before it, fields of train after it.
std::string around(const std::string &statements, const std::string &before = "",
                   const std::string &train = "") {
  return before + R"(
model Id() {
  param w: real[] = 1
  param table: real[v] = 0
  forward(x: real[b, t]) -> real[b, t] { x * w }
  guess(x: real[b, t]) -> categorical[b, t; v] { categorical(logits = outer(x, table), over = v) }
}
config { v = 5 }
objective o(m: model, x: real[b, t], y: real[b, s], on: bool[b, t], ids: token[b, t; v]; k = 1.0) {
  q = m.guess(x)
)" + statements +
         R"(
  minimize mean(m(x)) + mean(nll(q, ids))
}
train o { m = Id();  b = 2, t = 3, s = 4;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1
)" + train +
         "\n}\n";
}
std::string declared(const std::string &before, const std::string &statements = "") {
  return around(statements, before);
}
std::string training(const std::string &fields) { return around("", "", fields); }
std::string replaced(std::string text, const std::string &from, const std::string &to) {
  return text.replace(text.rfind(from), from.size(), to);
}
/// A model with these members in place of m.
std::string members(const std::string &text) {
  return "model Id() {\n" + text + R"(
  param w: real[] = 1
  forward(x: real[b, t]) -> real[b, t] { x * w }
}
objective o(m: model, x: real[b, t]) { minimize mean(m(x)) }
train o { m = Id();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }
)";
}
} // namespace

TEST_CASE("the program around the mistakes is right") {
  CHECK(Checked(around("")).messages == "");
  CHECK(Checked(members("")).messages == "");
}

TEST_CASE("E1: axes, types and calls") {
  for (auto &[program, message] : std::vector<Mistake>{
           {around("z = sum(x, over = k)"), "'k' is "},
           {around("z = sum(x, over = mean)"), "'mean' is the function 'mean', not an axis"},
           {around("g = [b, t];  z = stack((x, x, x, x, x, x), over = g)"),
            "is a group here, a single axis is"},
           {around("z = sum(x, over = x)"), "'x' is real[b: 2, t: 3], not an axis"},
           {around("z = sum(x, over = x + 1)"), "an axis is wanted here, this is real[b: 2, t: 3]"},
           {declared("fn f(x: real[n], n: axis) = sum(x, over = n)\n", "z = f(x, \"b\")"),
            "an axis is wanted here, this is the text"},
           {declared("fn f(x) = x\nfn g() { a = 1 }\n", "z = f(g())"),
            "g gives no value: its last statement is not an expression"},
           {around("z = f"), "unknown name 'f'"},
           {declared("fn f(x: real[b, t], y: real[b, t]) = x + y\n", "z = f(x, y)"),
            "f wants axis 't' in 'y', this is real[b: 2, s: 4]"},
           {declared("fn f(x: real[b, n..], y: real[b, ..]) = sum(x) + sum(y)\n", "z = f(x, y)"),
            "f wants axis 't' in 'y', this is real[b: 2, s: 4]"},
           {declared("config { n = 5 }\nfn f(x: token[..; n]) = x\n", "z = f(ids)"),
            "'x' of f is over 'n', this is over 'v'"},
           {declared("fn f(m: model) = 1\n", "z = f(x)"), "'m' of f is a model, this is real"},
           {declared("fn f(x) = f(x)\n", "z = f(x)"), "calls nest more than 150 deep"},
           {declared("fn f(q: categorical[b, t; v]) -> categorical[b, t; n] { n: 5;  q }\n",
                     "z = f(q)"),
            "f is declared over [n], this is over [v]"},
           {declared("fn f(x: token[b, t; v]) -> token[b, t; n] { n: 5;  x }\n", "z = f(ids)"),
            "f holds tokens of 'v', tokens of 'n' are wanted"},
           {declared("fn f(x: real[b], i) -> token[b; v] = i\n",
                     "z = f(sum(x, over = t), sum(on, over = t))"),
            "f wants tokens of 'v', this is i32[b: 2]"},
           {declared("fn f(m: model, x: real[b, t]) -> real[b, m.w] = x\n", "z = f(m, x)"),
            "'m.w' is no axis"},
           {around("z = m.backward(x)"), "the model Id has no field 'backward'"},
           {declared("model Mute() { param a: real[] = 1;  half(x) { x * a } }\n"), ""},
           {around("z = if true { a = x } else { y }"), "this has no value"},
           {declared("fn f(x) = x\n", "z = f(if true { a = x } else { y })"), "this has no value"},
           {declared("fn f(x) { minimize x }\n", "z = f(x)"), "this statement cannot stand here"},
           {"model Mute() { param a: real[] = 1;  half(x) { x * a } }\n" +
                replaced(around(""), "m = Id()", "m = Mute()"),
            "the model Mute has no field 'guess'"},
           {"model Mute() { param a: real[] = 1;  half(x) { x * a } }\n" +
                members("n = Mute();  go(x) { n(x) }") +
                "objective p(m: model, x: real[b, t]) { minimize mean(m.go(x)) }\n"
                "train p { m = Id();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
                "steps = 1 }\n",
            "model Mute has no forward"},
           {around("z = x(1)"), "real[b: 2, t: 3] cannot be called"},
           {around("z = kl(q)"), "a divergence is between two: kl(p || q)"},
           {around("z = link[tv](x)"), "divergence 'tv' is no link: f' is the same at u = "},
           {around("z = link[chi2](x)"), "divergence 'chi2' is no link: f'(0) is finite, about -2"},
           {around("z = D[kl](q)"), "a divergence is between two: D[f](p || q)"},
           {around("z = slope[kl](x, x)"), "slope[f](s) takes one value, the log of a ratio"},
       }) {
    INFO(program);
    std::string said = Checked(program).messages;
    if (message.empty())
      CHECK(said == "");
    else
      CHECK_THAT(said, Contains(message));
  }
}

TEST_CASE("E1: builtins") {
  for (auto &[program, message] : std::vector<Mistake>{
           {around("z = unstack(x)"), "unstack wants over =, the old axis"},
           {around("z = unstack(x, over = [b, t])"), "unstack takes one axis apart"},
           {around("z = stack((x, x))"), "stack wants over =, the new axis"},
           {around("z = stack(x, over = n)"),
            "stack wants a tuple of values, this is real[b: 2, t: 3]"},
           {around("z = stack((x, x), over = [n])"), "stack makes one axis: over = name"},
           {around("z = top_k(x, k, over = t, as = n)"),
            "top_k wants a whole number known at compile time"},
           {around("z = top_k(bernoulli(logits = x), 1)"), "top_k of a bernoulli"},
           {around("z = top_k(x, 2)"), "top_k(x, k, over = axis, as = name of the new axis)"},
           {around("z = dropout(x, 1.5)"), "a dropout rate lies in [0, 1), this is 1.5"},
           {around("z = dropout(x, x)"), "a dropout rate is one number"},
           {around("z = copy(m)"), "copy makes a model and stands in train: reference = copy("},
           {around("z = beam(4)"), "'beam' cannot be called like this"},
           {around("z = gather(x)"), "'gather' cannot be called"},
           {around("z = sort(x, over = t, where = on)"), "sort takes no mask"},
           {around("z = rename()"), "rename(x, from -> to)"},
           {around("z = rename(x, t)"), "rename takes arrows: rename(x, from -> to)"},
           {around("z = m.guess(x -> t)"), "'->' stands only in rename(x, from -> to)"},
           {around("z = mean(q || q)"),
            "'||' stands only in the arguments of a divergence: kl(p || q)"},
           {around("z = x[k]"), "brackets take an index by axis, x[t = i], or choose a divergence"},
           {around("z = E[kl]"),
            "brackets take an index by axis, x[t = i], or choose a divergence"},
           {around("z = D[alpha(0.3)](q || q)"),
            "the parameters of a divergence are given by name"},
           {around("z = x.0"), "'.0' takes from a tuple, this is real[b: 2, t: 3]"},
           {around("z = (x, x).2"), "'.2' of a tuple of 2; counting starts at 0"},
           {around("z = 3[t = 1]"), "the number 3 has no axes to index"},
           {around("z = m[t = 1]"), "only tensors are indexed, this is the model Id"},
           {around("e = [];  z = x[e = 1]"), "an empty group has no positions"},
           {around("z = x[t = index(t) - 1 else x]"),
            "what stands outside is one number, this is real[b: 2, t: 3]"},
           {around("z = on[t = index(t) - 1 else 2]"),
            "what stands outside is the number 2, the value is bool[b: 2, t: 3]"},
           {around("z = x * (1 / 0)"), "1 / 0"},
           {around("z = where(on, ids, rename(mode(m.guess(x)), t -> t))"), ""},
           {declared("config { n = 5 }\nfn f(x: token[b, t; n]) = x\n",
                     "z = where(on, ids, mode(rename(q, v -> n)))"),
            "where between tokens of 'v' and of 'n'"},
           {around("z = where(on, ids, x)"), "where between tokens and real[b: 2, t: 3]"},
       }) {
    INFO(program);
    std::string said = Checked(program).messages;
    if (message.empty())
      CHECK(said == "");
    else
      CHECK_THAT(said, Contains(message));
  }
}

TEST_CASE("E1: distributions and divergences") {
  std::string known = "p = categorical(log_probs = x, at = ids, over = t)\n";
  for (auto &[program, message] : std::vector<Mistake>{
           {around("z = nll(q, ids[t = 0])"),
            "the distribution has axes [b, t], the value is token[b: 2; v]"},
           {around("z = nll(categorical(logits = x, over = [b, t]), ids)"),
            "a categorical over a group has no tokens; merge the group with rename"},
           {around("z = nll(categorical(logits = x, over = t), ids)"),
            "tokens of 'v', but the distribution is over 't'"},
           {around(known + "z = nll(p, ids)"),
            "a categorical known only at some tokens gives no probability to others"},
           {around(known + "z = entropy(p)"),
            "the entropy of a categorical known only at some tokens is not known"},
           {around("n = normal(mean = x);  z = cross_entropy(n, n)"),
            "cross_entropy of two normal distributions"},
           {around(known + "z = sample(p)"),
            "a categorical known only at some tokens cannot be sampled"},
           {around("z = categorical(logits = x)"),
            "categorical wants over =, the axis of its support"},
           {around("z = categorical(over = t)"), "categorical wants logits = or log_probs ="},
           {around("z = categorical(logits = x, at = ids, over = t)"),
            "a categorical known at some tokens wants log_probs ="},
           {around("z = categorical(log_probs = x, at = x, over = t)"), "at = wants tokens"},
           {around("z = categorical(logits = x, over = s)"),
            "categorical: real[b: 2, t: 3] has no axis 's'"},
           {around("z = bernoulli(logits = x, probs = x)"), "bernoulli wants logits = or probs ="},
           {around("z = bernoulli(logits = 0, like = m)"), "like = wants a value with axes"},
           {around("z = point(x)"), "point wants tokens, this is real[b: 2, t: 3]"},
           {around("z = smooth(q, 0.1)"),
            "smooth mixes a point with the uniform distribution: smooth(point(x), 0.1)"},
           {around("z = temper(normal(mean = x), 2)"), "temper divides logits; a normal has none"},
           {around("z = logits(point(ids))"), "a point has no logits"},
           {around("z = logits(normal(mean = x))"), "a normal has no logits"},
           {around(known + "z = logits(p)"), "a partial categorical has no logits"},
           {around("z = restrict(q, [b, t])"), "restrict(p, axis) of a categorical over one axis"},
           {declared("divergence d(u; a = 1 in 0..2, c = 1; limit 1: kl) = u * log(u)\n",
                     "z = D[d(a = 1)](q || q)"),
            "limits belong to divergences with one parameter"},
           {around("p = categorical(log_probs = rename(x, t -> c), at = ids[t = 0], over = c)\n"
                   "z = D[js](p || q[t = 0])"),
            "the tokens that p is known at lack its axis 'c'"},
           {around("p = categorical(log_probs = rename(x, t -> c), at = ids[t = 0], over = c)\n"
                   "z = kl(p || categorical(logits = x, over = t))"),
            "tokens of 'v', but the distribution is over 't'"},
       }) {
    INFO(program);
    CHECK_THAT(Checked(program).messages, Contains(message));
  }
}

TEST_CASE("E1: models, loops and states") {
  std::string square = "model M() { param a: real[t] = 0;  forward(x: real[b, t]) { x + a } }\n";
  for (auto &[program, message] : std::vector<Mistake>{
           {members("param a: real[..] = 0"), "'..' has no size here"},
           {members("a, c = 1"), "a field of a model has one name"},
           {members("state n = 0"), "state 'n' needs a type"},
           {members("n = Id()"), "models nest more than 150 deep"},
           {members("a: 2;  a: 3"), "'a' is declared twice in Id"},
           {"model Outer(base: model) { forward(x) { base(x) } }\n" + members("n = Outer(3)"),
            "'base' of Outer is a model, this is the number 3"},
           {around("", "", "n = repeat(2) 3"), "repeat wants a model, this is the number 3"},
           {around("", "", "n = repeat(65537) Id()"),
            "a repeat of 65537 layers; the most is 65536"},
           {around("z = repeat(2) Id()"),
            "repeat makes layers, so it stands in the body of a model or of train"},
           {"model L() { param a: real[] = 1;  forward(x: real[b, t]) -> real[b, t] { x * a } }\n" +
                members("one = L();  n = repeat(2) one"),
            "repeat makes new layers; this instance has a name already"},
           {"model L() { param a: real[] = 1;  forward(x: real[b, t]) -> real[b, t] { x * a } }\n" +
                members("n = repeat(2) L();  go(x) { n() }\n  gone(x: real[b, t]) { n(x) }") +
                "objective p(m: model, x: real[b, t]) { minimize mean(m.go(x)) }\n"
                "train p { m = Id();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
                "steps = 1 }\n",
            "repeated layers take the value that goes through them first"},
           {"model L() { param a: real[] = 1\n"
            "  forward(x: real[b, t], n: axis) -> real[b, t] { x * a } }\n"
            "model N() { n = repeat(2) L();  forward(x: real[b, t]) -> real[b, t] { n(x, x) } }\n"
            "objective p(m: model, x: real[b, t]) { minimize mean(m(x)) }\n"
            "train p { m = N();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
            "steps = 1 }\n",
            "'n' of L is an axis"},
           {"model L() { param a: real[] = 1\n"
            "  forward(x: real[b, t]) -> (real[b, t], real[b]) { (x * a, mean(x, over = t)) } }\n"
            "model N() { n = repeat(2) L();  forward(x: real[b, t]) -> real[b, t] { h, r = n(x);  "
            "h } }\n"
            "objective p(m: model, x: real[b, t]) { minimize mean(m(x)) }\n"
            "train p { m = N();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
            "steps = 1 }\n",
            "layers that return more than one value need a named axis to stack the others on"},
           {"model L() { param a: real[] = 1;  forward(x: real[b, t]) -> real[b, t] { x * a } }\n"
            "model N() { n = repeat(2) L();  forward(x: real[b, t]) -> real[b, t] { x * n.a } }\n"
            "objective p(m: model, x: real[b, t]) { minimize mean(m(x)) }\n"
            "train p { m = N();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
            "steps = 1 }\n",
            "repeated layers have no fields; they are called"},
           {around("z = scan i over t (h: real[b] = 0) { yield x }"),
            "yield of real[b: 2, t: 3], which has axis 't' already"},
           {"model S() { state n: real[] = 0;  param a: real[] = 1\n"
            "  forward(x: real[b, t]) -> real[b, t] { n = mean(x, over = t);  x * a } }\n"
            "objective p(m: model, x: real[b, t]) { minimize mean(m(x)) }\n"
            "train p { m = S();  b = 2, t = 3;  data = tensors();  optimizer = sgd(lr = 0.1)\n"
            "steps = 1 }\n",
            "state 'n' is real[] and becomes real[b: 2]"},
           {around("state n: real[] = 0;  n = mean(x, over = t)"),
            "'n' is real[] and becomes real[b: 2]"},
           {around("state n = 0"), "state 'n' needs a type"},
           {members("param a: real[] = 1;  param c: real[] = 2 * a"),
            "an initial value cannot be made from 'm.a'"},
           {members("param a: real[] ~ bernoulli(logits = 0)"),
            "a parameter cannot start as a bernoulli"},
           {members("n: 3;  param a: real[] = index(n)"),
            "'m.a' is real[] and starts as real[n: 3]"},
           {around("param a: real[] = 0;  param a: real[] = 1"), "two states are called 'a'"},
       }) {
    INFO(program);
    CHECK_THAT(Checked(program).messages, Contains(message));
  }
}

TEST_CASE("E1: objectives and rollouts") {
  auto rollout = [](const std::string &statements, const std::string &arguments = "b = 2, t = 3",
                    const std::string &objective = "x: real[b, t]") {
    return R"(
config { v = 5 }
model Id() {
  param w: real[] = 1
  param table: real[v] = 0
  forward(ids: token[b, t; v]) -> categorical[b, t; v] {
    categorical(logits = outer(along(along(w, t), b), table), over = v)
  }
}
rollout r(m: model, p: sequence[b, t; v]; k = 1) {
)" + statements +
           R"(
}
objective o(m: model, )" +
           objective + R"() { param a: real[] = 1;  minimize a * mean(x) }
train o { m = Id();  b = 2;  t = 3;  data = r()" +
           arguments + R"();  optimizer = sgd(lr = 0.1);  steps = 1 }
)";
  };
  std::string good = "x = p.real;  yield x = where(x, 1, 0)";
  for (auto &[program, message] : std::vector<Mistake>{
           {"objective o(x: complex[b]) { param w: real[] = 0;  minimize w * mean(x) }\n"
            "train o { b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }\n",
            "data of type 'complex' is not known"},
           {"objective o(x: token[b]) { param w: real[] = 0;  minimize w }\n"
            "train o { b = 2;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }\n",
            "token[axes; vocabulary] names one vocabulary"},
           {around("report a = mean(x);  report a = mean(y)"), "'a' is reported twice"},
           {around("yield x + 1"), "yield names what it gives: yield y = e"},
           {rollout(good, "3"), "the arguments of a rollout have names"},
           {rollout(good, "b = 0.5"), "the size of axis 'b' is a whole number"},
           {rollout("minimize mean(where(p.real, 1, 0));  yield x = 1"),
            "a rollout minimizes nothing; it yields data"},
           {rollout("draw s: real[b, t] ~ m(p.ids);  yield x = 1"), "draw makes a sequence"},
           {rollout("draw s: sequence[b, t; v] ~ m(p.ids) after 3;  yield x = 1"),
            "after wants a sequence, this is the number 3"},
           {rollout("draw s: sequence[b, t; v] ~ m(p.ids) until m;  yield x = 1"),
            "until wants the token that ends a sequence, this is the model Id"},
           {rollout("draw s: sequence[b, t; v] ~ 3;  yield x = 1"),
            "draw wants a categorical, this is the number 3"},
           {rollout("n: 5;  draw s: sequence[b, t; n] ~ m(p.ids);  yield x = 1"),
            "the distribution is over 'v', the sequence is made of tokens of 'n'"},
       }) {
    INFO(program);
    CHECK_THAT(Checked(program).messages, Contains(message));
  }
}

TEST_CASE("E1: train and files") {
  auto source = [](const std::string &data) {
    return "objective o(x: real[b]) { param w: real[] = 0;  minimize w * mean(x) }\n"
           "train o { b = 2;  data = " +
           data + ";  optimizer = sgd(lr = 0.1);  steps = 1 }\n";
  };
  for (auto &[program, message] : std::vector<Mistake>{
           {source("table(x = number(1 + 1))"), ""},
           {source("table(x = (1, 2))"),
            "an argument of a data source is a name, a text, a number or a call of those"},
           {source("3"), "data is a source: data = text(tokenizer = bytes)"},
           {source("table(3)"), "a data source takes file names and named arguments"},
           {"config { a = 1, a = 2 }\n", "'a' is set twice"},
           {"config { a = (1, 2) }\n",
            "config holds numbers, bools and texts, this is a tuple of 2"},
           {training("seed = \"a\""), "'seed' is a number, this is the text \"a\""},
           {training("accumulate = 1.5"), "accumulate is a whole number of pieces"},
           {training("eval = tensors()"), "eval is a rollout: eval = decode(beams = 4) every 1000"},
           {training("precision = f12"), "precision is f32, bf16, f16 or f64"},
           {training("precision = bf16"),
            "precision = bf16 cannot be compiled yet: programs compute in f32"},
           {training("run o { for m.w { frozen = true } }"),
            "a run holds fields; for stands beside it"},
           {replaced(training(""), "b = 2", "b = 2.5"),
            "'b' is an axis of the data; its size is a whole number, this is the number 2.5"},
           {training("n = 0.5 * linear(1.0)"),
            "error: this is known only when the program runs, and wanted before"},
           {training("n = m.guess(3)"),
            "error: this is known only when the program runs, and wanted before"},
           {replaced(training(""), "o(m: model", "o(m = model"),
            "'m' is a number or a function by its declaration, and the model Id in train"},
           {training("n = copy()"), "copy(model)"},
           {training("n = copy(3)"), "copy wants a model, this is the number 3"},
           {training("for m { wrap = 3 }"), "wrap wants a model of a model: wrap = LoRA(rank = 4)"},
           {replaced(training(""), "m = Id()", "m = 3"), "'m' wants a model, this is the number 3"},
           {replaced(training(""), "sgd(lr = 0.1)", "3"),
            "an optimizer is wanted here, this is the number 3"},
           {replaced(training(""), "lr = 0.1", "lr = constant(0.1, 2)"),
            "constant takes fewer arguments"},
           {declared("fn wide(value; step) { n: 2;  value * index(n) * step }\n"), ""},
           {replaced(declared("fn wide(value; step) { n: 2;  value * index(n) * step }\n"),
                     "lr = 0.1", "lr = wide(0.1)"),
            "a schedule gives one number, this is real[n: 2]"},
           {replaced(declared("optimizer odd(lr) { state m = grad;  weight = weight - lr * m }\n"),
                     "sgd(", "odd("),
            "a slot of an optimizer starts as a number"},
       }) {
    INFO(program);
    std::string said = Checked(program).messages;
    if (message.empty())
      CHECK(said == "");
    else
      CHECK_THAT(said, Contains(message));
  }
}

TEST_CASE("M8: a file cannot use itself") {
  CheckOptions options;
  options.resolve = [](const std::string &, const Source &from) { return &from; };
  CHECK_THAT(Checked("use \"p.frit\"\n", options).messages,
             Contains("p.frit:1:5: error: a file cannot use itself"));
}
