// SPDX-License-Identifier: Apache-2.0
#include "schedulers/asha.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/rng.hpp"

namespace tune {

Asha::Asha(const Spec& spec, const AshaOptions& options)
    : options_(options), seed_(spec.seed), logical_(spec.logical_order) {
  const std::int64_t at_least = options_.promote ? 0 : 1;
  const auto all = detail::rung_steps(static_cast<double>(options_.min_step), options_.eta, options_.max_step);
  const std::size_t brackets = std::min(static_cast<std::size_t>(options_.brackets), all.size());
  double sum = 0;
  for (std::size_t b = 0; b < brackets; ++b) {
    auto& levels = levels_.emplace_back();
    for (std::size_t k = b; k < all.size(); ++k) levels.emplace_back(all[k], options_.eta, at_least);
    const double remaining = static_cast<double>(brackets - b);
    sum += std::pow(options_.eta, remaining - 1) * static_cast<double>(brackets) / remaining;
    shares_.push_back(sum);
  }
}

// --- what happened
// ----------------------------------------------------------------------------------------------------

void Asha::learn(const History& history, const Record& r) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return;
  const Trial& t = history.trial(*id);
  if (r.as<Reported>()) {
    reported(t, history);
  } else if (const auto* l = r.as<Launch>()) {
    if (climber(*id).phase == Phase::unknown)
      begin(*id, history);
    else if (!logical_)
      granted(*id, l->rung.has_value(), l->until_step, history);
  } else if (const auto* p = r.as<Propose>()) {
    if (logical_ && p->until_step > 0) begin(*id, history);
  } else if (const auto* e = r.as<Extend>()) {
    granted(*id, e->rung.has_value(), e->until_step, history);
  } else if (const auto* pause = r.as<Pause>()) {
    refused(*id, pause->rung.has_value());
  } else if (r.as<Stop>()) {
    climber(*id).phase = Phase::over;
  } else if (r.as<Retry>()) {
    retried(*id);
  }
  Climber& c = climber(*id);
  if (is_final(t.state)) c.phase = Phase::over;
  line_up(t, c);
  while (!asking_.empty()) {
    const Phase phase = climber(asking_.front()).phase;
    if (phase == Phase::asking || phase == Phase::admitted) break;
    asking_.pop_front();
  }
}

Asha::Climber& Asha::climber(TrialId id) {
  const auto index = static_cast<std::size_t>(id.value);
  if (climbers_.size() <= index) climbers_.resize(index + 1);
  return climbers_[index];
}

void Asha::begin(TrialId id, const History& history) {
  Climber& c = climber(id);
  c.bracket = bracket_of_start(starts_++);
  c.phase = Phase::climbing;
  climb(id, c, history);
}

void Asha::reported(const Trial& t, const History& history) {
  Climber& c = climber(t.id);
  if (c.phase == Phase::climbing) climb(t.id, c, history);
}

// Records the trial at its rung if it has got there. What it reported past its rung before the verdict counts at the
// next one, once it may go there.
void Asha::climb(TrialId id, Climber& c, const History& history) {
  const Trial& t = history.trial(id);
  if (t.reports == 0 || t.last_step < level(c).step()) return;
  // Outside its outcome constraints a trial ranks behind all others.
  c.score = t.feasible ? history.score(t.values.front()) : std::numeric_limits<double>::infinity();
  level(c).record({c.score, id});
  c.recorded = true;
  ask(id, c, Phase::asking);
}

void Asha::ask(TrialId id, Climber& c, Phase phase) {
  c.phase = phase;
  asking_.push_back(id);
}

// A launch that goes on after a pause, or leave to go on while running.
void Asha::granted(TrialId id, bool at_rung, std::int64_t until, const History& history) {
  Climber& c = climber(id);
  if (c.phase == Phase::waiting && !at_rung) {
    // A person resumed it: as far as the next rung if they meant past this one; else this rung's verdict is due again.
    if (until <= level(c).step() || is_top(c)) return ask(id, c, Phase::asking);
    return ask(id, c, Phase::admitted);
  }
  const bool ours = c.phase == Phase::asking || c.phase == Phase::admitted || c.phase == Phase::waiting;
  if (!ours || !at_rung) return;
  level(c).send();
  const auto& levels = levels_[static_cast<std::size_t>(c.bracket)];
  if (static_cast<std::size_t>(c.rung) + 1 < levels.size()) {
    if (c.in_line) level(c).leave({c.score, id}), c.in_line = false;
    ++c.rung;
    c.recorded = false;
    c.phase = Phase::climbing;
    climb(id, c, history);
  } else {
    c.phase = Phase::over;  // No rung lies beyond: it ends by itself.
  }
}

void Asha::refused(TrialId id, bool at_rung) {
  Climber& c = climber(id);
  if (at_rung && (c.phase == Phase::asking || c.phase == Phase::admitted)) c.phase = Phase::waiting;
}

// Out of its final state because a person asked: on to its rung, or past it if it was recorded there.
void Asha::retried(TrialId id) {
  Climber& c = climber(id);
  if (c.phase != Phase::over || is_top(c)) return;
  if (c.recorded)
    ask(id, c, Phase::admitted);
  else
    c.phase = Phase::climbing;
}

// In line to be promoted: waits at its rung and has left its slot. In logical order it has left when it was told to.
void Asha::line_up(const Trial& t, Climber& c) {
  const bool waits = c.phase == Phase::waiting && (t.state == TrialState::paused || (logical_ && !is_final(t.state)));
  if (waits == c.in_line) return;
  c.in_line = waits;
  const Entry entry{c.score, t.id};
  if (waits)
    level(c).wait(entry);
  else
    level(c).leave(entry);
}

// --- what now
// ---------------------------------------------------------------------------------------------------------

std::int64_t Asha::next_step(const Climber& c) const {
  const auto& levels = levels_[static_cast<std::size_t>(c.bracket)];
  const auto next = static_cast<std::size_t>(c.rung) + 1;
  return next < levels.size() ? levels[next].step() : kNoStep;
}

std::optional<Scheduler::Verdict> Asha::verdict(const History& history) const {
  if (asking_.empty()) return std::nullopt;
  const TrialId id = asking_.front();
  const Climber& c = climbers_[static_cast<std::size_t>(id.value)];
  const detail::Level& here = level(c);
  const Entry entry{c.score, id};
  const Rung rung = here.crossing(entry, c.bracket, c.rung, history);
  const int attempt = history.trial(id).attempt;
  if (c.phase == Phase::admitted) return Verdict{Extend{id, next_step(c), rung}, "resumed by a person", {}};
  if (is_top(c)) {
    Rung last = rung;
    last.cut = std::nan("");
    return Verdict{
        Stop{id, attempt, TrialState::complete, last}, "did all " + std::to_string(*options_.max_step) + " steps", {}};
  }
  std::string why = detail::sentence(rung, here.quota());
  if (!here.goes_on(entry))
    return options_.promote ? Verdict{Pause{id, attempt, rung}, std::move(why), {}}
                            : Verdict{Stop{id, attempt, TrialState::stopped, rung}, std::move(why), {}};
  if (options_.promote && history.may_start() && !here.has_room())
    return Verdict{Pause{id, attempt, rung}, why + " once more were recorded here", {}};
  return Verdict{Extend{id, next_step(c), rung}, std::move(why), {}};
}

std::optional<Scheduler::Plan> Asha::plan(const History& history) const {
  // The furthest first: a promotion near the top says more than one near the bottom.
  for (std::size_t b = 0; b < levels_.size(); ++b)
    for (std::size_t k = levels_[b].size(); k-- > 0;) {
      const detail::Level& here = levels_[b][k];
      const auto best = here.candidate();
      if (!best || (history.may_start() && !here.has_room())) continue;
      const Climber& c = climbers_[static_cast<std::size_t>(best->trial.value)];
      const Rung rung = here.crossing(*best, c.bracket, c.rung, history);
      return Resume{best->trial, next_step(c), rung, detail::sentence(rung, here.quota()), {}};
    }
  const auto& first = levels_[static_cast<std::size_t>(bracket_of_start(starts_))].front();
  return Start{first.step(), "a slot is free", {}};
}

int Asha::bracket_of_start(std::int64_t start) const {
  if (shares_.size() == 1) return 0;
  const double u = Rng{seed_, Purpose::bracket, start}.uniform() * shares_.back();
  return static_cast<int>(std::upper_bound(shares_.begin(), shares_.end() - 1, u) - shares_.begin());
}

// --- by name
// ----------------------------------------------------------------------------------------------------------

namespace {

Result<std::unique_ptr<Scheduler>> make(const SchedulerContext& c) {
  AshaOptions o;
  const auto whole = [&](std::string_view name) {
    return static_cast<std::int64_t>(*to_number(*c.options.find(name)));
  };
  o.min_step = whole("min_step");
  if (c.options.contains("max_step")) o.max_step = whole("max_step");
  o.eta = *to_number(*c.options.find("eta"));
  o.brackets = static_cast<int>(whole("brackets"));
  const auto* mode = c.options.find("mode");
  o.promote = mode ? std::get<std::string>(*mode) == "promote" : c.spec.checkpoint.has_value();
  if (o.max_step && *o.max_step <= o.min_step)
    return Error{Error::Code::invalid,
                 "scheduler.max_step: must be greater than min_step, which is " + std::to_string(o.min_step), ""};
  return std::unique_ptr<Scheduler>(std::make_unique<Asha>(c.spec, o));
}

}  // namespace

SchedulerEntry asha() {
  using Kind = Option::Kind;
  return {{"asha",
           "Gives many trials a few steps and the best of them more (asynchronous successive halving).",
           {{"mode",
             Kind::text,
             "",
             "promote: pause at rungs, resume the best. stop: stop all but the best. Default: promote if the config "
             "has `checkpoint`.",
             0,
             0,
             {"promote", "stop"}},
            {"min_step", Kind::integer, "1", "Step of the first rung.", 1, 1e15},
            {"max_step", Kind::integer, "", "A trial that gets here is complete. Default: where it ends by itself.", 1,
             1e15},
            {"eta", Kind::number, "3", "One in eta goes on; rungs are this factor apart.", 1.1, 1000},
            {"brackets", Kind::integer, "1", "Ways to begin: bracket b skips the first b rungs.", 1, 20}}},
          make};
}

}  // namespace tune
