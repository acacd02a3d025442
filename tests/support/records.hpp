// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "support/experiment_rig.hpp"

namespace tune::test {

/// A scheduler on a stage of its own: facts about trials go in by hand, through the real fold, and it is asked what it
/// wants. What it says is recorded as it would be, in words: "Pause 1", "Stop 0 complete".
class Stage {
 public:
  Stage(Spec s, std::unique_ptr<Scheduler> scheduler)
      : spec_(std::make_unique<Spec>(std::move(s))), scheduler_(scheduler.get()) {
    spec_->scheduler.type = kUnderTest;
    experiment_ = std::make_unique<Experiment>(*spec_, std::make_unique<CountingSampler>(), std::move(scheduler));
    see(Configured{"{}", "", "", "test"});
    WorkerJoined w;
    w.worker = {0};
    w.offers.cpus = 1e6;
    see(w);
  }

  void see(Observation o) { record(std::move(o)); }
  void decide(Decision d) { record(Decided{std::move(d), {}}); }

  /// A new trial runs, as far as the scheduler's last plan for a new one lets it.
  TrialId start() {
    const TrialId id{history().size()};
    const auto planned = scheduler_->plan(history());
    if (const auto* begin = std::get_if<Scheduler::Start>(&*planned)) until_ = begin->until_step;
    Propose p;
    p.trial = id, p.params = {{"x", id.value}}, p.source = "sampler";
    decide(p);
    launch(id, until_, {});
    return id;
  }
  void launch(TrialId id, std::int64_t until, std::optional<Rung> crossing) {
    Launch l;
    l.trial = id, l.attempt = history().trial(id).attempt + 1, l.until_step = until, l.rung = crossing;
    Seat seat;
    seat.cpus = 1, seat.worker = {0};
    l.ranks = {seat};
    decide(l);
    see(Started{id, l.attempt, 0, WorkerId{0}, 1});
  }
  void report(TrialId id, std::int64_t step, double loss) {
    Reported r;
    r.trial = id, r.attempt = history().trial(id).attempt, r.seq = step, r.step = step, r.metrics = {{"loss", loss}};
    see(r);
  }
  void exit(TrialId id, Cause cause) {
    Exited e;
    e.trial = id, e.attempt = history().trial(id).attempt, e.cause = cause;
    see(e);
  }

  /// The verdict that is due, recorded; "" if none is. A pause or stop is obeyed at once.
  std::string verdict() {
    const auto v = scheduler_->verdict(history());
    if (!v) return "";
    why = v->why;
    const Decided d = std::visit([&](auto what) { return Decided{what, {0, "test", v->why, v->note}}; }, v->what);
    const Record r = record(d);
    std::string words = std::string{kind(r)} + " " + std::to_string(trial_of(r)->value);
    if (const auto* e = r.as<Extend>()) words += " to " + std::to_string(e->until_step), rung = e->rung;
    if (const auto* s = r.as<Stop>())
      words += " " + std::string{to_text(s->as)}, rung = s->rung, exit(s->trial, Cause::stopped);
    if (const auto* p = r.as<Pause>()) rung = p->rung, exit(p->trial, Cause::paused);
    return words;
  }
  /// What a free slot should be given; not recorded.
  std::string plan() {
    const auto p = scheduler_->plan(history());
    if (!p) return "";
    if (const auto* s = std::get_if<Scheduler::Start>(&*p)) return "Start to " + std::to_string(s->until_step);
    const auto& r = std::get<Scheduler::Resume>(*p);
    why = r.why, rung = r.rung;
    return "Resume " + std::to_string(r.trial.value) + " to " + std::to_string(r.until_step);
  }
  /// The planned resume, carried out.
  TrialId resume() {
    const auto r = std::get<Scheduler::Resume>(scheduler_->plan(history()).value());
    launch(r.trial, r.until_step, r.rung);
    return r.trial;
  }
  const History& history() const { return experiment_->history(); }

  std::string why;
  std::optional<Rung> rung;

 private:
  static constexpr const char* kUnderTest = "under test";
  Record record(std::variant<Observation, Decided> fact) {
    const Record r{experiment_->next_seq(), Time{static_cast<double>(experiment_->next_seq())}, 1, std::move(fact)};
    experiment_->apply(r);
    // What the experiment owes, such as settling a trial that ended, follows as it does in the loop.
    for (auto owed = experiment_->next(false); owed && !is_verdict(*owed); owed = experiment_->next(false))
      experiment_->apply({experiment_->next_seq(), r.at, 1, *owed});
    return r;
  }
  // Those are asked for by the test, not taken by themselves.
  bool is_verdict(const Decided& d) const {
    const auto v = scheduler_->verdict(history());
    return v && d.reason.by == (v->by.empty() ? kUnderTest : v->by);
  }

  std::int64_t until_ = kNoStep;
  std::unique_ptr<Spec> spec_;
  Scheduler* scheduler_;
  std::unique_ptr<Experiment> experiment_;
};

}  // namespace tune::test
