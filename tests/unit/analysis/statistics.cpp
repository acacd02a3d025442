// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune;

TEST_CASE("the median of an even count lies between the middle two", "[analysis]") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(median({INFINITY, 1, INFINITY}) == INFINITY);
  CHECK(std::isnan(median({})));
}

TEST_CASE("equal values share the mean of their ranks", "[analysis]") {
  CHECK(ranks(std::vector<double>{3, 1, 3, 2}) == std::vector<double>{3.5, 1, 3.5, 2});
  CHECK(ranks({}).empty());
}

TEST_CASE("the geometric mean of a ratio and its inverse is one", "[analysis]") {
  CHECK(geometric_mean(std::vector<double>{4, 0.25, 1}) == Approx(1));
}

// Figures of SciPy 1.17.1: scipy.stats.wilcoxon(d, method=…).
TEST_CASE("the signed-rank test gives SciPy's exact p where no ranks are tied", "[analysis]") {
  const auto darwin = signed_rank(std::vector<double>{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75});
  CHECK(darwin.negative == 24);
  CHECK(darwin.positive == 96);
  CHECK(darwin.p == Approx(0.041259765625).epsilon(1e-12));
  CHECK(signed_rank(std::vector<double>{1.5, -2, 3.25, 0.5, -4, 6, 7, -1, 2.5, 9}).p == Approx(0.16015625).epsilon(1e-12));
  std::vector<double> sixty;
  for (int k = 0; k < 60; ++k) sixty.push_back((k % 3 == 0 ? -1 : 1) * (k + 0.5));
  CHECK(signed_rank(sixty).p == Approx(0.01613712308755133).epsilon(1e-12));
}

TEST_CASE("the signed-rank test counts tied ranks exactly and leaves zeros out", "[analysis]") {
  const std::vector<double> tied{1, 1, -1, 2, 2, 3, -3, 4, 5, 0, 0, -2, 6, 6, 7};
  const auto exact = signed_rank(tied);
  CHECK(exact.pairs == 13);
  CHECK(exact.negative == 14.5);
  CHECK(exact.p == Approx(0.029052734375).epsilon(1e-12));  // PermutationMethod over all 2^13 signs.
}

TEST_CASE("the signed-rank test gives SciPy's normal approximation beyond the exact counts", "[analysis]") {
  const std::vector<double> tied{1, 1, -1, 2, 2, 3, -3, 4, 5, 0, 0, -2, 6, 6, 7};
  CHECK(signed_rank(tied, 0).p == Approx(0.02977287634303921).epsilon(1e-12));
  CHECK(signed_rank(std::vector<double>{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}, 0).p ==
        Approx(0.04088813291185591).epsilon(1e-12));
}

TEST_CASE("no difference at all is no evidence", "[analysis]") {
  CHECK(signed_rank(std::vector<double>{0, 0, 0}).p == 1);
  CHECK(signed_rank(std::vector<double>{1, -1}).p == 1);
}

TEST_CASE("Holm multiplies the smallest p by the number of tests and never goes back down", "[analysis]") {
  // Holm's steps by hand: 4 * 0.005, then 3 * 0.01, then max(0.03, 2 * 0.03), then max(0.06, 0.04).
  const auto adjusted = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(holm(std::vector<double>{0.7, 0.9}) == std::vector<double>{1, 1});
}

namespace {
const std::vector<double> kA{2.1, 3.4, 1.9, 5.6, 4.4, 3.8, 2.7, 4.9, 3.3, 6.1}, kB{1.1, 2.9, 2.2, 3.7, 2.0, 4.1};
constexpr Bootstrap kMany{20'000, 0.95};
}  // namespace

TEST_CASE("bootstrap intervals lie where SciPy's percentile bootstrap puts them", "[analysis]") {
  // scipy.stats.bootstrap(method="percentile", n_resamples=200000): means 3.00 to 4.67, medians 2.7 to 5.0.
  const auto of_mean = bootstrap(kA, mean, Rng{1, 1}, kMany);
  CHECK(of_mean.low == Approx(3.0).margin(0.03));
  CHECK(of_mean.high == Approx(4.67).margin(0.03));
  const auto of_median = bootstrap(kA, [](auto v) { return median({v.begin(), v.end()}); }, Rng{1, 1}, kMany);
  CHECK(of_median.low == Approx(2.7).margin(0.06));
  CHECK(of_median.high == Approx(5.0).margin(0.11));
}

TEST_CASE("the bootstrap of a difference resamples both sides", "[analysis]") {
  const auto difference = bootstrap_difference(kA, kB, mean, Rng{1, 1}, kMany);  // SciPy: -0.0034 to 2.33.
  CHECK(difference.low == Approx(-0.0034).margin(0.04));
  CHECK(difference.high == Approx(2.33).margin(0.04));
}

TEST_CASE("the same stream gives the same interval", "[analysis]") {
  const auto a = bootstrap(kA, mean, Rng{7, 1}), b = bootstrap(kA, mean, Rng{7, 1});
  CHECK((a.low == b.low && a.high == b.high));
  CHECK(std::isnan(bootstrap({}, mean, Rng{7, 1}).low));
}

TEST_CASE("the rank-sum test counts all ways to part few values, ties included", "[analysis]") {
  const std::vector<double> a{0.1, 0.4, 0.35, 0.2, 0.9}, b{0.5, 0.8, 1.2, 0.7};
  CHECK(rank_sum(a, b).p == Approx(0.1111111111));  // scipy.stats.mannwhitneyu(a, b, method="exact"), SciPy 1.17.1.
  CHECK(rank_sum(a, b).first_less == Approx(17.0 / 20));
  const std::vector<double> tied{1, 2, 2, 3}, others{2, 3, 4, 5, 5};
  double low = 0, high = 0, all = 0;  // All 126 subsets of four of the nine ranks.
  std::vector<double> both{1, 2, 2, 3, 2, 3, 4, 5, 5};
  const auto rank = ranks(both);
  const double sum = rank[0] + rank[1] + rank[2] + rank[3];
  for (unsigned set = 0; set < 512; ++set) {
    if (__builtin_popcount(set) != 4) continue;
    double s = 0;
    for (unsigned i = 0; i < 9; ++i) s += set >> i & 1 ? rank[i] : 0;
    all += 1, low += s <= sum, high += s >= sum;
  }
  CHECK(rank_sum(tied, others).p == Approx(2 * std::min(low, high) / all));
  CHECK(rank_sum({}, others).p == 1);
  CHECK(rank_sum(tied, tied).p == 1);
}

TEST_CASE("the rank-sum test of many values is SciPy's asymptotic one", "[analysis]") {
  std::vector<double> a, b;
  for (int i = 0; i < 30; ++i) a.push_back((i * 7919) % 101 / 101.0);
  for (int i = 0; i < 25; ++i) b.push_back((i * 6271) % 97 / 97.0 + 0.15);
  // scipy.stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=False): statistic 257.
  CHECK(rank_sum(a, b).p == Approx(0.0460904487).epsilon(1e-6));
  CHECK(rank_sum(a, b).first_less == Approx(1 - 257.0 / 750));
}
