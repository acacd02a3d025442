// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "tuner/rng.hpp"

/// What the comparisons (`tune compare`, bench_regret) say with numbers. Pure: randomness comes in as an Rng, the same
/// input gives the same answer everywhere. NaN has no place here: callers leave out what was not measured.
namespace tune {

/// Of the middle two where the count is even; NaN of nothing. O(n).
double median(std::vector<double> values);
/// NaN of nothing.
double mean(std::span<const double> values);
/// exp of the mean logarithm; every value is positive. NaN of nothing.
double geometric_mean(std::span<const double> values);
/// Ranks from 1, smallest first; equal values share the mean of theirs. O(n log n).
std::vector<double> ranks(std::span<const double> values);

/// Wilcoxon's signed-rank test (Biometrics Bulletin 1, 1945) of the hypothesis that paired differences are symmetric
/// around zero.
struct SignedRank {
  double positive = 0, negative = 0;  ///< Sums of the ranks of positive and of negative differences.
  std::size_t pairs = 0;              ///< Differences that are not zero; the others are left out, as Wilcoxon did.
  double p = 1;                       ///< Two-sided; 1 where no pair is left.
};
/// Up to `exact_pairs` pairs the distribution is counted, for the ranks as they are, ties included: O(n^3) time, O(n^2)
/// memory. Beyond, the normal approximation with the variance corrected for ties, without continuity correction.
SignedRank signed_rank(std::span<const double> differences, std::size_t exact_pairs = 100);

/// The rank-sum test (Wilcoxon 1945; Mann and Whitney, Annals of Mathematical Statistics 18, 1947) of the hypothesis that
/// two independent sets of values come from one distribution.
struct RankSum {
  double first_less = 0.5;  ///< How often a value of the first is less than one of the second; ties count half.
  double p = 1;             ///< Two-sided; 1 if a set is empty.
};
/// Up to `exact_values` values in all the distribution over all ways to part them is counted, ties included: O(n^4)
/// time. Beyond, the normal approximation with the variance corrected for ties, without continuity correction.
RankSum rank_sum(std::span<const double> first, std::span<const double> second, std::size_t exact_values = 40);

/// Holm's step-down adjustment (Scandinavian Journal of Statistics 6, 1979) of the p values of one family of tests, in
/// their order: an adjusted value below alpha is significant at the family-wise level alpha.
std::vector<double> holm(std::span<const double> p);

struct Interval {
  double low = 0, high = 0;
};
using Statistic = std::function<double(std::span<const double>)>;
struct Bootstrap {
  int resamples = 2000;
  double level = 0.95;
};
/// Percentile interval (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13) of a statistic of
/// independent values. NaNs of nothing.
Interval bootstrap(std::span<const double> values, const Statistic&, Rng, Bootstrap = {});
/// The same of statistic(a) - statistic(b), for two independent sets of values.
Interval bootstrap_difference(std::span<const double> a, std::span<const double> b, const Statistic&, Rng, Bootstrap = {});

}  // namespace tune
