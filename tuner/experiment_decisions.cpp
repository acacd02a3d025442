// SPDX-License-Identifier: Apache-2.0
// What each decision changes. The table of transitions is in docs/formats/facts.md.
#include <algorithm>
#include <cmath>

#include "tuner/experiment.hpp"
#include "tuner/instances.hpp"

namespace tune {
namespace {

constexpr std::int64_t kHopeless = 10;  // So many trials failed, none succeeded: something is wrong with the program.

}  // namespace

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
  t.worker = l.ranks.empty() ? WorkerId{} : l.ranks.front().worker;
  t.heard = 0;
  t.attempt_over = false;
  t.asked = Asked::nothing;
  if (!order_) t.until_step = l.until_step;  // In logical order the process runs ahead; the grant is not its bound.
  t.launched_at = r.at.seconds;
  if (l.params) t.params = *l.params;
  set_state(t, TrialState::leased);
  free_copy(l.trial, l.attempt);  // It goes on as the attempt, in its own seats.
  for (const auto& seat : l.ranks) placement_.take(seat);
  if (l.ranks.size() > 1) history_.ranks_[l.trial] = l.ranks;
  live_[l.trial] = {l, false, t.last_step, {}};
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

void Experiment::fold(const Pause& p, const Record& r) {
  Trial& t = at(p.trial);
  t.held = on_hold_;
  repeats_.paused(t.id);
  if (order_) order_->leave(t.id);
  if (live_.contains(t.id)) {
    if (t.asked == Asked::pause) t.resizing = false;  // Somebody else wants it to pause as well: that lasts.
    if (t.asked == Asked::nothing) t.asked = Asked::pause;
    owe_end_of_copy(t, r.seq, "the trial pauses");
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
    owe_end_of_copy(t, r.seq, "the trial is asked to end");
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

}  // namespace tune
