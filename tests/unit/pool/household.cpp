// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/household.hpp"

#include <catch2/catch.hpp>

#include "unit/link/rig.hpp"

using namespace tune;

namespace {

/// What a household says, as text.
Household::Callbacks noting(test::Events& events) {
  return {[&events](const std::vector<Observation>& seen, Time) {
            for (const auto& one : seen)
              if (const auto* exited = std::get_if<Exited>(&one))
                events.add("exited " + std::to_string(exited->trial.value) + "/" + std::to_string(exited->attempt) + " " +
                           std::string(to_text(exited->cause)) + ": " + exited->text);
          },
          [&events](const std::string& line) { events.add("told " + line); }};
}

Lease lease_of(std::int64_t trial, int attempt) {
  Lease lease;
  lease.launch.trial = {trial}, lease.launch.attempt = attempt;
  lease.launch.ranks = {Seat{}};
  return lease;
}

}  // namespace

TEST_CASE("where no trial can run every lease comes back with the reason, and the agent says it", "[pool]") {
  const Scratch folder;
  Spec spec;
  spec.name = "digits";
  spec.command = {"train", "${params.lr"};
  test::Events events;
  Household household(spec, {spec, folder / "digits", folder / "checkpoints"}, {}, {}, noting(events));
  household.lease(lease_of(3, 1));
  household.ask([&events](TrialHost&) { events.add("asked"); });
  household.lease(lease_of(4, 2));
  const auto why = events.take("told no trial of digits can run here: ").substr(std::string("told no trial of digits can run here: ").size());
  CHECK_FALSE(why.empty());
  CHECK(events.take("exited 3/1") == "exited 3/1 exec: " + why);
  CHECK(events.take("exited 4/2") == "exited 4/2 exec: " + why);
  CHECK_FALSE(events.has("asked"));
}
