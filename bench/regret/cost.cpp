// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/cost.hpp"

#include "bench/regret/synthetic_parts.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::regret {

Result<double> cost_ms(const ToolFactory& make, int dimensions, int known, int suggestions) {
  const Problem problem = detail::plain("cost", {"rosenbrock", functions::rosenbrock, dimensions, 10});
  const auto tool = make();
  if (!tool) return tool.error();
  const auto study = (*tool)->open(problem, 1, known + suggestions);
  if (!study) return study.error();
  Rng rng{1, Purpose::simulate, 0};
  std::vector<double> unit(problem.space.size()), spent;
  for (int trial = 0; trial < known; ++trial) {
    for (double& u : unit) u = rng.uniform();
    const Params params = problem.space.decode(unit);
    if (auto done = (*study)->give(trial, params); !done) return done.error();
    if (auto done = (*study)->tell(trial, params, problem.evaluate(params)); !done) return done.error();
  }
  for (int trial = known; trial < known + suggestions; ++trial) {
    const double before = (*study)->cpu_seconds();
    const auto params = (*study)->ask(trial);
    if (!params) return params.error();
    if (!*params) break;
    if (auto done = (*study)->tell(trial, **params, problem.evaluate(**params)); !done) return done.error();
    spent.push_back(1e3 * ((*study)->cpu_seconds() - before));
  }
  return median(std::move(spent));
}

}  // namespace tune::regret
