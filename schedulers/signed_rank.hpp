// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

namespace tune::detail {

/// One-sided Wilcoxon signed-rank test (F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1,
/// 1945): how probable differences like these, or more of them on the positive side, are if each were as likely to have the
/// other sign. Small: the differences tend to be above 0.
///
/// Zeros by Pratt: they take part in the ranking and then drop out (J. W. Pratt, "Remarks on zeros and ties in the Wilcoxon
/// signed rank procedures", JASA 54, 1959). Equal sizes share the mean of their ranks. Given the ranks, up to 25 differences
/// other than 0 are counted exactly, over all signs; beyond, the normal approximation with a correction for continuity,
/// whose variance is that of the ranks as they are, ties and zeros included. Infinite differences rank last; none may be NaN.
/// 1 if all are 0. O(n log n), and O(n^3) for the counting.
double signed_rank_p(const std::vector<double>& differences);

}  // namespace tune::detail
