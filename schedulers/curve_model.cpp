// SPDX-License-Identifier: Apache-2.0
#include "schedulers/curve_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tune::detail {
namespace {

struct Shape {
  enum class Family : std::uint8_t { pow3, exp3, ilog2, hill } family;
  double parameter;
};
using Family = Shape::Family;
constexpr Shape kGrid[CurveModel::kShapes] = {{Family::pow3, 0.15}, {Family::pow3, 0.3},  {Family::pow3, 0.5},  {Family::pow3, 0.8},
                                              {Family::pow3, 1.2},  {Family::pow3, 2},    {Family::exp3, 0.03}, {Family::exp3, 0.06},
                                              {Family::exp3, 0.12}, {Family::exp3, 0.25}, {Family::exp3, 0.5},  {Family::exp3, 1},
                                              {Family::ilog2, 0},   {Family::hill, 0.1},  {Family::hill, 0.25}, {Family::hill, 0.5},
                                              {Family::hill, 0.8}};
// In units of what a curve typically gains.
constexpr double kNoise[CurveModel::kNoises] = {0.003, 0.01, 0.03, 0.1, 0.3, 1};
constexpr double kFar = 50;    // Scores further from what is expected count as that far, in the same units.
constexpr double kWide = 2;    // Priors are so many times as wide as what was seen: what comes may be different.

// Shares of the horizon from which finished trials are predicted, to see how well it goes; and the error to reckon with, in
// units of the scale, while few have been.
constexpr double kCheckAt[CurveModel::kChecks] = {0.1, 0.2, 0.4, 0.7};
constexpr double kFirstError = 0.1;

constexpr double kNegligible = 1e-9;

double quartile(const std::vector<double>& sorted, int q) {
  return sorted[(sorted.size() - 1) * static_cast<std::size_t>(q) / 4];
}

double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

CurveModel::CurveModel(std::int64_t horizon) : horizon_(static_cast<double>(horizon)) {
  const Heights head = fall(1);
  foot_ = fall(horizon_);
  for (std::size_t k = 0; k < kShapes; ++k) span_[k] = head[k] - foot_[k];
}

// g of every shape.
CurveModel::Heights CurveModel::fall(double step) const {
  const double log_step = std::log(step), share = step / horizon_;
  Heights out;
  for (std::size_t k = 0; k < kShapes; ++k) {
    const auto [family, parameter] = kGrid[k];
    const double x = share / parameter;
    switch (family) {
      case Family::pow3:
        out[k] = std::exp(-parameter * log_step);
        break;
      case Family::exp3:
        out[k] = std::exp(-x);
        break;
      case Family::ilog2:
        out[k] = 1 / std::log(step + 1);
        break;
      case Family::hill:
        out[k] = 1 / (1 + x * x * x);
        break;
    }
  }
  return out;
}

CurveModel::Prior CurveModel::prior() const {
  Prior p;
  p.end = quartile(ends_, 2);
  p.drop = quartile(drops_, 2);
  const double end_spread = quartile(ends_, 3) - quartile(ends_, 1), drop_spread = quartile(drops_, 3) - quartile(drops_, 1);
  p.scale = std::max({std::fabs(p.drop), drop_spread, end_spread});
  p.deviation = kWide * p.scale;
  return p;
}

CurveModel::Parts CurveModel::fit(std::span<const CurvePoint> points) const {
  const Prior p = prior();
  // Sums over the points of h and of z, what the score differs from the prior's means.
  struct Sums {
    double h = 0, hh = 0, z = 0, zz = 0, hz = 0;
  };
  std::array<Sums, kShapes> sums{};
  for (const auto& [step, score] : points) {
    const Heights g = fall(std::max<double>(1, static_cast<double>(step)));
    for (std::size_t k = 0; k < kShapes; ++k) {
      const double h = (g[k] - foot_[k]) / span_[k];
      const double z = std::clamp(score - p.end - p.drop * h, -kFar * p.scale, kFar * p.scale);
      Sums& s = sums[k];
      s.h += h, s.hh += h * h, s.z += z, s.zz += z * z, s.hz += h * z;
    }
  }
  const double n = static_cast<double>(points.size());
  const double certain = 1 / (p.deviation * p.deviation);  // The precision that end and drop begin with.
  Parts parts;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < kNoises; ++j) {
    const double sigma = kNoise[j] * p.scale, precision = 1 / (sigma * sigma);
    const double noise_prior = std::log(1 + noises_[j]) - n * std::log(sigma);
    for (std::size_t k = 0; k < kShapes; ++k) {
      // Posterior of what end and drop differ from their prior means: precision matrix (a b; b c), right-hand side (u, v).
      const Sums& s = sums[k];
      const double a = certain + precision * n, b = precision * s.h, c = certain + precision * s.hh;
      const double u = precision * s.z, v = precision * s.hz, det = a * c - b * b;
      const double end = (c * u - b * v) / det, drop = (a * v - b * u) / det;
      const double evidence = noise_prior + std::log((1 + shapes_[k]) / std::sqrt(det)) - 0.5 * (precision * s.zz - u * end - v * drop);
      parts[k * kNoises + j] = {evidence, p.end + end, p.drop + drop, c / det, -b / det, a / det, sigma * sigma};
      most = std::max(most, evidence);
    }
  }
  double sum = 0;
  for (Part& part : parts) sum += part.weight = std::exp(part.weight - most);
  for (Part& part : parts) part.weight /= sum;
  return parts;
}

CurveModel::Prediction CurveModel::predict(std::span<const CurvePoint> points, double mark) const {
  const Parts parts = fit(points);
  const double more = mistrust(static_cast<double>(points.back().step));
  Prediction out;
  double square = more;
  for (const Part& part : parts) {
    out.mean += part.weight * part.end;
    if (part.weight > kNegligible || std::isnan(part.weight))
      out.chance += part.weight * normal_below((mark - part.end) / std::sqrt(part.variance(0) + more));
  }
  for (const Part& part : parts) square += part.weight * (part.variance(0) + (part.end - out.mean) * (part.end - out.mean));
  out.deviation = std::sqrt(square);
  return out;
}

CurveModel::Outlook CurveModel::outlook(std::span<const CurvePoint> points) const {
  Outlook out;
  if (points.empty()) return out;
  const Parts parts = fit(points);
  const double now = static_cast<double>(points.back().step), more = mistrust(now);
  for (std::size_t i = 0; i < kAhead; ++i) {
    const double step = horizon_ * static_cast<double>(i + 1) / kAhead;
    const Heights g = fall(std::max(1.0, step));
    double mean = 0, square = 0;
    for (std::size_t k = 0; k < kShapes; ++k)
      for (std::size_t j = 0; j < kNoises; ++j) {
        const Part& part = parts[k * kNoises + j];
        const double h = (g[k] - foot_[k]) / span_[k], m = part.mean(h);
        mean += part.weight * m;
        square += part.weight * (part.variance(h) + m * m);
      }
    // The model's errors were seen at the horizon; nearer ones are as much smaller.
    const double far = now < horizon_ ? std::clamp((step - now) / (horizon_ - now), 0.0, 1.0) : 0;
    out.mean_[i] = mean;
    out.deviation_[i] = std::sqrt(std::max(0.0, square - mean * mean) + far * more);
  }
  return out;
}

double CurveModel::Outlook::chance(double share, double mark) const {
  const auto i = static_cast<std::size_t>(std::clamp(std::ceil(share * kAhead) - 1, 0.0, kAhead - 1.0));
  return deviation_[i] > 0 ? normal_below((mark - mean_[i]) / deviation_[i]) : 0;
}

// Of predictions made as early or earlier, but before the first check as at it. One less than the count, as in a sample's variance.
double CurveModel::mistrust(double step) const {
  std::size_t i = 0;
  while (i + 1 < kChecks && step >= kCheckAt[i + 1] * horizon_) ++i;
  const double first = kFirstError * prior().scale;
  return (errors_[i].squares + first * first) / static_cast<double>(std::max<std::int64_t>(1, errors_[i].count - 1));
}

void CurveModel::check(std::span<const CurvePoint> points, double end) {
  const double far = kFar * prior().scale;
  for (std::size_t i = 0; i < kChecks; ++i) {
    std::size_t n = 0;
    while (n < points.size() && static_cast<double>(points[n].step) <= kCheckAt[i] * horizon_) ++n;
    if (n == 0) continue;
    double mean = 0;
    for (const Part& part : fit(points.first(n))) mean += part.weight * part.end;
    if (!std::isfinite(mean)) continue;
    const double error = std::clamp(mean - end, -far, far);
    errors_[i].squares += error * error;
    ++errors_[i].count;
  }
}

void CurveModel::learn(std::span<const CurvePoint> points, double end) {
  if (learned() > 0) check(points, end);
  const double drop = points.empty() ? 0 : points.front().score - end;
  ends_.insert(std::upper_bound(ends_.begin(), ends_.end(), end), end);
  drops_.insert(std::upper_bound(drops_.begin(), drops_.end(), drop), drop);
  if (points.empty()) return;
  const Parts parts = fit(points);
  for (std::size_t k = 0; k < kShapes; ++k)
    for (std::size_t j = 0; j < kNoises; ++j) {
      const double weight = parts[k * kNoises + j].weight;
      if (!std::isfinite(weight)) return;  // All of them: the scale is 0, or too large to be squared.
      shapes_[k] += weight, noises_[j] += weight;
    }
}

void CurvePoints::add(CurvePoint p) {
  ++count_;
  points_.push_back(p);
  if (points_.size() <= CurveModel::kPoints) return;
  const auto gap = [&](std::size_t i) {
    return std::sqrt(static_cast<double>(points_[i + 1].step)) - std::sqrt(static_cast<double>(points_[i - 1].step));
  };
  std::size_t least = 1;
  for (std::size_t i = 2; i + 1 < points_.size(); ++i)
    if (gap(i) < gap(least)) least = i;
  points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(least));
}

}  // namespace tune::detail
