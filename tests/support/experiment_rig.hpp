// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tuner/experiment.hpp"

namespace tune::test {

/// Proposes x = 0, 1, 2, … up to `most`.
class CountingSampler final : public Sampler {
 public:
  explicit CountingSampler(std::int64_t most = INT64_MAX) : most_(most) {}
  void learn(const Record& r) override { proposed_ += r.as<Propose>() != nullptr; }
  std::optional<Proposal> propose(TrialId, Rng) const override { return Proposal{{{"x", proposed_}}, "the next number", {}}; }
  bool exhausted() const override { return proposed_ >= most_; }

 private:
  std::int64_t most_, proposed_ = 0;
};

/// Starts trials as slots allow and lets them be.
class EagerScheduler final : public Scheduler {
 public:
  void learn(const History&, const Record&) override {}
  std::optional<Verdict> verdict(const History&) const override { return std::nullopt; }
  std::optional<Plan> plan(const History&) const override { return Start{kNoStep, "a slot is free", {}}; }
};

inline Spec small_spec() {
  Spec spec;
  spec.name = "small";
  Objective loss;
  loss.metric = "loss";
  spec.objectives = {loss};
  Dimension x;
  x.name = "x";
  x.kind = Dimension::Kind::integer;
  x.min = 0;
  x.max = 1e6;
  spec.space = Space::make({x}).value();
  spec.command = {"true"};
  spec.stop.trials = 4;
  return spec;
}

/// An experiment fed by hand: facts go in, what it decides comes out as words.
class Rig {
 public:
  explicit Rig(Spec s, int cpus = 2) : Rig(std::move(s), [](const Spec&) { return std::unique_ptr<Allocator>{}; }) { joins(0, cpus); }
  /// Nobody is here yet: whoever comes is asked for.
  Rig(Spec s, const std::function<std::unique_ptr<Allocator>(const Spec&)>& allocator) : spec(std::make_unique<Spec>(std::move(s))) {
    experiment = std::make_unique<Experiment>(*spec, std::make_unique<CountingSampler>(), std::make_unique<EagerScheduler>(), allocator(*spec));
    see(Configured{"{}", "", "", "test"});
    see(Opened{"test", "", "here", "", 1, "new"});
  }

  void see(Observation o) { record(std::move(o)); }
  void joins(std::int64_t worker, int cpus, const std::string& allocation = "") {
    WorkerJoined w;
    w.worker = WorkerId{worker}, w.offers.cpus = cpus, w.allocation = allocation;
    see(w);
  }
  void report(int trial, std::int64_t step, double loss, int attempt = 1) {
    Reported r;
    r.trial = TrialId{trial}, r.attempt = attempt, r.seq = step, r.step = step, r.metrics = {{"loss", loss}};
    see(r);
  }
  void exits(int trial, Cause cause = Cause::done, int attempt = 1) {
    Exited e;
    e.trial = TrialId{trial}, e.attempt = attempt, e.cause = cause;
    see(e);
  }
  void starts(int trial, int attempt = 1) { see(Started{TrialId{trial}, attempt, 0, WorkerId{0}, 1}); }
  /// As some policy chose.
  void decided(Decision d) { record(Decided{std::move(d), {journal.back().seq, "test", "chosen", {}}}); }
  void saves(int trial, std::int64_t step, int attempt = 1) {
    const auto name = std::to_string(trial) + "@" + std::to_string(step);
    see(Checkpointed{TrialId{trial}, attempt, step, name, 1, 0, ""});
  }
  void pass(double seconds) { now.seconds += seconds, see(TimePassed{}); }

  /// Decides until there is nothing to decide: "Propose 0, Launch 0, …".
  std::string decide() {
    std::string words;
    for (;;) {
      std::optional<Decided> d = experiment->next();
      if (!d)
        if (const auto trial = experiment->wanted())
          d = experiment->propose(*experiment->sampler().propose(*trial, experiment->proposal_stream(*trial)), 0);
      if (!d) return words;
      const Record& r = record(*d);
      if (!words.empty()) words += ", ";
      words += std::string{kind(r)};
      if (const auto id = trial_of(r)) words += " " + std::to_string(id->value);
      if (const auto* settle = r.as<Settle>()) words += " " + std::string{to_text(settle->state)};
    }
  }
  const Trial& trial(int id) const { return experiment->history().trial(TrialId{id}); }

  std::unique_ptr<Spec> spec;
  std::unique_ptr<Experiment> experiment;
  std::vector<Record> journal;
  Time now{100};

 private:
  const Record& record(std::variant<Observation, Decided> fact) {
    journal.push_back({experiment->next_seq(), now, 1, std::move(fact)});
    experiment->apply(journal.back());
    return journal.back();
  }
};

}  // namespace tune::test
