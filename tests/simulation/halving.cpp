// SPDX-License-Identifier: Apache-2.0
// Schedulers that halve, in whole experiments.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Params steps(std::int64_t max_step, Params more = {}) {
  more.set("max_step", max_step);
  return more;
}

Spec halving(std::string scheduler, Params options, std::int64_t trials) {
  Spec spec = simulated_spec(mixed_space());
  spec.scheduler = {std::move(scheduler), std::move(options)};
  spec.stop.trials = trials;
  return spec;
}

SimulatorOptions uneven(int workers) {
  SimulatorOptions options;
  options.workers = workers;
  options.jitter = 0.5;
  options.spread = 1;
  return options;
}

// How many trials were recorded at each (bracket, rung).
std::map<std::pair<int, int>, int> recorded(const World& world) {
  std::map<std::pair<int, int>, int> all;
  for (const auto& r : world.store.records()) {
    const auto count = [&](const std::optional<Rung>& rung) {
      if (rung) ++all[{rung->bracket, rung->rung}];
    };
    if (const auto* e = r.as<Extend>()) count(e->rung);
    if (const auto* p = r.as<Pause>()) count(p->rung);
    if (const auto* s = r.as<Stop>()) count(s->rung);
  }
  return all;
}

// Share of the slots' time that was idle while there were trials to begin.
double idle_share(const World& world, int slots) {
  const auto records = world.store.records();
  const auto last = std::find_if(records.rbegin(), records.rend(), [](const Record& r) { return r.as<Propose>(); })->at;
  double idle = 0, begun = -1, before = 0;
  int live = 0;
  for (const auto& r : records) {
    if (last < r.at) break;
    if (begun >= 0) idle += (r.at.seconds - before) * (slots - live);
    before = r.at.seconds;
    if (r.as<Launch>()) ++live, begun = begun < 0 ? r.at.seconds : begun;
    if (r.as<Exited>()) --live;
  }
  return idle / ((before - begun) * slots);
}

// The least loss that was reported within so many steps of all trials together.
double best_within(const World& world, std::int64_t budget) {
  double best = INFINITY;
  for (const auto& r : world.store.records())
    if (const auto* report = r.as<Reported>()) {
      if (budget-- == 0) break;
      best = std::min(best, report->metrics.values.front());
    }
  REQUIRE(budget <= 0);
  return best;
}

// Geometric mean over seeds of what the search's best loss is, relative to random's after the same number of steps.
double against_random(const std::string& search) {
  double sum = 0;
  constexpr int kSeeds = 6;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const auto best = [&](const std::string& name) {
      Spec spec = halving("asha", steps(27), 150);
      spec.seed = static_cast<std::uint64_t>(seed);
      spec.search = {name, {}};
      SimulatorOptions options;
      options.workers = 4;
      World world{spec, options};
      REQUIRE(world.run());
      return best_within(world, 400);
    };
    sum += std::log(best(search) / best("random"));
  }
  return std::exp(sum / kSeeds);
}

}  // namespace

TEST_CASE("hyperband gives every rung as many trials as the paper does, whatever the workers", "[simulation]") {
  const std::map<std::pair<int, int>, int> paper = {{{0, 0}, 27}, {{0, 1}, 9}, {{0, 2}, 3}, {{0, 3}, 1},
                                                    {{1, 0}, 12}, {{1, 1}, 4}, {{1, 2}, 1}, {{2, 0}, 6},
                                                    {{2, 1}, 2},  {{3, 0}, 4}};
  for (const int workers : {1, 8, 1000}) {
    World world{halving("hyperband", steps(27), 27 + 12 + 6 + 4), uneven(workers)};
    INFO(workers << " workers");
    REQUIRE(world.run());
    CHECK(world.wrong() == "");
    CHECK(recorded(world) == paper);
  }
}

TEST_CASE("no slot waits for the stragglers of a rung", "[simulation]") {
  for (const std::string mode : {"sync", "async"}) {
    World world{halving("hyperband", steps(27, {{"mode", mode}}), 200), uneven(8)};
    INFO(mode);
    REQUIRE(world.run());
    CHECK(idle_share(world, 8) < 0.001);
  }
}

TEST_CASE("hyperband ends whatever share of a bracket the budget allows", "[simulation]") {
  for (std::int64_t trials = 1; trials <= 30; ++trials) {
    World world{halving("hyperband", steps(9), trials), uneven(3)};
    INFO(trials << " trials");
    REQUIRE(world.run());
    CHECK(world.wrong() == "");
    CHECK(world.table().find("complete") != std::string::npos);
  }
}

TEST_CASE("trials that never report, or end before a rung, end the experiment all the same", "[simulation]") {
  for (const std::string scheduler : {"asha", "hyperband"}) {
    Spec spec = halving(scheduler, steps(1000, {{"min_step", std::int64_t{100}}}), 20);  // Trials have 27 steps.
    World world{spec, uneven(4)};
    INFO(scheduler);
    REQUIRE(world.run());
    CHECK(world.wrong() == "");
    CHECK(recorded(world).empty());
  }
}

TEST_CASE("pasha stops adding steps once they change no order", "[simulation]") {
  const auto furthest = [](Params options) {
    World world{halving("asha", std::move(options), 200), uneven(4)};
    REQUIRE(world.run());
    CHECK(world.wrong() == "");
    std::int64_t step = 0;
    for (const auto& r : world.store.records())
      if (const auto* report = r.as<Reported>()) step = std::max(step, report->step);
    return step;
  };
  CHECK(furthest({}) == 27);
  CHECK(furthest({{"max_step", std::string{"auto"}}, {"eta", 2.0}}) < 27);
}

TEST_CASE("tpe and gp learn from trials that were paused at rungs", "[simulation]") {
  CHECK(against_random("tpe") < 0.8);
  CHECK(against_random("gp") < 0.8);
}
