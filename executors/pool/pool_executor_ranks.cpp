// SPDX-License-Identifier: Apache-2.0
// Trials whose ranks live with several agents: all of these keep room for them or none does, then all start; what ends one part
// ends the others.
#include <algorithm>

#include "executors/link/host_name.hpp"
#include "executors/pool/pool_executor.hpp"
#include "executors/pool/pool_options.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

constexpr double kGather = 10;  // Seconds in which all agents have to answer.
constexpr double kAgain = 1;    // Until they are asked again, where one had no room: others use it, too.

/// Which end says more of how the whole ended. Ranks fail when others leave them, often before we hear of those.
int weight(const Exited& end) {
  if (end.cause == Cause::gang || end.cause == Cause::done) return 0;
  return is_blameless(end.cause) ? 2 : 1;
}

}  // namespace

/// Ranks that live with one agent follow one another. Empty: one of the workers is not known.
std::vector<PoolExecutor::Part> PoolExecutor::parts_of(const std::vector<Seat>& seats) const {
  std::vector<Part> parts;
  for (std::size_t rank = 0; rank < seats.size(); ++rank) {
    const auto* agent = agent_of(seats[rank].worker);
    if (!agent) return {};
    if (parts.empty() || parts.back().agent != *agent) parts.push_back({*agent, static_cast<int>(rank), 0, {}, false, false, {}});
    ++parts.back().ranks;
  }
  return parts;
}

// --- gathering ----------------------------------------------------------------------------------------------------------

void PoolExecutor::gather(TrialId trial) {
  auto& attempt = attempts_.at(trial);
  for (auto& part : attempt.parts) {
    part.reserved.reset();
    pool_->send(part.agent, Reserve{spec_.name, attempt.round, part.lease->fact});
  }
  gathering_[trial] = now() + Duration{kGather};
}

/// Nothing is kept for it any more, until it gathers `again`.
void PoolExecutor::call_off(TrialId trial, std::optional<Time> again) {
  if (gathering_.erase(trial) == 0) return;
  let_go(trial);
  if (again) gathering_[trial] = *again;
}

void PoolExecutor::let_go(TrialId trial) {
  auto& attempt = attempts_.at(trial);
  ++attempt.round;  // What still comes was granted before they let go.
  for (auto& part : attempt.parts) {
    part.reserved.reset();
    pool_->send(part.agent, Fence{{spec_.name, trial, attempt.number}, "its ranks do not start now"});
  }
}

/// One of its agents got its order from a coordinator that was killed before it could say so; the others may not have.
void PoolExecutor::lose_begun(TrialId trial) {
  let_go(trial);
  end_lost(trial, remove(trial), "tune ended while its ranks started");
}

void PoolExecutor::take(Pool::Answered answered) {
  const auto& [agent, reserved] = answered;
  const TrialId trial = reserved.attempt.trial;
  const auto it = attempts_.find(trial);
  if (it == attempts_.end() || it->second.number != reserved.attempt.attempt || !gathering_.contains(trial)) return;
  auto& attempt = it->second;
  auto* part = part_of(attempt, agent);
  if (!part || reserved.round != attempt.round) return;
  if (reserved.begun) return lose_begun(trial);
  if (!reserved.granted || reserved.port == 0) return call_off(trial, now() + Duration{kAgain});
  part->reserved = std::move(answered.reserved);
  const bool all = std::all_of(attempt.parts.begin(), attempt.parts.end(), [](const Part& one) { return one.reserved.has_value(); });
  if (all) meet(trial, attempt);
}

/// All have room: they are told where they meet, and start.
void PoolExecutor::meet(TrialId trial, Attempt& attempt) {
  gathering_.erase(trial);
  RanksPlan plan;
  plan.world = 0;
  plan.nodes = static_cast<int>(attempt.parts.size());
  plan.address = attempt.parts.front().reserved->address;
  plan.port = attempt.parts.front().reserved->port;
  // One that dials us within this machine is found by others under our own name.
  if (const auto ours = split_address(pool_->address()); ours && is_loopback(plan.address)) plan.address = ours->host;
  for (const auto& part : attempt.parts) {
    plan.hosts.push_back({part.reserved->host, part.ranks});
    plan.world += part.ranks;
  }
  attempt.ordered = true;
  starting_[trial] = now() + start_timeout(spec_);
  for (auto& part : attempt.parts) {
    plan.first = part.first, plan.count = part.ranks;
    part.lease->ranks = plan;
    part.reserved.reset();
    say_all(attempt, part);
    ++plan.node;
  }
}

void PoolExecutor::gather_in_time() {
  std::vector<TrialId> due;
  for (const auto& [trial, at] : gathering_)
    if (at <= now()) due.push_back(trial);
  for (const auto trial : due) {
    const auto& parts = attempts_.at(trial).parts;
    const bool asked = std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.reserved.has_value(); });
    asked ? call_off(trial, now() + Duration{kAgain}) : gather(trial);
  }
}

/// An agent that had room and never says that its ranks started would hold the others for ever: it is as good as lost to them.
void PoolExecutor::start_in_time() {
  std::vector<std::pair<TrialId, std::string>> silent;
  for (auto it = starting_.begin(); it != starting_.end();) {
    const auto& parts = attempts_.at(it->first).parts;
    const bool due = it->second <= now();
    for (const auto& part : parts)
      if (due && !part.started && !part.over) silent.emplace_back(it->first, part.agent);
    const bool all = std::all_of(parts.begin(), parts.end(), [](const Part& part) { return part.started || part.over; });
    it = due || all ? starting_.erase(it) : std::next(it);
  }
  for (const auto& [trial, agent] : silent) {
    const auto it = attempts_.find(trial);
    if (it == attempts_.end()) continue;
    const std::string why = "its agent did not start its ranks within executor.start_timeout (" + to_text(start_timeout(spec_)) + ")";
    pool_->send(agent, Fence{{spec_.name, trial, it->second.number}, why});
    lose_part(trial, agent, why);
  }
}

// --- ending -------------------------------------------------------------------------------------------------------------

/// How the attempt ended, once nothing of it lives: as the first part did that was lost, or that failed, else as the first rank's.
std::optional<Exited> PoolExecutor::end_part(TrialId trial, Attempt& attempt, Part& part, Exited end) {
  part.over = true;
  if (weight(end) > 0 && !attempt.asked && (!attempt.end || weight(*attempt.end) == 0))
    end_others(trial, attempt, "rank " + std::to_string(end.first_rank) + " ended: " + std::string{to_text(end.cause)});
  if (!attempt.end) {
    attempt.end = std::move(end);
  } else {
    Exited& whole = *attempt.end;
    const Usage sum{std::max(whole.usage.seconds, end.usage.seconds), whole.usage.cpu_seconds + end.usage.cpu_seconds,
                    whole.usage.peak_memory_bytes + end.usage.peak_memory_bytes};
    const auto reports = std::max(whole.last_seq, end.last_seq);  // Only the first rank has any.
    if (weight(end) > weight(whole) || (weight(end) == weight(whole) && weight(end) == 0 && part.first == 0)) whole = std::move(end);
    whole.usage = sum, whole.last_seq = reports;
  }
  if (std::any_of(attempt.parts.begin(), attempt.parts.end(), [](const Part& one) { return !one.over; })) return std::nullopt;
  Exited whole = *attempt.end;
  over_[trial] = attempt.number;
  if (attempt.lost) given_up_.insert({trial, attempt.number});
  remove(trial);
  return whole;
}

void PoolExecutor::end_others(TrialId trial, const Attempt& attempt, const std::string& why) {
  for (const auto& part : attempt.parts)
    if (!part.over) pool_->send(part.agent, EndRanks{{spec_.name, trial, attempt.number}, why});
}

/// Nobody will say how this part ended.
void PoolExecutor::lose_part(TrialId trial, const std::string& agent, const std::string& why) {
  Attempt& attempt = attempts_.at(trial);
  if (attempt.parts.size() == 1 || !attempt.ordered) {
    call_off(trial, {});
    return end_lost(trial, remove(trial), why);
  }
  Part& part = *part_of(attempt, agent);
  if (part.over) return;
  attempt.lost = true;
  Exited lost;
  lost.trial = trial, lost.attempt = attempt.number, lost.cause = Cause::lost, lost.first_rank = part.first, lost.text = why;
  if (auto whole = end_part(trial, attempt, part, std::move(lost))) seen_.push_back(std::move(*whole));
}

}  // namespace tune
