// SPDX-License-Identifier: Apache-2.0
// Where a trial goes on from, fact by fact.
#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec saving_spec(int keep = 1) {
  Spec spec = small_spec();
  spec.checkpoint = CheckpointSpec{keep, false, {}, {}};
  return spec;
}

/// Two trials that run and have saved at steps 1 and 2.
struct Pair : Rig {
  explicit Pair(Spec settings = saving_spec()) : Rig(std::move(settings)) {
    decide();
    for (const int t : {0, 1}) {
      starts(t);
      for (const int step : {1, 2}) report(t, step, 0.5), saves(t, step);
      decide();
    }
  }
  void clone(int trial, int donor, Params params = {{"x", std::int64_t{99}}}) {
    decided(Exploit{TrialId{trial}, TrialId{donor}, std::to_string(donor) + "@2", 2, std::move(params), false, 1, 9});
  }
  const Launch& last_launch() const {
    for (auto r = journal.rbegin();; ++r)
      if (const auto* l = r->as<Launch>()) return *l;
  }
};

}  // namespace

TEST_CASE("a trial that saves although its config has no checkpoint goes on from there", "[checkpoints]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.starts(0);
  rig.report(0, 1, 0.5);
  rig.saves(0, 1);
  rig.exits(0, Cause::shutdown);
  CHECK(rig.decide() == "Launch 0");
  CHECK(rig.trial(0).checkpoint == "0@1");
}

TEST_CASE("older checkpoints are collected once a newer one is safe", "[checkpoints]") {
  Pair rig;
  std::vector<std::string> collected;
  for (const auto& r : rig.journal)
    if (const auto* c = r.as<Collect>()) collected.insert(collected.end(), c->checkpoints.begin(), c->checkpoints.end());
  CHECK(collected == std::vector<std::string>{"0@1", "1@1"});
}

TEST_CASE("a clone goes on from its donor's checkpoint with its new parameters", "[checkpoints]") {
  Pair rig;
  rig.clone(0, 1);
  rig.exits(0, Cause::exploited);
  rig.decide();
  CHECK(rig.last_launch().trial == TrialId{0});
  CHECK(rig.last_launch().form == Form::resume);
  CHECK(rig.last_launch().from == "1@2");
  CHECK(rig.last_launch().params == Params{{"x", std::int64_t{99}}});
  CHECK(rig.last_launch().until_step == 9);
}

TEST_CASE("what the course that a clone has left still reports and saves does not count", "[checkpoints]") {
  Pair rig;
  rig.clone(0, 1);
  rig.report(0, 7, 0.001);
  rig.saves(0, 7);
  rig.exits(0, Cause::exploited);
  rig.report(0, 8, 0.001);
  CHECK(rig.trial(0).last_step == 2);
  CHECK(rig.trial(0).checkpoint == "1@2");
}

TEST_CASE("a clone goes on from its donor however its old attempt ends", "[checkpoints]") {
  for (const Cause cause : {Cause::done, Cause::exit, Cause::lost, Cause::oom}) {
    Pair rig;
    rig.clone(0, 1);
    rig.exits(0, cause);
    INFO(to_text(cause));
    CHECK(rig.decide().find("Launch 0") != std::string::npos);
    CHECK(rig.last_launch().from == "1@2");
  }
}

TEST_CASE("a donor's checkpoint stays while its clone needs it", "[checkpoints]") {
  Pair rig;
  rig.clone(0, 1);
  rig.report(1, 3, 0.4);
  rig.saves(1, 3);
  CHECK(rig.decide() == "");
  rig.exits(0, Cause::exploited);
  rig.decide();
  rig.starts(0, 2);
  rig.report(0, 3, 0.3, 2);
  rig.saves(0, 3, 2);
  CHECK(rig.decide() == "Collect");
}

TEST_CASE("a clone whose donor's checkpoint is lost goes on from its own", "[checkpoints]") {
  Pair rig;
  rig.clone(0, 1);
  rig.see(CheckpointLost{"1@2", "the disk"});
  CHECK(rig.trial(0).checkpoint == "0@2");
  CHECK(rig.trial(1).checkpoint == "");
}

TEST_CASE("a person's stop overtakes an exploit", "[checkpoints]") {
  Pair rig;
  rig.clone(0, 1);
  rig.decided(Stop{TrialId{0}, 1, TrialState::cancelled, {}});
  rig.exits(0, Cause::cancelled);
  rig.decide();
  CHECK(rig.trial(0).state == TrialState::cancelled);
}

TEST_CASE("an experiment is not over before its collections are", "[checkpoints]") {
  Pair rig;
  rig.see(Collected{{"0@1"}, 1});
  rig.decided(Finish{0, {}});
  for (const int t : {0, 1}) rig.exits(t);
  rig.decide();
  CHECK_FALSE(rig.experiment->finished());
  REQUIRE(rig.experiment->unsettled().size() == 1);
  rig.see(Collected{{"1@1"}, 1});
  CHECK(rig.experiment->finished());
}
