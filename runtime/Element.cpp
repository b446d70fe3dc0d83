#include "runtime/Element.h"
#include "runtime/Error.h"
#include <cstring>

using namespace frit;

namespace {
struct Row {
  Element element;
  const char *name, *safetensors;
  int64_t size;
};
const Row rows[] = {
    {Element::I1, "i1", "BOOL", 1},     {Element::U8, "u8", "U8", 1},
    {Element::I8, "i8", "I8", 1},       {Element::U16, "u16", "U16", 2},
    {Element::I16, "i16", "I16", 2},    {Element::F16, "f16", "F16", 2},
    {Element::BF16, "bf16", "BF16", 2}, {Element::U32, "u32", "U32", 4},
    {Element::I32, "i32", "I32", 4},    {Element::F32, "f32", "F32", 4},
    {Element::U64, "u64", "U64", 8},    {Element::I64, "i64", "I64", 8},
    {Element::F64, "f64", "F64", 8},
};
} // namespace

int64_t frit::sizeOf(Element element) { return rows[int(element)].size; }
const char *frit::nameOf(Element element) { return rows[int(element)].name; }
const char *frit::safetensorsName(Element element) { return rows[int(element)].safetensors; }

Element frit::elementNamed(const std::string &name) {
  for (const Row &row : rows)
    if (name == row.name)
      return row.element;
  bug("unknown element type '{}'", name);
}

bool frit::safetensorsElement(const std::string &name, Element &element) {
  for (const Row &row : rows)
    if (name == row.safetensors) {
      element = row.element;
      return true;
    }
  return false;
}

int64_t frit::countOf(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::string frit::text(const Shape &shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

static float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
  float value;
  if (exponent == 0) { // subnormal: mantissa * 2^-24
    value = float(mantissa) * 0x1p-24f;
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    bits |= sign;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13;
  std::memcpy(&value, &bits, 4);
  return value;
}

template <typename T> static T load(const uint8_t *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * int64_t(sizeof(T)), sizeof(T));
  return value;
}

/// Calls use(value) with element `index`, in its own type (half types as float).
template <typename Use>
static void withElement(Element element, const uint8_t *data, int64_t index, Use use) {
  switch (element) {
  case Element::I1:
    return use(uint8_t(data[index] != 0));
  case Element::U8:
    return use(data[index]);
  case Element::I8:
    return use(load<int8_t>(data, index));
  case Element::U16:
    return use(load<uint16_t>(data, index));
  case Element::I16:
    return use(load<int16_t>(data, index));
  case Element::F16:
    return use(halfToFloat(load<uint16_t>(data, index)));
  case Element::BF16: {
    uint32_t bits = uint32_t(load<uint16_t>(data, index)) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return use(value);
  }
  case Element::U32:
    return use(load<uint32_t>(data, index));
  case Element::I32:
    return use(load<int32_t>(data, index));
  case Element::F32:
    return use(load<float>(data, index));
  case Element::U64:
    return use(load<uint64_t>(data, index));
  case Element::I64:
    return use(load<int64_t>(data, index));
  case Element::F64:
    return use(load<double>(data, index));
  }
}

static bool isFloat(Element element) {
  return element == Element::F16 || element == Element::BF16 || element == Element::F32 ||
         element == Element::F64;
}

template <typename T>
static void convertTo(Element from, const uint8_t *source, T *target, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    withElement(from, source, i, [&](auto value) { target[i] = T(value); });
}

bool frit::convert(Element from, const uint8_t *source, Element to, uint8_t *target,
                   int64_t count) {
  if (from == to) {
    std::memcpy(target, source, size_t(count * sizeOf(to)));
    return true;
  }
  if (isFloat(from) && !isFloat(to))
    return false;
  switch (to) {
  case Element::F32:
    convertTo(from, source, reinterpret_cast<float *>(target), count);
    return true;
  case Element::F64:
    convertTo(from, source, reinterpret_cast<double *>(target), count);
    return true;
  case Element::I32:
    convertTo(from, source, reinterpret_cast<int32_t *>(target), count);
    return true;
  case Element::I1:
    for (int64_t i = 0; i < count; ++i)
      withElement(from, source, i, [&](auto value) { target[i] = value != 0; });
    return true;
  default:
    return false;
  }
}

double frit::numberAt(Element element, const uint8_t *data, int64_t index) {
  double number = 0;
  withElement(element, data, index, [&](auto value) { number = double(value); });
  return number;
}
