// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "tuner/rng.hpp"

namespace tune::detail {

/// One coordinate as a Parzen estimator sees it. Numeric ones are in [0, 1], where the prior is uniform.
struct ParzenAxis {
  std::size_t categories = 0;  ///< 0: numeric. Otherwise coordinates are 0, 1, ... categories - 1.
  /// Numeric and discrete: the edges of the values' bins, from 0 to 1, strictly rising; a value stands anywhere in its
  /// bin, always at the same place. Empty: continuous.
  std::vector<float> edges;
  /// Some points do not have this coordinate.
  bool conditional = false;
};

/// How narrow a kernel may become among m kernels (the prior counted): max(least, (1 + m)^-power) of the axis, and on a
/// discrete axis not below `bins` of its bins, for what reaches no other value searches nothing.
struct NarrowestKernel {
  double least = 0.01;
  int power = 1;
  double bins = 0;
  double operator()(const ParzenAxis&, std::size_t kernels) const;
};

/// A coordinate that a point does not have.
inline constexpr float kNoCoordinate = std::numeric_limits<float>::quiet_NaN();

/// The observations that kernels are put on, by axis. `order` may be left empty: it is then sorted out.
struct ParzenPoints {
  std::vector<std::vector<float>> columns;         ///< By axis: one coordinate per observation, or kNoCoordinate.
  std::vector<std::vector<std::uint32_t>> order;   ///< By axis: the observations that have it, coordinates rising.
  std::vector<double> weights;                     ///< By observation, positive.
  double prior_weight = 1;                         ///< On the same scale.
};

/// A mixture of product kernels, one on each observation and a wide one in the middle (the prior): the density that the
/// tree-structured Parzen estimator compares two of. Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NIPS
/// 2011); the joint form is of Falkner et al., "BOHB" (ICML 2018). Along a numeric axis a kernel is a normal distribution
/// truncated to [0, 1]; its width is the larger of the distances to the two neighbours among the observations, the ends of
/// the axis counting only for a lone one, and never below `narrowest`. On a discrete axis a value has the mass of its bin. A
/// categorical kernel gives its own category 1 + a and all others a = 1 / kernels, normalised. A kernel on a point that
/// lacks a coordinate says nothing about it: it has the prior's density there, so that points of different shape are in one
/// mixture, and the branches of a conditional space borrow from one another what they share.
///
/// In single precision; log densities are good to about 1e-5. Immutable. Cost with k kernels on d axes: building O(k d)
/// beyond sorting; score O(k d) a point, about 0.4 ns for each kernel and axis.
class Parzen {
 public:
  /// `axes` outlives this. All columns have the same length, which may be 0.
  Parzen(std::span<const ParzenAxis> axes, ParzenPoints, NarrowestKernel);

  std::size_t kernels() const { return kernels_; }
  /// One point: a kernel by its weight, then each coordinate from it. Coordinates the kernel's point lacks come from another
  /// kernel's. Discrete coordinates are not rounded to their values.
  void draw(Rng&, std::span<float> point) const;
  /// Natural log densities of `count` points that stand one after another (axes() numbers each); a missing coordinate of a
  /// conditional axis adds nothing. On discrete axes the mass of the bin, on continuous ones the density.
  std::vector<float> score(std::span<const float> points, std::size_t count) const;

 private:
  struct Column {
    std::vector<float> middle, inverse;   // Numeric: by kernel; inverse of the width, 0 where it says nothing.
    std::vector<float> scale;             // Conditional: what is added to the logarithm where a point has the coordinate.
    std::vector<float> category;          // Categorical: by kernel; -1 where it says nothing.
    float hit = 0, miss = 0, none = 0;    // Categorical: ln of the three probabilities.
    // Binned: kernels of one place and width are computed once.
    std::vector<float> class_middle, class_inverse;
    std::vector<std::uint32_t> class_of;  // By kernel.
  };

  void take_scale_in();
  void shape_numeric(std::size_t axis, std::vector<float> at, const std::vector<std::uint32_t>& order,
                     double narrowest);
  void shape_classes(Column&, const std::vector<std::uint32_t>& order) const;
  void shape_categorical(std::size_t axis, const std::vector<float>& at);
  std::size_t pick(Rng&) const;
  float draw_numeric(Rng&, float middle, float inverse) const;
  float draw_category(Rng&, const Column&, std::size_t kernel, std::size_t categories) const;
  void add_continuous(std::span<const float> point, float* scores) const;
  void bin_scores(std::size_t axis, float at, float* scores) const;
  void category_scores(std::size_t axis, float at, float* scores) const;

  std::span<const ParzenAxis> axes_;
  std::size_t kernels_ = 0, padded_ = 0;  // The last kernel is the prior.
  std::vector<double> cumulated_;         // Weights summed up to and with each kernel.
  std::vector<float> base_;               // ln weight, less ln of what scales kernels on the axes that every point has.
  std::vector<float> scale_;              // While shaping: of the axes not yet in base_.
  std::vector<Column> columns_;
  std::vector<bool> binned_;              // Discrete, and bins wide enough beside the kernels to matter.
};

}  // namespace tune::detail
