// SPDX-License-Identifier: Apache-2.0
#include "ui/api/pace_model.hpp"

#include <algorithm>
#include <cmath>

namespace tune {
namespace {

constexpr std::size_t kMostValues = 8;      // A choice among more is left out.
constexpr double kVague = 1e-4;             // Precision of the unknown mean, relative to the noise.
constexpr int kWarmUp = 50, kBetween = 5;   // Sweeps before the first draw and between two, where paces are drawn along.

double cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Standard normal, given that it is above `low`; where nearly nothing is above, by the exponential tail.
double normal_above(double low, Rng& rng) {
  const double u = std::max(rng.uniform(), 0x1.0p-53);
  const double below = cdf(low);
  if (below > 1 - 1e-12) return low - std::log(u) / std::max(low, 1.0);
  return normal_quantile(below + (1 - below) * u);
}

/// Lower factor of a positive definite matrix.
std::vector<std::vector<double>> cholesky(std::vector<std::vector<double>> a) {
  for (std::size_t j = 0; j < a.size(); ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(a[j][j]);
    for (std::size_t i = j + 1; i < a.size(); ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  return a;
}

void solve_lower(const std::vector<std::vector<double>>& l, std::vector<double>& b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l[i][k] * b[k];
    b[i] /= l[i][i];
  }
}

void solve_upper(const std::vector<std::vector<double>>& l, std::vector<double>& b) {
  for (std::size_t i = b.size(); i-- > 0;) {
    for (std::size_t k = i + 1; k < b.size(); ++k) b[i] -= l[k][i] * b[k];
    b[i] /= l[i][i];
  }
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

double gamma_draw(Rng& rng, double shape) {
  if (shape < 1) {
    const double u = std::max(rng.uniform(), 0x1.0p-53);
    return gamma_draw(rng, shape + 1) * std::pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(), root = 1 + c * x, u = std::max(rng.uniform(), 0x1.0p-53);
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

PaceModel::PaceModel(const Space& space, std::vector<Observation> observations, std::optional<double> mean, Rng rng)
    : observed_(mean ? std::vector<Observation>{} : std::move(observations)), mean_(mean), rng_(rng) {
  double places = 0;
  prior_.assign(1, kVague);
  for (const auto& d : space.dimensions()) {
    auto& spots = spots_.emplace_back();
    if (observed_.empty() || d.kind == Dimension::Kind::constant) continue;
    if (d.kind == Dimension::Kind::boolean) {
      spots = {d.position(Value{false}).value_or(0.25), d.position(Value{true}).value_or(0.75)};
    } else if (d.kind == Dimension::Kind::choice) {
      if (d.values.size() > kMostValues) continue;
      for (const auto& v : d.values) spots.push_back(d.position(v).value_or(-1));
    } else {
      spots = {0.5};
    }
    ++places;
  }
  for (const auto& spots : spots_) prior_.insert(prior_.end(), spots.size(), std::max(1.0, places));
  for (const auto& o : observed_) {
    x_.push_back(features(o.unit));
    y_.push_back(o.log_pace);
    bounds_ = bounds_ || o.at_least;
  }
  std::vector<double> known;
  for (const auto& o : observed_)
    if (!o.at_least) known.push_back(o.log_pace);
  for (const double y : known) centre_ += y / static_cast<double>(known.size());
  auto precision = std::vector(prior_.size(), std::vector<double>(prior_.size()));
  for (std::size_t i = 0; i < prior_.size(); ++i) precision[i][i] = prior_[i];
  for (const auto& x : x_)
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j <= i; ++j) precision[i][j] += x[i] * x[j];
  root_ = cholesky(std::move(precision));
  now_.noise = kNoise;
  sweep();
  for (int i = 0; bounds_ && i < kWarmUp; ++i) sweep();
}

// A number has mean 0 and variance 1 over the cube; a choice has an indicator for each value.
std::vector<double> PaceModel::features(const std::vector<double>& unit) const {
  std::vector<double> x{1};
  for (std::size_t d = 0; d < spots_.size(); ++d) {
    const auto& spots = spots_[d];
    if (spots.size() == 1) x.push_back(std::isnan(unit[d]) ? 0 : (unit[d] - 0.5) * std::sqrt(12.0));
    for (std::size_t v = 0; spots.size() > 1 && v < spots.size(); ++v) x.push_back(unit[d] == spots[v] ? 1 : 0);
  }
  return x;
}

// Noise and weights given all paces; then the paces that only have a bound, given noise and weights.
void PaceModel::sweep() {
  if (mean_) {  // Nothing was measured; the mean of a log-normal is e^(noise^2 / 2) above its median.
    now_.noise = kNoise * std::sqrt(kWeight / 2 / gamma_draw(rng_, kWeight / 2));
    now_.weights = {std::log(*mean_) - now_.noise * now_.noise / 2};
    return;
  }
  std::vector<double> right(prior_.size());
  double squares = 0;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    const double y = y_[i] - centre_;
    squares += y * y;
    for (std::size_t j = 0; j < right.size(); ++j) right[j] += x_[i][j] * y;
  }
  auto half = right;
  solve_lower(root_, half);
  const double left = std::max(0.0, squares - dot(half, half));
  const double shape = (kWeight + static_cast<double>(x_.size())) / 2;
  now_.noise = std::sqrt((kWeight * kNoise * kNoise + left) / 2 / gamma_draw(rng_, shape));
  for (double& h : half) h += now_.noise * rng_.normal();
  solve_upper(root_, half);
  now_.weights = std::move(half);
  now_.weights[0] += centre_;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (!observed_[i].at_least) continue;
    const double expected = dot(x_[i], now_.weights);
    y_[i] = expected + now_.noise * normal_above((observed_[i].log_pace - expected) / now_.noise, rng_);
  }
}

PaceModel::Draw PaceModel::draw() {
  for (int i = 0; i < (bounds_ ? kBetween : 1); ++i) sweep();
  auto out = now_;
  out.log_paces = y_;
  return out;
}

double PaceModel::log_pace(const Draw& draw, const std::vector<double>& unit, double z) const {
  return dot(features(unit), draw.weights) + draw.noise * z;
}

}  // namespace tune
