// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tuner/prior.hpp"
#include "tuner/space.hpp"

namespace tune {

/// One direction in which a point can move. Dimensions of a single value are no axes.
struct Axis {
  enum class Kind : std::uint8_t {
    real,        ///< Any u in [0, 1].
    ordered,     ///< `levels` values with an order: integers, quantised numbers, ordinals.
    categorical  ///< `levels` values without one: choices and booleans.
  };
  Kind kind = Kind::real;
  std::int64_t levels = 0;    ///< 0 for real ones.
  std::size_t dimension = 0;  ///< Place in Space::dimensions().
  bool conditional = false;   ///< Can be inactive.
};

/// A configuration as models see it: one coordinate an axis. Numeric axes are in [0, 1], the quantile of the space's prior
/// (so a log scale is straight), an ordered one at the middle of its level's share; a categorical axis holds the number
/// of its value, from 0. Inactive axes rest at 0.5, or at 0 if categorical.
struct Point {
  std::vector<double> at;
  std::vector<std::uint8_t> active;  ///< By axis; 1 or 0.
  std::size_t size() const { return at.size(); }
  double operator[](std::size_t axis) const { return at[axis]; }
  double& operator[](std::size_t axis) { return at[axis]; }
  bool operator==(const Point&) const = default;
};

/// Between parameters and points. Immutable; the space outlives it. d axes.
class Axes {
 public:
  explicit Axes(const Space&);

  const Space& space() const { return *space_; }
  std::size_t size() const { return axes_.size(); }
  const Axis& operator[](std::size_t i) const { return axes_[i]; }
  auto begin() const { return axes_.begin(); }
  auto end() const { return axes_.end(); }
  const Dimension& dimension(std::size_t axis) const { return space_->dimensions()[axes_[axis].dimension]; }

  bool discrete() const { return discrete_; }        ///< No real axis.
  bool conditional() const { return conditional_; }  ///< Some axis can be inactive.
  bool numeric() const { return numeric_; }          ///< No categorical axis.

  /// nullopt if a value is not of its dimension (a trial of before the space was narrowed). O(d log d).
  std::optional<Point> encode(const Params&) const;
  /// Any coordinates are brought to the nearest that exist; NaN counts as 0. O(d log d).
  Params decode(const Point&) const;
  /// To where decode() and encode() would bring it: levels to their middles, activity set, inactive axes at rest. O(d), or
  /// O(d log d) where parameters are conditional.
  void snap(Point&) const;
  /// The space's constraints hold. Free where there are none.
  bool allows(const Point&) const;

  /// What a person expects (tuner/prior.hpp): log density of the point, 0 where nobody said anything.
  const Prior& prior() const { return prior_; }
  double log_prior(const Point&) const;
  /// Of one coordinate, where the axis is active.
  double log_prior(std::size_t axis, double at) const;

  /// The coordinate of an axis that is not real for u in [0, 1); of a real one u itself.
  double coordinate(std::size_t axis, double u) const;
  /// `by` levels up or down an ordered axis, stopping at its ends.
  double neighbour(std::size_t axis, double coordinate, int by) const;

 private:
  const Space* space_;
  Prior prior_;
  std::vector<Axis> axes_;
  std::vector<std::vector<double>> shares_;  // Of categorical axes: the middle of each value's share, by its number.
  bool discrete_ = true, conditional_ = false, numeric_ = true;
};

}  // namespace tune
