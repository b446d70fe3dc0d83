#include "runtime/Source.h"
#include "runtime/Error.h"
#include "runtime/Philox.h"
#include <algorithm>
#include <cstring>
#include <numeric>

using namespace frit;

const std::array<const char *, 5> frit::sequenceFieldNames = {"ids", "next", "real", "mask", "row"};

std::unique_ptr<Source> frit::openSource(const SourceRequest &request) {
  const std::string &name = request.info.source;
  std::string known;
#define FRIT_SOURCE(id, factory, record, filesHelp, arguments)                                     \
  known += std::string(known.empty() ? "" : ", ") + #id;                                           \
  if (name == #id) {                                                                               \
    if (request.files.empty())                                                                     \
      fail("--data is missing: this program reads {}", filesHelp);                                 \
    return factory(request);                                                                       \
  }
#include "runtime/Sources.def"
#undef FRIT_SOURCE
  fail("this program reads its data from '{}', which this runtime does not have (it has {})", name,
       known);
}

void frit::checkProvided(const SourceRequest &request, const std::vector<std::string> &provided,
                         const std::string &help) {
  for (const Entry *entry : request.entries) {
    if (!entry)
      continue;
    for (const Field &input : entry->inputs)
      if (input.name != "$rows" &&
          std::find(provided.begin(), provided.end(), input.name) == provided.end())
        fail("{} needs '{}' of shape {}, which source '{}' does not provide: {}", entry->name,
             input.name, text(input.shape), request.info.source, help);
  }
}

int64_t frit::rowsOf(const Field &field) {
  if (field.shape.empty() || field.shape[0] < 1)
    fail("input '{}' has shape {}: data needs a batch axis first", field.name, text(field.shape));
  return field.shape[0];
}

SequenceFields::SequenceFields(const Entry &entry, const std::string &name)
    : ids(entry.input(name + ".ids")), next(entry.input(name + ".next")),
      real(entry.input(name + ".real")), mask(entry.input(name + ".mask")),
      row(entry.input(name + ".row")) {
  auto check = [&](const Field *field, Element element) {
    if (!field)
      return;
    if (field->element != element || field->shape.size() != 2)
      fail("input '{}' is {} of shape {}; a sequence's is {} of shape [rows, length]", field->name,
           nameOf(field->element), text(field->shape), nameOf(element));
    if (length && field->shape[1] != length)
      fail("input '{}' has length {}, other fields of '{}' have {}", field->name, field->shape[1],
           name, length);
    length = field->shape[1];
  };
  check(ids, Element::I32);
  check(next, Element::I32);
  check(real, Element::I1);
  check(mask, Element::I1);
  if (row && (row->element != Element::I32 || row->shape.size() != 1))
    fail("input '{}' is {} of shape {}; a sequence's row is i32 of shape [rows]", row->name,
         nameOf(row->element), text(row->shape));
}

int64_t SequenceFields::write(const int32_t *tokens, int64_t count, int64_t example, int64_t index,
                              int64_t vocabulary, uint8_t *arena) const {
  count = std::min(count, length + 1);
  if (vocabulary)
    for (int64_t i = 0; i < count; ++i)
      if (tokens[i] < 0 || tokens[i] >= vocabulary)
        return i;
  int64_t here = std::min(count, length), following = std::max<int64_t>(0, count - 1);
  if (ids)
    std::memcpy(rowOf(*ids, index, arena), tokens, size_t(here) * 4);
  if (next && following)
    std::memcpy(rowOf(*next, index, arena), tokens + 1, size_t(following) * 4);
  if (real)
    std::memset(rowOf(*real, index, arena), 1, size_t(here));
  if (mask)
    std::memset(rowOf(*mask, index, arena), 1, size_t(following));
  if (row) {
    int32_t number = int32_t(example & INT32_MAX);
    std::memcpy(rowOf(*row, index, arena), &number, 4);
  }
  return -1;
}

std::string frit::sequenceParameter(const SourceRequest &request) {
  std::string found;
  for (auto &[name, record] : request.info.record) {
    if (record != "sequence" || !found.empty())
      fail("source '{}' provides one sequence; the objective takes {} '{}'", request.info.source,
           record == "sequence" ? "a second one," : record + " record", name);
    found = name;
  }
  if (found.empty())
    fail("source '{}' provides a sequence; the objective takes none", request.info.source);
  return found;
}

std::array<std::vector<uint32_t>, 2> frit::splitExamples(int64_t count, double fraction) {
  std::vector<uint32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0u);
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[size_t(i)],
              order[below(draw(0, Stream::HoldOut, 0, uint64_t(i)), uint64_t(i) + 1)]);
  auto middle = order.begin() + int64_t(double(count) * fraction);
  std::sort(order.begin(), middle);
  std::sort(middle, order.end());
  return {std::vector<uint32_t>(middle, order.end()), std::vector<uint32_t>(order.begin(), middle)};
}
