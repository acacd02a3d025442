// SPDX-License-Identifier: Apache-2.0
// What to do next, given everything folded so far. How facts change the state is in experiment_observations.cpp and experiment_decisions.cpp.
#include "tuner/experiment.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/instances.hpp"

namespace tune {
namespace {

// Launches decided before their slot is free, so that a slot never waits for a commit: as many as slots turn over in the
// time that a commit takes on busy cores. Trials that run for seconds get none, so that nothing grows stale.
constexpr double kCommitSeconds = 0.02;
constexpr int kMostAhead = 256;
constexpr std::size_t kExitsForRate = 8;
constexpr double kGathering = 300;  // Seconds after an agent came in which another one that a gang needs may come.

std::string number(TrialId t) { return std::to_string(t.value); }

}  // namespace

Experiment::Experiment(const Spec& spec, std::unique_ptr<Sampler> sampler, std::unique_ptr<Scheduler> scheduler,
                       std::unique_ptr<Allocator> allocator)
    : spec_(spec),
      sampler_(std::move(sampler)),
      scheduler_(std::move(scheduler)),
      allocator_(std::move(allocator)),
      history_(spec),
      placement_(spec.required_labels),
      repeats_(spec),
      checkpoints_(spec.checkpoint ? spec.checkpoint->keep : 1, spec.checkpoint && spec.checkpoint->keep_best),
      improvements_(spec.objectives) {
  if (spec.logical_order) order_.emplace(spec.slots);
  if (speculates(spec)) stragglers_.emplace();
}

std::optional<Decided> Experiment::next(bool may_launch) const {
  if (!due_.empty()) return due_.front();
  if (auto d = verdict()) return d;
  if (history_.finishing()) return let_go();
  if (!may_launch || on_hold_) return std::nullopt;
  if (order_)
    if (auto d = fill_logical_slot()) return d;
  if (auto d = launch()) return d;
  if (auto d = speculate()) return d;
  if (auto d = give_up()) return d;
  return allocator_ ? allocator_->next(history_) : std::nullopt;
}

std::optional<Decided> Experiment::verdict() const {
  auto v = scheduler_->verdict(history_);
  if (!v) return std::nullopt;
  return std::visit(
      [&](auto what) -> std::optional<Decided> {
        const Trial& t = history_.trial(what.trial);
        if constexpr (requires { what.attempt; }) what.attempt = t.attempt;
        return Decided{what, {t.last_fact, v->by.empty() ? spec_.scheduler.type : std::move(v->by), std::move(v->why), std::move(v->note)}};
      },
      std::move(v->what));
}

// --- free slots -------------------------------------------------------------------------------------------------------

const Resources& Experiment::resources_of(const Trial& t) const { return t.resources ? *t.resources : spec_.resources; }

int Experiment::ahead() const {
  if (exits_.size() < kExitsForRate || spec_.gang.ranks > 1) return 0;
  const double gap = (exits_.back() - exits_.front()).seconds / static_cast<double>(exits_.size() - 1);
  return gap > 0 ? static_cast<int>(std::min<double>(kMostAhead, kCommitSeconds / gap)) : kMostAhead;
}

/// For all ranks of a trial; empty: there is no room.
std::vector<Seat> Experiment::seats(const Resources& each, int ahead) const {
  if (spec_.gang.ranks > 1) return placement_.find(each, spec_.gang);
  auto seat = placement_.find(each, ahead);
  return seat ? std::vector<Seat>{std::move(*seat)} : std::vector<Seat>{};
}

bool Experiment::has_room() const {
  return !(spec_.parallel && live_.size() >= static_cast<std::size_t>(*spec_.parallel + ahead())) &&
         !seats(spec_.resources, ahead()).empty();
}

const Trial* Experiment::fresh_in_queue() const {
  for (const auto& [priority, fresh, id] : queue_)
    if (fresh && !history_.trial(id).replicate_of) return &history_.trial(id);
  return nullptr;
}

std::optional<Scheduler::Plan> Experiment::plan() const {
  auto p = scheduler_->plan(history_);
  if (p && std::holds_alternative<Scheduler::Start>(*p) && !history_.may_start() && !fresh_in_queue()) return std::nullopt;
  return p;
}

// A configuration that was begun is brought to its end before a new one begins.
std::optional<Decided> Experiment::repeat() const {
  const auto next = repeats_.next(history_);
  if (!next) return std::nullopt;
  const Trial& head = history_.trial(next->of);
  Propose p;
  p.trial = TrialId{history_.size()};
  p.params = head.params;
  p.source = next->source;
  p.as_of = learned_;
  p.replicate_of = head.id;
  p.priority = 1;
  if (order_) p.until_step = repeats_.steps_of(head.id);
  return Decided{std::move(p), {head.last_fact, "tune", std::move(next->why), {}}};
}

std::optional<Decided> Experiment::point() const {
  if (!has_points() || !history_.may_start()) return std::nullopt;
  Propose p;
  p.trial = TrialId{history_.size()};
  p.as_of = learned_;
  if (points_used_ < spec_.points.size()) {
    p.params = spec_.points[points_used_];
    p.source = "point";
    return Decided{std::move(p), {history_.last_seq(), "user", "point " + std::to_string(points_used_) + " of the config", {}}};
  }
  const Lesson& lesson = lessons_[lessons_used_];
  p.params = lesson.params;
  p.source = "warm_start";
  return Decided{std::move(p), {history_.last_seq(), "tune", "the best of `" + lesson.source + "`, which this experiment learns from", {}}};
}

std::optional<Decided> Experiment::launch(const Trial& t, std::int64_t until_step, std::optional<Rung> rung, Reason reason) const {
  const bool again = t.attempt > 0;
  // Only new trials are launched ahead of their slot: a promotion overtakes them and takes the next one.
  auto ranks = seats(resources_of(t), again ? 0 : ahead());
  const auto limit = spec_.parallel ? *spec_.parallel + (again ? 0 : ahead()) : INT32_MAX;
  if (ranks.empty() || live_.size() >= static_cast<std::size_t>(limit)) {
    // All seats may be held by launches made ahead; a trial that goes on then joins them and is started first.
    if (!again || ahead() == 0) return std::nullopt;
    ranks = seats(resources_of(t), ahead() + 1);
    if (ranks.empty()) return std::nullopt;
  }
  Launch l;
  l.trial = t.id;
  l.attempt = std::max(t.attempt, t.copies) + 1;
  l.form = !again ? Form::fresh : t.checkpoint.empty() ? Form::restart : Form::resume;
  l.ranks = std::move(ranks);
  l.until_step = order_ ? kNoStep : until_step;
  if (!t.checkpoint.empty()) l.from = t.checkpoint;
  if (t.changed) l.params = t.params;
  l.rung = std::move(rung);
  return Decided{std::move(l), std::move(reason)};
}

std::optional<Decided> Experiment::launch() const {
  for (const auto& [priority, fresh, id] : queue_) {
    const Trial& t = history_.trial(id);
    if (order_ && !order_->is_hungry(id)) continue;
    if (fresh && !order_ && !t.replicate_of) break;
    const std::string place = launches_by_instance(spec_) ? "instance " + std::to_string(t.last_step + 1) + " of " + std::to_string(spec_.instances.size())
                                                          : "it goes on where it was";
    auto d = launch(t, fresh && t.replicate_of ? repeats_.steps_of(*t.replicate_of) : t.until_step, std::nullopt,
                    {t.last_fact, "tune", fresh ? "a slot is free" : place, {}});
    return d;  // The first in the queue goes first: others behind it do not overtake.
  }
  if (order_ || !has_room()) return std::nullopt;

  if (auto d = repeat()) return d;
  auto p = plan();
  if (!p) return std::nullopt;
  if (auto* resume = std::get_if<Scheduler::Resume>(&*p)) {
    const Trial& t = history_.trial(resume->trial);
    return launch(t, resume->until_step, resume->rung, {t.last_fact, spec_.scheduler.type, std::move(resume->why), std::move(resume->note)});
  }
  if (auto* clone = std::get_if<Scheduler::Clone>(&*p)) {  // Queued by that, and launched next.
    const Trial& t = history_.trial(clone->exploit.trial);
    return Decided{std::move(clone->exploit), {t.last_fact, spec_.scheduler.type, std::move(clone->why), std::move(clone->note)}};
  }
  auto& start = std::get<Scheduler::Start>(*p);
  if (const Trial* t = fresh_in_queue())
    return launch(*t, start.until_step, std::nullopt, {t->last_fact, spec_.scheduler.type, std::move(start.why), std::move(start.note)});
  return point();
}

// In logical order a virtual slot is filled by a decision of its own; the launch follows when a real slot is free.
std::optional<Decided> Experiment::fill_logical_slot() const {
  if (!order_->has_free_slot()) return std::nullopt;
  if (auto d = repeat()) return d;
  auto p = plan();
  if (!p) return std::nullopt;
  if (auto* resume = std::get_if<Scheduler::Resume>(&*p)) {
    const Trial& t = history_.trial(resume->trial);
    return Decided{Extend{resume->trial, resume->until_step, resume->rung},
                   {t.last_fact, spec_.scheduler.type, std::move(resume->why), std::move(resume->note)}};
  }
  auto d = point();
  if (d) std::get<Propose>(d->what).until_step = std::get<Scheduler::Start>(*p).until_step;
  return d;
}

bool Experiment::wants_decision() const {
  if (!due_.empty() || scheduler_->verdict(history_)) return true;
  return !on_hold_ && order_->has_free_slot() && ((plan() && declined_at_ != learned_) || repeats_.next(history_));
}

// --- proposals --------------------------------------------------------------------------------------------------------

std::optional<TrialId> Experiment::wanted() const {
  if (!due_.empty() || on_hold_ || history_.finishing() || !history_.may_start() || has_points() ||
      declined_at_ == learned_ || sampler_held_)
    return std::nullopt;
  if (order_) {
    if (!order_->has_free_slot()) return std::nullopt;
  } else {
    if (fresh_in_queue()) return std::nullopt;
    // Not ahead of time: a proposal that knows one result more is worth more than the moment that a slot is idle.
    if (!has_room()) return std::nullopt;
  }
  const auto p = plan();
  if (!p || !std::holds_alternative<Scheduler::Start>(*p)) return std::nullopt;
  return TrialId{history_.size()};
}

Rng Experiment::proposal_stream(TrialId trial) const { return Rng{spec_.seed, Purpose::propose, trial.value}; }

Decided Experiment::propose(const Sampler::Proposal& proposal, double seconds) const {
  Propose p;
  p.trial = TrialId{history_.size()};
  p.params = proposal.params;
  p.source = "sampler";
  p.sampler = spec_.search.type;
  p.as_of = learned_;
  p.seconds = seconds;
  p.chance = proposal.chance;
  if (order_)
    if (const auto plan = this->plan(); plan && std::holds_alternative<Scheduler::Start>(*plan))
      p.until_step = std::get<Scheduler::Start>(*plan).until_step;
  return {std::move(p), {history_.last_seq(), spec_.search.type, proposal.why, proposal.note}};
}

// --- the end ----------------------------------------------------------------------------------------------------------

std::optional<Time> Experiment::deadline() const {
  if (!spec_.stop.time || opened_at_.seconds == 0 || repeats_.confirming()) return std::nullopt;
  return Time{opened_at_.seconds + spec_.stop.time->seconds - active_before_};
}

/// The agents of a gang come one by one.
std::optional<Time> Experiment::others_may_come_until() const {
  if (spec_.gang.ranks == 1 || !agent_came_at_) return std::nullopt;
  const Time until = *agent_came_at_ + Duration{kGathering};
  return history_.now() < until ? std::optional{until} : std::nullopt;
}

std::optional<Decided> Experiment::give_up() const {
  if (finish_owed_) return std::nullopt;
  const auto finish = [&](int code, std::optional<TrialState> live_as, std::string why) {
    return Decided{Finish{code, live_as}, {history_.last_seq(), "tune", std::move(why), {}}};
  };
  const auto impossible = [&](const std::string& trial) -> std::optional<Decided> {
    if (others_may_come_until()) return std::nullopt;
    if (spec_.gang.ranks > 1) return finish(3, std::nullopt, "no workers of one group can ever hold the " + std::to_string(spec_.gang.ranks) + " ranks of " + trial);
    return finish(3, std::nullopt, "no worker can ever hold " + trial + ": it asks for more than any that is here offers");
  };
  if (const auto until = deadline(); until && history_.now() >= *until)
    return finish(0, TrialState::stopped, "the time is up");
  if (!placement_.has_workers() || !live_.empty() || !due_.empty() || !delayed_.empty() || wanted() || sampler_held_) return std::nullopt;
  if (!queue_.empty()) {
    const Trial& first = history_.trial(std::get<TrialId>(*queue_.begin()));
    return placement_.possible(resources_of(first), spec_.gang) ? std::nullopt : impossible("trial " + number(first.id));
  }
  if (!history_.may_start() && !repeats_.next(history_)) {
    const auto done = history_.size() - repeats_.reruns();
    const bool budget = spec_.stop.trials && done + spec_.replicates.count > *spec_.stop.trials;
    if (improbable()) {
      const auto& rule = *spec_.stop.improvement;
      return finish(0, std::nullopt, "an improvement of more than " + to_text(rule.min) + " has become unlikely: " + std::to_string(kUnlikely) +
                                         " proposals in a row had a chance below " + to_text(rule.chance));
    }
    return finish(0, std::nullopt, budget ? "all " + std::to_string(done) + " trials are done" : "every configuration of the space was tried");
  }
  if (scheduler_->complete(history_)) return finish(0, std::nullopt, "all " + std::to_string(history_.size()) + " trials are done");
  if (!placement_.possible(spec_.resources, spec_.gang)) return impossible("a trial");
  if (scheduler_->wake_at()) return std::nullopt;
  if (seats(spec_.resources, 0).empty()) return std::nullopt;  // Only one that is set aside could hold it, and may be taken back.
  return finish(3, std::nullopt, "nothing can go on: neither the sampler nor the scheduler has anything to offer");
}

/// Of what an engine placed, once nothing lives there any more.
std::optional<Decided> Experiment::let_go() const { return allocator_ && live_.empty() ? allocator_->next(history_) : std::nullopt; }

bool Experiment::finished() const {
  return history_.finishing() && live_.empty() && due_.empty() && checkpoints_.going().empty() && !let_go();
}

std::optional<Time> Experiment::wake_at() const {
  std::optional<Time> at = scheduler_->wake_at();
  const auto earlier = [&](std::optional<Time> t) {
    if (t && (!at || *t < *at)) at = t;
  };
  if (!history_.finishing()) earlier(deadline());
  if (!delayed_.empty()) earlier(delayed_.begin()->first);
  if (live_.empty()) earlier(others_may_come_until());
  if (stragglers_ && !history_.finishing())
    for (const auto& [id, lease] : live_)
      if (const auto due = copy_due(id, lease); due && *due > history_.now()) earlier(due);
  if (allocator_ && !history_.finishing()) earlier(allocator_->wake_at(history_));
  return at;
}

std::vector<Decided> Experiment::unsettled() const {
  std::vector<Decided> again;
  for (const auto& [id, lease] : live_)
    if (!lease.started) again.push_back({lease.launch, {history_.last_seq(), "tune", "recorded before, not seen to start", {}}});
  if (const auto& going = checkpoints_.going(); !going.empty())
    again.push_back({Collect{{going.begin(), going.end()}}, {history_.last_seq(), "tune", "recorded before, not seen to be done", {}}});
  if (allocator_)
    for (auto& allocation : allocator_->unsettled()) again.push_back(std::move(allocation));
  return again;
}

}  // namespace tune
