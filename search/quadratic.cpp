// SPDX-License-Identifier: Apache-2.0
#include "search/quadratic.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace tune::detail {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kConstant = 100;
struct Family {
  double isotropic, separable, full;  // a, b, c of the header.
};
constexpr Family kFamilies[] = {{1, 0.01, 0.003}, {1, 1, 0.01}, {1, 1, 1}, {0.1, 0.1, 1}};
constexpr double kNoise[] = {1e-10, 1e-7, 1e-5, 1e-3, 1e-2, 0.1, 1};
constexpr double kKnee = 3;  // Values above it may be compressed.

// The box coordinate where a parabola with this slope at `now` and this curvature is least.
double least_on_axis(double now, double slope, double curvature, double lower, double upper) {
  if (curvature > 1e-14) return std::clamp(now - slope / curvature, lower, upper);
  const auto change = [&](double to) { return (to - now) * (slope + 0.5 * curvature * (to - now)); };
  return change(lower) < change(upper) ? lower : upper;
}

// One Newton step on the coordinates that are strictly inside, cut where it leaves the box.
void newton_step(const Quadratic& f, const VectorXd& lower, const VectorXd& upper, VectorXd& z, VectorXd& slope) {
  std::vector<Index> free;
  for (Index i = 0; i < z.size(); ++i)
    if (z[i] > lower[i] + 1e-12 && z[i] < upper[i] - 1e-12) free.push_back(i);
  if (free.empty()) return;
  const Eigen::LLT<MatrixXd> factor(2 * f.half_hessian(free, free));
  if (factor.info() != Eigen::Success) return;
  const VectorXd step = -factor.solve(VectorXd{slope(free)});
  double length = 1;
  for (Index k = 0; k < step.size(); ++k) {
    const Index i = free[static_cast<std::size_t>(k)];
    if (step[k] > 0) length = std::min(length, (upper[i] - z[i]) / step[k]);
    if (step[k] < 0) length = std::min(length, (lower[i] - z[i]) / step[k]);
  }
  z(free) += length * step;
  slope = f.gradient + 2 * f.half_hessian * z;
}

VectorXd descend(const Quadratic& f, const VectorXd& lower, const VectorXd& upper, VectorXd z) {
  constexpr int kSweeps = 60, kNewtonEvery = 6;
  VectorXd slope = f.gradient + 2 * f.half_hessian * z;
  for (int sweep = 1; sweep <= kSweeps; ++sweep) {
    double most = 0;
    for (Index i = 0; i < z.size(); ++i) {
      const double change = least_on_axis(z[i], slope[i], 2 * f.half_hessian(i, i), lower[i], upper[i]) - z[i];
      if (change == 0) continue;
      slope += 2 * change * f.half_hessian.col(i);
      z[i] += change;
      most = std::max(most, std::fabs(change));
    }
    if (most < 1e-9) break;
    if (sweep % kNewtonEvery == 0) newton_step(f, lower, upper, z, slope);
  }
  return z;
}

// The parts of the kernel that a, b, c weigh.
struct Gram {
  MatrixXd linear, isotropic, separable, full;
  explicit Gram(const MatrixXd& z) {
    const MatrixXd squares = z.cwiseAbs2();
    const VectorXd norms = squares.rowwise().sum();
    const MatrixXd products = z * z.transpose();
    linear = products.array() + kConstant;
    isotropic = norms * norms.transpose() / static_cast<double>(z.cols());
    separable = squares * squares.transpose();
    full = products.cwiseAbs2() - separable;
  }
  MatrixXd kernel(const Family& f) const {
    return linear + f.isotropic * isotropic + f.separable * separable + f.full * full;
  }
};

// Values as they are and compressed, with the logarithm of the Jacobian.
struct Target {
  VectorXd y;
  double log_jacobian = 0;
};

std::vector<Target> targets(const VectorXd& y) {
  Target compressed{y, 0};
  for (double& v : compressed.y) {
    if (!(v > kKnee)) continue;
    compressed.log_jacobian += std::log(kKnee / v);
    v = kKnee + kKnee * std::log(v / kKnee);
  }
  std::vector<Target> all{{y, 0}};
  if (compressed.log_jacobian != 0) all.push_back(std::move(compressed));
  return all;
}

bool considered(int family, int noise, const std::optional<QuadraticRegression::Choice>& near) {
  return !near || (family == near->family && std::abs(noise - near->noise) <= 1);
}

}  // namespace

VectorXd least_in_box(const Quadratic& f, const VectorXd& lower, const VectorXd& upper, Rng& rng) {
  const Index m = f.gradient.size();
  VectorXd downhill(m), random(m);
  for (Index i = 0; i < m; ++i) {
    downhill[i] = f.gradient[i] > 0 ? lower[i] : upper[i];
    random[i] = lower[i] + rng.uniform() * (upper[i] - lower[i]);
  }
  VectorXd best = VectorXd::Zero(m);
  for (const VectorXd& start : {VectorXd{VectorXd::Zero(m)}, downhill, random}) {
    VectorXd z = descend(f, lower, upper, start);
    if (f.above_centre(z) < f.above_centre(best)) best = std::move(z);
  }
  return best;
}

double QuadraticRegression::variance(int noise) { return kNoise[noise]; }

std::optional<QuadraticRegression> QuadraticRegression::fit(MatrixXd z, const VectorXd& y, std::optional<Choice> near) {
  const auto count = static_cast<double>(y.size());
  const Gram gram(z);
  QuadraticRegression best;
  best.weights_ = (z.cwiseAbs2().rowwise().mean()).cwiseMax(1).array().cube();
  const auto data = targets(y);
  double least = HUGE_VAL;
  for (int family = 0; family < 4; ++family) {
    if (near && family != near->family) continue;
    const MatrixXd kernel = gram.kernel(kFamilies[family]);
    for (int noise = 0; noise < 7; ++noise) {
      if (!considered(family, noise, near)) continue;
      MatrixXd a = kernel;
      a.diagonal() += kNoise[noise] * best.weights_;
      const Eigen::LLT<MatrixXd> factor(a);
      if (factor.info() != Eigen::Success) continue;
      const double half_log_determinant = factor.matrixLLT().diagonal().array().log().sum();
      for (const Target& t : data) {
        VectorXd alpha = factor.solve(t.y);
        const double scale = t.y.dot(alpha) / count;
        if (!(scale > 0)) continue;
        const double loss = 0.5 * count * std::log(scale) + half_log_determinant - t.log_jacobian;
        if (!(loss < least)) continue;
        least = loss;
        best.choice_ = {family, noise};
        best.cholesky_ = factor.matrixLLT();
        best.y_ = t.y;
        best.alpha_ = std::move(alpha);
        best.scale_ = scale;
      }
    }
  }
  if (least == HUGE_VAL) return std::nullopt;
  best.z_ = std::move(z);
  return best;
}

Quadratic QuadraticRegression::coefficients(const VectorXd& alpha) const {
  const Family& f = kFamilies[choice_.family];
  const MatrixXd squares = z_.cwiseAbs2();
  Quadratic q;
  q.gradient = z_.transpose() * alpha;
  q.half_hessian = f.full * (z_.transpose() * alpha.asDiagonal() * z_);
  q.half_hessian.diagonal() += (f.separable - f.full) * (squares.transpose() * alpha);
  q.half_hessian.diagonal().array() += f.isotropic / static_cast<double>(z_.cols()) * alpha.dot(squares.rowwise().sum());
  return q;
}

Quadratic QuadraticRegression::draw(Rng& rng) const {
  const Family& f = kFamilies[choice_.family];
  const Index m = z_.cols(), count = z_.rows();
  const double sd = std::sqrt(scale_);
  Quadratic prior{VectorXd(m), MatrixXd::Zero(m, m)};
  const double constant = sd * std::sqrt(kConstant) * rng.normal();
  for (double& g : prior.gradient) g = sd * rng.normal();
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < i; ++j) prior.half_hessian(i, j) = prior.half_hessian(j, i) = sd * std::sqrt(f.full / 2) * rng.normal();
  const double isotropic = sd * std::sqrt(f.isotropic / static_cast<double>(m)) * rng.normal();
  for (Index i = 0; i < m; ++i) prior.half_hessian(i, i) = isotropic + sd * std::sqrt(f.separable) * rng.normal();

  VectorXd residual(count);
  for (Index k = 0; k < count; ++k) {
    const VectorXd z = z_.row(k);
    residual[k] = y_[k] - constant - prior.above_centre(z) - sd * std::sqrt(kNoise[choice_.noise] * weights_[k]) * rng.normal();
  }
  cholesky_.triangularView<Eigen::Lower>().solveInPlace(residual);
  cholesky_.triangularView<Eigen::Lower>().transpose().solveInPlace(residual);
  Quadratic q = coefficients(residual);
  q.gradient += prior.gradient;
  q.half_hessian += prior.half_hessian;
  return q;
}

VectorXd QuadraticRegression::smoothed() const {
  return y_ - kNoise[choice_.noise] * weights_.cwiseProduct(alpha_);
}

}  // namespace tune::detail
