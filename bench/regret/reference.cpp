// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bench/regret/problem.hpp"
#include "tuner/rng.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::regret {
namespace {

std::optional<double> evaluated(const Problem& problem, const Params& params) {
  return problem.evaluate(problem.nearest ? problem.nearest(params) : params);
}

}  // namespace

Reference measure_reference(const Problem& problem) {
  constexpr int kRepetitions = 20, kDraws = 50;
  Rng rng{0, Purpose::simulate, 0};
  std::vector<double> all, bests, unit(problem.space.size());
  for (int r = 0; r < kRepetitions; ++r) {
    std::optional<double> best;
    for (int i = 0; i < kDraws; ++i) {
      for (double& u : unit) u = rng.uniform();
      const auto value = evaluated(problem, problem.space.decode(unit));
      if (!value) continue;
      all.push_back(*value);
      best = std::min(best.value_or(*value), *value);
    }
    if (best) bests.push_back(*best);
  }
  if (all.empty()) return {};
  Reference out;
  out.best = *std::min_element(all.begin(), all.end());
  out.worst = *std::max_element(all.begin(), all.end());
  out.median = problem.median.value_or(median(all));
  out.early = median(bests);
  return out;
}

}  // namespace tune::regret
