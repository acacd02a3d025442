// SPDX-License-Identifier: Apache-2.0
#include "ui/api/virtual_time.hpp"

#include <algorithm>
#include <limits>

#include "tuner/instances.hpp"
#include "tuner/tuner.hpp"
#include "tuner/unattended.hpp"
#include "ui/api/policies.hpp"

namespace tune {
namespace {

constexpr Time kBeginning{1};  // A moment 0 would read as "never" in places.

/// A journal that nobody will read: durable at once, forgotten at once.
class Unkept final : public Store {
 public:
  explicit Unkept(Seq last) : last_(last) {}
  Result<Done> append(std::shared_ptr<const Batch> batch) override {
    last_ = batch->records.back().seq;
    return Done{};
  }
  Seq durable() const override { return last_; }
  std::optional<Error> trouble() const override { return std::nullopt; }
  Result<Done> flush() override { return Done{}; }
  void listen(std::function<void()>) override {}
  Result<Done> read(Seq, const std::function<void(Record&&)>&) const override { return Done{}; }
  std::int64_t epoch() const override { return 1; }

 private:
  Seq last_;
};

/// Counts what a VirtualRun tells.
class Tally final : public Watcher {
 public:
  Tally(VirtualRun& run, std::vector<Record>* kept) : run_(run), kept_(kept) {}

  void on_durable(const Record& r, const History& history) override {
    if (kept_) kept_->push_back(r);
    if (r.as<Propose>()) ++run_.trials;
    if (const auto* e = r.as<Exited>()) run_.slot_seconds += e->usage.seconds;
    if (const auto* s = r.as<Settle>()) run_.failed += s->state == TrialState::failed;
    if (const auto* report = r.as<Reported>()) see(*report, r.at, history);
    if (const auto* x = r.as<Extend>()) cross(x->rung);
    if (const auto* x = r.as<Pause>()) cross(x->rung);
    if (const auto* x = r.as<Stop>()) cross(x->rung);
  }

 private:
  void see(const Reported& report, Time at, const History& history) {
    ++run_.reports;
    // On several instances a trial is worth their mean, and nothing before it has been on all.
    const Trial& t = history.trial(report.trial);
    const bool instances = !history.spec().instances.empty();
    if (instances && (lacks_instances(history.spec(), t) || t.values.empty())) return;
    const auto score = instances ? history.score(t.values.front()) : history.score(report.metrics);
    if (!score || *score >= least_ || !t.feasible) return;
    least_ = *score;
    run_.improvements.push_back({at.seconds, history.value(*score)});
  }
  void cross(const std::optional<Rung>& rung) {
    if (rung) ++run_.rungs[{rung->bracket, rung->step}];
  }

  VirtualRun& run_;
  std::vector<Record>* kept_;
  double least_ = std::numeric_limits<double>::infinity();
};

/// Ends an experiment that can neither go on nor end.
class EndsWhenStuck final : public Inbox {
 public:
  explicit EndsWhenStuck(const Simulator& simulator) : simulator_(simulator) {}
  std::vector<Observation> take() override { return {}; }
  void refuse(const Requested&, const Error&) override {}
  void recorded(const Observation&) override {}
  Ending ending() const override { return simulator_.stuck() ? Ending::kill : Ending::none; }

 private:
  const Simulator& simulator_;
};

}  // namespace

std::optional<double> VirtualRun::reached(double value, bool maximize) const {
  for (const auto& i : improvements)
    if (maximize ? i.value >= value : i.value <= value) return i.at - began;
  return std::nullopt;
}

Result<VirtualRun> run_in_virtual_time(const Spec& spec, std::unique_ptr<Problem> problem, const SimulatorOptions& options,
                                       std::span<const Record> journal, std::vector<Record>* kept) {
  if (!spec.stop.trials && !spec.stop.time && !spec.space.cardinality())
    return Error{Error::Code::invalid, "nothing in the config says when the experiment is over",
                 "--set stop.trials=100, or stop.time"};
  auto made = make_experiment(spec);
  if (!made) return made.error();
  Experiment& experiment = **made;
  VirtualRun out;
  Tally tally{out, kept};
  const auto fold = [&](const Record& r) {
    experiment.apply(r);
    tally.on_durable(r, experiment.history());
  };
  for (const auto& r : journal) fold(r);
  if (journal.empty()) {
    fold({1, kBeginning, 1, Observation{Configured{spec.effective, spec.space.hash(), {}, "user"}}});
    fold({2, kBeginning, 1, Observation{Opened{}}});
  }
  auto how = options;
  how.gives_up = true;
  Simulator simulator{spec, std::move(problem), how};
  Unkept store{experiment.history().last_seq()};
  EndsWhenStuck inbox{simulator};
  ProposesAtOnce proposer;
  const auto outcome = run(experiment, {store, simulator, proposer, inbox, tally});
  if (!outcome) return outcome.error();
  const auto& history = experiment.history();
  out.finished = outcome->end == Outcome::End::finished;
  out.began = history.began().seconds, out.ended = history.now().seconds;
  if (const auto best = history.best(); best && !history.trial(*best).values.empty())
    out.best = history.trial(*best).values.front();
  const double slots = static_cast<double>(options.workers) * options.slots;
  if (out.seconds() > 0) out.use = out.slot_seconds / (slots * out.seconds());
  return out;
}

}  // namespace tune
