// Tree -> graph: instantiates models, binds axes, evaluates compile-time values exactly and writes
// down, op by op, what happens at run time.
//
//   Sources sources;  Diagnostics diagnostics;
//   auto graph = check(module, sources, {}, diagnostics);     // nullopt: see diagnostics
//
// The result types of all ops come from the laws in dialect/ops/Laws.h, through findBuiltin.
#pragma once
#include "dialect/syntax/Ast.h"
#include "dialect/syntax/Diagnostics.h"
#include "dialect/syntax/Graph.h"
#include <functional>

namespace frit {

/// A kind of data that the runtime reads, as runtime/Sources.def lists it.
struct DataSource {
  std::string name;
  std::string record; // "sequence": one record of that type; "fields": what is asked for, by rows;
                      // "arrays": also whole
  std::string arguments; // "tokenizer = bytes | words, column = number() | category()"
};

struct CheckOptions {
  /// The train block; empty: the only one, or the last of the file.
  std::string train;
  /// `--set name=expression`, in order.
  std::vector<std::pair<std::string, std::string>> settings;
  Element element = Element::F32;
  /// Sizes of the file's `check {}` block; without one, sizes are cut down to small ones.
  bool small = false;
  /// Adds the entry `gradients`: the loss and the gradient of every parameter, nothing written.
  bool gradients = false;
  /// Only judge the program: what can be checked but not yet compiled is no error.
  bool onlyCheck = false;
  /// The sources that `data` may name; without them data is not judged.
  std::vector<DataSource> sources;
  /// Finds the text of `use "path"` as seen from file `from`; null: not found. Default: the file
  /// beside `from`.
  std::function<const Source *(const std::string &path, const Source &from)> resolve;
};

/// Checks the program in `module` and everything it uses. `sources` keeps the files read on the
/// way.
std::optional<Graph> check(const ast::Module &module, Sources &sources, const CheckOptions &options,
                           Diagnostics &diagnostics);

/// The names of the file's own train blocks, in order.
std::vector<std::string> trainBlocks(const ast::Module &module);

} // namespace frit
