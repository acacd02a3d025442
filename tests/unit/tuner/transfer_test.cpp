// SPDX-License-Identifier: Apache-2.0
#include "tuner/transfer.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;
using Kind = Dimension::Kind;

namespace {

Dimension number(std::string name, Kind kind, double min, double max) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max;
  return d;
}

Dimension choice(std::string name, std::vector<Value> values) {
  Dimension d;
  d.name = std::move(name), d.kind = Kind::choice, d.values = std::move(values);
  return d;
}

Dimension constant(std::string name, Value value) {
  Dimension d;
  d.name = std::move(name), d.kind = Kind::constant, d.values = {std::move(value)};
  return d;
}

Spec over(std::vector<Dimension> dimensions, std::string name = "net") {
  Spec s = small_spec();
  s.name = std::move(name);
  s.space = Space::make(std::move(dimensions)).value();
  return s;
}

ForeignTrial complete(Params p, double value) { return {std::move(p), TrialState::complete, {value}, true}; }

std::vector<ForeignTrial> line(int n) {
  std::vector<ForeignTrial> all;
  for (int i = 0; i < n; ++i) all.push_back(complete({{"x", i / 1000.0}}, (i * 37) % n));
  return all;
}

}  // namespace

TEST_CASE("what is of the same name and fits is learned", "[transfer]") {
  const auto from = over({number("x", Kind::uniform, 0, 10), choice("c", {std::int64_t{1}, std::int64_t{2}})}, "old");
  const auto into = over({number("x", Kind::integer, 0, 5), choice("c", {1.0, 0.5})});
  const auto got = transfer(from, {complete({{"x", 3.0}, {"c", std::int64_t{1}}}, 7)}, into, 100);
  REQUIRE(got);
  CHECK(got->source == "old");
  REQUIRE(got->trials.size() == 1);
  CHECK(got->trials[0].params == Params{{"x", std::int64_t{3}}, {"c", 1.0}});
  CHECK(got->trials[0].values == std::vector<double>{7});
  CHECK(got->unmatched.empty());
}

TEST_CASE("a trial outside the space, or against its constraints, teaches nothing and is counted", "[transfer]") {
  const auto from = over({number("x", Kind::uniform, 0, 10)}, "old");
  auto into = over({number("x", Kind::uniform, 0, 5)});
  into.space = Space::make(into.space.dimensions(), {"x != 2"}).value();
  const auto got = transfer(from, {complete({{"x", 1.0}}, 1), complete({{"x", 2.0}}, 1), complete({{"x", 9.0}}, 1)}, into, 100);
  REQUIRE(got);
  CHECK(got->trials.size() == 1);
  CHECK(got->unmatched == std::vector<std::string>{"2 of 3 trials lie outside this space"});
}

TEST_CASE("a parameter that was not searched there is taken at its prior or in the middle, and said", "[transfer]") {
  auto y = number("y", Kind::uniform, 0, 1);
  y.prior = Dimension::Prior{0.125, 0.1, {}};
  const auto got = transfer(over({number("x", Kind::uniform, 0, 1), number("z", Kind::uniform, 0, 1)}, "old"),
                            {complete({{"x", 0.25}, {"z", 0.5}}, 1)}, over({number("x", Kind::uniform, 0, 1), y, number("w", Kind::uniform, 0, 4)}), 100);
  REQUIRE(got);
  CHECK(got->trials[0].params == Params{{"x", 0.25}, {"y", 0.125}, {"w", 2.0}});
  CHECK(got->matched == std::vector<std::string>{"x"});
  CHECK(got->unmatched == std::vector<std::string>{"y is new: taken as 0.125", "w is new: taken as 2", "z is not searched here"});
}

TEST_CASE("a constant that differs does not keep trials out", "[transfer]") {
  const auto got = transfer(over({number("x", Kind::uniform, 0, 1), constant("epochs", std::int64_t{9})}, "old"),
                            {complete({{"x", 0.25}, {"epochs", std::int64_t{9}}}, 1)},
                            over({number("x", Kind::uniform, 0, 1), constant("epochs", std::int64_t{81})}), 100);
  REQUIRE(got);
  CHECK(got->trials[0].params == Params{{"x", 0.25}, {"epochs", std::int64_t{81}}});
  CHECK(got->unmatched == std::vector<std::string>{"epochs is always 81 here"});
}

TEST_CASE("failures teach too; trials that were cut short or cancelled do not", "[transfer]") {
  const auto s = over({number("x", Kind::uniform, 0, 1)});
  std::vector<ForeignTrial> all = line(6);
  all[0].state = TrialState::failed, all[0].values = {};
  all[1].state = TrialState::stopped, all[2].state = TrialState::cancelled;
  all[3].feasible = false;
  const auto got = transfer(s, all, s, 100);
  REQUIRE(got);
  REQUIRE(got->trials.size() == 4);
  CHECK(got->trials[0].state == TrialState::failed);
  CHECK(got->trials[1].state == TrialState::infeasible);
}

TEST_CASE("of many trials the best quarter is kept, and others over all ranks", "[transfer]") {
  const auto s = over({number("x", Kind::uniform, 0, 1)});
  const auto got = transfer(s, line(1000), s, 40);
  REQUIRE(got);
  REQUIRE(got->trials.size() == 40);
  std::vector<double> values;
  for (const auto& t : got->trials) values.push_back(t.values[0]);
  CHECK(std::is_sorted(got->trials.begin(), got->trials.end(),
                       [](const auto& a, const auto& b) { return *to_number(*a.params.find("x")) < *to_number(*b.params.find("x")); }));
  std::sort(values.begin(), values.end());
  for (int i = 0; i < 10; ++i) CHECK(values[static_cast<std::size_t>(i)] == i);
  CHECK(values.back() == 999);
  CHECK(values[20] > 250);
}

TEST_CASE("an experiment that measured something else cannot teach", "[transfer]") {
  const auto into = over({number("x", Kind::uniform, 0, 1)});
  auto from = into;
  from.objectives[0].metric = "accuracy";
  const auto got = transfer(from, line(3), into, 100);
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find("`loss`") != std::string::npos);
}

TEST_CASE("the best of what was imported is tried first, after the config's points", "[transfer][experiment]") {
  Spec spec = small_spec();
  spec.points = {{{"x", std::int64_t{500}}}};
  Rig rig(spec, 4);
  Imported from;
  from.source = "old";
  for (int i = 0; i < 3; ++i) from.trials.push_back({{{"x", std::int64_t{i + 70}}}, TrialState::complete, {std::fabs(i - 1.0)}});
  rig.see(from);
  rig.decide();
  CHECK(rig.trial(0).params == Params{{"x", std::int64_t{500}}});
  CHECK(rig.trial(1).params == Params{{"x", std::int64_t{71}}});
  CHECK(rig.trial(2).params == Params{{"x", std::int64_t{2}}});  // The sampler's.
  CHECK(rig.experiment->history().imported().size() == 1);
}
