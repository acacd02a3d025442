// SPDX-License-Identifier: Apache-2.0
// Copies of attempts that fall behind (`executor.speculate`): when one is begun, when it takes the attempt's place, when it ends.
#include <algorithm>

#include "tuner/experiment.hpp"

namespace tune {

/// When a copy of this attempt is worth it; nullopt: it gets none. One that is asked something ends soon, or waits; one with a bound
/// of steps waits there for a decision, and so would its copy.
std::optional<Time> Experiment::copy_due(TrialId id, const Lease& lease) const {
  const Trial& t = history_.trial(id);
  if (!lease.started || t.asked != Asked::nothing || t.resizing || t.until_step != kNoStep || t.copies > t.attempt) return std::nullopt;
  return stragglers_->due({lease.started_at, lease.from_step, t.last_step, t.checkpoint.empty() ? 0 : t.checkpoint_step});
}

/// Only with what is left: where a new trial could begin instead, it does.
std::optional<Decided> Experiment::speculate() const {
  if (!stragglers_ || !queue_.empty() || sampler_held_ || wanted()) return std::nullopt;
  const auto running = live_.size() + history_.copies_.size();
  if (spec_.parallel && running >= static_cast<std::size_t>(*spec_.parallel)) return std::nullopt;
  const Trial* slowest = nullptr;
  Time since;
  for (const auto& [id, lease] : live_)
    if (const auto due = copy_due(id, lease); due && *due <= history_.now() && (!slowest || *due < since))
      slowest = &history_.trial(id), since = *due;
  if (!slowest) return std::nullopt;
  auto seat = placement_.find_elsewhere(resources_of(*slowest), slowest->worker);
  if (!seat) return std::nullopt;
  Speculate s{slowest->id, std::max(slowest->attempt, slowest->copies) + 1, {std::move(*seat)}, {}};
  if (!slowest->checkpoint.empty()) s.from = slowest->checkpoint;
  return Decided{std::move(s), {slowest->last_fact, "tune", "at its pace what is left would take more than twice as long as a copy on another worker", {}}};
}

void Experiment::fold(const Speculate& s, const Record&) {
  at(s.trial).copies = s.attempt;
  for (const auto& seat : s.ranks) placement_.take(seat);
  history_.copies_[s.trial] = s;
}

void Experiment::fold(const EndCopy& e, const Record&) { free_copy(e.trial, e.attempt); }

void Experiment::fold(const CopyExited& e, const Record&) { free_copy(e.trial, e.attempt); }

/// What was owed of it is not any more; a trial whose attempt it was to be goes back to the queue.
void Experiment::free_copy(TrialId id, int attempt) {
  const auto* copy = history_.copy(id);
  if (!copy || copy->attempt != attempt) return;
  for (const auto& seat : copy->ranks) placement_.give_back(seat);
  history_.copies_.erase(id);
  const auto owed = std::find_if(due_.begin(), due_.end(), [&](const Decided& d) {
    const auto* end = std::get_if<EndCopy>(&d.what);
    const auto* launch = std::get_if<Launch>(&d.what);
    return (end && end->trial == id) || (launch && launch->trial == id);
  });
  if (owed == due_.end()) return;
  const bool takeover = std::holds_alternative<Launch>(owed->what);
  due_.erase(owed);
  if (takeover) enqueue(at(id));
}

/// No copy outlives the process that ordered it.
void Experiment::free_copies() {
  while (!history_.copies_.empty()) free_copy(history_.copies_.begin()->first, history_.copies_.begin()->second.attempt);
}

void Experiment::owe_end_of_copy(const Trial& t, Seq because, std::string why) {
  const auto* copy = history_.copy(t.id);
  const auto owed = [&](const Decided& d) {
    const auto* end = std::get_if<EndCopy>(&d.what);
    return end && end->trial == t.id;
  };
  if (copy && std::none_of(due_.begin(), due_.end(), owed)) owe(EndCopy{t.id, copy->attempt}, because, "tune", std::move(why));
}

/// Its attempt has ended through no fault of the trial's: the copy is the attempt from here on.
bool Experiment::owe_takeover(const Trial& t, Cause cause, Seq because) {
  const auto* copy = history_.copy(t.id);
  if (!copy || t.asked != Asked::nothing || !is_blameless(cause) || cause == Cause::shutdown) return false;
  Launch l;
  l.trial = t.id;
  l.attempt = copy->attempt;
  l.form = copy->from ? Form::resume : Form::restart;
  l.ranks = copy->ranks;
  l.until_step = t.until_step;
  l.from = copy->from;
  if (t.changed) l.params = t.params;
  l.speculative = true;
  owe(std::move(l), because, "tune", "its copy goes on in its place");
  return true;
}

}  // namespace tune
