// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <vector>

#include "schedulers/ladder.hpp"
#include "schedulers/progression.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct AshaOptions {
  bool promote = true;                   ///< Pause at rungs and resume the best; else stop all but the best.
  std::int64_t min_step = 1;             ///< The first rung.
  std::optional<std::int64_t> max_step;  ///< Where a trial is complete; absent: where it ends by itself.
  double eta = 3;
  int brackets = 1;
  bool progressive = false;  ///< More rungs only as they are needed (detail::Progression): promote, one bracket, no max_step.
};

/// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020).
/// Rungs stand at min_step * eta^k. The first report at or past a rung settles it: the trial is recorded there and may
/// go on if it is among the best floor(n / eta) of the n recorded so far, ties to the older trial, NaN last.
///
/// Promote: a trial that may not go on is paused, and resumed as soon as later results put it among the best;
/// promotions are delayed (detail::Level::has_room) while new trials could be started instead. A trial that fails keeps
/// its place at the rungs it crossed but is not promoted. Stop: it is stopped for good, but the best one always goes
/// on.
///
/// Progressive: at the last rung in use a trial is always paused; it may go on once there is one more.
///
/// Bracket b begins at rung b; a new trial draws its bracket by the work that each should get (MOBSTER, Klein et al.
/// 2020, appendix A). learn, verdict: what detail::RungRanking costs for a crossing, O(1) else. plan: O(rungs).
class Asha final : public Scheduler {
 public:
  Asha(const Spec& spec, const AshaOptions& options);
  /// With rungs at these steps, rising, whatever min_step is.
  Asha(const Spec& spec, const AshaOptions& options, const std::vector<std::int64_t>& steps);
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override;

 private:
  using Entry = detail::Level::Entry;
  using Climber = detail::Ladder::Climber;
  int bracket_of_start(std::int64_t start) const;
  std::string told(const Rung&, std::int64_t quota) const;
  void progress(const History&, const Record&, const detail::Ladder::Change&);
  /// The last rung that is in use has the trial.
  bool is_last_for_now(int rung) const { return progression_ && rung + 1 >= progression_->rungs(); }

  AshaOptions options_;
  std::uint64_t seed_;
  detail::Ladder ladder_;
  std::optional<detail::Progression> progression_;
  std::vector<double> shares_;  // Cumulated, by bracket.
  std::int64_t starts_ = 0;
  int next_bracket_ = 0;  // Of the next start.
};

SchedulerEntry asha();

}  // namespace tune
