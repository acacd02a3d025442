// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace tune {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<std::size_t> order_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  return order;
}

// P(the sum of the positive ranks is at most `sum`) when every sign is a fair coin. Ranks may be halves, so that
// everything is counted in twice the rank.
double signed_rank_cdf(std::span<const double> ranks, double sum) {
  const auto twice = [](double rank) { return static_cast<std::size_t>(std::lround(2 * rank)); };
  std::vector<double> share(ranks.size() * (ranks.size() + 1) + 1, 0.0);
  share[0] = 1;
  std::size_t most = 0;
  for (const double rank : ranks) {
    const std::size_t r = twice(rank);
    most += r;
    for (std::size_t s = most + 1; s-- > 0;) share[s] = 0.5 * (share[s] + (s >= r ? share[s - r] : 0));
  }
  return std::accumulate(share.begin(), share.begin() + static_cast<std::ptrdiff_t>(twice(sum)) + 1, 0.0);
}

// Two-sided. The variance of the sum is a quarter of the sum of squared ranks, ties or not.
double signed_rank_normal(std::span<const double> ranks, double sum) {
  const auto n = static_cast<double>(ranks.size());
  double variance = 0;
  for (const double r : ranks) variance += r * r / 4;
  const double z = std::fabs(sum - n * (n + 1) / 4) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

// P(a set of `size` of these ranks, chosen blindly, sums to at most `sum`), and to at least.
std::pair<double, double> rank_sum_tails(std::span<const double> ranks, std::size_t size, double sum) {
  const auto twice = [](double rank) { return static_cast<std::size_t>(std::lround(2 * rank)); };
  const std::size_t most = ranks.size() * (ranks.size() + 1);
  std::vector<std::vector<double>> ways(size + 1, std::vector<double>(most + 1, 0.0));
  ways[0][0] = 1;
  for (const double rank : ranks)
    for (std::size_t k = size; k > 0; --k)
      for (std::size_t s = twice(rank); s <= most; ++s) ways[k][s] += ways[k - 1][s - twice(rank)];
  double all = 0, low = 0, high = 0;
  for (std::size_t s = 0; s <= most; ++s) {
    all += ways[size][s];
    if (s <= twice(sum)) low += ways[size][s];
    if (s >= twice(sum)) high += ways[size][s];
  }
  return {low / all, high / all};
}

double rank_sum_normal(std::span<const double> ranks, double size, double sum) {
  const auto n = static_cast<double>(ranks.size());
  double squares = 0;
  for (const double r : ranks) squares += (r - (n + 1) / 2) * (r - (n + 1) / 2);
  const double variance = size * (n - size) / (n * (n - 1)) * squares;
  if (!(variance > 0)) return 1;
  return std::erfc(std::fabs(sum - size * (n + 1) / 2) / std::sqrt(variance) / std::sqrt(2.0));
}

void resample(std::span<const double> values, Rng& rng, std::vector<double>& out) {
  out.resize(values.size());
  for (double& v : out) v = values[rng.below(values.size())];
}

// Linear between order statistics, as NumPy's default.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

template <class Draw>
Interval percentiles(const Bootstrap& how, Draw&& draw) {
  std::vector<double> drawn(static_cast<std::size_t>(how.resamples));
  for (double& v : drawn) v = draw();
  std::sort(drawn.begin(), drawn.end());
  const double tail = (1 - how.level) / 2;
  return {quantile(drawn, tail), quantile(drawn, 1 - tail)};
}

}  // namespace

double median(std::vector<double> v) {
  if (v.empty()) return kNan;
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  if (v.size() % 2) return *middle;
  const double below = *std::max_element(v.begin(), middle);
  return below == *middle ? below : below + (*middle - below) / 2;  // Infinities stay what they are.
}

double mean(std::span<const double> v) {
  return v.empty() ? kNan : std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

double geometric_mean(std::span<const double> v) {
  double sum = 0;
  for (const double x : v) sum += std::log(x);
  return v.empty() ? kNan : std::exp(sum / static_cast<double>(v.size()));
}

std::vector<double> ranks(std::span<const double> values) {
  const auto order = order_of(values);
  std::vector<double> out(values.size());
  for (std::size_t i = 0, end = 0; i < order.size(); i = end) {
    for (end = i; end < order.size() && values[order[end]] == values[order[i]];) ++end;
    for (std::size_t k = i; k < end; ++k) out[order[k]] = static_cast<double>(i + 1 + end) / 2;
  }
  return out;
}

SignedRank signed_rank(std::span<const double> differences, std::size_t exact_pairs) {
  std::vector<double> kept, sizes;
  for (const double d : differences)
    if (d != 0) kept.push_back(d), sizes.push_back(std::fabs(d));
  SignedRank out;
  out.pairs = kept.size();
  if (kept.empty()) return out;
  const auto rank = ranks(sizes);
  for (std::size_t i = 0; i < kept.size(); ++i) (kept[i] > 0 ? out.positive : out.negative) += rank[i];
  const double smaller = std::min(out.positive, out.negative);
  out.p = kept.size() <= exact_pairs ? std::min(1.0, 2 * signed_rank_cdf(rank, smaller))
                                     : signed_rank_normal(rank, smaller);
  return out;
}

RankSum rank_sum(std::span<const double> first, std::span<const double> second, std::size_t exact_values) {
  RankSum out;
  if (first.empty() || second.empty()) return out;
  std::vector<double> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  const auto rank = ranks(all);
  const auto m = static_cast<double>(first.size()), k = static_cast<double>(second.size());
  const double sum = std::accumulate(rank.begin(), rank.begin() + static_cast<std::ptrdiff_t>(first.size()), 0.0);
  out.first_less = 1 - (sum - m * (m + 1) / 2) / (m * k);
  if (all.size() > exact_values) {
    out.p = rank_sum_normal(rank, m, sum);
  } else {
    const auto [low, high] = rank_sum_tails(rank, first.size(), sum);
    out.p = std::min(1.0, 2 * std::min(low, high));
  }
  return out;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<double> adjusted(p.size());
  double most = 0;
  std::size_t left = p.size();
  for (const std::size_t i : order_of(p)) {
    most = std::max(most, std::min(1.0, p[i] * static_cast<double>(left--)));
    adjusted[i] = most;
  }
  return adjusted;
}

Interval bootstrap(std::span<const double> values, const Statistic& statistic, Rng rng, Bootstrap how) {
  if (values.empty()) return {kNan, kNan};
  std::vector<double> drawn;
  return percentiles(how, [&] {
    resample(values, rng, drawn);
    return statistic(drawn);
  });
}

Interval bootstrap_difference(std::span<const double> a, std::span<const double> b, const Statistic& statistic, Rng rng,
                              Bootstrap how) {
  if (a.empty() || b.empty()) return {kNan, kNan};
  std::vector<double> drawn;
  return percentiles(how, [&] {
    resample(a, rng, drawn);
    const double of_a = statistic(drawn);
    resample(b, rng, drawn);
    return of_a - statistic(drawn);
  });
}

}  // namespace tune
