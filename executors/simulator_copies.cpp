// SPDX-License-Identifier: Apache-2.0
// Simulated copies of attempts (Speculate): what one does is told when it takes its attempt's place, all at once.
#include <algorithm>

#include "executors/simulator.hpp"

namespace tune {

void Simulator::begin_copy(const Speculate& s, const History& history) {
  if (copies_.contains(s.trial) || newest(s.trial) >= s.attempt) return;
  Launch l;
  l.trial = s.trial, l.attempt = s.attempt, l.ranks = s.ranks, l.from = s.from;
  Attempt& a = copies_[s.trial];
  prepare(a, l, history);
  a.copy = true;
  const auto beside = attempts_.find(s.trial);
  const bool there = beside != attempts_.end() && beside->second.phase != Phase::over;
  if (there && workers_[a.workers.front()].up) return begin(s.trial, a);
  out_.push_back(CopyExited{s.trial, s.attempt, Cause::refused, there ? "its worker is lost" : "the attempt beside it has ended"});
  copies_.erase(s.trial);
}

void Simulator::take_place(const Launch& l) {
  auto node = copies_.extract(l.trial);
  if (!node || node.mapped().number != l.attempt) {
    Exited gone;
    gone.trial = l.trial, gone.attempt = l.attempt, gone.cause = Cause::lost;
    gone.text = "the copy that was to go on as this attempt has ended";
    out_.push_back(std::move(gone));
    return;
  }
  Attempt& a = node.mapped();
  a.copy = false;
  auto did = std::exchange(a.did, {});
  std::move(did.begin(), did.end(), std::back_inserter(out_));
  if (a.phase != Phase::over) attempts_.insert_or_assign(l.trial, std::move(a));
}

/// With it, if it is the first of both to come to its end, the attempt itself.
void Simulator::end_copy(TrialId trial, Attempt& a, Exited e) {
  const auto workers = a.workers;
  const auto beside = attempts_.find(trial);
  const bool first = e.cause == Cause::done && beside != attempts_.end() && beside->second.phase != Phase::over && !beside->second.asked;
  give_back_slots(a);
  if (first) {
    a.did.push_back(std::move(e));
    a.phase = Phase::over;
    end(trial, beside->second, Cause::overtaken);
  } else {
    out_.push_back(CopyExited{trial, e.attempt, e.cause, e.text});
    copies_.erase(trial);
  }
  for (const auto worker : workers) begin_next(worker);
}

/// Nobody wants it any more; nothing is said of it.
void Simulator::forget_copy(TrialId trial) {
  const auto node = copies_.extract(trial);
  if (node.mapped().phase == Phase::over) return;
  give_back_slots(node.mapped());
  for (const auto worker : node.mapped().workers) begin_next(worker);
}

void Simulator::lose_copies(std::size_t worker) {
  std::vector<TrialId> lost;
  for (const auto& [trial, a] : copies_)
    if (a.phase != Phase::over && a.workers.front() == worker) lost.push_back(trial);
  std::sort(lost.begin(), lost.end());
  for (const TrialId trial : lost) end(trial, copies_.at(trial), Cause::lost);
}

}  // namespace tune
