// SPDX-License-Identifier: Apache-2.0
// Where trials go on from: checkpoints saved, lost, taken over from a donor and collected. docs/decisions/014 has the why.
#include "tuner/experiment.hpp"

namespace tune {

void Experiment::fold(const Checkpointed& c, const Record& r) {
  Trial& t = at(c.trial);
  if (!checkpoints_.saved(c.trial, {c.checkpoint, c.step})) return;
  const bool left = t.asked == Asked::exploit || is_final(t.state);  // A course that nobody goes on with.
  if (c.attempt == t.attempt && !left && c.step >= t.checkpoint_step) go_on_from(t, c.checkpoint, c.step);
  owe_collect(r.seq);
}

void Experiment::go_on_from(Trial& t, std::string checkpoint, std::int64_t step) {
  checkpoints_.use(t.id, checkpoint);
  t.checkpoint = std::move(checkpoint);
  t.checkpoint_step = step;
}

// The trial's own checkpoint before it is the next best; without one it begins again.
void Experiment::fold(const CheckpointLost& lost, const Record& r) {
  for (const TrialId id : checkpoints_.lost(lost.checkpoint)) {
    const auto older = checkpoints_.newest(id).value_or(CheckpointLedger::Saved{});
    go_on_from(at(id), older.name, older.step);
  }
  owe_collect(r.seq);
}

void Experiment::owe_collect(Seq because) {
  auto surplus = checkpoints_.take_surplus();
  if (surplus.empty()) return;
  for (const auto& name : surplus) checkpoints_.collecting(name);
  owe(Collect{std::move(surplus)}, because, "tune", "nothing needs them any more");
}

void Experiment::fold(const Collect& c, const Record&) {
  for (const auto& name : c.checkpoints) checkpoints_.collecting(name);
}

void Experiment::fold(const Collected& c, const Record&) {
  for (const auto& name : c.checkpoints) checkpoints_.collected(name);
}

void Experiment::fold(const Exploit& e, const Record& r) {
  Trial& t = at(e.trial);
  t.params = e.params;
  t.changed = true;
  t.last_step = e.step;
  t.until_step = e.until_step;
  go_on_from(t, e.checkpoint, e.step);
  owe_collect(r.seq);
  if (live_.contains(t.id)) {
    if (t.asked != Asked::stop) t.asked = Asked::exploit;
  } else if (t.state == TrialState::paused) {
    enqueue(t);
  }
}

}  // namespace tune
