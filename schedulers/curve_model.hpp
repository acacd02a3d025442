// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tune::detail {

/// What a trial reported: a step and a score, smaller is better, finite.
struct CurvePoint {
  std::int64_t step = 0;
  double score = 0;
};

/// Where learning curves go. A curve is end + drop h(step) + noise: h is one of a few shapes, which fall from 1 at step 1 to
/// 0 at the horizon R, so that `end` is the score at R and `drop` what is gained on the way. The shapes come from four
/// families, with their one parameter on a grid:
///
///   pow3   t^-a                   (the names are those of Domhan, Springenberg, Hutter, "Speeding up automatic
///   exp3   exp(-t / (c R))         hyperparameter optimization of deep neural networks by extrapolation of learning
///   ilog2  1 / log(t + 1)          curves", IJCAI 2015)
///   hill   1 / (1 + (t / (c R))^3)  which stays flat and falls late
///
/// With a normal prior on end and drop and the noise's size on a grid as well, the posterior of the score at R is a mixture of
/// normals in closed form: nothing is sampled. Where the priors lie, and how likely each shape and each size of noise is,
/// is learned from the trials that went to R: medians, quartiles and counts (empirical Bayes). So is how far to trust the
/// model, whose shapes may all be wrong: each of these trials is predicted from its first tenth, fifth, … as well, and
/// the mean square of the errors widens the predictions that are made as early.
///
/// Pure: the same trials in the same order give the same answer.
class CurveModel {
 public:
  static constexpr std::size_t kShapes = 17, kNoises = 6, kChecks = 4, kAhead = 8;
  /// Points of a trial that are kept (CurvePoints): a fit takes so many times kShapes evaluations of h.
  static constexpr std::size_t kPoints = 24;

  /// At least 2.
  explicit CurveModel(std::int64_t horizon);

  /// A trial's whole curve, to its end at the horizon. O(n) in the trials so far, O(points).
  void learn(std::span<const CurvePoint>, double end);
  std::int64_t learned() const { return static_cast<std::int64_t>(ends_.size()); }
  /// The best score at the horizon, of those learned. Once there is one.
  double best() const { return ends_.front(); }

  struct Prediction {
    double mean = 0, deviation = 0;  ///< Of the score that will be reported at the horizon.
    double chance = 0;               ///< That it is below the mark.
  };
  /// O(points). Some trial has been learned, and there are points. Where none of those learned has gained anything and all ended
  /// alike, there is nothing to go by, and the prediction is NaN.
  Prediction predict(std::span<const CurvePoint>, double mark) const;

  /// What is expected at kAhead steps, evenly from the horizon's kAhead-th part on, roughly: as one normal for each.
  class Outlook {
   public:
    /// Chance that the score is below the mark at the step, a share of the horizon. Without any points: 0.
    double chance(double share, double mark) const;

   private:
    friend class CurveModel;
    std::array<double, kAhead> mean_{}, deviation_{};  // A deviation of 0: nothing is known.
  };
  /// As predict, and O(kAhead).
  Outlook outlook(std::span<const CurvePoint>) const;
  /// What curves typically gain, in units of the score: by how much an improvement can be counted.
  double scale() const { return prior().scale; }

 private:
  /// One normal of the mixture: of end and drop.
  struct Part {
    double weight = 0, end = 0, drop = 0;
    double end_variance = 0, covariance = 0, drop_variance = 0, noise = 0;
    double mean(double h) const { return end + drop * h; }
    double variance(double h) const { return end_variance + h * (2 * covariance + h * drop_variance) + noise; }
  };
  using Parts = std::array<Part, kShapes * kNoises>;
  struct Prior {
    double end = 0, drop = 0, deviation = 0;  ///< Of both.
    double scale = 0;
  };
  Prior prior() const;
  Parts fit(std::span<const CurvePoint>) const;
  using Heights = std::array<double, kShapes>;
  Heights fall(double step) const;
  void check(std::span<const CurvePoint>, double end);
  double mistrust(double step) const;

  double horizon_;
  Heights foot_, span_;  // Of each shape: g at the horizon, and what it falls by from step 1 on.
  struct Errors {
    double squares = 0;
    std::int64_t count = 0;
  };
  std::vector<double> ends_, drops_;     // Sorted.
  std::array<Errors, kChecks> errors_{};  // By how early the prediction was made.
  std::array<double, kShapes> shapes_{};
  std::array<double, kNoises> noises_{};
};

/// A trial's curve with a bounded number of points, about evenly spaced in the square root of the step, first and newest
/// included: early reports say more about the shape than late ones. add: O(kPoints).
class CurvePoints {
 public:
  void add(CurvePoint);
  std::span<const CurvePoint> all() const { return points_; }
  std::int64_t count() const { return count_; }  ///< Of all that were added.

 private:
  std::vector<CurvePoint> points_;
  std::int64_t count_ = 0;
};

}  // namespace tune::detail
