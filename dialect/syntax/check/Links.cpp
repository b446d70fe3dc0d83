// link[f]: f'(policy / reference) as a reward, the link of f-DPO. That is sound only if a ratio can
// be found from its reward, and if the normaliser of a prompt is the same for all answers: no
// optimal policy leaves an answer out, which f'(0) = -inf sees to. Wang et al. 2024, theorem 1.
#include "dialect/syntax/check/Checker.h"
#include <cmath>

namespace frit::checking {

void Checker::judgeLink(const Generator &generator, Location at) {
  const std::vector<ast::Parameter> &parameters = generator.decl->parameters;
  auto f = [&](double u) {
    auto scope = std::make_shared<Scope>();
    scope->file = generator.file;
    scope->names[parameters[0].name.text] = Number::real(u);
    for (size_t i = 1; i < parameters.size(); ++i) {
      // What is known only at run time is judged where it begins.
      const std::string &name = parameters[i].name.text;
      auto given = generator.parameters.find(name);
      auto number = given == generator.parameters.end() ? std::nullopt : numberOf(given->second);
      if (!number && parameters[i].initial)
        number = numberOf(eval(*scope, *parameters[i].initial));
      if (number)
        scope->names[name] = *number;
    }
    auto value = numberOf(eval(*scope, *generator.decl->generator));
    return value ? value->value : NAN;
  };
  auto slope = [&](double u) { return (f(1.5 * u) - f(0.5 * u)) / u; };
  const std::string &name = generator.decl->name.text;
  auto refuse = [&](const std::string &why) {
    error(at, fmt::format("divergence '{}' is no link: {}", name, why))
        .note(generator.decl->name.at, "declared here")
        .help("kl, reverse_kl, jeffreys, js and hellinger are links")
        .fail();
  };
  for (double u = 1.0 / 64; u < 64; u *= 2)
    if (slope(2 * u) <= slope(u) + 1e-9 * std::fabs(slope(u)))
      refuse(fmt::format(
          "f' is the same at u = {:g} and u = {:g}, so a reward does not say the ratio", u, 2 * u));
  // On its way to -inf, f' takes as long a step from 1e-4 to 1e-8 as from 1e-2 to 1e-4.
  if (slope(1e-4) - slope(1e-8) < 0.9 * (slope(1e-2) - slope(1e-4)))
    refuse(fmt::format("f'(0) is finite, about {:.2g}, so a policy may leave answers out",
                       slope(1e-8)));
}

} // namespace frit::checking
