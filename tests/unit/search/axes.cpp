// SPDX-License-Identifier: Apache-2.0
#include "search/axes.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "tuner/rng.hpp"

namespace axes_test {

using namespace tune;
using Kind = Dimension::Kind;

namespace {

Dimension dimension(std::string name, Kind kind, double min = 0, double max = 1) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max;
  return d;
}

Space space() {
  auto lr = dimension("lr", Kind::loguniform, 1e-4, 1);
  auto depth = dimension("depth", Kind::integer, 1, 4);
  auto width = dimension("width", Kind::logint, 1, 1000);
  auto fixed = dimension("fixed", Kind::constant);
  fixed.values = {std::int64_t{7}};
  auto kind = dimension("kind", Kind::choice);
  kind.values = {std::string{"a"}, std::string{"b"}, std::string{"never"}, std::string{"c"}};
  kind.weights = {0.7, 0.2, 0, 0.1};
  auto momentum = dimension("momentum", Kind::uniform);
  momentum.when = {{"kind", Test::Op::in, {std::string{"b"}}, 0}};
  return Space::make({lr, depth, width, fixed, kind, momentum}).value();
}

}  // namespace

TEST_CASE("constants are no axes, and every other parameter is one of its kind") {
  const Space s = space();
  const Axes axes{s};
  REQUIRE(axes.size() == 5);
  CHECK(axes[0].kind == Axis::Kind::real);
  CHECK(axes[1].levels == 4);
  CHECK(axes[3].kind == Axis::Kind::categorical);
  CHECK(axes[3].levels == 3);  // A value of weight 0 is never tried.
  CHECK(axes[4].conditional);
  CHECK_FALSE(axes.discrete());
}

TEST_CASE("parameters become a point and come back as they were") {
  const Space s = space();
  const Axes axes{s};
  const Params given = s.complete({{"lr", 0.01}, {"depth", std::int64_t{3}}, {"width", std::int64_t{20}},
                                   {"kind", std::string{"b"}}, {"momentum", 0.25}}).value();
  const auto p = axes.encode(given);
  REQUIRE(p);
  CHECK(p->at[0] == Approx(0.5));
  CHECK(p->at[1] == 0.625);
  CHECK(p->at[3] == 1);
  CHECK(p->at[4] == 0.25);
  CHECK(to_number(*axes.decode(*p).find("lr")).value() == Approx(0.01));
  CHECK(axes.encode(axes.decode(*p))->at[2] == p->at[2]);
}

TEST_CASE("inactive axes rest, and a point that moves them is the same configuration") {
  const Space s = space();
  const Axes axes{s};
  Point p{{0.3, 0.1, 0.9, 0, 0.99}, {}};
  axes.snap(p);
  CHECK(p.active[4] == 0);
  CHECK(p.at[4] == 0.5);
  CHECK_FALSE(axes.decode(p).contains("momentum"));
}

TEST_CASE("snapping is where decoding and encoding would bring a point") {
  const Space s = space();
  const Axes axes{s};
  Rng rng{1, 1};
  for (int i = 0; i < 500; ++i) {
    Point p{{rng.uniform(), rng.uniform(), rng.uniform(), 3 * rng.uniform(), rng.uniform()}, {}};
    axes.snap(p);
    const auto again = axes.encode(axes.decode(p));
    REQUIRE(again);
    for (std::size_t a = 1; a < p.size(); ++a) REQUIRE(again->at[a] == Approx(p.at[a]).margin(1e-12));
    REQUIRE(again->active == p.active);
  }
}

TEST_CASE("levels have neighbours up to the ends") {
  const Space s = space();
  const Axes axes{s};
  CHECK(axes.neighbour(1, 0.1, 1) == 0.375);
  CHECK(axes.neighbour(1, 0.9, 2) == 0.875);
  const double one = axes.neighbour(2, 0.0, 1);  // logint: from 1 to 2, whatever their shares.
  CHECK(axes.decode({{0.5, 0.5, one, 0, 0.5}, {}}).find("width") != nullptr);
  CHECK(std::get<std::int64_t>(*axes.decode({{0.5, 0.5, one, 0, 0.5}, {}}).find("width")) == 2);
  CHECK(axes.neighbour(2, one, -5) == axes.coordinate(2, 0.0));
}

TEST_CASE("the number of a category is the value whose share holds u") {
  const Space s = space();
  const Axes axes{s};
  CHECK(axes.coordinate(3, 0.69) == 0);
  CHECK(axes.coordinate(3, 0.75) == 1);
  CHECK(axes.coordinate(3, 0.95) == 2);
}

TEST_CASE("a trial of before the space was narrowed has no point") {
  const Space s = space();
  CHECK_FALSE(Axes{s}.encode({{"lr", 5.0}, {"depth", std::int64_t{3}}, {"width", std::int64_t{20}}, {"kind", std::string{"a"}}}));
}

}  // namespace axes_test
