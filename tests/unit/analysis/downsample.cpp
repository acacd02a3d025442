// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/downsample.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tuner/rng.hpp"

using namespace tune;

namespace {

std::vector<CurveXY> noisy(std::size_t n) {
  Rng rng(1, Purpose::simulate, n);
  std::vector<CurveXY> points;
  for (std::size_t i = 0; i < n; ++i) points.push_back({static_cast<double>(i), 1.0 / static_cast<double>(i + 1) + 0.01 * rng.uniform()});
  return points;
}

}  // namespace

TEST_CASE("a downsampled curve keeps its ends, its order and the number asked for", "[analysis]") {
  const auto points = noisy(GENERATE(3, 10, 201, 10'000));
  const auto count = GENERATE(as<std::size_t>{}, 2, 3, 10, 200);
  const auto kept = largest_triangles(points, count);
  CHECK(kept.size() == std::min(count, points.size()));
  CHECK((kept.front() == 0 && kept.back() == points.size() - 1));
  CHECK(std::is_sorted(kept.begin(), kept.end(), std::less_equal<>{}));
}

TEST_CASE("a lone spike survives the largest triangles", "[analysis]") {
  auto points = noisy(1000);
  points[517].y = 5;
  const auto kept = largest_triangles(points, 50);
  CHECK(std::find(kept.begin(), kept.end(), 517U) != kept.end());
}

TEST_CASE("points that are not finite are left out of a curve", "[analysis]") {
  auto points = noisy(10);
  points[0].y = std::nan(""), points[4].y = INFINITY;
  CHECK(largest_triangles(points, 100) == std::vector<std::size_t>{1, 2, 3, 5, 6, 7, 8, 9});
  CHECK(largest_triangles({}, 5).empty());
}

TEST_CASE("an envelope holds every finite value", "[analysis]") {
  const auto points = noisy(1000);
  const auto bands = envelope(points, 30);
  REQUIRE(bands.size() == 30);
  std::size_t at = 0;
  for (const auto& band : bands)
    for (; at <= band.last; ++at) CHECK((band.low <= points[at].y && points[at].y <= band.high));
  CHECK(at == points.size());
}

TEST_CASE("an envelope of fewer points than stretches is the points", "[analysis]") {
  const auto bands = envelope(noisy(3), 200);
  REQUIRE(bands.size() == 3);
  CHECK(bands[1].low == bands[1].high);
}
