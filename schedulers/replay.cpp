// SPDX-License-Identifier: Apache-2.0
#include "schedulers/replay.hpp"

#include <algorithm>

namespace tune {

std::int64_t Replay::goal(const Follower& f) const {
  const std::size_t next = f.line + 1;
  return next < options_.schedule.size() ? options_.schedule[next].step : options_.max_step.value_or(kNoStep);
}

bool Replay::is_done(const Follower& f) const { return f.line + 1 >= options_.schedule.size(); }

bool Replay::can_turn(const Follower& f, const Trial& t) const { return !t.checkpoint.empty() && t.checkpoint_step >= goal(f); }

void Replay::learn(const History& history, const Record& r) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return;
  const Trial& t = history.trial(*id);
  Follower& f = followers_[*id];
  if (r.as<Reported>()) {
    f.ready = f.ready || t.last_step >= std::min(goal(f), t.until_step);
  } else if (r.as<Pause>()) {
    f.parked = r.decided()->reason.by != name_;
  } else if (r.as<Exploit>()) {
    ++f.line;
    f.ready = f.parked = false;
  } else if (r.as<Launch>() || r.as<Extend>()) {
    f.parked = false;
    if (t.until_step > t.last_step) f.ready = false;
  }
  const bool over = is_final(t.state);
  const auto put = [&](std::set<TrialId>& set, bool in) { in ? void(set.insert(*id)) : void(set.erase(*id)); };
  put(fresh_, !over && t.attempt == 0);
  put(ready_, !over && f.ready && !f.parked && !t.held && t.asked == Asked::nothing);
}

std::optional<Scheduler::Verdict> Replay::verdict(const History& history) const {
  for (const TrialId id : ready_) {
    const Follower& f = followers_.at(id);
    const Trial& t = history.trial(id);
    const std::string step = std::to_string(goal(f));
    if (t.last_step < goal(f)) {  // A person let it go so far.
      if (t.state != TrialState::paused) return Verdict{Extend{id, goal(f), {}}, "on to step " + step, {}};
    } else if (is_done(f)) {
      return Verdict{Stop{id, t.attempt, TrialState::complete, {}}, "did all " + step + " steps", {}};
    } else if (can_turn(f, t)) {
      if (t.state != TrialState::paused) return Verdict{turn(f, t), "from step " + step + " on with other parameters", {}};
    } else if (t.state != TrialState::paused) {
      return Verdict{Pause{id, t.attempt, {}}, "saves at step " + step + ", where its parameters change", {}};
    } else {
      return Verdict{Stop{id, t.attempt, TrialState::stopped, {}}, "it did not save at step " + step + ", where its parameters change", {}};
    }
  }
  return std::nullopt;
}

std::optional<Scheduler::Plan> Replay::plan(const History& history) const {
  for (const TrialId id : ready_) {
    const Follower& f = followers_.at(id);
    const Trial& t = history.trial(id);
    const std::string step = std::to_string(goal(f));
    if (t.state != TrialState::paused) continue;
    if (t.last_step < goal(f)) return Resume{id, goal(f), {}, "on to step " + step, {}};
    if (can_turn(f, t)) return Clone{turn(f, t), "from step " + step + " on with other parameters", {}};
  }
  if (fresh_.empty() && history.size() > 0) return std::nullopt;
  return Start{goal({}), "the schedule begins", {}};
}

Exploit Replay::turn(const Follower& f, const Trial& t) const {
  Exploit e;
  e.trial = e.donor = t.id;
  e.attempt = t.attempt;
  e.checkpoint = t.checkpoint, e.step = t.checkpoint_step;
  e.params = options_.schedule[f.line + 1].params;
  Follower next = f;
  ++next.line;
  e.until_step = goal(next);
  return e;
}

namespace {

Result<std::unique_ptr<Scheduler>> make(const SchedulerContext& c) {
  const auto wrong = [](std::string message, std::string hint = "") { return Error{Error::Code::invalid, std::move(message), std::move(hint)}; };
  if (!c.spec.checkpoint) return wrong("replay changes parameters at checkpoints, so the trial must be able to save", "add \"checkpoint\": {}");
  if (c.spec.logical_order) return wrong("replay needs checkpoints, which arrive when they are written and not in the logical order", "leave `order` out");
  if (c.spec.replicates.count > 1) return wrong("replay is one trial", "leave `replicates` out");
  if (!c.spec.instances.empty())
    return wrong("replay changes parameters on the way, so that results on the instances would be of several settings", "leave `instances` out");
  const char* example = "\"schedule\": [{\"step\": 0, \"params\": {\"lr\": 0.1}}, {\"step\": 20, \"params\": {\"lr\": 0.05}}]";
  auto schedule = detail::schedule_of(c.options.find("schedule"));
  if (!schedule || schedule->empty()) return wrong("scheduler.schedule: a list of steps and parameters", example);
  ReplayOptions o;
  if (const auto* max = c.options.find("max_step")) o.max_step = static_cast<std::int64_t>(*to_number(*max));
  std::int64_t before = -1;
  for (auto& line : *schedule) {
    const std::string at = "scheduler.schedule: at step " + std::to_string(line.step);
    if (before < 0 && line.step != 0) return wrong("scheduler.schedule: it begins at step 0", example);
    if (line.step <= before) return wrong(at + ": steps must increase");
    if (o.max_step && line.step >= *o.max_step) return wrong(at + ": max_step is " + std::to_string(*o.max_step));
    before = line.step;
    auto complete = c.spec.space.complete(std::move(line.params));
    if (!complete) return wrong(at + ": " + complete.error().message, complete.error().hint);
    line.params = std::move(*complete);
  }
  o.schedule = std::move(*schedule);
  return std::unique_ptr<Scheduler>(std::make_unique<Replay>(c.spec, std::move(o)));
}

}  // namespace

SchedulerEntry replay() {
  return {{"replay",
           "One trial that follows a schedule of parameters, as a population found it.",
           {{"schedule", Option::Kind::list, "", "Parameters by step: [{\"step\": 0, \"params\": {...}}, ...]. Needed."},
            {"max_step", Option::Kind::integer, "", "Where the trial is complete. Default: where it ends by itself.", 1, 1e15}}},
          make};
}

}  // namespace tune
