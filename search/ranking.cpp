// SPDX-License-Identifier: Apache-2.0
#include "search/ranking.hpp"

#include <algorithm>

namespace tune::detail {

// It has ended, or goes on from a rung where it was judged.
bool Ranking::is_told(const Observed& o) const {
  return o.finished() || (use_rungs_ && o.state == Observed::State::pending && !o.rungs.empty());
}

Ranking::Place Ranking::place_of(const Observed& o) const {
  if (!is_told(o)) return {};
  Place p{true, Group::failed, 0, 0};
  if (o.state == Observed::State::failed || o.state == Observed::State::infeasible) return p;
  if (!o.feasible) {
    p.group = Group::violating, p.value = o.violation();
  } else if (o.state == Observed::State::complete) {
    if (!o.has_value()) return p;
    p.group = Group::complete, p.value = o.values.front();
  } else if (use_rungs_ && !o.rungs.empty()) {
    if (!(o.rungs.back().second < Observed::kWorst)) return p;
    p.group = Group::partial, p.step = o.rungs.back().first, p.value = o.rungs.back().second;
  } else if (o.values.empty()) {
    p.group = Group::unreported;
  } else {
    p.group = Group::partial, p.step = o.step, p.value = o.values.front();
  }
  return p;
}

bool Ranking::less(std::uint32_t a, std::uint32_t b) const {
  const Place &x = places_[a], &y = places_[b];
  if (x.group != y.group) return x.group < y.group;
  if (x.step != y.step) return x.step > y.step;
  if (x.value != y.value) return x.value < y.value;
  return ties_ == Ties::newest_first ? a > b : a < b;
}

void Ranking::file(std::uint32_t trial, const Observed& o) {
  const auto by = [this](std::uint32_t a, std::uint32_t b) { return less(a, b); };
  if (places_[trial].filed) order_.erase(std::lower_bound(order_.begin(), order_.end(), trial, by));
  places_[trial] = place_of(o);
  if (places_[trial].filed) order_.insert(std::lower_bound(order_.begin(), order_.end(), trial, by), trial);
}

void Ranking::learn(const Record& r, const Trials& trials) {
  const auto& all = trials.all();
  for (auto i = places_.size(); i < all.size(); ++i) {
    places_.emplace_back();
    file(static_cast<std::uint32_t>(i), all[i]);
  }
  if (!r.decided()) return;
  const auto id = trial_of(r);
  const Observed* o = id ? trials.find(*id) : nullptr;
  if (!o) return;
  const auto trial = static_cast<std::uint32_t>(o - all.data());
  if (is_told(*o) || places_[trial].filed) file(trial, *o);
}

std::size_t Ranking::before(Group g) const {
  const auto end = std::partition_point(order_.begin(), order_.end(), [&](std::uint32_t t) { return places_[t].group < g; });
  return static_cast<std::size_t>(end - order_.begin());
}

}  // namespace tune::detail
