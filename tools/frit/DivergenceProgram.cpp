#include "tools/frit/DivergenceProgram.h"
#include <algorithm>
#include <fmt/format.h>

namespace frit {

DivergenceProgram::DivergenceProgram(const Request &request, const std::string &prologue,
                                     const DivergenceScope &scope,
                                     const std::vector<DivergenceSubject> &subjects, Shape shape)
    : subjects(subjects), shape(shape) {
  for (size_t i = 0; i < subjects.size(); ++i) {
    slots.push_back({i, DivergenceForm::Plain});
    if (subjects[i].atRunTime.empty()) {
      slots.push_back({i, DivergenceForm::Dual});
      slots.push_back({i, DivergenceForm::Shifted});
    }
    if (shape.known)
      slots.push_back({i, DivergenceForm::Partial});
  }
  program = std::make_unique<CompiledRows>(request, text(prologue, scope));
}

std::string DivergenceProgram::text(const std::string &prologue,
                                    const DivergenceScope &scope) const {
  std::string declarations, params, terms;
  auto logits = [](const char *name, size_t i) {
    return fmt::format("categorical(logits = {}{}, over = column_)", name, i);
  };
  for (size_t i = 0; i < slots.size(); ++i) {
    const DivergenceSubject &subject = subjects[slots[i].subject];
    std::string name = subject.divergence->name.text, arguments;
    for (auto &[key, value] : subject.parameters) {
      bool isAtRunTime = key == subject.atRunTime;
      if (isAtRunTime)
        params += fmt::format("  param a{}: real[row_] = {:.17g}\n", i, value);
      arguments += fmt::format("{}{} = {}", arguments.empty() ? "" : ", ", key,
                               isAtRunTime ? fmt::format("a{}", i) : fmt::format("{:.17g}", value));
    }
    if (!arguments.empty())
      name += "(" + arguments + ")";
    std::string p = logits("p", i), q = logits("q", i);
    switch (slots[i].form) {
    case DivergenceForm::Plain:
      break;
    case DivergenceForm::Dual:
      name = fmt::format("dual{}_", i);
      declarations +=
          fmt::format("divergence {}(u_) = u_ * {}\n", name, textOf(scope, subject, "(1 / u_)"));
      std::swap(p, q);
      break;
    case DivergenceForm::Shifted:
      name = fmt::format("shifted{}_", i);
      declarations += fmt::format("divergence {}(u_) = {} + 3 * (u_ - 1)\n", name,
                                  textOf(scope, subject, "u_"));
      break;
    case DivergenceForm::Partial:
      p = fmt::format("categorical(log_probs = l{}, at = t_, over = known_)", i);
      break;
    }
    bool isPartial = slots[i].form == DivergenceForm::Partial;
    params += fmt::format("  param {}{}: real[row_, {}] = 0\n"
                          "  param q{}: real[row_, column_] = 0\n"
                          "  param w{}: real[row_] = 1\n",
                          isPartial ? "l" : "p", i, isPartial ? "known_" : "column_", i, i);
    terms += fmt::format(" + sum(w{} * D[{}]({} || {}))", i, name, p, q);
  }
  bool isPartial = shape.known > 0;
  return fmt::format(
      "{}config {{ row_ = {}, column_ = {}{} }}\n{}"
      "objective check_(x_: real[b_]{}) {{\n{}  minimize sum(x_){}\n}}\n"
      "train check_ {{ b_ = 1;  data = tensors();  optimizer = sgd(lr = 0.1);  steps = 1 }}\n",
      prologue, shape.rows, shape.columns,
      isPartial ? fmt::format(", known_ = {}", shape.known) : "", declarations,
      isPartial ? ", t_: token[row_, known_; column_]" : "", params, terms);
}

void DivergenceProgram::run(const std::vector<LogitRow> &rows) {
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].form == DivergenceForm::Partial)
        program->set(fmt::format("l{}", i), r, rows[r].logP);
      else
        program->set(fmt::format("p{}", i), r, rows[r].p);
      program->set(fmt::format("q{}", i), r, rows[r].q);
      const DivergenceSubject &subject = subjects[slots[i].subject];
      if (!subject.atRunTime.empty())
        program->set(fmt::format("a{}", i), r,
                     std::vector<double>{subject.parameters.at(subject.atRunTime)});
    }
    if (shape.known)
      program->setInput("t_", r, rows[r].columns);
  }
  program->run();
}

size_t DivergenceProgram::slotOf(size_t subject, DivergenceForm form) const {
  return std::find_if(
             slots.begin(), slots.end(),
             [&](const Slot &slot) { return slot.subject == subject && slot.form == form; }) -
         slots.begin();
}

bool DivergenceProgram::has(size_t subject, DivergenceForm form) const {
  return slotOf(subject, form) < slots.size();
}

DivergenceResult DivergenceProgram::result(size_t subject, DivergenceForm form, size_t row) const {
  size_t i = slotOf(subject, form);
  DivergenceResult result;
  result.value = program->number(fmt::format("w{}", i), row);
  if (program->has(fmt::format("a{}", i)))
    result.byParameter = program->number(fmt::format("a{}", i), row);
  if (form == DivergenceForm::Partial)
    return result;
  result.byP = program->row(fmt::format("p{}", i), row);
  result.byQ = program->row(fmt::format("q{}", i), row);
  return result;
}

} // namespace frit
