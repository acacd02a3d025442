// SPDX-License-Identifier: Apache-2.0
#include "tuner/instances.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec spec_on(std::vector<std::string> instances, bool by_instance = true) {
  Spec spec = small_spec();
  spec.instances = std::move(instances);
  spec.command = {"solve", by_instance ? "${instance}" : "all"};
  spec.objectives.front().reduce = Objective::Reduce::mean_last_k;
  spec.objectives.front().k = static_cast<int>(spec.instances.size());
  return spec;
}

}  // namespace

TEST_CASE("instances come in an order that the seed draws, each once, and every order is drawn", "[instances]") {
  std::set<std::vector<std::size_t>> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    auto order = instance_order(seed, 4);
    CHECK(order == instance_order(seed, 4));
    seen.insert(order);
    std::sort(order.begin(), order.end());
    CHECK(order == std::vector<std::size_t>{0, 1, 2, 3});
  }
  CHECK(seen.size() == 24);
  CHECK(instance_order(1, 0).empty());
}

TEST_CASE("all trials share the seed of an instance, and repeats have their own", "[instances]") {
  const Spec spec = spec_on({"a", "b"});
  Trial one, other, repeat;
  one.id = {0}, other.id = {5}, repeat.id = {6}, repeat.replicate_of = TrialId{0};
  CHECK(seed_of(spec, one) == seed_of(spec, other));
  CHECK(seed_of(spec, one) != seed_of(spec, repeat));
  other.last_step = 1;
  CHECK(seed_of(spec, one) != seed_of(spec, other));
  CHECK(seed_of(small_spec(), one) != seed_of(small_spec(), other));
}

TEST_CASE("a command is for one instance where it names it", "[instances]") {
  CHECK(launches_by_instance(spec_on({"a"})));
  CHECK_FALSE(launches_by_instance(spec_on({"a"}, false)));
  Spec escaped = spec_on({"a"});
  escaped.command = {"p", "$${instance}"};
  CHECK_FALSE(launches_by_instance(escaped));
  escaped.command = {"p", "$$${instance}"};
  CHECK(launches_by_instance(escaped));
}

TEST_CASE("a trial is launched again for each instance, and complete with their mean after the last", "[instances]") {
  Rig rig{spec_on({"a", "b", "c"}), 1};
  CHECK(rig.decide() == "Propose 0, Launch 0");
  rig.report(0, 1, 1);
  rig.exits(0);
  CHECK(rig.decide() == "Launch 0");
  rig.report(0, 2, 2, 2);
  rig.exits(0, Cause::done, 2);
  CHECK(rig.decide() == "Launch 0");
  rig.report(0, 3, 6, 3);
  rig.exits(0, Cause::done, 3);
  CHECK(rig.decide() == "Settle 0 complete, Propose 1, Launch 1");
  CHECK(rig.trial(0).values == std::vector{3.0});
  CHECK(rig.experiment->history().best() == TrialId{0});
}

TEST_CASE("a program that says nothing of its instance has failed there, and is not launched for ever", "[instances]") {
  Rig rig{spec_on({"a", "b", "c"}), 1};
  rig.decide();
  rig.report(0, 1, 1);
  rig.exits(0);
  rig.decide();
  rig.exits(0, Cause::done, 2);
  CHECK(rig.decide().starts_with("Settle 0 failed"));
  const auto why = std::find_if(rig.journal.begin(), rig.journal.end(), [](const Record& r) { return r.as<Settle>(); })->decided()->reason.why;
  CHECK(why == "no-metric on instance 2, `" + instance_after(*rig.spec, 1) + "`: it ended without reporting `loss`");
}

TEST_CASE("an attempt that fails is retried on its instance; what was done before stands", "[instances]") {
  Spec spec = spec_on({"a", "b"});
  spec.retry.max = 1;
  spec.retry.on = {Cause::exit};
  spec.retry.backoff = Duration{0};
  Rig rig{spec, 1};
  rig.decide();
  rig.report(0, 1, 1);
  rig.exits(0);
  rig.decide();
  rig.exits(0, Cause::exit, 2);
  CHECK(rig.decide() == "Retry 0, Launch 0");
  CHECK(rig.trial(0).last_step == 1);
  rig.report(0, 2, 3, 3);
  rig.exits(0, Cause::done, 3);
  CHECK(rig.decide().starts_with("Settle 0 complete"));
  CHECK(rig.trial(0).values == std::vector{2.0});
}

TEST_CASE("a trial that is lost after its last instance is complete", "[instances]") {
  Rig rig{spec_on({"a"}), 1};
  rig.decide();
  rig.report(0, 1, 1);
  rig.exits(0, Cause::lost);
  CHECK(rig.decide().starts_with("Settle 0 complete"));
}

TEST_CASE("a trial that was stopped before its last instance is never best and reaches no target", "[instances]") {
  Spec spec = spec_on({"a", "b"});
  spec.stop.target = {{"loss", 1.0}};
  Rig rig{spec, 1};
  rig.decide();
  rig.report(0, 1, 0.5);
  rig.decided(Stop{TrialId{0}, 1, TrialState::stopped, {}});
  rig.exits(0, Cause::stopped);
  CHECK(rig.decide() == "Settle 0 stopped, Propose 1, Launch 1");
  CHECK_FALSE(rig.experiment->history().best());
}

TEST_CASE("between two instances a trial can be paused without a checkpoint", "[instances]") {
  Rig rig{spec_on({"a", "b", "c"}), 1};
  rig.decide();
  rig.report(0, 1, 1);
  rig.decided(Pause{TrialId{0}, 1, {}});
  rig.exits(0);
  CHECK(rig.trial(0).state == TrialState::paused);
  CHECK(rig.trial(0).last_step == 1);
}
