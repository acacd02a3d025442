// SPDX-License-Identifier: Apache-2.0
// How a schedule is followed: tests/simulation/pbt.cpp.
#include "schedulers/replay.hpp"

#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

namespace replay_test {

using namespace tune;
using namespace tune::test;

TEST_CASE("replay refuses what cannot work, and says what would", "[replay]") {
  const auto refused = [](const Spec& spec, const std::string& schedule) {
    return replay().make({spec, {{"schedule", schedule}}}).error().message;
  };
  const std::string steps = R"([{"step": 0, "params": {"x": 1}}, {"step": 20, "params": {"x": 2}}])";
  Spec spec = small_spec();
  CHECK(refused(spec, steps).find("must be able to save") != std::string::npos);
  spec.checkpoint.emplace();
  CHECK(refused(spec, "[]") == "scheduler.schedule: a list of steps and parameters");
  spec.instances = {"a", "b"};
  CHECK(refused(spec, steps).find("results on the instances") != std::string::npos);
}

}  // namespace replay_test
