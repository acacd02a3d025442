// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/objective.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tuner/nearest.hpp"

namespace tune {

Result<std::size_t> objective_of(const Invocation& call, const Spec& spec) {
  const auto name = call.get("objective");
  if (!name) return std::size_t{0};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < spec.objectives.size(); ++i) {
    if (spec.objectives[i].metric == *name) return i;
    names.push_back(spec.objectives[i].metric);
  }
  const auto near = nearest(*name, names);
  return usage_error("`" + printable(*name) + "` is no objective of `" + printable(spec.name) + "`",
                     near.empty() ? "it has `" + printable(names.front()) + "`"
                                  : "did you mean `" + printable(near) + "`?");
}

std::optional<double> score_of(const TrialRow& trial, const Spec& spec, std::size_t objective) {
  constexpr double kWorst = std::numeric_limits<double>::infinity();
  if (!is_final(trial.state) || trial.state == TrialState::cancelled) return std::nullopt;
  const bool counts = trial.feasible && (trial.state == TrialState::complete || trial.state == TrialState::stopped);
  const auto value = objective == 0                      ? trial.value
                     : objective - 1 < trial.more.size() ? std::optional{trial.more[objective - 1]}
                                                         : std::nullopt;
  if (!counts || !value || !std::isfinite(*value)) return kWorst;
  return spec.objectives[objective].maximize ? -*value : *value;
}

}  // namespace tune
