// SPDX-License-Identifier: Apache-2.0
// Trials that grow at the end of an experiment, in virtual time.
#include <catch2/catch.hpp>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec growing(double most) {
  Spec spec = simulated_spec(mixed_space());
  spec.stop.trials = 12;
  if (most > 1) {
    spec.grow = GrowSpec{spec.resources, 3};
    spec.grow->max.cpus = most;
  }
  return spec;
}

SimulatorOptions eight_cpus() {
  SimulatorOptions o;
  o.workers = 1, o.slots = 8;
  o.scaling = 0.9;
  return o;
}

double ends(const World& w) {
  double last = 0;
  for (const auto& r : w.store.records()) last = std::max(last, r.at.seconds);
  return last;
}

}  // namespace

TEST_CASE("an experiment whose last trials grow is over sooner, and every trial measures the same", "[simulation]") {
  World plain{growing(1), eight_cpus()}, grows{growing(8), eight_cpus()};
  REQUIRE(plain.run());
  REQUIRE(grows.run());
  CHECK(grows.wrong() == "");
  CHECK(grows.table() == plain.table());
  CHECK(ends(grows) < ends(plain) - 5);  // 54 steps in two waves of eight and four trials.
}

TEST_CASE("whatever record the process is killed after, trials that grow come to their end", "[simulation]") {
  Spec spec = growing(4);
  spec.stop.trials = 6;
  auto options = eight_cpus();
  options.slots = 4;
  options.faults.crash = 0.05, options.faults.preempt = 0.1;
  World undisturbed{spec, options};
  REQUIRE(undisturbed.run());
  REQUIRE(undisturbed.decisions().find("Resize") != std::string::npos);
  const Seq records = undisturbed.store.durable();
  for (Seq kill = 3; kill < records; ++kill) {
    World world{spec, options};
    world.run(kill);
    INFO("killed after record " << kill);
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
  }
}

TEST_CASE("growth decides the same from the same facts", "[simulation]") {
  World world{growing(8), eight_cpus()};
  REQUIRE(world.run());
  Experiment again{world.spec, sampler_entry("random").make({world.spec.space, world.spec.objectives, world.spec.seed, {}}).value(),
                   make_scheduler(world.spec).value()};
  int resized = 0;
  for (const auto& r : world.store.records()) {
    if (const auto* d = r.decided(); d && r.as<Resize>()) {
      ++resized;
      REQUIRE(again.next() == *d);
    }
    again.apply(r);
  }
  CHECK(resized > 0);
}

TEST_CASE("trials that grow survive workers that are lost and come back", "[simulation]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto options = eight_cpus();
    options.workers = 3, options.slots = 2, options.seed = seed;
    options.faults.worker_loss = 30, options.repair_seconds = 20;
    World world{growing(2), options};
    INFO("seed " << seed);
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
  }
}
