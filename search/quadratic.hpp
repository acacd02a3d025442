// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <optional>

#include "tuner/rng.hpp"

/// Quadratic models of a function around a point, fitted to more or fewer values than they have coefficients. Pure linear
/// algebra: plain matrices in, plain matrices out.
namespace tune::detail {

/// f(z) = constant + gradient·z + zᵀ half_hessian z.
struct Quadratic {
  Eigen::VectorXd gradient;
  Eigen::MatrixXd half_hessian;
  double above_centre(const Eigen::VectorXd& z) const { return gradient.dot(z) + z.dot(half_hessian * z); }
};

/// Where the least value of a quadratic lies in the box, found from the centre, the corner downhill and a random point by
/// cyclic coordinate descent, each coordinate exactly, with a Newton step on the free coordinates every sixth sweep. Exact
/// where the quadratic is convex; a good local minimum otherwise. O(60 m²) a start and a few O(m³).
Eigen::VectorXd least_in_box(const Quadratic&, const Eigen::VectorXd& lower, const Eigen::VectorXd& upper, Rng&);

/// Bayesian regression on all quadratics: Gaussian process regression with the kernel
///   k(z, w) = 100 + z·w + a |z|²|w|²/m + b Σ zᵢ²wᵢ² + c ((z·w)² - Σ zᵢ²wᵢ²),
/// that is, normal priors on the coefficients (Rasmussen and Williams, "Gaussian processes for machine learning", 2006,
/// section 2.1, with the feature map of eq. 4.26 split by what kind of curvature it is). Four families (a, b, c) believe in
/// isotropic, separable and full curvature to different degrees: where curvature is nearly isotropic or separable, about 2m
/// values are enough to find the minimum, where interpolation needs (m+1)(m+2)/2.
///
/// Noise at z has variance v max(1, |z|/√m)⁶: beyond the region |z| ≤ √m the function's third-order remainder counts as
/// noise, so that far values are weak evidence. Large v smooths ripples instead of interpolating them. Values above 3 may
/// enter as 3 + 3 ln(y/3), so that a steep wall does not bend the model; the density of the data is corrected for it.
/// Family, v and compression maximise the marginal likelihood with the scale of the prior profiled out (ibid., eq. 5.8).
class QuadraticRegression {
 public:
  struct Choice {
    int family = 0;  ///< 0 to 3.
    int noise = 0;   ///< 0 to 6: v = 1e-10, 1e-7, 1e-5, 1e-3, 1e-2, 0.1, 1.
  };
  static double variance(int noise);

  /// Rows of `z` are points around the origin, `y` their values: at least 0 at their best and of the order of 1. Compares
  /// all choices, or with `near` only its family and neighbouring noise. nullopt if nothing can be fitted. O(K² m) and O(K³/3)
  /// a choice.
  static std::optional<QuadraticRegression> fit(Eigen::MatrixXd z, const Eigen::VectorXd& y, std::optional<Choice> near);

  const Choice& choice() const { return choice_; }
  Quadratic mean() const { return coefficients(alpha_); }
  /// A draw from the posterior: what the function may well be, given the values (Matheron's rule: a draw from the prior,
  /// corrected by the regression of its residuals). O(K² + K m²).
  Quadratic draw(Rng&) const;
  /// The fitted values at the rows of z, on the scale of y or of its compression. O(K).
  Eigen::VectorXd smoothed() const;

 private:
  QuadraticRegression() = default;
  Quadratic coefficients(const Eigen::VectorXd& alpha) const;

  Choice choice_;
  Eigen::MatrixXd z_, cholesky_;
  Eigen::VectorXd y_, weights_, alpha_;  // Of noise: max(1, |z|/√m)⁶.
  double scale_ = 0;                     // Variance of the prior.
};

}  // namespace tune::detail
