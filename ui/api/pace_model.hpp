// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "tuner/rng.hpp"
#include "tuner/space.hpp"

namespace tune {

/// What is known and not known of the seconds that trials take for a step: the logarithm of a trial's pace is linear in its
/// place in the unit cube (an indicator for each value of a choice), with normal noise between trials. Conjugate Bayesian regression, so few
/// trials give wide answers and many give narrow ones without a rule for either: a draw is one state of the world that is
/// compatible with what was measured (Gelman et al., "Bayesian Data Analysis", 3rd ed., 14.2 and 18.1).
///
/// Prior: the noise has a standard deviation about kNoise (a factor of 1.6 either way), with the weight of kWeight
/// trials; all places together explain as much variance as the noise; the mean is unknown, unless it is given. Trials that
/// have not come to their first report yet count for what they say, that they take longer than that: their paces are drawn
/// along (data augmentation), without which those that end first would make everything look quick.
class PaceModel {
 public:
  static constexpr double kNoise = 0.5, kWeight = 4;

  struct Observation {
    std::vector<double> unit;  ///< As RecordedTrial::unit.
    double log_pace = 0;       ///< Logarithm of seconds a step.
    bool at_least = false;     ///< The pace is longer than that, and not known.
  };
  struct Draw {
    std::vector<double> weights;
    double noise = 0;
    std::vector<double> log_paces;  ///< By observation; drawn where only a bound is known.
  };

  /// `mean`: seconds that a step takes on average, where somebody says so: then the observations do not count. Without it at
  /// least one pace is known.
  PaceModel(const Space& space, std::vector<Observation> observations, std::optional<double> mean, Rng rng);

  /// The next state of the world: one after another they are draws of the posterior. O(observations x parameters).
  Draw draw();
  /// Of a trial nobody has seen; `z` is standard normal.
  double log_pace(const Draw&, const std::vector<double>& unit, double z) const;

 private:
  std::vector<double> features(const std::vector<double>& unit) const;
  void sweep();

  std::vector<std::vector<double>> spots_;  // By dimension: positions of its values; one for a number; none: left out.
  std::vector<Observation> observed_;
  std::vector<std::vector<double>> x_;
  std::vector<double> y_, prior_;     // prior_: by feature, precision relative to the noise.
  std::vector<std::vector<double>> root_;  // Cholesky factor of the posterior's precision relative to the noise.
  std::optional<double> mean_;
  double centre_ = 0;
  bool bounds_ = false;
  Rng rng_;
  Draw now_;
};

/// A draw of the gamma distribution of scale 1 (Marsaglia and Tsang, ACM Transactions on Mathematical Software 26, 2000).
double gamma_draw(Rng&, double shape);

}  // namespace tune
