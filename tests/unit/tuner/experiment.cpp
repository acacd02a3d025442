// SPDX-License-Identifier: Apache-2.0
#include "tuner/experiment.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("slots are filled, one trial each", "[experiment]") {
  Rig rig{small_spec()};
  CHECK(rig.decide() == "Propose 0, Launch 0, Propose 1, Launch 1");
  CHECK(rig.decide().empty());
  CHECK(rig.trial(0).state == TrialState::leased);
}

TEST_CASE("a trial that ends by itself is complete with its last value, and its slot is filled again", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.starts(0);
  CHECK(rig.trial(0).state == TrialState::running);
  rig.report(0, 1, 0.5);
  rig.report(0, 2, 0.25);
  rig.exits(0);
  CHECK(rig.decide() == "Settle 0 complete, Propose 2, Launch 2");
  CHECK(rig.trial(0).values == std::vector{0.25});
  CHECK(rig.experiment->history().best() == TrialId{0});
}

TEST_CASE("the experiment finishes when the budget is spent and nothing is live", "[experiment]") {
  Rig rig{small_spec(), 4};
  rig.decide();
  for (int t = 0; t < 4; ++t) rig.report(t, 1, t);
  for (int t = 0; t < 3; ++t) rig.exits(t);
  CHECK(rig.decide() == "Settle 0 complete, Settle 1 complete, Settle 2 complete");
  CHECK_FALSE(rig.experiment->finished());
  rig.exits(3);
  CHECK(rig.decide() == "Settle 3 complete, Finish");
  CHECK(rig.experiment->finished());
}

TEST_CASE("a trial that ends without the objective has failed with cause no-metric", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.exits(0);
  CHECK(rig.decide().starts_with("Settle 0 failed"));
  CHECK(rig.trial(0).cause == Cause::no_metric);
}

TEST_CASE("a trial that reported nothing finite has failed with cause nan and is never best", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.report(0, 1, std::nan(""));
  rig.report(0, 2, INFINITY);
  rig.exits(0);
  rig.decide();
  CHECK(rig.trial(0).state == TrialState::failed);
  CHECK(rig.trial(0).cause == Cause::nan);
  CHECK_FALSE(rig.experiment->history().best());
}

TEST_CASE("a trial that ends at NaN after finite values is complete, ranked worst", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.report(0, 1, 0.1);
  rig.report(0, 2, std::nan(""));
  rig.exits(0);
  rig.decide();
  CHECK(rig.trial(0).state == TrialState::complete);
  CHECK_FALSE(rig.experiment->history().best());
}

TEST_CASE("on_nan stop ends a trial at its first value that is not finite", "[experiment]") {
  auto spec = small_spec();
  spec.on_nan = OnNan::stop;
  Rig rig{std::move(spec)};
  rig.decide();
  rig.report(0, 1, std::nan(""));
  CHECK(rig.decide() == "Stop 0");
  rig.exits(0, Cause::stopped);
  CHECK(rig.decide().starts_with("Settle 0 stopped"));
}

TEST_CASE("an attempt that was lost goes back to the queue with no blame and comes first", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.starts(0);
  rig.report(0, 1, 1);
  rig.exits(0, Cause::lost);
  CHECK(rig.decide() == "Launch 0");
  CHECK(rig.trial(0).attempt == 2);
  CHECK(rig.trial(0).retries == 0);
}

TEST_CASE("a resumed attempt's repeated steps are not counted twice", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.report(0, 1, 5);
  rig.report(0, 2, 4);
  rig.exits(0, Cause::lost);
  rig.decide();
  rig.report(0, 1, 9, 2);
  rig.report(0, 2, 9, 2);
  CHECK(rig.trial(0).reports == 2);
  CHECK(rig.trial(0).values == std::vector{4.0});
  rig.report(0, 3, 3, 2);
  CHECK(rig.trial(0).values == std::vector{3.0});
}

TEST_CASE("late words of an old attempt change nothing", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.exits(0, Cause::lost);
  rig.decide();
  rig.report(0, 1, -100, 1);
  CHECK(rig.trial(0).values.empty());
  rig.exits(0, Cause::done, 1);
  CHECK(rig.experiment->is_live(TrialId{0}));
}

TEST_CASE("failures are retried as often as asked, after a back-off that doubles", "[experiment]") {
  auto spec = small_spec();
  spec.retry.max = 2;
  spec.retry.backoff = Duration{8};
  Rig rig{std::move(spec), 1};
  rig.decide();
  rig.exits(0, Cause::signal);
  CHECK(rig.decide() == "Retry 0, Propose 1, Launch 1");
  rig.report(1, 1, 1);
  rig.exits(1);
  rig.pass(9);
  CHECK(rig.decide() == "Settle 1 complete, Launch 0");
  rig.exits(0, Cause::signal, 2);
  rig.decide();
  CHECK(rig.trial(0).not_before == rig.now + Duration{16});
}

TEST_CASE("failures that nobody asked to retry settle the trial", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.exits(0, Cause::exit);
  CHECK(rig.decide().starts_with("Settle 0 failed"));
}

TEST_CASE("when every trial fails from the start the experiment gives up with exit code 3", "[experiment]") {
  auto spec = small_spec();
  spec.stop.trials = 1000;
  Rig rig{std::move(spec), 1};
  int t = 0;
  for (; !rig.experiment->finished() && t < 100; ++t) {
    rig.decide();
    rig.now.seconds += 1;
    rig.exits(t, Cause::exit);
    rig.decide();
  }
  CHECK(t == 10);
  CHECK(rig.experiment->history().exit_code() == 3);
}

TEST_CASE("a target ends the experiment and the trials that still run", "[experiment]") {
  auto spec = small_spec();
  spec.stop.target = {{"loss", 0.1}};
  Rig rig{std::move(spec)};
  rig.decide();
  rig.report(1, 1, 0.7);
  rig.report(0, 1, 0.05);
  CHECK(rig.decide() == "Finish, Stop 0, Stop 1");
  rig.exits(0, Cause::stopped);
  rig.exits(1, Cause::stopped);
  CHECK(rig.decide() == "Settle 0 stopped, Settle 1 stopped");
  CHECK(rig.experiment->finished());
}

TEST_CASE("the time limit ends the experiment, counting only time when it was open", "[experiment]") {
  auto spec = small_spec();
  spec.stop.time = Duration{60};
  Rig rig{std::move(spec)};
  rig.decide();
  rig.pass(50);
  CHECK(rig.decide().empty());
  rig.now.seconds += 1e6;  // Nobody had it open.
  rig.see(Opened{"test", "", "here", "", 1, "resume"});
  CHECK(rig.decide().empty());
  rig.pass(9);
  CHECK(rig.decide().empty());
  rig.pass(2);
  CHECK(rig.decide() == "Finish, Stop 0, Stop 1");
}

TEST_CASE("a budget of cost ends the experiment once the attempts of all trials together have told as much", "[experiment]") {
  auto spec = small_spec();
  spec.stop.cost = 10;
  Rig rig{std::move(spec)};
  rig.decide();
  const auto tells = [&](int trial, std::int64_t step, double cost, int attempt = 1) {
    Reported r;
    r.trial = TrialId{trial}, r.attempt = attempt, r.seq = r.step = step, r.metrics = {{"loss", 1.0}}, r.cost = cost;
    rig.see(r);
    return rig.decide();
  };
  CHECK(tells(0, 1, 3) == "");
  CHECK(tells(0, 2, 4) == "");  // So far, not once more.
  rig.exits(0, Cause::preempted);
  CHECK(rig.decide() == "Launch 0");
  CHECK(tells(0, 1, 1, 2) == "");  // The attempt begins again at nothing, and its steps count once, its cost does.
  CHECK(tells(1, 1, std::nan("")) == "");
  CHECK(tells(1, 2, 4.5) == "");
  CHECK(rig.experiment->history().cost() == 9.5);
  CHECK(tells(1, 3, 5) == "Finish, Stop 0, Stop 1");
  CHECK(rig.experiment->history().finish_why() == "the trials have cost 10, and `stop.cost` is 10");
}

TEST_CASE("a plateau ends the experiment", "[experiment]") {
  auto spec = small_spec();
  spec.stop.trials = 100;
  spec.stop.plateau = StopSpec::Plateau{3, {{"loss", 0.01}}};
  Rig rig{std::move(spec), 1};
  const double losses[] = {1, 0.5, 0.495, 0.51, 0.6};
  for (int t = 0; t < 5; ++t) {
    rig.decide();
    CHECK_FALSE(rig.experiment->finished());
    rig.report(t, 1, losses[t]);
    rig.exits(t);
  }
  rig.decide();
  CHECK(rig.experiment->finished());
}

TEST_CASE("a folded journal decides as the experiment that wrote it", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.report(0, 1, 0.5);
  rig.exits(0);  // Settle and what follows are not recorded: the process was killed here.
  Experiment again{*rig.spec, std::make_unique<CountingSampler>(), std::make_unique<EagerScheduler>()};
  for (const auto& r : rig.journal) again.apply(r);
  CHECK(again.next() == rig.experiment->next());
  REQUIRE(again.unsettled().size() == 1);
  CHECK(std::get<Launch>(again.unsettled().front().what).trial == TrialId{1});
}

TEST_CASE("a person's cancel settles a live trial when it has ended and a queued one at once", "[experiment]") {
  Rig rig{small_spec(), 1};
  rig.decide();
  Requested enqueue;
  enqueue.verb = "enqueue", enqueue.params = {{"x", std::int64_t{7}}};
  REQUIRE_FALSE(rig.experiment->objection(enqueue));
  rig.see(enqueue);
  CHECK(rig.decide() == "Propose 1");
  Requested cancel;
  cancel.verb = "cancel", cancel.trial = TrialId{1};
  rig.see(cancel);
  CHECK(rig.decide() == "Stop 1, Settle 1 cancelled");
  cancel.trial = TrialId{0};
  rig.see(cancel);
  CHECK(rig.decide() == "Stop 0");
  rig.exits(0, Cause::cancelled);
  CHECK(rig.decide().starts_with("Settle 0 cancelled"));
}

TEST_CASE("a retry brings a finished trial back, also after the experiment finished", "[experiment]") {
  auto spec = small_spec();
  spec.stop.trials = 1;
  Rig rig{std::move(spec), 1};
  rig.decide();
  rig.exits(0, Cause::exit);
  CHECK(rig.decide() == "Settle 0 failed, Finish");
  Requested retry;
  retry.verb = "retry", retry.trial = TrialId{0};
  rig.see(retry);
  CHECK(rig.decide() == "Retry 0, Launch 0");
  rig.report(0, 1, 1, 2);
  rig.exits(0, Cause::done, 2);
  CHECK(rig.decide() == "Settle 0 complete, Finish");
}

TEST_CASE("requests that make no sense are refused in words", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  Requested wish;
  wish.verb = "resume", wish.trial = TrialId{0};
  CHECK(rig.experiment->objection(wish)->message == "trial 0 is leased; only a paused trial can be resumed");
  wish.trial = TrialId{99};
  CHECK(rig.experiment->objection(wish)->code == Error::Code::not_found);
}

TEST_CASE("how far an attempt was heard is known, so that what is sent twice counts once", "[experiment]") {
  Rig rig{small_spec()};
  rig.decide();
  rig.starts(0);
  rig.report(0, 1, 0.5);
  rig.report(0, 2, 0.4);
  CHECK(rig.trial(0).heard == rig.journal.back().as<Reported>()->seq);
  CHECK(rig.trial(0).worker == WorkerId{0});
  rig.exits(0, Cause::lost);
  rig.decide();
  CHECK(rig.trial(0).heard == 0);
}

TEST_CASE("values are reduced as the objective asks", "[experiment]") {
  auto spec = small_spec();
  spec.objectives.front().reduce = Objective::Reduce::mean_last_k;
  spec.objectives.front().k = 2;
  Rig rig{std::move(spec)};
  rig.decide();
  rig.report(0, 1, 1);
  CHECK(rig.trial(0).values == std::vector{1.0});
  rig.report(0, 2, 2);
  rig.report(0, 3, 4);
  CHECK(rig.trial(0).values == std::vector{3.0});
}

TEST_CASE("quick trials are launched ahead of their slot, slow ones are not", "[experiment]") {
  auto spec = small_spec();
  spec.stop.trials = 1000;
  for (const double seconds : {0.001, 10.0}) {
    Rig rig{spec, 1};
    for (int t = 0; t < 12; ++t) {
      rig.decide();
      rig.report(t, 1, 1);
      rig.now.seconds += seconds;
      rig.exits(t);
    }
    rig.decide();
    CHECK((rig.experiment->live() > 1) == (seconds < 1));
  }
}

TEST_CASE("a bound is judged by the last report that carried its metric, and must be reported once", "[experiment]") {
  Spec spec = small_spec();
  spec.outcome_constraints = {{"latency", {}, 20}};
  Rig rig(spec, 4);
  rig.decide();
  const auto report = [&](int trial, std::int64_t step, Metrics metrics) {
    Reported r;
    r.trial = TrialId{trial}, r.attempt = 1, r.seq = step, r.step = step, r.metrics = std::move(metrics);
    rig.see(r);
  };
  for (int t = 0; t < 3; ++t) rig.starts(t);
  report(0, 1, {{"loss", 1}, {"latency", 30}}), report(0, 2, {{"loss", 0.5}}), rig.exits(0);
  report(1, 1, {{"loss", 2}, {"latency", 10}}), report(1, 2, {{"loss", 1}}), rig.exits(1);
  report(2, 1, {{"loss", 0}}), rig.exits(2);
  rig.decide();
  CHECK_FALSE(rig.trial(0).feasible);
  CHECK(rig.experiment->history().best() == TrialId{1});
  CHECK(rig.trial(2).state == TrialState::failed);
  CHECK(rig.trial(2).cause == Cause::no_metric);
}

TEST_CASE("an experiment ends when three proposals in a row are unlikely to improve", "[experiment][stop]") {
  class Doubting final : public Sampler {
   public:
    void learn(const Record& r) override { asked_ += r.as<Propose>() != nullptr; }
    std::optional<Proposal> propose(TrialId, Rng) const override {
      const std::vector<std::optional<double>> chances{{}, 0.01, 0.9, 0.01, {}, 0.04, 0.03};
      return Proposal{{{"x", asked_}}, "", {}, chances.at(static_cast<std::size_t>(asked_))};
    }

   private:
    std::int64_t asked_ = 0;
  };
  Spec spec = small_spec();
  spec.stop.trials = 100;
  spec.stop.improvement = StopSpec::Improvement{0.5, 0.05};
  Rig rig(spec, 1);
  rig.experiment = std::make_unique<Experiment>(*rig.spec, std::make_unique<Doubting>(), std::make_unique<EagerScheduler>());
  for (const auto& r : rig.journal) rig.experiment->apply(r);
  rig.decide();
  for (int t = 0; t < rig.experiment->history().size() && !rig.experiment->finished(); ++t) rig.starts(t), rig.report(t, 1, t), rig.exits(t), rig.decide();
  CHECK(rig.experiment->finished());
  CHECK(rig.experiment->history().size() == 7);
  CHECK(rig.experiment->history().count(TrialState::complete) == 7);
  CHECK(rig.experiment->history().finish_why().find("unlikely") != std::string::npos);
}

TEST_CASE("what people enqueue goes before what the search proposed, and more priority before less", "[experiment]") {
  Rig rig{small_spec(), 1};
  rig.decide();  // Trial 0 holds the only slot.
  for (const auto* args : {"", R"({"reason":"a hunch","priority":5})", R"({"priority":0})"}) {
    Requested enqueue;
    enqueue.verb = "enqueue", enqueue.params = {{"x", std::int64_t{7}}}, enqueue.args = args;
    rig.see(enqueue);
  }
  rig.decide();
  CHECK(rig.trial(1).priority == 1);
  CHECK(rig.trial(2).priority == 5);
  CHECK(rig.trial(3).priority == 0);
  rig.report(0, 1, 0.5);
  rig.exits(0);
  CHECK(rig.decide() == "Settle 0 complete, Launch 2");
}
