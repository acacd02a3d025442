// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <optional>

#include "search/gp/kernel.hpp"

namespace tune::detail {

/// Gaussian process regression (Rasmussen and Williams, chapter 2) on targets of mean 0 and variance 1. Two steps:
/// fit() finds hyperparameters, seldom; Regression holds the Cholesky factor for them and grows by a row per trial.

/// Where a fit starts when nothing is known: the middle of the prior.
Eigen::VectorXd default_hyperparameters(const Kernel&);

/// - log p(y, theta) up to a constant, and its gradient if asked for. Priors ("P3" of our measurements): each length scale
/// ln l ~ N(ln(sqrt(d) / 2), 1) for d axes, s ~ Gamma(2, 1), ln noise ~ N(-6, 2^2), ln t ~ N(-1, 2^2),
/// logit of the mixing share ~ N(0, 1). Noise has a floor of 1e-6. Infinite where K is not positive definite. O(n^3).
double negative_log_posterior(const Kernel&, const Features&, const Eigen::VectorXd& y, const Eigen::VectorXd& theta,
                              Eigen::VectorXd* gradient);

/// The most probable hyperparameters, from `warm` if it is given and fits this kernel, else from the default; L-BFGS,
/// `iterations` at most (twice as many from the default). ln noise stays below `most_log_noise`.
Eigen::VectorXd fit(const Kernel&, const Features&, const Eigen::VectorXd& y, const Eigen::VectorXd* warm, int iterations,
                    double most_log_noise = 1);

/// The factor L of K + noise for given hyperparameters. Rows are appended one at a time, and building it anew appends
/// every row in turn: a factor that grew along with an experiment and one rebuilt from its records have the same bits.
class Regression {
 public:
  /// The kernel outlives this.
  Regression(const Kernel& kernel, Eigen::VectorXd theta);
  void append(const Features& points);  ///< O(n^2) a point.
  void truncate(Eigen::Index size);     ///< Keeps the first `size` points.

  Eigen::Index size() const { return n_; }
  const Kernel& kernel() const { return *kernel_; }
  const Features& points() const { return points_; }
  const Eigen::VectorXd& theta() const { return theta_; }
  double noise() const { return noise_; }

  void solve_lower(Eigen::Ref<Eigen::MatrixXd> b) const;       ///< b = L^-1 b.
  void solve_transposed(Eigen::Ref<Eigen::MatrixXd> b) const;  ///< b = L^-T b.
  double pivot(Eigen::Index i) const { return l_(i, i); }
  /// Row i of L up to and without its diagonal.
  auto row(Eigen::Index i) const { return l_.row(i).head(i); }

  /// Mean and variance at each point from all the others (eq. 5.12), noise included. O(n^3).
  struct LeaveOneOut {
    Eigen::VectorXd mean, variance;
  };
  LeaveOneOut leave_one_out(const Eigen::VectorXd& y) const;

 private:
  const Kernel* kernel_;
  Eigen::VectorXd theta_;
  double noise_;
  Eigen::Index n_ = 0;
  Features points_;
  // Room for a multiple of 64 rows: where the numbers lie depends on how many there are, not on how they came.
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> l_;
};

/// What the process believes of f at any point, given y. May hold several ys at once, as columns (fantasies): the
/// variance does not depend on y and is shared.
class Posterior {
 public:
  /// `regression` is copied only if it is given up. y: one row per point of the regression.
  Posterior(Regression regression, const Eigen::MatrixXd& y);
  /// Adds points whose results are not known yet. Column k of y becomes a draw from the joint posterior of all those
  /// results: mean + L22 z_k, which in whitened coordinates is z_k itself. `z` has one row per new point and
  /// as many columns as there are draws; a posterior with one y is copied to all of them.
  void imagine(const Features& pending, const Eigen::MatrixXd& z);

  const Regression& regression() const { return regression_; }
  Eigen::Index draws() const { return whitened_.cols(); }
  /// The y of the points, imagined ones included. Exact only up to rounding.
  const Eigen::MatrixXd& targets() const { return y_; }

  struct Prediction {
    Eigen::MatrixXd mean;      ///< points x draws
    Eigen::VectorXd variance;  ///< Of f, without noise; positive.
  };
  Prediction at(const Features& points) const;  ///< O(points * n^2).

  struct Slope {
    Eigen::VectorXd mean;    ///< By draw.
    Eigen::MatrixXd dmean;   ///< dimensions x draws
    double variance = 0;
    Eigen::VectorXd dvariance;
  };
  Slope slope(const Eigen::VectorXd& point) const;  ///< O(n (n + features)).

 private:
  Regression regression_;
  Eigen::MatrixXd y_, whitened_, alpha_;  // L^-1 y, K^-1 y
};

}  // namespace tune::detail
