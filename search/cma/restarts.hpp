// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "tuner/rng.hpp"

namespace tune::detail {

/// What a CMA-ES does once it has converged: begin again elsewhere with another population.
class Restarts {
 public:
  enum class Rule : std::uint8_t {
    none,
    ipop,  ///< Twice the population each time. A. Auger, N. Hansen, CEC 2005.
    bipop  ///< That, in turns with small populations and steps, whichever used fewer trials so far. N. Hansen, GECCO 2009.
  };
  struct Run {
    int population = 0;
    double sigma = 0;
    std::int64_t most = INT64_MAX;  ///< Trials after which it ends, converged or not.
  };

  Restarts(Rule rule, int population, double sigma) : rule_(rule), population_(population), sigma_(sigma) {}

  bool any() const { return rule_ != Rule::none; }
  Run first() const { return {population_, sigma_}; }
  /// After a run that used so many trials.
  Run next(std::int64_t spent, Rng);

 private:
  Rule rule_;
  int population_;
  double sigma_;
  int doublings_ = 0;
  bool small_ = true;  // The last run; the first one counts with the small ones.
  std::int64_t by_small_ = 0, by_large_ = 0, last_large_ = 0;
};

}  // namespace tune::detail
