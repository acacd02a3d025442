// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec gangs_of(int ranks, std::string scheduler = "fifo") {
  Spec spec = simulated_spec(mixed_space());
  spec.search = {"random", {}};
  spec.scheduler = {std::move(scheduler), {}};
  spec.gang.ranks = ranks;
  return spec;
}

SimulatorOptions machines(int workers, int slots) {
  SimulatorOptions o;
  o.workers = workers, o.slots = slots;
  return o;
}

/// The most attempts that lived at a time.
std::size_t most_live(const World& world) {
  std::set<TrialId> live;
  std::size_t most = 0;
  for (const auto& r : world.store.records()) {
    if (const auto* l = r.as<Launch>()) live.insert(l->trial);
    if (const auto* e = r.as<Exited>()) live.erase(e->trial);
    most = std::max(most, live.size());
  }
  return most;
}

}  // namespace

TEST_CASE("of two gangs of three with four slots one runs and the other waits, in whatever order things happen", "[simulation][gangs]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Spec spec = gangs_of(3);
    spec.seed = seed;
    spec.stop.trials = 4;
    auto options = machines(2, 2);
    options.seed = seed;
    options.jitter = 1, options.spread = 2;
    World world{spec, options};
    INFO("seed " << seed);
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
    REQUIRE(most_live(world) == 1);
    REQUIRE(world.outcome.exit_code == 0);
  }
}

TEST_CASE("all ranks of a gang are launched together, and gangs fill the machines", "[simulation][gangs]") {
  World world{gangs_of(2), machines(3, 2)};
  REQUIRE(world.run());
  CHECK(world.wrong() == "");
  CHECK(most_live(world) == 3);
  for (const auto& r : world.store.records())
    if (const auto* l = r.as<Launch>()) REQUIRE(l->ranks.size() == 2);
}

TEST_CASE("gangs that are stopped, paused, killed and lose machines come to their end", "[simulation][gangs]") {
  for (const std::string scheduler : {"fifo", "asha"}) {
    Spec spec = gangs_of(3, scheduler);
    if (scheduler == "asha") spec.scheduler.options = with_defaults(scheduler_entry("asha").info, {{"max_step", std::int64_t{9}}});
    auto options = machines(3, 2);
    options.faults.crash = 0.05, options.faults.lost = 0.05, options.faults.preempt = 0.05, options.faults.worker_loss = 20;
    World world{spec, options};
    Seq k = 0;
    int lives = 0;
    while (!world.run(k += 60)) REQUIRE(++lives < 500);
    INFO(scheduler);
    CHECK(world.wrong() == "");
    CHECK(world.table().find("queued") == std::string::npos);
  }
}

TEST_CASE("a gang that no group of workers can ever hold ends the experiment with the reason", "[simulation][gangs]") {
  World world{gangs_of(5), machines(2, 2)};
  REQUIRE(world.run());
  CHECK(world.outcome.exit_code == 3);
  CHECK(world.decisions().find("can ever hold the 5 ranks") != std::string::npos);
}
