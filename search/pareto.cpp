// SPDX-License-Identifier: Apache-2.0
#include "search/pareto.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "search/staircase.hpp"
#include "tuner/result.hpp"

namespace tune {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Rows so that none is dominated by a later one, equal rows side by side.
std::vector<std::size_t> lexicographic(const Outcomes& outcomes, std::vector<std::size_t> rows) {
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    const auto x = outcomes[a], y = outcomes[b];
    const auto [i, j] = std::mismatch(x.begin(), x.end(), y.begin());
    return i == x.end() ? a < b : *i < *j;
  });
  return rows;
}

bool equal(std::span<const double> a, std::span<const double> b) { return std::equal(a.begin(), a.end(), b.begin()); }

/// A front that rows join in lexicographic order, each at most once: the first objective need not be looked at.
class GrowingFront {
 public:
  bool dominates(const Outcomes& outcomes, std::span<const double> row) const {
    if (row.size() == 1) return true;
    if (row.size() == 2) return outcomes[rows_.back()][1] <= row[1];  // The last to join is the lowest.
    if (row.size() == 3) return staircase_.covers(row[1], row[2]);
    // From the newest: it is the nearest, and the likeliest to dominate.
    return std::any_of(rows_.rbegin(), rows_.rend(), [&](std::size_t other) {
      const auto o = outcomes[other];
      for (std::size_t j = 1; j < row.size(); ++j)
        if (o[j] > row[j]) return false;
      return true;
    });
  }
  void join(const Outcomes& outcomes, std::size_t row) {
    rows_.push_back(row);
    if (outcomes.objectives() == 3) staircase_.add(outcomes[row][1], outcomes[row][2], kInfinity, kInfinity);
  }
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::size_t> rows_;
  detail::Staircase staircase_;  // Of objectives 2 and 3, where there are 3.
};

/// Ranks of `rows` by domination alone, into `rank`; gives the number of fronts.
std::size_t rank_by_domination(const Outcomes& outcomes, std::vector<std::size_t> rows, std::vector<std::size_t>& rank) {
  rows = lexicographic(outcomes, std::move(rows));
  std::vector<GrowingFront> growing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = outcomes[rows[i]];
    if (i > 0 && equal(row, outcomes[rows[i - 1]])) {
      rank[rows[i]] = rank[rows[i - 1]];
      continue;
    }
    // A front that dominates has one that dominates before it, so that the first which does not is found by bisection.
    const auto front = std::partition_point(growing.begin(), growing.end(),
                                            [&](const GrowingFront& f) { return f.dominates(outcomes, row); });
    rank[rows[i]] = static_cast<std::size_t>(front - growing.begin());
    (front == growing.end() ? growing.emplace_back() : *front).join(outcomes, rows[i]);
  }
  return growing.size();
}

double violation_or_worst(double v) { return std::isnan(v) ? kInfinity : v; }

}  // namespace

Outcomes::Outcomes(std::size_t objectives, std::span<const double> values) : objectives_(objectives) {
  TUNE_ASSERT(objectives > 0 && values.size() % objectives == 0);
  for (std::size_t i = 0; i < values.size(); i += objectives) add(values.subspan(i, objectives));
}

Outcomes::Outcomes(std::size_t objectives, std::initializer_list<double> values)
    : Outcomes(objectives, std::span(values.begin(), values.size())) {}

void Outcomes::add(std::span<const double> row) {
  TUNE_ASSERT(row.size() == objectives_);
  for (const double v : row) values_.push_back(std::isnan(v) ? kInfinity : v);
}

std::vector<std::size_t> ranks(const Outcomes& outcomes, std::span<const double> violations) {
  TUNE_ASSERT(violations.empty() || violations.size() == outcomes.size());
  std::vector<std::size_t> rank(outcomes.size()), feasible, infeasible;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    (violations.empty() || violations[i] <= 0 ? feasible : infeasible).push_back(i);
  std::size_t front = rank_by_domination(outcomes, std::move(feasible), rank);

  const auto violation = [&](std::size_t i) { return violation_or_worst(violations[i]); };
  std::sort(infeasible.begin(), infeasible.end(),
            [&](std::size_t a, std::size_t b) { return violation(a) < violation(b); });
  for (std::size_t k = 0; k < infeasible.size();) {
    std::vector<std::size_t> equal_ones;
    for (const double v = violation(infeasible[k]); k < infeasible.size() && violation(infeasible[k]) == v; ++k)
      equal_ones.push_back(infeasible[k]);
    const std::size_t before = front;
    front += rank_by_domination(outcomes, equal_ones, rank);
    for (const std::size_t i : equal_ones) rank[i] += before;
  }
  return rank;
}

std::vector<std::vector<std::size_t>> fronts(std::span<const std::size_t> ranks) {
  std::vector<std::vector<std::size_t>> all;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] >= all.size()) all.resize(ranks[i] + 1);
    all[ranks[i]].push_back(i);
  }
  return all;
}

std::vector<std::size_t> pareto_front(const Outcomes& outcomes) {
  std::vector<std::size_t> rows(outcomes.size()), result;
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  rows = lexicographic(outcomes, std::move(rows));
  GrowingFront front;
  for (const std::size_t i : rows) {
    const bool twin = !result.empty() && equal(outcomes[i], outcomes[result.back()]);
    if (!twin && !front.empty() && front.dominates(outcomes, outcomes[i])) continue;
    if (!twin) front.join(outcomes, i);
    result.push_back(i);
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<double> crowding_distances(const Outcomes& outcomes, std::span<const std::size_t> front) {
  std::vector<double> distance(front.size(), 0);
  std::vector<std::size_t> order(front.size());
  for (std::size_t j = 0; j < outcomes.objectives() && !front.empty(); ++j) {
    const auto value = [&](std::size_t k) { return outcomes[front[order[k]]][j]; };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const double x = outcomes[front[a]][j], y = outcomes[front[b]][j];
      return x != y ? x < y : front[a] < front[b];
    });
    double low = kInfinity, high = -kInfinity;
    for (std::size_t k = 0; k < order.size(); ++k)
      if (std::isfinite(value(k))) low = std::min(low, value(k)), high = std::max(high, value(k));
    distance[order.front()] = distance[order.back()] = kInfinity;
    for (std::size_t k = 1; k + 1 < order.size(); ++k)  // Equal neighbours add nothing, infinite ones included.
      if (value(k + 1) > value(k - 1))
        distance[order[k]] += high > low ? (value(k + 1) - value(k - 1)) / (high - low) : kInfinity;
  }
  return distance;
}

}  // namespace tune
