// SPDX-License-Identifier: Apache-2.0
// What each fact changes. The table of transitions is in docs/formats/facts.md.
#include <algorithm>
#include <cmath>

#include "tuner/experiment.hpp"
#include "tuner/instances.hpp"
#include "tuner/transfer.hpp"

namespace tune {
namespace {

constexpr std::size_t kExitsRemembered = 32;
constexpr std::int64_t kHopeless = 10;   // So many trials failed, none succeeded: something is wrong with the program.
constexpr double kRefusedPause = 1.0;    // Seconds before a trial that could not be started or had no disk is tried again.

bool is_nan(double v) { return std::isnan(v); }

}  // namespace

Trial& Experiment::at(TrialId id) {
  TUNE_ASSERT(history_.contains(id), "trial " + std::to_string(id.value) + " at record " + std::to_string(history_.last_seq_));
  return history_.trials_[static_cast<std::size_t>(id.value)];
}

void Experiment::set_state(Trial& t, TrialState state) {
  --history_.counts_[static_cast<std::size_t>(t.state)];
  t.state = state;
  ++history_.counts_[static_cast<std::size_t>(state)];
}

Experiment::QueueKey Experiment::queue_key(const Trial& t) const { return {-t.priority, t.attempt == 0, t.id}; }

void Experiment::enqueue(Trial& t) {
  set_state(t, TrialState::queued);
  if (t.not_before && history_.now_ < *t.not_before)
    delayed_.insert({*t.not_before, t.id});
  else
    queue_.insert(queue_key(t));
}

void Experiment::unqueue(const Trial& t) {
  queue_.erase(queue_key(t));
  if (t.not_before) delayed_.erase({*t.not_before, t.id});
}

void Experiment::apply(const Record& r) {
  TUNE_ASSERT(r.seq == history_.last_seq_ + 1, "record " + std::to_string(r.seq) + " after " + std::to_string(history_.last_seq_));
  if (history_.last_seq_ == 0) history_.began_ = r.at;
  history_.last_seq_ = r.seq;
  const Time before = history_.now_;
  history_.now_ = std::max(history_.now_, r.at);
  while (!delayed_.empty() && delayed_.begin()->first <= history_.now_) {
    Trial& t = at(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
    queue_.insert(queue_key(t));
  }

  if (r.as<Opened>()) {
    // Time that passed while nobody had it open does not count.
    if (opened_at_.seconds > 0) active_before_ += (before - opened_at_).seconds;
    opened_at_ = r.at;
    // In logical order a trial can be settled before its process is gone; nobody will tell of the end of that one now.
    std::erase_if(live_, [&](const auto& live) {
      if (!is_final(history_.trial(live.first).state)) return false;
      for (const auto& seat : live.second.launch.ranks) placement_.give_back(seat);
      return true;
    });
  }
  if (const auto* decided = r.decided()) {
    paid(decided->what);
    std::visit([&](const auto& d) { fold(d, r); }, decided->what);
  } else {
    std::visit([&](const auto& o) { fold(o, r); }, *r.observation());
  }
  if (const auto id = trial_of(r); id && history_.contains(*id)) {
    at(*id).last_fact = r.seq;
    touch(*id);
  }
  // Reports are learned when they are consumed: at once, or at their logical time.
  if (!r.as<Reported>()) learn(r);
  refresh();
  if (order_) advance();
}

void Experiment::learn(const Record& r) {
  const auto id = trial_of(r);
  const Trial* t = id && history_.contains(*id) ? &history_.trial(*id) : nullptr;
  if (!t || !repeats_.hidden_from_scheduler(r, *t)) scheduler_->learn(history_, r);
  const bool hidden = t && repeats_.hidden_from_sampler(r, *t);
  if (sampler_held_) {
    if (hidden) return;
    held_.push_back(r);
  } else {
    if (!hidden) sampler_->learn(r);
    learned_ = order_ ? learned_ + 1 : r.seq;
  }
}

void Experiment::release_sampler() {
  sampler_held_ = false;
  for (const auto& r : held_) {
    sampler_->learn(r);
    learned_ = order_ ? learned_ + 1 : r.seq;
  }
  held_.clear();
  refresh();
  if (order_) advance();
}

void Experiment::refresh() {
  const auto& budget = spec_.stop.trials;
  // While the sampler proposes elsewhere it cannot be asked; it is not exhausted then, or it would not have been started.
  const bool exhausted = !sampler_held_ && !has_points() && sampler_->exhausted();
  const std::int64_t taken = history_.size() - repeats_.reruns() + repeats_.promised();
  history_.may_start_ = !history_.finishing_ && !repeats_.confirming() && !exhausted && !improbable() &&
                        !(budget && taken + spec_.replicates.count > *budget);
  history_.confirming_ = repeats_.confirming();
}

// In logical order: hands events on while nobody has anything to decide, so that every decision is made at its own tick.
void Experiment::advance() {
  while (!history_.finishing_ && !wants_decision()) {
    const auto event = order_->take();
    if (!event) return;
    if (event->record.as<Reported>())
      consume_report(event->record);
    else
      consume_exit(event->record);
    refresh();
  }
}

// --- observations -----------------------------------------------------------------------------------------------------

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

void Experiment::fold(const WorkerJoined& w, const Record&) { placement_.join(w.worker, w.offers); }

void Experiment::fold(const WorkerChanged& w, const Record&) {
  if (w.offers) placement_.join(w.worker, *w.offers);
  if (w.state == "draining" || w.state == "cordoned" || w.state == "quarantined") placement_.leave(w.worker);
}

void Experiment::fold(const WorkerLost& w, const Record&) { placement_.leave(w.worker); }

void Experiment::fold(const Started& s, const Record&) {
  const auto it = live_.find(s.trial);
  if (it == live_.end() || it->second.launch.attempt != s.attempt) return;
  it->second.started = true;
  if (Trial& t = at(s.trial); t.state == TrialState::leased) set_state(t, TrialState::running);
}

void Experiment::fold(const Reported& report, const Record& r) {
  const Trial& t = at(report.trial);
  if (report.attempt != t.attempt || is_final(t.state) || !history_.score(report.metrics)) return;
  if (t.asked == Asked::exploit || (t.attempt_over && t.changed)) return;  // Of the course that it has left.
  if (order_)
    order_->reported(r);
  else
    consume_report(r);
}

void Experiment::consume_report(const Record& r) {
  const auto& report = *r.as<Reported>();
  Trial& t = at(report.trial);
  if (is_final(t.state) || report.step <= t.last_step) return;  // A later attempt repeats what an earlier one reported.
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
  const bool more = next_instance(e, it->second);
  live_.erase(it);
  exits_.push_back(r.at);
  if (exits_.size() > kExitsRemembered) exits_.pop_front();

  Trial& t = at(e.trial);
  t.cause = e.cause;
  t.attempt_over = true;
  t.ended_at = r.at.seconds;
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

// --- decisions --------------------------------------------------------------------------------------------------------

void Experiment::fold(const Propose& p, const Record& r) {
  TUNE_ASSERT(p.trial.value == history_.size(), "trial " + std::to_string(p.trial.value) + " is not the next one");
  Trial t;
  t.id = p.trial;
  t.params = p.params;
  t.replicate_of = p.replicate_of;
  t.priority = p.priority;
  t.proposed_at = r.at.seconds;
  t.until_step = p.until_step;
  history_.trials_.push_back(std::move(t));
  ++history_.counts_[static_cast<std::size_t>(TrialState::queued)];
  if (p.source == "point") ++points_used_;
  if (p.source == "warm_start") ++lessons_used_;
  repeats_.proposed(p);
  // Proposals without a chance (the initial design, a sampler that steps aside) neither count nor interrupt.
  if (const auto& rule = spec_.stop.improvement; rule && p.chance) unlikely_ = *p.chance < rule->chance ? unlikely_ + 1 : 0;
  if (order_) order_->enter(p.trial);
  queue_.insert(queue_key(at(p.trial)));
}

void Experiment::fold(const Launch& l, const Record& r) {
  Trial& t = at(l.trial);
  unqueue(t);
  t.not_before.reset();
  t.attempt = l.attempt;
  t.attempt_over = false;
  t.asked = Asked::nothing;
  if (!order_) t.until_step = l.until_step;  // In logical order the process runs ahead; the grant is not its bound.
  t.launched_at = r.at.seconds;
  if (l.params) t.params = *l.params;
  set_state(t, TrialState::leased);
  for (const auto& seat : l.ranks) placement_.take(seat);
  live_[l.trial] = {l, false, t.last_step};
  if (!order_) repeats_.launched(l.trial);
}

void Experiment::fold(const Extend& e, const Record&) {
  Trial& t = at(e.trial);
  t.until_step = e.until_step;
  t.held = false;
  if (order_ && !is_final(t.state)) {
    repeats_.launched(t.id);  // Launches follow the workers and not the logical order.
    if (!order_->is_active(t.id)) order_->enter(t.id);
    if (!live_.contains(t.id)) enqueue(t);
    return;
  }
  if (t.state == TrialState::paused) enqueue(t);
}

void Experiment::fold(const Pause& p, const Record&) {
  Trial& t = at(p.trial);
  t.held = on_hold_;
  repeats_.paused(t.id);
  if (order_) order_->leave(t.id);
  if (live_.contains(t.id)) {
    if (t.asked == Asked::pause) t.resizing = false;  // Somebody else wants it to pause as well: that lasts.
    if (t.asked == Asked::nothing) t.asked = Asked::pause;
  } else if (t.state == TrialState::queued) {
    unqueue(t);
    set_state(t, TrialState::paused);
  }
}

void Experiment::fold(const Stop& s, const Record& r) {
  Trial& t = at(s.trial);
  const bool live = live_.contains(t.id);
  if (live) {
    t.asked = Asked::stop;
    t.stop_as = s.as;
  }
  // In logical order the trial is over at this tick, however long its process takes to end.
  if (!is_final(t.state) && (order_ || !live))
    owe_settle(t, s.as, s.as == TrialState::cancelled ? Cause::cancelled : s.as == TrialState::failed ? Cause::nan : Cause::stopped,
               r.seq, r.decided()->reason.why);
}

void Experiment::fold(const Resize& size, const Record& r) {
  Trial& t = at(size.trial);
  t.resources = std::make_shared<const Resources>(size.resources);
  if (!live_.contains(t.id) || t.asked != Asked::nothing) return;
  t.resizing = true;
  owe(Pause{t.id, t.attempt, {}}, r.seq, r.decided()->reason.by, "it goes on with other resources");
}

void Experiment::fold(const Retry& retry, const Record&) {
  Trial& t = at(retry.trial);
  if (is_final(t.state)) {  // A person asked.
    t.retries = 0;
    repeats_.retried(t.id, history_);
    if (history_.best_ == t.id || history_.front_.contains(t.id)) {
      history_.best_.reset();
      history_.front_.clear();
      for (const auto& other : history_.trials_)
        if (other.id != t.id) consider_best(other);
    }
    if (order_) order_->enter(t.id);
  } else {
    ++t.retries;
  }
  t.not_before = retry.not_before;
  if (retry.resources) t.resources = std::make_shared<const Resources>(*retry.resources);
  const bool pausing = t.asked == Asked::pause;
  t.asked = Asked::nothing;
  if (pausing || (order_ && !order_->is_active(t.id)))
    set_state(t, TrialState::paused);
  else
    enqueue(t);
}

void Experiment::consider_best(const Trial& t) {
  // With replicates a trial that was stopped early never got any: it has not shown what it is worth.
  const bool final = t.state == TrialState::complete || (t.state == TrialState::stopped && spec_.replicates.count == 1);
  if (!final || lacks_instances(spec_, t) || t.replicate_of || repeats_.is_interim(t.id) || !t.feasible || t.values.empty() || !std::isfinite(t.values.front())) return;
  if (spec_.objectives.size() > 1) {
    history_.front_.add(t.id, t.values);
    if (!history_.front_.members().empty()) history_.best_ = history_.front_.members().front().trial;
    return;
  }
  const double score = history_.score(t.values.front());
  if (!history_.best_ || score < best_score_) history_.best_ = t.id, best_score_ = score;
}

void Experiment::fold(const Settle& s, const Record& r) {
  Trial& t = at(s.trial);
  unqueue(t);
  if (order_) order_->forget(t.id);
  set_state(t, s.state);
  t.cause = s.cause;
  t.values = s.values;
  t.feasible = s.feasible;
  t.recent = {};
  // A person may have it retried from what it saved itself.
  auto own = checkpoints_.newest(t.id).value_or(CheckpointLedger::Saved{});
  checkpoints_.release(t.id);
  t.checkpoint = std::move(own.name), t.checkpoint_step = own.step;
  owe_collect(r.seq);
  if (t.ended_at == 0 || !live_.contains(t.id)) t.ended_at = std::max(t.ended_at, r.at.seconds);
  const auto meaning = repeats_.settled(s, history_);
  if (meaning == Repeats::Meaning::result) consider_best(t);
  check_rules(t, meaning);
  if (auto reduced = repeats_.take_reduced()) owe(std::move(reduced->settle), r.seq, "tune", std::move(reduced->why));
  finish_confirming(r.seq);
}

void Experiment::finish_confirming(Seq because) {
  const auto confirmed = repeats_.confirmed(history_);
  if (!confirmed) return;
  if (std::isfinite(confirmed->mean)) history_.best_ = confirmed->best, best_score_ = history_.score(confirmed->mean);
  owe_finish(0, std::nullopt, because, "tune", confirmed->why);
}

// Of several objectives any is enough: none of those that counted before comes near in all of them.
bool Experiment::improves(const Trial& t, const ByObjective& min_delta) {
  if (!t.feasible || lacks_instances(spec_, t)) return false;
  std::vector<double> slack;
  for (const auto& o : spec_.objectives) {
    const auto given = min_delta.find(o.metric);
    slack.push_back(given == min_delta.end() ? 0 : given->second);
  }
  return !improvements_.covers(t.values, slack) && improvements_.add(t.id, t.values);
}

void Experiment::check_rules(const Trial& t, Repeats::Meaning meaning) {
  if (repeats_.confirming()) return;  // It ends by itself.
  const Seq because = history_.last_seq_;
  if (t.state == TrialState::complete || t.state == TrialState::stopped) {
    any_success_ = true;
    if (meaning != Repeats::Meaning::result) return;
    if (history_.reached_target(t))
      owe_finish(0, TrialState::stopped, because, "tune", "trial " + std::to_string(t.id.value) + " reached the target");
    if (const auto& plateau = spec_.stop.plateau) {
      if (improves(t, plateau->min_delta) || since_best_ == 0)
        since_best_ = 1;
      else if (++since_best_ > plateau->trials)
        owe_finish(0, std::nullopt, because, "tune",
                   "no improvement in the last " + std::to_string(plateau->trials) + " trials");
    }
    return;
  }
  if (t.state != TrialState::failed) return;
  const auto failed = history_.count(TrialState::failed);
  if (spec_.stop.max_failures && failed > *spec_.stop.max_failures)
    return owe_finish(3, TrialState::stopped, because, "tune", std::to_string(failed) + " trials failed; max_failures allows " + std::to_string(*spec_.stop.max_failures));
  const std::int64_t patience = t.cause == Cause::exec ? 1 : kHopeless;
  if (!any_success_ && ++failures_in_a_row_ >= patience && !spec_.stop.max_failures)
    owe_finish(3, TrialState::stopped, because, "tune",
               t.cause == Cause::exec ? "the program cannot be started"
                                      : "the first " + std::to_string(failures_in_a_row_) + " trials all failed");
}

void Experiment::fold(const Finish& f, const Record& r) {
  history_.finishing_ = true;
  finish_owed_ = false;
  repeats_.finished();
  history_.finish_why_ = r.decided()->reason.why;
  history_.exit_code_ = f.exit_code;
  const std::string& why = history_.finish_why_;
  for (const Trial& t : history_.trials_) {
    if (is_final(t.state)) continue;
    if (live_.contains(t.id)) {
      if (f.live_as && t.asked != Asked::stop) owe(Stop{t.id, t.attempt, *f.live_as, {}}, r.seq, "tune", why);
    } else if (t.finite && f.live_as != TrialState::cancelled) {
      owe_settle(t, TrialState::stopped, Cause::stopped, r.seq, why);  // Paused at a rung, or waiting for its turn.
    } else {
      owe_settle(t, TrialState::cancelled, Cause::cancelled, r.seq, why);
    }
  }
}

// --- what follows -------------------------------------------------------------------------------------------------------

void Experiment::owe(Decision what, Seq because, std::string by, std::string why) {
  due_.push_back({std::move(what), {because, std::move(by), std::move(why), {}}});
}

void Experiment::owe_settle(const Trial& t, TrialState state, Cause cause, Seq because, std::string why) {
  owe(Settle{t.id, state, cause, t.values, t.feasible, t.last_step}, because, "tune", std::move(why));
}

void Experiment::owe_failure(const Trial& t, Cause cause, Seq because, const std::string& text) {
  const auto& retry = spec_.retry;
  std::string why{to_text(cause)};
  if (launches_by_instance(spec_) && lacks_instances(spec_, t))
    why += " on instance " + std::to_string(t.last_step + 1) + ", `" + instance_after(spec_, t.last_step) + "`";
  if (!text.empty()) why += ": " + text;
  if (t.retries >= retry.max || std::find(retry.on.begin(), retry.on.end(), cause) == retry.on.end())
    return owe_settle(t, TrialState::failed, cause, because, std::move(why));
  Retry again{t.id, t.attempt, history_.now_ + Duration{std::ldexp(retry.backoff.seconds, t.retries)}, {}, {}};
  if (cause == Cause::oom && retry.memory_factor > 1) {
    Resources more = resources_of(t);
    more.memory_bytes = static_cast<std::int64_t>(static_cast<double>(more.memory_bytes) * retry.memory_factor);
    again.resources = std::move(more);
  }
  if (!t.checkpoint.empty()) again.from = t.checkpoint;
  owe(std::move(again), because, "tune", std::move(why));
}

void Experiment::owe_finish(int exit_code, std::optional<TrialState> live_as, Seq because, std::string by, std::string why) {
  if (history_.finishing_ || finish_owed_) return;
  finish_owed_ = true;
  owe(Finish{exit_code, live_as}, because, std::move(by), std::move(why));
}

// The recorded decision answers the first thing owed of its kind about its trial; a recorded Settle or Retry answers either,
// because a newer tune may have chosen differently and what is recorded stands.
void Experiment::paid(const Decision& decision) {
  if (due_.empty()) return;
  const auto ends = [](const Decision& d) { return std::holds_alternative<Settle>(d) || std::holds_alternative<Retry>(d); };
  const auto trial = [](const Decision& d) {
    return std::visit([](const auto& x) { if constexpr (requires { x.trial; }) return x.trial; else return TrialId{}; }, d);
  };
  const auto it = std::find_if(due_.begin(), due_.end(), [&](const Decided& owed) {
    const bool same_kind = owed.what.index() == decision.index() || (ends(owed.what) && ends(decision));
    if (!same_kind) return false;
    return std::holds_alternative<Propose>(decision) || trial(owed.what) == trial(decision);
  });
  if (it != due_.end()) due_.erase(it);
}

void Experiment::touch(TrialId id) {
  const auto i = static_cast<std::size_t>(id.value);
  if (i >= is_touched_.size()) is_touched_.resize(i + 1);
  if (!is_touched_[i]) touched_.push_back(id);
  is_touched_[i] = true;
}

std::vector<TrialId> Experiment::take_touched() {
  for (const auto id : touched_) is_touched_[static_cast<std::size_t>(id.value)] = false;
  return std::exchange(touched_, {});
}

}  // namespace tune
