// SPDX-License-Identifier: Apache-2.0
#include "search/guard.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {
namespace {

constexpr std::size_t kEnough = 3, kRemembered = 15, kLooksBack = 1000;

// What is beyond `bound` need not be exact: most trials are told to be far after an axis or two.
double distance(const Axes& axes, const Point& a, const Point& b, double bound) {
  double most = 0;
  for (std::size_t i = 0; i < a.size() && most <= bound; ++i) {
    if (a.active[i] != b.active[i]) return 1;
    if (axes[i].kind == Axis::Kind::categorical)
      most = std::max(most, a.at[i] == b.at[i] ? 0.0 : 1.0);
    else
      most = std::max(most, std::fabs(a.at[i] - b.at[i]));
  }
  return most;
}

// The trials that are looked at: the newest ones.
auto begin_of(const std::vector<Observed>& all) { return all.begin() + static_cast<std::ptrdiff_t>(all.size() > kLooksBack ? all.size() - kLooksBack : 0); }

}  // namespace

void TieGuard::learn(const Trials& trials, const Observed& trial) {
  if (!trial.counts()) return;
  double nearest = HUGE_VAL;
  bool equal = false;
  for (auto o = begin_of(trials.all()); o != trials.all().end(); ++o) {
    if (&*o == &trial || !o->counts()) continue;
    const double d = distance(trials.axes(), o->point, trial.point, nearest);
    if (d < nearest) nearest = d, equal = o->values == trial.values;
  }
  if (!equal || !(nearest > 0)) return;
  ties_.push_back(nearest);
  if (ties_.size() > kRemembered) ties_.erase(ties_.begin());
}

double TieGuard::radius() const {
  if (ties_.size() < kEnough) return 0;
  auto sorted = ties_;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
  return sorted[sorted.size() / 2];
}

bool TieGuard::move(Point& p, const Trials& trials, Rng& rng) const {
  const double r = radius();
  if (r == 0) return false;
  const Axes& axes = trials.axes();
  const auto too_near = [&](const Point& q) {
    return std::any_of(begin_of(trials.all()), trials.all().end(), [&](const Observed& o) { return distance(axes, o.point, q, r) < r; });
  };
  const Point from = p;
  const double share = std::max(2.0 / static_cast<double>(axes.size()), 0.3);
  double reach = 1.5 * r;
  bool moved = false;
  for (int i = 0; i < 20 && too_near(p); ++i, reach *= 1.15) {
    moved = true;
    p = from;
    for (std::size_t a = 0; a < p.size(); ++a) {
      if (!(rng.uniform() < share)) continue;
      if (axes[a].kind != Axis::Kind::categorical)
        p.at[a] = from.at[a] + reach * (2 * rng.uniform() - 1);
      else if (rng.uniform() < 0.3)
        p.at[a] = axes.coordinate(a, rng.uniform());
    }
    axes.snap(p);
  }
  return moved;
}

}  // namespace tune::detail
