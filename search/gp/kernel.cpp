// SPDX-License-Identifier: Apache-2.0
#include "search/gp/kernel.hpp"

#include <cmath>
#include <tuple>

namespace tune::detail {
namespace {

using Eigen::ArrayXXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Matern 5/2 of a squared distance that is already weighted, and its derivative by it
/// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, eq. 4.17).
ArrayXXd matern(const ArrayXXd& squared, ArrayXXd* derivative) {
  const ArrayXXd r = (5 * squared).sqrt();
  const ArrayXXd e = (-r).exp();
  if (derivative) *derivative = (-5.0 / 6) * (1 + r) * e;
  return (1 + r + r.square() / 3) * e;
}

/// Squared distances between the columns of a and b.
ArrayXXd squared_distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd d = -2 * (a.transpose() * b);
  d.colwise() += a.colwise().squaredNorm().transpose();
  d.rowwise() += b.colwise().squaredNorm();
  return d.array().max(0.0);  // Rounding must not make a distance imaginary.
}

void append_columns(MatrixXd& to, const MatrixXd& more) {
  const Index had = to.cols();
  to.conservativeResize(more.rows(), had + more.cols());
  to.rightCols(more.cols()) = more;
}

}  // namespace

Features Features::slice(Index first, Index count) const {
  return {numeric.middleCols(first, count), categorical.middleCols(first, count), trend.middleCols(first, count)};
}

void Features::append(const Features& more) {
  append_columns(numeric, more.numeric);
  append_columns(categorical, more.categorical);
  append_columns(trend, more.trend);
}

/// How much of the scale the product and each summand get.
struct Kernel::Shares {
  double product, sum, slope;  // slope: d product / d logit.
};

Kernel::Kernel(std::vector<KernelAxis> axes, bool trend) : axes_(std::move(axes)) {
  for (const auto& axis : axes_) {
    Index& rows = axis.categorical ? categorical_rows_ : numeric_rows_;
    const Index count = axis.categorical ? axis.categories + axis.conditional : 1 + axis.conditional;
    rows_.push_back({rows, count});
    rows += count;
    numeric_axes_ += !axis.categorical;
  }
  trend_ = trend && numeric_axes_ > 0;
}

Kernel::Shares Kernel::shares(const VectorXd& theta) const {
  const double s = std::exp(theta[scale_at()]);
  if (!mixed()) return {s, 0, 0};
  const double l = 1 / (1 + std::exp(-theta[mix_at()]));
  return {s * l, s * (1 - l) / 2, s * l * (1 - l)};
}

VectorXd Kernel::root_weights(const VectorXd& theta, bool categorical) const {
  VectorXd w(categorical ? categorical_rows_ : numeric_rows_);
  for (std::size_t j = 0; j < axes_.size(); ++j)
    if (axes_[j].categorical == categorical)
      w.segment(rows_[j].first, rows_[j].count).setConstant(std::exp(theta[static_cast<Index>(j)] / 2));
  return w;
}

Features Kernel::features(const MatrixXd& points) const {
  const Index n = points.cols();
  Features f{MatrixXd::Zero(numeric_rows_, n), MatrixXd::Zero(categorical_rows_, n), {}};
  MatrixXd z = MatrixXd::Zero(numeric_axes_, n);
  Index next = 0;
  for (std::size_t j = 0; j < axes_.size(); ++j) {
    const auto& axis = axes_[j];
    const Index row = rows_[j].first;
    const Index z_row = axis.categorical ? 0 : next++;
    for (Index i = 0; i < n; ++i) {
      const double u = points(static_cast<Index>(j), i);
      const bool active = !std::isnan(u);
      if (axis.categorical) {
        f.categorical(row + (active ? static_cast<Index>(u) : axis.categories), i) = std::sqrt(0.5);
      } else if (active) {
        f.numeric(row, i) = axis.conditional ? u - 0.5 : u;
        if (axis.conditional) f.numeric(row + 1, i) = 1;
        z(z_row, i) = 2 * u - 1;
      }
    }
  }
  f.trend.resize(trend_ ? 2 * numeric_axes_ + 2 : 0, n);
  if (trend_)
    f.trend << Eigen::RowVectorXd::Ones(n), z, z.cwiseAbs2(),
        z.colwise().squaredNorm() / std::sqrt(static_cast<double>(numeric_axes_));
  return f;
}

MatrixXd Kernel::between(const Features& a, const Features& b, const VectorXd& theta) const {
  const auto part = [&](bool categorical) {
    const VectorXd w = root_weights(theta, categorical);
    const auto& [fa, fb] = categorical ? std::tie(a.categorical, b.categorical) : std::tie(a.numeric, b.numeric);
    return matern(squared_distances(w.asDiagonal() * fa, w.asDiagonal() * fb), nullptr);
  };
  const auto [product, sum, slope] = shares(theta);
  MatrixXd k;
  if (mixed()) {
    const ArrayXXd mx = part(false), mc = part(true);
    k = (product * mx * mc + sum * (mx + mc)).matrix();
  } else {
    k = (product * part(numeric_rows_ == 0)).matrix();
  }
  if (trend_) k.noalias() += std::exp(theta[trend_at()]) * (a.trend.transpose() * b.trend);
  return k;
}

VectorXd Kernel::variances(const Features& a, const VectorXd& theta) const {
  VectorXd v = VectorXd::Constant(a.size(), std::exp(theta[scale_at()]));
  if (trend_) v += std::exp(theta[trend_at()]) * a.trend.colwise().squaredNorm().transpose();
  return v;
}

Kernel::Gram::Gram(const Kernel& kernel, const Features& points, const VectorXd& theta)
    : kernel_(kernel), points_(points), theta_(theta) {
  const Index n = points.size();
  const auto part = [&](bool categorical, ArrayXXd& m, ArrayXXd& dm) {
    const MatrixXd f = kernel.root_weights(theta, categorical).asDiagonal() * (categorical ? points.categorical : points.numeric);
    m = matern(squared_distances(f, f), &dm);
  };
  if (kernel.numeric_rows_) part(false, mx_, dmx_);
  if (kernel.categorical_rows_) part(true, mc_, dmc_);
  const auto [product, sum, slope] = kernel.shares(theta);
  if (kernel.mixed())
    k_ = (product * mx_ * mc_ + sum * (mx_ + mc_)).matrix();
  else
    k_ = (product * (kernel.numeric_rows_ ? mx_ : mc_)).matrix();
  if (kernel.trend_) {
    trend_.resize(n, n);
    trend_.noalias() = std::exp(theta[kernel.trend_at()]) * (points.trend.transpose() * points.trend);
    k_ += trend_;
  }
}

VectorXd Kernel::Gram::gradient(const MatrixXd& w) const {
  const auto shares = kernel_.shares(theta_);
  const double product = shares.product, sum = shares.sum, slope = shares.slope;
  VectorXd g = VectorXd::Zero(kernel_.hyperparameters());
  const auto weights = [&](bool categorical, const ArrayXXd& other, const ArrayXXd& derivative) {
    const MatrixXd outer = kernel_.mixed() ? MatrixXd(w.array() * (product * other + sum) * derivative)
                                           : MatrixXd(w.array() * product * derivative);
    const MatrixXd& f = categorical ? points_.categorical : points_.numeric;
    const VectorXd row_sums = outer.rowwise().sum();
    const VectorXd by_row = 2 * (f.cwiseAbs2() * row_sums - (f * outer).cwiseProduct(f).rowwise().sum());
    for (std::size_t j = 0; j < kernel_.axes_.size(); ++j)
      if (kernel_.axes_[j].categorical == categorical)
        g[static_cast<Index>(j)] = std::exp(theta_[static_cast<Index>(j)]) *
                                   by_row.segment(kernel_.rows_[j].first, kernel_.rows_[j].count).sum();
  };
  if (kernel_.numeric_rows_) weights(false, mc_, dmx_);
  if (kernel_.categorical_rows_) weights(true, mx_, dmc_);
  g[kernel_.scale_at()] = w.cwiseProduct(k_).sum();
  if (kernel_.trend_) {
    g[kernel_.trend_at()] = w.cwiseProduct(trend_).sum();
    g[kernel_.scale_at()] -= g[kernel_.trend_at()];
  }
  if (kernel_.mixed()) g[kernel_.mix_at()] = slope * (w.array() * (mx_ * mc_ - (mx_ + mc_) / 2)).sum();
  return g;
}

Kernel::Slope Kernel::slope(const VectorXd& point, const Features& b, const VectorXd& theta) const {
  const Features a = features(point);
  const Index n = b.size(), d = dimensions();
  const auto [product, sum, unused] = shares(theta);
  Slope s{VectorXd(n), MatrixXd::Zero(n, d), variances(a, theta)[0], VectorXd::Zero(d)};

  ArrayXXd mx, dmx, mc;
  const auto squared = [&](bool categorical) -> ArrayXXd {
    const VectorXd w = root_weights(theta, categorical).cwiseAbs2();
    const auto& [fa, fb] = categorical ? std::tie(a.categorical, b.categorical) : std::tie(a.numeric, b.numeric);
    return ((fb.colwise() - fa.col(0)).cwiseAbs2().transpose() * w).array();
  };
  if (numeric_rows_) mx = matern(squared(false), &dmx);
  if (categorical_rows_) mc = matern(squared(true), nullptr);
  if (mixed())
    s.k = (product * mx * mc + sum * (mx + mc)).matrix();
  else
    s.k = (product * (numeric_rows_ ? mx : mc)).matrix();
  const double t = trend_ ? std::exp(theta[trend_at()]) : 0;
  if (trend_) s.k.noalias() += t * (b.trend.transpose() * a.trend.col(0));

  if (numeric_rows_ == 0) return s;
  const VectorXd by_distance = mixed() ? VectorXd(((product * mc + sum) * dmx).matrix()) : VectorXd((product * dmx).matrix());
  const double m = static_cast<double>(numeric_axes_), root_m = std::sqrt(m);
  Index z_row = 0;
  for (Index j = 0; j < d; ++j) {
    const auto& axis = axes_[static_cast<std::size_t>(j)];
    if (axis.categorical) continue;
    const Index z_at = z_row++;
    if (std::isnan(point[j])) continue;
    const Index row = rows_[static_cast<std::size_t>(j)].first;
    const double w = std::exp(theta[j]);
    s.dk.col(j) = by_distance.array() * (2 * w * (a.numeric(row, 0) - b.numeric.row(row).transpose().array()));
    if (!trend_) continue;
    // d/du of the trend's features: z' = 2, (z^2)' = 4 z, (|z|^2 / sqrt m)' = 4 z / sqrt m.
    const double z = 2 * point[j] - 1;
    const Index square = 1 + numeric_axes_ + z_at, norm = 1 + 2 * numeric_axes_;
    s.dk.col(j) += t * (2 * b.trend.row(1 + z_at) + 4 * z * b.trend.row(square) + 4 * z / root_m * b.trend.row(norm)).transpose();
    s.dvariance[j] = 2 * t * (2 * z + 4 * z * z * z + 4 * z / root_m * a.trend(norm, 0));
  }
  return s;
}

}  // namespace tune::detail
