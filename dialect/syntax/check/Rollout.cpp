// Rollouts are judged here: their models, their statements, the causality of what they draw.
#include "dialect/syntax/check/Training.h"
#include <algorithm>

namespace frit::checking {

Outcome Training::rollout(const ast::Field &field) {
  auto *call = ast::as<ast::Call>(field.value);
  auto *name = call ? ast::as<ast::Name>(call->callee) : nullptr;
  auto found = name ? file.names.find(name->text) : file.names.end();
  auto *rollout = found == file.names.end() ? nullptr : ast::as<ast::Rollout>(found->second.decl);
  if (!rollout)
    c.fail(field.value->at, "this is a bug in frit: no rollout is called here");
  EntryState entry;
  begin(entry, "rollout", false);
  auto keepSizes = sizes;
  auto keepHyper = hyper;
  // Arguments: sizes of axes, hyperparameters, sources of data.
  for (const ast::Call::Argument &argument : call->arguments) {
    if (!argument.name)
      c.fail(argument.value->at, "the arguments of a rollout have names");
    const std::string &key = argument.name->text;
    const ast::Parameter *parameter = nullptr;
    bool isAxis = false;
    std::vector<std::string> known;
    for (const ast::Parameter &p : rollout->parameters) {
      known.push_back(p.name.text);
      if (p.name.text == key) {
        parameter = &p;
        isAxis |= p.type && p.type->element && p.type->element->text == "axis";
      }
      if (p.type)
        for (auto *list : {&p.type->axes, &p.type->event})
          for (const ast::TypeAxis &axis : *list)
            if (axis.name) {
              known.push_back(axis.name->text);
              isAxis |= axis.name->text == key;
            }
    }
    if (parameter && parameter->type && parameter->type->hasAxes && !parameter->isNamed)
      continue; // a source of data
    if (isAxis) {
      auto number = c.numberOf(c.eval(*scope, *argument.value));
      if (!number || !number->isWhole() || number->toInt() < 1)
        c.fail(argument.value->at, fmt::format("the size of axis '{}' is a whole number", key));
      sizes[key] = number->toInt();
    } else if (parameter) {
      hyper[key] = readSetting(key, *argument.value, false, rollout->name.text + ".");
    } else {
      c.error(argument.name->at,
              fmt::format("rollout {} has no parameter '{}'", rollout->name.text, key))
          .suggest(key, known)
          .fail();
    }
  }
  Outcome out = body(rollout->name.text, rollout->parameters, rollout->body, *found->second.file,
                     field.value->at);
  if (out.loss)
    c.fail(out.lossAt, "a rollout minimizes nothing; it yields data");
  if (out.yields.empty())
    c.error(rollout->name.at, fmt::format("rollout {} yields nothing", rollout->name.text)).fail();
  // What is yielded and what the objective declares must agree, row for row.
  sizes = keepSizes;
  hyper = keepHyper;
  c.entry = nullptr;
  return out;
}

/// `draw s: sequence[..] ~ q after p until e`: s is a fixpoint, so s is what q sees.
void Training::draw(Scope &scope, const ast::Draw &draw) {
  for (const ast::TypeAxis &axis : draw.type->axes)
    if (axis.name && !axis.isRest && axis.size)
      c.declareAxis(scope, axis.name->text, c.sizeOf(scope, *axis.size, axis.name->text), axis.at);
  Value drawn = input(draw.name.text, *draw.type, scope, draw.name.at);
  auto *record = drawn.record();
  if (!record || !record->fields.count("ids"))
    c.error(draw.type->at, "draw makes a sequence").fail();
  scope.names[draw.name.text] = drawn;
  if (draw.after) {
    Value prompt = c.eval(scope, *draw.after);
    if (!prompt.record())
      c.fail(draw.after->at,
             fmt::format("after wants a sequence, this is {}", c.describe(prompt, scope)));
  }
  if (draw.until) {
    Value until = c.eval(scope, *draw.until);
    if (!c.numberOf(until) && !until.get<Tensor>())
      c.fail(draw.until->at, fmt::format("until wants the token that ends a sequence, this is {}",
                                         c.describe(until, scope)));
  }
  Value from = c.eval(scope, *draw.from);
  auto *q = from.distribution();
  if (!q || q->kind != Distribution::Kind::Categorical)
    c.fail(draw.from->at,
           fmt::format("draw wants a categorical, this is {}", c.describe(from, scope)));
  const Tensor ids = *record->fields.at("ids").get<Tensor>();
  if (q->event.size() != 1 || q->event[0].name != ids.vocabulary->name)
    c.fail(draw.from->at,
           fmt::format("the distribution is over '{}', the sequence is made of "
                       "tokens of '{}'",
                       c.displayAxes(q->event, scope), c.display(ids.vocabulary->name, scope)));
  judgeCausality(from, *record, ids.type.axes.back(), scope, draw.from->at);
}

} // namespace frit::checking
