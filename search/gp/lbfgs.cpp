// SPDX-License-Identifier: Apache-2.0
#include "search/gp/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace tune::detail {
namespace {

using Eigen::VectorXd;

/// The curvature met so far, as pairs of a step s and the change y of the gradient along it.
class Curvature {
 public:
  explicit Curvature(int memory) : memory_(static_cast<std::size_t>(memory)) {}

  bool empty() const { return pairs_.empty(); }
  void forget() { pairs_.clear(); }

  /// A pair without positive curvature would spoil the approximation and is left out.
  void learn(VectorXd s, VectorXd y) {
    const double sy = s.dot(y);
    if (!(sy > 1e-12 * y.squaredNorm())) return;
    if (pairs_.size() == memory_) pairs_.pop_front();
    pairs_.push_back({std::move(s), std::move(y), 1 / sy});
  }

  /// The inverse Hessian times g: the two-loop recursion.
  VectorXd times(VectorXd g) const {
    if (pairs_.empty()) return g;
    std::vector<double> along(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      along[i] = pairs_[i].rho * pairs_[i].s.dot(g);
      g -= along[i] * pairs_[i].y;
    }
    g /= pairs_.back().rho * pairs_.back().y.squaredNorm();
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      g += pairs_[i].s * (along[i] - pairs_[i].rho * pairs_[i].y.dot(g));
    return g;
  }

 private:
  struct Pair {
    VectorXd s, y;
    double rho;
  };
  std::size_t memory_;
  std::deque<Pair> pairs_;
};

/// The gradient without the components that push a variable against its bound.
VectorXd free_part(const VectorXd& gradient, const VectorXd& x, const VectorXd& low, const VectorXd& high) {
  VectorXd g = gradient;
  for (Eigen::Index i = 0; i < g.size(); ++i)
    if ((x[i] <= low[i] && g[i] > 0) || (x[i] >= high[i] && g[i] < 0)) g[i] = 0;
  return g;
}

constexpr int kMostHalvings = 16;
constexpr double kShorter = 0.4, kSufficient = 1e-4;

}  // namespace

double minimise(const Differentiable& f, VectorXd& x, const VectorXd& low, const VectorXd& high,
                const DescentLimits& limits) {
  x = x.cwiseMax(low).cwiseMin(high);
  VectorXd gradient(x.size()), next_gradient(x.size()), next(x.size());
  double value = f(x, gradient);
  if (!std::isfinite(value)) return value;
  Curvature curvature{limits.memory};
  for (int iteration = 0; iteration < limits.iterations; ++iteration) {
    const VectorXd steepest = free_part(gradient, x, low, high);
    if (steepest.size() == 0 || !(steepest.cwiseAbs().maxCoeff() > limits.gradient)) break;

    VectorXd direction = curvature.times(steepest);
    for (Eigen::Index i = 0; i < direction.size(); ++i)
      if (steepest[i] == 0) direction[i] = 0;
    if (!(direction.dot(steepest) > 0)) {
      curvature.forget();
      direction = steepest;
    }

    // The first step has no scale of its own: half a unit at most.
    double length = curvature.empty() ? std::min(1.0, 0.5 / steepest.norm()) : 1.0;
    double next_value = value;
    bool better = false;
    for (int k = 0; k < kMostHalvings && !better; ++k, length *= kShorter) {
      next = (x - length * direction).cwiseMax(low).cwiseMin(high);
      next_value = f(next, next_gradient);
      better = std::isfinite(next_value) && next_value <= value + kSufficient * gradient.dot(next - x);
    }
    if (!better) {
      if (curvature.empty()) break;
      curvature.forget();  // Once more, along the gradient itself.
      continue;
    }
    const double gained = value - next_value;
    curvature.learn(next - x, next_gradient - gradient);
    x = next, gradient = next_gradient, value = next_value;
    if (gained < limits.progress * (1 + std::abs(value))) break;
  }
  return value;
}

}  // namespace tune::detail
