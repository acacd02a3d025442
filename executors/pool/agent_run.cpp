// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/agent_run.hpp"

#include <algorithm>
#include <csignal>

namespace tune {
namespace {

constexpr std::size_t kMostAtOnce = 256;  // Facts a message.

/// By somebody else, as one ends whatever runs on a machine; or a shell says so of what it ran.
bool is_killed(const Exited& exited) {
  for (const int signal : {SIGTERM, SIGKILL})
    if ((exited.cause == Cause::signal && exited.signal == signal) || (exited.cause == Cause::exit && exited.exit_code == 128 + signal)) return true;
  return false;
}

}  // namespace

void AgentRun::keep(Observation observation, Time at) {
  if (auto* exited = std::get_if<Exited>(&observation)) {
    ended += attempts.count({exited->trial, exited->attempt});
    // Who was killed then was killed by our guard, whatever else the kernel killed meanwhile.
    const bool lease_ended = cut_off.contains({exited->trial, exited->attempt});
    if (lease_ended && exited->signal == SIGKILL && (exited->cause == Cause::signal || exited->cause == Cause::oom))
      exited->cause = Cause::lost, exited->text = "its lease ended while its agent was stopped";
  }
  unsaid.push_back({++numbered, at, 0, std::move(observation)});
  household->unsaid(unsaid.size());
}

std::optional<double> AgentRun::acknowledged(std::int64_t seq) {
  std::vector<Observation> reports;
  while (!unsaid.empty() && unsaid.front().seq <= seq) {
    const auto& observation = *unsaid.front().observation();
    if (const auto* exited = std::get_if<Exited>(&observation)) ended -= attempts.erase({exited->trial, exited->attempt});
    if (std::holds_alternative<Reported>(observation)) reports.push_back(observation);
    unsaid.pop_front();
  }
  household->unsaid(unsaid.size());
  if (!reports.empty())
    household->ask([reports = std::move(reports)](TrialHost& host) {
      for (const auto& report : reports) host.acknowledge(report);
    });
  if (awaited == 0 || seq < awaited) return std::nullopt;
  awaited = 0;
  return awaited_at;
}

std::vector<Happened> AgentRun::to_say(double now) {
  std::vector<Happened> messages;
  if (!open || unsaid.empty()) return messages;
  const auto first = unsaid.front().seq;
  auto next = unsaid.begin() + static_cast<std::ptrdiff_t>(said < first ? 0 : said - first + 1);
  while (next != unsaid.end()) {
    const auto count = std::min(static_cast<std::size_t>(unsaid.end() - next), kMostAtOnce);
    const auto last = next + static_cast<std::ptrdiff_t>(count);
    messages.push_back({opening.experiment, {next, last}});
    next = last;
  }
  said = unsaid.back().seq;
  if (said > ever_said && awaited == 0) awaited = said, awaited_at = now;
  ever_said = std::max(ever_said, said);
  return messages;
}

std::vector<AgentRun::End> AgentRun::clear_ends(double now, const std::string* leaving) {
  std::vector<End> clear;
  std::deque<End> doubtful;
  for (auto& end : ends) {
    auto& exited = end.exited;
    const bool killed = is_killed(exited);
    if (killed && leaving) exited.cause = Cause::preempted, exited.text = *leaving;
    if (killed && !leaving && now < end.seen + kDoubt) doubtful.push_back(std::move(end));
    else clear.push_back(std::move(end));
  }
  ends = std::move(doubtful);
  return clear;
}

}  // namespace tune
