#include "runtime/Safetensors.h"
#include "runtime/Error.h"
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace frit;
using OrderedJson = nlohmann::ordered_json;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

void frit::writeSafetensors(const std::string &path, std::vector<TensorData> tensors,
                            const std::map<std::string, std::string> &metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorData &a, const TensorData &b) {
    int64_t sizeA = sizeOf(a.element), sizeB = sizeOf(b.element);
    return sizeA != sizeB ? sizeA > sizeB : a.name < b.name;
  });
  OrderedJson header = OrderedJson::object();
  header["__metadata__"] = metadata;
  int64_t offset = 0;
  for (const TensorData &tensor : tensors) {
    if (header.contains(tensor.name))
      bug("two tensors are called '{}'", tensor.name);
    header[tensor.name] = {{"dtype", safetensorsName(tensor.element)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string head = header.dump();
  head.resize((head.size() + 7) / 8 * 8, ' ');
  uint64_t length = head.size();

  OutputFile file(path);
  file.write(&length, 8);
  file.write(head);
  for (const TensorData &tensor : tensors)
    file.write(tensor.data, tensor.bytes());
  file.finish();
}

/// Product of the sizes, or -1 when they are no sizes or do not fit.
static int64_t checkedBytes(const Shape &shape, Element element) {
  int64_t bytes = sizeOf(element);
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes))
      return -1;
  return bytes;
}

Safetensors::Safetensors(const std::string &path) : file(path) {
  if (file.size() < 8)
    fail("'{}' is not a safetensors file: it has {} bytes, the header's length alone takes 8", path,
         file.size());
  uint64_t length;
  std::memcpy(&length, file.data(), 8);
  if (length > uint64_t(file.size() - 8))
    fail("'{}' is truncated or not a safetensors file: its header should take {} bytes, the file "
         "has {} left",
         path, length, file.size() - 8);
  const char *head = reinterpret_cast<const char *>(file.data()) + 8;
  OrderedJson header = OrderedJson::parse(head, head + length, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object())
    fail("'{}' is not a safetensors file: its header is not a JSON object", path);

  const uint8_t *data = file.data() + 8 + length;
  int64_t size = file.size() - 8 - int64_t(length);
  struct Span {
    int64_t begin, end;
    std::string name;
  };
  std::vector<Span> spans;
  for (auto &[name, item] : header.items()) {
    if (name == "__metadata__")
      continue;
    TensorData tensor;
    tensor.name = name;
    std::vector<int64_t> offsets;
    try {
      if (!safetensorsElement(item.at("dtype"), tensor.element))
        fail("'{}': tensor '{}' has the element type {}, which is not read here", path, name,
             item.at("dtype").dump());
      tensor.shape = item.at("shape").get<Shape>();
      offsets = item.at("data_offsets").get<std::vector<int64_t>>();
    } catch (const OrderedJson::exception &) {
      fail("'{}': the header's entry for '{}' is malformed: {}", path, name, item.dump());
    }
    if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
      fail("'{}': tensor '{}' has malformed offsets {}", path, name,
           item.at("data_offsets").dump());
    int64_t bytes = checkedBytes(tensor.shape, tensor.element);
    if (bytes != offsets[1] - offsets[0])
      fail("'{}': tensor '{}' of shape {} and type {} needs {} bytes, its offsets span {}", path,
           name, text(tensor.shape), safetensorsName(tensor.element), bytes,
           offsets[1] - offsets[0]);
    if (offsets[1] > size)
      fail("'{}' is truncated: tensor '{}' ends at byte {}, the file has {} bytes of data", path,
           name, offsets[1], size);
    tensor.data = data + offsets[0];
    spans.push_back({offsets[0], offsets[1], name});
    if (!table.emplace(name, std::move(tensor)).second)
      fail("'{}': two tensors are called '{}'", path, name);
  }
  std::sort(spans.begin(), spans.end(), [](const Span &a, const Span &b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  int64_t end = 0;
  for (const Span &span : spans) {
    if (span.begin != end)
      fail("'{}': tensor '{}' begins at byte {} but the one before ends at {}: they {}", path,
           span.name, span.begin, end, span.begin < end ? "overlap" : "leave a hole");
    end = span.end;
  }
  if (end != size)
    fail("'{}' has {} bytes of data, its header describes {}", path, size, end);
}

const TensorData *Safetensors::find(const std::string &name) const {
  auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}
