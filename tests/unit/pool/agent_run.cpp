// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/agent_run.hpp"

#include <catch2/catch.hpp>

#include "unit/link/rig.hpp"

using namespace tune;

namespace {

/// An experiment on an agent, open, none of whose trials can run.
struct Quiet {
  const Scratch folder;
  std::int64_t numbered = 0;
  AgentRun run{numbered};

  Quiet() {
    Spec spec;
    spec.name = "digits";
    spec.command = {"train", "${params.lr"};
    const Household::Callbacks nobody{[](const std::vector<Observation>&, Time) {}, [](const std::string&) {}};
    run.household = std::make_unique<Household>(spec, ExecutorContext{spec, folder / "digits", folder / "checkpoints"}, Offer{}, Elsewhere{}, nobody);
    run.open = true;
  }
  void report() { run.keep(Reported{}, {}); }
};

}  // namespace

TEST_CASE("what an agent says for the first time stands for a beat, and its acknowledgement for the answer", "[pool]") {
  Quiet there;
  there.report();
  REQUIRE(there.run.to_say(10).size() == 1);
  there.report();
  REQUIRE(there.run.to_say(11).size() == 1);
  CHECK(there.run.acknowledged(1) == 10.0);
  CHECK(there.run.acknowledged(2) == std::nullopt);  // One is waited for at a time.
  there.report();
  REQUIRE(there.run.to_say(12).size() == 1);
  CHECK(there.run.acknowledged(3) == 12.0);
  CHECK(there.run.acknowledged(3) == std::nullopt);
}

TEST_CASE("what an agent says again tells nothing of when it was heard", "[pool]") {
  Quiet there;
  there.report();
  REQUIRE(there.run.to_say(10).size() == 1);
  there.run.said = there.run.awaited = 0;  // A new connection.
  REQUIRE(there.run.to_say(20).size() == 1);
  CHECK(there.run.acknowledged(1) == std::nullopt);
}
