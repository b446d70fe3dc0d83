// One array per input: .npy files or tensors of a .safetensors file. Its first axis are the
// examples, or it is given whole.
#include "runtime/Error.h"
#include "runtime/File.h"
#include "runtime/Safetensors.h"
#include "runtime/Source.h"
#include <cstring>
#include <filesystem>

using namespace frit;
namespace fs = std::filesystem;

namespace {

struct Array {
  std::string origin;
  Element element = Element::F32;
  Shape shape;
  const uint8_t *data = nullptr;
  std::shared_ptr<void> owner;
};

/// The text after 'key': in a .npy header, up to the end.
std::string_view valueOf(std::string_view header, const char *key, const std::string &name) {
  size_t at = header.find(fmt::format("'{}':", key));
  if (at == header.npos)
    fail("'{}' is not a .npy file: its header has no '{}'", name, key);
  std::string_view value = header.substr(at + std::strlen(key) + 3);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

Element npyElement(std::string_view code, const std::string &name) {
  static const std::pair<const char *, Element> known[] = {
      {"'|b1'", Element::I1},  {"'|u1'", Element::U8},  {"'|i1'", Element::I8},
      {"'<u2'", Element::U16}, {"'<i2'", Element::I16}, {"'<f2'", Element::F16},
      {"'<u4'", Element::U32}, {"'<i4'", Element::I32}, {"'<f4'", Element::F32},
      {"'<u8'", Element::U64}, {"'<i8'", Element::I64}, {"'<f8'", Element::F64}};
  for (auto &[text, element] : known)
    if (code.substr(0, 5) == text)
      return element;
  fail("'{}' has the element type {}; bools, integers and floats (little-endian) are read", name,
       code.substr(0, code.find(',')));
}

/// Version 1 to 3: magic, version, header length (2 or 4 bytes), a Python dictionary, the data.
Array readNpy(const std::string &name) {
  auto file = std::make_shared<MappedFile>(name);
  const uint8_t *bytes = file->data();
  if (file->size() < 12 || std::memcmp(bytes, "\x93NUMPY", 6) != 0)
    fail("'{}' is not a .npy file", name);
  bool isLong = bytes[6] >= 2;
  int64_t length = bytes[8] | bytes[9] << 8;
  if (isLong)
    length |= int64_t(bytes[10]) << 16 | int64_t(bytes[11]) << 24;
  int64_t begin = (isLong ? 12 : 10) + length;
  if (begin > file->size())
    fail("'{}' is truncated: its header takes {} bytes, the file has {}", name, begin,
         file->size());
  std::string_view header = file->text().substr(isLong ? 12 : 10, size_t(length));

  Array array;
  array.origin = name;
  array.element = npyElement(valueOf(header, "descr", name), name);
  if (valueOf(header, "fortran_order", name).substr(0, 5) != "False")
    fail("'{}' is in Fortran order; save it with numpy.ascontiguousarray", name);
  std::string_view shape = valueOf(header, "shape", name);
  for (size_t at = 0; at < shape.size() && shape[at] != ')'; ++at) {
    if (shape[at] < '0' || shape[at] > '9')
      continue;
    int64_t size = 0;
    for (; at < shape.size() && shape[at] >= '0' && shape[at] <= '9'; ++at)
      if (__builtin_mul_overflow(size, int64_t(10), &size) ||
          __builtin_add_overflow(size, int64_t(shape[at] - '0'), &size))
        fail("'{}' has a malformed shape", name);
    array.shape.push_back(size);
    --at;
  }
  int64_t need = sizeOf(array.element);
  for (int64_t size : array.shape)
    if (__builtin_mul_overflow(need, size, &need))
      fail("'{}' has a malformed shape", name);
  if (need != file->size() - begin)
    fail("'{}' of shape {} needs {} bytes of data; the file has {}", name, text(array.shape), need,
         file->size() - begin);
  array.data = bytes + begin;
  array.owner = file;
  return array;
}

using Arrays = std::map<std::string, Array>;

void readFile(const std::string &file, const std::vector<std::string> &inputs, Arrays &arrays) {
  size_t equals = file.find('=');
  if (equals != file.npos && !fs::exists(file)) {
    arrays[file.substr(0, equals)] = readNpy(file.substr(equals + 1));
    return;
  }
  if (fs::is_directory(file)) {
    for (const std::string &input : inputs) {
      fs::path path = fs::path(file) / (input + ".npy");
      if (!fs::exists(path)) // "s.ids" may also lie there as ids.npy
        path = fs::path(file) / (input.substr(input.rfind('.') + 1) + ".npy");
      if (!fs::exists(path))
        fail("'{}' has no '{}.npy'", file, input);
      arrays[input] = readNpy(path);
    }
    return;
  }
  if (file.ends_with(".safetensors")) {
    auto tensors = std::make_shared<Safetensors>(file);
    for (auto &[name, tensor] : tensors->tensors())
      arrays[name] = {fmt::format("{}: {}", file, name), tensor.element, tensor.shape, tensor.data,
                      tensors};
    return;
  }
  if (inputs.size() != 1)
    fail("'{}' is one array, but the program takes {}: give each as NAME=file.npy", file,
         fmt::join(inputs, ", "));
  arrays[inputs[0]] = readNpy(file);
}

class Tensors : public Source {
public:
  explicit Tensors(const SourceRequest &request) : request(request) {
    std::vector<std::string> names;
    for (const Entry *entry : request.entries)
      for (const Field &input : entry ? entry->inputs : std::vector<Field>())
        if (input.name != "$rows" &&
            std::find(names.begin(), names.end(), input.name) == names.end())
          names.push_back(input.name);
    for (const std::string &file : request.files)
      readFile(file, names, sets[0]);
    for (const std::string &file : request.validation)
      readFile(file, names, sets[1]);
    bool separate = !request.validation.empty();
    if (!separate)
      sets[1] = sets[0];
    int64_t counts[2];
    for (size_t part = 0; part < 2; ++part)
      counts[part] = bind(part);
    if (request.allHeldOut)
      parts[1] = splitExamples(counts[1], 1)[1];
    else if (separate)
      parts = {splitExamples(counts[0], 0)[0], splitExamples(counts[1], 1)[1]};
    else
      parts = splitExamples(std::max(counts[0], counts[1]), request.fraction);
    if (request.entries[0] && !request.allHeldOut && parts[0].empty())
      fail("'{}' has no examples to train on", request.files[0]);
  }

  int64_t examples(Part part) const override { return int64_t(parts[size_t(part)].size()); }

  void provide(Part part, int64_t example, int64_t row, uint8_t *arena) const override {
    int64_t index = parts[size_t(part)][size_t(example)];
    for (const Bound &bound : bounds[size_t(part)]) {
      if (bound.field->isWhole)
        continue;
      int64_t count = bound.field->count() / bound.field->shape[0];
      const uint8_t *source = bound.array->data + index * count * sizeOf(bound.array->element);
      uint8_t *target = rowOf(*bound.field, row, arena);
      convert(bound.array->element, source, bound.field->element, target, count);
      if (bound.field->element == Element::I32 && bound.field->limit)
        checkLimit(bound, reinterpret_cast<const int32_t *>(target), count,
                   fmt::format("example {}", index));
    }
  }

  void provideWhole(Part part, uint8_t *arena) const override {
    for (const Bound &bound : bounds[size_t(part)]) {
      if (!bound.field->isWhole)
        continue;
      int64_t count = bound.field->count();
      uint8_t *target = arena + bound.field->offset;
      convert(bound.array->element, bound.array->data, bound.field->element, target, count);
      if (bound.field->element == Element::I32 && bound.field->limit)
        checkLimit(bound, reinterpret_cast<const int32_t *>(target), count, "it");
    }
  }

private:
  struct Bound {
    const Field *field;
    const Array *array;
  };

  /// Matches the entry's inputs with arrays; returns how many examples these have.
  int64_t bind(size_t part) {
    const Entry *entry = request.entries[part];
    if (!entry)
      return 0;
    int64_t examples = -1;
    std::string first;
    for (const Field &input : entry->inputs) {
      if (input.name == "$rows")
        continue;
      auto found = sets[part].find(input.name);
      if (found == sets[part].end()) {
        std::vector<std::string> present;
        for (auto &[name, array] : sets[part])
          present.push_back(name);
        fail("{} needs '{}' of shape {}; the data has {}", entry->name, input.name,
             text(input.shape), fmt::join(present, ", "));
      }
      const Array &array = found->second;
      uint8_t nothing[8];
      if (!convert(array.element, array.data, input.element, nothing, 0))
        fail("'{}' is {}; '{}' takes {}", array.origin, nameOf(array.element), input.name,
             nameOf(input.element));
      bounds[part].push_back({&input, &array});
      if (input.isWhole) {
        if (array.shape != input.shape)
          fail("'{}' has shape {}; '{}' takes {}, the same at every step", array.origin,
               text(array.shape), input.name, text(input.shape));
        continue;
      }
      rowsOf(input);
      Shape expected(input.shape.begin() + 1, input.shape.end());
      Shape present(array.shape.begin() + (array.shape.empty() ? 0 : 1), array.shape.end());
      if (array.shape.empty() || expected != present)
        fail("'{}' has shape {}; '{}' takes [examples{}{}]", array.origin, text(array.shape),
             input.name, expected.empty() ? "" : ", ", fmt::join(expected, ", "));
      if (examples >= 0 && array.shape[0] != examples)
        fail("'{}' has {} examples, '{}' has {}", array.origin, array.shape[0], first, examples);
      examples = array.shape[0];
      first = array.origin;
    }
    return std::max<int64_t>(0, examples);
  }

  static void checkLimit(const Bound &bound, const int32_t *values, int64_t count,
                         const std::string &where) {
    for (int64_t i = 0; i < count; ++i)
      if (values[i] < 0 || values[i] >= bound.field->limit)
        fail("'{}': {} has {}, '{}' takes 0 to {}", bound.array->origin, where, values[i],
             bound.field->name, bound.field->limit - 1);
  }

  const SourceRequest request;
  std::array<Arrays, 2> sets;
  std::array<std::vector<uint32_t>, 2> parts;
  std::array<std::vector<Bound>, 2> bounds;
};

} // namespace

std::unique_ptr<Source> frit::makeTensors(const SourceRequest &request) {
  return std::make_unique<Tensors>(request);
}
