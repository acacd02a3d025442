// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <vector>

namespace tune::detail {

/// What the kernel needs to know of an axis. A point is one column: u in [0, 1] for a numeric axis, the index of the
/// category for a categorical one, NaN for an axis that is not active there.
struct KernelAxis {
  bool categorical = false;
  int categories = 0;
  bool conditional = false;  ///< May be inactive.
};

/// Points as vectors in which every distance that the kernel looks at is Euclidean, so that whole matrices of distances
/// are matrix products. Columns are points.
///  - numeric axis: u;
///  - categorical axis: one-hot / sqrt(2), so that the squared distance is Hamming's, 0 or 1;
///  - conditional numeric axis: (a, a (u - 1/2)) with a = 1 where it is active: 0 between two inactive ones, the ordinary
///    distance between two active ones and nearly 1 between the two kinds. Positive definite because it is Euclidean
///    (after Hutter and Osborne, "A kernel for hierarchical parameter spaces", 2013, who use an arc instead);
///  - conditional categorical axis: not being active is one more category.
struct Features {
  Eigen::MatrixXd numeric, categorical;  ///< Each weighted by exp(log weight / 2) of its axis when used.
  Eigen::MatrixXd trend;                 ///< (1, z, z^2, |z|^2 / sqrt(m)), z = 2 u - 1, 0 where inactive; no rows without numeric axes.
  Eigen::Index size() const { return numeric.cols(); }
  Features slice(Eigen::Index first, Eigen::Index count) const;
  void append(const Features& more);
};

/// The covariance of a Gaussian process over mixed and conditional spaces:
///
///   k(x, x') = s ( l Mx Mc + (1 - l) (Mx + Mc) / 2 ) + t (1 + z.z' + sum z_i^2 z'_i^2 + |z|^2 |z'|^2 / m)
///
/// with Mx, Mc = Matern 5/2 of the weighted squared distance over numeric and over categorical axes (where one of the two
/// kinds is missing: s times the other's Matern). The first part is the sum and product of Ru et al., "Bayesian
/// optimisation over multiple continuous and categorical inputs", ICML 2020, eq. 3, with one weight per axis (1 / squared
/// length scale); the second a quadratic trend, which makes bowls cheap to learn.
///
/// Hyperparameters are one vector of logarithms, in this order: weight of each axis, s, noise variance (used by the
/// regression only), t (if there are numeric axes), logit of l (if both kinds exist).
class Kernel {
 public:
  explicit Kernel(std::vector<KernelAxis> axes, bool trend = true);

  const std::vector<KernelAxis>& axes() const { return axes_; }
  Eigen::Index dimensions() const { return static_cast<Eigen::Index>(axes_.size()); }

  Eigen::Index hyperparameters() const { return mix_at() + (mixed() ? 1 : 0); }
  Eigen::Index scale_at() const { return dimensions(); }
  Eigen::Index noise_at() const { return dimensions() + 1; }
  Eigen::Index trend_at() const { return dimensions() + 2; }
  Eigen::Index mix_at() const { return dimensions() + 2 + (trend_ ? 1 : 0); }
  bool trend() const { return trend_; }
  bool mixed() const { return numeric_rows_ > 0 && categorical_rows_ > 0; }

  /// Columns of `points` are points.
  Features features(const Eigen::MatrixXd& points) const;

  /// Covariances of every a with every b, without noise. O(|a| |b| (features + 1)).
  Eigen::MatrixXd between(const Features& a, const Features& b, const Eigen::VectorXd& theta) const;
  /// Of each point with itself. O(|a| features).
  Eigen::VectorXd variances(const Features& a, const Eigen::VectorXd& theta) const;

  /// For the fit: K over a, and after it the sum over i, j of w_ij dK_ij/dtheta_h for any symmetric w, for every h but the
  /// noise. O(n^2 (features + 1)) without ever holding a derivative matrix: for a squared distance
  /// sum_ij g_ij (x_i - x_j)^2 = 2 (x^2 . G1 - x . G x).
  class Gram {
   public:
    Gram(const Kernel& kernel, const Features& points, const Eigen::VectorXd& theta);
    const Eigen::MatrixXd& matrix() const { return k_; }
    Eigen::VectorXd gradient(const Eigen::MatrixXd& w) const;

   private:
    const Kernel& kernel_;
    const Features& points_;
    Eigen::VectorXd theta_;
    Eigen::ArrayXXd mx_, dmx_, mc_, dmc_;  // Matern and its derivative by the squared distance.
    Eigen::MatrixXd trend_, k_;
  };

  /// The covariances of one point with all of b, and their derivatives by its numeric axes (columns; 0 for categorical and
  /// inactive axes); likewise of its own variance.
  struct Slope {
    Eigen::VectorXd k;
    Eigen::MatrixXd dk;  ///< |b| x dimensions.
    double variance = 0;
    Eigen::VectorXd dvariance;
  };
  Slope slope(const Eigen::VectorXd& point, const Features& b, const Eigen::VectorXd& theta) const;

 private:
  struct Rows {
    Eigen::Index first = 0, count = 0;
  };
  Eigen::VectorXd root_weights(const Eigen::VectorXd& theta, bool categorical) const;
  struct Shares;
  Shares shares(const Eigen::VectorXd& theta) const;

  std::vector<KernelAxis> axes_;
  std::vector<Rows> rows_;  // Of each axis, in the matrix of its kind.
  Eigen::Index numeric_rows_ = 0, categorical_rows_ = 0, numeric_axes_ = 0;
  bool trend_;
};

}  // namespace tune::detail
