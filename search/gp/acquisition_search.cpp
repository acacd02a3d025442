// SPDX-License-Identifier: Apache-2.0
#include "search/gp/acquisition_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "search/gp/lbfgs.hpp"
#include "search/start.hpp"

namespace tune::detail {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::int64_t kFewLevels = 50;     // Up to here an axis of a discrete space is walked level by level,
constexpr std::int64_t kListedLevels = 20;  // and up to here one of a mixed space; others are relaxed.
constexpr double kApart = 0.05;             // Between two starts, in any axis.

struct Candidate {
  Point point;
  double value = -std::numeric_limits<double>::infinity();
};

class Search {
 public:
  Search(const Acquisition& acquisition, const Trials& trials, std::span<const std::size_t> best_first, Rng& rng,
         const SearchEffort& effort)
      : acquisition_(acquisition), trials_(trials), axes_(trials.axes()), best_(best_first), rng_(rng), effort_(effort) {
    if (axes_.conditional()) list_branches();
    walks_ = axes_.discrete() && std::all_of(axes_.begin(), axes_.end(), [](const Axis& a) {
               return a.kind == Axis::Kind::categorical || a.levels <= kFewLevels;
             });
  }

  std::optional<Point> run() {
    std::vector<Candidate> pool = raw();
    if (walks_)
      for (std::size_t i = 0; i < std::min<std::size_t>(best_.size(), 5); ++i)
        for (Point& p : neighbours(trials_.all()[best_[i]].point)) add(pool, std::move(p));
    if (pool.empty()) return std::nullopt;
    score(pool);
    std::stable_sort(pool.begin(), pool.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
    return walks_ ? walk(std::move(pool.front())) : climb(pool);
  }

 private:
  bool eligible(const Point& p) const { return axes_.allows(p) && !(walks_ && trials_.contains(p)); }

  void add(std::vector<Candidate>& to, Point p) const {
    if (eligible(p)) to.push_back({std::move(p)});
  }

  void score(std::vector<Candidate>& all) const {
    MatrixXd points(static_cast<Index>(axes_.size()), static_cast<Index>(all.size()));
    for (std::size_t i = 0; i < all.size(); ++i) points.col(static_cast<Index>(i)) = kernel_point(all[i].point);
    const VectorXd values = acquisition_.at(points);
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i].value = std::isnan(values[static_cast<Index>(i)]) ? -std::numeric_limits<double>::infinity() : values[static_cast<Index>(i)];
  }

  std::vector<Candidate> raw() {
    std::vector<Candidate> pool;
    const Start even{axes_, rng_.next()};
    for (int k = 0; k < effort_.raw; ++k)
      add(pool, k % 2 == 0 || best_.empty() ? even.point(static_cast<std::uint32_t>(k)) : perturbed());
    return pool;
  }

  template <class Fits>
  auto first_branch(Fits fits) const {
    return std::find_if(branches_.begin(), branches_.end(), [&](const Point* b) { return fits(*b); });
  }
  auto branch_of(const Point& p) const {
    return first_branch([&](const Point& b) { return b.active == p.active; });
  }

  // Which trial stands for each pattern of active axes: the best one that has it, best first.
  void list_branches() {
    for (const std::size_t i : best_) {
      const Point& p = trials_.all()[i].point;
      if (branch_of(p) == branches_.end()) branches_.push_back(&p);
    }
  }

  // Where a change has made axes active, they stand where they stood in the best trial of that branch; in a branch that was
  // never tried, in the best one that had them. Without this another branch would be judged by its middle.
  void enter(Point& p, const Point& from) const {
    axes_.snap(p);
    if (branches_.empty()) return;
    std::vector<std::uint8_t> set = from.active;
    for (std::size_t round = 0; p.active != set && round < p.size(); ++round) {
      const auto same = branch_of(p);
      for (std::size_t j = 0; j < p.size(); ++j) {
        if (!p.active[j] || set[j]) continue;
        const auto has = same != branches_.end() ? same : first_branch([&](const Point& b) { return b.active[j] != 0; });
        if (has != branches_.end()) p[j] = (**has)[j];
      }
      set = p.active;
      axes_.snap(p);
    }
  }

  // One of the best tenth, better ones more often, changed in a random part of its axes; every second time, where there
  // are branches, the best one of any.
  const Point& promising() {
    if (branches_.size() > 1 && rng_.below(2))
      return *branches_[static_cast<std::size_t>(rng_.below(branches_.size()))];
    const double tenth = std::max(3.0, 0.1 * static_cast<double>(best_.size()));
    const auto which = static_cast<std::size_t>(rng_.uniform() * rng_.uniform() * tenth);
    return trials_.all()[best_[std::min(which, best_.size() - 1)]].point;
  }

  Point perturbed() {
    const Point& from = promising();
    Point p = from;
    const double scale = std::pow(10, -0.5 - 2.5 * rng_.uniform());
    const double share = std::max(1 / static_cast<double>(axes_.size()), rng_.uniform());
    for (std::size_t j = 0; j < axes_.size(); ++j) {
      if (rng_.uniform() >= share) continue;
      if (axes_[j].kind != Axis::Kind::categorical)
        p[j] = std::clamp(p[j] + scale * rng_.normal(), 0.0, 1.0);
      else if (rng_.uniform() < 0.5)
        p[j] = static_cast<double>(rng_.below(static_cast<std::uint64_t>(axes_[j].levels)));
    }
    enter(p, from);
    return p;
  }

  // Every other category, or the levels up to `reach` away.
  std::vector<Point> changes(const Point& p, std::size_t axis, int reach) const {
    std::vector<Point> all;
    const auto change = [&](double to) {
      if (to == p[axis]) return false;
      all.push_back(p);
      all.back()[axis] = to;
      enter(all.back(), p);
      return true;
    };
    if (axes_[axis].kind == Axis::Kind::categorical) {
      for (std::int64_t c = 0; c < axes_[axis].levels; ++c) change(static_cast<double>(c));
    } else {
      for (const int sign : {-1, 1}) {
        double last = p[axis];
        for (int k = 1; k <= reach; ++k) {
          const double next = axes_.neighbour(axis, p[axis], sign * k);
          if (next == last || !change(next)) break;
          last = next;
        }
      }
    }
    return all;
  }

  std::vector<Point> neighbours(const Point& p) const {
    std::vector<Point> all;
    for (std::size_t j = 0; j < axes_.size(); ++j)
      if (p.active[j])
        for (Point& q : changes(p, j, 3)) all.push_back(std::move(q));
    return all;
  }

  std::optional<Point> walk(Candidate at) const {
    for (int step = 0; step < 6; ++step) {
      std::vector<Candidate> around;
      for (Point& p : neighbours(at.point)) add(around, std::move(p));
      if (around.empty()) break;
      score(around);
      auto best = std::max_element(around.begin(), around.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
      if (!(best->value > at.value + 1e-9)) break;
      at = std::move(*best);
    }
    return std::move(at.point);
  }

  // `pool` is best first.
  std::optional<Point> climb(const std::vector<Candidate>& pool) const {
    std::vector<Candidate> starts;
    const auto take = [&](bool other_branch) {
      for (const auto& c : pool) {
        if (static_cast<int>(starts.size()) == effort_.starts) break;
        if (std::none_of(starts.begin(), starts.end(), [&](const Candidate& s) {
              return other_branch ? s.point.active == c.point.active : near(s.point, c.point);
            }))
          starts.push_back(c);
      }
    };
    if (branches_.size() > 1) take(true);
    take(false);
    Candidate best = pool.front();
    for (Candidate& c : starts) {
      const double from = c.value;
      improve(c);
      if (c.value >= from && c.value > best.value && axes_.allows(c.point)) best = std::move(c);
    }
    return std::move(best.point);
  }

  static bool near(const Point& a, const Point& b) {
    double far = 0;
    for (std::size_t j = 0; j < a.size(); ++j) far = std::max(far, std::abs(a[j] - b[j]));
    return far < kApart;
  }

  void improve(Candidate& c) const {
    for (int round = 0; round < 3; ++round) {
      descend(c);
      if (!switch_levels(c)) break;
    }
  }

  bool relaxed(std::size_t j) const {
    return axes_[j].kind == Axis::Kind::real || (axes_[j].kind == Axis::Kind::ordered && axes_[j].levels > kListedLevels);
  }

  void descend(Candidate& c) const {
    std::vector<Index> free;
    for (std::size_t j = 0; j < axes_.size(); ++j)
      if (c.point.active[j] && relaxed(j)) free.push_back(static_cast<Index>(j));
    if (free.empty()) return;
    VectorXd point = kernel_point(c.point), full(point.size());
    VectorXd x = point(free);
    DescentLimits limits;
    limits.iterations = effort_.descent, limits.gradient = 1e-2, limits.progress = 1e-6;
    const auto cost = [&](const VectorXd& at, VectorXd& gradient) {
      point(free) = at;
      const double value = acquisition_.at(point, full);
      gradient = -full(free);
      return -value;
    };
    const auto n = static_cast<Index>(free.size());
    minimise(cost, x, VectorXd::Zero(n), VectorXd::Ones(n), limits);
    Candidate next{c.point};
    for (Index i = 0; i < n; ++i) next.point[static_cast<std::size_t>(free[static_cast<std::size_t>(i)])] = x[i];
    axes_.snap(next.point);
    next.value = acquisition_.at(kernel_point(next.point))[0];
    if (next.value > c.value) c = std::move(next);
  }

  bool switch_levels(Candidate& c) const {
    bool changed = false;
    for (std::size_t j = 0; j < axes_.size(); ++j) {
      if (relaxed(j) || !c.point.active[j]) continue;
      std::vector<Candidate> others;
      for (Point& p : changes(c.point, j, kListedLevels)) add(others, std::move(p));
      if (others.empty()) continue;
      score(others);
      auto best = std::max_element(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
      if (!(best->value > c.value + 1e-9)) continue;
      c = std::move(*best);
      changed = true;
    }
    return changed;
  }

  const Acquisition& acquisition_;
  const Trials& trials_;
  const Axes& axes_;
  std::span<const std::size_t> best_;
  Rng& rng_;
  const SearchEffort& effort_;
  std::vector<const Point*> branches_;  // Empty where no axis is conditional.
  bool walks_;
};

}  // namespace

VectorXd kernel_point(const Point& p) {
  VectorXd x(static_cast<Index>(p.size()));
  for (std::size_t j = 0; j < p.size(); ++j) x[static_cast<Index>(j)] = p.active[j] ? p[j] : std::nan("");
  return x;
}

std::vector<KernelAxis> kernel_axes(const Axes& axes) {
  std::vector<KernelAxis> all;
  for (const Axis& a : axes)
    all.push_back({a.kind == Axis::Kind::categorical, static_cast<int>(a.kind == Axis::Kind::categorical ? a.levels : 0), a.conditional});
  return all;
}

std::optional<Point> most_promising(const Acquisition& acquisition, const Trials& trials,
                                    std::span<const std::size_t> best_first, Rng& rng, const SearchEffort& effort) {
  return Search{acquisition, trials, best_first, rng, effort}.run();
}

}  // namespace tune::detail
