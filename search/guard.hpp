// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "search/trials.hpp"
#include "tuner/rng.hpp"

namespace tune::detail {

/// Keeps proposals off plateaus. Where the objective is a staircase, a model that trusts its best points proposes the same
/// tread again and again. So whenever a result equals that of its nearest earlier trial exactly, their distance is noted;
/// after three such ties a proposal nearer to any trial than the median of the last 15 distances is redrawn around where it
/// was. It never acts where results do not repeat. Distances are in the largest coordinate; other categories are 1 apart.
class TieGuard {
 public:
  /// `trial` has just got its value. O(n d) over at most the newest 1,000 trials.
  void learn(const Trials&, const Observed& trial);
  /// Moves the point off the tread, in at most 20 redraws. False: it may stay where it is.
  bool move(Point&, const Trials&, Rng&) const;

 private:
  double radius() const;
  std::vector<double> ties_;  // Newest last.
};

}  // namespace tune::detail
