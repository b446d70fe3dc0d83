// From a file to a program for each of its objectives, one that `frit check --objective` can ask
// anything: the models are tables whose parameters are what they say, the optimiser puts gradients
// where weights were, and all sizes are small.
#pragma once
#include "tools/frit/ParsedFiles.h"
#include "tools/frit/Request.h"
#include <map>
#include <set>

namespace frit {

/// How large the axes of a program are.
struct ObjectiveSizes {
  int rows, length, columns; // of the batch; of other axes of the data; of vocabularies
  std::string text() const;
};

/// One objective, and what a train block gives it besides models and sizes.
struct ObjectiveProgram {
  const ast::Objective *objective = nullptr;
  std::string name;                          // of the train block; of the objective without one
  std::map<std::string, std::string> given;  // `f`: "js", as the block has it
  std::map<std::string, std::string> models; // `policy`: "Says_vocab"
  std::string why;                           // no models of tables fit: the checker's words
  bool isOwn = false;                        // then the train block is run as it stands
  std::vector<std::string> numbers() const;  // names after `;`

private:
  friend class ObjectiveFile;
  std::string declarations; // of the models
};

class ObjectiveFile {
public:
  /// Reads the file; prints what is wrong with it and throws UserError.
  explicit ObjectiveFile(const Request &request);

  /// In the order of the file: train blocks, then objectives that no block trains.
  std::vector<ObjectiveProgram> programs;
  bool isPrelude() const { return ParsedFiles::isPrelude(request.file); }

  /// What to compile. The step takes its batch in `pieces`.
  Request requestFor(const ObjectiveProgram &program, const ObjectiveSizes &sizes,
                     int pieces) const;
  /// What the checker says against a request; empty if nothing.
  static std::string mistakeIn(const Request &request);

private:
  Request request;
  ParsedFiles files;
  std::map<std::string, const ast::Objective *> objectives;
  std::set<std::string> config;

  void declare(const ast::Module &module);
  void addRun(const ast::Train &train, const ast::Run *run, const std::string &name);
  void findModels(ObjectiveProgram &program, const ast::Train *train);
};

} // namespace frit
