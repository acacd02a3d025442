// SPDX-License-Identifier: Apache-2.0
#include "tuner/prior.hpp"

#include <algorithm>
#include <cmath>

namespace tune {
namespace {

double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

constexpr double kAlmostOne = 1 - 0x1.0p-53;

double floored(double density) { return std::log((1 - DimensionPrior::kFloor) * density + DimensionPrior::kFloor); }

}  // namespace

DimensionPrior::DimensionPrior(const Dimension& d) {
  if (!d.prior) return;
  if (d.prior->weights.empty()) {
    kind_ = Kind::normal;
    at_ = d.nearest_position(d.prior->at), width_ = d.prior->width;
    // `at_` lies within the range, so neither tail is far away and the difference loses nothing.
    below_ = phi(-at_ / width_), mass_ = phi((1 - at_) / width_) - below_;
    return;
  }
  kind_ = Kind::listed;
  const std::size_t n = d.prior->weights.size();
  std::vector<double> shares = d.weights.empty() ? std::vector<double>(n, 1.0) : d.weights;
  double all_shares = 0, all_weights = 0;
  for (std::size_t i = 0; i < n; ++i) {
    all_shares += shares[i];
    all_weights += shares[i] > 0 ? d.prior->weights[i] : 0;  // What is never drawn has no place for its mass.
  }
  double end = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = shares[i] / all_shares;
    ends_.push_back(end += share);
    density_.push_back(share > 0 && all_weights > 0 ? d.prior->weights[i] / all_weights / share : 1.0);
  }
}

double DimensionPrior::normal_density(double u) const {
  constexpr double kRootTwoPi = 2.5066282746310002;
  const double z = (u - at_) / width_;
  return std::exp(-0.5 * z * z) / (kRootTwoPi * width_ * mass_);
}

double DimensionPrior::log_density(double u) const {
  if (kind_ == Kind::none) return 0;
  if (kind_ == Kind::normal) return floored(normal_density(u));
  const auto i = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), u) - ends_.begin());
  return floored(density_[std::min(i, density_.size() - 1)]);
}

double DimensionPrior::slope(double u) const {
  if (kind_ != Kind::normal) return 0;
  const double density = (1 - kFloor) * normal_density(u);
  return (at_ - u) / (width_ * width_) * density / (density + kFloor);
}

double DimensionPrior::log_density_of(std::size_t value) const {
  return kind_ == Kind::listed ? floored(density_[value]) : 0;
}

double DimensionPrior::draw(Rng& rng) const {
  const double which = rng.uniform(), v = rng.uniform();
  if (kind_ == Kind::none || which < kFloor) return v;
  if (kind_ == Kind::normal) {
    const double p = below_ + v * mass_;
    return std::clamp(at_ + width_ * normal_quantile(std::clamp(p, 0x1.0p-1000, kAlmostOne)), 0.0, kAlmostOne);
  }
  double below = 0, begin = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < ends_.size(); begin = ends_[i++]) {
    const double share = ends_[i] - begin, mass = share * density_[i];
    if (mass > 0) last = i;
    if (v >= below + mass) {
      below += mass;
      continue;
    }
    return std::clamp(begin + (v - below) / density_[i], begin, std::min(ends_[i], kAlmostOne));
  }
  return std::min((last > 0 ? ends_[last - 1] : 0.0) / 2 + ends_[last] / 2, kAlmostOne);  // Rounding of the sum.
}

Prior::Prior(const Space& space) : space_(space) {
  for (const auto& d : space.dimensions()) {
    dimensions_.emplace_back(d);
    given_ = given_ || dimensions_.back().given();
  }
}

double Prior::log_density(const Params& params) const {
  if (!given_) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    if (!dimensions_[i].given()) continue;
    const auto& d = space_.dimensions()[i];
    const Value* value = params.find(d.name);
    const auto u = value ? d.position(*value) : std::nullopt;
    if (u) sum += dimensions_[i].log_density(*u);
  }
  return sum;
}

Params Prior::draw(Rng& rng) const {
  std::vector<double> unit;
  for (const auto& d : dimensions_) unit.push_back(d.draw(rng));
  return space_.decode(unit);
}

double prior_exponent(std::int64_t n, std::optional<std::int64_t> budget) {
  constexpr double kUsualBudget = 100;
  return (budget ? static_cast<double>(*budget) : kUsualBudget) / 10 / static_cast<double>(std::max<std::int64_t>(n, 1));
}

double prior_draw_chance(std::int64_t n) { return 1 / (1 + static_cast<double>(n) / 10); }

}  // namespace tune
