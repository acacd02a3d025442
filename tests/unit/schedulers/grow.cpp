// SPDX-License-Identifier: Apache-2.0
#include "schedulers/grow.hpp"

#include <catch2/catch.hpp>

#include "schedulers/fifo.hpp"
#include "support/experiment_rig.hpp"

namespace grow_test {

using namespace tune;
using namespace tune::test;

namespace {

/// Four cpus, trials of one, that may grow to `most`; every slot is taken once decide() has been called.
struct Growing {
  explicit Growing(double most, std::int64_t trials = 4, std::int64_t every = 1) {
    spec = std::make_unique<Spec>(small_spec());
    spec->stop.trials = trials;
    spec->checkpoint.emplace();
    spec->grow = GrowSpec{spec->resources, every};
    spec->grow->max.cpus = most;
    experiment = std::make_unique<Experiment>(*spec, std::make_unique<CountingSampler>(), with_grow(std::make_unique<Fifo>(), *spec));
    see(Configured{"{}", "", "", "test"});
    WorkerJoined w;
    w.worker = {0};
    w.offers.cpus = 4;
    see(w);
    decide();
    for (int t = 0; t < trials; ++t) see(Started{TrialId{t}, 1, 0, WorkerId{0}, 1});
  }
  void see(Observation o) { apply(std::move(o)); }
  void report(int trial, std::int64_t step, double loss) {
    Reported r;
    r.trial = TrialId{trial}, r.attempt = attempt(trial), r.seq = step, r.step = step, r.metrics = {{"loss", loss}};
    see(r);
  }
  void exits(int trial, Cause cause = Cause::done) {
    Exited e;
    e.trial = TrialId{trial}, e.attempt = attempt(trial), e.cause = cause;
    see(e);
  }
  std::string decide() {
    std::string words;
    for (;;) {
      auto d = experiment->next();
      if (!d)
        if (const auto trial = experiment->wanted())
          d = experiment->propose(*experiment->sampler().propose(*trial, experiment->proposal_stream(*trial)), 0);
      if (!d) return words;
      why = d->reason.why;
      const Record r = apply(*d);
      words += (words.empty() ? "" : ", ") + std::string{kind(r)};
      if (const auto id = trial_of(r)) words += " " + std::to_string(id->value);
      if (const auto* size = r.as<Resize>()) words += " to " + to_text(size->resources.cpus);
      if (const auto* launch = r.as<Launch>()) words += " on " + to_text(launch->ranks.front().cpus);
    }
  }
  int attempt(int trial) const { return experiment->history().trial(TrialId{trial}).attempt; }

  std::unique_ptr<Spec> spec;
  std::unique_ptr<Experiment> experiment;
  std::string why;

 private:
  Record apply(std::variant<Observation, Decided> fact) {
    Record r{experiment->next_seq(), Time{static_cast<double>(experiment->next_seq())}, 1, std::move(fact)};
    experiment->apply(r);
    return r;
  }
};

}  // namespace

TEST_CASE("the best of those that remain gets what the others left, and goes on with it", "[grow]") {
  Growing g{8};
  for (int t = 0; t < 4; ++t) g.report(t, 1, t);
  CHECK(g.decide() == "");  // No room.
  g.exits(2), g.exits(3);
  g.decide();
  g.report(1, 2, 1);
  CHECK(g.decide() == "");  // Trial 0 is better and would fit.
  g.report(0, 2, 0);
  CHECK(g.decide() == "Resize 0 to 2, Pause 0");
  g.see(Checkpointed{TrialId{0}, 1, 2, "saved", 1, 0, ""});
  g.exits(0, Cause::paused);
  CHECK(g.decide() == "Launch 0 on 2");
  CHECK(g.experiment->history().trial(TrialId{0}).checkpoint == "saved");
  g.see(Started{TrialId{0}, 2, 0, WorkerId{0}, 1});
  g.report(1, 3, 1);
  CHECK(g.decide() == "Resize 1 to 2, Pause 1");  // The best has no room for four.
}

TEST_CASE("a trial is doubled until it has the most it may have, and then left alone", "[grow]") {
  Growing g{3, 1};
  std::string sizes;
  for (int step = 1; step < 6; ++step) {
    g.report(0, step, 1);
    const auto words = g.decide();
    if (words.empty()) continue;
    sizes += words + "; ";
    g.exits(0, Cause::paused);
    g.decide();
    g.see(Started{TrialId{0}, g.attempt(0), 0, WorkerId{0}, 1});
  }
  CHECK(sizes == "Resize 0 to 2, Pause 0; Resize 0 to 3, Pause 0; ");
}

TEST_CASE("nothing grows while something new may start, between the steps, or after a report that is the last", "[grow]") {
  Growing early{8, 9};
  early.report(0, 1, 0);
  CHECK(early.decide() == "");
  Growing g{8, 1, 5};
  g.report(0, 4, 0);
  CHECK(g.decide() == "");
  g.report(0, 5, 0);
  CHECK(g.decide() == "Resize 0 to 2, Pause 0");
}

TEST_CASE("a worker that leaves takes its room along, and one that comes brings room", "[grow]") {
  Growing g{8, 4};
  g.report(0, 1, 0);
  CHECK(g.decide() == "");
  WorkerJoined w;
  w.worker = {1};
  w.offers.cpus = 2;
  g.see(w);
  g.see(WorkerLost{WorkerId{1}, "gone", ""});
  g.report(0, 2, 0);
  CHECK(g.decide() == "");
  g.see(w);
  g.report(0, 3, 0);
  CHECK(g.decide() == "Resize 0 to 2, Pause 0");
}

TEST_CASE("a trial that no worker can hold any more gets back what the config says", "[grow]") {
  Growing g{4, 1};
  g.report(0, 1, 0);
  g.decide();
  g.exits(0, Cause::paused);
  CHECK(g.decide() == "Launch 0 on 2");
  WorkerJoined small;
  small.worker = {1};
  small.offers.cpus = 1;
  g.see(small);
  g.exits(0, Cause::lost);
  g.see(WorkerLost{WorkerId{0}, "gone", ""});
  CHECK(g.decide() == "Resize 0 to 1, Launch 0 on 1");
}

TEST_CASE("a trial that fails, ends or is paused by a person while it is to be resized does as they say", "[grow]") {
  Growing ends{8, 1};
  ends.report(0, 1, 0);
  ends.decide();
  ends.exits(0);
  CHECK(ends.decide().starts_with("Settle 0"));
  CHECK(ends.experiment->history().trial(TrialId{0}).state == TrialState::complete);

  Growing fails{8, 1};
  fails.spec->retry.max = 1, fails.spec->retry.on = {Cause::exit}, fails.spec->retry.backoff = Duration{0};
  fails.report(0, 1, 0);
  fails.decide();
  fails.exits(0, Cause::exit);
  CHECK(fails.decide() == "Retry 0, Launch 0 on 2");

  Growing paused{8, 1};
  paused.report(0, 1, 0);
  paused.decide();
  Requested pause;
  pause.verb = "pause", pause.trial = TrialId{0};
  paused.see(pause);
  paused.decide();
  paused.exits(0, Cause::paused);
  CHECK(paused.experiment->history().trial(TrialId{0}).state == TrialState::paused);
}

}  // namespace grow_test
