// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <vector>

#include "search/gp/regression.hpp"
#include "search/trials.hpp"

/// From outcomes of trials to what a Gaussian process can be fitted to.
namespace tune::detail {

enum class Warp : std::uint8_t {
  raw,       ///< As they are; only what is a thousand times further off than the better half is wide is pulled in.
  half_rank  ///< Values worse than the median by their rank alone: it says how bad a normal value of that rank would be.
};

/// Smaller is better throughout. The half-rank warp is the first of Vizier's (google/vizier, output_warpers.py): values
/// beyond the median become median + s q((1 + (r - 1/2) / k) / 2), r the rank among the k worse ones (ties share the best),
/// q the normal quantile, s the root mean square distance of the better half from the median. Better values stay.
Eigen::VectorXd warped(const Eigen::VectorXd& values, Warp);

/// (value - mean) / deviation of warped values; deviation 0 (all equal) gives zeros.
struct Target {
  Eigen::VectorXd y;
  double mean = 0, deviation = 1;
};
Target standardised(const Eigen::VectorXd& warped_values);

/// How well the model predicts the better half of `values` when each is left out: sum of log densities, in the units of
/// `target.deviation` so that warps can be compared (they agree on the better half).
double better_half_score(const Regression&, const Target& target, const Eigen::VectorXd& values);

/// The objective of a trial, as far as a model may use it.
struct Outcome {
  std::size_t trial = 0;  ///< Index into Trials::all().
  double value = 0;
};

/// One for every trial that is complete or partial, or under way and judged at a rung before, and has a finite value there, in
/// the order of Trials::all().
///
/// While no more were ended early than ran to their end, the value is the trial's own, and what a partial one would have come to
/// is imputed from those that ran to the end and passed the same rung: as good as they became who were no worse there. Behind all
/// of those, and where there are none to compare with, partial trials follow the worst complete one in the order of
/// Trials::ranked(). O(n log n + partial * complete).
///
/// With more, as under a scheduler that halves, it is the normal quantile of the share of others that do better, each pair
/// compared where both were judged last. O(n log n) a rung.
std::vector<Outcome> outcomes(const Trials&);

}  // namespace tune::detail
