// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <vector>

namespace tune::detail {

/// Points of the plane none of which dominates another, both coordinates the smaller the better: x ascending, y
/// descending. A sorted vector and not a tree: questions are binary searches, and what an insertion moves costs less
/// than a tree's allocations up to tens of thousands of steps.
class Staircase {
 public:
  struct Step {
    double x, y;
  };

  /// Some step is no worse than (x, y) in both.
  bool covers(double x, double y) const {
    const auto after = std::upper_bound(steps_.begin(), steps_.end(), x, [](double v, const Step& s) { return v < s.x; });
    return after != steps_.begin() && std::prev(after)->y <= y;
  }

  /// Adds a point that is not covered and drops those that it covers. Gives the area that it covers and no other step
  /// does, up to the corner (right, top).
  double add(double x, double y, double right, double top) {
    auto from = std::lower_bound(steps_.begin(), steps_.end(), x, [](const Step& s, double v) { return s.x < v; });
    if (from != steps_.begin()) top = std::prev(from)->y;
    double area = 0, left = x;
    auto to = from;
    for (; to != steps_.end() && to->y >= y; ++to) {
      area += (to->x - left) * (top - y);
      left = to->x, top = to->y;
    }
    area += ((to == steps_.end() ? right : to->x) - left) * (top - y);
    if (from == to) {
      steps_.insert(from, {x, y});
    } else {
      *from = {x, y};
      steps_.erase(from + 1, to);
    }
    return area;
  }

  void clear() { steps_.clear(); }

 private:
  std::vector<Step> steps_;
};

}  // namespace tune::detail
