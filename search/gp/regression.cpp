// SPDX-License-Identifier: Apache-2.0
#include "search/gp/regression.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>

#include "search/gp/lbfgs.hpp"

namespace tune::detail {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kNoiseFloor = 1e-6;
constexpr Index kRows = 64;

/// A normal prior on one of the logarithms.
struct LogPrior {
  double mean, deviation;
  double cost(double x) const { return (x - mean) * (x - mean) / (2 * deviation * deviation); }
  double slope(double x) const { return (x - mean) / (deviation * deviation); }
};

/// ln w = -2 ln l, hence twice the deviation.
LogPrior weight_prior(const Kernel& kernel) {
  return {-2 * std::log(0.5 * std::sqrt(static_cast<double>(kernel.dimensions()))), 2};
}
constexpr LogPrior kNoisePrior{-6, 2}, kTrendPrior{-1, 2}, kMixPrior{0, 1};

double prior(const Kernel& kernel, const VectorXd& theta, VectorXd* gradient) {
  double cost = 0;
  const auto add = [&](Index at, const LogPrior& p) {
    cost += p.cost(theta[at]);
    if (gradient) (*gradient)[at] += p.slope(theta[at]);
  };
  for (Index j = 0; j < kernel.dimensions(); ++j) add(j, weight_prior(kernel));
  add(kernel.noise_at(), kNoisePrior);
  if (kernel.trend()) add(kernel.trend_at(), kTrendPrior);
  if (kernel.mixed()) add(kernel.mix_at(), kMixPrior);
  const double log_scale = theta[kernel.scale_at()];
  cost += std::exp(log_scale) - log_scale;  // Gamma(2, 1).
  if (gradient) (*gradient)[kernel.scale_at()] += std::exp(log_scale) - 1;
  return cost;
}

/// Where hyperparameters may be: beyond, one cannot tell them from the bound.
void bounds(const Kernel& kernel, VectorXd& low, VectorXd& high) {
  low = VectorXd::Constant(kernel.hyperparameters(), -9);
  high = VectorXd::Constant(kernel.hyperparameters(), 9);
  high[kernel.scale_at()] = 3;
  low[kernel.noise_at()] = -14, high[kernel.noise_at()] = 1;
  if (kernel.mixed()) low[kernel.mix_at()] = -5, high[kernel.mix_at()] = 5;
}

}  // namespace

VectorXd default_hyperparameters(const Kernel& kernel) {
  VectorXd theta = VectorXd::Constant(kernel.hyperparameters(), weight_prior(kernel).mean);
  theta[kernel.scale_at()] = 0;
  theta[kernel.noise_at()] = -4;  // More than the prior's middle: a smooth start.
  if (kernel.trend()) theta[kernel.trend_at()] = kTrendPrior.mean;
  if (kernel.mixed()) theta[kernel.mix_at()] = kMixPrior.mean;
  return theta;
}

double negative_log_posterior(const Kernel& kernel, const Features& points, const VectorXd& y, const VectorXd& theta,
                              VectorXd* gradient) {
  if (gradient) gradient->setZero(theta.size());
  const Kernel::Gram gram{kernel, points, theta};
  const double noise = std::exp(theta[kernel.noise_at()]);
  MatrixXd k = gram.matrix();
  k.diagonal().array() += noise + kNoiseFloor;
  const Eigen::LLT<Eigen::Ref<MatrixXd>> factor{k};
  if (factor.info() != Eigen::Success) return std::numeric_limits<double>::infinity();
  const VectorXd alpha = factor.solve(y);
  const double cost = 0.5 * y.dot(alpha) + factor.matrixLLT().diagonal().array().log().sum();
  if (!gradient) return cost + prior(kernel, theta, nullptr);

  MatrixXd w = factor.solve(MatrixXd::Identity(y.size(), y.size()));
  w.noalias() -= alpha * alpha.transpose();
  *gradient = 0.5 * gram.gradient(w);  // Eq. 5.9.
  (*gradient)[kernel.noise_at()] = 0.5 * noise * w.trace();
  return cost + prior(kernel, theta, gradient);
}

VectorXd fit(const Kernel& kernel, const Features& points, const VectorXd& y, const VectorXd* warm, int iterations,
             double most_log_noise) {
  const bool usable = warm && warm->size() == kernel.hyperparameters() && warm->allFinite();
  VectorXd theta = usable ? *warm : default_hyperparameters(kernel);
  VectorXd low, high;
  bounds(kernel, low, high);
  high[kernel.noise_at()] = most_log_noise;
  DescentLimits limits;
  limits.iterations = usable ? iterations : 2 * iterations;
  limits.gradient = 1e-3 * static_cast<double>(y.size());
  limits.progress = 1e-6;
  const auto cost = [&](const VectorXd& x, VectorXd& g) { return negative_log_posterior(kernel, points, y, x, &g); };
  return std::isfinite(minimise(cost, theta, low, high, limits)) ? theta : default_hyperparameters(kernel);
}

Regression::Regression(const Kernel& kernel, VectorXd theta)
    : kernel_(&kernel), theta_(std::move(theta)), noise_(std::exp(theta_[kernel.noise_at()]) + kNoiseFloor),
      points_(kernel.features(MatrixXd(kernel.dimensions(), 0))) {}

void Regression::append(const Features& points) {
  for (Index i = 0; i < points.size(); ++i) {
    const Features one = points.slice(i, 1);
    VectorXd row = kernel_->between(points_, one, theta_).col(0);
    solve_lower(row);
    // In exact arithmetic what is left is at least the noise.
    const double left = kernel_->variances(one, theta_)[0] + noise_ - row.squaredNorm();
    if (n_ == l_.rows()) l_.conservativeResize(n_ + kRows, n_ + kRows);
    l_.row(n_).head(n_) = row;
    l_(n_, n_) = std::sqrt(std::max(left, noise_));
    points_.append(one);
    ++n_;
  }
}

void Regression::truncate(Index size) {
  if (size == n_) return;
  n_ = size;
  points_ = points_.slice(0, size);
  const Index room = (size + kRows - 1) / kRows * kRows;
  l_.conservativeResize(room, room);
}

void Regression::solve_lower(Eigen::Ref<MatrixXd> b) const {
  l_.topLeftCorner(n_, n_).triangularView<Eigen::Lower>().solveInPlace(b);
}

void Regression::solve_transposed(Eigen::Ref<MatrixXd> b) const {
  l_.topLeftCorner(n_, n_).triangularView<Eigen::Lower>().transpose().solveInPlace(b);
}

Regression::LeaveOneOut Regression::leave_one_out(const VectorXd& y) const {
  MatrixXd inverse = MatrixXd::Identity(n_, n_);
  solve_lower(inverse);
  const VectorXd variance = inverse.colwise().squaredNorm().cwiseInverse().transpose();
  VectorXd alpha = y;
  solve_lower(alpha);
  solve_transposed(alpha);
  return {y - alpha.cwiseProduct(variance), variance};
}

Posterior::Posterior(Regression regression, const MatrixXd& y) : regression_(std::move(regression)), y_(y), whitened_(y) {
  regression_.solve_lower(whitened_);
  alpha_ = whitened_;
  regression_.solve_transposed(alpha_);
}

void Posterior::imagine(const Features& pending, const MatrixXd& z) {
  const Index had = regression_.size(), more = pending.size();
  if (whitened_.cols() == 1) whitened_ = whitened_.replicate(1, z.cols()).eval(), y_ = y_.replicate(1, z.cols()).eval();
  regression_.append(pending);
  whitened_.conservativeResize(had + more, z.cols());
  whitened_.bottomRows(more) = z;
  y_.conservativeResize(had + more, z.cols());
  for (Index i = had; i < had + more; ++i)
    y_.row(i) = regression_.row(i) * whitened_.topRows(i) + regression_.pivot(i) * whitened_.row(i);
  alpha_ = whitened_;
  regression_.solve_transposed(alpha_);
}

Posterior::Prediction Posterior::at(const Features& points) const {
  const auto& kernel = regression_.kernel();
  const VectorXd prior = kernel.variances(points, regression_.theta());
  MatrixXd v = kernel.between(regression_.points(), points, regression_.theta());
  regression_.solve_lower(v);
  const VectorXd left = prior - v.colwise().squaredNorm().transpose();
  return {v.transpose() * whitened_, left.cwiseMax(1e-10 * prior)};
}

Posterior::Slope Posterior::slope(const VectorXd& point) const {
  const Kernel::Slope s = regression_.kernel().slope(point, regression_.points(), regression_.theta());
  VectorXd v = s.k;
  regression_.solve_lower(v);
  Slope out{whitened_.transpose() * v, s.dk.transpose() * alpha_, s.variance - v.squaredNorm(), s.dvariance};
  regression_.solve_transposed(v);
  out.dvariance.noalias() -= 2 * (s.dk.transpose() * v);
  if (out.variance < 1e-10 * s.variance) out.variance = 1e-10 * s.variance, out.dvariance.setZero();
  return out;
}

}  // namespace tune::detail
