// SPDX-License-Identifier: Apache-2.0
#include "search/individual.hpp"

#include <cmath>

namespace tune::detail {

Individual Individual::from(const Observed& o, std::size_t objectives) {
  Individual i{o.trial, o.point, o.values, 0};
  i.values.resize(objectives, HUGE_VAL);
  if (o.violation() > 0)
    i.shortfall = 1 + o.violation();
  else if (!o.has_value())
    i.shortfall = HUGE_VAL;
  else if (o.state == Observed::State::partial)
    i.shortfall = 1 / (2 + static_cast<double>(o.step > 0 ? o.step : 0));
  return i;
}

const std::vector<Individual>& Arrivals::learn(const Record& r, const Trials& trials) {
  arrived_.clear();
  const auto arrive = [&](const Observed* o) {
    if (o && o->finished()) arrived_.push_back(Individual::from(*o, trials.objectives()));
  };
  if (const auto* settle = r.as<Settle>()) arrive(trials.find(settle->trial));
  if (const auto* pause = r.as<Pause>()) arrive(trials.find(pause->trial));
  if (r.as<Imported>()) {
    for (const auto& o : trials.all())
      if (o.trial.value < 0 && static_cast<std::size_t>(-1 - o.trial.value) >= imported_) arrive(&o);
    imported_ = trials.imported();
  }
  return arrived_;
}

std::optional<TrialId> Arrivals::withdrawn(const Record& r) {
  const auto* retry = r.as<Retry>();
  return retry ? std::optional{retry->trial} : std::nullopt;
}

}  // namespace tune::detail
