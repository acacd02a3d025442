// SPDX-License-Identifier: Apache-2.0
// Freeze-thaw in whole experiments.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec freezing(std::int64_t trials, std::uint64_t seed = 1, const char* scheduler = "freeze_thaw") {
  Spec spec = simulated_spec(mixed_space());
  spec.seed = seed;
  spec.scheduler = {scheduler, {}};
  if (spec.scheduler.type != "fifo") spec.scheduler.options.set("max_step", std::int64_t{27});
  if (spec.scheduler.type == "freeze_thaw") spec.scheduler.options.set("interval", std::int64_t{3});
  spec.stop.trials = trials;
  return spec;
}

SimulatorOptions workers(int n) {
  SimulatorOptions options;
  options.workers = n;
  return options;
}

std::int64_t steps_of(const World& world) {
  std::int64_t steps = 0;
  for (const auto& r : world.store.records()) steps += r.as<Reported>() != nullptr;
  return steps;
}

double best_within(const World& world, std::int64_t budget) {
  double best = INFINITY;
  for (const auto& r : world.store.records())
    if (const auto* report = r.as<Reported>(); report && budget-- > 0) best = std::min(best, report->metrics.values.front());
  return best;
}

}  // namespace

TEST_CASE("freeze-thaw tries as many configurations as fifo in fewer steps, and loses little", "[simulation]") {
  double log_ratio = 0;
  std::int64_t steps = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    World thaw{freezing(60, seed), workers(4)}, fifo{freezing(60, seed, "fifo"), workers(4)};
    REQUIRE(thaw.run());
    REQUIRE(fifo.run());
    REQUIRE(thaw.wrong() == "");
    steps += steps_of(thaw), all += steps_of(fifo);
    log_ratio += std::log(best_within(thaw, steps_of(thaw)) / best_within(fifo, steps_of(thaw))) / 6;
  }
  INFO(steps << " of " << all << " steps, best after as many steps relative to fifo " << std::exp(log_ratio));
  CHECK(steps < 0.7 * static_cast<double>(all));
  CHECK(std::exp(log_ratio) < 1);
}

TEST_CASE("freeze-thaw resumes what it has paused, from where it was", "[simulation]") {
  World world{freezing(40), workers(4)};
  REQUIRE(world.run());
  std::set<std::int64_t> paused;
  int resumed = 0;
  for (const auto& r : world.store.records()) {
    if (const auto* p = r.as<Pause>()) paused.insert(p->trial.value);
    if (const auto* l = r.as<Launch>(); l && paused.contains(l->trial.value)) resumed += l->form == Form::resume;
  }
  CHECK(paused.size() > 10);
  CHECK(resumed > 5);
}

TEST_CASE("freeze-thaw ends whatever the budget and the workers", "[simulation]") {
  for (const std::int64_t trials : {1, 2, 3, 4, 7, 30})
    for (const int n : {1, 5, 100}) {
      World world{freezing(trials), workers(n)};
      INFO(trials << " trials, " << n << " workers");
      REQUIRE(world.run());
      CHECK(world.wrong() == "");
      CHECK(world.table().find("complete") != std::string::npos);
    }
}
