// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <vector>

#include "search/trials.hpp"

namespace tune::detail {

/// A trial as evolution sees it: where it was and how good that is.
struct Individual {
  TrialId trial;
  Point point;
  std::vector<double> values;  ///< One an objective, smaller is better, +infinity where unknown.
  /// What it lacks to be compared by its values alone, so that constrained domination (search/pareto.hpp) orders all
  /// trials. 0: it ran to its end and holds the constraints; below 1: it ended early, the less the further it got;
  /// above 1: constraints violated, by how much, or failed; +infinity: it ended without a value.
  double shortfall = 0;

  static Individual from(const Observed&, std::size_t objectives);
  /// By the first objective; what lacks less comes first.
  bool better_than(const Individual& o) const {
    return shortfall != o.shortfall ? shortfall < o.shortfall : values.front() < o.values.front();
  }
};

/// Finds, record after record, the trials that have come to an outcome: finished, paused at a rung, or imported.
class Arrivals {
 public:
  /// The trials whose outcome the record brought, after `trials` learned it; mostly none. The reference lives until the
  /// next call. A trial can arrive again, with another outcome.
  const std::vector<Individual>& learn(const Record&, const Trials& trials);
  /// The trial that begins again after it had an outcome, which is void now.
  static std::optional<TrialId> withdrawn(const Record&);

 private:
  std::vector<Individual> arrived_;
  std::size_t imported_ = 0;
};

}  // namespace tune::detail
