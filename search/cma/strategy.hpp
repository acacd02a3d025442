// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <span>
#include <vector>

#include "tuner/rng.hpp"

namespace tune::detail {

/// Active CMA-ES: a normal distribution N(mean, sigma^2 A C A) that follows where the better of its samples lie. N.
/// Hansen, "The CMA evolution strategy: a tutorial", arXiv 1604.00772; equation numbers refer to it. A is a diagonal
/// that search/cma/margin.hpp alone moves away from the identity. With `adapt_rates` the learning rates follow the
/// signal-to-noise ratio of the updates: M. Nomura, Y. Akimoto, I. Ono, "CMA-ES with learning rate adaptation", arXiv
/// 2304.03473.
///
/// A value: copyable, no clock and no randomness of its own. Deviations from the tutorial: the number of samples a
/// generation may change from one to the next, and steps are taken relative to A. sample: O(d^2). tell: O(lambda d^2)
/// and, every 1 / (10 d (c1 + cmu)) generations, an eigendecomposition.
class CmaEs {
 public:
  struct Start {
    Eigen::VectorXd mean;
    double sigma = 0.2;
    Eigen::MatrixXd covariance = {};  ///< Empty: the identity.
    bool adapt_rates = false;
  };

  /// The population that the tutorial recommends for d axes, eq. 48.
  static int default_population(std::size_t d);

  /// Weights of the better half of `lambda` samples, best first, sum 1: eq. 49 and 53.
  static std::vector<double> recombination(int lambda);

  explicit CmaEs(Start);

  Eigen::VectorXd sample(Rng&) const;
  /// Mahalanobis distance of a point from the mean under the present distribution.
  double distance(const Eigen::VectorXd& point) const;

  /// One generation, best first: at least two samples of this distribution, or points that may stand for such.
  void tell(std::span<const Eigen::VectorXd> best_first);

  std::size_t size() const { return static_cast<std::size_t>(mean_.size()); }
  std::int64_t generation() const { return generation_; }
  const Eigen::VectorXd& mean() const { return mean_; }
  const Eigen::VectorXd& scale() const { return scale_; }  ///< The diagonal of A.
  const Eigen::MatrixXd& covariance() const { return covariance_; }
  double sigma() const { return sigma_; }
  double rate_of_mean() const { return rate_mean_; }
  double deviation(std::size_t axis) const;  ///< Standard deviation along an axis, A left out.
  /// Moves one axis: its mean and its entry of A.
  void correct(std::size_t axis, double mean, double scale);

  /// The distribution can not usefully go on: it shrank below `1e-12` of its first size, blew up, lost its effect on
  /// the mean in double precision, or its covariance is conditioned worse than 1e14 (tutorial, B.3).
  bool degenerate() const;

 private:
  struct Rates;
  struct Before;
  void decompose();
  Eigen::VectorXd whiten(const Eigen::VectorXd& y) const;  // C^(-1/2) y.
  void adapt(const Before&);

  Eigen::VectorXd mean_, scale_, path_sigma_, path_c_;
  Eigen::MatrixXd covariance_, axes_;  // axes_: eigenvectors of the covariance, by column.
  Eigen::VectorXd lengths_;            // Square roots of its eigenvalues.
  double sigma_, first_sigma_;
  std::int64_t generation_ = 0, decomposed_ = 0;

  bool adapt_rates_;
  double rate_mean_ = 1, rate_covariance_ = 1;  // eta_m, eta_Sigma of arXiv 2304.03473.
  Eigen::VectorXd signal_mean_;                 // E_m
  Eigen::MatrixXd signal_covariance_;           // E_Sigma
  double power_mean_ = 0, power_covariance_ = 0;  // V_m, V_Sigma
};

}  // namespace tune::detail
