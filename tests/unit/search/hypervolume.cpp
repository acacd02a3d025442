// SPDX-License-Identifier: Apache-2.0
#include "search/hypervolume.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "tuner/rng.hpp"

namespace hypervolume_test {

using namespace tune;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Uniform in the cube; every third row repeats a coordinate of the row before, for ties.
Outcomes scattered(std::size_t objectives, int rows, std::uint64_t seed) {
  Rng rng{seed, 2};
  Outcomes all(objectives);
  std::vector<double> row(objectives);
  for (int i = 0; i < rows; ++i) {
    const double kept = row[0];
    for (double& v : row) v = rng.uniform() * 1.2;  // Some are beyond a reference of ones.
    if (i % 3 == 2) row[0] = kept;
    all.add(row);
  }
  return all;
}

std::vector<double> ones(std::size_t m) { return std::vector<double>(m, 1.0); }

/// Inclusion and exclusion over all subsets: the box of a union's corner is an intersection of boxes.
double by_inclusion(const Outcomes& all, const std::vector<double>& reference) {
  double volume = 0;
  for (std::uint32_t subset = 1; subset < (1u << all.size()); ++subset) {
    double product = 1;
    for (std::size_t j = 0; j < all.objectives(); ++j) {
      double side = kInf;
      for (std::size_t i = 0; i < all.size(); ++i)
        if (subset >> i & 1) side = std::min(side, reference[j] - all[i][j]);
      product *= std::max(0.0, side);
    }
    volume += __builtin_popcount(subset) % 2 == 1 ? product : -product;
  }
  return volume;
}

double gain(const Boxes& boxes, std::span<const double> y) {
  double sum = 0;
  for (std::size_t b = 0; b < boxes.lower.size(); ++b) {
    double product = 1;
    for (std::size_t j = 0; j < y.size(); ++j)
      product *= std::max(0.0, boxes.upper[b][j] - std::max(boxes.lower[b][j], y[j]));
    sum += product;
  }
  return sum;
}

Outcomes without(const Outcomes& all, std::size_t row) {
  Outcomes rest(all.objectives());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i != row) rest.add(all[i]);
  return rest;
}

}  // namespace

TEST_CASE("hypervolume agrees with inclusion and exclusion in 1 to 6 objectives", "[search]") {
  for (std::size_t m = 1; m <= 6; ++m)
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const Outcomes all = scattered(m, 12, seed * 10 + m);
      INFO(m << " objectives, seed " << seed);
      CHECK(hypervolume(all, ones(m)) == Approx(by_inclusion(all, ones(m))).epsilon(1e-12).margin(1e-14));
    }
}

TEST_CASE("hypervolume of fronts whose volume is known in closed form", "[search]") {
  // ZDT1's front f2 = 1 - sqrt(f1) has the area 1/3 below it, so that with reference (1, 1) it covers 2/3; points at
  // quantiles miss at most one step of the staircase, 1/n.
  Outcomes zdt1(2);
  for (int i = 0; i <= 10'000; ++i) zdt1.add(std::vector{i / 10'000.0, 1 - std::sqrt(i / 10'000.0)});
  CHECK(hypervolume(zdt1, ones(2)) == Approx(2.0 / 3).margin(1e-4));
  // DTLZ2's front is an eighth of the unit sphere: 1 - pi / 6 is covered.
  Outcomes dtlz2(3);
  for (int i = 0; i <= 150; ++i)
    for (int j = 0; j <= 150; ++j) {
      const double a = std::numbers::pi / 300 * i, b = std::numbers::pi / 300 * j;
      dtlz2.add(std::vector{std::cos(a) * std::cos(b), std::cos(a) * std::sin(b), std::sin(a)});
    }
  CHECK(hypervolume(dtlz2, ones(3)) == Approx(1 - std::numbers::pi / 6).margin(0.02));
  CHECK(hypervolume(dtlz2, ones(3)) < 1 - std::numbers::pi / 6);
}

TEST_CASE("hypervolume in five objectives is the share of random points that are covered", "[search]") {
  const Outcomes all = scattered(5, 80, 3);
  Rng rng{9, 9};
  int covered = 0;
  const int draws = 40'000;
  std::vector<double> y(5);
  for (int k = 0; k < draws; ++k) {
    for (double& v : y) v = rng.uniform();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (std::equal(y.begin(), y.end(), all[i].begin(), [](double a, double b) { return a >= b; })) {
        ++covered;
        break;
      }
  }
  CHECK(hypervolume(all, ones(5)) == Approx(double(covered) / draws).margin(0.0125));  // Five standard errors.
}

TEST_CASE("only what is better than the reference everywhere has a volume", "[search]") {
  CHECK(hypervolume({2, {1, 0, 0, 1, 2, -5}}, ones(2)) == 0);
  CHECK(hypervolume(Outcomes{3}, ones(3)) == 0);
  CHECK(hypervolume({2, {kInf, 0, 0.5, 0.5}}, ones(2)) == 0.25);
  CHECK(hypervolume({2, {-kInf, 0, 0.5, 0.5}}, ones(2)) == kInf);
}

TEST_CASE("a contribution is what the hypervolume loses without the row", "[search]") {
  for (std::size_t m = 1; m <= 5; ++m) {
    const Outcomes all = scattered(m, 25, m);
    const auto contributions = hypervolume_contributions(all, ones(m));
    for (std::size_t i = 0; i < all.size(); ++i)
      CHECK(contributions[i] ==
            Approx(hypervolume(all, ones(m)) - hypervolume(without(all, i), ones(m))).margin(1e-12));
  }
}

TEST_CASE("twins contribute nothing", "[search]") {
  for (std::size_t m = 1; m <= 4; ++m) {
    Outcomes all(m);
    for (int i = 0; i < 2; ++i) all.add(std::vector<double>(m, 0.5));
    CHECK(hypervolume_contributions(all, ones(m)) == std::vector<double>{0, 0});
  }
}

TEST_CASE("the subset takes the largest gain each time", "[search]") {
  for (std::size_t m = 1; m <= 4; ++m) {
    const Outcomes all = scattered(m, 40, 7 * m);
    const auto choice = greedy_hypervolume_subset(all, 10, ones(m));
    REQUIRE(choice.size() == 10);
    Outcomes chosen(m);
    for (const std::size_t c : choice) {
      double most = 0;
      const auto volume_with = [&](std::size_t i) {
        Outcomes more = chosen;
        more.add(all[i]);
        return hypervolume(more, ones(m));
      };
      for (std::size_t i = 0; i < all.size(); ++i) most = std::max(most, volume_with(i));
      CHECK(volume_with(c) == Approx(most));
      chosen.add(all[c]);
    }
  }
}

TEST_CASE("a subset is filled up with rows that add nothing", "[search]") {
  const Outcomes all{2, {5, 5, 0.5, 0.5, 0.6, 0.6, 0.5, 0.5}};
  CHECK(greedy_hypervolume_subset(all, 3, ones(2)) == std::vector<std::size_t>{1, 0, 2});
  CHECK(greedy_hypervolume_subset(all, 9, ones(2)).size() == 4);
  CHECK(greedy_hypervolume_subset(Outcomes{2}, 3, ones(2)).empty());
}

TEST_CASE("the reference lies a tenth beyond the worst", "[search]") {
  const auto r = reference_point({4, {1, -10, 0, kInf, 2, -20, -1, kInf}});
  CHECK(r[0] == Approx(2.2));
  CHECK(r[1] == Approx(-9));
  CHECK(r[2] == 1e-12);
  CHECK(r[3] == 1e-12);
}

TEST_CASE("what boxes of the non-dominated region say a row gains is what it gains", "[search]") {
  for (std::size_t m = 1; m <= 3; ++m)
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const Outcomes all = scattered(m, 30, 100 * m + seed), more = scattered(m, 30, 1000 * m + seed);
      const Boxes boxes = non_dominated_boxes(all, ones(m));
      CHECK(boxes.lower.size() <= (m == 3 ? 2 : 1) * pareto_front(all).size() + 1);
      for (std::size_t i = 0; i < more.size(); ++i) {
        Outcomes with = all;
        with.add(more[i]);
        CHECK(gain(boxes, more[i]) ==
              Approx(hypervolume(with, ones(m)) - hypervolume(all, ones(m))).margin(1e-12));
      }
    }
}

TEST_CASE("without rows the non-dominated region is one box up to the reference", "[search]") {
  for (std::size_t m = 1; m <= 3; ++m) {
    const Boxes boxes = non_dominated_boxes(Outcomes{m}, ones(m));
    REQUIRE(boxes.upper.size() == 1);
    CHECK(boxes.lower[0][0] == -kInf);
    CHECK(boxes.upper[0][m - 1] == 1);
  }
}

}  // namespace hypervolume_test
