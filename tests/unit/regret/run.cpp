// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/run.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "bench/regret/campaign.hpp"
#include "support/scratch.hpp"
#include "unit/regret/fixtures.hpp"

using namespace tune;
using namespace tune::regret;
using namespace tune::regret::test;

namespace {

Run go(Scripted& tool, Setting setting) {
  const Problem p = parabola();
  return run(tool, p, measure_reference(p), setting).value();
}

Setting setting(int trials, int workers = 1, double noise = 0) {
  Setting s;
  s.trials = trials, s.workers = workers, s.noise = noise;
  return s;
}

}  // namespace

TEST_CASE("a run keeps every improvement with the number of finished trials", "[regret]") {
  const double asked[] = {0.75, 0.95, 0.5, 0.6, 0.25};
  Scripted tool{[&](std::int64_t t) { return at(asked[t]); }};
  const Run r = go(tool, setting(5));
  CHECK(r.finished == 5);
  CHECK(r.best == std::vector<std::pair<int, double>>{{1, 0.25}, {3, 0.0625}, {5, 0}});
  CHECK(r.failed == std::vector<int>{2});
}

TEST_CASE("eight workers have eight trials under way and no more, and as many finish", "[regret]") {
  Scripted tool{[](std::int64_t) { return at(0.5); }};
  const Run r = go(tool, setting(40, 8));
  CHECK(tool.most_under_way == 8);
  CHECK((r.finished == 40 && tool.asked == 40 && tool.under_way == 0));
  CHECK(r.repeats == 39);
}

TEST_CASE("trials of unequal length finish out of order", "[regret]") {
  Scripted tool{[](std::int64_t t) { return at(0.01 * static_cast<double>(t)); }};
  go(tool, setting(20, 4));
  CHECK_FALSE(std::is_sorted(tool.told.rbegin(), tool.told.rend()));
  Scripted orderly{[](std::int64_t t) { return at(0.01 * static_cast<double>(t)); }};
  auto unit = setting(20, 4);
  unit.random_durations = false;
  go(orderly, unit);
  CHECK(std::is_sorted(orderly.told.rbegin(), orderly.told.rend()));
}

TEST_CASE("a tool that has nothing more to propose ends its run", "[regret]") {
  Scripted tool{[](std::int64_t t) { return t < 3 ? std::optional{at(0.5)} : std::nullopt; }};
  CHECK(go(tool, setting(10, 2)).finished == 3);
}

TEST_CASE("with noise the tool is told one thing and the run keeps another", "[regret]") {
  Scripted tool{[](std::int64_t) { return at(0.5); }};
  const Run r = go(tool, setting(30, 1, 0.5));
  for (const auto& [n, value] : r.best) CHECK(value == 0.0625);
  CHECK(r.best.size() > 1);  // Noise made it look better more than once.
  CHECK(tool.told.front() != 0.0625);
}

TEST_CASE("a run reads back as it was written", "[regret]") {
  const Run r = runs_of("random", parabola(), 3, 1, 20).front();
  const Run back = read_run(to_json(r)).value();
  CHECK(to_json(back) == to_json(r));
  CHECK(back.best == r.best);
  CHECK_FALSE(read_run("{\"tool\": 1}"));
  CHECK_FALSE(read_run("[]"));
}

TEST_CASE("a campaign does not do again what its file holds", "[regret]") {
  const Scratch scratch;
  Campaign c;
  c.tool = sampler_tool("random").value();
  c.problems = {parabola()};
  c.seeds = {0, 1, 2};
  c.setting = setting(10);
  c.out = scratch / "out.jsonl";
  CHECK(carry_out(c).value().done == 3);
  c.seeds.push_back(3);
  c.jobs = 2;
  const auto second = carry_out(c).value();
  CHECK((second.done == 1 && second.kept == 3));
  CHECK(read_runs(c.out).value().size() == 4);
}

TEST_CASE("samplers are named with their options, and unknown ones are refused", "[regret]") {
  CHECK_FALSE(sampler_tool("rando"));
  CHECK_FALSE(sampler_tool("grid:pints=3"));
  CHECK_FALSE(sampler_tool("grid:points=0"));
  CHECK(sampler_tool("grid:points=3").value()().value()->name() == "grid:points=3");
}

TEST_CASE("a sampler whose proposals are moved to other rows does not propose them again", "[regret]") {
  Problem p = parabola();
  p.nearest = [](const Params&) { return at(0.25); };
  const auto tool = sampler_tool("grid:points=3").value()().value();
  const Run r = run(*tool, p, measure_reference(p), setting(20)).value();
  CHECK(r.finished == 3);
  CHECK(r.best.front().second == 0);
}
