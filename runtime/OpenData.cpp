// From --data and --validation, or from what a checkpoint remembers, to a feed.
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/File.h"
#include <charconv>
#include <filesystem>

using namespace frit;
namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Absolute, so that a run may be resumed from elsewhere; "NAME=file" keeps its name.
static std::vector<std::string> absolutePaths(const std::vector<std::string> &files) {
  std::vector<std::string> result;
  for (const std::string &file : files) {
    size_t equals = file.find('=');
    bool named = equals != file.npos && !fs::exists(file);
    std::string path = named ? file.substr(equals + 1) : file;
    result.push_back((named ? file.substr(0, equals + 1) : "") + fs::absolute(path).string());
  }
  return result;
}

/// Fingerprints of the regular files among them, joined.
static std::string fingerprints(const std::vector<std::string> &files) {
  std::string result;
  for (const std::string &file : files) {
    size_t equals = file.find('=');
    std::string path = fs::exists(file) || equals == file.npos ? file : file.substr(equals + 1);
    if (fs::is_regular_file(path))
      result += (result.empty() ? "" : " ") + fingerprint(MappedFile(path));
  }
  return result;
}

/// --validation takes a fraction or files.
static void readValidation(const std::vector<std::string> &values, SourceRequest &request) {
  if (values.size() == 1 && !fs::exists(values[0])) {
    double fraction = 0;
    const std::string &text = values[0];
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fraction);
    if (error == std::errc() && end == text.data() + text.size()) {
      if (!(fraction >= 0 && fraction < 1))
        fail("--validation {}: a fraction lies between 0 and 1", text);
      request.fraction = fraction;
      return;
    }
  }
  request.validation = values;
}

DataOptions DataOptions::of(const Turn &turn) const {
  DataOptions out{files, validation, {}};
  if (auto own = runs.find(turn.name); own != runs.end()) {
    if (!own->second.files.empty())
      out.files = own->second.files;
    if (!own->second.validation.empty())
      out.validation = own->second.validation;
  }
  return out;
}

Json frit::savedData(const Meta &meta, const Turn &turn) {
  if (turn.name.empty() || !meta.data.is_object())
    return meta.data;
  return meta.data.at("runs").value(turn.name, Json());
}

Json frit::dataToSave(const std::vector<Turn> &turns, const std::vector<OpenedData> &data) {
  if (turns.size() == 1)
    return data[0].meta;
  Json runs = Json::object();
  for (size_t i = 0; i < turns.size(); ++i)
    runs[turns[i].name] = data[i].meta;
  return {{"runs", runs}};
}

OpenedData frit::openData(const Machine &machine, const Turn &turn, const DataOptions &options,
                          const Json &saved, int64_t seed, bool isEvaluation) {
  const Description &description = machine.description;
  OpenedData opened;
  const Entry *training = description.find(turn.entry("train")),
              *evaluation = description.find(turn.entry("eval"));
  if (!turn.data) {
    if (!options.files.empty() && !description.takesData())
      fail("program '{}' takes no data, but --data is given", description.program);
    return opened;
  }

  SourceRequest request;
  request.info = *turn.data;
  request.vocabulary = turn.vocabulary;
  request.fraction = turn.validation;
  if (saved.is_object()) {
    request.saved = saved.at("remember");
    request.fraction = saved.at("fraction");
    request.validation = saved.at("validation").get<std::vector<std::string>>();
    request.files = saved.at("files").get<std::vector<std::string>>();
  }
  if (!options.validation.empty())
    readValidation(options.validation, request);
  bool isSame = true;
  if (!options.files.empty()) {
    std::string found = fingerprints(options.files);
    isSame = saved.is_object() && found == saved.at("fingerprint").get<std::string>();
    if (isEvaluation && !isSame)
      request.validation.clear();
    request.files = options.files;
  } else if (request.files.empty()) {
    request.files = turn.data->files;
  } else if (saved.is_object() && !request.files.empty()) {
    for (const std::string &file : request.files)
      if (size_t equals = file.find('=');
          !fs::exists(file) && (equals == file.npos || !fs::exists(file.substr(equals + 1))))
        fail("the training data '{}' is gone; say where it is with --data", file);
    isSame = fingerprints(request.files) == saved.at("fingerprint").get<std::string>();
  }
  if (saved.is_object() && !isSame && !isEvaluation)
    warn("the data is not what this run was trained on so far; it goes on with the new one");

  bool hasSplit = request.fraction > 0 || !request.validation.empty();
  request.allHeldOut = isEvaluation && (!isSame || !hasSplit);
  opened.hasHeldOut = evaluation && (request.allHeldOut || hasSplit);
  request.entries = {isEvaluation ? nullptr : training, opened.hasHeldOut ? evaluation : nullptr};
  auto source = openSource(request);
  std::string name = fmt::format("'{}'", fmt::join(request.files, "', '"));
  opened.heldOutName = request.allHeldOut ? name
                       : request.validation.empty()
                           ? fmt::format("the held-out part of {}", name)
                           : fmt::format("'{}'", fmt::join(request.validation, "', '"));
  opened.meta = {{"source", request.info.source},
                 {"files", absolutePaths(request.files)},
                 {"validation", absolutePaths(request.validation)},
                 {"fraction", request.fraction},
                 {"fingerprint", fingerprints(request.files)},
                 {"remember", source->remember()}};
  opened.feed = std::make_unique<Feed>(std::move(source), seed);
  return opened;
}
