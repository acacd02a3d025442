// SPDX-License-Identifier: Apache-2.0
// Copies of attempts that fall behind, each on another agent than its attempt. What a copy does is kept here: it becomes fact, from the
// beginning on, when the copy takes the attempt's place. Agents know nothing of it: to them a copy is an attempt with a number of its own.
#include <algorithm>

#include "executors/pool/pool_executor.hpp"

namespace tune {

void PoolExecutor::on(const Speculate& s, const History& history) {
  if (copies_.contains(s.trial)) return;
  Launch launch;
  launch.trial = s.trial, launch.attempt = s.attempt, launch.form = s.from ? Form::resume : Form::restart;
  launch.ranks = s.ranks, launch.from = s.from;
  Copy copy{attempt_of(launch, {}, history), {}};
  const bool here = !copy.attempt.parts.empty() && agents_.at(copy.attempt.parts.front().agent).came;
  if (!here || !attempts_.contains(s.trial)) {
    seen_.push_back(CopyExited{s.trial, s.attempt, Cause::refused, here ? "the attempt beside it has ended" : "its agent went away"});
    return;
  }
  copy.attempt.ordered = true;
  const auto& kept = copies_.emplace(s.trial, std::move(copy)).first->second.attempt;
  say_all(kept, kept.parts.front());
}

void PoolExecutor::on(const EndCopy& e, const std::string& why) {
  const auto it = copies_.find(e.trial);
  if (it == copies_.end() || it->second.attempt.number != e.attempt) return;
  pool_->send(it->second.attempt.parts.front().agent, Fence{{spec_.name, e.trial, e.attempt}, why});
  copies_.erase(it);
}

/// It is the trial's attempt from here on; if it is not there any more, that attempt is lost.
void PoolExecutor::take_place(const Launch& launch) {
  auto node = copies_.extract(launch.trial);
  if (!node || node.mapped().attempt.number != launch.attempt) {
    Attempt gone;
    gone.number = launch.attempt;
    return end_lost(launch.trial, gone, "the copy that was to go on as this attempt has ended");
  }
  auto& [attempt, did] = node.mapped();
  std::move(did.begin(), did.end(), std::back_inserter(seen_));
  if (attempt.parts.front().over) over_[launch.trial] = attempt.number;
  else add(launch.trial, std::move(attempt));
}

PoolExecutor::Copy* PoolExecutor::copy_of(TrialId trial, int attempt, const std::string& agent) {
  const auto it = copies_.find(trial);
  const bool its = it != copies_.end() && it->second.attempt.number == attempt && it->second.attempt.parts.front().agent == agent;
  return its ? &it->second : nullptr;
}

std::optional<Observation> PoolExecutor::judge_copy(TrialId trial, Copy& copy, Observation what) {
  Part& part = copy.attempt.parts.front();
  if (part.over) return std::nullopt;
  if (auto* started = std::get_if<Started>(&what)) {
    if (std::exchange(part.started, true)) return std::nullopt;
    started->worker = agents_.at(part.agent).worker;
  }
  const auto* ended = std::get_if<Exited>(&what);
  const auto beside = attempts_.find(trial);
  const bool first = ended && ended->cause == Cause::done && beside != attempts_.end() && !beside->second.asked;
  if (ended && !first) {
    CopyExited over{trial, copy.attempt.number, ended->cause, ended->text};
    copies_.erase(trial);
    return over;
  }
  copy.did.push_back(std::move(what));
  if (first) {
    part.over = true;
    overtake(trial, part.agent);
  }
  return std::nullopt;
}

/// The attempt itself ends: its copy, with this agent, was first.
void PoolExecutor::overtake(TrialId trial, const std::string& agent) {
  const std::string why = "its copy on worker " + std::to_string(agents_.at(agent).worker.value) + " ended first";
  call_off(trial, {});
  const Attempt attempt = remove(trial);
  for (const auto& part : attempt.parts)
    if (!part.over) pool_->send(part.agent, Fence{{spec_.name, trial, attempt.number}, why});
  over_[trial] = attempt.number;
  given_up_.insert({trial, attempt.number});
  Exited overtaken;
  overtaken.trial = trial, overtaken.attempt = attempt.number, overtaken.cause = Cause::overtaken, overtaken.text = why;
  seen_.push_back(std::move(overtaken));
}

/// The agent is back, and has these attempts.
void PoolExecutor::meet_copies(const std::string& agent, const std::set<std::pair<TrialId, int>>& held) {
  std::vector<TrialId> dropped;
  for (const auto& [trial, copy] : copies_) {
    const Part& part = copy.attempt.parts.front();
    if (part.agent != agent || part.over || held.contains({trial, copy.attempt.number})) continue;
    if (part.started) dropped.push_back(trial);
    else say_all(copy.attempt, part);
  }
  for (const auto trial : dropped) lose_copy(trial, "its agent knows nothing of it");
}

void PoolExecutor::lose_copy(TrialId trial, const std::string& why) {
  seen_.push_back(CopyExited{trial, copies_.at(trial).attempt.number, Cause::lost, why});
  copies_.erase(trial);
}

void PoolExecutor::lose_copies(const std::string& agent, const std::string& why) {
  std::vector<TrialId> lost;
  for (const auto& [trial, copy] : copies_)
    if (const Part& part = copy.attempt.parts.front(); part.agent == agent && !part.over) lost.push_back(trial);
  for (const auto trial : lost) lose_copy(trial, why);
}

}  // namespace tune
