// SPDX-License-Identifier: Apache-2.0
#include "schedulers/explore.hpp"

#include <catch2/catch.hpp>

namespace explore_test {

using namespace tune;
using namespace tune::detail;

namespace {

using Kind = Dimension::Kind;

Dimension dimension(std::string name, Kind kind, double min = 0, double max = 0, double step = 0) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max, d.step = step;
  return d;
}

Dimension listed(std::string name, Kind kind, std::vector<Value> values) {
  Dimension d = dimension(std::move(name), kind);
  d.values = std::move(values);
  return d;
}

/// Every value that one parameter comes to from this one, in 200 draws.
std::vector<Value> reached(const Dimension& d, const Value& from, double resample = 0) {
  const Space space = Space::make({d}).value();
  ExploreRule rule;
  rule.resample_probability = resample;
  std::vector<Value> out;
  for (int i = 0; i < 200; ++i) {
    Rng rng{1, Purpose::explore, i};
    const auto to = *explore(space, {{d.name, from}}, rule, rng).params.find(d.name);
    if (std::find(out.begin(), out.end(), to) == out.end()) out.push_back(to);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("a logarithmic parameter is multiplied and a linear one moves by its value", "[explore]") {
  REQUIRE(reached(dimension("lr", Kind::loguniform, 1e-5, 1), 0.5) == std::vector<Value>{0.5 * 0.8, 0.5 * 1.2});
  const auto linear = reached(dimension("x", Kind::uniform, 0, 1), 0.5);
  REQUIRE(linear.size() == 2);
  REQUIRE(std::get<double>(linear[0]) == Approx(0.4));
  REQUIRE(std::get<double>(linear[1]) == Approx(0.6));
}

TEST_CASE("zero is no trap, and neither is a bound", "[explore]") {
  REQUIRE(reached(dimension("x", Kind::uniform, -10, 10), 0.0) == std::vector<Value>{-0.4, 0.4});
  for (const double bound : {0.0, 1.0})
    for (const auto& v : reached(dimension("x", Kind::uniform, 0, 1), bound)) REQUIRE(std::get<double>(v) != bound);
  REQUIRE(reached(dimension("lr", Kind::loguniform, 0.1, 1), 1.0).front() == Value{0.8});
}

TEST_CASE("a whole number moves by at least one", "[explore]") {
  REQUIRE(reached(dimension("n", Kind::integer, 0, 20), std::int64_t{2}) == std::vector<Value>{std::int64_t{1}, std::int64_t{3}});
  REQUIRE(reached(dimension("n", Kind::logint, 1, 64), std::int64_t{1}) == std::vector<Value>{std::int64_t{2}});
  REQUIRE(reached(dimension("n", Kind::integer, 3, 3), std::int64_t{3}) == std::vector<Value>{std::int64_t{3}});
}

TEST_CASE("an ordinal moves to a neighbour, a choice only when it is drawn anew", "[explore]") {
  const std::vector<Value> sizes{std::int64_t{16}, std::int64_t{32}, std::int64_t{64}, std::int64_t{128}};
  REQUIRE(reached(listed("size", Kind::ordinal, sizes), sizes[1]) == std::vector<Value>{sizes[0], sizes[2]});
  REQUIRE(reached(listed("size", Kind::ordinal, sizes), sizes[3]) == std::vector<Value>{sizes[2]});
  const std::vector<Value> kinds{std::string{"adam"}, std::string{"sgd"}};
  REQUIRE(reached(listed("opt", Kind::choice, kinds), kinds[0]) == std::vector<Value>{kinds[0]});
  REQUIRE(reached(listed("opt", Kind::choice, kinds), kinds[0], 1).size() == 2);
}

TEST_CASE("what becomes active is drawn, what is active no longer is dropped", "[explore]") {
  Dimension momentum = dimension("momentum", Kind::uniform, 0.5, 0.9);
  momentum.when = {{"opt", Test::Op::in, {std::string{"sgd"}}, 0}};
  const Space space = Space::make({listed("opt", Kind::choice, {std::string{"adam"}, std::string{"sgd"}}), momentum}).value();
  ExploreRule rule;
  rule.resample_probability = 1;
  bool drawn = false, dropped = false;
  for (int i = 0; i < 50; ++i) {
    Rng rng{2, Purpose::explore, i};
    const auto from_adam = explore(space, {{"opt", std::string{"adam"}}}, rule, rng).params;
    const auto from_sgd = explore(space, {{"opt", std::string{"sgd"}}, {"momentum", 0.7}}, rule, rng).params;
    for (const auto& p : {from_adam, from_sgd}) REQUIRE(space.complete(p).has_value());
    drawn = drawn || from_adam.contains("momentum");
    dropped = dropped || !from_sgd.contains("momentum");
  }
  REQUIRE(drawn);
  REQUIRE(dropped);
}

TEST_CASE("constraints hold after an explore, and parameters that may not change do not", "[explore]") {
  const Space space =
      Space::make({dimension("a", Kind::uniform, 0, 1), dimension("b", Kind::uniform, 0, 1)}, {"a * b <= 0.05"}).value();
  ExploreRule rule;
  for (int i = 0; i < 200; ++i) {
    Rng rng{3, Purpose::explore, i};
    REQUIRE(space.satisfies(explore(space, {{"a", 0.9}, {"b", 0.05}}, rule, rng).params));
  }
  rule.mutate = {"a"};
  Rng rng{3, Purpose::explore, 0};
  REQUIRE(*explore(space, {{"a", 0.5}, {"b", 0.05}}, rule, rng).params.find("b") == Value{0.05});
}

}  // namespace explore_test
