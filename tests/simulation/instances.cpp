// SPDX-License-Identifier: Apache-2.0
// Trials that are launched once for each instance, in virtual time.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec on_instances(std::string scheduler, bool logical = false) {
  Spec spec = simulated_spec(mixed_space());
  spec.checkpoint.reset();
  spec.instances = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
  spec.command = {"solve", "${instance}"};
  spec.objectives.front().reduce = Objective::Reduce::mean_last_k;
  spec.objectives.front().k = 12;
  spec.scheduler = {std::move(scheduler), {}};
  spec.logical_order = logical;
  spec.retry.max = 3, spec.retry.on = {Cause::exit, Cause::silence}, spec.retry.backoff = Duration{0};
  return spec;
}

SimulatorOptions faults(int workers) {
  SimulatorOptions o;
  o.workers = workers;
  o.faults.crash = 0.02, o.faults.lost = 0.02, o.faults.preempt = 0.02, o.faults.duplicate = 0.1;
  return o;
}

}  // namespace

TEST_CASE("an attempt is one instance, and what is lost costs that instance alone", "[simulation]") {
  World world{on_instances("fifo"), faults(4)};
  REQUIRE(world.run());
  REQUIRE(world.wrong() == "");
  std::map<std::pair<std::int64_t, int>, std::set<std::int64_t>> steps;
  for (const auto& r : world.store.records())
    if (const auto* report = r.as<Reported>()) steps[{report->trial.value, report->attempt}].insert(report->step);
  for (const auto& [attempt, seen] : steps) CHECK(seen.size() == 1);
  CHECK(world.table().find("complete") != std::string::npos);
}

TEST_CASE("whatever record the process is killed after, a race over instances comes to the same end", "[simulation]") {
  for (const char* scheduler : {"fifo", "racing"})
    for (const bool logical : {false, true}) {
      Spec spec = on_instances(scheduler, logical);
      spec.stop.trials = 4;
      World undisturbed{spec, {}};
      REQUIRE(undisturbed.run());
      const Seq records = undisturbed.store.durable();
      for (Seq kill = 3; kill < records; kill += 3) {
        World world{spec, {}};
        world.run(kill);
        INFO(scheduler << (logical ? ", logical" : "") << ", killed after record " << kill);
        REQUIRE(world.run());
        REQUIRE(world.wrong() == "");
        if (logical) REQUIRE(world.table() == undisturbed.table());
      }
    }
}

TEST_CASE("in logical order a race does not depend on how many workers there are", "[simulation]") {
  World one{on_instances("racing", true), faults(1)}, many{on_instances("racing", true), faults(30)};
  REQUIRE(one.run());
  REQUIRE(many.run());
  CHECK(one.wrong() == "");
  CHECK(one.table() == many.table());
}
