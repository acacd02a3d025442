// SPDX-License-Identifier: Apache-2.0
#include "tuner/repeats.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec three_seeds(Replicates::Reduce how = Replicates::Reduce::mean, std::int64_t trials = 100) {
  Spec spec = small_spec();
  spec.replicates = {3, how};
  spec.stop.trials = trials;
  return spec;
}

/// One trial from launch to its end.
void runs(Rig& rig, int trial, double loss) { rig.starts(trial), rig.report(trial, 1, loss), rig.exits(trial); }
void fails(Rig& rig, int trial) { rig.starts(trial), rig.exits(trial, Cause::exit); }

/// Twelve trials with the losses 0 to 11, to the end.
Rig finished() {
  Spec spec = small_spec();
  spec.stop.trials = 12;
  Rig rig(spec, 12);
  rig.decide();
  for (int t = 0; t < 12; ++t) runs(rig, t, t), rig.decide();
  REQUIRE(rig.experiment->finished());
  return rig;
}

Requested confirm(std::int64_t count) {
  Requested r;
  r.verb = "confirm", r.params = {{"count", count}};
  return r;
}

}  // namespace

TEST_CASE("replicates follow a trial that completed, and settle it again with what they reduce to", "[repeats]") {
  Rig rig(three_seeds(), 1);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  runs(rig, 0, 1);
  CHECK(rig.decide() == "Settle 0 complete, Propose 1, Launch 1");
  CHECK(rig.trial(1).replicate_of == TrialId{0});
  CHECK(rig.trial(1).params == rig.trial(0).params);
  CHECK_FALSE(rig.experiment->history().best());
  runs(rig, 1, 2);
  CHECK(rig.decide() == "Settle 1 complete, Propose 2, Launch 2");
  runs(rig, 2, 6);
  CHECK(rig.decide() == "Settle 2 complete, Settle 0 complete, Propose 3, Launch 3");
  CHECK(rig.trial(0).values == std::vector<double>{3});
  CHECK(rig.experiment->history().best() == TrialId{0});
  CHECK_FALSE(rig.trial(3).replicate_of);
}

TEST_CASE("replicates reduce to their mean, median or worst", "[repeats]") {
  using Reduce = Replicates::Reduce;
  for (const auto& [how, expected] : {std::pair{Reduce::mean, 4.0}, {Reduce::median, 2.0}, {Reduce::worst, 9.0}}) {
    Rig rig(three_seeds(how), 1);
    for (int t = 0; t < 3; ++t) rig.decide(), runs(rig, t, std::vector<double>{1, 9, 2}[static_cast<std::size_t>(t)]);
    rig.decide();
    CHECK(rig.trial(0).values == std::vector<double>{expected});
  }
}

TEST_CASE("the best is the best of the reduced values, not the luckiest run", "[repeats]") {
  Rig rig(three_seeds(), 1);
  const std::vector<double> losses{0, 9, 9, 4, 4, 4};
  for (int t = 0; t < 6; ++t) rig.decide(), runs(rig, t, losses[static_cast<std::size_t>(t)]);
  rig.decide();
  CHECK(rig.experiment->history().best() == TrialId{3});
}

TEST_CASE("a configuration that fails, or breaks a bound, is not repeated", "[repeats]") {
  auto spec = three_seeds();
  spec.outcome_constraints = {{"loss", {}, 5}};
  Rig rig(spec, 1);
  rig.decide(), fails(rig, 0);
  CHECK(rig.decide() == "Settle 0 failed, Propose 1, Launch 1");
  runs(rig, 1, 7);
  CHECK(rig.decide() == "Settle 1 complete, Propose 2, Launch 2");
  CHECK_FALSE(rig.trial(2).replicate_of);
}

TEST_CASE("a failed replicate is left out while most succeed; the worst is a failure", "[repeats]") {
  Rig rig(three_seeds(), 1);
  rig.decide(), runs(rig, 0, 1), rig.decide(), fails(rig, 1), rig.decide(), runs(rig, 2, 3), rig.decide();
  CHECK(rig.trial(0).state == TrialState::complete);
  CHECK(rig.trial(0).values == std::vector<double>{2});

  Rig strict(three_seeds(Replicates::Reduce::worst), 1);
  strict.decide(), runs(strict, 0, 1), strict.decide(), fails(strict, 1), strict.decide(), runs(strict, 2, 3), strict.decide();
  CHECK(strict.trial(0).state == TrialState::failed);
  CHECK_FALSE(strict.experiment->history().best());
}

TEST_CASE("a replicate that a person cancels is replaced by another seed", "[repeats]") {
  Rig rig(three_seeds(), 1);
  rig.decide(), runs(rig, 0, 1), rig.decide();
  Requested cancel;
  cancel.verb = "cancel", cancel.trial = TrialId{1};
  rig.starts(1), rig.see(cancel), rig.decide(), rig.exits(1, Cause::cancelled);
  CHECK(rig.decide() == "Settle 1 cancelled, Propose 2, Launch 2");
  CHECK(rig.trial(2).replicate_of == TrialId{0});
}

TEST_CASE("no configuration is begun that the budget cannot repeat", "[repeats]") {
  Rig rig(three_seeds(Replicates::Reduce::mean, 7), 4);
  CHECK(rig.decide() == "Propose 0, Launch 0, Propose 1, Launch 1");
  int done = 0;
  while (!rig.experiment->finished() && done < rig.experiment->history().size()) runs(rig, done++, 1), rig.decide();
  CHECK(done == 6);
  CHECK(rig.experiment->history().finish_why() == "all 6 trials are done");
}

TEST_CASE("the sampler hears of a configuration once, the scheduler of its first trial", "[repeats]") {
  class Listening final : public Sampler {
   public:
    explicit Listening(std::vector<std::string>& heard) : heard_(heard) {}
    void learn(const Record& r) override {
      if (const auto* s = r.as<Settle>()) heard_.push_back(std::to_string(s->trial.value) + " " + std::to_string(s->values.at(0)));
      if (const auto* p = r.as<Propose>()) heard_.push_back("propose " + std::to_string(p->trial.value));
    }
    std::optional<Proposal> propose(TrialId t, Rng) const override { return Proposal{{{"x", t.value}}, "", {}}; }

   private:
    std::vector<std::string>& heard_;
  };
  std::vector<std::string> heard;
  Rig rig(three_seeds(), 1);
  rig.experiment = std::make_unique<Experiment>(*rig.spec, std::make_unique<Listening>(heard), std::make_unique<EagerScheduler>());
  for (const auto& r : rig.journal) rig.experiment->apply(r);
  for (int t = 0; t < 3; ++t) rig.decide(), runs(rig, t, t);
  rig.decide();
  CHECK(heard == std::vector<std::string>{"propose 0", "0 1.000000", "propose 3"});
}

TEST_CASE("a retried configuration is reduced again", "[repeats]") {
  Rig rig(three_seeds(), 1);
  for (int t = 0; t < 3; ++t) rig.decide(), runs(rig, t, t + 1.0);
  rig.decide();
  runs(rig, 3, 9), rig.decide();
  Requested retry;
  retry.verb = "retry", retry.trial = TrialId{0};
  rig.see(retry), rig.decide();
  CHECK_FALSE(rig.experiment->history().best());
  runs(rig, 4, 9), rig.decide();
  rig.starts(0, 2), rig.report(0, 2, 7, 2), rig.exits(0, Cause::done, 2), rig.decide();
  CHECK(rig.trial(0).values == std::vector<double>{4});
  CHECK(rig.experiment->history().best() == TrialId{0});
}

TEST_CASE("the leaders are confirmed by sequential halving, with three and then five seeds", "[repeats][confirm]") {
  Rig rig = finished();
  CHECK_FALSE(rig.experiment->objection(confirm(5)));
  rig.see(confirm(5));
  rig.decide();
  CHECK(rig.experiment->history().confirming());
  CHECK(rig.experiment->history().size() == 12 + 15);
  int next = 12;
  // Trial 0 was lucky: re-run it is the worst. Trials 1, 2 and 3 go into the second round.
  while (!rig.experiment->finished() && next < rig.experiment->history().size()) {
    const auto of = rig.trial(next).replicate_of->value;
    runs(rig, next, of == 0 ? 50 : static_cast<double>(of) + (next % 2) * 0.5), rig.decide();
    ++next;
  }
  CHECK(rig.experiment->finished());
  CHECK(rig.experiment->history().size() == 12 + 15 + 6);
  CHECK(rig.experiment->history().best() == TrialId{1});
  CHECK(rig.experiment->history().finish_why().substr(0, 17) == "confirmed trial 1");
}

TEST_CASE("a second confirmation of the same leaders has nothing left to run", "[repeats][confirm]") {
  Rig rig = finished();
  for (int again = 0; again < 2; ++again) {
    rig.see(confirm(2));
    rig.decide();
    for (int t = 12; t < rig.experiment->history().size(); ++t)
      if (!is_final(rig.trial(t).state)) runs(rig, t, 1), rig.decide();
    CHECK(rig.experiment->finished());
    CHECK(rig.experiment->history().size() == 12 + 8);
  }
}

TEST_CASE("a candidate that fails when it is run again stands behind those that do not", "[repeats][confirm]") {
  Rig rig = finished();
  rig.see(confirm(2));
  rig.decide();
  for (int t = 12; t < rig.experiment->history().size(); ++t) {
    const auto of = rig.trial(t).replicate_of->value;
    of == 0 && t < 14 ? fails(rig, t) : runs(rig, t, static_cast<double>(of));
    rig.decide();
  }
  CHECK(rig.experiment->finished());
  CHECK(rig.experiment->history().best() == TrialId{1});
}

TEST_CASE("confirmation is refused while the experiment goes on, and where there is no single best", "[repeats][confirm]") {
  Rig rig(small_spec(), 1);
  rig.decide();
  REQUIRE(rig.experiment->objection(confirm(3)));
  CHECK(rig.experiment->objection(confirm(3))->code == Error::Code::conflict);
  auto two = small_spec();
  two.objectives.push_back({"seconds", false, Objective::Reduce::last, 1});
  CHECK(Rig(two).experiment->objection(confirm(3))->code == Error::Code::invalid);
}

TEST_CASE("what was confirmed takes nothing of the budget", "[repeats][confirm]") {
  Rig rig = finished();
  rig.see(confirm(1));
  rig.decide();
  for (int t = 12; t < 17; ++t) runs(rig, t, 5), rig.decide();
  REQUIRE(rig.experiment->finished());
  rig.spec->stop.trials = 13;
  rig.see(Configured{"{}", "", "stop.trials: 12 -> 13", "test"});
  CHECK(rig.decide() == "Propose 17, Launch 17");
}
