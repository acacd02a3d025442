// SPDX-License-Identifier: Apache-2.0
// What ends an experiment with several objectives, and which of its trials are the best.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Loss is made small, speed large; one trial after the other.
Spec trade(StopSpec stop) {
  Spec spec = small_spec();
  Objective speed;
  speed.metric = "speed", speed.maximize = true;
  spec.objectives.push_back(speed);
  spec.stop = std::move(stop);
  return spec;
}

struct TwoGoals : Rig {
  explicit TwoGoals(StopSpec stop = {}) : Rig(trade(std::move(stop)), 1) {}

  void reports(double loss, double speed) {
    decide();
    Reported r;
    r.trial = TrialId{next}, r.attempt = 1, r.seq = r.step = 1, r.metrics = {{"loss", loss}, {"speed", speed}};
    see(r);
  }
  void ends(double loss, double speed) {
    reports(loss, speed);
    exits(next++);
    decide();
  }
  bool ended() const { return experiment->history().finishing(); }
  std::vector<std::int64_t> front() const {
    std::vector<std::int64_t> out;
    for (const auto& member : experiment->history().front().members()) out.push_back(member.trial.value);
    return out;
  }

  int next = 0;
};

}  // namespace

TEST_CASE("the best of several objectives are the trials that no other beats, the first objective's best among them") {
  TwoGoals rig;
  CHECK_FALSE(rig.experiment->history().best());
  rig.ends(2, 5);
  rig.ends(1, 3);
  rig.ends(3, 4);         // Trial 0 beats it.
  rig.ends(0, NAN);
  CHECK(rig.front() == std::vector<std::int64_t>{1, 0});
  CHECK(rig.experiment->history().best() == TrialId{1});
  rig.ends(1, 4);         // As good as trial 1 in the one, better in the other.
  CHECK(rig.front() == std::vector<std::int64_t>{4, 0});
  CHECK(rig.experiment->history().best() == TrialId{4});
}

TEST_CASE("whom only a trial that is tried again beat is of the best once more") {
  TwoGoals rig;
  rig.ends(2, 5);
  rig.ends(1, 6);
  CHECK(rig.front() == std::vector<std::int64_t>{1});
  Requested retry;
  retry.verb = "retry", retry.trial = TrialId{1};
  rig.see(retry);
  rig.decide();
  CHECK(rig.front() == std::vector<std::int64_t>{0});
}

TEST_CASE("one trial must reach the targets of all objectives that have one") {
  StopSpec stop;
  stop.target = {{"loss", 0.5}, {"speed", 4}};
  TwoGoals rig{stop};
  rig.ends(0.1, 3);
  rig.ends(0.9, 9);
  CHECK_FALSE(rig.ended());
  rig.reports(0.5, 4);
  rig.decide();
  CHECK(rig.ended());
  CHECK(rig.experiment->history().finish_why() == "trial 2 reached the target");
}

TEST_CASE("an objective without a target may be anything but unknown") {
  StopSpec stop;
  stop.target = {{"speed", 4}};
  TwoGoals rig{stop};
  rig.ends(NAN, 9);
  rig.ends(9, 3);
  CHECK_FALSE(rig.ended());
  rig.ends(1e9, 4);
  CHECK(rig.ended());
}

TEST_CASE("several objectives stand still when no trial joins the front by more than min_delta") {
  StopSpec stop;
  stop.plateau = StopSpec::Plateau{2, {{"loss", 0.1}}};
  TwoGoals rig{stop};
  rig.ends(1, 1);
  rig.ends(2, 2);      // Better in speed.
  rig.ends(0.95, 1);   // Better in loss, but not enough.
  rig.ends(0.5, 1);
  rig.ends(0.6, 1);
  CHECK_FALSE(rig.ended());
  rig.ends(2, 1.5);
  CHECK(rig.ended());
  CHECK(rig.experiment->history().finish_why() == "no improvement in the last 2 trials");
}
