// SPDX-License-Identifier: Apache-2.0
#include "ui/metrics/series.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tuner/workers.hpp"

namespace tune {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

constexpr std::array kStates = {TrialState::queued,  TrialState::leased, TrialState::running,
                                TrialState::paused,  TrialState::complete, TrialState::stopped,
                                TrialState::failed,  TrialState::infeasible, TrialState::cancelled};

constexpr std::array kWorkerStates = {"ready", "suspect", "draining", "cordoned", "quarantined", "lost"};

/// A tenth of a millisecond to ten seconds.
const Histogram::BucketBoundaries kShort = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                            0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
/// A millisecond to a day.
const Histogram::BucketBoundaries kLong = {0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400};

}  // namespace

struct Series::State {
  explicit State(const Spec& spec);

  void learn(const Propose& p) { proposal_seconds.Observe(p.seconds); }
  void learn(const Launch& l, Time at, const History& history);
  void learn(const Exited& e) { spent[e.trial] += e.usage.seconds; }
  void learn(const Settle& s, const History& history);
  void count_slots(const History& history);
  void count_workers(const History& history);
  void count(const AllocationChanged& changed);
  Gauge& allocations(const std::string& state);

  Gauge& gauge(const char* name, const char* help, const Labels& labels = {});
  Counter& counter(const char* name, const char* help, const Labels& labels = {});
  Histogram& histogram(const char* name, const char* help, const Histogram::BucketBoundaries& buckets);

  const std::string experiment, engine;
  const std::vector<Objective> objectives;
  const Resources need;
  const Gang gang;
  const std::optional<int> parallel;

  prometheus::Registry registry;
  std::vector<Gauge*> best;      // Per objective; null until there is a value, so that no series says 0 for "none".
  std::vector<double> leading;   // The value in it.
  std::array<Gauge*, kStates.size()> trials{};
  Counter& reports;
  std::vector<Counter*> decisions;  // By the decision's index in the variant.
  Histogram &proposal_seconds, &decision_seconds, &commit_seconds, &queue_wait_seconds;
  Gauge &busy, &free;
  Counter &saved_seconds, &lost_attempts;
  Gauge& trouble;
  std::map<std::string, Gauge*> workers;                  // By state.
  std::map<std::int64_t, std::string> allocation_states;  // That were told of last.

  Placement places;
  std::unordered_map<TrialId, double> spent;   // Seconds of the attempts of trials that are not settled.
  std::int64_t furthest_step = 0;              // That any trial reached.
  bool first_turn = true;
};

Gauge& Series::State::gauge(const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Labels({{"experiment", experiment}}).Register(registry).Add(labels);
}

Counter& Series::State::counter(const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Labels({{"experiment", experiment}}).Register(registry).Add(labels);
}

Histogram& Series::State::histogram(const char* name, const char* help, const Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Labels({{"experiment", experiment}})
      .Register(registry)
      .Add({}, buckets);
}

Series::State::State(const Spec& spec)
    : experiment(printable(spec.name)),
      engine(spec.executor.type),
      objectives(spec.objectives),
      need(spec.resources),
      gang(spec.gang),
      parallel(spec.parallel),
      best(spec.objectives.size()),
      leading(spec.objectives.size()),
      reports(counter("tune_reports_total", "Reports of trials that are safe in the journal.")),
      proposal_seconds(histogram("tune_proposal_seconds", "Time a sampler took to propose a trial.", kShort)),
      decision_seconds(histogram("tune_decision_seconds", "Time a turn of the loop took to fold and decide.", kShort)),
      commit_seconds(histogram("tune_store_commit_seconds", "Time from an append to its being durable.", kShort)),
      queue_wait_seconds(histogram("tune_queue_wait_seconds", "Time a trial waited from Propose to its first Launch.", kLong)),
      busy(gauge("tune_slots", "Places for trials on all workers.", {{"state", "busy"}})),
      free(gauge("tune_slots", "Places for trials on all workers.", {{"state", "free"}})),
      saved_seconds(counter("tune_saved_seconds_total", "Estimate of the time that stopping trials early has saved.")),
      lost_attempts(counter("tune_lost_attempts_total", "Attempts that ended because their worker was lost.", {{"engine", engine}})),
      trouble(gauge("tune_store_trouble", "1 while the store cannot write.")),
      places(spec.required_labels) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    trials[i] = &gauge("tune_trials", "Trials by state.", {{"state", std::string{to_text(kStates[i])}}});
  for (const auto* state : kWorkerStates)
    workers[state] = &gauge("tune_workers", "Workers by state.", {{"engine", engine}, {"state", state}});
  decisions.resize(std::variant_size_v<Decision>);
  [this]<std::size_t... I>(std::index_sequence<I...>) {
    ((decisions[I] = &counter("tune_decisions_total", "Decisions by kind.",
                              {{"kind", std::string{kind(Record{0, {}, 0, Decided{std::variant_alternative_t<I, Decision>{}, {}}})}}})),
     ...);
  }(std::make_index_sequence<std::variant_size_v<Decision>>{});
  prometheus::BuildGauge()
      .Name("tune_build_info")
      .Help("Always 1; the version that runs.")
      .Register(registry)
      .Add({{"version", TUNE_VERSION}})
      .Set(1);
}

void Series::State::learn(const Launch& launch, Time at, const History& history) {
  if (launch.attempt != 1 || !history.contains(launch.trial)) return;
  queue_wait_seconds.Observe(std::max(0.0, at.seconds - history.trial(launch.trial).proposed_at));
}

/// A trial that a scheduler stopped at step s, after t seconds in its attempts, would have gone on to step S, the furthest
/// that any trial of the experiment has reached, at the same pace: t / s * (S - s) seconds are counted as saved.
void Series::State::learn(const Settle& settle, const History& history) {
  const auto found = spent.find(settle.trial);
  const double seconds = found == spent.end() ? 0 : found->second;
  if (found != spent.end()) spent.erase(found);

  const std::int64_t step = history.contains(settle.trial) ? history.trial(settle.trial).last_step : 0;
  if (settle.state == TrialState::stopped && step > 0 && step < furthest_step)
    saved_seconds.Increment(seconds / static_cast<double>(step) * static_cast<double>(furthest_step - step));

  const bool counts = settle.state == TrialState::complete || settle.state == TrialState::stopped;
  if (!counts || !settle.feasible) return;
  for (std::size_t i = 0; i < std::min(settle.values.size(), objectives.size()); ++i) {
    const double value = settle.values[i];
    if (!std::isfinite(value)) continue;
    if (best[i] && (objectives[i].maximize ? value <= leading[i] : value >= leading[i])) continue;
    if (!best[i])
      best[i] = &gauge("tune_best_value", "Best value of each objective so far.", {{"objective", printable(objectives[i].metric)}});
    best[i]->Set(leading[i] = value);
  }
}

void Series::State::count_slots(const History& history) {
  std::int64_t slots = places.capacity(need, gang);
  if (parallel) slots = std::min<std::int64_t>(slots, *parallel);
  // Launches decided ahead are live but wait for a slot; they keep no place busy.
  const std::int64_t taken = std::min(history.live(), slots);
  busy.Set(static_cast<double>(taken));
  free.Set(static_cast<double>(slots - taken));
}

void Series::State::count_workers(const History& history) {
  std::map<std::string, int> counts;
  for (const auto& [id, known] : history.workers()) ++counts[known.state];
  for (const auto& [state, gauge] : workers) gauge->Set(counts[state]);
}

Gauge& Series::State::allocations(const std::string& state) {
  return gauge("tune_allocations", "What the engine was asked for, by state.", {{"engine", engine}, {"state", printable(state)}});
}

void Series::State::count(const AllocationChanged& changed) {
  auto& state = allocation_states[changed.allocation];
  if (!state.empty()) allocations(state).Decrement();
  allocations(changed.state).Increment();
  state = changed.state;
}

Series::Series(const Spec& spec) : state_(std::make_unique<State>(spec)) {}
Series::~Series() = default;

void Series::on_durable(const Record& record, const History& history) {
  State& s = *state_;
  if (const auto* decided = record.decided()) {
    s.decisions[decided->what.index()]->Increment();
    if (const auto* propose = record.as<Propose>()) s.learn(*propose);
    if (const auto* launch = record.as<Launch>()) s.learn(*launch, record.at, history);
    if (const auto* settle = record.as<Settle>()) s.learn(*settle, history);
  } else if (const auto* report = record.as<Reported>()) {
    s.reports.Increment();
    s.furthest_step = std::max(s.furthest_step, report->step);
  } else if (const auto* exited = record.as<Exited>()) {
    s.learn(*exited);
    if (exited->cause == Cause::lost) s.lost_attempts.Increment();
  } else if (const auto* changed = record.as<AllocationChanged>()) {
    s.count(*changed);
  } else {
    follow_workers(s.places, record);
  }
}

void Series::on_turn(const Turn& turn, const History& history) {
  State& s = *state_;
  if (std::exchange(s.first_turn, false)) {
    // A resumed experiment: what was known before this process began.
    for (const Trial& trial : history.trials()) {
      s.furthest_step = std::max(s.furthest_step, trial.last_step);
      if (is_final(trial.state)) s.learn(Settle{trial.id, trial.state, trial.cause, trial.values, trial.feasible, 0}, history);
    }
  }
  for (std::size_t i = 0; i < kStates.size(); ++i) s.trials[i]->Set(static_cast<double>(history.count(kStates[i])));
  s.count_slots(history);
  s.count_workers(history);
  s.decision_seconds.Observe(turn.decide_seconds);
  if (turn.commit_seconds) s.commit_seconds.Observe(*turn.commit_seconds);
  s.trouble.Set(turn.trouble ? 1 : 0);
}

std::string Series::text() const {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, state_->registry.Collect());
  return std::move(out).str();
}

}  // namespace tune
