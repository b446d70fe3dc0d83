// What a name can stand for while a program is being checked.
//
// Graph axes and display names: a value of the graph has axes with graph names. A scope maps the
// names that the program writes (display names) to lists of graph axes. A call therefore changes
// nothing about its arguments; it only writes down which graph axes its formal axes stand for.
#pragma once
#include "dialect/Types.h"
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Graph.h"
#include "dialect/syntax/check/Number.h"
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>

namespace frit::checking {

using Axes = std::vector<Axis>;

struct Scope;
struct Instance;
struct Repeated;
struct File;
struct Value;
struct Frame;

/// Static graph names (fixed when an instance was made) -> the names they have in this call.
using Substitution = std::map<std::string, std::string>;

/// An axis or a group of axes; in arithmetic its size.
struct Group {
  Axes axes;
  int64_t size() const {
    int64_t n = 1;
    for (const Axis &axis : axes)
      n *= axis.size;
    return n;
  }
};

/// What the integers of a value lie between, both ends included, as far as it is known.
using Range = std::optional<std::pair<int64_t, int64_t>>;
inline Range between(int64_t low, int64_t high) { return std::pair(low, high); }
/// Whether it is proved to lie in 0 .. size - 1.
inline bool isBelow(const Range &range, int64_t size) {
  return range && range->first >= 0 && range->second < size;
}
inline Range unite(const Range &a, const Range &b) {
  if (!a || !b)
    return std::nullopt;
  return std::pair(std::min(a->first, b->first), std::max(a->second, b->second));
}

/// A run-time value, or (id absent) the same compile-time number everywhere on its axes: `uniform`.
struct Tensor {
  std::optional<ValueId> id;
  ValueType type;
  std::optional<Number> uniform;  // booleans are 0 and 1
  std::optional<Axis> vocabulary; // of a token: all values are below its size
  Range range;
  /// A value on fewer axes, repeated along the others; written out only where that matters.
  std::optional<ValueId> narrow;
  const Frame *scanIndex = nullptr; // it is the index of that loop

  bool isToken() const { return vocabulary.has_value(); }
  /// Whether its values are proved to be tokens of that vocabulary, also if they are mere numbers.
  bool isWithin(const Axis &tokens) const {
    return isToken() ? vocabulary->name == tokens.name : isBelow(range, tokens.size);
  }
};

struct Distribution {
  enum class Kind { Categorical, Partial, Bernoulli, Normal };
  Kind kind = Kind::Categorical;
  Axes event;
  /// Categorical: one of logits, log_probs (normalised), or tokens with smoothing `epsilon`.
  /// Partial: log_probs and tokens `at`. Bernoulli: logits. Normal: mean, std.
  std::map<std::string, std::shared_ptr<Value>> fields;
};
const char *name(Distribution::Kind kind);

struct RecordValue {
  const ast::Record *decl = nullptr;
  std::map<std::string, Value> fields;
};

/// An instance as seen from some scope: static axis names -> those of the scope.
struct View {
  std::shared_ptr<Instance> instance; // or
  std::shared_ptr<Repeated> repeated;
  Substitution substitution;
  std::string method; // empty: forward
  bool frozen = false;
  /// Axes given twice that this scope tells apart (rule C3): on return they keep their own names.
  std::set<std::string> apart;
};

/// A declaration with the file whose names its body sees.
struct Declared {
  const ast::Decl *decl = nullptr;
  File *file = nullptr;
};

/// A function of the language that is an op or is known to the checker.
struct BuiltinName {
  std::string name;
};

/// A divergence with the parameters given to it.
struct Generator {
  const ast::Divergence *decl = nullptr;
  File *file = nullptr;
  std::map<std::string, Value> parameters;
};

/// `D[f]`, `slope[f]`, `score[f]`.
struct Bracketed {
  std::string name;
  std::shared_ptr<Generator> generator;
};

/// An expression that depends on run-time values where there are none (a field of a model): it is
/// evaluated where it is used.
struct Lazy {
  const ast::Expr *expr = nullptr;
  std::shared_ptr<Scope> scope;
};

/// The index of a `repeat`: a scan index in the loop, index(layer) in initial values.
struct LayerIndex {
  std::shared_ptr<Repeated> repeated;
};

struct Text {
  std::string text;
};
struct Nothing {};

struct Tuple {
  std::vector<Value> items;
};

struct Value
    : std::variant<Nothing, Number, bool, Text, Group, Tensor, std::shared_ptr<Distribution>,
                   std::shared_ptr<RecordValue>, std::shared_ptr<Tuple>, View, Declared,
                   BuiltinName, std::shared_ptr<Generator>, Bracketed, Lazy, LayerIndex> {
  using variant::variant;
  template <class T> const T *get() const { return std::get_if<T>(this); }
  template <class T> T *get() { return std::get_if<T>(this); }
  const Distribution *distribution() const {
    auto *p = get<std::shared_ptr<Distribution>>();
    return p ? p->get() : nullptr;
  }
  const RecordValue *record() const {
    auto *p = get<std::shared_ptr<RecordValue>>();
    return p ? p->get() : nullptr;
  }
  const Tuple *tuple() const {
    auto *p = get<std::shared_ptr<Tuple>>();
    return p ? p->get() : nullptr;
  }
  bool nothing() const { return get<Nothing>(); }
};

//===-- Distributions.cpp
/// One of the tensors it is made of, which it must have.
const Tensor &field(const Distribution &d, const std::string &name);
Value makeDistribution(Distribution::Kind kind, Axes event, std::map<std::string, Tensor> fields);

/// A param or state of an instance.
struct Declaration {
  const ast::ParamDecl *param = nullptr; // or a state
  const ast::StateDecl::Item *state = nullptr;
  Axes declared;           // names and sizes as in the file of the state, columns last
  std::vector<Axes> bound; // what each stands for, static names
  size_t rows = 0;         // how many of `declared` stand before the `;`
  std::string name() const { return param ? param->name.text : state->name.text; }
};

/// One model with its axes bound; shared by all who hold it.
struct Instance {
  const ast::Model *decl = nullptr;
  File *file = nullptr;
  std::shared_ptr<std::map<std::string, Value>> config; // overrides
  Instance *binder = nullptr;                           // whose field it is first
  std::string field;                                    // under which name
  std::shared_ptr<Repeated> repeated; // the innermost repeat it stands in, or null
  bool isNamed = false;
  std::map<std::string, Value> fields;
  std::vector<std::string> order; // of the fields
  std::vector<Declaration> declarations;
  std::map<std::string, Axes> formals;       // axis parameters, static names
  std::map<std::string, std::string> origin; // a formal's axis given twice -> the caller's name
  std::map<std::string, std::string> own;    // static name -> display name of axes made here
  std::set<std::string> apart;       // axes given twice to a model that is a field; types name both
  std::shared_ptr<Instance> copyOf;  // copy(m): starts as m
  const ast::For *wrapper = nullptr; // the `wrap =` of train that made it
  bool isWrapped = false;            // it stands inside such a wrapper
  std::string path() const;          // "lm.blocks.attn"
  const ast::For *addedBy() const;   // the wrapper whose part it is; null if it was wrapped
};

/// `repeat(layer: n) M()`: one instance whose states have a leading axis.
struct Repeated {
  std::shared_ptr<Instance> item;
  Axis axis;        // static name, unique among the repeats around it
  std::string name; // display name; empty if none was given
  std::shared_ptr<Repeated> outer;
};

} // namespace frit::checking
