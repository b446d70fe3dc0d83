// Element types: those that live in an arena, and those found in files.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace frit {

enum class Element { I1, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 };

using Shape = std::vector<int64_t>;

/// Bytes of one element; a bool takes one.
int64_t sizeOf(Element element);
/// "f32": the name in program descriptions. Throws Bug when unknown.
Element elementNamed(const std::string &name);
const char *nameOf(Element element);
/// "F32": the name in safetensors files.
const char *safetensorsName(Element element);
bool safetensorsElement(const std::string &name, Element &element);

/// Number of elements; 1 for a scalar.
int64_t countOf(const Shape &shape);
/// "[16, 256]"
std::string text(const Shape &shape);

/// Converts `count` elements. Integers and bools go to any type that the caller has checked to hold
/// them; floats go to floats only (false otherwise).
bool convert(Element from, const uint8_t *source, Element to, uint8_t *target, int64_t count);
/// One element as a number.
double numberAt(Element element, const uint8_t *data, int64_t index);

} // namespace frit
