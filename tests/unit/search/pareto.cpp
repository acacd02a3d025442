// SPDX-License-Identifier: Apache-2.0
#include "search/pareto.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tuner/rng.hpp"

namespace pareto_test {

using namespace tune;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Few different values, so that ties and twins are common.
Outcomes coarse(std::size_t objectives, int rows, std::uint64_t seed) {
  Rng rng{seed, 1};
  Outcomes all(objectives);
  std::vector<double> row(objectives);
  for (int i = 0; i < rows; ++i) {
    for (double& v : row) v = static_cast<double>(rng.below(8));
    all.add(row);
  }
  return all;
}

/// The definition: peel off non-dominated rows again and again.
std::vector<std::size_t> peel(const Outcomes& all) {
  std::vector<std::size_t> rank(all.size(), SIZE_MAX);
  for (std::size_t front = 0, left = all.size(); left > 0; ++front) {
    std::vector<std::size_t> best;
    for (std::size_t i = 0; i < all.size(); ++i) {
      bool free = rank[i] == SIZE_MAX;
      for (std::size_t j = 0; j < all.size() && free; ++j) free = rank[j] < front || !dominates(all[j], all[i]);
      if (free) best.push_back(i);
    }
    for (const std::size_t i : best) rank[i] = front;
    left -= best.size();
  }
  return rank;
}

}  // namespace

TEST_CASE("ranks are what peeling off front after front gives", "[search]") {
  for (std::size_t m = 1; m <= 5; ++m)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Outcomes all = coarse(m, 60, seed * 10 + m);
      INFO(m << " objectives, seed " << seed);
      CHECK(ranks(all) == peel(all));
    }
}

TEST_CASE("the pareto front is the first front, twins included", "[search]") {
  for (std::size_t m = 1; m <= 5; ++m)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Outcomes all = coarse(m, 60, seed * 10 + m);
      CHECK(pareto_front(all) == fronts(ranks(all)).front());
    }
  CHECK(pareto_front({2, {1, 2, 2, 1, 1, 2, 2, 2}}) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("feasible rows come before infeasible ones, and those by their violation", "[search]") {
  const Outcomes all{2, {1, 1, 2, 2, 0, 0, 0, 0, 9, 9, 5, 5, 9, 9}};
  const double violations[] = {0, -1, 3, 0.5, 0.5, kNan, 0.5};
  CHECK(ranks(all, violations) == std::vector<std::size_t>{0, 1, 4, 2, 3, 5, 3});
}

TEST_CASE("what is not a number is as bad as infinity", "[search]") {
  const Outcomes all{2, {kNan, 1, kInf, 1, 1, 1, -kInf, kInf}};
  CHECK(ranks(all) == std::vector<std::size_t>{1, 1, 0, 0});
  CHECK(ranks({1, {kNan, 3, kInf}}) == std::vector<std::size_t>{1, 0, 1});
}

TEST_CASE("nothing has no fronts", "[search]") {
  CHECK(ranks(Outcomes{3}).empty());
  CHECK(pareto_front(Outcomes{3}).empty());
  CHECK(fronts({}).empty());
  CHECK(crowding_distances(Outcomes{3}, {}).empty());
}

TEST_CASE("crowding distance is the way between both neighbours, over the range", "[search]") {
  const Outcomes all{2, {0, 10, 1, 6, 3, 5, 10, 0}};
  const std::size_t front[] = {3, 1, 0, 2};
  const auto d = crowding_distances(all, front);
  CHECK(d[0] == kInf);
  CHECK(d[1] == Approx(0.3 + 0.5));
  CHECK(d[2] == kInf);
  CHECK(d[3] == Approx(0.9 + 0.6));
}

TEST_CASE("crowding distance counts no objective in which all rows agree", "[search]") {
  const Outcomes all{2, {0, 7, 1, 7, 4, 7}};
  const std::size_t front[] = {0, 1, 2};
  CHECK(crowding_distances(all, front)[1] == Approx(1));
}

}  // namespace pareto_test
