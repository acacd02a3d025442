// SPDX-License-Identifier: Apache-2.0
#include "schedulers/signed_rank.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tune::detail {
namespace {

constexpr std::size_t kMostExact = 25;

// How many of the 2^n choices of signs give the negative side a rank sum of at most `sum`, as a share. Ranks are doubled, so
// that shared ones are whole.
double exact(const std::vector<std::int64_t>& ranks, std::int64_t sum) {
  std::vector<double> ways(static_cast<std::size_t>(sum) + 1);
  ways[0] = 1;
  for (const auto rank : ranks)
    for (std::int64_t s = sum; s >= rank; --s) ways[static_cast<std::size_t>(s)] += ways[static_cast<std::size_t>(s - rank)];
  double all = 0;
  for (const double w : ways) all += w;
  return std::ldexp(all, -static_cast<int>(ranks.size()));
}

}  // namespace

double signed_rank_p(const std::vector<double>& differences) {
  std::vector<double> sorted = differences;
  std::sort(sorted.begin(), sorted.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); });
  std::vector<std::int64_t> ranks;  // Doubled, of those that are not 0.
  std::int64_t negative = 0, total = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end < sorted.size() && std::fabs(sorted[end]) == std::fabs(sorted[i])) ++end;
    const auto rank = static_cast<std::int64_t>(i + 1 + end);  // Twice the mean of i + 1 … end.
    for (; i < end; ++i) {
      if (sorted[i] == 0) continue;
      ranks.push_back(rank);
      total += rank;
      if (sorted[i] < 0) negative += rank;
    }
  }
  if (ranks.empty()) return 1;
  if (ranks.size() <= kMostExact) return exact(ranks, negative);
  double variance = 0;
  for (const auto rank : ranks) variance += 0.25 * static_cast<double>(rank) * static_cast<double>(rank);
  // Doubled sums lie 2 apart: half of that, and one more half step, belongs to this value.
  const double z = (static_cast<double>(negative) + 1 - 0.5 * static_cast<double>(total)) / std::sqrt(variance);
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

}  // namespace tune::detail
