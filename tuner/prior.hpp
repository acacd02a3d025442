// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tuner/rng.hpp"
#include "tuner/space.hpp"

/// What a person believes about where good values lie, for samplers to heed. The belief is a density over the unit
/// interval of each parameter (the u of Dimension::at), next to what the space itself draws evenly: u uniform is "no
/// opinion", and a density of 3 at u says "three times as promising as average".
namespace tune {

/// The prior of one dimension; keeps nothing of it.
///
/// Numeric kinds: normal around the position of `at` with standard deviation `width`, cut to [0, 1]. Listed values:
/// constant over each value's share, which together has the mass of its weight. A part kFloor of the mass is spread
/// evenly, so that the density is never 0 and data can always win.
class DimensionPrior {
 public:
  static constexpr double kFloor = 1e-6;

  explicit DimensionPrior(const Dimension& dimension);
  /// The person said something about this dimension. Otherwise the density is 1 everywhere.
  bool given() const { return kind_ != Kind::none; }
  /// Natural logarithm of the density at u in [0, 1] with respect to u; it integrates to 1. At least ln(kFloor).
  /// O(1) for numeric kinds, O(values) for listed ones.
  double log_density(double u) const;
  /// Of the value with this number among the listed ones (false is 0, true 1). O(1).
  double log_density_of(std::size_t value) const;
  /// The derivative of log_density() by u; 0 for listed values. O(1).
  double slope(double u) const;
  /// A u in [0, 1) drawn from the density. Takes two numbers of the stream.
  double draw(Rng&) const;

 private:
  double normal_density(double u) const;

  enum class Kind : std::uint8_t { none, normal, listed } kind_ = Kind::none;
  double at_ = 0, width_ = 1, below_ = 0, mass_ = 1;  // Of the normal: share below 0, and within [0, 1].
  std::vector<double> ends_, density_;                // Of the listed: upper ends of shares, density within.
};

/// The prior of a whole space: the product over its dimensions.
class Prior {
 public:
  /// `space` outlives the prior.
  explicit Prior(const Space& space);
  bool given() const { return given_; }
  const DimensionPrior& of(std::size_t dimension) const { return dimensions_[dimension]; }
  /// Sum over the active dimensions, in the order of Space::dimensions(). O(d).
  double log_density(const Params&) const;
  /// One draw, conditions respected, constraints not looked at; dimensions without a prior are drawn evenly.
  Params draw(Rng&) const;

 private:
  const Space& space_;
  std::vector<DimensionPrior> dimensions_;
  bool given_ = false;
};

/// How much a prior still counts after n trials: the acquisition is multiplied by density^(beta / n), beta a tenth of the
/// budget (piBO: Hvarfner et al., "πBO: Augmenting acquisition functions with user beliefs for Bayesian optimization",
/// ICLR 2022, eq. 6 and section 4.1). Without a budget, as if 100 trials were allowed.
double prior_exponent(std::int64_t n, std::optional<std::int64_t> budget);
/// How often the next trial is drawn from the prior itself after n trials: 1 / (1 + n / 10).
double prior_draw_chance(std::int64_t n);

}  // namespace tune
