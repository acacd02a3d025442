// SPDX-License-Identifier: Apache-2.0
#include "schedulers/stop_rule.hpp"

#include <utility>

#include "tuner/instances.hpp"

namespace tune {

void StopRule::learn(const History& history, const Record& r) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return;
  const Trial& t = history.trial(*id);
  if (const auto* report = r.as<Reported>()) {
    const bool ends = report->final && !launches_by_instance(history.spec());
    if (ends || t.asked == Asked::stop || is_final(t.state)) return;
    auto judgement = judge(history, t, *report);
    if (!judgement) return;
    drop(t.id);
    if (judgement->stops) sentences_.push_back({t.id, std::move(judgement->why), std::move(judgement->note)});
    return;
  }
  if (r.as<Pause>() || r.as<Stop>() || r.as<Exploit>() || r.as<Retry>() || is_final(t.state)) drop(t.id);
  if (const auto* stop = r.as<Stop>(); stop && stop->as != TrialState::complete) stopped(t);
  if (r.as<Exploit>()) cloned(t);
  if (r.as<Retry>() && t.retries == 0) wanted_back(t);  // A retry after a failure has been counted.
  if (r.as<Settle>()) settled(history, t);
}

void StopRule::drop(TrialId id) {
  std::erase_if(sentences_, [&](const Sentence& s) { return s.trial == id; });
}

std::optional<Scheduler::Verdict> StopRule::verdict(const History& history) const {
  if (sentences_.empty()) return std::nullopt;
  const auto& [id, why, note] = sentences_.front();
  return Verdict{Stop{id, history.trial(id).attempt, TrialState::stopped, {}}, why, note};
}

}  // namespace tune
