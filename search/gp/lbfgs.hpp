// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <functional>

namespace tune::detail {

/// f(x) and its gradient, written to the second argument (already of x's size). Any value that is not finite means "not
/// here": the step is shortened.
using Differentiable = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

struct DescentLimits {
  int iterations = 60;
  int memory = 8;           ///< Pairs of steps and gradient changes that are kept.
  double gradient = 1e-5;   ///< Stop when no component of the projected gradient is larger.
  double progress = 1e-9;   ///< Stop when an iteration gains less than progress * (1 + |f|).
};

/// Moves x to a local minimum of f in the box [low, high] and returns f there: limited-memory BFGS (Nocedal and Wright,
/// Numerical Optimization, 2nd ed., algorithm 7.4) with the step projected onto the box (Bertsekas, "Projected Newton
/// methods", 1982: variables that sit on a bound the gradient pushes them against are held) and Armijo backtracking.
/// Never ends above f at the projected start. Deterministic. O(iterations * (cost of f + memory * size)).
double minimise(const Differentiable& f, Eigen::VectorXd& x, const Eigen::VectorXd& low, const Eigen::VectorXd& high,
                const DescentLimits& limits = {});

}  // namespace tune::detail
