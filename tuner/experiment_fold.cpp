// SPDX-License-Identifier: Apache-2.0
// Folding: what every record goes through, what the folds share, and what follows from them. The folds themselves are in
// experiment_observations.cpp and experiment_decisions.cpp.
#include <algorithm>
#include <cmath>

#include "tuner/experiment.hpp"
#include "tuner/instances.hpp"
#include "tuner/workers.hpp"

namespace tune {

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
      history_.ranks_.erase(live.first);
      return true;
    });
    follow_workers(placement_, r);
    free_copies();
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
  history_.overbooked_ = placement_.overbooked() || (spec_.parallel && live_.size() > static_cast<std::size_t>(*spec_.parallel));
  // Reports are learned when they are consumed: at once, or at their logical time.
  if (!r.as<Reported>()) learn(r);
  refresh();
  if (order_) advance();
  if (allocator_) allocator_->learn(history_, r);
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
