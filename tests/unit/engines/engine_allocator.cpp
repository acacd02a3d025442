// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/engine_allocator.hpp"

#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Trials of one cpu each, on agents of one cpu each.
Spec on_slurm(std::int64_t trials, std::int64_t agents) {
  Spec spec = small_spec();
  spec.stop.trials = trials;
  spec.executor = {"slurm", {{"max_agents", agents}, {"idle", std::string{"60s"}}}};
  return spec;
}

Rig rig_of(Spec spec) {
  return Rig{std::move(spec), [](const Spec& s) {
               auto made = engine_allocator(s);
               REQUIRE(made);
               return std::move(*made);
             }};
}

/// The agent of an allocation joins, as the worker of the same number.
void joins(Rig& rig, std::int64_t allocation) {
  for (const auto& record : rig.journal)
    if (const auto* asked = record.as<Allocate>(); asked && asked->allocation == allocation) return rig.joins(allocation, 1, std::string{asked->key});
}

const Release& last_release(const Rig& rig) { return *rig.journal.back().as<Release>(); }

}  // namespace

TEST_CASE("agents are asked for as many as trials could use, and trials begin as they come", "[allocator]") {
  auto rig = rig_of(on_slurm(3, 2));
  CHECK(rig.decide() == "Allocate, Allocate");
  joins(rig, 1);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  joins(rig, 2);
  CHECK(rig.decide() == "Propose 1, Launch 1");
}

TEST_CASE("agents that have nothing to do are let go after a while, and not before", "[allocator]") {
  auto rig = rig_of(on_slurm(2, 2));
  rig.decide(), joins(rig, 1), joins(rig, 2), rig.decide();
  rig.report(0, 1, 0.5), rig.exits(0);
  CHECK(rig.decide() == "Settle 0 complete");
  rig.pass(59);
  CHECK(rig.decide().empty());
  rig.pass(1);
  CHECK(rig.decide() == "Release");
  CHECK(last_release(rig) == Release{1, std::nullopt, "drain"});
}

TEST_CASE("the end lets go of every allocation once nothing lives there, before the experiment is finished", "[allocator]") {
  auto rig = rig_of(on_slurm(1, 2));
  rig.decide(), joins(rig, 1), rig.decide();
  rig.decided(Finish{0, TrialState::stopped});
  CHECK(rig.decide() == "Stop 0");
  CHECK_FALSE(rig.experiment->finished());
  rig.report(0, 1, 0.5), rig.exits(0, Cause::stopped);
  CHECK_FALSE(rig.experiment->finished());
  CHECK(rig.decide() == "Settle 0 stopped, Release");
  CHECK(last_release(rig) == Release{1, std::nullopt, "cancel"});
  CHECK(rig.journal.back().decided()->reason.why == "the experiment is over");
  CHECK(rig.experiment->finished());
}

TEST_CASE("after a restart allocations are asked for again by their keys, and those to be cancelled are cancelled", "[allocator]") {
  auto rig = rig_of(on_slurm(2, 2));
  rig.decide();
  const Allocate second = *rig.journal.back().as<Allocate>();
  rig.decided(Release{1, std::nullopt, "cancel"});
  const auto again = rig.experiment->unsettled();
  REQUIRE(again.size() == 3);
  CHECK(std::get<Release>(again[0].what) == Release{1, std::nullopt, "cancel"});
  CHECK(std::get<Allocate>(again[1].what).allocation == 1);
  CHECK(std::get<Allocate>(again[2].what) == second);
  rig.see(AllocationChanged{1, "", "ended", "it was cancelled", "", std::nullopt});
  CHECK(rig.experiment->unsettled().size() == 1);
}

TEST_CASE("an agent that no trial fits is found before anything is asked for", "[allocator]") {
  Spec spec = on_slurm(2, 2);
  spec.resources.cpus = 4;
  spec.executor.options.set("per_agent", std::string{R"({"cpu": 2})"});
  const auto made = engine_allocator(spec);
  REQUIRE_FALSE(made);
  CHECK(made.error().message == "no trial fits an agent: `resources` asks for more than `executor.per_agent` has");
}

TEST_CASE("an engine is not asked for agents that lack a label which trials require", "[allocator]") {
  Spec spec = on_slurm(1, 1);
  spec.required_labels = {"gpu=a100", "arch=riscv"};  // What a machine is by itself shows when it is there.
  const auto refused = engine_allocator(spec);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "requires: agents that `slurm` places bear no label `gpu=a100`");
  spec.executor = {"slurm", {{"labels", std::string{R"(["gpu=a100"])"}}}};
  CHECK(engine_allocator(spec));
  spec.executor = {"slurm", {{"labels", std::string{R"(["gpu a100"])"}}}};
  CHECK_FALSE(engine_allocator(spec));
}
