// SPDX-License-Identifier: Apache-2.0
// What each observation changes. The table of transitions is in docs/formats/facts.md.
#include <algorithm>
#include <cmath>

#include "tuner/experiment.hpp"
#include "tuner/instances.hpp"
#include "tuner/transfer.hpp"
#include "tuner/workers.hpp"

namespace tune {
namespace {

constexpr std::size_t kExitsRemembered = 32;
constexpr double kRefusedPause = 1.0;  // Seconds before a trial that could not be started or had no disk is tried again.

bool is_nan(double v) { return std::isnan(v); }

}  // namespace

void Experiment::fold(const Configured&, const Record&) {
  // A change of settings reopens an experiment that had finished; policies were made from the newest settings already.
  history_.finishing_ = finish_owed_ = false;
  history_.finish_why_.clear();
  history_.exit_code_ = 0;
  since_best_ = 0;
  improvements_.clear();
  unlikely_ = 0;
}

void Experiment::fold(const Imported& from, const Record&) {
  history_.imported_.push_back(from);
  const auto* best = best_of(from, spec_);
  const auto known = [&](const Params& p) {
    return std::any_of(lessons_.begin(), lessons_.end(), [&](const Lesson& l) { return l.params == p; });
  };
  if (best && !known(best->params)) lessons_.push_back({best->params, from.source});
}

void Experiment::fold(const WorkerJoined& joined, const Record& r) {
  auto& known = history_.workers_[joined.worker];
  known.joined = joined;
  if (known.state != "cordoned") known.state = "ready";
  if (!joined.agent.empty()) agent_came_at_ = r.at;
  follow_workers(placement_, r);
}

void Experiment::fold(const WorkerChanged& changed, const Record& r) {
  if (const auto known = history_.workers_.find(changed.worker); known != history_.workers_.end()) known->second.state = changed.state;
  follow_workers(placement_, r);
}

void Experiment::fold(const WorkerLost& lost, const Record& r) {
  const auto known = history_.workers_.find(lost.worker);
  if (known != history_.workers_.end() && known->second.state != "cordoned") known->second.state = "lost";
  follow_workers(placement_, r);
}

void Experiment::fold(const Started& s, const Record& r) {
  const auto it = live_.find(s.trial);
  if (it == live_.end() || it->second.launch.attempt != s.attempt) return;
  it->second.started = true;
  it->second.started_at = r.at;
  if (Trial& t = at(s.trial); t.state == TrialState::leased) set_state(t, TrialState::running);
}

void Experiment::fold(const Reported& report, const Record& r) {
  Trial& t = at(report.trial);
  if (report.attempt != t.attempt) return;
  t.heard = std::max(t.heard, report.seq);
  if (is_final(t.state)) return;
  if (!order_) count_cost(report, r.seq);
  if (!history_.score(report.metrics)) return;
  if (t.asked == Asked::exploit || (t.attempt_over && t.changed)) return;  // Of the course that it has left.
  if (order_)
    order_->reported(r);
  else
    consume_report(r);
}

// In logical order it counts when the report does, so that the end has its tick.
void Experiment::count_cost(const Reported& report, Seq seq) {
  if (!report.cost) return;
  history_.cost_ += at(report.trial).cost.tell(report.attempt, *report.cost);
  if (const auto& most = spec_.stop.cost; most && history_.cost_ >= *most && !repeats_.confirming())
    owe_finish(0, TrialState::stopped, seq, "tune", "the trials have cost " + to_text(history_.cost_) + ", and `stop.cost` is " + to_text(*most));
}

void Experiment::consume_report(const Record& r) {
  const auto& report = *r.as<Reported>();
  Trial& t = at(report.trial);
  if (is_final(t.state)) return;
  if (order_) count_cost(report, r.seq);
  if (report.step <= t.last_step) return;  // A later attempt repeats what an earlier one reported.
  t.last_step = report.step;
  ++t.reports;
  touch(t.id);
  checkpoints_.reported(t.id, report.step, history_.score(report.metrics).value_or(INFINITY));

  const auto& positions = history_.positions(report.metrics);
  if (t.values.empty()) t.values.assign(positions.size(), std::nan(""));
  for (std::size_t o = 0; o < positions.size(); ++o) {
    if (positions[o] < 0) continue;
    const auto& objective = spec_.objectives[o];
    const double v = report.metrics.values[static_cast<std::size_t>(positions[o])];
    double& kept = t.values[o];
    switch (objective.reduce) {
      case Objective::Reduce::last: kept = v; break;
      case Objective::Reduce::best:
        if (is_nan(kept) || (objective.maximize ? v > kept : v < kept)) kept = v;
        break;
      case Objective::Reduce::mean_last_k: {
        // `recent` holds the last k values of each objective, one block an objective, newest last.
        const auto k = static_cast<std::size_t>(objective.k);
        std::size_t begin = 0;
        for (std::size_t p = 0; p < o; ++p)
          if (spec_.objectives[p].reduce == Objective::Reduce::mean_last_k) begin += static_cast<std::size_t>(spec_.objectives[p].k);
        if (t.recent.size() < begin + k) t.recent.resize(begin + k, std::nan(""));
        const auto block = t.recent.begin() + static_cast<std::ptrdiff_t>(begin);
        std::rotate(block, block + 1, block + static_cast<std::ptrdiff_t>(k));
        block[static_cast<std::ptrdiff_t>(k) - 1] = v;
        const auto seen = std::min<std::int64_t>(t.reports, objective.k);
        double sum = 0;
        for (std::int64_t i = 0; i < seen; ++i) sum += block[static_cast<std::ptrdiff_t>(k) - 1 - i];
        kept = sum / static_cast<double>(seen);
        break;
      }
    }
  }
  t.feasible = judge_bounds(t, report);

  const bool finite = std::isfinite(history_.score(report.metrics).value());
  t.finite = t.finite || finite;
  learn(r);
  if (!finite && spec_.on_nan != OnNan::worst && t.asked == Asked::nothing)
    owe(Stop{t.id, t.attempt, spec_.on_nan == OnNan::fail ? TrialState::failed : TrialState::stopped, {}}, r.seq, "tune",
        "reported a value that is not finite, and on_nan asks for that");
  else if (t.replicate_of && t.last_step >= t.until_step && t.asked == Asked::nothing)
    owe(Stop{t.id, t.attempt, TrialState::complete, {}}, r.seq, "tune", "it has done the steps of the trial that it repeats");
  else if (spec_.replicates.count == 1 && !t.replicate_of && history_.reached_target(t))
    owe_finish(0, TrialState::stopped, r.seq, "tune", "trial " + std::to_string(t.id.value) + " reached the target");
}

// A bound is judged by the last report that carried its metric.
bool Experiment::judge_bounds(Trial& t, const Reported& report) const {
  bool all = std::all_of(report.constraints.begin(), report.constraints.end(), [](double c) { return c <= 0; });
  const auto& bounds = spec_.outcome_constraints;
  t.bounds.resize(bounds.size(), Trial::Bound::unknown);
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto& c = bounds[i];
    if (const auto v = report.metrics.find(c.metric)) {
      const bool holds = !(c.min && !(*v >= *c.min)) && !(c.max && !(*v <= *c.max));
      t.bounds[i] = holds ? Trial::Bound::holds : Trial::Bound::broken;
    }
    all = all && t.bounds[i] != Trial::Bound::broken;
  }
  return all;
}

void Experiment::fold(const Exited& e, const Record& r) {
  const auto it = live_.find(e.trial);
  if (it == live_.end() || it->second.launch.attempt != e.attempt) return;
  for (const auto& seat : it->second.launch.ranks) placement_.give_back(seat);
  history_.ranks_.erase(e.trial);
  const bool more = next_instance(e, it->second);
  if (stragglers_ && e.cause == Cause::done && it->second.started)
    stragglers_->ended(r.at - it->second.started_at, history_.trial(e.trial).last_step - it->second.from_step, history_.trial(e.trial).last_step);
  live_.erase(it);
  exits_.push_back(r.at);
  if (exits_.size() > kExitsRemembered) exits_.pop_front();

  Trial& t = at(e.trial);
  t.cause = e.cause;
  t.attempt_over = true;
  t.ended_at = r.at.seconds;
  t.ran_seconds += t.ended_at - t.launched_at;
  // A stop that was owed but not yet recorded has been overtaken: the trial ends as it asked. Not in logical order, where
  // the stop has its own tick, whenever the process ends.
  for (auto d = due_.begin(); d != due_.end() && !order_; ++d)
    if (const auto* stop = std::get_if<Stop>(&d->what); stop && stop->trial == t.id) {
      t.asked = Asked::stop;
      t.stop_as = stop->as;
      due_.erase(d);
      break;
    }
  if (is_final(t.state)) return;  // Settled at its logical time, before its process was gone.

  const bool goes_on = is_blameless(e.cause) || e.cause == Cause::paused || e.cause == Cause::exploited || more;
  if (order_ && !goes_on) {
    const bool retried = is_failure(e.cause) && t.retries < spec_.retry.max &&
                         std::find(spec_.retry.on.begin(), spec_.retry.on.end(), e.cause) != spec_.retry.on.end();
    if (retried) return owe_failure(t, e.cause, r.seq, e.text);
    // Waits for its turn in the logical order; nothing is left to launch.
    set_state(t, order_->is_active(t.id) ? TrialState::queued : TrialState::paused);
    t.asked = Asked::nothing;
    order_->ended(r);
    return;
  }
  if (order_) {
    t.asked = Asked::nothing;
    if (!order_->is_active(t.id)) return set_state(t, TrialState::paused);
    enqueue(t);  // Launched once what it has reported ahead is used up.
    return;
  }
  if (more && t.asked == Asked::nothing && t.last_step < t.until_step) return enqueue(t);
  consume_exit(r);
}

// It went well on its instance, of which more are left.
bool Experiment::next_instance(const Exited& e, const Lease& lease) const {
  if (e.cause != Cause::done || !launches_by_instance(spec_)) return false;
  const bool reported = history_.trial(e.trial).last_step > lease.from_step || (order_ && !order_->is_hungry(e.trial));
  return reported && lease.from_step + 1 < static_cast<std::int64_t>(spec_.instances.size());
}

void Experiment::consume_exit(const Record& r) {
  const auto& e = *r.as<Exited>();
  Trial& t = at(e.trial);
  touch(t.id);
  // A trial that was only to be resized goes on however its attempt ended, if it has not come to its end.
  if (std::exchange(t.resizing, false) && t.asked == Asked::pause) t.asked = Asked::nothing;
  const Asked asked = t.asked;
  if (owe_takeover(t, e.cause, r.seq)) return;
  owe_end_of_copy(t, r.seq, "the attempt beside it has ended");
  const auto park = [&] {
    t.asked = Asked::nothing;  // It was done: nothing is under way.
    set_state(t, TrialState::paused);
  };
  if (asked == Asked::stop)
    return owe_settle(t, t.stop_as, t.stop_as == TrialState::failed ? Cause::nan : e.cause, r.seq, "ended as it was asked to");

  // However it ended: it goes on from its donor's checkpoint, not from here.
  if (asked == Asked::exploit) return enqueue(t);
  const bool by_instance = launches_by_instance(spec_), lacking = lacks_instances(spec_, t);
  const bool over = by_instance && !lacking;  // Nothing is left to launch it for.
  if ((is_blameless(e.cause) || e.cause == Cause::paused) && !over) {
    if (asked == Asked::pause) return park();
    if (e.cause == Cause::refused || e.cause == Cause::disk) t.not_before = r.at + Duration{kRefusedPause};
    return enqueue(t);
  }
  if (e.cause == Cause::infeasible) return owe_settle(t, TrialState::infeasible, e.cause, r.seq, "the trial said that its parameters are infeasible");
  if (is_failure(e.cause)) return owe_failure(t, e.cause, r.seq, e.text);

  // It came to an end by itself. A trial that honours TUNE_UNTIL_STEP ends where its grant ends: that is a pause.
  const bool granted_all = !order_ && (spec_.checkpoint || by_instance) && !t.replicate_of && t.until_step != kNoStep && t.last_step >= t.until_step;
  if ((asked == Asked::pause || granted_all) && !over) return park();
  if (by_instance && lacking) return owe_failure(t, Cause::no_metric, r.seq, "it ended without reporting `" + spec_.objectives.front().metric + "`");
  if (t.reports == 0) return owe_failure(t, Cause::no_metric, r.seq, "it ended without reporting `" + spec_.objectives.front().metric + "`");
  if (!t.finite) return owe_failure(t, Cause::nan, r.seq, "it never reported a finite value");
  for (std::size_t o = 1; o < t.values.size(); ++o)
    if (is_nan(t.values[o])) return owe_failure(t, Cause::no_metric, r.seq, "it ended without reporting `" + spec_.objectives[o].metric + "`");
  for (std::size_t i = 0; i < t.bounds.size(); ++i)
    if (t.bounds[i] == Trial::Bound::unknown)
      return owe_failure(t, Cause::no_metric, r.seq, "it ended without reporting `" + spec_.outcome_constraints[i].metric + "`, which outcome_constraints bounds");
  owe_settle(t, TrialState::complete, Cause::done, r.seq, "the trial ended by itself");
}

}  // namespace tune
