// SPDX-License-Identifier: Apache-2.0
#include "schedulers/bandit.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

namespace tune::detail {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

struct Shape {
  double length = 0.2, fading = 0, noise = 0.1;
};

double correlation(const Tried& a, const Tried& b, const Shape& s, double interval) {
  double distance = 0;
  for (std::size_t i = 0; i < a.point.size(); ++i) distance += (a.point[i] - b.point[i]) * (a.point[i] - b.point[i]);
  return std::exp(-distance / (2 * s.length * s.length)) * std::pow(1 - s.fading, std::abs(a.time - b.time) / (2 * interval));
}

Matrix covariance(const std::vector<Tried>& all, const Shape& s, double interval) {
  const auto n = static_cast<Eigen::Index>(all.size());
  Matrix k(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j <= i; ++j)
      k(i, j) = k(j, i) = correlation(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(j)], s, interval);
  k.diagonal().array() += s.noise;
  return k;
}

}  // namespace

struct FadingBandit::Fit {
  std::vector<Tried> known, all;  // `all`: and what is pending.
  double interval = 1, scale = 1, weight = 1;
  Shape shape;
  Vector alpha;
  Eigen::LLT<Matrix> factor;

  Vector against(const std::vector<Tried>& others, const Tried& at) const {
    Vector k(static_cast<Eigen::Index>(others.size()));
    for (Eigen::Index i = 0; i < k.size(); ++i) k[i] = correlation(others[static_cast<std::size_t>(i)], at, shape, interval);
    return k;
  }
};

FadingBandit::FadingBandit(const std::vector<Tried>& outcomes, const std::vector<Tried>& pending, double interval)
    : fit_(std::make_unique<Fit>()) {
  Fit& f = *fit_;
  f.known = f.all = outcomes;
  f.all.insert(f.all.end(), pending.begin(), pending.end());
  f.interval = interval;
  const auto n = static_cast<Eigen::Index>(outcomes.size());
  Vector y(n);
  for (Eigen::Index i = 0; i < n; ++i) y[i] = outcomes[static_cast<std::size_t>(i)].gain;
  y.array() -= y.mean();
  const double sd = std::sqrt(y.squaredNorm() / static_cast<double>(n));
  if (sd > 0) y /= sd;

  double best = -std::numeric_limits<double>::infinity();
  for (const double length : {0.1, 0.2, 0.4, 0.8})
    for (const double fading : {0.0, 0.05, 0.1, 0.3})
      for (const double noise : {0.01, 0.1, 0.5}) {
        const Shape shape{length, fading, noise};
        const Eigen::LLT<Matrix> factor(covariance(outcomes, shape, interval));
        const Vector alpha = factor.solve(y);
        const double scale = std::max(1e-9, y.dot(alpha) / static_cast<double>(n));
        const double log_det = 2 * factor.matrixLLT().diagonal().array().log().sum();
        const double likelihood = -0.5 * (static_cast<double>(n) * std::log(scale) + log_det);
        if (!(likelihood > best)) continue;
        best = likelihood, f.shape = shape, f.scale = scale, f.alpha = alpha;
      }
  f.factor.compute(covariance(f.all, f.shape, interval));
  f.weight = std::sqrt(0.2 + std::max(0.0, std::log(0.4 * static_cast<double>(n))));
}

FadingBandit::~FadingBandit() = default;

double FadingBandit::upper_bound(double time, const std::vector<double>& point) const {
  const Fit& f = *fit_;
  const Tried at{time, point, 0};
  const double mean = f.against(f.known, at).dot(f.alpha);
  const Vector half = f.factor.matrixL().solve(f.against(f.all, at));
  const double variance = std::max(0.0, 1 - half.squaredNorm()) * f.scale;
  return mean + f.weight * std::sqrt(variance);
}

}  // namespace tune::detail
