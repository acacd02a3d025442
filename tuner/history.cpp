// SPDX-License-Identifier: Apache-2.0
#include "tuner/history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/instances.hpp"
#include "tuner/store.hpp"

namespace tune {

std::int64_t History::finished_trials() const {
  std::int64_t sum = 0;
  for (auto s : {TrialState::complete, TrialState::stopped, TrialState::failed, TrialState::infeasible, TrialState::cancelled})
    sum += count(s);
  return sum;
}

const std::vector<int>& History::positions(const Metrics& metrics) const {
  if (metrics.names != names_) {
    names_ = metrics.names;
    positions_.assign(spec_->objectives.size(), -1);
    for (std::size_t o = 0; o < positions_.size(); ++o)
      for (std::size_t i = 0; names_ && i < names_->size(); ++i)
        if ((*names_)[i] == spec_->objectives[o].metric) positions_[o] = static_cast<int>(i);
  }
  return positions_;
}

double History::score(double value) const {
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  return spec_->objectives.front().maximize ? -value : value;
}

std::optional<double> History::score(const Metrics& metrics) const {
  const int at = positions(metrics).front();
  if (at < 0) return std::nullopt;
  return score(metrics.values[static_cast<std::size_t>(at)]);
}

bool History::reached_target(const Trial& t) const {
  const auto& target = spec_->stop.target;
  if (target.empty() || !t.feasible || lacks_instances(*spec_, t) || t.values.size() != spec_->objectives.size()) return false;
  for (std::size_t o = 0; o < t.values.size(); ++o) {
    if (!std::isfinite(t.values[o])) return false;
    const auto wanted = target.find(spec_->objectives[o].metric);
    if (wanted == target.end()) continue;
    if (spec_->objectives[o].maximize ? t.values[o] < wanted->second : t.values[o] > wanted->second) return false;
  }
  return true;
}

TrialRow row_of(const Trial& t) {
  TrialRow row{t.id, t.state, t.cause, t.attempt, t.reports, t.last_step, t.until_step, t.proposed_at, t.launched_at,
               t.ended_at, std::nullopt, {}, t.feasible};
  if (!t.values.empty()) {
    row.value = t.values.front();
    row.more.assign(t.values.begin() + 1, t.values.end());
  }
  return row;
}

bool TrialRow::operator==(const TrialRow& o) const {
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  return id == o.id && state == o.state && cause == o.cause && attempt == o.attempt && reports == o.reports &&
         last_step == o.last_step && until_step == o.until_step && proposed_at == o.proposed_at &&
         launched_at == o.launched_at && ended_at == o.ended_at && feasible == o.feasible &&
         value.has_value() == o.value.has_value() && (!value || same(*value, *o.value)) &&
         std::equal(more.begin(), more.end(), o.more.begin(), o.more.end(), same);
}

const Speculate* History::copy(TrialId trial) const {
  const auto it = copies_.find(trial);
  return it == copies_.end() ? nullptr : &it->second;
}

const std::vector<Seat>* History::ranks(TrialId trial) const {
  const auto it = ranks_.find(trial);
  return it == ranks_.end() ? nullptr : &it->second;
}

}  // namespace tune
