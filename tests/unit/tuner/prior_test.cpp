// SPDX-License-Identifier: Apache-2.0
#include "tuner/prior.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune;
using Kind = Dimension::Kind;

namespace {

Dimension real(Kind kind, double min, double max, double at, double width) {
  Dimension d;
  d.name = "x", d.kind = kind, d.min = min, d.max = max;
  d.prior = Dimension::Prior{at, width, {}};
  return d;
}

Dimension listed(std::vector<Value> values, std::vector<double> prior, std::vector<double> weights = {}) {
  Dimension d;
  d.name = "c", d.kind = Kind::choice, d.values = std::move(values), d.weights = std::move(weights);
  d.prior = Dimension::Prior{0, 0.25, std::move(prior)};
  return d;
}

double integral(const DimensionPrior& prior) {
  constexpr int n = 100'000;
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += std::exp(prior.log_density((i + 0.5) / n)) / n;
  return sum;
}

// Share of 20,000 draws below u.
double drawn_below(const DimensionPrior& prior, double u) {
  Rng rng{7, 7};
  int below = 0;
  for (int i = 0; i < 20'000; ++i) below += prior.draw(rng) < u;
  return below / 20'000.0;
}

}  // namespace

TEST_CASE("a prior's density integrates to one", "[prior]") {
  CHECK(integral(DimensionPrior{real(Kind::uniform, 0, 1, 0.5, 0.1)}) == Approx(1).epsilon(1e-6));
  CHECK(integral(DimensionPrior{real(Kind::uniform, 0, 1, 0, 0.01)}) == Approx(1).epsilon(1e-6));
  CHECK(integral(DimensionPrior{real(Kind::loguniform, 1e-5, 1, 0.3, 10)}) == Approx(1).epsilon(1e-6));
  CHECK(integral(DimensionPrior{listed({"a", "b", "c"}, {1, 2, 1})}) == Approx(1).epsilon(1e-4));
  CHECK(integral(DimensionPrior{listed({"a", "b"}, {1, 1}, {3, 1})}) == Approx(1).epsilon(1e-4));
}

TEST_CASE("a numeric prior is a normal on the parameter's own scale, cut to the range", "[prior]") {
  // scipy.stats.truncnorm.logpdf(x, -5, 5, 0.5, 0.1) at 0.5 and 0.7: 1.3836472, -0.6163528.
  const DimensionPrior prior{real(Kind::loguniform, 1e-4, 1, 1e-2, 0.1)};
  CHECK(prior.log_density(0.5) == Approx(1.3836472).margin(1e-5));
  CHECK(prior.log_density(0.7) == Approx(-0.6163528).margin(1e-5));
}

TEST_CASE("a prior's slope is that of differences, and none between listed values", "[prior]") {
  const DimensionPrior prior{real(Kind::uniform, 0, 1, 0.3, 0.1)};
  for (const double u : {0.05, 0.3, 0.6, 0.75, 0.95})
    CHECK(prior.slope(u) == Approx((prior.log_density(u + 1e-6) - prior.log_density(u - 1e-6)) / 2e-6).epsilon(1e-4).margin(1e-6));
  CHECK(DimensionPrior{listed({"a", "b"}, {1, 3})}.slope(0.5) == 0);
}

TEST_CASE("nothing is ruled out by a prior", "[prior]") {
  const DimensionPrior narrow{real(Kind::uniform, 0, 1, 0, 1e-6)};
  CHECK(narrow.log_density(1) == Approx(std::log(DimensionPrior::kFloor)));
  const DimensionPrior never{listed({"a", "b"}, {1, 0})};
  CHECK(never.log_density_of(1) == Approx(std::log(DimensionPrior::kFloor)));
}

TEST_CASE("a listed value's density is its weight over its share", "[prior]") {
  const DimensionPrior prior{listed({"a", "b", "c", "d"}, {4, 2, 1, 1}, {1, 1, 1, 1})};
  CHECK(prior.log_density_of(0) == Approx(std::log(2)).margin(1e-5));
  CHECK(prior.log_density_of(2) == Approx(std::log(0.5)).margin(1e-5));
  CHECK(prior.log_density(0.1) == prior.log_density_of(0));
  CHECK(prior.log_density(0.99) == prior.log_density_of(3));
}

TEST_CASE("draws of a prior follow its density", "[prior]") {
  const DimensionPrior normal{real(Kind::uniform, 0, 1, 0.3, 0.1)};
  CHECK(drawn_below(normal, 0.3) == Approx(0.5).margin(0.02));
  CHECK(drawn_below(normal, 0.4) == Approx(0.841).margin(0.02));
  const DimensionPrior weighed{listed({"a", "b", "c"}, {1, 0, 3}, {2, 1, 1})};
  CHECK(drawn_below(weighed, 0.5) == Approx(0.25).margin(0.02));
  CHECK(drawn_below(weighed, 0.75) == Approx(0.25).margin(0.02));
}

TEST_CASE("a prior at a value between levels counts for the nearest one", "[prior]") {
  auto d = real(Kind::integer, 0, 9, 3.2, 0.05);
  CHECK(DimensionPrior{d}.log_density(0.35) > DimensionPrior{d}.log_density(0.45));
  CHECK(d.nearest_position(3.2) == Approx(0.35));
  CHECK(d.nearest_position(-7) == Approx(0.05));
  CHECK(d.nearest_position(NAN) == Approx(0.05));
}

TEST_CASE("the prior of a space is the product over its active parameters", "[prior]") {
  auto child = real(Kind::uniform, 0, 1, 0.5, 0.1);
  child.when.push_back({"c", Test::Op::in, {Value{std::string{"b"}}}, 0});
  const auto space = Space::make({listed({"a", "b"}, {3, 1}), child}).value();
  const Prior prior{space};
  REQUIRE(prior.given());
  Params without, with;
  without.set("c", std::string{"a"});
  with.set("c", std::string{"b"}), with.set("x", 0.5);
  CHECK(prior.log_density(without) == prior.of(0).log_density_of(0));
  CHECK(prior.log_density(with) == prior.of(0).log_density_of(1) + prior.of(1).log_density(0.5));
  Rng rng{1, 1};
  for (int i = 0; i < 100; ++i) CHECK(space.encode(prior.draw(rng)));
}

TEST_CASE("a space refuses priors that mean nothing", "[prior][space]") {
  CHECK_FALSE(Space::make({real(Kind::uniform, 0, 1, 2, 0.1)}));
  CHECK_FALSE(Space::make({real(Kind::uniform, 0, 1, 0.5, 0)}));
  CHECK_FALSE(Space::make({real(Kind::uniform, 0, 1, NAN, 0.1)}));
  CHECK_FALSE(Space::make({listed({"a", "b"}, {1})}));
  CHECK_FALSE(Space::make({listed({"a", "b"}, {0, 0})}));
}

TEST_CASE("a prior fades as trials come in", "[prior]") {
  CHECK(prior_exponent(10, 100) == 1);
  CHECK(prior_exponent(0, 200) == 20);
  CHECK(prior_exponent(100, std::nullopt) == Approx(0.1));
  CHECK(prior_draw_chance(0) == 1);
  CHECK(prior_draw_chance(10) == 0.5);
}
