// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <catch2/catch.hpp>
#include <set>

#include "search/grid.hpp"
#include "search/random.hpp"
#include "search/sobol.hpp"
#include "tuner/rng.hpp"

namespace points_test {

using namespace tune;

namespace {

Dimension dimension(std::string name, Dimension::Kind kind, double min, double max, double step = 0) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max, d.step = step;
  return d;
}

Space cube(int dimensions) {
  std::vector<Dimension> all;
  for (int i = 0; i < dimensions; ++i)
    all.push_back(dimension("x" + std::to_string(1000 + i), Dimension::Kind::uniform, 0, 1));
  return Space::make(std::move(all)).value();
}

Record proposed(std::int64_t trial, const Sampler::Proposal& p, std::string sampler) {
  Propose what;
  what.trial = {trial}, what.params = p.params, what.source = "sampler", what.sampler = std::move(sampler);
  return {trial + 1, {}, 1, Decided{what, {0, "", p.why, p.note}}};
}

std::vector<Params> take(Sampler& s, const std::string& name, int count) {
  std::vector<Params> all;
  for (int i = 0; i < count; ++i) {
    const auto p = s.propose({i}, Rng{1, Purpose::propose, i});
    if (!p) break;
    all.push_back(p->params);
    s.learn(proposed(i, *p, name));
  }
  return all;
}

double at(const Params& p, int i) { return *to_number(*p.find("x" + std::to_string(1000 + i))); }

std::vector<Params> whole_grid(const Space& space, Params options = {}) {
  auto grid = grid_sampler().make({space, {}, 1, std::move(options)}).value();
  return take(*grid, "grid", 10'000);
}

}  // namespace

TEST_CASE("of 64 sobol points each 64th of every parameter holds one", "[search]") {
  const Space space = cube(256);
  SobolSampler sobol{space, 7};
  const auto points = take(sobol, "sobol", 64);
  for (int d = 0; d < 256; ++d) {
    std::set<int> slices;
    for (const auto& p : points) slices.insert(static_cast<int>(at(p, d) * 64));
    REQUIRE(slices.size() == 64);
  }
}

TEST_CASE("of 64 sobol points each cell of an 8 by 8 board of the first two parameters holds one", "[search]") {
  const Space space = cube(2);
  SobolSampler sobol{space, 3};
  std::set<int> cells;
  for (const auto& p : take(sobol, "sobol", 64))
    cells.insert(8 * static_cast<int>(at(p, 0) * 8) + static_cast<int>(at(p, 1) * 8));
  CHECK(cells.size() == 64);
}

TEST_CASE("sobol directions are those of Joe and Kuo", "[search]") {
  // Dimensions 2, 3 and 7 of new-joe-kuo-6: m = 1; 1 3; 1 3 5 13.
  CHECK(detail::sobol_directions(1)[0] == 0x80000000u);
  CHECK(detail::sobol_directions(1)[1] == 0xc0000000u);
  CHECK(detail::sobol_directions(2)[1] == 0xc0000000u);
  CHECK(detail::sobol_directions(6)[2] == 0xa0000000u);
  CHECK(detail::sobol_directions(6)[3] == 0xd0000000u);
}

TEST_CASE("points whose leading bits are equal have equal leading bits after scrambling, and others have not",
          "[search]") {
  Rng rng{5, 6};
  for (int i = 0; i < 1000; ++i) {
    const auto x = static_cast<std::uint32_t>(rng.next()), y = static_cast<std::uint32_t>(rng.next());
    const auto shared = std::countl_zero(x ^ y);
    REQUIRE(std::countl_zero(detail::owen_scramble(x, 99) ^ detail::owen_scramble(y, 99)) == shared);
  }
}

TEST_CASE("sobol goes beyond its table with points that still fill the range", "[search]") {
  const Space space = cube(300);
  SobolSampler sobol{space, 7};
  double sum = 0;
  for (const auto& p : take(sobol, "sobol", 200)) sum += at(p, 299);
  CHECK(sum / 200 == Approx(0.5).margin(0.1));
}

TEST_CASE("a grid counts up with the last parameter fastest", "[search]") {
  const Space space =
      Space::make({dimension("a", Dimension::Kind::integer, 1, 2), dimension("b", Dimension::Kind::uniform, 0, 1, 0.5)})
          .value();
  const auto grid = whole_grid(space);
  REQUIRE(grid.size() == 6);
  CHECK(grid[0] == Params{{"a", std::int64_t{1}}, {"b", 0.0}});
  CHECK(grid[1] == Params{{"a", std::int64_t{1}}, {"b", 0.5}});
  CHECK(grid[3] == Params{{"a", std::int64_t{2}}, {"b", 0.0}});
}

TEST_CASE("a grid gives parameters without a step as many values as it is told, from end to end", "[search]") {
  const Space space = Space::make({dimension("lr", Dimension::Kind::loguniform, 1e-4, 1e-2),
                                   dimension("m", Dimension::Kind::uniform, 0, 1)})
                          .value();
  const auto grid = whole_grid(space, {{"points", std::int64_t{3}}});
  REQUIRE(grid.size() == 9);
  CHECK(*to_number(*grid[0].find("lr")) == Approx(1e-4));
  CHECK(*to_number(*grid[3].find("lr")) == Approx(1e-3));
  CHECK(*to_number(*grid[8].find("lr")) == Approx(1e-2));
  CHECK(*grid[2].find("m") == Value{1.0});
}

TEST_CASE("a grid without a step and without points is an error that says what to do", "[search]") {
  const Space space = cube(1);
  const auto grid = grid_sampler().make({space, {}, 1, {}});
  REQUIRE_FALSE(grid);
  CHECK(grid.error().message == "params.x1000: a grid needs to know its values");
  CHECK(grid.error().hint == "give it a `step`, list its `values`, or set search.points");
}

TEST_CASE("a grid visits conditional parameters only where they are active", "[search]") {
  Dimension kind = dimension("kind", Dimension::Kind::choice, 0, 0);
  kind.values = {std::string{"flat"}, std::string{"deep"}};
  Dimension depth = dimension("depth", Dimension::Kind::integer, 1, 3);
  depth.when = {{"kind", Test::Op::in, {std::string{"deep"}}, 0}};
  const Space space = Space::make({depth, kind, dimension("last", Dimension::Kind::boolean, 0, 0)}).value();
  const auto grid = whole_grid(space);
  CHECK(grid.size() == 8);
  std::set<std::uint64_t> distinct;
  for (const auto& p : grid) {
    distinct.insert(fingerprint(p));
    CHECK(p.contains("depth") == (to_text(*p.find("kind")) == "deep"));
  }
  CHECK(distinct.size() == 8);
}

TEST_CASE("a lattice that is walked from anywhere comes round", "[search]") {
  const Space space =
      Space::make({dimension("a", Dimension::Kind::integer, 0, 4), dimension("b", Dimension::Kind::logint, 1, 3)})
          .value();
  auto lattice = detail::Lattice::of(space).value();
  lattice.seek(11);
  const Params begin = lattice.at();
  int steps = 0;
  do lattice.advance(), ++steps;
  while (lattice.at() != begin);
  CHECK(steps == 15);
}

TEST_CASE("random search gives up on constraints that nothing holds", "[search]") {
  const Space space = Space::make({dimension("a", Dimension::Kind::uniform, 0, 1)}, {"a > 2"}).value();
  CHECK_FALSE(RandomSampler{space}.propose({0}, Rng{1, 1}));
}

TEST_CASE("random search finds the last of twenty thousand configurations", "[search]") {
  const Space space =
      Space::make({dimension("a", Dimension::Kind::integer, 0, 999), dimension("b", Dimension::Kind::integer, 0, 19)})
          .value();
  RandomSampler sampler{space};
  auto lattice = detail::Lattice::of(space).value();
  for (std::int64_t i = 0; i < 19'999; ++i, lattice.advance())
    sampler.learn(proposed(i, {lattice.at(), "", ""}, "random"));
  CHECK(sampler.propose({19'999}, Rng{1, 1})->params == lattice.at());
}

}  // namespace points_test
