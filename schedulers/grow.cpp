// SPDX-License-Identifier: Apache-2.0
#include "schedulers/grow.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "tuner/workers.hpp"

namespace tune {
namespace {

// Shares of a device below 1, whole devices above.
double doubled_gpus(double gpus, double most) { return std::min(gpus < 1 ? std::min(2 * gpus, 1.0) : 2 * gpus, most); }

Resources doubled_up_to(const Resources& most, Resources r) {
  r.cpus = std::max(r.cpus, std::min(2 * r.cpus, most.cpus));
  r.gpus = std::max(r.gpus, doubled_gpus(r.gpus, most.gpus));
  r.memory_bytes = std::max(r.memory_bytes, std::min(2 * r.memory_bytes, most.memory_bytes));
  for (auto& [name, amount] : r.custom)
    if (const auto bound = most.custom.find(name); bound != most.custom.end()) amount = std::max(amount, std::min(2 * amount, bound->second));
  return r;
}

std::string text(const Resources& r) {
  std::string out = to_text(r.cpus) + " cpu";
  if (r.gpus > 0) out += ", " + to_text(r.gpus) + " gpu";
  if (r.memory_bytes > 0) out += ", " + std::to_string(r.memory_bytes) + " bytes";
  for (const auto& [name, amount] : r.custom) out += ", " + to_text(amount) + " " + name;
  return out;
}

// Smaller is better; a trial without a value is last.
std::tuple<double, TrialId> standing(const History& history, const Trial& t) {
  return {t.values.empty() ? std::numeric_limits<double>::infinity() : history.score(t.values.front()), t.id};
}

}  // namespace

// As Experiment does; what is hidden from schedulers, trials that repeat others, cannot be where trials grow.
void Grow::follow(const Record& r) {
  follow_workers(placement_, r);
  follow_workers(empty_, r);
  if (const auto* launch = r.as<Launch>()) {
    seats_[launch->trial] = launch->ranks;
    for (const auto& seat : launch->ranks) placement_.take(seat);
  }
  if (const auto* exited = r.as<Exited>()) {
    const auto held = seats_.find(exited->trial);
    if (held == seats_.end()) return;
    for (const auto& seat : held->second) placement_.give_back(seat);
    seats_.erase(held);
  }
}

void Grow::learn(const History& history, const Record& r) {
  scheduler_->learn(history, r);
  follow(r);
  if (const auto* resize = r.as<Resize>()) grown_.push_back(resize->trial);
  const auto id = trial_of(r);
  if (chosen_ && (r.as<Resize>() || r.as<Finish>() || (id == chosen_->trial && !may_grow(history.trial(*id))))) chosen_.reset();
  const auto* report = r.as<Reported>();
  if (!report || report->final || report->step % spec_.grow->every != 0 || chosen_ || !is_time(history)) return;
  const Trial& t = history.trial(report->trial);
  auto more = may_grow(t) ? doubled(t) : std::nullopt;
  if (!more) return;
  for (const auto& [other_id, seats] : seats_) {
    const Trial& other = history.trial(other_id);
    if (standing(history, other) < standing(history, t) && may_grow(other) && doubled(other)) return;
  }
  std::string why = "nothing new starts, and there is room: from " + text(resources_of(t)) + " to " + text(*more);
  chosen_ = {t.id, std::move(*more), std::move(why)};
}

// Nothing new may start and nobody waits for a slot.
bool Grow::is_time(const History& history) const {
  if (history.may_start() || history.finishing() || history.confirming() || history.count(TrialState::queued) > 0) return false;
  const auto next = scheduler_->plan(history);
  return !next || std::holds_alternative<Start>(*next);
}

bool Grow::may_grow(const Trial& t) const { return t.state == TrialState::running && t.asked == Asked::nothing && !t.attempt_over; }

std::optional<Resources> Grow::doubled(const Trial& t) {
  Resources more = doubled_up_to(spec_.grow->max, resources_of(t));
  const auto held = seats_.find(t.id);
  if (more == resources_of(t) || held == seats_.end()) return std::nullopt;
  for (const auto& seat : held->second) placement_.give_back(seat);
  const bool fits = placement_.find(more).has_value();
  for (const auto& seat : held->second) placement_.take(seat);
  return fits ? std::optional{std::move(more)} : std::nullopt;
}

std::optional<Scheduler::Verdict> Grow::verdict(const History& history) const {
  if (auto v = scheduler_->verdict(history)) return v;
  if (chosen_) return Verdict{Resize{chosen_->trial, chosen_->resources}, chosen_->why, {}};
  return shrunk(history);
}

std::optional<Scheduler::Verdict> Grow::shrunk(const History& history) const {
  if (grown_.empty() || history.count(TrialState::queued) == 0 || !empty_.find(spec_.resources)) return std::nullopt;
  for (const TrialId id : grown_) {
    const Trial& t = history.trial(id);
    if (t.state == TrialState::queued && t.resources && !(*t.resources == spec_.resources) && !empty_.find(*t.resources))
      return Verdict{Resize{t.id, spec_.resources}, "no worker is there that could hold " + text(*t.resources), {}};
  }
  return std::nullopt;
}

std::unique_ptr<Scheduler> with_grow(std::unique_ptr<Scheduler> scheduler, const Spec& spec) {
  if (!spec.grow) return scheduler;
  return std::make_unique<Grow>(std::move(scheduler), spec);
}

}  // namespace tune
