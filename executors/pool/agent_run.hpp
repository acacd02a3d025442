// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "executors/pool/household.hpp"
#include "executors/pool/line_supplies.hpp"
#include "executors/pool/messages.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What an agent has of one experiment: a household for its trials, and all that happened there which the coordinator has
/// not acknowledged yet. Used by the agent's thread only.
struct AgentRun {
  using Attempt = std::pair<TrialId, int>;
  static constexpr double kDoubt = 0.5;  ///< Seconds.
  struct End {
    Exited exited;
    Time at;
    double seen = 0;  ///< CLOCK_BOOTTIME.
  };

  /// How many facts of the experiment were numbered so far; it goes on if the experiment is forgotten and comes again.
  explicit AgentRun(std::int64_t& numbered_so_far) : numbered(numbered_so_far) {}
  ~AgentRun() {
    if (supplies) supplies->give_up();  // Before the household goes, which may be waiting for it.
  }
  AgentRun(const AgentRun&) = delete;
  AgentRun& operator=(const AgentRun&) = delete;

  /// Until it is acknowledged; the end of an attempt that was killed after its lease had ended is told as lost.
  void keep(Observation, Time at);

  /// Facts up to `seq` are durable with the coordinator, or count for nothing: forgets them, and tells the household which reports.
  /// When one of them was said that stands for a beat, if that is answered by it.
  std::optional<double> acknowledged(std::int64_t seq);

  /// What was not said on this connection yet, in messages of moderate size. Empty while the coordinator does not have it open.
  std::vector<Happened> to_say(double now);

  /// Takes out the ends that are to be told. One by SIGTERM or SIGKILL waits for kDoubt: what ends an agent (an engine, a person)
  /// often signals its trials too, and the agent's own signal may come last. If it kills the agent, nothing is told of them, and
  /// they are lost with it. `leaving`: why the agent ends its trials, if it does; then such an end is no fault of the trial.
  std::vector<End> clear_ends(double now, const std::string* leaving);

  bool is_idle() const { return attempts.empty(); }
  bool has_trials() const { return attempts.size() > ended; }  ///< That live.

  std::int64_t& numbered;
  Opening opening;
  Spec spec;
  std::string logs;                        ///< Folder of its trials' logs, where the coordinator cannot read them; empty: it can.
  std::shared_ptr<LineSupplies> supplies;  ///< Null: what its trials are given stands where the config says.
  std::string unseen;                      ///< Why it takes no trials here; empty: it does.
  std::unique_ptr<Household> household;
  std::set<Attempt> attempts;              ///< Whose end was not acknowledged.
  std::set<Attempt> cut_off;               ///< Those of them whose lease ended.
  std::deque<End> ends;                    ///< Not told yet, oldest first.
  std::size_t ended = 0;                   ///< How many of them are known to have ended.
  std::deque<Record> unsaid;               ///< Not acknowledged, oldest first.
  std::int64_t said = 0;                   ///< On this connection, up to here.
  std::int64_t ever_said = 0;              ///< On any.
  std::int64_t awaited = 0;                ///< Said for the first time at `awaited_at`, on this connection, and not acknowledged; 0: none.
  double awaited_at = 0;                   ///< What was said before does not tell when the coordinator heard it.
  bool open = false;                       ///< The coordinator opened it on this connection.
  double covered = 0;                      ///< When the last beat (or what stands for one) was sent that it answered while it had this open.
  bool expired = false;
};

}  // namespace tune
