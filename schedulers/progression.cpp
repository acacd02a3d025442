// SPDX-License-Identifier: Apache-2.0
#include "schedulers/progression.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace tune::detail {
namespace {

constexpr std::size_t kCompared = 256, kFirst = 256, kPairs = 64;
constexpr double kPercentile = 0.9;

using Curve = std::vector<std::pair<std::int64_t, double>>;

// How far apart the two are at their last common step, if going back from there the order turns round and round again.
std::optional<double> gap_if_crossed_twice(const Curve& a, const Curve& b) {
  double gap = 0;
  int last = 0, turns = 0;
  for (auto i = a.rbegin(), j = b.rbegin(); i != a.rend() && j != b.rend();) {
    if (i->first > j->first) {
      ++i;
    } else if (i->first < j->first) {
      ++j;
    } else {
      const double difference = i->second - j->second;
      const int order = difference > 0 ? 1 : difference < 0 ? -1 : 0;
      if (last == 0) {
        if (order == 0 || !std::isfinite(difference)) return std::nullopt;
        gap = std::fabs(difference);
      } else if (order == -last) {
        ++turns;
      }
      if (turns == 2) return gap;
      if (order != 0) last = order;
      ++i, ++j;
    }
  }
  return std::nullopt;
}

}  // namespace

Progression::Course& Progression::course(TrialId id) {
  const auto index = static_cast<std::size_t>(id.value);
  if (courses_.size() <= index) courses_.resize(index + 1);
  return courses_[index];
}

void Progression::reported(TrialId id, std::int64_t step, double score) { course(id).curve.emplace_back(step, score); }

void Progression::recorded(TrialId id, int rung, double score) {
  const double below = std::exchange(course(id).recorded, score);
  if (rung != rungs_ - 1) return;
  const bool other_noise = learn_noise(id);
  const bool other_order = place({score, id}, below);
  if ((!other_noise && !other_order) || agree()) return;
  ++rungs_;
  first_.clear(), above_.clear(), below_.clear(), gaps_.clear();
}

// False: it is not among the best.
bool Progression::place(const Entry& entry, double below) {
  const std::pair fresh{entry, below};
  const auto better = [](const auto& x, const auto& y) { return x.first < y.first; };
  if (above_.size() == kCompared) {
    if (better(above_.back(), fresh)) return false;
    below_.erase(std::lower_bound(below_.begin(), below_.end(), above_.back().second));
    above_.pop_back();
  }
  above_.insert(std::upper_bound(above_.begin(), above_.end(), fresh, better), fresh);
  below_.insert(std::upper_bound(below_.begin(), below_.end(), below), below);
  return true;
}

// False: epsilon stays as it was.
bool Progression::learn_noise(TrialId id) {
  if (first_.size() == kFirst) return false;
  const Curve& curve = course(id).curve;
  for (std::size_t i = first_.size() > kPairs ? first_.size() - kPairs : 0; i < first_.size(); ++i)
    if (const auto gap = gap_if_crossed_twice(curve, course(first_[i]).curve))
      gaps_.insert(std::upper_bound(gaps_.begin(), gaps_.end(), *gap), *gap);
  first_.push_back(id);
  if (gaps_.empty()) return false;
  const auto nth = static_cast<std::size_t>(std::ceil(kPercentile * static_cast<double>(gaps_.size())));
  const double before = std::exchange(epsilon_, gaps_[nth - 1]);
  return before != epsilon_;
}

bool Progression::agree() const {
  for (std::size_t i = 0; i < above_.size(); ++i) {
    const double was = above_[i].second, held = below_[i];
    if (was != held && !(std::fabs(was - held) <= epsilon_)) return false;
  }
  return true;
}

}  // namespace tune::detail
