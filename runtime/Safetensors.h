// The safetensors file format: 8 bytes header length, JSON header, tensor bytes.
#pragma once
#include "runtime/Element.h"
#include "runtime/File.h"
#include <map>

namespace frit {

/// One tensor to write.
struct TensorData {
  std::string name;
  Element element;
  Shape shape;
  const uint8_t *data;

  int64_t bytes() const { return countOf(shape) * sizeOf(element); }
};

/// Writes `tensors` to a new file at `path`, on the disk when it returns. Larger elements first,
/// then by name, so that every tensor is aligned; the header is padded to 8 bytes.
/// `metadata` becomes "__metadata__".
void writeSafetensors(const std::string &path, std::vector<TensorData> tensors,
                      const std::map<std::string, std::string> &metadata);

/// A file mapped and checked: a header that parses, tensors that neither overlap nor leave holes,
/// sizes that follow from shapes, no byte missing. Anything else fails with the file's name, what
/// was expected and what was found.
class Safetensors {
public:
  explicit Safetensors(const std::string &path);

  /// Null when there is none of that name.
  const TensorData *find(const std::string &name) const;
  const std::map<std::string, TensorData> &tensors() const { return table; }
  const std::string &path() const { return file.path(); }

private:
  MappedFile file;
  std::map<std::string, TensorData> table;
};

} // namespace frit
