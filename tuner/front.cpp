// SPDX-License-Identifier: Apache-2.0
#include "tuner/front.hpp"

#include <algorithm>
#include <cmath>

namespace tune {

std::vector<double> Front::turned(std::vector<double> values) const {
  for (std::size_t k = 0; k < values.size(); ++k)
    if (objectives_[k].maximize) values[k] = -values[k];
  return values;
}

bool Front::contains(TrialId id) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return m.trial == id; });
}

bool Front::add(TrialId trial, const std::vector<double>& values) {
  const bool known = std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  if (!known || values.size() != objectives_.size()) return false;
  const auto mine = turned(values);
  if (worst_.empty()) worst_ = mine;
  for (std::size_t k = 0; k < mine.size(); ++k) worst_[k] = std::max(worst_[k], mine[k]);

  std::erase_if(members_, [&](const Member& m) { return m.trial == trial; });
  if (std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return dominates(turned(m.values), mine); }))
    return false;
  std::erase_if(members_, [&](const Member& m) { return dominates(mine, turned(m.values)); });
  const auto behind = std::find_if(members_.begin(), members_.end(), [&](const Member& m) {
    const double theirs = turned(m.values).front();
    return theirs > mine.front() || (theirs == mine.front() && m.trial.value > trial.value);
  });
  members_.insert(behind, {trial, values});
  return true;
}

bool Front::covers(const std::vector<double>& values, std::span<const double> slack) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member& m) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      const double gain = objectives_[k].maximize ? values[k] - m.values[k] : m.values[k] - values[k];
      if (!(gain <= slack[k])) return false;
    }
    return true;
  });
}

}  // namespace tune
