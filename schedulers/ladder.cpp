// SPDX-License-Identifier: Apache-2.0
#include "schedulers/ladder.hpp"

#include <limits>

namespace tune::detail {

Ladder::Change Ladder::learn(const History& history, const Record& r, int bracket) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return {};
  const Trial& t = history.trial(*id);
  Climber& c = climber(*id);
  change_ = {false, false, false, *id};
  const Phase before = c.phase;
  if (r.as<Reported>()) {
    if (c.phase == Phase::climbing) climb(t, c, history);
  } else if (const auto* l = r.as<Launch>()) {
    if (c.phase == Phase::unknown)
      begin(t, c, bracket, history);
    else if (!logical_)
      granted(t, c, l->rung.has_value(), l->until_step, history);
  } else if (const auto* p = r.as<Propose>()) {
    if (logical_ && p->until_step > 0) begin(t, c, bracket, history);
  } else if (const auto* e = r.as<Extend>()) {
    granted(t, c, e->rung.has_value(), e->until_step, history);
  } else if (const auto* pause = r.as<Pause>()) {
    if (pause->rung && (c.phase == Phase::asking || c.phase == Phase::admitted)) c.phase = Phase::waiting;
  } else if (r.as<Stop>()) {
    c.phase = Phase::over;
  } else if (r.as<Retry>()) {
    retried(t, c);
  }
  if (is_final(t.state)) c.phase = Phase::over;
  line_up(t, c);
  stand(t, c);
  change_.any = change_.any || c.phase != before;
  while (!asking_.empty()) {
    const Phase phase = at(asking_.front()).phase;
    if (phase == Phase::asking || phase == Phase::admitted) break;
    asking_.pop_front();
  }
  return change_;
}

Ladder::Climber& Ladder::climber(TrialId id) {
  const auto index = static_cast<std::size_t>(id.value);
  if (climbers_.size() <= index) climbers_.resize(index + 1);
  return climbers_[index];
}

void Ladder::begin(const Trial& t, Climber& c, int bracket, const History& history) {
  c.bracket = bracket;
  c.phase = Phase::climbing;
  change_.began = true;
  climb(t, c, history);
}

// Records the trial at its rung if it has got there. What it reported past its rung before the verdict counts at the
// next one, once it may go there.
void Ladder::climb(const Trial& t, Climber& c, const History& history) {
  if (t.reports == 0 || t.last_step < level(c).step()) return;
  // Outside its outcome constraints a trial ranks behind all others.
  c.score = t.feasible ? history.score(t.values.front()) : std::numeric_limits<double>::infinity();
  level(c).record({c.score, t.id});
  c.recorded = change_.recorded = true;
  ask(t, c, Phase::asking);
}

void Ladder::ask(const Trial& t, Climber& c, Phase phase) {
  c.phase = phase;
  asking_.push_back(t.id);
}

// A launch that goes on after a pause, or leave to go on while running.
void Ladder::granted(const Trial& t, Climber& c, bool at_rung, std::int64_t until, const History& history) {
  if (c.phase == Phase::waiting && !at_rung) {
    // A person resumed it: as far as the next rung if they meant past this one; else this rung's verdict is due again.
    return ask(t, c, until <= level(c).step() || is_top(c) ? Phase::asking : Phase::admitted);
  }
  const bool ours = c.phase == Phase::asking || c.phase == Phase::admitted || c.phase == Phase::waiting;
  if (!ours || !at_rung) return;
  Level& here = level(c);
  here.send();
  if (is_top(c)) {
    c.phase = Phase::over;  // No rung lies beyond: it ends by itself.
    return;
  }
  if (c.in_line) here.leave({c.score, t.id}), c.in_line = false;
  here.stand(std::exchange(c.standing, Level::Standing::none), -1);
  ++c.rung;
  c.recorded = false;
  c.phase = Phase::climbing;
  change_.any = true;
  climb(t, c, history);
}

// Out of its final state because a person asked: on to its rung, or past it if it was recorded there.
void Ladder::retried(const Trial& t, Climber& c) {
  if (c.phase != Phase::over || (c.recorded && is_top(c))) return;
  if (c.recorded)
    ask(t, c, Phase::admitted);
  else
    c.phase = Phase::climbing;
}

// In line to be promoted: waits at its rung and has left its slot. In logical order it has left when it was told to.
void Ladder::line_up(const Trial& t, Climber& c) {
  const bool waits = c.phase == Phase::waiting && (t.state == TrialState::paused || (logical_ && !is_final(t.state)));
  if (waits == c.in_line) return;
  c.in_line = waits;
  change_.any = true;
  const Level::Entry entry{c.score, t.id};
  if (waits)
    level(c).wait(entry);
  else
    level(c).leave(entry);
}

// One that a person paused on its way does not come until they resume it.
void Ladder::stand(const Trial& t, Climber& c) {
  using Standing = Level::Standing;
  Standing now = Standing::none;
  if (c.phase == Phase::climbing)
    now = t.state == TrialState::paused ? Standing::none : Standing::coming;
  else if (c.phase == Phase::asking || c.phase == Phase::admitted || c.phase == Phase::waiting)
    now = Standing::here;
  if (now == c.standing) return;
  change_.any = true;
  level(c).stand(c.standing, -1);
  level(c).stand(now, +1);
  c.standing = now;
}

}  // namespace tune::detail
