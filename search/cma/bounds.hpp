// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <vector>

#include "search/cma/strategy.hpp"

namespace tune::detail {

/// The unit cube as bounds of real axes. A sample outside is tried at the nearest point inside, and ranked as if it
/// were worse by a penalty that grows with the square of the distance between the two; so optima on a bound are found
/// exactly, and the mean stays near. N. Hansen, A. Niederberger, L. Guzzella, P. Koumoutsakos, IEEE Trans. Evol.
/// Comput. 13(1), 2009, section IV-B, always on and with a tenth of its weight: measured on optima inside, on faces and
/// in corners, d = 4 and 10, it is ahead of the whole weight, and of drawing again, which does not get into corners at
/// all (docs/samplers/cmaes.md).
class Bounds {
 public:
  /// By axis of the distribution: is it bounded?
  explicit Bounds(std::vector<bool> bounded) : bounded_(std::move(bounded)) {}

  static double nearest(double x) { return x > 0 ? (x < 1 ? x : 1.0) : 0.0; }

  /// Values of one generation, without those that have none: how far they spread sets the weight. O(lambda log lambda).
  void learn(std::vector<double> values);
  /// What is added to the values of these samples. O(d) each.
  std::vector<double> penalties(const std::vector<Eigen::VectorXd>& samples, const CmaEs&) const;

 private:
  std::vector<bool> bounded_;
  std::vector<double> spreads_;  // Interquartile ranges, newest last.
};

}  // namespace tune::detail
