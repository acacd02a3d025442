// SPDX-License-Identifier: Apache-2.0
#include "search/hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>

#include "search/staircase.hpp"
#include "tuner/result.hpp"

namespace tune {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Row = std::span<const double>;
using Rows = std::vector<Row>;  // Into values that somebody else holds.

bool inside(Row row, Row reference) {
  return std::equal(row.begin(), row.end(), reference.begin(), [](double v, double r) { return v < r; });
}

bool boundless(Row row) { return std::find(row.begin(), row.end(), -kInfinity) != row.end(); }

double box(Row row, Row reference) {
  double volume = 1;
  for (std::size_t j = 0; j < row.size(); ++j) volume *= reference[j] - row[j];
  return volume;
}

/// Sorted along the last objective; the area that the rows so far cover in the other two, times the way to the next.
double sweep(Rows& rows, Row reference) {
  const std::size_t last = reference.size() - 1;
  std::sort(rows.begin(), rows.end(), [last](Row a, Row b) { return a[last] < b[last]; });
  detail::Staircase staircase;
  double volume = 0, area = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double x = rows[i][0], y = last == 2 ? rows[i][1] : 0, top = last == 2 ? reference[1] : 1;
    if (!staircase.covers(x, y)) area += staircase.add(x, y, reference[0], top);
    volume += area * ((i + 1 < rows.size() ? rows[i + 1][last] : reference[last]) - rows[i][last]);
  }
  return volume;
}

/// Without rows that another weakly dominates; O(m n^2).
void keep_best(Rows& rows) {
  Rows kept;
  const auto covers = [](Row a, Row b) {
    return std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x <= y; });
  };
  for (const Row row : rows) {
    if (std::any_of(kept.begin(), kept.end(), [&](Row k) { return covers(k, row); })) continue;
    kept.erase(std::remove_if(kept.begin(), kept.end(), [&](Row k) { return covers(row, k); }), kept.end());
    kept.push_back(row);
  }
  rows = std::move(kept);
}

double volume_of(Rows& rows, Row reference);

/// What `row` covers and `others` do not, in their first reference.size() objectives: its box without the volume of the
/// others pushed into it.
double exclusive(Row row, std::span<const Row> others, Row reference) {
  const std::size_t m = reference.size();
  std::vector<double> values;
  values.reserve(others.size() * m);
  Rows pushed;
  pushed.reserve(others.size());
  for (const Row other : others) {
    const std::size_t begin = values.size();
    for (std::size_t j = 0; j < m; ++j) values.push_back(std::max(other[j], row[j]));
    pushed.push_back({&values[begin], m});  // They were reserved: they stay where they are.
  }
  return std::max(0.0, box(row.first(m), reference) - volume_of(pushed, reference));
}

/// All rows are inside the reference and finite. Reorders them.
double volume_of(Rows& rows, Row reference) {
  const std::size_t m = reference.size();
  if (rows.empty()) return 0;
  if (m == 1) return reference[0] - (*std::min_element(rows.begin(), rows.end(), [](Row a, Row b) { return a[0] < b[0]; }))[0];
  if (m <= 3) return sweep(rows, reference);
  keep_best(rows);
  // Worst in the last objective first: pushed into its box, all that follow have its own value there, and the problem
  // loses a dimension.
  std::sort(rows.begin(), rows.end(), [m](Row a, Row b) { return a[m - 1] > b[m - 1]; });
  double volume = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    volume += (reference[m - 1] - rows[i][m - 1]) *
              exclusive(rows[i], std::span(rows).subspan(i + 1), reference.first(m - 1));
  return volume;
}

/// Rows that count and are finite.
std::vector<std::size_t> counted(const Outcomes& outcomes, Row reference) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (inside(outcomes[i], reference) && !boundless(outcomes[i])) result.push_back(i);
  return result;
}

std::vector<std::size_t> counted_boundless(const Outcomes& outcomes, Row reference) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (inside(outcomes[i], reference) && boundless(outcomes[i])) result.push_back(i);
  return result;
}

bool twins(Row a, Row b) { return std::equal(a.begin(), a.end(), b.begin()); }

/// Of `rows` those on the Pareto front, by the first objective, then by the next: twins side by side.
std::vector<std::size_t> sorted_front(const Outcomes& outcomes, const std::vector<std::size_t>& rows) {
  Outcomes some(outcomes.objectives());
  some.reserve(rows.size());
  for (const std::size_t i : rows) some.add(outcomes[i]);
  std::vector<std::size_t> front;
  for (const std::size_t i : pareto_front(some)) front.push_back(rows[i]);
  std::sort(front.begin(), front.end(), [&](std::size_t a, std::size_t b) {
    const Row x = outcomes[a], y = outcomes[b];
    const auto [p, q] = std::mismatch(x.begin(), x.end(), y.begin());
    return p == x.end() ? a < b : *p < *q;
  });
  return front;
}

/// The same, only the first of twins.
std::vector<std::size_t> distinct_front(const Outcomes& outcomes, const std::vector<std::size_t>& rows) {
  auto front = sorted_front(outcomes, rows);
  const auto same = [&](std::size_t a, std::size_t b) { return twins(outcomes[a], outcomes[b]); };
  front.erase(std::unique(front.begin(), front.end(), same), front.end());
  return front;
}

/// Two objectives, `front` by the first: a row's gain is the rectangle up to its chosen neighbours, and a choice only
/// cuts the rectangles of its two sides.
std::vector<std::size_t> choose_by_rectangles(const Outcomes& outcomes, std::span<const std::size_t> front,
                                              std::size_t count, Row reference) {
  std::vector<double> right(front.size(), reference[0]), top(front.size(), reference[1]);
  std::vector<bool> chosen(front.size());
  std::vector<std::size_t> choice;
  while (choice.size() < count) {
    std::size_t best = front.size();
    double most = 0;
    for (std::size_t i = 0; i < front.size(); ++i) {
      if (chosen[i]) continue;
      const double gain = (right[i] - outcomes[front[i]][0]) * (top[i] - outcomes[front[i]][1]);
      if (best == front.size() || gain > most || (gain == most && front[i] < front[best])) best = i, most = gain;
    }
    if (best == front.size()) break;
    chosen[best] = true;
    choice.push_back(front[best]);
    for (std::size_t i = 0; i < best; ++i) right[i] = std::min(right[i], outcomes[front[best]][0]);
    for (std::size_t i = best + 1; i < front.size(); ++i) top[i] = std::min(top[i], outcomes[front[best]][1]);
  }
  return choice;
}

std::vector<std::size_t> choose_lazily(const Outcomes& outcomes, std::span<const std::size_t> front, std::size_t count,
                                       Row reference) {
  struct Bound {
    double gain;
    std::size_t row, round;  // Computed when so many were chosen.
    bool operator<(const Bound& o) const { return gain != o.gain ? gain < o.gain : row > o.row; }
  };
  std::priority_queue<Bound> bounds;
  for (const std::size_t i : front) bounds.push({box(outcomes[i], reference), i, 0});
  std::vector<std::size_t> choice;
  Rows chosen;
  while (choice.size() < count && !bounds.empty()) {
    Bound top = bounds.top();
    bounds.pop();
    if (top.round == choice.size()) {
      choice.push_back(top.row);
      chosen.push_back(outcomes[top.row]);
    } else {  // Gains only shrink: what is still the largest after this needs no other to be computed.
      bounds.push({exclusive(outcomes[top.row], chosen, reference), top.row, choice.size()});
    }
  }
  return choice;
}

/// The boxes of two and three objectives: strips of the plane of the first two, each up to the lowest row that covers it
/// from the left. Along the third objective rows arrive; a strip that one cuts becomes a box from its own arrival to now.
class Strips {
 public:
  Strips(Row reference, Boxes& boxes) : reference_(reference), boxes_(boxes) {
    strips_.push_back({-kInfinity, reference[1], -kInfinity});
  }

  void add(double x, double y, double z) {
    // The first strip that begins at x or later, after cutting the one that holds x.
    auto from = std::lower_bound(strips_.begin(), strips_.end(), x, [](const Strip& s, double v) { return s.x < v; });
    if (from == strips_.end() || from->x > x) {
      const Strip holds = *std::prev(from);
      if (holds.y <= y) return;  // Covered.
      from = strips_.insert(from, {x, holds.y, holds.since});
    } else if (from->y <= y) {
      return;
    }
    auto to = from;
    for (; to != strips_.end() && to->y > y; ++to)
      close(*to, std::next(to) == strips_.end() ? reference_[0] : std::next(to)->x, z);
    *from = {x, y, z};
    strips_.erase(std::next(from), to);
  }

  void finish(double z) {
    for (std::size_t i = 0; i < strips_.size(); ++i)
      close(strips_[i], i + 1 < strips_.size() ? strips_[i + 1].x : reference_[0], z);
  }

 private:
  struct Strip {
    double x, y, since;
  };

  void close(const Strip& strip, double right, double z) {
    if (!(strip.since < z)) return;
    const double lower[] = {strip.x, -kInfinity, strip.since}, upper[] = {right, strip.y, z};
    boxes_.lower.add(std::span(lower).first(reference_.size()));
    boxes_.upper.add(std::span(upper).first(reference_.size()));
  }

  Row reference_;
  Boxes& boxes_;
  std::vector<Strip> strips_;
};

}  // namespace

double hypervolume(const Outcomes& outcomes, Row reference) {
  TUNE_ASSERT(reference.size() == outcomes.objectives());
  if (!counted_boundless(outcomes, reference).empty()) return kInfinity;
  Rows rows;
  for (const std::size_t i : counted(outcomes, reference)) rows.push_back(outcomes[i]);
  return volume_of(rows, reference);
}

std::vector<double> hypervolume_contributions(const Outcomes& outcomes, Row reference) {
  TUNE_ASSERT(reference.size() == outcomes.objectives());
  std::vector<double> result(outcomes.size(), 0);
  if (const auto endless = counted_boundless(outcomes, reference); !endless.empty()) {
    for (const std::size_t i : endless) result[i] = kInfinity;
    return result;
  }
  const auto rows = counted(outcomes, reference);
  const auto front = sorted_front(outcomes, rows);
  const auto row_at = [&](std::size_t k) { return outcomes[front[k]]; };
  for (std::size_t k = 0; k < front.size(); ++k) {
    const Row row = row_at(k);
    if ((k > 0 && twins(row_at(k - 1), row)) || (k + 1 < front.size() && twins(row, row_at(k + 1)))) continue;
    if (row.size() == 2 && front.size() == rows.size()) {  // A staircase: only the two neighbours matter.
      const double right = k + 1 < front.size() ? row_at(k + 1)[0] : reference[0];
      const double top = k > 0 ? row_at(k - 1)[1] : reference[1];
      result[front[k]] = (right - row[0]) * (top - row[1]);
      continue;
    }
    Rows others;  // Dominated ones, too: some would come to light.
    for (const std::size_t i : rows)
      if (i != front[k]) others.push_back(outcomes[i]);
    result[front[k]] = exclusive(row, others, reference);
  }
  return result;
}

std::vector<std::size_t> greedy_hypervolume_subset(const Outcomes& outcomes, std::size_t count, Row reference) {
  TUNE_ASSERT(reference.size() == outcomes.objectives());
  count = std::min(count, outcomes.size());
  std::vector<std::size_t> choice = counted_boundless(outcomes, reference);
  if (choice.size() < count) {
    const auto front = distinct_front(outcomes, counted(outcomes, reference));
    const auto finite = outcomes.objectives() == 2
                            ? choose_by_rectangles(outcomes, front, count - choice.size(), reference)
                            : choose_lazily(outcomes, front, count - choice.size(), reference);
    choice.insert(choice.end(), finite.begin(), finite.end());
  }
  std::vector<bool> chosen(outcomes.size());
  for (const std::size_t i : choice) chosen[i] = true;
  for (std::size_t i = 0; i < outcomes.size() && choice.size() < count; ++i)
    if (!chosen[i]) choice.push_back(i);
  choice.resize(count);
  return choice;
}

std::vector<double> reference_point(const Outcomes& outcomes) {
  std::vector<double> result(outcomes.objectives());
  for (std::size_t j = 0; j < result.size(); ++j) {
    double worst = -kInfinity;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      if (std::isfinite(outcomes[i][j])) worst = std::max(worst, outcomes[i][j]);
    const double beyond = std::isfinite(worst) ? std::max(1.1 * worst, 0.9 * worst) : 0;
    result[j] = beyond == 0 ? 1e-12 : beyond;
  }
  return result;
}

Boxes non_dominated_boxes(const Outcomes& outcomes, Row reference) {
  const std::size_t m = outcomes.objectives();
  TUNE_ASSERT(reference.size() == m && m >= 1 && m <= 3);
  Boxes boxes{Outcomes(m), Outcomes(m)};
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (inside(outcomes[i], reference)) rows.push_back(i);
  if (m == 1) {
    double best = reference[0];
    for (const std::size_t i : rows) best = std::min(best, outcomes[i][0]);
    boxes.lower.add(std::vector{-kInfinity}), boxes.upper.add(std::vector{best});
    return boxes;
  }
  rows = distinct_front(outcomes, rows);
  if (m == 3) std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return outcomes[a][2] < outcomes[b][2]; });
  Strips strips(reference, boxes);
  for (const std::size_t i : rows) strips.add(outcomes[i][0], outcomes[i][1], m == 3 ? outcomes[i][2] : -kInfinity);
  strips.finish(m == 3 ? reference[2] : kInfinity);
  return boxes;
}

}  // namespace tune
