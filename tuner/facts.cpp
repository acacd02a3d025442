// SPDX-License-Identifier: Apache-2.0
#include "tuner/facts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tune {
namespace {

constexpr std::array<std::string_view, 9> kStates = {"queued",  "leased", "running",    "paused",   "complete",
                                                     "stopped", "failed", "infeasible", "cancelled"};
constexpr std::array<std::string_view, 21> kCauses = {
    "done", "paused", "stopped", "exploited", "cancelled", "shutdown", "preempted", "lost", "refused", "disk", "overtaken",
    "exit", "signal", "oom",     "timeout",   "silence",   "exec",     "gang",      "nan",  "no-metric", "infeasible"};
// In the order of the variants.
constexpr std::array<std::string_view, std::variant_size_v<Observation>> kObservations = {
    "Configured", "Opened",       "Imported",       "Requested", "Annotated", "WorkerJoined", "WorkerChanged",
    "WorkerLost", "AllocationChanged", "Started",   "Announced", "Reported",  "Checkpointed", "CheckpointLost",
    "Updated",    "Exited",       "Fenced",         "Collected", "Warned",    "TimePassed",
    "Supplied",   "CopyExited"};
constexpr std::array<std::string_view, std::variant_size_v<Decision>> kDecisions = {
    "Propose", "Launch", "Extend", "Pause", "Stop", "Exploit", "Update",
    "Resize",  "Retry",  "Settle", "Allocate", "Release", "Collect", "Finish",
    "Speculate", "EndCopy"};

template <class E>
std::optional<E> find(const auto& names, std::string_view text) {
  const auto it = std::find(names.begin(), names.end(), text);
  return it == names.end() ? std::nullopt : std::optional{static_cast<E>(it - names.begin())};
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

std::string_view to_text(TrialState s) { return kStates[static_cast<std::size_t>(s)]; }
std::optional<TrialState> trial_state(std::string_view text) { return find<TrialState>(kStates, text); }
std::string_view to_text(Cause c) { return kCauses[static_cast<std::size_t>(c)]; }
std::optional<Cause> cause(std::string_view text) { return find<Cause>(kCauses, text); }

std::string_view to_text(Form form) {
  switch (form) {
    case Form::fresh: return "fresh";
    case Form::resume: return "resume";
    case Form::restart: return "restart";
  }
  return "fresh";
}

bool Rung::operator==(const Rung& o) const {
  return bracket == o.bracket && rung == o.rung && step == o.step && same(value, o.value) && rank == o.rank &&
         of == o.of && same(cut, o.cut);
}

bool Settle::operator==(const Settle& o) const {
  return trial == o.trial && state == o.state && cause == o.cause && feasible == o.feasible && at_step == o.at_step &&
         std::equal(values.begin(), values.end(), o.values.begin(), o.values.end(), same);
}

std::string_view kind(const Record& record) {
  if (const auto* o = record.observation()) return kObservations[o->index()];
  return kDecisions[record.decided()->what.index()];
}

std::optional<TrialId> trial_of(const Record& record) {
  const auto of = [](const auto& fact) -> std::optional<TrialId> {
    if constexpr (requires { fact.trial; })
      return std::optional<TrialId>{fact.trial};
    else
      return std::nullopt;
  };
  return record.observation() ? std::visit(of, *record.observation()) : std::visit(of, record.decided()->what);
}

}  // namespace tune
