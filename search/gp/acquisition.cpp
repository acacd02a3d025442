// SPDX-License-Identifier: Apache-2.0
#include "search/gp/acquisition.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tune::detail {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kRootHalf = 0.70710678118654752440, kRootPi = 1.77245385090551602730;
constexpr double kHalfLogTwoPi = 0.91893853320467274178, kRootHalfPi = 1.25331413731550025121;
constexpr double kNever = -std::numeric_limits<double>::infinity();

double pdf(double z) { return std::exp(-0.5 * z * z - kHalfLogTwoPi); }
double cdf(double z) { return 0.5 * std::erfc(-z * kRootHalf); }

/// exp(x^2) erfc(x) for x >= 0.
double erfcx(double x) {
  if (x < 20) return std::exp(x * x) * std::erfc(x);
  const double q = 1 / (2 * x * x);  // Asymptotic series; the next term is below 1e-12.
  return (1 - q * (1 - q * (3 - q * 15))) / (x * kRootPi);
}

/// ln(e^a + e^b + ...) and what each has a share in it.
double log_sum(const VectorXd& logs, VectorXd* shares = nullptr) {
  const double top = logs.maxCoeff();
  if (!(top > kNever)) {
    if (shares) shares->setZero(logs.size());
    return top;
  }
  const VectorXd e = (logs.array() - top).exp();
  if (shares) *shares = e / e.sum();
  return top + std::log(e.sum());
}

/// ln(e^a - e^b), a >= b.
double log_difference(double a, double b) { return b > kNever ? a + std::log(-std::expm1(std::min(b - a, -1e-15))) : a; }

/// ln E[max(0, upper - max(lower, f))] for f ~ N(mean, deviation^2) and its derivatives by both.
struct Piece {
  double value, by_mean, by_deviation;
};
Piece piece(double lower, double upper, double mean, double deviation) {
  const double a = (lower - mean) / deviation, b = (upper - mean) / deviation;
  const double log_a = lower > kNever ? log_h(a).value : kNever;
  const double value = log_difference(log_h(b).value, log_a) + std::log(deviation);
  // d/dmean = -(cdf(b) - cdf(a)), d/ddeviation = pdf(b) - pdf(a); relative to the value itself.
  const auto share = [&](double log_x) { return std::exp(log_x - value); };
  const double below = lower > kNever ? share(log_cdf(a).value) : 0, density = lower > kNever ? share(-0.5 * a * a - kHalfLogTwoPi) : 0;
  return {value, below - share(log_cdf(b).value), share(-0.5 * b * b - kHalfLogTwoPi) - density};
}

}  // namespace

WithSlope log_h(double z) {
  if (z > -1) {
    const double p = cdf(z), h = pdf(z) + z * p;
    return {std::log(h), p / h};
  }
  // h = pdf (1 - |z| m), m = cdf / pdf the Mills ratio; far out 1 - |z| m cancels and its series takes over.
  const double m = kRootHalfPi * erfcx(-z * kRootHalf), q = 1 / (z * z);
  const double rest = z > -30 ? 1 + z * m : q * (1 - q * (3 - q * (15 - 105 * q)));
  return {-0.5 * z * z - kHalfLogTwoPi + std::log(rest), m / rest};
}

WithSlope log_cdf(double z) {
  if (z > -1) return {std::log(cdf(z)), pdf(z) / cdf(z)};
  const double m = kRootHalfPi * erfcx(-z * kRootHalf);
  return {-0.5 * z * z - kHalfLogTwoPi + std::log(m), 1 / m};
}

Improvement::Improvement(Posterior posterior, double best, Index imagined_from)
    : posterior_(std::move(posterior)), best_(VectorXd::Constant(posterior_.draws(), best)) {
  const MatrixXd& y = posterior_.targets();
  for (Index i = imagined_from; i < y.rows(); ++i) best_ = best_.cwiseMin(y.row(i).transpose());
}

VectorXd Improvement::at(const Features& points) const {
  const auto p = posterior_.at(points);
  VectorXd out(points.size()), logs(best_.size());
  for (Index i = 0; i < out.size(); ++i) {
    const double s = std::sqrt(p.variance[i]);
    for (Index k = 0; k < logs.size(); ++k) logs[k] = log_h((best_[k] - p.mean(i, k)) / s).value;
    out[i] = log_sum(logs) + std::log(s);
  }
  return out;
}

double Improvement::at(const VectorXd& point, VectorXd& gradient) const {
  const auto p = posterior_.slope(point);
  const double s = std::sqrt(p.variance);
  const VectorXd ds = p.dvariance / (2 * s);
  VectorXd logs(best_.size()), z(best_.size()), slopes(best_.size()), shares;
  for (Index k = 0; k < logs.size(); ++k) {
    z[k] = (best_[k] - p.mean[k]) / s;
    const auto [value, slope] = log_h(z[k]);
    logs[k] = value, slopes[k] = slope;
  }
  const double value = log_sum(logs, &shares) + std::log(s);
  const VectorXd weights = shares.cwiseProduct(slopes) / s;
  gradient += ds / s - p.dmean * weights - weights.dot(z) * ds;
  return value;
}

double Improvement::chance(const VectorXd& point, double by) const {
  const auto p = posterior_.slope(point);
  double sum = 0;
  for (Index k = 0; k < best_.size(); ++k) sum += cdf((best_[k] - by - p.mean[k]) / std::sqrt(p.variance));
  return sum / static_cast<double>(best_.size());
}

Holds::Holds(Posterior posterior, double limit, double spread, double weight)
    : posterior_(std::move(posterior)), limit_(limit), spread_(spread), weight_(weight) {}

VectorXd Holds::at(const Features& points) const {
  const auto p = posterior_.at(points);
  VectorXd out(points.size());
  for (Index i = 0; i < out.size(); ++i)
    out[i] = weight_ * log_cdf((limit_ - p.mean(i, 0)) / std::sqrt(p.variance[i] + spread_ * spread_)).value;
  return out;
}

double Holds::at(const VectorXd& point, VectorXd& gradient) const {
  const auto p = posterior_.slope(point);
  const double v = p.variance + spread_ * spread_, s = std::sqrt(v), z = (limit_ - p.mean[0]) / s;
  const auto [value, slope] = log_cdf(z);
  gradient += weight_ * slope * (-p.dmean.col(0) / s - z / (2 * v) * p.dvariance);
  return weight_ * value;
}

Small::Small(Posterior posterior, double weight) : posterior_(std::move(posterior)), weight_(weight) {}

VectorXd Small::at(const Features& points) const { return -weight_ * posterior_.at(points).mean.col(0); }

double Small::at(const VectorXd& point, VectorXd& gradient) const {
  const auto p = posterior_.slope(point);
  gradient -= weight_ * p.dmean.col(0);
  return -weight_ * p.mean[0];
}

HypervolumeGrowth::HypervolumeGrowth(std::vector<Posterior> objectives, std::vector<Boxes> boxes)
    : objectives_(std::move(objectives)), boxes_(std::move(boxes)) {}

VectorXd HypervolumeGrowth::at(const Features& points) const {
  std::vector<Posterior::Prediction> p;
  for (const auto& o : objectives_) p.push_back(o.at(points));
  VectorXd out(points.size()), draws(static_cast<Index>(boxes_.size()));
  for (Index i = 0; i < out.size(); ++i) {
    for (std::size_t k = 0; k < boxes_.size(); ++k) {
      const auto& [lower, upper] = boxes_[k];
      VectorXd logs = VectorXd::Zero(static_cast<Index>(lower.size()));
      for (std::size_t b = 0; b < lower.size(); ++b)
        for (std::size_t j = 0; j < objectives_.size(); ++j)
          logs[static_cast<Index>(b)] += piece(lower[b][j], upper[b][j], p[j].mean(i, static_cast<Index>(k)), std::sqrt(p[j].variance[i])).value;
      draws[static_cast<Index>(k)] = log_sum(logs);
    }
    out[i] = log_sum(draws);
  }
  return out;
}

double HypervolumeGrowth::at(const VectorXd& point, VectorXd& gradient) const {
  const std::size_t m = objectives_.size();
  std::vector<Posterior::Slope> p;
  for (const auto& o : objectives_) p.push_back(o.slope(point));
  VectorXd draws(static_cast<Index>(boxes_.size())), shares;
  std::vector<VectorXd> gradients;
  for (std::size_t k = 0; k < boxes_.size(); ++k) {
    const auto& [lower, upper] = boxes_[k];
    const auto boxes = static_cast<Index>(lower.size());
    VectorXd logs = VectorXd::Zero(boxes), box_shares;
    MatrixXd by_mean(boxes, static_cast<Index>(m)), by_deviation(boxes, static_cast<Index>(m));
    for (Index b = 0; b < boxes; ++b)
      for (std::size_t j = 0; j < m; ++j) {
        const auto at = static_cast<std::size_t>(b);
        const Piece one = piece(lower[at][j], upper[at][j], p[j].mean[static_cast<Index>(k)], std::sqrt(p[j].variance));
        logs[b] += one.value;
        by_mean(b, static_cast<Index>(j)) = one.by_mean, by_deviation(b, static_cast<Index>(j)) = one.by_deviation;
      }
    draws[static_cast<Index>(k)] = log_sum(logs, &box_shares);
    VectorXd g = VectorXd::Zero(gradient.size());
    for (std::size_t j = 0; j < m; ++j) {
      const auto column = static_cast<Index>(j);
      g += box_shares.dot(by_mean.col(column)) * p[j].dmean.col(static_cast<Index>(k)) +
           box_shares.dot(by_deviation.col(column)) / (2 * std::sqrt(p[j].variance)) * p[j].dvariance;
    }
    gradients.push_back(std::move(g));
  }
  const double value = log_sum(draws, &shares);
  for (std::size_t k = 0; k < gradients.size(); ++k) gradient += shares[static_cast<Index>(k)] * gradients[k];
  return value;
}

VectorXd Acquisition::at(const MatrixXd& points) const {
  const Features f = kernel_->features(points);
  VectorXd sum = VectorXd::Zero(points.cols());
  for (const auto& term : terms_) sum += term->at(f);
  if (axes_)
    for (Index i = 0; i < sum.size(); ++i)
      for (std::size_t j = 0; j < axes_->size(); ++j)
        if (const double u = points(static_cast<Index>(j), i); !std::isnan(u)) sum[i] += exponent_ * axes_->log_prior(j, u);
  return sum;
}

double Acquisition::at(const VectorXd& point, VectorXd& gradient) const {
  gradient.setZero(point.size());
  double sum = 0;
  for (const auto& term : terms_) sum += term->at(point, gradient);
  if (!axes_) return sum;
  for (std::size_t j = 0; j < axes_->size(); ++j) {
    const auto at = static_cast<Index>(j);
    if (std::isnan(point[at])) continue;
    sum += exponent_ * axes_->log_prior(j, point[at]);
    if ((*axes_)[j].kind != Axis::Kind::categorical)
      gradient[at] += exponent_ * axes_->prior().of((*axes_)[j].dimension).slope(point[at]);
  }
  return sum;
}

}  // namespace tune::detail
