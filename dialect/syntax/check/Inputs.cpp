// The data of an objective or rollout: inputs of the entry.
#include "dialect/syntax/check/Training.h"

namespace frit::checking {

/// A piece of data: an input of the entry, or a record of them.
Value Training::input(const std::string &name, const ast::Type &type, Scope &scope, Location at) {
  std::string element = type.element ? type.element->text : "";
  auto declared = scope.file->names.find(element);
  auto *record =
      declared == scope.file->names.end() ? nullptr : ast::as<ast::Record>(declared->second.decl);
  Axes axes = c.typeAxes(scope, type.axes);
  Axes event = c.typeAxes(scope, type.event);
  if (record) {
    // rows.. take what the named axes leave.
    auto inner = std::make_shared<Scope>();
    inner->file = declared->second.file;
    size_t named = 0;
    for (const ast::TypeAxis &axis : record->axes)
      named += !axis.isRest;
    bool hasRest = named < record->axes.size();
    if (axes.size() < named || (!hasRest && axes.size() != named))
      c.fail(type.at, fmt::format("a {} has {}{} axes, this names {}", element,
                                  hasRest ? "at least " : "", named, axes.size()));
    size_t next = 0, restSize = axes.size() - named;
    for (const ast::TypeAxis &axis : record->axes) {
      if (axis.isRest) {
        inner->rest.assign(axes.begin() + next, axes.begin() + next + restSize);
        next += restSize;
      } else {
        inner->names[axis.name->text] = Group{{axes[next++]}};
      }
    }
    if (record->event.size() != event.size())
      c.fail(type.at, fmt::format("a {} has {} axes after ';', this names {}", element,
                                  record->event.size(), event.size()));
    for (size_t i = 0; i < event.size(); ++i)
      inner->names[record->event[i].name->text] = Group{{event[i]}};
    auto out = std::make_shared<RecordValue>();
    out->decl = record;
    for (const ast::Record::Field &field : record->fields)
      out->fields[field.name.text] = input(name + "." + field.name.text, *field.type, *inner, at);
    if (current)
      current->records[name] = element;
    return Value(out);
  }
  Tensor x;
  x.type.axes = axes;
  if (element == "real" || element == "f32" || element == "f64")
    x.type.element = c.real();
  else if (element == "bool")
    x.type.element = Element::I1;
  else if (element == "i32" || element == "token")
    x.type.element = Element::I32;
  else
    c.error(type.at, fmt::format("data of type '{}' is not known", element))
        .suggest(element, {"real", "bool", "i32", "token", "sequence"})
        .fail();
  if (element == "token") {
    if (event.size() != 1)
      c.fail(type.at, "token[axes; vocabulary] names one vocabulary");
    x.vocabulary = event[0];
    x.range = {0, event[0].size - 1};
  }
  bool isWhole = axes.empty() || axes[0].name != batch;
  if (isWhole && x.type.find(batch))
    c.error(type.at, fmt::format("the batch axis '{}' comes first in data", batch))
        .help(fmt::format("[{}, ..]", batch))
        .fail();
  x.id = c.newValue(x.type);
  c.entry->decl.inputs.push_back({name, *x.id, x.vocabulary ? x.vocabulary->size : 0, isWhole});
  return x;
}

} // namespace frit::checking
